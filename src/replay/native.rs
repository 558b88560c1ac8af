//! Native histograms: how many of a distribution's observations fall into which bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::histogram::Distribution;
use crate::histogram::{Bucket, CUSTOM_BUCKETS, FloatHistogram, exponential_bound};

/// The buckets of a native histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum Buckets {
    Exponential {
        schema: i32,
        zero_threshold: f64,
    },
    /// Upper bounds, increasing and finite.
    Custom(Arc<[f64]>),
}

/// The zero bucket of client libraries, unless they are told otherwise: 2^-128.
pub const DEFAULT_ZERO_THRESHOLD: f64 = 2.938735877055719e-39;

/// The part of a distribution's observations below the bounds of its buckets; only bounds between which there are some.
pub struct Parts {
    /// Below the zero bucket, and up to its end; the same where there is no such bucket.
    zero: (f64, f64),
    /// From small to large; what the first bucket begins with is the end of the zero bucket.
    positive: Vec<(i32, f64)>,
    /// From the zero bucket downwards: index, and the part below the bucket.
    negative: Vec<(i32, f64)>,
    mean: f64,
}

impl Parts {
    pub fn of(distribution: &Distribution, buckets: &Buckets) -> Parts {
        let mean = distribution.mean();
        let (schema, zero_threshold) = match buckets {
            Buckets::Custom(bounds) => {
                let parts = bounds.iter().map(|bound| distribution.below(*bound)).chain([1.0]);
                let positive = (0..).zip(rising(0.0, parts)).collect();
                return Parts { zero: (0.0, 0.0), positive, negative: Vec::new(), mean };
            }
            Buckets::Exponential { schema, zero_threshold } => (*schema, *zero_threshold),
        };
        let bound = |index: i32| exponential_bound(index, schema);
        let zero = (distribution.strictly_below(-zero_threshold), distribution.below(zero_threshold));
        let zero = (zero.0, zero.1.max(zero.0));
        // The first bucket that reaches out of the zero bucket, and the one that infinities fall into.
        let (lowest, highest) = match schema {
            0.. => (-(1075 << schema), (1024 << schema) + 1),
            _ => (-(1075 >> -schema) - 1, (1024 >> -schema) + 1),
        };
        let first = lowest + count_while(highest - lowest, |n| bound(lowest + n) <= zero_threshold);
        let from = first + count_while(highest - first, |n| distribution.below(bound(first + n)) <= zero.1);
        let to = from + count_while(highest - from, |n| distribution.below(bound(from + n)) < 1.0);
        let parts = rising(zero.1, (from..=to).map(|index| distribution.below(bound(index))));
        let positive = (from..=to).zip(parts).collect();
        let from = first + count_while(highest - first, |n| distribution.strictly_below(-bound(first + n)) >= zero.0);
        let to = from + count_while(highest - from, |n| distribution.strictly_below(-bound(from + n)) > 0.0);
        let above = rising(1.0 - zero.0, (from..=to).map(|index| 1.0 - distribution.strictly_below(-bound(index))));
        let negative = (from..=to).zip(above.map(|part| 1.0 - part)).collect();
        Parts { zero, positive, negative, mean }
    }
}

/// The same parts, none smaller than the one before: the last digit of a function may stray.
fn rising(mut largest: f64, parts: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    parts.map(move |part| {
        largest = largest.max(part);
        largest
    })
}

/// How many of the first numbers below `most` meet a condition that no later one meets once one does not.
fn count_while(most: i32, holds: impl Fn(i32) -> bool) -> i32 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// A native histogram of so many whole observations of each distribution. No bucket ever has less with more observations.
pub fn histogram<'a>(buckets: &Buckets, observed: impl Iterator<Item = (f64, &'a Parts)>) -> FloatHistogram {
    let mut made = FloatHistogram::default();
    match buckets {
        Buckets::Exponential { schema, zero_threshold } => {
            (made.schema, made.zero_threshold) = (*schema, *zero_threshold);
        }
        Buckets::Custom(bounds) => (made.schema, made.custom_values) = (CUSTOM_BUCKETS, bounds.clone()),
    }
    let (mut positive, mut negative) = (BTreeMap::new(), BTreeMap::new());
    for (count, parts) in observed {
        made.count += count;
        made.sum += count * parts.mean;
        let below = |part: f64| first_below(count as u64, part) as f64;
        let (from, to) = (below(parts.zero.0), below(parts.zero.1));
        made.zero_count += to - from;
        let mut reached = to;
        for (index, part) in &parts.positive {
            let next = below(*part);
            if next > reached {
                *positive.entry(*index).or_insert(0.0) += next - reached;
                reached = next;
            }
        }
        let mut left = from;
        for (index, part) in &parts.negative {
            let next = below(*part);
            if next < left {
                *negative.entry(*index).or_insert(0.0) += left - next;
                left = next;
            }
        }
    }
    let listed =
        |counts: BTreeMap<i32, f64>| counts.into_iter().map(|(index, count)| Bucket { index, count }).collect();
    (made.positive, made.negative) = (listed(positive), listed(negative));
    made
}

/// How many of the first observations lie below a part of their distribution. Each observation has its place once and for all: the
/// n-th one, from 1, the part that van der Corput's sequence names (1/2, 1/4, 3/4, 1/8, ...: n in binary, mirrored at the point), so
/// that early ones lie in the middle and any number of them is spread evenly.
fn first_below(count: u64, part: f64) -> u64 {
    if part >= 1.0 || part.is_nan() || part <= 0.0 {
        return if part >= 1.0 { count } else { 0 };
    }
    // The sequence is below the part where the two first differ in a digit that is 1 in the part: numbers n whose last digits are
    // those of the part before it, mirrored, and a zero.
    let (mut rest, mut last_digits, mut found) = (part, 0u64, 0);
    for place in 0..63 {
        rest *= 2.0;
        if rest >= 1.0 {
            rest -= 1.0;
            if last_digits > count {
                break;
            }
            found += ((count - last_digits) >> (place + 1)) + 1;
            last_digits |= 1 << place;
        }
        if rest == 0.0 {
            break;
        }
    }
    // Zero, which is below every part, is not among them.
    found - u64::from(found > 0)
}

#[cfg(test)]
mod tests {
    use super::super::histogram::distribution;
    use super::*;

    fn made(text: &str, buckets: &Buckets, count: f64) -> FloatHistogram {
        let parts = Parts::of(&distribution(text).unwrap(), buckets);
        histogram(buckets, [(count, &parts)].into_iter())
    }

    fn exponential(schema: i32, zero_threshold: f64) -> Buckets {
        Buckets::Exponential { schema, zero_threshold }
    }

    #[test]
    fn observations_fall_between_powers_of_two() {
        // Of 0 to 4 evenly: 100 up to 0.25 are in the zero bucket, (0.25, 0.5] has 100, (0.5, 1] 200, (1, 2] 400, (2, 4] 800.
        let found = made("uniform(0, 4)", &exponential(0, 0.25), 1600.0);
        assert_eq!(
            found.to_string(),
            "{count:1600, sum:3200, [-0.25,0.25]:100, (0.25,0.5]:100, (0.5,1]:200, (1,2]:400, (2,4]:800}"
        );
        let found = made("uniform(0, 4)", &exponential(-1, 0.25), 1600.0);
        assert_eq!(found.to_string(), "{count:1600, sum:3200, [-0.25,0.25]:100, (0.25,1]:300, (1,4]:1200}");
    }

    #[test]
    fn negative_observations_fall_into_mirrored_buckets() {
        let found = made("uniform(-4, 4)", &exponential(0, 1.0), 800.0);
        assert_eq!(found.to_string(), "{count:800, sum:0, [-4,-2):200, [-2,-1):100, [-1,1]:200, (1,2]:100, (2,4]:200}");
        // A bound belongs to the bucket whose larger side it is, below zero too.
        assert_eq!(made("constant(2)", &exponential(0, 0.0), 3.0).to_string(), "{count:3, sum:6, (1,2]:3}");
        assert_eq!(made("constant(-2)", &exponential(0, 0.0), 3.0).to_string(), "{count:3, sum:-6, [-2,-1):3}");
        assert_eq!(made("constant(0)", &exponential(3, 0.0), 3.0).to_string(), "{count:3, sum:0, [-0,0]:3}");
    }

    #[test]
    fn custom_bounds_hold_everything_up_to_the_first_and_behind_the_last() {
        let found = made("uniform(0, 2)", &Buckets::Custom([0.5, 1.0].into()), 80.0);
        assert_eq!(found.to_string(), "{count:80, sum:80, [-Inf,0.5]:20, (0.5,1]:20, (1,+Inf]:40}");
    }

    #[test]
    fn observations_have_their_places_once_and_for_all() {
        let place = |n: u64| n.reverse_bits() as f64 / 2f64.powi(64);
        assert_eq!([1, 2, 3, 4, 6].map(place), [0.5, 0.25, 0.75, 0.125, 0.375]);
        for part in [0.0, 1e-300, 0.001, 0.125, 0.2, 0.25, 0.3, 0.5, 0.7, 0.999, 1.0] {
            for count in [0, 1, 2, 3, 7, 8, 100, 1000] {
                let below = (1..=count).filter(|n| place(*n) < part).count() as u64;
                assert_eq!(first_below(count, part), below, "{count} {part}");
            }
        }
    }

    #[test]
    fn no_bucket_has_less_with_more_observations() {
        for text in ["exponential(0.2)", "normal(0.2, 0.05)", "lognormal(0.1, 0.5)", "p0=0.01 p50=0.2 p99=1.5 p100=3"] {
            let custom = Buckets::Custom([0.05, 0.1, 0.11, 0.3].into());
            for buckets in [exponential(0, 0.0), exponential(3, 1e-3), exponential(5, 0.0), custom] {
                let mut before = made(text, &buckets, 0.0);
                for count in 1..400 {
                    let now = made(text, &buckets, f64::from(count));
                    assert!(!now.is_reset_after(&before), "{text}: {before}, then {now}");
                    before = now;
                }
            }
        }
    }

    #[test]
    fn no_observation_is_lost_at_any_resolution() {
        let distributions = [
            "normal(0.2, 0.1)",
            "lognormal(0.05, 1.5)",
            "exponential(3)",
            "p0=-1 p50=0 p99=2 p100=1e12",
            "uniform(-1e-9, 1e9)",
        ];
        for text in distributions {
            for schema in [-4, -1, 0, 3, 8] {
                for zero_threshold in [0.0, 1e-3, 2.938735877055719e-39] {
                    let found = made(text, &exponential(schema, zero_threshold), 123_457.0);
                    let buckets = found.positive.iter().chain(&found.negative).map(|bucket| bucket.count);
                    assert_eq!(buckets.sum::<f64>() + found.zero_count, 123_457.0, "{text} {schema}");
                    assert_eq!(found.validate(), Ok(()));
                }
            }
        }
    }
}
