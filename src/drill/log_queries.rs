//! Queries in LogQL that a replay or a document asks, and the day's answers to them.

use crate::engine::EvalError;
use crate::labels::Labels;
use crate::logql::answer::{self, Samples};
use crate::logql::ast::{Expr, LogQuery, Query};
use crate::logql::eval::Grid;
use crate::logql::log_query::{self, Bounds, Direction};
use crate::logql::pipeline::StageError;
use crate::replay::QueryTime;
use crate::syntax::ParseError;
use crate::text::Diagnostic;
use crate::time::{Duration, Nanoseconds, Timestamp};

use super::footing;
use super::playback::Playback;
use super::queries::{Answer, SeriesValues};
use super::verdict::Rest;

/// How far back lines are looked for that are asked at one time: what Loki's `/query_range` takes without a `start`.
const BEFORE: Duration = Duration(3_600_000);

/// What the day answers to a query as Loki would: lines from the first time on and before the last, oldest first.
///
/// # Errors
/// A query that cannot be parsed or fails.
pub fn answer(playback: &Playback, text: &str, when: QueryTime) -> Result<Answer, Diagnostic> {
    match crate::logql::parse(text).map_err(ParseError::diagnostic)? {
        Query::Log(query) => {
            let (from, to) = match when {
                QueryTime::At(at) => (at - BEFORE, at),
                QueryTime::Range { from, to, .. } => (from, to),
            };
            lines(playback, &query, nanoseconds(from), nanoseconds(to), usize::MAX).map(Answer::Lines)
        }
        Query::Metric(expr) => samples(playback, &expr, when).map(Answer::Series),
    }
}

/// The entries from `from` on and before `to`, oldest first, at most so many.
pub fn lines(
    playback: &Playback,
    query: &LogQuery,
    from: Nanoseconds,
    to: Nanoseconds,
    limit: usize,
) -> Result<Vec<String>, Diagnostic> {
    let bounds = Bounds { start: from, end: to, direction: Direction::Forward, limit };
    let failed = |error: StageError| Diagnostic::error(error.message);
    let streams = log_query::run(query, playback.logs()?, bounds, to).map_err(failed)?;
    let mut entries: Vec<_> = streams.into_iter().flat_map(|stream| stream.entries).collect();
    entries.sort_by_key(|entry| entry.time);
    Ok(entries.into_iter().map(|entry| entry.line).collect())
}

/// The values at the steps: every series has one value for each step at which it has any.
fn samples(playback: &Playback, expr: &Expr, when: QueryTime) -> Result<Vec<SeriesValues>, Diagnostic> {
    let failed = |error: EvalError| Diagnostic::error(error.message);
    let logs = playback.logs()?;
    let samples = match when {
        QueryTime::At(at) => answer::instant(expr, logs, nanoseconds(at)),
        QueryTime::Range { from, to, step } => {
            let grid = Grid::range(nanoseconds(from), nanoseconds(to), Nanoseconds(step.0.saturating_mul(1_000_000)));
            answer::range(expr, logs, &grid)
        }
    };
    Ok(match samples.map_err(failed)? {
        Samples::Scalar(_, value) => vec![(Labels::empty(), vec![Some(value)])],
        Samples::Vector(_, elements) => {
            elements.into_iter().map(|(labels, value)| (labels, vec![Some(value)])).collect()
        }
        Samples::Matrix(series) => {
            let values = |points: Vec<(Nanoseconds, f64)>| points.into_iter().map(|(_, value)| Some(value)).collect();
            series.into_iter().map(|(labels, points)| (labels, values(points))).collect()
        }
    })
}

/// Whether a query yields anything at one of the steps from the start of the day to its end, so far apart.
///
/// # Errors
/// As `answer`.
pub fn says_something(playback: &Playback, query: &Query, step: Duration) -> Result<bool, Diagnostic> {
    let (from, to) = (playback.day.start(), playback.day.end());
    match query {
        // The last entry still counts.
        Query::Log(query) => {
            let end = Nanoseconds(nanoseconds(to).0.saturating_add(1));
            lines(playback, query, nanoseconds(from), end, 1).map(|lines| !lines.is_empty())
        }
        Query::Metric(expr) => {
            samples(playback, expr, QueryTime::Range { from, to, step }).map(|found| !found.is_empty())
        }
    }
}

/// The streams that a query reads.
pub fn rests(playback: &Playback, query: &Query) -> Vec<Rest> {
    match query {
        Query::Metric(expr) => footing::of_exprs(playback, [expr]),
        Query::Log(query) => footing::of_streams(playback, &query.selector),
    }
}

fn nanoseconds(time: Timestamp) -> Nanoseconds {
    Nanoseconds(time.0.saturating_mul(1_000_000))
}
