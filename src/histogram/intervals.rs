//! Buckets with their bounds, from the lowest to the highest.

use super::{Bucket, FloatHistogram, bounds};

/// A bucket as an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub lower: f64,
    pub upper: f64,
    pub lower_inclusive: bool,
    pub upper_inclusive: bool,
    pub count: f64,
}

impl Interval {
    /// The share of the interval below a value inside of it, by width where `linear`, else by width on a logarithmic scale.
    pub fn share_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let log2 = |number: f64| crate::number::math::log2(number.abs());
        let (lower, upper, value_log) = (log2(self.lower), log2(self.upper), log2(value));
        if value > 0.0 { (value_log - lower) / (upper - lower) } else { 1.0 - ((value_log - upper) / (lower - upper)) }
    }
}

impl FloatHistogram {
    pub(super) fn positive_interval(&self, bucket: &Bucket) -> Interval {
        let bound = |index| bounds::upper(index, self.schema, &self.custom_values);
        let (lower, upper) = (bound(bucket.index - 1), bound(bucket.index));
        let custom = self.has_custom_buckets();
        Interval {
            lower,
            upper,
            lower_inclusive: if custom { bucket.index == 0 } else { lower < 0.0 },
            upper_inclusive: custom || upper > 0.0,
            count: bucket.count,
        }
    }

    pub(super) fn negative_interval(&self, bucket: &Bucket) -> Interval {
        let Interval { lower, upper, count, .. } = self.positive_interval(bucket);
        let (lower, upper) = (-upper, -lower);
        Interval { lower, upper, lower_inclusive: lower < 0.0, upper_inclusive: upper > 0.0, count }
    }

    /// The zero bucket.
    pub(super) fn zero_interval(&self) -> Interval {
        let (upper, count) = (self.zero_threshold, self.zero_count);
        Interval { lower: -upper, upper, lower_inclusive: true, upper_inclusive: true, count }
    }

    /// All buckets from the lowest on, the zero bucket where it holds something; what overlaps with it begins where it
    /// ends.
    pub fn intervals(&self) -> impl DoubleEndedIterator<Item = Interval> {
        let zero = self.zero_threshold;
        let cut = move |mut interval: Interval| {
            if interval.upper < 0.0 && interval.upper > -zero {
                interval.upper = -zero;
            } else if interval.lower > 0.0 && interval.lower < zero {
                interval.lower = zero;
            }
            interval
        };
        let negative = self.negative.iter().rev().map(|bucket| self.negative_interval(bucket)).map(cut);
        let positive = self.positive.iter().map(|bucket| self.positive_interval(bucket)).map(cut);
        negative.chain((self.zero_count > 0.0).then(|| self.zero_interval())).chain(positive)
    }
}
