//! `*_over_time`, `changes`, `resets`: one value for the samples of a window (Prometheus `promql/functions.go`).

use super::{Window, started};
use crate::engine::quantile;
use crate::number::{KahanSum, kahan_sum};

/// The mean: sum by count while the sum stays finite, from then on a mean that is carried along.
pub(super) fn avg(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    mean(window.values)
}

/// The mean of values as `avg_over_time` computes it; `None` without values.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let (first, rest) = values.split_first()?;
    let mut sum = KahanSum { sum: *first, compensation: 0.0 };
    let mut taken = 1usize;
    for value in rest {
        let next = sum.plus(*value);
        if next.sum.is_infinite() {
            return Some(incremental_mean(sum, taken, &rest[taken - 1..]));
        }
        sum = next;
        taken += 1;
    }
    let count = taken as f64;
    Some(sum.sum / count + sum.compensation / count)
}

/// Goes on after `taken` values with the mean instead of the sum, which would overflow.
fn incremental_mean(sum: KahanSum, taken: usize, rest: &[f64]) -> f64 {
    let mut count = taken as f64;
    let mut mean = KahanSum { sum: sum.sum / count, compensation: sum.compensation / count };
    for value in rest {
        count += 1.0;
        let weight = (count - 1.0) / count;
        mean = KahanSum { sum: weight * mean.sum, compensation: weight * mean.compensation }.plus(value / count);
    }
    mean.total()
}

pub(super) fn sum(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    (!window.values.is_empty()).then(|| kahan_sum(window.values))
}

pub(super) fn count(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    (!window.values.is_empty()).then_some(window.values.len() as f64)
}

pub(super) fn min(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.values.iter().copied().reduce(|least, value| if value < least || least.is_nan() { value } else { least })
}

pub(super) fn max(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.values.iter().copied().reduce(|most, value| if value > most || most.is_nan() { value } else { most })
}

pub(super) fn first(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.values.first().copied()
}

pub(super) fn last(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.values.last().copied()
}

pub(super) fn present(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    (!window.values.is_empty()).then_some(1.0)
}

/// When the first sample was taken, in seconds; below, the last one.
pub(super) fn time_of_first(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.times.first().map(|time| time.seconds())
}

pub(super) fn time_of_last(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    window.times.last().map(|time| time.seconds())
}

pub(super) fn time_of_max(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    time_of(window, |value, most| value >= most)
}

pub(super) fn time_of_min(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    time_of(window, |value, least| value <= least)
}

/// When the last of the best values was taken; any value is better than NaN.
fn time_of(window: &Window<'_>, is_as_good: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let samples = window.times.iter().zip(window.values);
    let best = samples.reduce(|best, next| {
        let (best_value, value) = (*best.1, *next.1);
        if is_as_good(value, best_value) || best_value.is_nan() { next } else { best }
    });
    best.map(|(time, _)| time.seconds())
}

/// `mad_over_time`: the median of the distances from the median; NaN where a value is.
pub(super) fn deviation(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    if window.values.is_empty() {
        return None;
    }
    if window.values.iter().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    let mut values = window.values.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    Some(quantile(0.5, &mut values))
}

/// `quantile_over_time(q, range)`.
pub(super) fn quantile_of(window: &Window<'_>, args: &[f64]) -> Option<f64> {
    let q = *args.first()?;
    (!window.values.is_empty()).then(|| quantile(q, &mut window.values.to_vec()))
}

pub(super) fn stdvar(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    variance(window.values)
}

pub(super) fn stddev(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    variance(window.values).map(f64::sqrt)
}

/// The population variance by Welford's method, with compensated sums; `None` without values.
fn variance(values: &[f64]) -> Option<f64> {
    let mut count = 0.0;
    let mut mean = KahanSum::default();
    let mut squares = KahanSum::default();
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    (count > 0.0).then(|| squares.total() / count)
}

/// How often the value changed; NaN after NaN is no change.
pub(super) fn changes(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    let changed = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
    (!window.values.is_empty()).then(|| window.values.windows(2).filter(changed).count() as f64)
}

/// How often the value fell.
pub(super) fn resets(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    if !window.starts.is_empty() {
        return started::resets(window);
    }
    (!window.values.is_empty()).then(|| window.values.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Samples;
    use super::*;

    #[test]
    fn means_do_not_overflow() {
        assert_eq!(mean(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(mean(&[1.0, 1e100, 1.0, -1e100]), Some(0.5));
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[f64::INFINITY, 1.0]), Some(f64::INFINITY));
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).unwrap().is_nan());
    }

    #[test]
    fn a_number_wins_over_nan_in_min_and_max() {
        let samples = Samples::every(1, &[f64::NAN, f64::NAN, 2.0, f64::NAN, 1.0, 3.0]);
        samples.window(0, 5, |window| {
            assert_eq!(min(window, &[]), Some(1.0));
            assert_eq!(max(window, &[]), Some(3.0));
            // NaN, 2, NaN, 1, 3
            assert_eq!(changes(window, &[]), Some(4.0));
        });
    }

    #[test]
    fn variance_is_that_of_the_population() {
        assert_eq!(variance(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), Some(4.0));
        assert_eq!(variance(&[]), None);
        assert!(variance(&[f64::INFINITY, 1.0]).unwrap().is_nan());
    }

    #[test]
    fn the_last_of_equal_extremes_is_the_one_whose_time_counts() {
        let samples = Samples::every(10, &[f64::NAN, 5.0, 1.0, 5.0, 1.0, 3.0]);
        samples.window(-10, 50, |window| {
            assert_eq!(time_of_max(window, &[]), Some(30.0));
            assert_eq!(time_of_min(window, &[]), Some(40.0));
            assert_eq!(time_of_first(window, &[]), Some(0.0));
            assert_eq!(time_of_last(window, &[]), Some(50.0));
            assert!(deviation(window, &[]).unwrap().is_nan());
        });
        samples.window(0, 50, |window| assert_eq!(deviation(window, &[]), Some(2.0)));
    }

    #[test]
    fn an_empty_window_has_no_value() {
        let samples = Samples::every(60, &[1.0]);
        samples.window(0, 30, |window| {
            let all = [avg, sum, count, min, max, first, last, present, stddev, stdvar, changes, resets, deviation];
            for function in all.into_iter().chain([time_of_first, time_of_last, time_of_max, time_of_min]) {
                assert_eq!(function(window, &[]), None);
            }
            assert_eq!(quantile_of(window, &[0.5]), None);
        });
    }
}
