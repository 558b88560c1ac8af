//! Subqueries: a query evaluated as a range query inside the window of each outer step.
//!
//! Prometheus evaluates an instant query's subquery anew for every instant, with what can be seen at that instant. Here
//! the inner query is evaluated once for all instants together wherever that cannot be told apart, and once for each
//! outer step where it can: where an inner selector would read samples that the outer step does not see yet, where the
//! inner query depends on the outer time, where groups come in another order in one window than in another (sums depend on
//! it), and where it fails, since only those outer steps fail whose windows hold the failure.

use std::collections::BTreeMap;

use super::range::Source;
use super::run::{Node, Op, Run, State};
use super::selector::{Reach, Selector, sees_all};
use crate::engine::{EvalError, Matrix, Mode, Step, bits};
use crate::promql::ast::AtModifier;
use crate::store::Moment;
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// `expr[range:step] @ at offset offset`.
pub struct Subquery {
    pub inner: Node,
    pub range: Duration,
    /// `None`: the profile's.
    pub step: Option<Duration>,
    pub at: Option<AtModifier>,
    pub offset: Duration,
}

/// The inner query's result.
pub struct Frame {
    pub matrix: Matrix,
    /// The time of each inner step.
    pub times: Vec<Timestamp>,
}

/// The first multiple of the step after a time.
fn first_after(time: Timestamp, step: Duration) -> Timestamp {
    Timestamp((time.0.div_euclid(step.0)).saturating_add(1).saturating_mul(step.0))
}

/// How many multiples of a step are in `(after, until]`.
fn count(after: Timestamp, until: Timestamp, step: Duration) -> usize {
    let steps = until.0.div_euclid(step.0).saturating_sub(after.0.div_euclid(step.0));
    usize::try_from(steps).unwrap_or(0)
}

/// How many multiples of a step are in windows that are in order.
fn count_all(windows: &[(Timestamp, Timestamp)], step: Duration) -> usize {
    let mut done = Timestamp::MIN;
    let mut found = 0usize;
    for (start, end) in windows {
        found = found.saturating_add(count(done.max(*start), *end, step));
        done = done.max(*end);
    }
    found
}

/// The multiples of a step that are in windows, as many as were counted.
fn inner_steps(windows: &[(Timestamp, Timestamp)], step: Duration, frontier: Moment, count: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(count);
    let mut done = Timestamp::MIN;
    for (start, end) in windows {
        let mut time = first_after(done.max(*start), step);
        while time <= *end {
            steps.push(Step { time, frontier });
            if time.0 > i64::MAX - step.0 {
                break;
            }
            time = time + step;
        }
        done = done.max(*end);
    }
    steps
}

impl Subquery {
    fn ends(&self, run: &Run<'_>) -> Vec<Timestamp> {
        let mut ends = run.times(self.at);
        ends.iter_mut().for_each(|end| *end = *end - self.offset);
        ends
    }

    /// Evaluates the inner query and hands its results to `sink`, each with the outer steps whose windows are to be cut
    /// from it. Yields the errors of outer steps.
    pub fn eval(
        &mut self,
        span: Span,
        run: &Run<'_>,
        state: &mut State,
        mut sink: impl FnMut(&Frame, &[u64]),
    ) -> Result<BTreeMap<usize, EvalError>, EvalError> {
        let ends = self.ends(run);
        let step = Duration(self.step.unwrap_or(run.profile.default_step).0.max(1));
        let uniform = run.steps.windows(2).all(|pair| pair[0].frontier == pair[1].frontier);
        if let (Mode::Range { .. }, true, Some(outer)) = (run.mode, uniform, run.steps.first()) {
            let (first, last) = (ends[0] - self.range, ends[ends.len() - 1]);
            let frame = self.frame(span, run, state, run.mode, outer.frontier, step, &[(first, last)])?;
            sink(&frame, &bits::all(ends.len()));
            return Ok(BTreeMap::new());
        }
        let mut alone = bits::all(ends.len());
        if ends.len() > 1 {
            let mut lagging = vec![0; alone.len()];
            if self.inner.lags(run, &ends, &mut lagging) {
                let windows: Vec<(Timestamp, Timestamp)> = ends
                    .iter()
                    .enumerate()
                    .filter(|(outer, _)| !bits::has(&lagging, *outer))
                    .map(|(_, end)| (*end - self.range, *end))
                    .collect();
                let mode = Mode::Range { start: Timestamp::MIN, end: Timestamp::MAX, step };
                let varied = std::mem::take(&mut state.order_varies);
                let frame = self.frame(span, run, state, mode, Moment::END, step, &windows);
                if let (Ok(frame), false) = (frame, std::mem::replace(&mut state.order_varies, varied)) {
                    let shared: Vec<u64> = alone.iter().zip(&lagging).map(|(all, lagging)| all & !lagging).collect();
                    sink(&frame, &shared);
                    alone = lagging;
                }
            }
        }
        let mut errors = BTreeMap::new();
        let mut only = vec![0; alone.len()];
        for outer in bits::steps(&alone) {
            let Step { time, frontier } = run.steps[outer];
            let mode = Mode::Range { start: time, end: time, step };
            let window = (ends[outer] - self.range, ends[outer]);
            match self.frame(span, run, state, mode, frontier, step, &[window]) {
                Ok(frame) => {
                    bits::insert(&mut only, outer);
                    sink(&frame, &only);
                    bits::remove(&mut only, outer);
                }
                Err(error) if State::is_limit(&error) && !state.is_one_query() => return Err(error),
                Err(error) => drop(errors.insert(outer, error)),
            }
        }
        Ok(errors)
    }

    /// Evaluates the inner query at all multiples of the step in the windows, which are in order.
    #[expect(clippy::too_many_arguments, reason = "each is a different fact about one evaluation")]
    fn frame(
        &mut self,
        span: Span,
        run: &Run<'_>,
        state: &mut State,
        mode: Mode,
        frontier: Moment,
        step: Duration,
        windows: &[(Timestamp, Timestamp)],
    ) -> Result<Frame, EvalError> {
        let many = count_all(windows, step);
        let held = state.live();
        let outer = state.enter(state.extent().below(self.range, step, many));
        let frame = state.reserve(many, 3, span).and_then(|()| {
            let steps = inner_steps(windows, step, frontier, many);
            let matrix = self.inner.eval(&Run { steps: &steps, block: &steps, mode, ..*run }, state)?;
            // Beside the values of all steps stand the window that is cut from one series of them, and the results for
            // the series up to that one.
            let windows = matrix.columns().map(|column| bits::count(column.present)).filter(|values| *values > 0);
            for (before, values) in windows.enumerate() {
                state.reserve_window(values, before + 1, span)?;
            }
            Ok(Frame { matrix, times: steps.iter().map(|step| step.time).collect() })
        });
        state.release_to(held);
        state.enter(outer);
        frame
    }
}

impl Selector {
    /// Marks the outer steps to which a sample is invisible that an inner step of theirs would read; `ends` are the
    /// latest inner times. False where the selector depends on the outer time itself.
    fn lags(&mut self, run: &Run<'_>, ends: &[Timestamp], lagging: &mut [u64]) -> bool {
        let fixed = match self.at {
            Some(AtModifier::Start | AtModifier::End) => return false,
            Some(AtModifier::Time(time)) => Some(time),
            None => None,
        };
        self.search(run.store);
        let after = self.spread(Duration::ZERO, run).after;
        let times: Vec<Timestamp> = ends.iter().map(|end| fixed.unwrap_or(*end) - self.offset + after).collect();
        let sees_all = sees_all(&times, run.steps);
        for id in &self.ids {
            let series = run.store.series(*id);
            if sees_all && series.moments.is_none() {
                continue;
            }
            let mut reach = Reach::new(series, sees_all);
            for (outer, (time, step)) in times.iter().zip(run.steps).enumerate() {
                reach.to(*time, step.frontier);
                if reach.is_cut() {
                    bits::insert(lagging, outer);
                }
            }
        }
        true
    }
}

impl Source {
    fn lags(&mut self, run: &Run<'_>, ends: &[Timestamp], lagging: &mut [u64]) -> bool {
        match self {
            Source::Series(selector) => selector.lags(run, ends, lagging),
            Source::Subquery(subquery) => {
                let fixed = match subquery.at {
                    Some(AtModifier::Start | AtModifier::End) => return false,
                    Some(AtModifier::Time(time)) => Some(time),
                    None => None,
                };
                let ends: Vec<Timestamp> = ends.iter().map(|end| fixed.unwrap_or(*end) - subquery.offset).collect();
                subquery.inner.lags(run, &ends, lagging)
            }
        }
    }
}

impl Node {
    /// What [`Selector::lags`] says of all selectors below.
    fn lags(&mut self, run: &Run<'_>, ends: &[Timestamp], lagging: &mut [u64]) -> bool {
        let own = match &mut self.op {
            Op::Instant(selector) => selector.selector.lags(run, ends, lagging),
            Op::Smoothed(smoothed) => smoothed.selector.lags(run, ends, lagging),
            Op::Info(info) => info.series.lags(run, ends, lagging),
            Op::RangeCall(call) => call.source.lags(run, ends, lagging),
            Op::AbsentOverTime(absent) => absent.source.lags(run, ends, lagging),
            Op::Invariant(invariant) => !invariant.depends_on_first_step,
            // They tell of the outer time, and nothing below a subquery is shared.
            Op::OfQuery(_) | Op::Shared(_) => false,
            _ => true,
        };
        own && self.children_mut().into_iter().all(|child| child.lags(run, ends, lagging))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_steps_are_multiples_of_the_step_also_before_the_epoch() {
        let first = |time, step| first_after(Timestamp(time), Duration(step)).0;
        assert_eq!(first(50, 100), 100);
        assert_eq!(first(100, 100), 200);
        assert_eq!(first(-150, 100), -100);
        assert_eq!(first(-100, 100), 0);
        assert_eq!(count(Timestamp(-150), Timestamp(100), Duration(100)), 3);
    }
}
