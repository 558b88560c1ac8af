//! `rate`, `increase`, `delta`, `irate`, `idelta`: how fast a series moved inside a window (Prometheus
//! `promql/functions.go`, `extrapolatedRate` and `instantValue`).

use super::{Window, started};
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
    let is_reset = last < before || window.starts_anew(window.times.len() - 1);
    let grown = if is_reset { *last } else { last - before };
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
    if kind != Kind::Delta && !window.starts.is_empty() {
        return started::extrapolated(window, kind);
    }
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
fn grown(window: &Window<'_>, kind: Kind, difference: f64) -> Option<f64> {
    let ([first, .., _], [first_time, .., last_time]) = (window.values, window.times) else { return None };
    Some(difference * stretch(window, *first_time, *last_time, kind, share(kind, *first, difference)))
}

/// What the first sample is of the growth of a counter, which is not stretched to before it was zero.
pub(super) fn share(kind: Kind, first: f64, difference: f64) -> Option<f64> {
    (kind != Kind::Delta && difference > 0.0 && first >= 0.0).then(|| first / difference)
}

/// What a difference is multiplied by to stand for the whole window; `share` is what the first sample is of it, where it is
/// the growth of a counter.
pub(super) fn stretch(window: &Window<'_>, first: Timestamp, last: Timestamp, kind: Kind, share: Option<f64>) -> f64 {
    let (before, after) = (first - window.start, window.end - last);
    let lie = Lie { sampled: last - first, count: window.values.len(), before, after };
    Stretch::new(lie, kind, window.range).factor(share)
}

/// How samples, at least two, lie in a window.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Lie {
    /// From the first to the last.
    pub sampled: Duration,
    pub count: usize,
    /// From the start of the window to the first, and from the last to its end.
    pub before: Duration,
    pub after: Duration,
}

/// How far a window is stretched, as far as that does not depend on values; in seconds.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    sampled: f64,
    to_start: f64,
    to_end: f64,
    /// What a rate is divided by.
    range: Option<f64>,
    /// The factor of what is stretched all the way.
    whole: f64,
}

impl Stretch {
    pub(super) fn new(lie: Lie, kind: Kind, range: Duration) -> Stretch {
        let sampled = lie.sampled.seconds();
        let interval = sampled / (lie.count - 1) as f64;
        let near = interval * 1.1;
        let (mut to_start, mut to_end) = (lie.before.seconds(), lie.after.seconds());
        if to_start >= near {
            to_start = interval / 2.0;
        }
        if to_end >= near {
            to_end = interval / 2.0;
        }
        let range = (kind == Kind::Rate).then(|| range.go_seconds());
        let stretch = Stretch { sampled, to_start, to_end, range, whole: 0.0 };
        Stretch { whole: stretch.factor_from(to_start), ..stretch }
    }

    fn factor_from(&self, to_start: f64) -> f64 {
        let factor = (self.sampled + to_start + self.to_end) / self.sampled;
        self.range.map_or(factor, |range| factor / range)
    }

    /// The factor, where the first sample is that share of a counter's growth.
    pub(super) fn factor(&self, share: Option<f64>) -> f64 {
        match share.map(|share| self.sampled * share) {
            Some(to_zero) if to_zero < self.to_start => self.factor_from(to_zero),
            _ => self.whole,
        }
    }
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
