//! What functions tell of one native histogram (Prometheus `promql/quantile.go` and `functions.go`).

use crate::histogram::{FloatHistogram, Interval};
use crate::number::{KahanSum, math};

/// What NaN among the observations did to a quantile. They are counted but in no bucket, and make the sum NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NanEffect {
    /// The quantile lies among them.
    Result,
    /// They count as if they were larger than all others.
    Skew,
}

/// The function of one histogram of that name; `None` for a function of another kind.
pub fn of_histogram(name: &str) -> Option<fn(&FloatHistogram) -> f64> {
    Some(match name {
        "histogram_count" => |histogram| histogram.count,
        "histogram_sum" => |histogram| histogram.sum,
        "histogram_avg" => |histogram| histogram.sum / histogram.count,
        "histogram_stdvar" => variance,
        "histogram_stddev" => |histogram| variance(histogram).sqrt(),
        _ => return None,
    })
}

/// The variance, as if all observations of a bucket were at its middle: the arithmetic mean of custom bounds, the geometric of
/// exponential ones, zero in the zero bucket.
fn variance(histogram: &FloatHistogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut sum = KahanSum::default();
    for bucket in histogram.intervals().filter(|bucket| bucket.count != 0.0) {
        let Interval { lower, upper, count, .. } = bucket;
        let middle = if histogram.has_custom_buckets() {
            (upper + lower) / 2.0
        } else if lower <= 0.0 && upper >= 0.0 {
            0.0
        } else {
            let middle = (upper * lower).sqrt();
            if upper < 0.0 { -middle } else { middle }
        };
        let delta = middle - mean;
        sum.add(count * delta * delta);
    }
    sum.total() / histogram.count
}

/// The zero bucket lies on the side of all other buckets; buckets that hold zero in their middle are bent to it.
fn one_sided(histogram: &FloatHistogram, bucket: &mut Interval) {
    if histogram.negative.is_empty() && !histogram.positive.is_empty() {
        bucket.lower = 0.0;
    } else if histogram.positive.is_empty() && !histogram.negative.is_empty() {
        bucket.upper = 0.0;
    }
}

/// The quantile `q`, interpolated inside of its bucket: on a logarithmic scale where buckets are exponential.
///
/// NaN without observations. Below 0 -Inf, above 1 +Inf. The lowest custom bucket begins at 0 where its bound is positive.
pub fn quantile(q: f64, histogram: &FloatHistogram) -> (f64, Option<NanEffect>) {
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return (f64::NAN, None);
    }
    // From the nearer end, which is more exact; NaN are beyond the upper one.
    let forwards = histogram.sum.is_nan() || q < 0.5;
    let rank = if forwards { q * histogram.count } else { (1.0 - q) * histogram.count };
    let mut intervals: Box<dyn Iterator<Item = Interval>> =
        if forwards { Box::new(histogram.intervals()) } else { Box::new(histogram.intervals().rev()) };
    let nowhere = Interval { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };
    let (mut bucket, mut count) = (nowhere, 0.0);
    for next in intervals.by_ref() {
        bucket = next;
        count += bucket.count;
        if bucket.count != 0.0 && count >= rank {
            break;
        }
    }
    let custom = histogram.has_custom_buckets();
    if !custom && bucket.lower < 0.0 && bucket.upper > 0.0 {
        one_sided(histogram, &mut bucket);
    } else if custom {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    }
    // Rounding may count more than there are.
    if count > histogram.count {
        count = histogram.count;
    }
    if count < rank {
        return if histogram.sum.is_nan() { (f64::NAN, Some(NanEffect::Result)) } else { (bucket.upper, None) };
    }
    let inside = if forwards { rank - (count - bucket.count) } else { count - rank };
    let mut effect = None;
    if histogram.sum.is_nan() {
        // Prometheus goes on with the last bucket that it looks at here.
        for next in intervals {
            bucket = next;
            count += bucket.count;
        }
        effect = (count < histogram.count).then_some(NanEffect::Skew);
    }
    (interpolated(&bucket, inside / bucket.count, custom), effect)
}

fn interpolated(bucket: &Interval, share: f64, custom: bool) -> f64 {
    let Interval { lower, upper, .. } = *bucket;
    if custom || (lower <= 0.0 && upper >= 0.0) {
        return lower + (upper - lower) * share;
    }
    let (low, high) = (math::log2(lower.abs()), math::log2(upper.abs()));
    if lower > 0.0 { math::exp2(low + (high - low) * share) } else { -math::exp2(high + (low - high) * (1.0 - share)) }
}

/// The share of observations in `lower..upper`, interpolated inside of buckets as [`quantile`] does; and whether NaN among the
/// observations are in no such share. NaN without observations, or where a bound is NaN.
pub fn fraction(lower: f64, upper: f64, histogram: &FloatHistogram) -> (f64, bool) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let custom = histogram.has_custom_buckets();
    let (mut count, mut rank) = (0.0, 0.0);
    let (mut lower_rank, mut upper_rank) = (None, None);
    let mut intervals = histogram.intervals();
    for mut bucket in intervals.by_ref() {
        count += bucket.count;
        let zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if zero {
            one_sided(histogram, &mut bucket);
        }
        let reach = |value: f64, known: &mut Option<f64>| {
            if known.is_none() && bucket.lower >= value {
                *known = Some(rank);
            }
        };
        reach(lower, &mut lower_rank);
        reach(upper, &mut upper_rank);
        let enter = |value: f64, known: &mut Option<f64>| {
            if known.is_none() && bucket.lower < value && bucket.upper > value {
                // Nothing can be interpolated in a bucket without lower end.
                let linear = custom || zero;
                *known = Some(if linear && bucket.lower == f64::NEG_INFINITY {
                    bucket.count
                } else {
                    rank + bucket.count * bucket.share_below(value, linear)
                });
            }
        };
        if lower_rank.is_none() || upper_rank.is_none() {
            enter(lower, &mut lower_rank);
            enter(upper, &mut upper_rank);
        }
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank += bucket.count;
    }
    let mut excludes_nan = false;
    if histogram.sum.is_nan() {
        count += intervals.map(|bucket| bucket.count).fold(0.0, |sum, count| sum + count);
        excludes_nan = count < histogram.count;
    } else {
        count = histogram.count;
    }
    let at_most = |rank: Option<f64>| rank.filter(|rank| *rank <= count || rank.is_nan()).unwrap_or(count);
    ((at_most(upper_rank) - at_most(lower_rank)) / histogram.count, excludes_nan)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::SQRT_2;

    use super::*;
    use crate::histogram::{Bucket, CUSTOM_BUCKETS};

    fn histogram(pairs: &[(i32, f64)]) -> FloatHistogram {
        let positive: Vec<Bucket> =
            pairs.iter().map(|(index, count)| Bucket { index: *index, count: *count }).collect();
        let count = positive.iter().fold(0.0, |sum, bucket| sum + bucket.count);
        FloatHistogram { count, positive, sum: 5.0, ..FloatHistogram::default() }
    }

    // The bound 2^(1/2) of Prometheus' table is one digit short.
    #[test]
    fn quantiles_of_exponential_buckets_are_interpolated_on_a_logarithmic_scale() {
        // Buckets up to 1, 2 and 4.
        let one = histogram(&[(0, 1.0), (1, 2.0), (2, 1.0)]);
        assert_eq!(quantile(0.5, &one).0, SQRT_2.next_down());
        assert_eq!(quantile(1.0, &one).0, 4.0);
        assert_eq!(quantile(0.0, &one).0, 0.5);
        assert_eq!(quantile(-0.1, &one).0, f64::NEG_INFINITY);
        let mirrored = FloatHistogram { negative: one.positive.clone(), positive: Vec::new(), ..one.clone() };
        assert_eq!(quantile(0.5, &mirrored).0, -SQRT_2.next_down());
        let zero = FloatHistogram { zero_count: 4.0, zero_threshold: 0.5, count: 8.0, ..one };
        assert_eq!(quantile(0.25, &zero).0, 0.25);
        assert!(quantile(0.5, &FloatHistogram::default()).0.is_nan());
    }

    #[test]
    fn quantiles_and_fractions_of_custom_buckets_are_linear() {
        let listed = FloatHistogram {
            schema: CUSTOM_BUCKETS,
            custom_values: [5.0, 10.0].into(),
            ..histogram(&[(0, 1.0), (1, 2.0), (2, 1.0)])
        };
        assert_eq!(quantile(0.5, &listed).0, 7.5);
        assert_eq!(quantile(0.125, &listed).0, 2.5);
        assert_eq!(quantile(0.9, &listed).0, 10.0);
        assert_eq!(fraction(5.0, 10.0, &listed), (0.5, false));
        assert_eq!(fraction(7.5, f64::INFINITY, &listed), (0.5, false));
        assert_eq!(fraction(10.0, 5.0, &listed), (0.0, false));
    }

    #[test]
    fn nan_observations_are_in_no_bucket() {
        let nan = FloatHistogram { sum: f64::NAN, count: 8.0, ..histogram(&[(0, 2.0), (1, 4.0)]) };
        assert!(quantile(1.0, &nan).0.is_nan());
        assert_eq!(quantile(1.0, &nan).1, Some(NanEffect::Result));
        assert_eq!(quantile(0.5, &nan), (SQRT_2.next_down(), Some(NanEffect::Skew)));
        assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, &nan), (0.75, true));
    }
}
