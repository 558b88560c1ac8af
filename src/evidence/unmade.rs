//! Stages that name labels and make them of no line: a `regexp` or `pattern` that matches none, fields that none has, a label to rename
//! that is nowhere. Loki goes on with such lines as if nothing had been asked.

use std::collections::BTreeSet;

use super::log_traps::{ENTRIES, Read, Sighting, Trap, TrapKind, beginning, instead, is_of_errors};
use crate::labels::{Labels, group_names};
use crate::logql::ast::{LabelFormat, LabelFormatValue, LogQuery, Stage, StageKind};
use crate::logql::pattern::{self, Part};
use crate::logql::pipeline::{Kept, Pipeline};
use crate::store::{LogEntry, LogStore};
use crate::text::listed;
use crate::time::Nanoseconds;

/// The stages that name labels and to which lines come, each with what these lines show of it.
pub fn stages<'a>(query: &'a LogQuery, logs: &LogStore) -> Vec<(&'a Stage, Sighting)> {
    (0..query.stages.len()).filter_map(|at| Some((&query.stages[at], of_stage(query, at, logs)?))).collect()
}

/// Whether a stage says itself that it makes a label.
pub fn makes(stage: &Stage, name: &str) -> bool {
    names_of(&stage.kind).iter().any(|own| own == name)
}

/// The labels that a stage names to make them.
fn names_of(stage: &StageKind) -> Vec<String> {
    match stage {
        StageKind::Json(extractions) => extractions.iter().map(|extraction| extraction.name.clone()).collect(),
        StageKind::Logfmt(logfmt) => logfmt.extractions.iter().map(|extraction| extraction.name.clone()).collect(),
        StageKind::Regexp(regex) => {
            group_names(regex).unwrap_or_default().into_iter().flatten().map(str::to_owned).collect()
        }
        StageKind::Pattern(text) => {
            let parts = pattern::parse(text).map(|pattern| pattern.parts).unwrap_or_default();
            let names = parts.into_iter().filter_map(|part| match part {
                Part::Capture(name) => name,
                Part::Literal(_) => None,
            });
            names.collect()
        }
        StageKind::LabelFormat(formats) => formats.iter().map(|format| format.name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Runs a stage by itself.
enum Maker<'a> {
    /// On lines without labels, so that all labels are its own.
    Parser(Pipeline),
    /// Behind the stages before it, for it works on their labels.
    Formats(&'a [LabelFormat], Pipeline),
}

impl<'a> Maker<'a> {
    fn new(query: &'a LogQuery, at: usize) -> Option<Maker<'a>> {
        let compiled = |stages: &[Stage]| Pipeline::compile(stages, Nanoseconds::ZERO).ok();
        Some(match &query.stages[at].kind {
            StageKind::LabelFormat(formats) => Maker::Formats(formats, compiled(&query.stages[..=at])?),
            _ => Maker::Parser(compiled(&query.stages[at..=at])?),
        })
    }

    fn set_stream(&mut self, labels: &Labels) {
        match self {
            Maker::Parser(alone) => alone.set_stream(&Labels::empty()),
            Maker::Formats(_, through) => through.set_stream(labels),
        }
    }

    /// Whether the stage makes one of its labels of an entry; `kept` is what the stages before it made of it.
    fn makes(&mut self, entry: &LogEntry<'_>, kept: &Kept<'_>) -> bool {
        match self {
            Maker::Parser(alone) => {
                let made = alone.process(entry.time, kept.line, []);
                made.is_some_and(|made| {
                    made.labels().iter().any(|(name, value)| !value.is_empty() && !is_of_errors(name))
                })
            }
            Maker::Formats(formats, through) => {
                let before = kept.labels();
                let after = through.process(entry.time, entry.line, entry.metadata_pairs());
                let after = after.map(|after| after.labels()).unwrap_or_default();
                formats.iter().any(|format| match &format.value {
                    LabelFormatValue::Rename(from) => is_of_errors(from) || !before.get(from).is_empty(),
                    LabelFormatValue::Template(_) => !after.get(&format.name).is_empty(),
                })
            }
        }
    }
}

/// What the lines show of the stage at a place; nothing where it names no labels, or no line comes to it.
fn of_stage(query: &LogQuery, at: usize, logs: &LogStore) -> Option<Sighting> {
    let stage = &query.stages[at];
    let names = names_of(&stage.kind);
    if names.is_empty() {
        return None;
    }
    // What cannot be compiled is told of by the query itself.
    let mut before = Pipeline::compile(&query.stages[..at], Nanoseconds::ZERO).ok()?;
    let mut maker = Maker::new(query, at)?;
    let sighting = |trap| Some(Sighting { kind: TrapKind::NoMatch, span: stage.span, label: None, trap });
    let (mut seen, mut first) = (0, None);
    for stream in logs.select(&query.selector.matchers) {
        before.set_stream(stream.labels());
        maker.set_stream(stream.labels());
        for entry in (0..stream.len()).map(|place| stream.entry(place)).take(ENTRIES.saturating_sub(seen)) {
            seen += 1;
            let Some(kept) = before.process(entry.time, entry.line, entry.metadata_pairs()) else { continue };
            if maker.makes(&entry, &kept) {
                return sighting(None);
            }
            first.get_or_insert_with(|| kept.text().into_owned());
        }
    }
    let line = beginning(&first?);
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = listed(names.iter().map(String::as_str));
    sighting(Some(match &stage.kind {
        StageKind::LabelFormat(formats) => {
            nothing_to_format(formats, &names, &line, || Read::new(query, at, logs).labels)
        }
        kind => Trap {
            message: format!("this `{}` makes {names} of no line that comes here, such as: {line}", word(kind)),
            help: "make it fit lines as they are written, or write one that it is meant for".to_owned(),
        },
    }))
}

/// As the stage is written.
fn word(stage: &StageKind) -> &'static str {
    match stage {
        StageKind::Json(_) => "json",
        StageKind::Logfmt(_) => "logfmt",
        StageKind::Regexp(_) => "regexp",
        StageKind::Pattern(_) => "pattern",
        _ => "label_format",
    }
}

/// A `label_format` that finds nothing; `there` yields the labels of the lines.
fn nothing_to_format(
    formats: &[LabelFormat],
    names: &str,
    line: &str,
    there: impl FnOnce() -> BTreeSet<String>,
) -> Trap {
    let renamed = formats.iter().find_map(|format| match &format.value {
        LabelFormatValue::Rename(from) => Some((from, &format.name)),
        LabelFormatValue::Template(_) => None,
    });
    match renamed {
        Some((from, name)) => Trap {
            message: format!("no line that comes here has the label `{from}`, which is to be called `{name}`"),
            help: instead(from, &there()),
        },
        None => Trap {
            message: format!("this `label_format` leaves {names} empty on every line that comes here, such as: {line}"),
            help: format!("their labels are {}", listed(there().iter().map(String::as_str))),
        },
    }
}
