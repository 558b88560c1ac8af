//! What holds of native histograms; expected values come from Prometheus' documentation and from arithmetic.

use super::*;

fn buckets(pairs: &[(i32, f64)]) -> Vec<Bucket> {
    pairs.iter().map(|(index, count)| Bucket { index: *index, count: *count }).collect()
}

/// A histogram of positive buckets whose count is their sum.
fn histogram(schema: i32, pairs: &[(i32, f64)]) -> FloatHistogram {
    let count = pairs.iter().fold(0.0, |sum, (_, count)| sum + count);
    FloatHistogram { schema, count, positive: buckets(pairs), ..FloatHistogram::default() }
}

fn custom(bounds: &[f64], pairs: &[(i32, f64)]) -> FloatHistogram {
    FloatHistogram { custom_values: bounds.into(), ..histogram(CUSTOM_BUCKETS, pairs) }
}

#[test]
fn a_sum_has_the_coarser_resolution_and_the_wider_zero_bucket() {
    let mut fine = histogram(1, &[(1, 1.0), (2, 2.0), (3, 4.0)]);
    let coarse = FloatHistogram { zero_count: 3.0, zero_threshold: 0.5, ..histogram(0, &[(1, 10.0)]) };
    assert_eq!(fine.add(&coarse), Ok(Combined::default()));
    assert_eq!((fine.schema, fine.zero_threshold, fine.zero_count, fine.count), (0, 0.5, 3.0, 17.0));
    assert_eq!(fine.positive, buckets(&[(1, 13.0), (2, 4.0)]));
    // The threshold 0.3 is inside of the bucket from 0.25 to 0.5, which goes to the zero bucket as a whole.
    let mut low = histogram(0, &[(-1, 5.0), (2, 1.0)]);
    let wide = FloatHistogram { zero_count: 1.0, zero_threshold: 0.3, count: 1.0, ..FloatHistogram::default() };
    assert_eq!(low.add(&wide), Ok(Combined::default()));
    assert_eq!((low.zero_threshold, low.zero_count), (0.5, 6.0));
    assert_eq!(low.positive, buckets(&[(2, 1.0)]));
}

#[test]
fn differences_may_be_negative_and_hints_meet() {
    let mut left = FloatHistogram { hint: ResetHint::NotReset, ..histogram(0, &[(0, 1.0)]) };
    let right = FloatHistogram { hint: ResetHint::Reset, ..histogram(0, &[(0, 1.0), (4, 2.0)]) };
    assert_eq!(left.sub(&right), Ok(Combined { hints_collide: true, bounds_reconciled: false }));
    assert_eq!((left.count, left.hint), (-2.0, ResetHint::Unknown));
    left.compact();
    assert_eq!(left.positive, buckets(&[(4, -2.0)]));
    assert_eq!(left.clone().add(&custom(&[1.0], &[])), Err(MixedSchemas));
}

#[test]
fn custom_bounds_are_reconciled_to_those_in_common() {
    let mut left = custom(&[1.0, 2.0, 5.0], &[(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]);
    let right = custom(&[2.0, 3.0], &[(0, 10.0), (1, 20.0), (2, 30.0)]);
    assert_eq!(left.add(&right), Ok(Combined { hints_collide: false, bounds_reconciled: true }));
    assert_eq!(*left.custom_values, [2.0]);
    assert_eq!(left.positive, buckets(&[(0, 13.0), (1, 57.0)]));
}

#[test]
fn compensated_sums_keep_what_rounding_would_lose() {
    let mut sum = histogram(0, &[(0, 1.0)]);
    let mut lost = Compensation::of(&sum);
    for count in [1e100, 1.0, -1e100] {
        sum.add_compensated(&histogram(0, &[(0, count), (3, count)]), &mut lost).unwrap();
    }
    lost.settle(&mut sum);
    assert_eq!((sum.count, sum.positive), (3.0, buckets(&[(0, 2.0), (3, 1.0)])));
}

#[test]
fn resets_are_losses_in_any_bucket() {
    let before = histogram(0, &[(0, 1.0), (2, 5.0)]);
    assert!(!histogram(0, &[(0, 1.0), (1, 1.0), (2, 5.0)]).is_reset_after(&before));
    assert!(histogram(0, &[(0, 5.0), (2, 4.0)]).is_reset_after(&before));
    assert!(histogram(0, &[(0, 9.0)]).is_reset_after(&before));
    assert!(histogram(1, &[(0, 1.0), (2, 5.0)]).is_reset_after(&before));
    // One resolution lower, buckets 1 and 2 are one.
    assert!(!histogram(-1, &[(0, 1.0), (1, 5.0)]).is_reset_after(&before));
    let hinted = |hint| FloatHistogram { hint, ..before.clone() };
    assert!(hinted(ResetHint::Reset).is_reset_after(&before));
    assert!(!hinted(ResetHint::NotReset).is_reset_after(&histogram(0, &[(0, 100.0)])));
    let rebound = custom(&[1.0, 4.0], &[(0, 1.0), (1, 5.0)]);
    assert!(!rebound.is_reset_after(&custom(&[1.0, 2.0, 4.0], &[(0, 1.0), (1, 2.0), (2, 3.0)])));
    assert!(rebound.is_reset_after(&custom(&[1.0, 2.0], &[(0, 2.0), (1, 2.0)])));
}

#[test]
fn scaling_by_a_negative_number_makes_a_gauge_and_by_zero_no_buckets() {
    let mut one = histogram(0, &[(0, 2.0)]);
    one.mul(-2.0);
    assert_eq!((one.count, one.hint, one.positive[0].count), (-4.0, ResetHint::Gauge, -4.0));
    one.div(0.0);
    assert_eq!((one.count, one.positive.len()), (f64::NEG_INFINITY, 0));
}

// Expected texts: `FloatHistogram.String` and `TestExpression` as promtool prints them.
// What promtool 3.14 prints of a histogram by 0.
#[test]
fn custom_buckets_print_no_zero_bucket_whatever_they_are_scaled_by() {
    let mut divided = custom(&[1.0, 5.0], &[(0, 1.0), (1, 2.0)]);
    divided.div(0.0);
    assert_eq!(divided.test_expression(), "{{schema:-53 count:+Inf sum:NaN custom_values:[1 5]}}");
}

#[test]
fn histograms_print_as_prometheus_prints_them() {
    let full = FloatHistogram {
        schema: 1,
        sum: -0.3,
        count: 32.1,
        zero_count: 7.1,
        zero_threshold: 0.05,
        positive: buckets(&[(-3, 5.1), (-2, 0.0), (-1, 7.0)]),
        negative: buckets(&[(-5, 4.1), (-4, 5.0)]),
        ..FloatHistogram::default()
    };
    assert_eq!(
        full.test_expression(),
        "{{schema:1 count:32.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 offset:-3 buckets:[5.1 0 7] n_offset:-5 n_buckets:[4.1 5]}}"
    );
    assert_eq!(histogram(0, &[(0, 1.0), (1, 2e6)]).to_string(), "{count:2.000001e+06, sum:0, (0.5,1]:1, (1,2]:2e+06}");
    let negative = FloatHistogram { negative: buckets(&[(0, 1.0), (1, 3.0)]), zero_count: 2.0, ..histogram(0, &[]) };
    assert_eq!(negative.to_string(), "{count:0, sum:0, [-2,-1):3, [-1,-0.5):1, [-0,0]:2}");
    let listed = custom(&[5.0, 10.0], &[(0, 1.0), (2, 4.0)]);
    assert_eq!(listed.to_string(), "{count:5, sum:0, [-Inf,5]:1, (10,+Inf]:4}");
    assert_eq!(listed.test_expression(), "{{schema:-53 count:5 custom_values:[5 10] buckets:[1 0 4]}}");
    assert_eq!(FloatHistogram::default().test_expression(), "{{}}");
}

#[test]
fn what_a_server_would_not_store_is_invalid() {
    assert_eq!(histogram(9, &[]).validate(), Err(Invalid::Schema(9)));
    assert_eq!(histogram(0, &[(0, -1.0), (1, 2.0)]).validate(), Err(Invalid::BucketCount));
    assert_eq!(FloatHistogram { count: -1.0, ..histogram(0, &[]) }.validate(), Err(Invalid::Count));
    assert_eq!(custom(&[1.0, 1.0], &[]).validate(), Err(Invalid::BoundsOrder));
    assert_eq!(custom(&[1.0], &[(2, 1.0)]).validate(), Err(Invalid::TooFewBounds));
    assert_eq!(custom(&[1.0, f64::INFINITY], &[]).validate(), Err(Invalid::InfiniteBound));
    assert_eq!(
        FloatHistogram { custom_values: [1.0].into(), ..histogram(0, &[]) }.validate(),
        Err(Invalid::ExponentialBounds)
    );
    assert_eq!(custom(&[-1.0, 1.0], &[(0, 1.0), (2, 1.0)]).validate(), Ok(()));
}

#[test]
fn trimming_divides_the_bucket_that_holds_the_value() {
    // Half of the bucket from 1 to 4 on a logarithmic scale is 2.
    let mut below = histogram(-1, &[(0, 3.0), (1, 4.0), (2, 5.0)]);
    below.keep_below(2.0);
    assert_eq!(below.positive, buckets(&[(0, 3.0), (1, 2.0)]));
    assert_eq!(below.count, 5.0);
    // Geometric means: of 0.25 and 1, and of 1 and 2.
    assert_eq!(below.sum, 3.0 * 0.5 + 2.0 * 2f64.sqrt());
    let mut above = custom(&[0.0, 10.0], &[(0, 1.0), (1, 4.0), (2, 2.0)]);
    above.keep_above(2.5);
    // What is beyond the last bound counts as that bound.
    assert_eq!(above.positive, buckets(&[(1, 3.0), (2, 2.0)]));
    assert_eq!((above.count, above.sum), (5.0, 3.0 * 6.25 + 2.0 * 10.0));
}
