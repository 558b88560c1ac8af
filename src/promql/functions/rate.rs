//! `rate`, `increase`, `delta`, `irate`, `idelta`: how fast a series moved inside a window (Prometheus
//! `promql/functions.go`, `extrapolatedRate` and `instantValue`).

use super::Window;
use crate::time::{Duration, Timestamp};

/// What a function of this family makes of the difference.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Delta,
    Increase,
    Rate,
}

pub(super) fn rate(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(window, Kind::Rate)
}

pub(super) fn increase(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(window, Kind::Increase)
}

pub(super) fn delta(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(window, Kind::Delta)
}

/// Per-second rate between the last two samples; after a counter reset, the last value counts from zero.
pub(super) fn irate(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    let ([.., before, last], [.., t0, t1]) = (window.values, window.times) else { return None };
    let elapsed = (*t1 - *t0).seconds();
    let grown = if last < before { *last } else { last - before };
    (elapsed != 0.0).then(|| grown / elapsed)
}

/// Difference between the last two samples.
pub(super) fn idelta(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    let ([.., before, last], [.., t0, t1]) = (window.values, window.times) else { return None };
    (t0 != t1).then(|| last - before)
}

/// The difference between first and last sample, stretched to the window: all the way to an edge that is at most 1.1
/// average intervals away, else by half an interval; a counter is not stretched to before it was zero.
fn extrapolated(window: &Window<'_>, kind: Kind) -> Option<f64> {
    let [first, .., last] = window.values else { return None };
    let mut difference = last - first;
    if kind != Kind::Delta {
        for pair in window.values.windows(2) {
            if pair[1] < pair[0] {
                difference += pair[0];
            }
        }
    }
    grown(window, kind, difference)
}

/// A difference between first and last sample, resets added, stretched.
pub(super) fn grown(window: &Window<'_>, kind: Kind, difference: f64) -> Option<f64> {
    let ([first, .., _], [first_time, .., last_time]) = (window.values, window.times) else { return None };
    let share = (kind != Kind::Delta && difference > 0.0 && *first >= 0.0).then(|| first / difference);
    Some(difference * stretch(window, *first_time, *last_time, kind, share))
}

/// What a difference is multiplied by to stand for the whole window; `share` is what the first sample is of it, where it is
/// the growth of a counter.
pub(super) fn stretch(window: &Window<'_>, first: Timestamp, last: Timestamp, kind: Kind, share: Option<f64>) -> f64 {
    let sampled = (last - first).seconds();
    let interval = sampled / (window.values.len() - 1) as f64;
    let near = interval * 1.1;
    let mut to_start = (first - window.start).seconds();
    let mut to_end = (window.end - last).seconds();
    if to_start >= near {
        to_start = interval / 2.0;
    }
    if let Some(share) = share {
        let to_zero = sampled * share;
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= near {
        to_end = interval / 2.0;
    }
    let factor = (sampled + to_start + to_end) / sampled;
    if kind == Kind::Rate { factor / go_seconds(window.range) } else { factor }
}

/// A duration as Go's `Duration.Seconds` counts it: whole seconds and the rest apart, which can round differently from a
/// single division.
fn go_seconds(duration: Duration) -> f64 {
    (duration.0 / 1000) as f64 + (duration.0 % 1000 * 1_000_000) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Samples;
    use super::*;

    #[test]
    fn a_steady_counter_is_stretched_to_the_whole_window() {
        // 1 a second, scraped every 15 s, the window 60 s: four samples cover 45 s.
        let samples = Samples::every(15, &[100.0, 115.0, 130.0, 145.0, 160.0]);
        samples.window(0, 60, |window| {
            assert_eq!(increase(window, &[]), Some(60.0));
            assert_eq!(rate(window, &[]), Some(45.0 * (60.0 / 45.0 / 60.0)));
            assert_eq!(delta(window, &[]), Some(60.0));
        });
    }

    #[test]
    fn a_counter_is_not_stretched_below_zero() {
        let samples = Samples::at(&[(30, 1.0), (45, 31.0), (60, 61.0)]);
        samples.window(0, 60, |window| {
            // 30 s to the window's start is more than 1.1 intervals, half an interval is 7.5 s; zero is 0.5 s away.
            assert_eq!(increase(window, &[]), Some(60.0 * ((30.0 + 0.5) / 30.0)));
            assert_eq!(delta(window, &[]), Some(60.0 * ((30.0 + 7.5) / 30.0)));
        });
    }

    #[test]
    fn a_reset_adds_what_was_lost() {
        let samples = Samples::every(15, &[0.0, 10.0, 20.0, 5.0, 15.0]);
        samples.window(0, 60, |window| {
            // 15 - 10 + 20 over 45 s, stretched by the 10 / 25 of 45 s = 18 s to zero? The edge is nearer: 15 s.
            assert_eq!(increase(window, &[]), Some(25.0 * (60.0 / 45.0)));
            assert_eq!(irate(window, &[]), Some(10.0 / 15.0));
        });
        samples.window(0, 45, |window| assert_eq!(irate(window, &[]), Some(5.0 / 15.0)));
        samples.window(0, 45, |window| assert_eq!(idelta(window, &[]), Some(-15.0)));
    }

    #[test]
    fn one_sample_moves_nowhere() {
        let samples = Samples::every(60, &[1.0, 2.0]);
        samples.window(0, 60, |window| {
            for function in [rate, increase, delta, irate, idelta] {
                assert_eq!(function(window, &[]), None);
            }
        });
    }
}
