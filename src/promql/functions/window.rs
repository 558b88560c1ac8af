//! The samples of one series in one window: what a range-vector function is given.

use std::sync::Arc;

use crate::histogram::{FloatHistogram, Sample, index_of};
use crate::labels::Labels;
use crate::time::{Duration, Timestamp};

/// The visible samples of one series in `(start, end]`, stale markers left out.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Strictly increasing.
    pub times: &'a [Timestamp],
    /// One value a time; a handle where it is a histogram.
    pub values: &'a [f64],
    /// What handles stand for; empty for a series of numbers.
    pub histograms: &'a [Arc<FloatHistogram>],
    /// When the counter of each sample began to count; empty where that is not looked at.
    pub starts: &'a [Timestamp],
    /// Those of the series.
    pub labels: &'a Labels,
    /// Where the window begins; a sample at this very time is outside.
    pub start: Timestamp,
    /// Where the window ends: the time of evaluation minus the offset; a sample at this very time is inside.
    pub end: Timestamp,
    /// The width as written, `end - start`.
    pub range: Duration,
    /// The time of the step itself, without offset or `@`.
    pub at: Timestamp,
}

impl<'a> Window<'a> {
    /// The same window without its first samples.
    pub fn from(&self, first: usize) -> Window<'a> {
        let starts = self.starts.get(first..).unwrap_or_default();
        Window { times: &self.times[first..], values: &self.values[first..], starts, ..*self }
    }

    /// The sample at a place.
    pub fn sample(&self, at: usize) -> Sample {
        let value = self.values[at];
        match index_of(value).and_then(|place| self.histograms.get(place)) {
            Some(histogram) => Sample::Histogram(histogram.clone()),
            None => Sample::Float(value),
        }
    }
}

/// A function over a window, given its scalar parameters at that step in the order of the arguments; `None`
/// where the series yields no value.
pub type RangeFn = fn(&Window<'_>, args: &[f64]) -> Option<f64>;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Samples of one series, to cut windows from.
    pub struct Samples {
        times: Vec<Timestamp>,
        values: Vec<f64>,
    }

    impl Samples {
        /// One value every `seconds`, from 0.
        pub fn every(seconds: i64, values: &[f64]) -> Samples {
            let times = (0..values.len() as i64).map(|k| Timestamp(k * seconds * 1000)).collect();
            Samples { times, values: values.to_vec() }
        }

        /// Values at seconds.
        pub fn at(points: &[(i64, f64)]) -> Samples {
            Samples {
                times: points.iter().map(|(t, _)| Timestamp(t * 1000)).collect(),
                values: points.iter().map(|(_, value)| *value).collect(),
            }
        }

        /// The window `(start, end]`, in seconds.
        pub fn window(&self, start: i64, end: i64, check: impl FnOnce(&Window<'_>)) {
            let (start, end) = (Timestamp(start * 1000), Timestamp(end * 1000));
            let from = self.times.partition_point(|t| *t <= start);
            let to = self.times.partition_point(|t| *t <= end);
            let (times, values) = (&self.times[from..to], &self.values[from..to]);
            let labels = &Labels::empty();
            check(&Window {
                times,
                values,
                histograms: &[],
                starts: &[],
                labels,
                start,
                end,
                range: end - start,
                at: end,
            });
        }
    }
}
