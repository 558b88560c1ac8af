//! Where buckets end, and buckets of a lower resolution (Prometheus `model/histogram/generic.go`).

use std::f64::consts::SQRT_2;
use std::sync::LazyLock;

use super::{Bucket, CUSTOM_BUCKETS};
use crate::number::math::ldexp;

/// 2^(1/2), 2^(1/4), ... 2^(1/256), as Prometheus' table of bounds has been made with: the first is one digit short.
const ROOTS: [f64; 8] = [
    SQRT_2.next_down(),
    1.189207115002721,
    1.0905077326652577,
    1.0442737824274138,
    1.0218971486541166,
    1.0108892860517005,
    1.0054299011128027,
    1.0027112750502025,
];

/// The bounds in [0.5, 1) of schema 8; every second one is of schema 7, and so on. Each new bound between two of a lower
/// schema is the lower one times the new root.
static BOUNDS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut bounds = vec![0.5];
    for root in ROOTS {
        bounds = bounds.iter().flat_map(|bound| [*bound, bound * root]).collect();
    }
    bounds
});

/// The upper bound of a bucket; the last one that numbers fall into ends at the largest number, the one behind it is for
/// infinities.
pub fn exponential(index: i32, schema: i32) -> f64 {
    if schema < 0 {
        let exponent = i64::from(index) << -schema;
        return if exponent == 1024 { f64::MAX } else { ldexp(1.0, exponent) };
    }
    let place = (index & ((1 << schema) - 1)) << (8 - schema);
    let (fraction, exponent) = (BOUNDS[place as usize], i64::from(index >> schema) + 1);
    if fraction == 0.5 && exponent == 1025 { f64::MAX } else { ldexp(fraction, exponent) }
}

/// The upper bound of a bucket of any schema.
pub(super) fn upper(index: i32, schema: i32, custom_values: &[f64]) -> f64 {
    if schema != CUSTOM_BUCKETS {
        return exponential(index, schema);
    }
    match usize::try_from(index) {
        Ok(index) => custom_values.get(index).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

/// Which bucket of a lower schema a bucket is part of.
pub(super) fn target(index: i32, from: i32, to: i32) -> i32 {
    ((index - 1) >> (from - to)) + 1
}

/// Buckets of a lower schema.
pub(super) fn reduced(buckets: &[Bucket], from: i32, to: i32) -> Vec<Bucket> {
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let index = target(bucket.index, from, to);
        match merged.last_mut() {
            Some(last) if last.index == index => last.count += bucket.count,
            _ => merged.push(Bucket { index, count: bucket.count }),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Prometheus' `exponentialBounds`.
    #[test]
    fn bounds_are_those_of_the_table_to_the_last_digit() {
        assert_eq!(BOUNDS.len(), 256);
        for (place, bound) in
            [(1, 0.5013556375251013), (74, 0.6109230164863786), (107, 0.6680225691020727), (255, 0.9972960560854698)]
        {
            assert_eq!(BOUNDS[place], bound, "{place}");
        }
        assert_eq!(exponential(1, 1), SQRT_2.next_down());
        assert_eq!([exponential(0, 0), exponential(3, 0), exponential(-1, 0)], [1.0, 8.0, 0.5]);
        assert_eq!([exponential(1, -2), exponential(-1, -2)], [16.0, 0.0625]);
        assert_eq!([exponential(1024, 0), exponential(1025, 0)], [f64::MAX, f64::INFINITY]);
        assert_eq!(exponential(64, -4), f64::MAX);
    }

    #[test]
    fn a_lower_schema_merges_neighbours() {
        assert_eq!([0, 1, 2, 3, -1].map(|index| target(index, 1, 0)), [0, 1, 1, 2, 0]);
        let buckets = [1, 2, 3, 5].map(|index| Bucket { index, count: f64::from(index) });
        let merged = reduced(&buckets, 0, -1);
        assert_eq!(merged, [(1, 3.0), (2, 3.0), (3, 5.0)].map(|(index, count)| Bucket { index, count }));
    }
}
