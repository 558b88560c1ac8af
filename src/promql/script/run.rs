//! Runs a script: fills the store, evaluates, compares as upstream does.

use std::collections::BTreeSet;

use super::expect::{Expected, Text, Values};
use super::pinned::{asks_for_context, at_every_time};
use super::{Command, CommandKind, Eval, EvalTime, Load, LoadedSeries, Points};
use crate::engine::{Mode, Steps};
use crate::labels::{Labels, METRIC_NAME};
use crate::promql::ast::{Expr, ValueType};
use crate::promql::eval::{Level, Profile, Query};
use crate::promql::parse_with;
use crate::promql::series_values::ValueRun;
use crate::store::{MetricStore, Moment};
use crate::time::{Duration, Timestamp};

/// The most values that one `load` may have.
const MAX_LOADED: u64 = 10_000_000;

/// What became of one `eval`.
#[derive(Clone, Debug)]
pub struct Case {
    /// From 1.
    pub line: usize,
    pub expr: String,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// Why not.
    Failed(String),
    /// It needs something that this engine does not have yet.
    Unsupported(String),
}

/// Runs all commands in order, with the engine that upstream's scripts are written for; one case for each `eval`.
pub fn run(commands: &[Command]) -> Vec<Case> {
    let profile = Profile::upstream_test();
    let mut data = Data::default();
    let mut cases = Vec::new();
    for command in commands {
        match &command.kind {
            CommandKind::Clear => data = Data::default(),
            CommandKind::Load(load) => {
                if let Err(error) = data.load(load) {
                    data.broken = Some(format!("the load at line {} failed: {error}", command.line));
                }
            }
            CommandKind::Eval(eval) => {
                let outcome = match check(eval, &data, &profile) {
                    Ok(()) => Outcome::Passed,
                    Err(outcome) => outcome,
                };
                cases.push(Case { line: command.line, expr: eval.expr.clone(), outcome });
            }
        }
    }
    cases
}

/// What has been loaded since the last `clear`.
#[derive(Default)]
struct Data {
    store: MetricStore,
    /// Series that are missing in the store or incomplete there, and what they would need.
    beyond: Vec<(Labels, &'static str)>,
    /// Why a load failed.
    broken: Option<String>,
}

impl Data {
    fn load(&mut self, load: &Load) -> Result<(), String> {
        for series in &load.series {
            self.load_series(series, load.step)?;
        }
        if load.with_nhcb {
            let bases: BTreeSet<Labels> =
                load.series.iter().filter_map(|series| histogram_of(&series.labels)).collect();
            self.beyond.extend(bases.into_iter().map(|labels| (labels, "native histograms")));
        }
        Ok(())
    }

    fn load_series(&mut self, series: &LoadedSeries, step: Duration) -> Result<(), String> {
        if series.start_timestamps {
            self.beyond.push((series.labels.clone(), "start timestamps"));
        }
        let runs = match &series.points {
            Points::Floats(runs) => runs,
            Points::Histograms => {
                self.beyond.push((series.labels.clone(), "native histograms"));
                return Ok(());
            }
        };
        let count = runs.iter().map(|run| run.count).fold(0, u64::saturating_add);
        if count > MAX_LOADED {
            return Err(format!("{} has more than {MAX_LOADED} values", series.labels));
        }
        let mut time = Timestamp(0);
        let mut id = None;
        for value in runs.iter().copied().flat_map(ValueRun::values) {
            if let Some(value) = value {
                let id = *id.get_or_insert_with(|| self.store.id_or_create(&series.labels));
                let appended = self.store.append(id, time, value, Moment::arrival(time));
                appended.map_err(|error| format!("{} at {time}: {error}", series.labels))?;
            }
            time = time + step;
        }
        Ok(())
    }
}

/// The native histogram that upstream makes of a classic one's series.
fn histogram_of(labels: &Labels) -> Option<Labels> {
    let name = labels.name();
    let base = ["_bucket", "_count", "_sum"].into_iter().find_map(|suffix| name.strip_suffix(suffix))?;
    let mut builder = labels.builder();
    builder.set(METRIC_NAME, base).remove("le");
    Some(builder.build())
}

/// Evaluates and compares one case.
fn check(eval: &Eval, data: &Data, profile: &Profile) -> Result<(), Outcome> {
    if let Some(broken) = &data.broken {
        return Err(Outcome::Failed(broken.clone()));
    }
    if eval.expected.has_histograms() {
        return Err(Outcome::Unsupported("native histograms".to_owned()));
    }
    let expr = match parse_with(&eval.expr, profile.features) {
        Ok(expr) => expr,
        Err(error) => return settle_error(&eval.expected, &error.message),
    };
    for (selector, _) in expr.selectors() {
        let selected =
            |labels: &Labels| selector.matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
        if let Some((_, needed)) = data.beyond.iter().find(|(labels, _)| selected(labels)) {
            return Err(Outcome::Unsupported((*needed).to_owned()));
        }
    }
    match eval.at {
        EvalTime::Range { start, end, step } => {
            let subject = Subject { expr: &expr, eval, data, profile };
            match subject.range(start, end, step)? {
                Some(result) => eval.expected.check(&result, (start, end, step)).map_err(Outcome::Failed),
                None => Ok(()),
            }
        }
        EvalTime::Instant(time) => {
            Subject { expr: &expr, eval, data, profile }.instant(time)?;
            // What does not depend on the step has to come out the same at any time.
            for (pinned, time) in at_every_time(&expr, time) {
                Subject { expr: &pinned, eval, data, profile }
                    .instant(time)
                    .map_err(|outcome| because(outcome, &format!("as {pinned} at {time}")))?;
            }
            Ok(())
        }
    }
}

fn because(outcome: Outcome, when: &str) -> Outcome {
    match outcome {
        Outcome::Failed(reason) => Outcome::Failed(format!("{when}: {reason}")),
        other => other,
    }
}

/// An error is what was expected, or not; what is not supported yet is neither.
fn settle_error(expected: &Expected, message: &str) -> Result<(), Outcome> {
    if message.contains("not supported yet") {
        return Err(Outcome::Unsupported(message.to_owned()));
    }
    match &expected.failure {
        Some(failure) if failure.0.matches(message) => Ok(()),
        Some(failure) => Err(Outcome::Failed(format!("expected the error {}, found: {message}", failure.0))),
        None => Err(Outcome::Failed(message.to_owned())),
    }
}

/// One expression of a case.
struct Subject<'a> {
    expr: &'a Expr,
    eval: &'a Eval,
    data: &'a Data,
    profile: &'a Profile,
}

impl Subject<'_> {
    /// The result of a range query; `None` where it failed as expected.
    fn range(&self, start: Timestamp, end: Timestamp, step: Duration) -> Result<Option<Text>, Outcome> {
        let expected = &self.eval.expected;
        let mut query = match Query::compile(self.expr, self.profile) {
            Ok(query) => query,
            Err(error) => return settle_error(expected, &error.message).map(|()| None),
        };
        let steps = Steps::range(start, end, step);
        let matrix = match query.run(&self.data.store, &steps, Mode::Range { start, end, step }) {
            Ok(matrix) => matrix,
            Err(error) => return settle_error(expected, &error.message).map(|()| None),
        };
        self.check_success(&query)?;
        let series = matrix.columns().map(|column| {
            let points = column.iter().filter_map(|(at, value)| Some((steps.0.get(at)?.time, value)));
            (column.labels.clone(), points.collect())
        });
        Ok(Some(Text::Matrix(series.collect())))
    }

    /// Evaluates at one time, then again as the middle of a range query.
    fn instant(&self, time: Timestamp) -> Result<(), Outcome> {
        let expected = &self.eval.expected;
        let Some((result, is_scalar)) = self.instant_result(time)? else { return Ok(()) };
        let grid = expected.range_vector.unwrap_or((time, time, Duration::SECOND));
        expected.check(&result, grid).map_err(Outcome::Failed)?;
        let excluded = expected.range_vector.is_some() || matches!(expected.values, Values::String(_));
        if excluded || asks_for_context(self.expr) {
            return Ok(());
        }
        let in_range = |outcome| because(outcome, "in a range query");
        let range = self.range(time - Duration::MINUTE, time + Duration::MINUTE, Duration::MINUTE);
        let Some(Text::Matrix(series)) = range.map_err(in_range)? else {
            return Err(in_range(Outcome::Failed("it failed".to_owned())));
        };
        if expected.ordered {
            return Ok(());
        }
        let mut elements = Vec::new();
        for (labels, points) in series {
            elements.extend(points.into_iter().find(|(at, _)| *at == time).map(|(_, value)| (labels, value)));
        }
        let result = match elements.first() {
            Some((_, value)) if is_scalar => Text::Scalar(*value),
            _ => Text::Vector(elements),
        };
        expected.check(&result, grid).map_err(|reason| in_range(Outcome::Failed(reason)))
    }

    /// The result at one time, and whether it is a scalar; `None` where it failed as expected.
    fn instant_result(&self, time: Timestamp) -> Result<Option<(Text, bool)>, Outcome> {
        let expected = &self.eval.expected;
        let mut query = match Query::compile(self.expr, self.profile) {
            Ok(query) => query,
            Err(error) => return settle_error(expected, &error.message).map(|()| None),
        };
        let steps = Steps::instant(time);
        let store = &self.data.store;
        let result = match query.value_type() {
            ValueType::String => Ok(Text::String(query.text().unwrap_or_default().to_owned())),
            ValueType::Matrix => match steps.0.first() {
                Some(step) => query.run_range_vector(store, *step).map(Text::Matrix),
                None => Ok(Text::Matrix(Vec::new())),
            },
            of => query.run(store, &steps, Mode::Instants).and_then(|matrix| matrix.result(0)).map(|elements| {
                match elements.first() {
                    Some((_, value)) if of == ValueType::Scalar => Text::Scalar(*value),
                    _ => Text::Vector(elements),
                }
            }),
        };
        match result {
            Ok(result) => {
                self.check_success(&query)?;
                let is_scalar = matches!(result, Text::Scalar(_));
                Ok(Some((result, is_scalar)))
            }
            Err(error) => settle_error(expected, &error.message).map(|()| None),
        }
    }

    /// That the query was meant to succeed, and its annotations.
    fn check_success(&self, query: &Query) -> Result<(), Outcome> {
        if self.eval.expected.failure.is_some() {
            return Err(Outcome::Failed("an error was expected, but there is none".to_owned()));
        }
        let texts = |level: Level| -> Vec<String> {
            query.annotations().iter().filter(|found| found.level == level).map(ToString::to_string).collect()
        };
        let (warnings, infos) = (texts(Level::Warning), texts(Level::Info));
        self.eval.expected.check_annotations(&warnings, &infos).map_err(Outcome::Failed)
    }
}
