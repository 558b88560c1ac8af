//! A rule in LogQL over time: what Loki's ruler gets at each tick. It asks instant queries, and never what rules have recorded.

use std::sync::Arc;

use crate::engine::{EvalError, Matrix, Step, Steps, bits};
use crate::logql::answer::{MAX_SERIES, too_many};
use crate::logql::ast::{Expr, ExprKind, LabelFormatValue, StageKind};
use crate::logql::eval::{Grid, Plan};
use crate::store::LogStore;
use crate::time::{Nanoseconds, Timestamp};

/// Values of a block of ticks that are held at a time: 32 MiB.
const BLOCK_CELLS: usize = 1 << 22;

/// The expression of a rule, with the samples of all its ticks.
pub struct LogRule<'a> {
    expr: &'a Expr,
    logs: Arc<LogStore>,
    /// `None` where templates read the clock, so that every tick has samples of its own.
    plan: Option<Result<Plan, EvalError>>,
    /// The values of the block that begins at this time, of which single ticks are asked.
    block: Option<(Timestamp, Matrix)>,
}

impl<'a> LogRule<'a> {
    /// `first` and `last`: the times of the first and the last query.
    pub fn new(expr: &'a Expr, logs: &Arc<LogStore>, first: Timestamp, last: Timestamp) -> LogRule<'a> {
        let plan = (!reads_clock(expr)).then(|| plan(expr, logs, first, last));
        LogRule { expr, logs: logs.clone(), plan, block: None }
    }

    /// The values at some ticks of a block.
    ///
    /// # Errors
    /// What fails at every tick, and more ticks at once than fit; half of them may.
    pub fn run(&mut self, steps: &[Step], block: &[Step]) -> Result<Matrix, EvalError> {
        let plan = match &mut self.plan {
            None => return tick_by_tick(self.expr, &self.logs, steps).map(|found| limited(self.expr, found)),
            Some(Err(error)) => return Err(error.clone()),
            Some(Ok(plan)) => plan,
        };
        let fits = |steps: &[Step]| steps.len().saturating_mul(plan.width()) <= BLOCK_CELLS;
        if steps.len() > 1 && !fits(steps) {
            return Err(EvalError::new(self.expr.span, "too many values at once"));
        }
        let Some((first, from)) = block.first().zip(block.iter().position(|step| Some(step) == steps.first())) else {
            return Ok(limited(self.expr, plan.eval(&times(steps))));
        };
        if steps.len() == block.len() || !fits(block) {
            return Ok(limited(self.expr, plan.eval(&times(steps))));
        }
        if self.block.as_ref().is_none_or(|(start, _)| *start != first.time) {
            self.block = Some((first.time, limited(self.expr, plan.eval(&times(block)))));
        }
        let whole = self.block.as_ref().map(|(_, whole)| whole.rows(from, steps.len()));
        Ok(whole.unwrap_or_default())
    }
}

/// The values of an expression at some steps in order, each as an instant query.
///
/// # Errors
/// What fails at every step.
pub fn evaluate_logs(expr: &Expr, logs: &LogStore, steps: &Steps) -> Result<Matrix, EvalError> {
    let (Some(first), Some(last)) = (steps.0.first(), steps.0.last()) else { return Ok(Matrix::default()) };
    let found = match reads_clock(expr) {
        true => tick_by_tick(expr, logs, &steps.0)?,
        false => plan(expr, logs, first.time, last.time)?.eval(&times(&steps.0)),
    };
    Ok(limited(expr, found))
}

fn plan(expr: &Expr, logs: &LogStore, first: Timestamp, last: Timestamp) -> Result<Plan, EvalError> {
    Plan::new(expr, logs, Grid::over(Nanoseconds::at(first), Nanoseconds::at(last)))
}

fn times(steps: &[Step]) -> Vec<Nanoseconds> {
    steps.iter().map(|step| Nanoseconds::at(step.time)).collect()
}

/// Each step with a plan of its own.
fn tick_by_tick(expr: &Expr, logs: &LogStore, steps: &[Step]) -> Result<Matrix, EvalError> {
    let single = |step: &Step| Ok(plan(expr, logs, step.time, step.time)?.eval(&[Nanoseconds::at(step.time)]));
    let found: Vec<Matrix> = steps.iter().map(single).collect::<Result<_, EvalError>>()?;
    Ok(Matrix::of_steps(&found))
}

/// Fails the steps that yield more series than Loki allows.
fn limited(expr: &Expr, mut found: Matrix) -> Matrix {
    if found.head().len() > MAX_SERIES {
        for step in 0..found.steps() {
            if found.columns().filter(|column| bits::has(column.present, step)).count() > MAX_SERIES {
                found.fail(step, too_many(expr));
            }
        }
    }
    found
}

/// Whether a template of a stage asks what time it is.
fn reads_clock(expr: &Expr) -> bool {
    let asks = |template: &str| template.contains("now");
    let mut found = false;
    expr.walk(&mut |part: &Expr| {
        let ExprKind::RangeAggregate(aggregate) = &part.kind else { return };
        found |= aggregate.range.query.stages.iter().any(|stage| match &stage.kind {
            StageKind::LineFormat(template) => asks(template),
            StageKind::LabelFormat(formats) => formats.iter().any(|format| match &format.value {
                LabelFormatValue::Template(template) => asks(template),
                LabelFormatValue::Rename(_) => false,
            }),
            _ => false,
        });
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::rules::{EvaluateOptions, Group, RuleFailure, Run, evaluate, read};
    use crate::store::{MetricStore, Moment};
    use crate::text::Source;
    use crate::time::Duration;

    /// A line at each full minute from 1 to `count`, each of `streams` streams.
    fn logs(streams: usize, count: i64) -> Arc<LogStore> {
        let mut logs = LogStore::default();
        for stream in 0..streams {
            let labels = Labels::from_pairs([("app", "a"), ("n", stream.to_string().as_str())]);
            for minute in 1..=count {
                let time = Nanoseconds(minute * 60_000_000_000);
                logs.append(&labels, time, format!("line {minute}").as_bytes(), Labels::empty()).unwrap();
            }
        }
        Arc::new(logs)
    }

    fn groups(rules: &str, readable: bool) -> Vec<Group> {
        let text = format!("groups:\n{rules}");
        let mut groups = read(&Source::new("rules.yaml", text)).unwrap_or_else(|found| panic!("{found:#?}")).groups;
        groups.iter_mut().flat_map(|group| &mut group.rules).for_each(|rule| rule.readable |= readable);
        groups
    }

    /// Eleven ticks, one a minute.
    fn run(groups: &[Group], logs: &Arc<LogStore>, store: &mut MetricStore, block: usize) -> Run {
        let options = EvaluateOptions {
            logs: logs.clone(),
            block,
            ..EvaluateOptions::new(Timestamp(0), Timestamp(600_000), Duration::MINUTE)
        };
        evaluate(groups, store, &options).unwrap_or_else(|found| panic!("{found:#?}"))
    }

    fn series(store: &MetricStore, name: &str) -> Vec<(i64, String)> {
        let found = store.iter().filter(|series| series.labels.name() == name);
        let samples = found.flat_map(|series| series.times.iter().zip(&series.values));
        samples.map(|(time, value)| (time.0 / 60_000, value.to_string())).collect()
    }

    const COUNT: &str =
        "- name: l\n  rules:\n  - {record: count, expr: 'sum(count_over_time({app=\"a\"} |= \"line\" [2m]))'}\n";

    #[test]
    fn blocks_of_ticks_make_no_difference() {
        let logs = logs(2, 5);
        // Two streams: 2 lines at 1, 4 from 2 to 5, 2 at 6, and nothing from 7 on, which ends the series.
        let values = ["2", "4", "4", "4", "4", "2", "NaN"].map(str::to_owned);
        let expected: Vec<(i64, String)> = (1..).zip(values).collect();
        for block in [1, 3, 1024] {
            let mut store = MetricStore::default();
            let run = run(&groups(COUNT, true), &logs, &mut store, block);
            assert_eq!((series(&store, "count"), run.evaluations), (expected.clone(), 11), "{block}");
        }
    }

    #[test]
    fn what_is_not_readable_is_nowhere() {
        let mut store = MetricStore::default();
        let rules = format!("{COUNT}  - {{alert: A, expr: 'sum(rate({{app=\"a\"}} |= \"line\" [2m])) > 0'}}\n");
        let run = run(&groups(&rules, false), &logs(1, 5), &mut store, 1024);
        assert!(store.is_empty() && run.errors.is_empty());
        assert_eq!(run.alerts.iter().map(|track| track.fired_at).collect::<Vec<_>>(), [Some(Timestamp(60_000))]);
    }

    #[test]
    fn a_series_that_prometheus_writes_too_is_refused_sample_by_sample() {
        let other = "- name: p\n  rules: [{record: count, expr: input}]\n";
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([("__name__", "input")]));
        store.append(id, Timestamp(120_000), 9.0, Moment::arrival(Timestamp(120_000))).unwrap();
        let run = run(&groups(&format!("{COUNT}{other}"), true), &logs(1, 1), &mut store, 1024);
        // Loki's rule comes first: 1 at 1 and 2, its end at 3; from there on the other one writes, until the lookback ends at 7.
        let refused: Vec<i64> = run.errors.iter().map(|error| error.tick.0 / 60_000).collect();
        assert!(run.errors.iter().all(|error| matches!(error.error, RuleFailure::Refused(_))));
        assert_eq!(refused, [2, 3]);
        let values: Vec<String> = series(&store, "count").into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["1", "1", "NaN", "9", "9", "9", "NaN"]);
    }

    #[test]
    fn more_series_than_loki_allows_fail_the_tick() {
        let rules = "- name: l\n  rules: [{alert: A, expr: 'count_over_time({app=\"a\"} |= \"line\" [1m]) > 0'}]\n";
        let fired = |streams| {
            let run = run(&groups(rules, false), &logs(streams, 2), &mut MetricStore::default(), 1024);
            (run.alerts.len(), run.errors.iter().map(|error| error.tick.0 / 60_000).collect::<Vec<_>>())
        };
        assert_eq!(fired(500), (500, vec![]));
        assert_eq!(fired(501), (0, vec![1, 2]));
    }

    #[test]
    fn now_is_the_tick() {
        let rules = "- name: l\n  rules: [{alert: A, expr: 'sum by (at) (count_over_time({app=\"a\"} | label_format at=\"{{ unixEpoch now }}\" [1m])) > 0'}]\n";
        let run = run(&groups(rules, false), &logs(1, 3), &mut MetricStore::default(), 1024);
        let at: Vec<&str> = run.alerts.iter().map(|track| track.labels.get("at")).collect();
        assert_eq!(at, ["60", "120", "180"]);
    }
}
