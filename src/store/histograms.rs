//! The histograms of a series, and what a server's chunks tell of counter resets between them (Prometheus
//! `tsdb/chunkenc/float_histogram.go`).

use std::sync::Arc;

use crate::histogram::{FloatHistogram, ResetHint, index_of};

/// Histograms that the values of one series stand for.
#[derive(Clone, Debug, Default)]
pub struct Histograms {
    /// In the order of their samples.
    pub arena: Vec<Arc<FloatHistogram>>,
    /// The last sample is the last histogram: the next one may go on with its chunk.
    goes_on: bool,
}

impl Histograms {
    /// The histogram that a value of the series stands for.
    pub fn get(&self, value: f64) -> Option<&Arc<FloatHistogram>> {
        self.arena.get(index_of(value)?)
    }

    /// The last sample, if that is a histogram.
    pub fn current(&self) -> Option<&Arc<FloatHistogram>> {
        self.arena.last().filter(|_| self.goes_on)
    }

    /// A number or a stale marker ends a chunk of histograms.
    pub fn interrupt(&mut self) {
        self.goes_on = false;
    }

    /// Takes in the next histogram. Inside of a chunk of counters there is no reset; of a chunk's first histogram nothing is
    /// known.
    pub fn push(&mut self, histogram: &Arc<FloatHistogram>) {
        let last = self.current();
        let hint = match last {
            _ if histogram.hint == ResetHint::Gauge => ResetHint::Gauge,
            Some(last) if shares_chunk(last, histogram) => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        };
        let stored = match last {
            _ if histogram.hint == hint => histogram.clone(),
            Some(last) if last.hint == hint && last.equals(histogram) => last.clone(),
            _ => Arc::new(FloatHistogram { hint, ..FloatHistogram::clone(histogram) }),
        };
        self.arena.push(stored);
        self.goes_on = true;
    }
}

/// Whether a counter goes into the chunk that the histogram before it is in: same buckets, and nothing has become less.
fn shares_chunk(last: &FloatHistogram, next: &FloatHistogram) -> bool {
    last.hint != ResetHint::Gauge
        && next.hint != ResetHint::Reset
        && next.count >= last.count
        && next.schema == last.schema
        && next.zero_threshold == last.zero_threshold
        && next.custom_values == last.custom_values
        && next.zero_count >= last.zero_count
        && !next.falls_below(last)
}
