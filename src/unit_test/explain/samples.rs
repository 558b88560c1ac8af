//! Samples that were expected beside those that an expression yields.

use super::{around, pairs, silence};
use crate::engine::{Step, Steps};
use crate::evidence::{self, Reason};
use crate::logql::ast as logs;
use crate::promql;
use crate::unit_test::run::Played;
use crate::unit_test::verdict::{Explanation, ResultSample, SampleDifference, SampleMismatch};
use crate::unit_test::{ExprTest, LogTest};

/// What does not agree, and why. Both sides are sorted by labels; `equal` is the comparison that failed for one of them.
pub fn samples(
    played: &Played<'_>,
    test: &ExprTest,
    expected: Vec<ResultSample>,
    got: Vec<ResultSample>,
    equal: &dyn Fn(&ResultSample, &ResultSample) -> bool,
) -> (SampleDifference, Explanation) {
    let mismatches = mismatches(&expected, &got, equal);
    let explanation = explanation(played, test, &mismatches);
    (SampleDifference { eval_time: test.eval_time, expected, got, mismatches }, explanation)
}

/// As `samples`, of an expression in LogQL.
pub fn log_samples(
    played: &Played<'_>,
    test: &LogTest,
    expr: &logs::Expr,
    (expected, got): (Vec<ResultSample>, Vec<ResultSample>),
    equal: &dyn Fn(&ResultSample, &ResultSample) -> bool,
) -> (SampleDifference, Explanation) {
    let mismatches = mismatches(&expected, &got, equal);
    let time = played.group.start + test.eval_time;
    let steps = Steps(vec![Step { time, frontier: played.frontier() }]);
    let mut reasons: Vec<Reason> =
        mismatches.iter().find_map(|mismatch| of_pair(played, mismatch)).into_iter().collect();
    if mismatches.iter().any(|mismatch| mismatch.got.is_none()) {
        reasons.extend(
            evidence::no_stream(&played.logs, &test.expr, expr)
                .or_else(|| got.is_empty().then(|| evidence::no_entry(&played.logs, &test.expr, expr, &steps))),
        );
    }
    let explanation = Explanation { reasons, around: around::of_expression(played, &test.expr, expr, time) };
    (SampleDifference { eval_time: test.eval_time, expected, got, mismatches }, explanation)
}

/// Why a log query yields nothing.
pub fn no_lines(played: &Played<'_>, test: &LogTest, query: &logs::LogQuery) -> Explanation {
    let reason = evidence::unmet_stream(&played.logs, &test.expr, &query.selector);
    Explanation { reasons: reason.into_iter().collect(), around: None }
}

/// What is on one side only, the most similar ones paired.
fn mismatches(
    expected: &[ResultSample],
    got: &[ResultSample],
    equal: &dyn Fn(&ResultSample, &ResultSample) -> bool,
) -> Vec<SampleMismatch> {
    let mut surplus = got.to_vec();
    let mut missing = Vec::new();
    for sample in expected {
        match surplus.iter().position(|other| equal(sample, other)) {
            Some(place) => drop(surplus.remove(place)),
            None => missing.push(sample.clone()),
        }
    }
    let pairs = pairs::pairs(missing, surplus, |a, b| pairs::similarity(&a.labels, &b.labels), |_| false);
    pairs.into_iter().map(|(expected, got)| SampleMismatch { expected, got }).collect()
}

fn explanation(played: &Played<'_>, test: &ExprTest, mismatches: &[SampleMismatch]) -> Explanation {
    let Ok(expr) = promql::parse_with(&test.expr, played.profile.features) else { return Explanation::default() };
    let time = played.group.start + test.eval_time;
    let step = Step { time, frontier: played.frontier() };
    let mut reasons: Vec<Reason> =
        mismatches.iter().find_map(|mismatch| of_pair(played, mismatch)).into_iter().collect();
    if mismatches.iter().any(|mismatch| mismatch.got.is_none()) {
        let why = silence::absent(played, &test.expr, &expr, step)
            .or_else(|| silence::ended(played, &test.expr, &expr, step))
            .or_else(|| silence::unlike_sides(played, &test.expr, &expr, step));
        reasons.extend(why);
    }
    Explanation { reasons, around: around::of_expression(played, &test.expr, &expr, time) }
}

/// What is peculiar about a difference.
fn of_pair(played: &Played<'_>, mismatch: &SampleMismatch) -> Option<Reason> {
    let (expected, got) = (mismatch.expected.as_ref()?, mismatch.got.as_ref()?);
    let text = if expected.labels == got.labels {
        let (a, b) = (expected.value, got.value);
        if a.is_nan() && b.is_nan() {
            "NaN equals nothing, not even NaN: ask for something else, such as `count(x != x)`".to_owned()
        } else if !played.file.fuzzy_compare && (a.next_up() == b || a.next_down() == b) {
            "the values are one float apart: `fuzzy_compare: true` at the top of the file takes them for equal"
                .to_owned()
        } else {
            return None;
        }
    } else if expected.labels.without_name() == got.labels.without_name() {
        match got.labels.name() {
            "" => format!("the expression drops the name of the metric: write labels: '{}'", got.labels.as_metric()),
            _ => format!("the expression keeps the name of the metric: write labels: '{}'", got.labels.as_metric()),
        }
    } else {
        return None;
    };
    Some(Reason { place: None, text })
}
