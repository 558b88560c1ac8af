//! `histogram_quantile` and `histogram_fraction` of classic histograms (Prometheus `promql/quantile.go`).

use crate::number::almost_equal;

/// Relative differences between neighbouring counts below this are rounding, not observations.
const SMALL_DELTA: f64 = 1e-12;

/// A bucket: how many observations are at most `upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The value of `le`.
    pub upper: f64,
    /// Cumulative.
    pub count: f64,
}

/// Where counts fell from one bucket to the next and were raised, as the annotation tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repair {
    /// Least and greatest upper bound of a bucket that was raised.
    pub least: f64,
    pub greatest: f64,
    /// The largest fall.
    pub difference: f64,
}

/// The quantile `q`, interpolated inside of its bucket; and what had to be repaired for it.
///
/// Buckets come in any order, those of equal bounds are added. NaN: for a NaN `q`, without a bucket up to +Inf, below two
/// buckets, without observations. Below 0 -Inf, above 1 +Inf. In the highest bucket: the bound below it. In the lowest: from 0
/// where its bound is positive, else that bound.
pub fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Repair>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let repair = make_monotonic(buckets);
    let [lower @ .., highest] = buckets.as_slice() else { return (f64::NAN, repair) };
    let Some(second_highest) = lower.last() else { return (f64::NAN, repair) };
    if highest.count == 0.0 {
        return (f64::NAN, repair);
    }
    let rank = q * highest.count;
    // A rank that is no number is reached nowhere.
    let found = lower.partition_point(|bucket| rank.is_nan() || bucket.count.is_nan() || bucket.count < rank);
    let value = match lower.get(found) {
        None => second_highest.upper,
        Some(bucket) if found == 0 && bucket.upper <= 0.0 => bucket.upper,
        Some(bucket) => {
            let below = match found.checked_sub(1).and_then(|at| lower.get(at)) {
                Some(below) => *below,
                None => Bucket { upper: 0.0, count: 0.0 },
            };
            let inside = (rank - below.count) / (bucket.count - below.count);
            below.upper + (bucket.upper - below.upper) * inside
        }
    };
    (value, repair)
}

/// The share of observations in `lower..upper`, interpolated inside of buckets. NaN without a bucket up to +Inf, without
/// observations, or where a bound is NaN.
pub fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let total = buckets.last().map_or(0.0, |bucket| bucket.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, total) - rank_of(lower, buckets, total)) / total
}

/// How many observations are below a value, at most `total`.
fn rank_of(value: f64, buckets: &[Bucket], total: f64) -> f64 {
    let mut below = Bucket { upper: 0.0, count: 0.0 };
    for (at, bucket) in buckets.iter().enumerate() {
        if at == 0 && bucket.upper <= 0.0 {
            below.upper = f64::NEG_INFINITY;
        }
        let rank = if below.upper >= value {
            below.count
        } else if bucket.upper > value {
            // Nothing can be interpolated in a bucket without lower end; in one without upper end the share is 0.
            if below.upper == f64::NEG_INFINITY {
                bucket.count
            } else {
                below.count + (bucket.count - below.count) * (value - below.upper) / (bucket.upper - below.upper)
            }
        } else {
            below = *bucket;
            continue;
        };
        return if rank > total { total } else { rank };
    }
    total
}

/// Sorts buckets and adds those of equal bounds; false where none reaches +Inf.
fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    if buckets.last().is_none_or(|bucket| bucket.upper != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let equal = next.upper == kept.upper;
        if equal {
            kept.count += next.count;
        }
        equal
    });
    true
}

/// Raises every count to that of the bucket below, and takes differences that are rounding for none.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Repair> {
    let mut repair: Option<Repair> = None;
    let mut reached = buckets.first()?.count;
    for bucket in buckets.iter_mut().skip(1) {
        if bucket.count == reached {
            continue;
        }
        if almost_equal(reached, bucket.count, SMALL_DELTA) {
            bucket.count = reached;
        } else if bucket.count < reached {
            let fallen = reached - bucket.count;
            let repair = repair.get_or_insert(Repair { least: bucket.upper, greatest: bucket.upper, difference: 0.0 });
            repair.least = repair.least.min(bucket.upper);
            repair.greatest = repair.greatest.max(bucket.upper);
            repair.difference = repair.difference.max(fallen);
            bucket.count = reached;
        } else {
            reached = bucket.count;
        }
    }
    repair
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_are_interpolated_inside_of_buckets() {
        let plain = buckets(&[(INF, 20.0), (1.0, 5.0), (2.0, 15.0)]);
        for (q, expected) in [(0.25, 1.0), (0.5, 1.5), (0.125, 0.5), (0.9, 2.0), (1.0, 2.0), (-1.0, -INF), (2.0, INF)] {
            assert_eq!(quantile(q, &mut plain.clone()), (expected, None), "{q}");
        }
        let negative = buckets(&[(-1.0, 5.0), (0.0, 10.0), (INF, 10.0)]);
        assert_eq!(quantile(0.1, &mut negative.clone()).0, -1.0);
        assert_eq!(quantile(0.75, &mut negative.clone()).0, -0.5);
    }

    #[test]
    fn a_histogram_without_top_or_observations_has_no_quantile() {
        for pairs in [&[][..], &[(1.0, 5.0)], &[(INF, 5.0)], &[(1.0, 0.0), (INF, 0.0)]] {
            assert!(quantile(0.5, &mut buckets(pairs)).0.is_nan(), "{pairs:?}");
        }
        assert!(quantile(f64::NAN, &mut buckets(&[(1.0, 1.0), (INF, 1.0)])).0.is_nan());
    }

    // Expected value: Prometheus 3.5.3, `histogram_quantile(1, NaN + x_bucket)`.
    #[test]
    fn of_counts_that_are_no_numbers_the_highest_bound_is_taken() {
        let nan = f64::NAN;
        assert_eq!(quantile(1.0, &mut buckets(&[(1.0, nan), (2.5, nan), (INF, nan)])).0, 2.5);
    }

    #[test]
    fn counts_that_fall_are_raised_and_told() {
        let mut falling = buckets(&[(1.0, 10.0), (2.0, 8.0), (3.0, 7.0), (INF, 20.0)]);
        let (value, repair) = quantile(0.25, &mut falling);
        assert_eq!(value, 0.5);
        assert_eq!(repair, Some(Repair { least: 2.0, greatest: 3.0, difference: 3.0 }));
        let mut rounded = buckets(&[(1.0, 1e15), (2.0, 1e15 - 1.0), (INF, 1e15)]);
        assert_eq!(quantile(0.5, &mut rounded).1, None);
    }

    #[test]
    fn fractions_are_shares_of_the_observations() {
        let plain = buckets(&[(1.0, 5.0), (2.0, 15.0), (INF, 20.0)]);
        for (lower, upper, expected) in [
            (1.0, 2.0, 0.5),
            (0.0, 1.0, 0.25),
            (0.5, 1.5, 0.375),
            (-INF, INF, 1.0),
            (2.0, INF, 0.25),
            (3.0, 5.0, 0.0),
            (2.0, 1.0, 0.0),
        ] {
            assert_eq!(fraction(lower, upper, &mut plain.clone()), expected, "{lower}..{upper}");
        }
        assert!(fraction(f64::NAN, 1.0, &mut plain.clone()).is_nan());
        assert!(fraction(0.0, 1.0, &mut buckets(&[(1.0, 5.0)])).is_nan());
    }
}
