//! `rate`, `increase`, `irate` and `resets` of samples with start timestamps, which tell when a counter began to count
//! (Prometheus `promql/functions.go`, `isStartTimestampReset` and what calls it).

use super::Window;
use super::rate::Kind;
use crate::time::Timestamp;

/// A start timestamp that is not known.
pub const UNKNOWN: Timestamp = Timestamp(0);

/// A sample's times: when its counter began, and when it was taken.
type Times = (Timestamp, Timestamp);

/// Whether the start timestamp of a sample says that its counter was reset since the sample before it.
///
/// One at the time of the sample before is a reset where that one's own is known, as in series of deltas.
fn is_reset((before_start, before): Times, (start, time): Times) -> bool {
    if start == UNKNOWN || start >= time || start < before {
        return false;
    }
    start > before || (before_start <= before && before_start != UNKNOWN && before_start != before)
}

impl Window<'_> {
    fn started(&self, at: usize) -> Option<Times> {
        Some((*self.starts.get(at)?, *self.times.get(at)?))
    }

    /// Whether the start timestamps tell of a reset between the sample before a place and the one there.
    pub fn starts_anew(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.started(before));
        before.zip(self.started(at)).is_some_and(|(before, here)| is_reset(before, here))
    }

    /// Whether some sample began to count before the one before it was taken, but not when that one did.
    pub fn starts_overlap(&self) -> bool {
        let pairs = self.starts.windows(2).zip(self.times);
        pairs.into_iter().any(|(starts, before)| {
            let (before_start, start) = (starts[0], starts[1]);
            start != UNKNOWN && start < *before && start != before_start
        })
    }

    /// When the first sample's counter began, where that is inside of the window and before the sample.
    pub fn begun_inside(&self) -> Option<Timestamp> {
        let (start, first) = self.started(0)?;
        (start != UNKNOWN && start > self.start && start < first).then_some(start)
    }
}

/// From where on samples are stretched: from the first one, or from where their counter began.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    factor: f64,
}

impl Stretch {
    /// How far samples are stretched over the window; `share` is what the first one is of the growth, where that ends the
    /// way to the left. `None` for a single sample of which nothing is known.
    pub(super) fn of(window: &Window<'_>, kind: Kind, share: Option<f64>) -> Option<Stretch> {
        let (first, last) = (*window.times.first()?, *window.times.last()?);
        let intervals = window.times.len() - 1;
        let mut sampled = (last - first).seconds();
        let interval = if intervals > 0 { sampled / intervals as f64 } else { 0.0 };
        let near = interval * 1.1;
        let (mut to_start, mut to_end) = ((first - window.start).seconds(), (window.end - last).seconds());
        if let Some(begun) = window.begun_inside() {
            (to_start, sampled) = (0.0, (last - begun).seconds());
        } else if intervals == 0 {
            return None;
        } else {
            if to_start >= near {
                to_start = interval / 2.0;
            }
            if let Some(to_zero) = share.map(|share| sampled * share)
                && to_zero < to_start
            {
                to_start = to_zero;
            }
        }
        if to_end >= near {
            to_end = interval / 2.0;
        }
        let factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        Some(Stretch { factor: if kind == Kind::Rate { factor / window.range.go_seconds() } else { factor } })
    }

    pub(super) fn factor(self) -> f64 {
        self.factor
    }
}

/// `rate` and `increase` of numbers.
pub(super) fn extrapolated(window: &Window<'_>, kind: Kind) -> Option<f64> {
    let (first, last) = (*window.values.first()?, *window.values.last()?);
    let mut grown = last - first;
    for at in 1..window.values.len() {
        let before = window.values[at - 1];
        if window.values[at] < before || window.starts_anew(at) {
            grown += before;
        }
    }
    let share = (grown > 0.0 && first >= 0.0).then(|| first / grown);
    let stretch = Stretch::of(window, kind, share)?;
    if window.begun_inside().is_some() {
        grown += first;
    }
    Some(grown * stretch.factor())
}

/// How often a counter was reset.
pub(super) fn resets(window: &Window<'_>) -> Option<f64> {
    let anew = |at: &usize| window.values[*at] < window.values[at - 1] || window.starts_anew(*at);
    (!window.values.is_empty()).then(|| (1..window.values.len()).filter(anew).count() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_start_is_a_reset() {
        let reset = |before_start, before, start, time| {
            let times = [before_start, before, start, time].map(Timestamp);
            is_reset((times[0], times[1]), (times[2], times[3]))
        };
        assert!(reset(5, 10, 15, 20));
        assert!(!reset(5, 10, 5, 20));
        // Unknown, at its own time, behind it.
        assert!(!reset(5, 10, 0, 20) && !reset(5, 10, 20, 20) && !reset(5, 10, 25, 20));
        // At the sample before: a delta, but not where that one's start is unknown, or behind it.
        assert!(reset(5, 10, 10, 20));
        assert!(!reset(0, 10, 10, 20) && !reset(10, 10, 10, 20) && !reset(11, 10, 10, 20));
    }
}
