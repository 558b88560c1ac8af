//! Runs a script: fills the store, evaluates, compares as upstream does.

use super::expect::{Expected, Said, Text, Values};
use super::nhcb::custom_histograms;
use super::pinned::{asks_for_context, at_every_time};
use super::{Command, CommandKind, Eval, EvalTime, Load, LoadedSeries};
use crate::engine::{Mode, Steps};
use crate::histogram::Sample;
use crate::promql::ast::{Expr, ValueType};
use crate::promql::eval::{Level, Profile, Query};
use crate::promql::parse_with;
use crate::promql::series_values::SampleRun;
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
    /// Why a load failed.
    broken: Option<String>,
}

impl Data {
    fn load(&mut self, load: &Load) -> Result<(), String> {
        for series in &load.series {
            self.load_series(series, load.step)?;
        }
        if load.with_nhcb {
            for (labels, histograms) in custom_histograms(&load.series, load.step)? {
                let id = self.store.id_or_create(&labels);
                for (time, histogram) in histograms {
                    let appended = self.store.append_histogram(id, time, &histogram, Moment::arrival(time));
                    appended.map_err(|error| format!("{labels} at {time}: {error}"))?;
                }
            }
        }
        Ok(())
    }

    fn load_series(&mut self, series: &LoadedSeries, step: Duration) -> Result<(), String> {
        let count = series.points.iter().map(SampleRun::count).fold(0, u64::saturating_add);
        if count > MAX_LOADED {
            return Err(format!("{} has more than {MAX_LOADED} values", series.labels));
        }
        let mut time = Timestamp(0);
        let mut id = None;
        let mut starts = series.starts.iter();
        for sample in series.points.iter().flat_map(SampleRun::samples) {
            let start = starts.next().copied().flatten();
            if let Some(sample) = sample {
                let id = *id.get_or_insert_with(|| self.store.id_or_create(&series.labels));
                let appended = self.store.append_sample(id, time, &sample, Moment::arrival(time));
                appended.map_err(|error| format!("{} at {time}: {error}", series.labels))?;
                if let Some(start) = start {
                    self.store.set_start(id, time + start);
                }
            }
            time = time + step;
        }
        Ok(())
    }
}

/// Evaluates and compares one case.
fn check(eval: &Eval, data: &Data, profile: &Profile) -> Result<(), Outcome> {
    if let Some(broken) = &data.broken {
        return Err(Outcome::Failed(broken.clone()));
    }
    let expr = match parse_with(&eval.expr, profile.features) {
        Ok(expr) => expr,
        Err(error) => return settle_error(&eval.expected, &error.message),
    };
    match eval.at {
        EvalTime::Range { start, end, step } => {
            let subject = Subject { expr: &expr, eval, data, profile };
            match subject.range(start, end, step, Subject::check_annotations)? {
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

/// An error is what was expected, or not.
fn settle_error(expected: &Expected, message: &str) -> Result<(), Outcome> {
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
    /// The result of a range query that ends well in the eyes of `check`; `None` where it failed as expected.
    fn range(
        &self,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
        check: fn(&Self, &Query) -> Result<(), Outcome>,
    ) -> Result<Option<Text>, Outcome> {
        let expected = &self.eval.expected;
        let mode = Mode::Range { start, end, step };
        let mut query = match Query::compile_for(self.expr, self.profile, mode) {
            Ok(query) => query,
            Err(error) => return settle_error(expected, &error.message).map(|()| None),
        };
        let steps = Steps::range(start, end, step);
        let matrix = match query.run(&self.data.store, &steps, mode) {
            Ok(matrix) => matrix,
            Err(error) => return settle_error(expected, &error.message).map(|()| None),
        };
        self.check_success()?;
        check(self, &query)?;
        let series = matrix.head().labels.iter().enumerate().map(|(column, labels)| {
            let points = matrix.column_samples(column);
            let points = points.filter_map(|(at, sample)| Some((steps.0.get(at)?.time, sample)));
            (labels.clone(), points.collect())
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
        // Of other steps there may be other things to say: upstream looks at the values only.
        let range = self.range(time - Duration::MINUTE, time + Duration::MINUTE, Duration::MINUTE, |_, _| Ok(()));
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
            Some((_, Sample::Float(value))) if is_scalar => Text::Scalar(*value),
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
            of => query.run(store, &steps, Mode::Instants).and_then(|matrix| matrix.sample_result(0)).map(|elements| {
                match elements.first() {
                    Some((_, Sample::Float(value))) if of == ValueType::Scalar => Text::Scalar(*value),
                    _ => Text::Vector(elements),
                }
            }),
        };
        match result {
            Ok(result) => {
                self.check_success()?;
                self.check_annotations(&query)?;
                let is_scalar = matches!(result, Text::Scalar(_));
                Ok(Some((result, is_scalar)))
            }
            Err(error) => settle_error(expected, &error.message).map(|()| None),
        }
    }

    /// That the query was meant to succeed.
    fn check_success(&self) -> Result<(), Outcome> {
        match &self.eval.expected.failure {
            Some(_) => Err(Outcome::Failed("an error was expected, but there is none".to_owned())),
            None => Ok(()),
        }
    }

    fn check_annotations(&self, query: &Query) -> Result<(), Outcome> {
        let texts = |level: Level| -> Vec<Said> {
            let found = query.annotations().iter().filter(|found| found.level == level);
            found.map(|found| Said { text: found.to_string(), placed: found.placed(&self.eval.expr) }).collect()
        };
        let (warnings, infos) = (texts(Level::Warning), texts(Level::Info));
        self.eval.expected.check_annotations(&warnings, &infos).map_err(Outcome::Failed)
    }
}
