//! When a server begins a new chunk of histograms (Prometheus `tsdb/head_append.go` and `tsdb/chunkenc/float_histogram.go`):
//! of the first histogram of a chunk it does not know whether there was a counter reset. Chunks are cut by their size, so the
//! bits that they would take are counted.

use std::sync::Arc;

use crate::histogram::{Bucket, FloatHistogram, ResetHint};
use crate::time::Timestamp;

/// Sizes in bytes and numbers of samples (`chunkenc.TargetBytesPerHistogramChunk`, `MinSamplesPerHistogramChunk`).
const TARGET_BYTES: usize = 1024;
const MIN_SAMPLES: usize = 10;
/// Milliseconds that a chunk may span at most: of promtool's storage, a day.
const CHUNK_RANGE: i64 = 24 * 3_600_000;
/// Number of samples and flags.
const HEADER_BYTES: usize = 3;

/// The chunk that the histograms of a series go into.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    samples: Vec<(Timestamp, Arc<FloatHistogram>)>,
    encoder: Encoder,
    /// The indices of all buckets that are written, those that are empty too.
    positive: Vec<i32>,
    negative: Vec<i32>,
    /// When the next chunk begins at the latest.
    next_at: i64,
    /// Whether that has been predicted from the chunk's size.
    predicted: bool,
}

/// The end of the stretch of time that a chunk must not leave.
fn range_end(time: Timestamp) -> i64 {
    (time.0 / CHUNK_RANGE) * CHUNK_RANGE + CHUNK_RANGE
}

impl Chunk {
    /// The next sample is of another kind: whatever comes then begins a new chunk. After a number nothing is predicted.
    pub fn end(&mut self, predicted: bool) {
        self.samples.clear();
        self.predicted &= predicted;
    }

    /// Takes in a histogram; whether it goes into the chunk that is there.
    pub fn push(&mut self, time: Timestamp, histogram: &Arc<FloatHistogram>) -> bool {
        let cut = self.is_full(time);
        let goes_on = !cut && self.samples.last().is_some_and(|(_, last)| shares_chunk(last, histogram));
        if !goes_on {
            self.predicted &= !cut;
            self.samples.clear();
            self.next_at = range_end(time);
            (self.positive, self.negative) = (Vec::new(), Vec::new());
        }
        self.samples.push((time, histogram.clone()));
        let wider = widen(&mut self.positive, &histogram.positive) | widen(&mut self.negative, &histogram.negative);
        let first_written = if wider || !goes_on { 0 } else { self.samples.len() - 1 };
        if first_written == 0 {
            self.encoder = Encoder::default();
        }
        for (time, histogram) in &self.samples[first_written..] {
            self.encoder.append(*time, histogram, &self.positive, &self.negative);
        }
        goes_on
    }

    /// Whether a new chunk begins because of the time or of what is in this one.
    fn is_full(&mut self, time: Timestamp) -> bool {
        let (Some((first, _)), Some((last, _))) = (self.samples.first(), self.samples.last()) else { return false };
        let bytes = HEADER_BYTES + self.encoder.bits.div_ceil(8);
        let range_end = if self.predicted { range_end(*first) } else { self.next_at };
        if !self.predicted && bytes >= TARGET_BYTES / 4 {
            // Chunks of equal length, if samples go on as they came.
            let whole = (self.next_at - first.0) as f64;
            let full = (last.0 - first.0 + 1) as f64 * (TARGET_BYTES as f64 / bytes as f64);
            let chunks = whole / full;
            if chunks > 1.0 {
                self.next_at = (first.0 as f64 + whole / chunks.floor()) as i64;
            }
            self.predicted = true;
        }
        (time.0 >= self.next_at || bytes >= 2 * TARGET_BYTES)
            && (self.samples.len() >= MIN_SAMPLES || time.0 >= range_end)
    }
}

/// Adds the indices of buckets; whether there were new ones.
fn widen(indices: &mut Vec<i32>, buckets: &[Bucket]) -> bool {
    let known = indices.len();
    indices.extend(buckets.iter().map(|bucket| bucket.index));
    indices.sort_unstable();
    indices.dedup();
    indices.len() > known
}

/// Whether a histogram can be written behind another one: same kind and bounds, and of a counter nothing has become less.
fn shares_chunk(last: &FloatHistogram, next: &FloatHistogram) -> bool {
    let gauge = next.hint == ResetHint::Gauge;
    (last.hint == ResetHint::Gauge) == gauge
        && next.schema == last.schema
        && next.zero_threshold == last.zero_threshold
        && next.custom_values == last.custom_values
        && (gauge
            || (next.hint != ResetHint::Reset
                && !falls(next.count, last.count)
                && !falls(next.zero_count, last.zero_count)
                && !next.falls_below(last)))
}

/// Whether a number is less than the one before; of NaN that is not known.
fn falls(next: f64, last: f64) -> bool {
    next < last
}

/// Counts the bits of a chunk.
#[derive(Clone, Debug, Default)]
struct Encoder {
    bits: usize,
    time: i64,
    delta: i64,
    /// Count, count of the zero bucket, sum, positive buckets, negative ones; empty before the first sample.
    numbers: Vec<Number>,
}

/// A number as it was written last, and the significant bits that its changes are written with.
#[derive(Clone, Copy, Debug)]
struct Number {
    bits: u64,
    window: Option<(u32, u32)>,
}

impl Encoder {
    fn append(&mut self, time: Timestamp, histogram: &FloatHistogram, positive: &[i32], negative: &[i32]) {
        let count_of = |buckets: &[Bucket], index: &i32| {
            let at = buckets.binary_search_by_key(index, |bucket| bucket.index);
            at.map_or(0.0, |at| buckets[at].count)
        };
        let totals = [histogram.count, histogram.zero_count, histogram.sum];
        let above = positive.iter().map(|index| count_of(&histogram.positive, index));
        let below = negative.iter().map(|index| count_of(&histogram.negative, index));
        let values = totals.into_iter().chain(above).chain(below);
        if self.numbers.is_empty() {
            self.bits += zero_threshold_bits(histogram.zero_threshold) + int_bits(histogram.schema.into());
            self.bits += spans_bits(positive) + spans_bits(negative);
            if histogram.has_custom_buckets() {
                self.bits += uint_bits(histogram.custom_values.len() as u64);
                self.bits += histogram.custom_values.iter().map(|bound| bound_bits(*bound)).sum::<usize>();
            }
            self.numbers = values.map(|value| Number { bits: value.to_bits(), window: None }).collect();
            self.bits += int_bits(time.0) + 64 * self.numbers.len();
        } else {
            let delta = time.0 - self.time;
            self.bits += int_bits(delta - self.delta);
            self.delta = delta;
            for (number, value) in self.numbers.iter_mut().zip(values) {
                self.bits += number.write(value);
            }
        }
        self.time = time.0;
    }
}

impl Number {
    fn write(&mut self, value: f64) -> usize {
        let change = value.to_bits() ^ std::mem::replace(&mut self.bits, value.to_bits());
        if change == 0 {
            return 1;
        }
        let (leading, trailing) = (change.leading_zeros().min(31), change.trailing_zeros());
        if let Some((known_leading, known_trailing)) = self.window
            && leading >= known_leading
            && trailing >= known_trailing
        {
            return 2 + (64 - known_leading - known_trailing) as usize;
        }
        self.window = Some((leading, trailing));
        2 + 5 + 6 + (64 - leading - trailing) as usize
    }
}

/// Whole numbers: the fewer digits, the fewer bits.
fn int_bits(value: i64) -> usize {
    let fits = |bits: u32| -((1 << (bits - 1)) - 1) <= value && value <= 1 << (bits - 1);
    match value {
        0 => 1,
        _ if fits(3) => 5,
        _ if fits(6) => 9,
        _ if fits(9) => 13,
        _ if fits(12) => 17,
        _ if fits(18) => 24,
        _ if fits(25) => 32,
        _ if fits(56) => 64,
        _ => 72,
    }
}

/// Like [`int_bits`], for numbers without sign.
fn uint_bits(value: u64) -> usize {
    match 64 - value.leading_zeros() {
        0 => 1,
        1..=3 => 5,
        4..=6 => 9,
        7..=9 => 13,
        10..=12 => 17,
        13..=18 => 24,
        19..=25 => 32,
        26..=56 => 64,
        _ => 72,
    }
}

/// Runs of buckets without a gap: how many, and for each its length and how far it is from the one before.
fn spans_bits(indices: &[i32]) -> usize {
    let mut bits = 0;
    let mut spans = 0;
    let mut end = 0;
    for span in indices.chunk_by(|a, b| a + 1 == *b) {
        bits += uint_bits(span.len() as u64) + int_bits((span[0] - end).into());
        end = span[0] + span.len() as i32;
        spans += 1;
    }
    bits + uint_bits(spans)
}

/// A power of two takes a byte, anything else nine.
fn zero_threshold_bits(threshold: f64) -> usize {
    let fraction = threshold.to_bits() & ((1 << 52) - 1);
    let exponent = threshold.log2();
    let short = threshold == 0.0 || (fraction == 0 && (-243.0..=10.0).contains(&exponent));
    if short { 8 } else { 72 }
}

/// A custom bound: short where it is a whole number of thousandths.
fn bound_bits(bound: f64) -> usize {
    let thousandths = bound * 1000.0;
    let short = (0.0..=33_554_430.0).contains(&thousandths) && thousandths.round() / 1000.0 == bound;
    if short { uint_bits(thousandths.round() as u64 + 1) } else { 65 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of the first histogram, and what is added each minute.
    fn cuts(first: &[f64], step: &[f64], totals: (f64, f64), more: (f64, f64), samples: i64) -> Vec<i64> {
        let histogram = |totals: (f64, f64), counts: &[f64]| FloatHistogram {
            sum: totals.0,
            count: totals.1,
            positive: (0..).zip(counts).map(|(index, count)| Bucket { index, count: *count }).collect(),
            ..FloatHistogram::default()
        };
        let (mut next, step) = (histogram(totals, first), histogram(more, step));
        let mut chunk = Chunk::default();
        let mut cuts = Vec::new();
        for minute in 0..samples {
            if !chunk.push(Timestamp(minute * 60_000), &Arc::new(next.clone())) {
                cuts.push(minute);
            }
            next.add(&step).unwrap();
        }
        cuts
    }

    // Expected values: the minutes at which promtool 3.5 shows no counter reset hint.
    #[test]
    fn chunks_are_cut_where_promtool_cuts_them() {
        assert_eq!(cuts(&[1.0, 2.0, 1.0], &[], (3.0, 4.0), (0.0, 0.0), 400), [0]);
        let growing = cuts(&[1.0, 2.0, 1.0], &[1.0, 1.0, 1.0], (3.0, 4.0), (1.1, 3.0), 400);
        assert_eq!(growing, [0, 60, 129, 202, 275, 348]);
        let first = [1.0, 2.0, 1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 2.0, 3.0, 4.0];
        let step = [1.3, 1.7, 1.1, 0.3, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 0.7];
        let broken = cuts(&first, &step, (3.0, 4.0), (1.17, 3.0), 400);
        assert_eq!(broken, (0..400).step_by(11).collect::<Vec<_>>());
    }
}
