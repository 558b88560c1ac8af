//! The ticks of a day, parted where samples arrive late.
//!
//! A promtool test has every sample at its own time from the beginning. What had arrived by a tick is the same for all
//! ticks between two late arrivals, so a day becomes one test group for each such stretch. At the ticks of its stretch a
//! group's queries see what those of the day saw; what alerts remember of earlier ticks may still differ.

use std::collections::BTreeSet;

use crate::histogram::Sample;
use crate::labels::Labels;
use crate::replay::Day;
use crate::store::{MetricStore, Series};
use crate::time::{Duration, Timestamp};

/// Some ticks in a row, and the samples that had arrived by each of them.
pub struct Stretch {
    pub ticks: Vec<Timestamp>,
    pub inputs: Vec<Input>,
}

/// One series of samples, at their own times.
pub struct Input {
    pub labels: Labels,
    pub samples: Vec<(Timestamp, Sample)>,
}

/// The stretches of a day, in order, and how many series have samples that came late for a tick.
pub fn stretches(day: &Day, store: &MetricStore) -> (Vec<Stretch>, usize) {
    let ticks = Ticks { start: day.start(), interval: day.interval };
    let mut arrivals = BTreeSet::new();
    let mut late_series = 0;
    for series in store.iter() {
        let late: Vec<Timestamp> = late(series, &ticks).collect();
        late_series += usize::from(!late.is_empty());
        arrivals.extend(late);
    }
    let all: Vec<Timestamp> = ticks.until(day.end()).collect();
    let mut found = Vec::new();
    let mut rest = &all[..];
    for end in arrivals.into_iter().chain([Timestamp::MAX]) {
        let (own, later) = rest.split_at(rest.partition_point(|tick| *tick < end));
        rest = later;
        if let Some(last) = own.last() {
            found.push(Stretch { ticks: own.to_vec(), inputs: arrived(store, *last) });
        }
    }
    (found, late_series)
}

/// The ticks at which late samples of a series are seen first.
fn late(series: &Series, ticks: &Ticks) -> impl Iterator<Item = Timestamp> {
    let count = if series.moments.is_some() { series.times.len() } else { 0 };
    (0..count).filter_map(|index| {
        let seen = ticks.from(series.moment(index).at);
        (seen != ticks.from(series.times[index])).then_some(seen)
    })
}

/// What a reader at a tick sees.
fn arrived(store: &MetricStore, tick: Timestamp) -> Vec<Input> {
    let seen = store.iter().map(|series| {
        let indices = (0..series.times.len()).take_while(|index| series.moment(*index).at <= tick);
        let samples = indices.map(|index| (series.times[index], series.sample(index))).collect();
        Input { labels: series.labels.clone(), samples }
    });
    seen.filter(|input| !input.samples.is_empty()).collect()
}

/// The ticks that all groups share.
struct Ticks {
    start: Timestamp,
    interval: Duration,
}

impl Ticks {
    /// The first tick that is not before a time.
    fn from(&self, time: Timestamp) -> Timestamp {
        let passed = (time - self.start).0.max(0);
        let whole = passed / self.interval.0 + i64::from(passed % self.interval.0 != 0);
        self.start + Duration(whole.saturating_mul(self.interval.0))
    }

    fn until(&self, end: Timestamp) -> impl Iterator<Item = Timestamp> {
        let interval = self.interval;
        std::iter::successors(Some(self.start), move |tick| Some(*tick + interval)).take_while(move |tick| *tick <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::METRIC_NAME;
    use crate::store::Moment;

    const TICKS: Ticks = Ticks { start: Timestamp(1000), interval: Duration(60) };

    #[test]
    fn ticks_go_from_the_start_to_the_end_included() {
        assert_eq!(TICKS.until(Timestamp(1120)).collect::<Vec<_>>(), [1000, 1060, 1120].map(Timestamp));
        assert_eq!([1000, 1001, 1060, 1061].map(|time| TICKS.from(Timestamp(time)).0), [1000, 1060, 1060, 1120]);
    }

    #[test]
    fn samples_that_no_tick_misses_are_not_late() {
        let mut store = MetricStore::default();
        let id = store.id_or_create(&Labels::from_pairs([(METRIC_NAME, "x")]));
        for (time, arrival) in [(1000, 1000), (1010, 1050), (1055, 1070), (1130, 1130)] {
            store.append(id, Timestamp(time), 1.0, Moment::arrival(Timestamp(arrival))).unwrap();
        }
        // 1055 should have been there at 1060 and came at 1070; 1010 came in time for 1060.
        assert_eq!(late(store.series(id), &TICKS).collect::<Vec<_>>(), [Timestamp(1120)]);
        let one = |time: i64| (Timestamp(time), Sample::Float(1.0));
        assert_eq!(arrived(&store, Timestamp(1060))[0].samples, [one(1000), one(1010)]);
    }
}
