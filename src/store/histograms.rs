//! The histograms of a series, and what is known of counter resets between them.

use std::sync::Arc;

use super::histogram_chunk::Chunk;
use crate::histogram::{FloatHistogram, ResetHint, index_of};
use crate::number::is_stale;
use crate::time::Timestamp;

/// Histograms that values of one series stand for.
#[derive(Clone, Debug, Default)]
pub struct Histograms {
    /// In the order of their samples.
    pub arena: Vec<Arc<FloatHistogram>>,
    chunk: Chunk,
    /// The last sample is the last histogram.
    is_current: bool,
}

impl Histograms {
    /// The histogram that a value of the series stands for.
    pub fn get(&self, value: f64) -> Option<&Arc<FloatHistogram>> {
        self.arena.get(index_of(value)?)
    }

    /// The last sample, if that is a histogram.
    pub fn current(&self) -> Option<&Arc<FloatHistogram>> {
        self.arena.last().filter(|_| self.is_current)
    }

    /// A number or a stale marker ends a chunk of histograms.
    pub fn interrupt(&mut self, value: f64) {
        self.is_current = false;
        self.chunk.end(is_stale(value));
    }

    /// Takes in the next histogram. Inside of a chunk of counters there is no reset; of a chunk's first histogram nothing is
    /// known.
    pub fn push(&mut self, time: Timestamp, histogram: &Arc<FloatHistogram>) {
        let goes_on = self.chunk.push(time, histogram);
        let hint = match histogram.hint {
            ResetHint::Gauge => ResetHint::Gauge,
            _ if goes_on => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        };
        let stored = match self.current() {
            _ if histogram.hint == hint => histogram.clone(),
            Some(last) if last.hint == hint && last.equals(histogram) => last.clone(),
            _ => Arc::new(FloatHistogram { hint, ..FloatHistogram::clone(histogram) }),
        };
        self.arena.push(stored);
        self.is_current = true;
    }
}
