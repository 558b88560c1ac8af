//! The samples of one series in one window: what a range-vector function is given.

use crate::time::{Duration, Timestamp};

/// The visible samples of one series in `(start, end]`, stale markers left out.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Strictly increasing.
    pub times: &'a [Timestamp],
    /// One value a time.
    pub values: &'a [f64],
    /// Where the window begins; a sample at this very time is outside.
    pub start: Timestamp,
    /// Where the window ends: the time of evaluation minus the offset; a sample at this very time is inside.
    pub end: Timestamp,
    /// The width as written, `end - start`.
    pub range: Duration,
    /// The time of the step itself, without offset or `@`.
    pub at: Timestamp,
}

/// A function over a window, given its scalar parameters at that step in the order of the arguments; `None`
/// where the series yields no value.
pub type RangeFn = fn(&Window<'_>, args: &[f64]) -> Option<f64>;
