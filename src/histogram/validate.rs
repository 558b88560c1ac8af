//! What holds of a histogram that a server accepts (Prometheus `FloatHistogram.Validate`).

use super::{Bucket, CUSTOM_BUCKETS, EXPONENTIAL, FloatHistogram};

/// Why a histogram is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema {0}"
    )]
    Schema(i32),
    #[error("histogram's observation count is negative")]
    Count,
    #[error("histogram has a bucket whose observation count is negative")]
    BucketCount,
    #[error("custom buckets: histogram custom bounds must not be NaN")]
    NanBound,
    #[error("custom buckets: histogram custom bounds must be in strictly increasing order")]
    BoundsOrder,
    #[error("custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite")]
    InfiniteBound,
    #[error("custom buckets: histogram has a span whose offset is negative")]
    NegativeOffset,
    #[error("custom buckets: histogram custom bounds are too few")]
    TooFewBounds,
    #[error("custom buckets: must have zero count of 0")]
    CustomZeroCount,
    #[error("custom buckets: must have zero threshold of 0")]
    CustomZeroThreshold,
    #[error("custom buckets: must not have negative buckets")]
    CustomNegative,
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialBounds,
}

impl FloatHistogram {
    /// Whether a server would store it. The sum of the buckets is not compared with the count: rounding may make it larger.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.schema == CUSTOM_BUCKETS {
            self.validate_custom()?;
        } else if EXPONENTIAL.contains(&self.schema) {
            if self.zero_count < 0.0 || any_negative(&self.negative) {
                return Err(Invalid::BucketCount);
            }
            if !self.custom_values.is_empty() {
                return Err(Invalid::ExponentialBounds);
            }
        } else {
            return Err(Invalid::Schema(self.schema));
        }
        if self.count < 0.0 {
            return Err(Invalid::Count);
        }
        if any_negative(&self.positive) { Err(Invalid::BucketCount) } else { Ok(()) }
    }

    fn validate_custom(&self) -> Result<(), Invalid> {
        let bounds = &self.custom_values;
        if bounds.iter().any(|bound| bound.is_nan()) {
            return Err(Invalid::NanBound);
        }
        if !bounds.is_sorted_by(|a, b| a < b) {
            return Err(Invalid::BoundsOrder);
        }
        if bounds.last() == Some(&f64::INFINITY) {
            return Err(Invalid::InfiniteBound);
        }
        if self.positive.first().is_some_and(|bucket| bucket.index < 0) {
            return Err(Invalid::NegativeOffset);
        }
        if self.positive.last().is_some_and(|bucket| i64::from(bucket.index) > bounds.len() as i64) {
            return Err(Invalid::TooFewBounds);
        }
        if self.zero_count != 0.0 {
            return Err(Invalid::CustomZeroCount);
        }
        if self.zero_threshold != 0.0 {
            return Err(Invalid::CustomZeroThreshold);
        }
        if self.negative.is_empty() { Ok(()) } else { Err(Invalid::CustomNegative) }
    }
}

fn any_negative(buckets: &[Bucket]) -> bool {
    buckets.iter().any(|bucket| bucket.count < 0.0)
}
