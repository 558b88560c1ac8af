//! A replay as it was read: the base day and its variants, with everything resolved to times and figures.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;

use super::deserialize::Text;
use super::document::VariantDoc;
use super::events::Event;
use super::expectation::Expectations;
use super::gaps::Gap;
use super::logs::LogLines;
use super::marks;
use super::metrics::Metric;
use super::names;
use super::provenance::Figure;
use super::read;
use super::shaken::LooseFigure;
use super::times::{Calendar, Point};
use super::tree::Node;
use crate::labels::Labels;
use crate::store::{LineTooLong, LogStore};
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

/// A replay file: what happened, and the same day with something else.
#[derive(Clone, Debug)]
pub struct Replay {
    pub source: Source,
    pub title: String,
    /// The documents that tell of it, relative to the file.
    pub documents: Vec<Text>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub rules: Vec<RuleFile>,
    pub dialect: Dialect,
    pub loki: Loki,
    pub external_labels: Labels,
    /// How often rules are evaluated where their group does not say.
    pub interval: Duration,
    /// What is odd in it and no error.
    pub warnings: Vec<Diagnostic>,
    /// What `--shake` may flip on any of its days.
    pub accept: Vec<Accept>,
    /// The file as it was read, to read a day of it again.
    pub(super) written: Arc<Written>,
    /// The base day, then the variants in the order of the file.
    pub(super) days: Vec<Arc<Day>>,
}

/// A replay before any day of it is resolved.
#[derive(Debug)]
pub(super) struct Written {
    pub tree: Node,
    pub base_dir: PathBuf,
    /// Of recorded files.
    pub max_file_bytes: u64,
    pub variants: Vec<(Text, VariantDoc)>,
}

/// A flip of verdicts that a replay puts up with when it is shaken.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The figure, or what has many of them: `spans.stuck`, `missed scrapes`.
    pub name: Text,
    pub reason: Text,
}

/// A rule file under test.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Relative to the folder of the replay, joined with it.
    pub path: PathBuf,
    pub written: Text,
}

/// How Loki evaluates rules in LogQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loki {
    /// How often, where their group does not say.
    pub interval: Duration,
    /// Whether PromQL can read what they record.
    pub remote_write: bool,
}

/// The language of the incident's own rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[default]
    PromQl,
    /// VictoriaMetrics; its rules are run as PromQL, which the report says.
    MetricsQl,
}

impl Replay {
    /// The base day and all variants.
    pub fn days(&self) -> impl ExactSizeIterator<Item = &Arc<Day>> {
        self.days.iter()
    }

    /// The base day, or a variant by its name.
    ///
    /// # Errors
    /// A name that no variant has.
    pub fn variant(&self, name: Option<&str>) -> Result<Arc<Day>, Vec<Diagnostic>> {
        if let Some(day) = self.days.iter().find(|day| day.name.as_deref() == name) {
            return Ok(day.clone());
        }
        let name = name.unwrap_or_default();
        let known: Vec<&str> = self.days.iter().filter_map(|day| day.name.as_deref()).collect();
        let help = names::hint(name, "the variants are", known.iter().copied());
        Err(vec![Diagnostic::error(format!("{}: no variant `{name}`", self.source.name())).help(help)])
    }
}

/// One day of a replay: the base, or a variant.
#[derive(Clone, Debug)]
pub struct Day {
    pub source: Source,
    /// `None` for the base.
    pub name: Option<String>,
    pub title: String,
    pub calendar: Calendar,
    pub interval: Duration,
    pub external_labels: Labels,
    pub targets: Vec<Target>,
    pub spans: Vec<TimeSpan>,
    pub events: Vec<Event>,
    pub metrics: Vec<Metric>,
    pub gaps: Vec<Gap>,
    pub logs: Vec<LogStream>,
    /// The lines of all streams, once somebody has asked for them.
    pub(super) lines: OnceLock<Result<Arc<LogStore>, LineTooLong>>,
    /// For how long it is left out.
    pub skip: Option<Skip>,
    /// The figures that could as well be others.
    pub loose: Vec<LooseFigure>,
    /// What `--shake` may flip on this day alone.
    pub accept: Vec<Accept>,
    /// What alerting did that day.
    pub happened: Option<Expectations>,
    /// What today's rules must do.
    pub expect: Option<Expectations>,
}

impl Day {
    pub fn start(&self) -> Timestamp {
        self.calendar.start
    }

    pub fn end(&self) -> Timestamp {
        self.calendar.end
    }

    pub fn span(&self, name: &str) -> Option<&TimeSpan> {
        self.spans.iter().find(|span| span.name == name)
    }

    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }

    /// Whether the series and the streams that rules read are the same as those of another day, as far as figures tell.
    pub fn has_input_of(
        &self,
        other: &Day,
        reads_series: &dyn Fn(&Labels) -> bool,
        reads_stream: &dyn Fn(&Labels) -> bool,
    ) -> bool {
        self.has_series_of(other, reads_series) && self.has_lines_of(other, reads_stream)
    }

    fn has_series_of(&self, other: &Day, is_read: &dyn Fn(&Labels) -> bool) -> bool {
        let read = |day: &Day| -> Vec<usize> {
            (0..day.metrics.len()).filter(|at| read::series_of(&day.metrics[*at]).iter().any(is_read)).collect()
        };
        let (mine, theirs) = (read(self), read(other));
        let same_gap = |(a, b): (&Gap, &Gap)| (a.from, a.to, a.target, &a.kind) == (b.from, b.to, b.target, &b.kind);
        mine == theirs
            && mine.iter().all(|at| self.metrics[*at].has_values_of(&other.metrics[*at]))
            && self.gaps.len() == other.gaps.len()
            && self.gaps.iter().zip(&other.gaps).all(same_gap)
    }

    /// The time of `"15:09:00"`, of a full date, or of a mark such as `stuck.from + 20m` or `attempt.first`.
    ///
    /// # Errors
    /// What is no time, lies outside of the replay, or names what does not exist; without a place.
    pub fn time_of(&self, written: &str) -> Result<Timestamp, Diagnostic> {
        let text = Text { text: written.to_owned(), span: Span::default(), plain: false };
        self.time(&text).map_err(|problem| Diagnostic { place: None, ..problem })
    }

    /// The time of a text of this replay. Errors carry their place.
    pub fn time(&self, text: &Text) -> Result<Timestamp, Diagnostic> {
        let place = |problem: Diagnostic| problem.at(&self.source, text.span);
        match self.calendar.point(text).map_err(place)? {
            Point::Time(time) => Ok(time),
            Point::Mark { name, offset } => {
                let known = marks::Known { calendar: self.calendar, spans: &self.spans, events: &self.events };
                let time = known.mark(&name).map_err(place)?;
                self.calendar.inside(time + offset).map_err(place)
            }
        }
    }
}

/// Until when a day is left out, and why.
#[derive(Clone, Debug)]
pub struct Skip {
    pub reason: String,
    /// The last day, in UTC.
    pub until: NaiveDate,
    pub place: Span,
}

/// What is scraped.
#[derive(Clone, Debug)]
pub struct Target {
    pub name: String,
    pub labels: Labels,
    /// From scrape to scrape.
    pub scrape: Duration,
    /// The first scrape, after the start of the replay.
    pub phase: Duration,
    /// Its samples come without being scraped: no `up`, no stale markers.
    pub pushed: bool,
    pub place: Span,
}

impl Target {
    /// The labels of a series of its `/metrics` as a scrape stores them.
    pub fn exposes(&self, own: &Labels) -> Labels {
        super::metrics::join(own, &self.labels)
    }

    /// What exposes series that no scrape found, but a recording has.
    pub fn none() -> Target {
        Target {
            name: String::new(),
            labels: Labels::empty(),
            scrape: Duration::ZERO,
            phase: Duration::ZERO,
            pushed: false,
            place: Span::default(),
        }
    }

    /// How many scrapes there are in a replay.
    pub fn scrapes(&self, calendar: Calendar) -> u64 {
        let room = calendar.end - calendar.start - self.phase;
        if room < Duration::ZERO || self.scrape <= Duration::ZERO {
            return 0;
        }
        (room.0 / self.scrape.0) as u64 + 1
    }

    /// The times of its scrapes.
    pub fn scrape_times(&self, calendar: Calendar) -> impl Iterator<Item = Timestamp> + use<> {
        let (first, step) = (calendar.start + self.phase, self.scrape);
        (0..self.scrapes(calendar)).map(move |n| first + Duration(step.0.saturating_mul(n as i64)))
    }
}

/// A stretch of time with a name, without its last moment.
#[derive(Clone, Debug)]
pub struct TimeSpan {
    pub name: String,
    pub from: Timestamp,
    pub to: Timestamp,
    /// A variant leaves it out: it holds no moment.
    pub left_out: bool,
    pub figure: Option<Figure>,
    pub place: Span,
}

impl TimeSpan {
    pub fn contains(&self, time: Timestamp) -> bool {
        !self.left_out && self.from <= time && time < self.to
    }
}

/// A stream of log lines, or a part of one: what one event writes, or one file holds.
#[derive(Clone, Debug)]
pub struct LogStream {
    pub labels: Labels,
    pub lines: LogLines,
    pub figure: Option<Figure>,
}
