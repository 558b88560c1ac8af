//! Histograms as text: as Prometheus prints them, and as test files write them.

use std::fmt;

use super::{Bucket, FloatHistogram, Interval, ResetHint};
use crate::number::format_v;

impl fmt::Display for Interval {
    /// `[1,2):3`, in the usual notation of intervals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        let [lower, upper, count] = [self.lower, self.upper, self.count].map(format_v);
        write!(f, "{open}{lower},{upper}{close}:{count}")
    }
}

impl fmt::Display for FloatHistogram {
    /// `{count:6, sum:4, [-1,-0.5):1, (1,2]:5}`: the buckets that are not empty, from the lowest on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_v(self.count), format_v(self.sum))?;
        let filled = |bucket: &&Bucket| bucket.count != 0.0;
        for bucket in self.negative.iter().rev().filter(filled) {
            write!(f, ", {}", self.negative_interval(bucket))?;
        }
        if self.zero_count != 0.0 {
            write!(f, ", {}", self.zero_interval())?;
        }
        for bucket in self.positive.iter().filter(filled) {
            write!(f, ", {}", self.positive_interval(bucket))?;
        }
        f.write_str("}")
    }
}

/// Numbers between spaces.
fn listed(numbers: impl Iterator<Item = f64>) -> String {
    numbers.map(format_v).collect::<Vec<_>>().join(" ")
}

impl FloatHistogram {
    /// The histogram in the notation of test files (Prometheus `TestExpression`): `{{schema:1 count:3 buckets:[1 2]}}`.
    pub fn test_expression(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if self.schema != 0 {
            parts.push(format!("schema:{}", self.schema));
        }
        // Of custom buckets, what NaN has made of the zero bucket that they do not have is left out.
        let zero_count = if self.has_custom_buckets() { 0.0 } else { self.zero_count };
        let numbers =
            [("count", self.count), ("sum", self.sum), ("z_bucket", zero_count), ("z_bucket_w", self.zero_threshold)];
        for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0.0) {
            parts.push(format!("{name}:{}", format_v(number)));
        }
        if self.has_custom_buckets() {
            parts.push(format!("custom_values:[{}]", listed(self.custom_values.iter().copied())));
        }
        match self.hint {
            ResetHint::Unknown => {}
            ResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
            ResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
            ResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
        }
        for (name, offset, buckets) in
            [("buckets", "offset", &self.positive), ("n_buckets", "n_offset", &self.negative)]
        {
            let filled = || buckets.iter().filter(|bucket| bucket.count != 0.0);
            let (Some(first), Some(last)) = (filled().next(), filled().next_back()) else { continue };
            if first.index != 0 {
                parts.push(format!("{offset}:{}", first.index));
            }
            let counts = (first.index..=last.index).map(|index| {
                let found = buckets.binary_search_by_key(&index, |bucket| bucket.index);
                found.map_or(0.0, |at| buckets[at].count)
            });
            parts.push(format!("{name}:[{}]", listed(counts)));
        }
        format!("{{{{{}}}}}", parts.join(" "))
    }
}
