//! Recorded series and lines: what a replay takes from files, moved to its own clock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::deserialize::{Reader, Text};
use super::document::OneOrMany;
use super::document_evidence::{LinesFileDoc, SeriesFileDoc};
use super::model::Target;
use super::names;
use super::times::Calendar;
use super::units;
use crate::labels::{Labels, search_regex};
use crate::recording::{
    Entry, LineOptions, Lines, RecordedSeries, Recording, SeriesOptions, TimePattern, Zone, read_lines, read_series,
    rename,
};
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Nanoseconds, Timestamp};

/// How far back a selector looks for a sample (Prometheus' default).
const LOOKBACK: Duration = Duration(300_000);

/// One recorded series within the replay.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub labels: Labels,
    /// `None` where the series ended.
    pub samples: Vec<(Timestamp, Option<f64>)>,
}

/// Recorded lines within the replay.
#[derive(Clone, Debug)]
pub struct RecordedLines {
    /// In order of time.
    pub entries: Vec<Entry>,
    /// How many of how many lines of the file they are, for people.
    pub share: String,
}

/// A time of the replay, or of a mark; the inner `None` hangs on something that a variant leaves out. What is wrong is noted.
pub type TimeOf<'a> = &'a dyn Fn(&Text) -> Option<Option<Timestamp>>;

/// The files of a replay, each read once for all its variants.
pub struct Files<'a> {
    folder: &'a Path,
    /// A larger file is refused.
    max_bytes: u64,
    series: RefCell<HashMap<String, Arc<Recording>>>,
    lines: RefCell<HashMap<String, Arc<Lines>>>,
}

/// A file's clock beside the replay's.
#[derive(Clone, Copy)]
struct Shift {
    offset: Duration,
    /// Where the first of what is taken comes to stand.
    first_at: Option<Timestamp>,
}

impl Shift {
    /// How much later things are in the replay than in the file, whose first is at `first`.
    fn distance(self, first: Timestamp) -> Duration {
        self.first_at.map_or(self.offset, |at| at - first)
    }

    /// The times of the file that are of interest.
    fn near(self, calendar: Calendar) -> (Timestamp, Timestamp) {
        (calendar.start - self.offset, calendar.end - self.offset)
    }
}

impl<'a> Files<'a> {
    /// Files relative to the folder of the replay, of at most `max_bytes`.
    pub fn new(folder: &'a Path, max_bytes: u64) -> Files<'a> {
        Files { folder, max_bytes, series: RefCell::default(), lines: RefCell::default() }
    }

    /// The series that `wanted` (or the selector or the column of the file) takes from a file. `target` is theirs, where one is
    /// named: it gives what `/metrics` says its labels.
    pub fn series(
        &self,
        doc: &SeriesFileDoc,
        wanted: &Labels,
        target: Option<&Target>,
        (calendar, time): (Calendar, TimeOf<'_>),
        reader: &Reader<'_>,
    ) -> Option<Vec<Recorded>> {
        let shift = shift(doc.offset.as_ref(), doc.first_at.as_ref(), time, reader)?;
        let zone = zone(doc.zone.as_ref(), reader)?;
        let at = match &doc.at {
            Some(at) => Some(time(at)??),
            None => None,
        };
        let pattern = match &doc.time {
            Some(text) => Some(reader.keep(text.span, TimePattern::new(&text.text, zone, None, shift.near(calendar)))?),
            None => None,
        };
        let path = self.folder.join(&doc.file.text);
        let key = format!("{}\n{zone:?} {at:?} {pattern:?}", path.display());
        let known = self.series.borrow().get(&key).cloned();
        let recording = match known {
            Some(recording) => recording,
            None => {
                let options = SeriesOptions { zone, time: pattern, at, max_bytes: self.max_bytes };
                let read = read_series(&path, &options).map_err(|problem| placed(problem, &doc.file, reader));
                let recording = Arc::new(read.map_err(|problem| reader.extend([problem])).ok()?);
                self.series.borrow_mut().insert(key, recording.clone());
                recording
            }
        };
        for warning in &recording.warnings {
            let message = format!("{} came with a warning: {warning}", recording.name);
            reader.warn(doc.file.span, Diagnostic::warning(message).help("ask again for less, and save that answer"));
        }
        let taken = self.select(doc, wanted, &recording, reader)?;
        if let Some(problem) = taken.iter().find_map(|(_, series)| series.problem.clone()) {
            reader.extend([problem]);
            return None;
        }
        let interval = taken.iter().filter_map(|(_, series)| series.interval).max();
        if let Some(interval) = interval {
            // What is pushed comes when it likes.
            let scrape = target.filter(|target| !target.pushed).map(|target| target.scrape);
            sparse(doc, &recording.name, interval, scrape, reader);
        }
        let first = taken.iter().filter_map(|(_, series)| Some(series.samples.first()?.0)).min()?;
        let (_, last) = recording.extent()?;
        let distance = shift.distance(first);
        let moved = taken.into_iter().filter_map(|(labels, series)| {
            let labels = match target {
                Some(target) if doc.at.is_some() => target.exposes(&labels),
                _ => labels,
            };
            let samples = series.with_ends(last).map(|(time, value)| (time + distance, value));
            let samples: Vec<(Timestamp, Option<f64>)> =
                samples.filter(|(time, _)| calendar.inside(*time).is_ok()).collect();
            samples.iter().any(|(_, value)| value.is_some()).then_some(Recorded { labels, samples })
        });
        let moved: Vec<Recorded> = moved.collect();
        if moved.is_empty() {
            let (from, to) = (first + distance, last + distance);
            let problem = Diagnostic::error(format!("no series {} within the replay", wanted.as_metric()));
            let taken_as = recording.taken_as.filter(|_| last < EARLIEST);
            reader.problem(doc.file.span, problem.help(outside(calendar, from, to, taken_as)));
            return None;
        }
        Some(moved)
    }

    /// The series of a file that are meant, with the labels that they get.
    fn select<'r>(
        &self,
        doc: &SeriesFileDoc,
        wanted: &Labels,
        recording: &'r Recording,
        reader: &Reader<'_>,
    ) -> Option<Vec<(Labels, &'r RecordedSeries)>> {
        let mut renames = Vec::new();
        for (from, to) in &doc.rename.0 {
            renames.push((from.text.clone(), to.read(reader)?.text));
        }
        let with_wanted = |labels: &Labels| {
            let mut builder = labels.builder();
            for (name, value) in wanted.iter() {
                builder.set(name, value);
            }
            builder.build()
        };
        let all: Vec<(Labels, &RecordedSeries)> =
            recording.series.iter().map(|series| (rename(&series.labels, &renames), series)).collect();
        let (place, taken): (Span, Vec<(Labels, &RecordedSeries)>) = match (&doc.column, &doc.matching) {
            (Some(column), Some(_)) => {
                let problem = Diagnostic::error("both a `column` and a `match`");
                reader.problem(column.span, problem.help("keep `column` for a table whose headings are no series"));
                return None;
            }
            (Some(column), None) => {
                let headed = |series: &RecordedSeries| series.heading.as_deref() == Some(column.text.as_str());
                let taken = all.iter().filter(|(_, series)| headed(series));
                (column.span, taken.map(|(_, series)| (wanted.clone(), *series)).collect())
            }
            (None, Some(selector)) => {
                let parsed = crate::promql::parse_selector(&selector.text).map_err(|error| {
                    reader.syntax(selector, "not a selector", &error, "write the name and labels: up{job=\"node\"}");
                });
                let matchers = parsed.ok()?.matchers;
                let meets = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
                let taken = all.iter().filter(|(labels, _)| meets(labels));
                (selector.span, taken.map(|(labels, series)| (with_wanted(labels), *series)).collect())
            }
            (None, None) => {
                let meets = |labels: &Labels| wanted.iter().all(|(name, value)| labels.get(name) == value);
                let mut taken: Vec<_> = all.iter().filter(|(labels, _)| meets(labels)).cloned().collect();
                // A table with one column of values, whose heading says no labels: `Value`, `errors`.
                if let ([], [(_, series)]) = (&taken[..], &all[..])
                    && series.heading.as_ref().is_some_and(|heading| !heading.contains('{'))
                {
                    taken.push((wanted.clone(), *series));
                }
                (doc.file.span, taken)
            }
        };
        if taken.is_empty() {
            let what = match (&doc.column, &doc.matching) {
                (Some(column), _) => format!("no column `{}`", column.text),
                (_, Some(selector)) => format!("no series {}", selector.text),
                _ => format!("no series {}", wanted.as_metric()),
            };
            let problem = Diagnostic::error(format!("{what} in {}", recording.name));
            reader.problem(place, problem.help(in_file(doc, &all)));
            return None;
        }
        Some(taken)
    }

    /// The lines of a file that are wanted, those within the replay. Nothing where they hang on something left out.
    pub fn lines(
        &self,
        doc: &LinesFileDoc,
        (calendar, time): (Calendar, TimeOf<'_>),
        reader: &Reader<'_>,
    ) -> Option<RecordedLines> {
        let zone = zone(doc.zone.as_ref(), reader)?;
        let none = || Some(RecordedLines { entries: Vec::new(), share: String::new() });
        let mark = |text: &Option<Text>| match text {
            Some(text) => time(text).map(|time| time.map(Some)),
            None => Some(Some(None)),
        };
        let (Some(first_at), Some(zero), Some(at)) = (mark(&doc.first_at)?, mark(&doc.zero)?, mark(&doc.at)?) else {
            return none();
        };
        let elsewhere = [&doc.time, &doc.zone, &doc.field, &doc.line, &doc.zero, &doc.offset, &doc.first_at];
        if let (Some(_), Some(other)) = (&doc.at, elsewhere.into_iter().flatten().next()) {
            let problem = Diagnostic::error("`at` beside what tells times of lines");
            reader.problem(other.span, problem.help("keep `at` for lines that have no time at all"));
            return None;
        }
        let shift = shift(doc.offset.as_ref(), doc.first_at.as_ref(), &|_| Some(first_at), reader)?;
        let pattern = match &doc.time {
            Some(text) => {
                let pattern = TimePattern::new(&text.text, zone, zero, shift.near(calendar));
                Some(reader.keep(text.span, pattern)?)
            }
            None => None,
        };
        if let (Some(zero), None) = (&doc.zero, &doc.time) {
            let problem = Diagnostic::error("`zero` without `time`");
            reader.problem(zero.span, problem.help("write how seconds stand in the lines: `time: \"[%s%.f]\"`"));
            return None;
        }
        let matching = match &doc.matching {
            Some(text) => {
                let regex = search_regex(&text.text)
                    .map_err(|error| Diagnostic::error(error.to_string()).help("write RE2, as in Prometheus"));
                Some(reader.keep(text.span, regex)?)
            }
            None => None,
        };
        let own = |text: &Option<Text>| text.as_ref().map(|text| text.text.clone());
        let at = at.map(|at| Nanoseconds(at.0.saturating_mul(1_000_000)));
        let (field, line, max_bytes) = (own(&doc.field), own(&doc.line), self.max_bytes);
        let names = doc.metadata.as_ref().map(|OneOrMany(names)| names.iter().map(|name| name.text.clone()).collect());
        let options = LineOptions {
            time: pattern,
            zone,
            field,
            line,
            metadata: names.unwrap_or_default(),
            at,
            matching,
            untimed_objects: false,
            max_bytes,
        };
        let path = self.folder.join(&doc.file.text);
        let key = format!("{}\n{options:?}", path.display());
        let known = self.lines.borrow().get(&key).cloned();
        let lines = match known {
            Some(lines) => lines,
            None => {
                let read = read_lines(&path, &options).map_err(|problem| placed(problem, &doc.file, reader));
                let lines = Arc::new(read.map_err(|problem| reader.extend([problem])).ok()?);
                self.lines.borrow_mut().insert(key, lines.clone());
                lines
            }
        };
        let name = path.display();
        if let Some(remark) = lines.remark(&name.to_string()) {
            reader.warn(doc.file.span, Diagnostic::warning(remark));
        }
        let (Some(first), Some(last)) = (lines.entries.first(), lines.entries.last()) else {
            let (place, what) = match &doc.matching {
                Some(regex) => (regex.span, format!("none of the {} lines of {name} matches", lines.total)),
                None => (doc.file.span, format!("{name} holds no lines")),
            };
            reader.problem(place, Diagnostic::error(what).help("compare it with a line of the file"));
            return None;
        };
        let distance = shift.distance(millisecond(first.time));
        let moved = |time: Nanoseconds| Nanoseconds(time.0.saturating_add(distance.0.saturating_mul(1_000_000)));
        let inside = |entry: &&Entry| calendar.inside(millisecond(moved(entry.time))).is_ok();
        let entries: Vec<Entry> = lines
            .entries
            .iter()
            .filter(inside)
            .map(|entry| Entry { time: moved(entry.time), ..entry.clone() })
            .collect();
        if entries.is_empty() {
            let problem = Diagnostic::error(format!("no line of {name} within the replay"));
            let (from, to) = (millisecond(moved(first.time)), millisecond(moved(last.time)));
            let uptime = doc.time.is_some() && doc.zero.is_none() && millisecond(last.time) < EARLIEST;
            let uptime = uptime.then_some(
                "their seconds were counted from 1970; where they count from the start of a machine, as dmesg prints them, \
                 say when that was: `zero: TIME`",
            );
            reader.problem(doc.file.span, problem.help(outside(calendar, from, to, uptime)));
            return None;
        }
        let share = format!("{}: {} of {} lines", doc.file.text, entries.len(), lines.total);
        Some(RecordedLines { entries, share })
    }
}

/// The millisecond in which a line was written.
pub fn millisecond(time: Nanoseconds) -> Timestamp {
    Timestamp(time.0.div_euclid(1_000_000))
}

/// Files of programs have no earlier times (1973): what says so counts in another unit, or from another zero.
const EARLIEST: Timestamp = Timestamp(100_000_000_000);

/// `taken_as`: what is wrong with the times themselves.
fn outside(calendar: Calendar, from: Timestamp, to: Timestamp, taken_as: Option<&str>) -> String {
    format!(
        "they go from {from} to {to}, and the replay from {} to {}; {}",
        calendar.start,
        calendar.end,
        taken_as.unwrap_or("`offset` or `first_at` moves them")
    )
}

/// What can be taken from a file instead.
fn in_file(doc: &SeriesFileDoc, all: &[(Labels, &RecordedSeries)]) -> String {
    let headed = |series: &RecordedSeries| series.heading.clone();
    let mut known: Vec<String> = match &doc.column {
        Some(_) => all.iter().filter_map(|(_, series)| headed(series)).collect(),
        None => all
            .iter()
            .map(|(labels, series)| match headed(series) {
                Some(heading) if labels.name().is_empty() => heading,
                _ => labels.as_metric(),
            })
            .collect(),
    };
    known.sort();
    known.dedup();
    let more = known.len().saturating_sub(5);
    known.truncate(5);
    let list = names::known("it has", known.iter().map(String::as_str));
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// Says where samples are too far apart, or not as far as scrapes.
fn sparse(doc: &SeriesFileDoc, name: &str, interval: Duration, scrape: Option<Duration>, reader: &Reader<'_>) {
    let message = format!("{name} has a value every {interval}");
    let warning = if interval > LOOKBACK {
        Diagnostic::warning(format!("{message}: a rule sees it for {LOOKBACK}, and then nothing up to the next one"))
            .help("ask again with a step of the scrape interval, or of 5m at most")
    } else {
        match scrape {
            Some(scrape) if interval > scrape => Diagnostic::warning(format!(
                "{message}, and its target is scraped every {scrape}: windows hold fewer samples than they did that day"
            ))
            .help(format!("ask again with a step of {scrape}")),
            Some(scrape) if interval < scrape => Diagnostic::warning(format!(
                "{message}, and its target is scraped every {scrape}: values are there several times over"
            ))
            .help(format!("ask again with a step of {scrape}")),
            _ => return,
        }
    };
    reader.warn(doc.file.span, warning);
}

/// A problem of a file that has no place in it stands where the file is named.
fn placed(problem: Diagnostic, file: &Text, reader: &Reader<'_>) -> Diagnostic {
    if problem.place.is_some() { problem } else { problem.at(reader.source, file.span) }
}

fn zone(text: Option<&Text>, reader: &Reader<'_>) -> Option<Zone> {
    text.map_or(Some(Zone::UTC), |text| reader.keep(text.span, text.text.parse()))
}

/// Reads `offset` and `first_at`, of which at most one may be written.
fn shift(offset: Option<&Text>, first_at: Option<&Text>, time: TimeOf<'_>, reader: &Reader<'_>) -> Option<Shift> {
    if let (Some(_), Some(first_at)) = (offset, first_at) {
        let problem = Diagnostic::error("both an `offset` and `first_at`");
        reader.problem(first_at.span, problem.help("keep one: both say how much later it is in the replay"));
        return None;
    }
    let offset = match offset {
        Some(text) => {
            let (sign, distance) = match text.text.trim().strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, text.text.trim().trim_start_matches('+')),
            };
            Duration(reader.keep(text.span, units::duration(distance))?.0 * sign)
        }
        None => Duration::ZERO,
    };
    let first_at = match first_at {
        Some(text) => time(text)?,
        None => None,
    };
    Some(Shift { offset, first_at })
}
