//! The stages of a log query, one file each: what they keep of the entries of a stream, and what they make of their lines and labels
//! (Loki `pkg/logql/log`).
//!
//! A pipeline is compiled once and runs over entry after entry with the same buffers: lines are borrowed until a stage writes another one, and the
//! labels of an entry live in one buffer until somebody asks for them.

mod choose;
mod convert;
mod decolorize;
mod extract;
mod hints;
mod ip;
mod json;
mod json_expressions;
mod json_path;
mod json_scan;
mod label_filter;
mod label_format;
mod label_sets;
mod labels;
mod line_filter;
mod line_format;
mod logfmt;
mod logfmt_key;
mod logfmt_scan;
mod names;
mod order;
mod pattern;
mod regexp;
mod runes;
#[cfg(test)]
mod tests;
mod text_regex;
mod text_test;
mod unpack;

pub use extract::{Extractor, SampleOf, Samples};
pub use hints::Demand;
pub use label_filter::FILTER_ERROR;
pub use label_sets::{LabelSetId, LabelSets};
pub use labels::{ERROR, ERROR_DETAILS, PRESERVE_ERROR};

use std::borrow::Cow;

use choose::{Drop, Keep};
use hints::Hints;
use json::Json;
use json_expressions::JsonExpressions;
use label_filter::LabelTest;
use label_format::LabelFormatter;
use labels::LabelSpace;
use line_format::LineFormatter;
use logfmt::{Logfmt, LogfmtKeys};
use names::Names;
use pattern::Pattern;
use regexp::Regexp;
use text_test::TextTest;
use unpack::Unpack;

use super::ast::{Stage, StageKind};
use crate::labels::Labels;
use crate::text::Span;
use crate::time::Nanoseconds;

/// What is wrong with a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StageProblem(String);

/// Why a pipeline cannot be compiled. Loki finds that out when the query runs over a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StageError {
    pub message: String,
    /// The stage.
    pub span: Span,
}

/// What a stage says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    /// Keep it with another line.
    Replace,
    Drop,
}

/// A stage, ready to run.
#[derive(Clone)]
enum Step {
    LineFilter(TextTest),
    LabelFilter(LabelTest),
    Json(Json),
    JsonExpressions(JsonExpressions),
    Logfmt(Logfmt),
    LogfmtKeys(LogfmtKeys),
    Regexp(Box<Regexp>),
    Pattern(Pattern),
    Unpack(Unpack),
    LineFormat(LineFormatter),
    LabelFormat(LabelFormatter),
    Decolorize,
    Drop(Drop),
    Keep(Keep),
}

impl Step {
    fn new(stage: &StageKind, now: Nanoseconds, names: &mut Names) -> Result<Step, StageProblem> {
        Ok(match stage {
            StageKind::LineFilters(filters) => Step::LineFilter(line_filter::compile(filters)?),
            StageKind::LabelFilter(filter) => Step::LabelFilter(LabelTest::new(filter, names)?),
            StageKind::Json(fields) if fields.is_empty() => Step::Json(Json::default()),
            StageKind::Json(fields) => Step::JsonExpressions(JsonExpressions::new(fields, names)?),
            StageKind::Logfmt(written) if written.extractions.is_empty() => Step::Logfmt(Logfmt::new(written, names)),
            StageKind::Logfmt(written) => Step::LogfmtKeys(LogfmtKeys::new(written, names)?),
            StageKind::Regexp(pattern) => Step::Regexp(Box::new(Regexp::new(pattern, names)?)),
            StageKind::Pattern(pattern) => Step::Pattern(Pattern::new(pattern, names)?),
            StageKind::Unpack => Step::Unpack(Unpack::default()),
            StageKind::LineFormat(template) => Step::LineFormat(LineFormatter::new(template, now, names)?),
            StageKind::LabelFormat(formats) => Step::LabelFormat(LabelFormatter::new(formats, now, names)?),
            StageKind::Decolorize => Step::Decolorize,
            StageKind::Drop(choices) => Step::Drop(Drop::new(choices, names)),
            StageKind::Keep(choices) => Step::Keep(Keep::new(choices, names)),
        })
    }

    /// Adds the labels that the stage reads.
    fn required(stage: &StageKind, step: &Step, names: &mut Vec<String>) {
        match (stage, step) {
            (StageKind::LabelFilter(filter), _) => label_filter::names_of(filter, names),
            (_, Step::LineFormat(formatter)) => formatter.required(names),
            (_, Step::LabelFormat(formatter)) => formatter.required(names),
            _ => {}
        }
    }

    /// Whether the stage leaves labels as they are.
    fn keeps_labels(&self) -> bool {
        matches!(self, Step::LineFilter(_) | Step::LabelFilter(_) | Step::Decolorize)
    }

    /// Works on an entry; another line goes to `out`.
    fn run(&mut self, time: Nanoseconds, line: &[u8], space: &mut LabelSpace, out: &mut Vec<u8>) -> Verdict {
        let kept = |holds| if holds { Verdict::Keep } else { Verdict::Drop };
        match self {
            Step::LineFilter(test) => kept(test.holds(line)),
            Step::LabelFilter(test) => kept(test.holds(space)),
            Step::Json(json) => json.process(line, space),
            Step::JsonExpressions(json) => json.process(line, space),
            Step::Logfmt(logfmt) => logfmt.process(line, space),
            Step::LogfmtKeys(logfmt) => logfmt.process(line, space),
            Step::Regexp(regexp) => regexp.process(line, space),
            Step::Pattern(pattern) => pattern.process(line, space),
            Step::Unpack(unpack) => unpack.process(line, space, out),
            Step::LineFormat(formatter) => formatter.process(time, line, space, out),
            Step::LabelFormat(formatter) => {
                formatter.process(time, line, space);
                Verdict::Keep
            }
            Step::Decolorize => decolorize::process(line, out),
            Step::Drop(drop) => {
                drop.process(space);
                Verdict::Keep
            }
            Step::Keep(keep) => {
                keep.process(space);
                Verdict::Keep
            }
        }
    }
}

/// A step, and what is known of it for a stream.
#[derive(Clone)]
struct Place {
    step: Step,
    /// What a label filter on nothing but the stream's labels says, where no earlier stage changes labels.
    known: Option<bool>,
    can_be_known: bool,
}

/// The stages of a query.
#[derive(Clone)]
pub struct Pipeline {
    places: Vec<Place>,
    space: LabelSpace,
    /// The line that a stage has written, and one for the next.
    written: Vec<u8>,
    spare: Vec<u8>,
}

/// An entry that a pipeline has kept.
pub struct Kept<'a> {
    pub line: &'a [u8],
    space: &'a LabelSpace,
}

impl Kept<'_> {
    /// The line as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        runes::readable(self.line)
    }

    /// All labels, the error among them.
    pub fn labels(&self) -> Labels {
        label_sets::labels_of(self.space)
    }
}

impl Pipeline {
    /// The pipeline of a log query; `now` is what templates take for the time.
    ///
    /// # Errors
    /// A stage that cannot be compiled.
    pub fn compile(stages: &[Stage], now: Nanoseconds) -> Result<Pipeline, StageError> {
        Pipeline::for_demand(stages, &[], now, None)
    }

    /// A pipeline whose parsers leave out what a metric query does not need; `after` are conditions behind an `unwrap`.
    fn for_demand(
        stages: &[Stage],
        after: &[super::ast::LabelFilter],
        now: Nanoseconds,
        demand: Option<&Demand<'_>>,
    ) -> Result<Pipeline, StageError> {
        let mut names = Names::default();
        let mut places = Vec::new();
        let mut required = Vec::new();
        let mut filters = Vec::new();
        let mut changed = false;
        for stage in order::reordered(stages) {
            let fail = |StageProblem(message)| StageError { message, span: stage.span };
            let step = Step::new(&stage.kind, now, &mut names).map_err(fail)?;
            if matches!(&step, Step::LineFilter(TextTest::Always) | Step::LabelFilter(LabelTest::Always)) {
                continue;
            }
            Step::required(&stage.kind, &step, &mut required);
            if let Step::LabelFilter(test) = &step {
                filters.extend(test.name(&mut names).map(|name| (name, test.clone())));
            }
            changed |= !step.keeps_labels();
            let can_be_known = !changed && matches!(&step, Step::LabelFilter(test) if test.is_pure());
            places.push(Place { step, known: None, can_be_known });
        }
        if let [only] = after {
            let fail = |StageProblem(message)| StageError { message, span: only.span };
            let test = LabelTest::new(only, &mut names).map_err(fail)?;
            filters.extend(test.name(&mut names).map(|name| (name, test)));
        }
        after.iter().for_each(|filter| label_filter::names_of(filter, &mut required));
        let hints = match demand {
            Some(demand) => Hints::new(&mut names, &required, demand, filters),
            None => Hints::new(&mut names, &[], &Demand::default(), filters),
        };
        Ok(Pipeline { places, space: LabelSpace::new(names, hints), written: Vec::new(), spare: Vec::new() })
    }

    /// Goes on with the entries of another stream.
    pub fn set_stream(&mut self, labels: &Labels) {
        self.space.set_stream(labels);
        for place in &mut self.places {
            place.known = match &place.step {
                Step::LabelFilter(test) if place.can_be_known => Some(test.holds(&mut self.space)),
                _ => None,
            };
        }
    }

    /// Whether no entry without structured metadata of the stream is kept, whatever its line.
    pub fn refuses_stream(&self) -> bool {
        self.places.iter().any(|place| place.known == Some(false))
    }

    /// Runs the stages over an entry of the stream.
    pub fn process<'a, 'm>(
        &'a mut self,
        time: Nanoseconds,
        line: &'a [u8],
        metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Option<Kept<'a>> {
        let written = self.run(time, line, metadata)?;
        Some(Kept { line: if written { &self.written } else { line }, space: &self.space })
    }

    /// The same; whether the line is now one that a stage has written.
    fn run<'m>(
        &mut self,
        time: Nanoseconds,
        line: &[u8],
        metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Option<bool> {
        self.space.reset();
        self.space.add_metadata(metadata);
        let plain = self.space.is_unchanged();
        let mut written = false;
        for place in &mut self.places {
            if let Some(known) = place.known.filter(|_| plain) {
                if known {
                    continue;
                }
                return None;
            }
            let current = if written { &self.written[..] } else { line };
            match place.step.run(time, current, &mut self.space, &mut self.spare) {
                Verdict::Keep => {}
                Verdict::Drop => return None,
                Verdict::Replace => {
                    std::mem::swap(&mut self.written, &mut self.spare);
                    written = true;
                }
            }
        }
        Some(written)
    }
}
