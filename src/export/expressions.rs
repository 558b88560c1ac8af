//! The queries that a replay expects answers of, as tests of expressions.

use super::promtool::Found;
use super::test_file::ExprTest;
use crate::drill::Playback;
use crate::drill::explain::clock;
use crate::engine::{Mode, Step, Steps};
use crate::labels::Labels;
use crate::promql;
use crate::promql::ast::Expr;
use crate::promql::eval::Query;
use crate::replay::{Query as Expected, QueryExpectation, QueryTime};
use crate::store::{MetricStore, Moment};
use crate::text::Diagnostic;
use crate::time::Timestamp;

/// The tests of the queries at single times from the first tick of a stretch on and before a time, where promtool finds
/// the answer that the replay has; a warning for each of the others.
pub fn expressions(
    playback: &Playback,
    found: &Found,
    ticks: &[Timestamp],
    before: Option<Timestamp>,
) -> (Vec<ExprTest>, Vec<Diagnostic>) {
    let (mut tests, mut warnings) = (Vec::new(), Vec::new());
    let (Some(first), Some(last)) = (ticks.first(), ticks.last()) else { return (tests, warnings) };
    let ends = [before, found.ends()].into_iter().flatten().min();
    let expected = playback.day.expect.iter().flat_map(|expectations| &expectations.queries);
    for QueryExpectation { query, when, place, .. } in expected {
        let (Expected::PromQl(text), QueryTime::At(at)) = (query, when) else { continue };
        if at < first || ends.is_some_and(|end| *at >= end) {
            continue;
        }
        let Ok(expr) = promql::parse(&text.text) else { continue };
        // promtool asks when all ticks are over.
        let hindsight = Moment { at: *last - found.shift, position: u32::MAX };
        let answer = answer(playback, &expr, &playback.generated.store, Playback::seen_at(*at));
        let there = self::answer(playback, &expr, &found.store, Step { time: *at - found.shift, frontier: hindsight });
        match (answer, there) {
            (Some(samples), Some(there)) if samples == there && !samples.iter().any(|(_, value)| value.is_nan()) => {
                tests.push(ExprTest { at: *at, expr: text.text.clone(), samples });
            }
            _ => {
                let time = clock(*at, playback.day.start());
                let problem = format!("this query at {time} is not tested: promtool would find another answer");
                warnings.push(Diagnostic::warning(problem).at(&playback.day.source, *place));
            }
        }
    }
    tests.sort_by_key(|test| test.at);
    (tests, warnings)
}

/// The answer of an instant query, sorted by labels; `None` where it fails.
fn answer(playback: &Playback, expr: &Expr, store: &MetricStore, step: Step) -> Option<Vec<(Labels, f64)>> {
    let mut query = Query::compile(expr, playback.profile()).ok()?;
    let matrix = query.run(store, &Steps(vec![step]), Mode::Instants).ok()?;
    let mut samples = matrix.result(0).ok()?;
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    Some(samples)
}
