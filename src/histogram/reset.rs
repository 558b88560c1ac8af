//! Whether a counter was reset between two histograms (Prometheus `FloatHistogram.DetectReset`).

use super::{Bucket, FloatHistogram, ResetHint, bounds};

impl FloatHistogram {
    /// Whether it lacks observations that an earlier histogram of its series had. Its hint is believed where it has one.
    ///
    /// The zero bucket only grows and the resolution only falls without a reset; the earlier histogram is seen through what
    /// is now the zero bucket and the resolution.
    pub fn is_reset_after(&self, previous: &FloatHistogram) -> bool {
        match self.hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.has_custom_buckets() {
            if !previous.has_custom_buckets() {
                return true;
            }
            if self.custom_values != previous.custom_values {
                return self.falls_between_shared_bounds(previous);
            }
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (previous_zero, threshold, _) = previous.zero_count_within(self.zero_threshold, None);
        // It does not move inside of a bucket that holds something.
        if threshold != self.zero_threshold || self.zero_count < previous_zero {
            return true;
        }
        [(&self.positive, &previous.positive), (&self.negative, &previous.negative)].into_iter().any(|(now, before)| {
            let before = bounds::reduced(before, previous.schema, self.schema);
            falls(self.outside_zero(now), self.outside_zero(&before))
        })
    }

    /// Whether a bucket holds less than in an earlier histogram of the same bounds.
    pub fn falls_below(&self, previous: &FloatHistogram) -> bool {
        falls(&self.positive, &previous.positive) || falls(&self.negative, &previous.negative)
    }

    /// The buckets that do not end inside of the zero bucket.
    fn outside_zero<'a>(&self, buckets: &'a [Bucket]) -> &'a [Bucket] {
        if self.has_custom_buckets() || self.zero_threshold == 0.0 {
            return buckets;
        }
        let inside = |bucket: &Bucket| bounds::exponential(bucket.index, self.schema) <= self.zero_threshold;
        &buckets[buckets.partition_point(inside)..]
    }

    /// Whether fewer observations are between two bounds that both histograms have.
    fn falls_between_shared_bounds(&self, previous: &FloatHistogram) -> bool {
        let shared = super::arithmetic::shared_bounds(&self.custom_values, &previous.custom_values);
        let counts = |of: &FloatHistogram| {
            let mut counts = vec![0.0; shared.len() + 1];
            for bucket in &of.positive {
                counts[super::arithmetic::place(bucket.index, &of.custom_values, &shared)] += bucket.count;
            }
            counts
        };
        counts(self).iter().zip(counts(previous)).any(|(now, before)| *now < before)
    }
}

/// Whether a bucket holds less than before.
fn falls(now: &[Bucket], before: &[Bucket]) -> bool {
    let mut rest = now;
    before.iter().any(|before| {
        rest = &rest[rest.partition_point(|bucket| bucket.index < before.index)..];
        match rest.first() {
            Some(now) if now.index == before.index => now.count < before.count,
            _ => before.count != 0.0,
        }
    })
}
