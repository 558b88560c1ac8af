//! Gaps: where samples are missing, late, or start again.

use super::deserialize::Reader;
use super::document::{GapDoc, WhereDoc};
use super::metrics::target;
use super::model::Day;
use super::names;
use super::provenance::Figure;
use super::spans::figure;
use crate::labels::{Labels, Matcher};
use crate::text::{Diagnostic, Span};
use crate::time::Timestamp;

/// A gap in what one target delivers.
#[derive(Clone, Debug)]
pub struct Gap {
    pub name: Option<String>,
    pub kind: GapKind,
    /// Index among the day's targets.
    pub target: usize,
    /// Only the series that meet all of these; empty for all of the target.
    pub matchers: Vec<Matcher>,
    pub from: Timestamp,
    /// The first moment behind it; equal to `from` for a restart that takes no time.
    pub to: Timestamp,
    /// Its own, and that of its span.
    pub figures: Vec<Figure>,
    pub place: Span,
}

/// What is missing and how it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// `up` is 0; the series end with stale markers.
    Down,
    /// The target is no longer discovered (`up` ends too), or a series is gone.
    Vanished,
    /// `up` stays 1; the series end with stale markers.
    Absent,
    /// Samples arrive when the gap ends.
    Late,
    /// Counters are at 0 from the end of the gap on, and labels of the target change.
    Restart(Labels),
}

impl Gap {
    pub fn covers(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.to
    }

    /// Whether it is about a series.
    pub fn concerns(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)))
    }
}

/// Resolves a gap. The inner `None` is one that a variant leaves out with its span.
pub fn resolve(doc: &GapDoc, place: Span, day: &Day, reader: &Reader<'_>) -> Option<Option<Gap>> {
    let own = figure(reader, "gaps", [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded]);
    let mut figures: Vec<Figure> = own.into_iter().collect();
    let wheres: Vec<(GapKind, &WhereDoc)> = [
        (GapKind::Down, &doc.down),
        (GapKind::Vanished, &doc.vanished),
        (GapKind::Absent, &doc.absent),
        (GapKind::Late, &doc.late),
    ]
    .into_iter()
    .filter_map(|(kind, place)| place.as_ref().map(|place| (kind, place)))
    .collect();
    let (kind, at, matchers) = match (wheres.as_slice(), &doc.restart) {
        ([(kind, place)], None) => {
            let at = target(day, Some(&place.target), place.target.span, reader)?;
            let matchers = match &place.series {
                None => Vec::new(),
                Some(series) => match crate::promql::parse_selector(&series.text) {
                    Ok(selector) => selector.matchers,
                    Err(error) => {
                        reader.syntax(series, "not a selector", &error, "write the name and labels: up{job=\"node\"}");
                        return None;
                    }
                },
            };
            if *kind == GapKind::Down && !matchers.is_empty() {
                reader.problem(
                    place.target.span,
                    Diagnostic::error("a target is down as a whole").help("write `absent` for some of its series"),
                );
                return None;
            }
            (kind.clone(), at, matchers)
        }
        ([], Some(restart)) => {
            let at = target(day, Some(&restart.target), restart.target.span, reader)?;
            let labels: Vec<(String, String)> = restart
                .labels
                .0
                .iter()
                .filter_map(|(name, value)| Some((name.text.clone(), value.read(reader)?.text)))
                .collect();
            (GapKind::Restart(Labels::from_pairs(labels)), at, Vec::new())
        }
        _ => {
            reader
                .problem(place, Diagnostic::error("a gap needs exactly one of down, vanished, absent, late, restart"));
            return None;
        }
    };
    let (from, to) = match (&doc.during, &doc.at) {
        (Some(during), None) => {
            let Some(span) = day.span(&during.text) else {
                let known: Vec<&str> = day.spans.iter().map(|span| span.name.as_str()).collect();
                let problem = Diagnostic::error(format!("unknown span `{}`", during.text));
                reader.problem(
                    during.span,
                    problem.help(names::hint(&during.text, "the spans are", known.iter().copied())),
                );
                return None;
            };
            if span.left_out {
                return Some(None);
            }
            figures.extend(span.figure.clone());
            (span.from, span.to)
        }
        (None, Some(at)) if matches!(kind, GapKind::Restart(_)) => {
            let time = day.time(at).map_err(|problem| reader.extend([problem])).ok()?;
            (time, time)
        }
        _ => {
            let help = "write `during: SPAN`; a restart that takes no time has `at: \"15:09:00\"` instead";
            reader.problem(place, Diagnostic::error("a gap needs its time").help(help));
            return None;
        }
    };
    let name = doc.name.as_ref().map(|name| name.text.clone());
    Some(Some(Gap { name, kind, target: at, matchers, from, to, figures, place }))
}
