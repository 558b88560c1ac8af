//! The steps of an evaluation, and what each of them can see.

use crate::store::Moment;
use crate::time::{Duration, Timestamp};

/// One evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The query's time: what `time()` returns and where windows end.
    pub time: Timestamp,
    /// The reader's moment: samples whose own moment is not less are invisible.
    pub frontier: Moment,
}

/// Steps in order: times and frontiers do not decrease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(pub Vec<Step>);

/// What several steps are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Independent instant queries: `@ start()` and `@ end()` are each step's own time, two series of equal labels
    /// collide only where both have a value at one step, an error belongs to its step, `sort` orders.
    Instants,
    /// One range query over a regular grid: `@ start()` is the first step, series of equal labels collide as such,
    /// the first error ends the query.
    Range { start: Timestamp, end: Timestamp, step: Duration },
}

impl Steps {
    /// One step that sees all samples.
    pub fn instant(time: Timestamp) -> Steps {
        Steps(vec![Step { time, frontier: Moment::END }])
    }

    /// `start`, `start + step`, ... up to and including `end`; each sees all samples.
    pub fn range(start: Timestamp, end: Timestamp, step: Duration) -> Steps {
        let count = Steps::count(start, end, step);
        Steps((0..count).map(|k| Step { time: start + Duration(k * step.0), frontier: Moment::END }).collect())
    }

    /// How many steps a range has; callers that do not know their ranges ask before they make them.
    pub fn count(start: Timestamp, end: Timestamp, step: Duration) -> i64 {
        if end < start { 0 } else { ((end - start).0 / step.0.max(1)).saturating_add(1) }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
