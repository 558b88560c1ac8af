//! Native histograms as PromQL computes with them: counts are numbers, also broken ones (Prometheus `model/histogram`,
//! `FloatHistogram`).

mod arithmetic;
mod bounds;
mod compensation;
mod handle;
mod intervals;
mod reset;
mod running;
mod sample;
mod text;
mod trim;
mod validate;

pub use arithmetic::{Combined, MixedSchemas};
pub use bounds::exponential as exponential_bound;
pub use compensation::Compensation;
pub use handle::{handle, index_of};
pub use intervals::Interval;
pub use running::Running;
pub use sample::Sample;
pub use validate::Invalid;

use std::sync::Arc;

/// The schema of histograms whose bounds are listed; other schemas are exponential.
pub const CUSTOM_BUCKETS: i32 = -53;
/// The exponential schemas: two neighbouring bounds are a factor of 2^(2^-schema) apart.
pub const EXPONENTIAL: std::ops::RangeInclusive<i32> = -4..=8;

/// What is known of a counter reset between a histogram and the one before it in its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    #[default]
    Unknown,
    Reset,
    NotReset,
    /// It is no counter, so there are no resets.
    Gauge,
}

/// The observations of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Place among the bounds of the schema: exponential bucket 0 ends at 1, bucket 0 of custom bounds at the first.
    pub index: i32,
    pub count: f64,
}

/// A native histogram.
#[derive(Clone, Debug, Default)]
pub struct FloatHistogram {
    pub hint: ResetHint,
    /// One of [`EXPONENTIAL`], or [`CUSTOM_BUCKETS`].
    pub schema: i32,
    /// Observations from minus this to this are in the zero bucket.
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    /// By index, increasing, no index twice; a bucket that is not there is empty, and an empty one may be there.
    pub positive: Vec<Bucket>,
    /// Like `positive`, with all bounds mirrored at zero.
    pub negative: Vec<Bucket>,
    /// Upper bounds, increasing, of schema [`CUSTOM_BUCKETS`]; the last bucket, up to +Inf, is not listed.
    pub custom_values: Arc<[f64]>,
}

impl FloatHistogram {
    pub fn has_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    fn counts_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let buckets = self.positive.iter_mut().chain(&mut self.negative).map(|bucket| &mut bucket.count);
        [&mut self.zero_count, &mut self.count, &mut self.sum].into_iter().chain(buckets)
    }

    /// All counts and the sum times a factor; times a negative one it is a gauge.
    pub fn mul(&mut self, factor: f64) {
        self.counts_mut().for_each(|count| *count *= factor);
        if factor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// All counts and the sum by a divisor; by zero no buckets are left, by a negative one it is a gauge.
    pub fn div(&mut self, divisor: f64) {
        self.counts_mut().for_each(|count| *count /= divisor);
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        } else if divisor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// Drops empty buckets.
    pub fn compact(&mut self) {
        self.positive.retain(|bucket| bucket.count != 0.0);
        self.negative.retain(|bucket| bucket.count != 0.0);
    }

    /// Whether two histograms hold the same numbers, bit by bit, in the same buckets; hints are not compared.
    pub fn equals(&self, other: &FloatHistogram) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let same_buckets = |a: &[Bucket], b: &[Bucket]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index == b.index && same(a.count, b.count))
        };
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && (!self.has_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && same(self.zero_count, other.zero_count)
            && same_buckets(&self.negative, &other.negative)
            && same_buckets(&self.positive, &other.positive)
    }

    /// Whether some number in it is infinite.
    pub fn has_overflow(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|bucket| &bucket.count);
        [&self.zero_count, &self.count, &self.sum]
            .into_iter()
            .chain(buckets)
            .chain(self.custom_values.iter())
            .any(|number| number.is_infinite())
    }

    /// The same observations at a lower resolution, with an unknown hint; itself at its own.
    ///
    /// Custom buckets have only one resolution, and a higher one cannot be had.
    pub fn at_schema(&self, schema: i32) -> FloatHistogram {
        if schema >= self.schema || self.has_custom_buckets() || schema == CUSTOM_BUCKETS {
            return self.clone();
        }
        FloatHistogram {
            hint: ResetHint::Unknown,
            schema,
            positive: bounds::reduced(&self.positive, self.schema, schema),
            negative: bounds::reduced(&self.negative, self.schema, schema),
            custom_values: Arc::default(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests;
