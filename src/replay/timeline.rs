//! A figure over time: which value holds from when on, and what a rate adds up to.

use super::units::Rate;
use crate::time::Timestamp;

/// Values that hold from their time on, in order of time; the first from the beginning of the replay on.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline<T>(Vec<(Timestamp, T)>);

impl<T: Clone + PartialEq> Timeline<T> {
    /// `other` all the time, except where a stretch (from, up to and without) has its own value.
    /// Stretches do not overlap, and start in order.
    pub fn new(start: Timestamp, other: T, stretches: &[(Timestamp, Timestamp, T)]) -> Timeline<T> {
        let mut steps = vec![(start, other.clone())];
        for (from, to, value) in stretches {
            steps.retain(|(at, _)| at < from);
            steps.push((*from, value.clone()));
            steps.push((*to, other.clone()));
        }
        Timeline(steps)
    }

    /// The value at a time.
    pub fn at(&self, time: Timestamp) -> &T {
        let after = self.0.partition_point(|(from, _)| *from <= time);
        &self.0[after.saturating_sub(1)].1
    }

    /// The steps: from when on, and which value.
    pub fn steps(&self) -> &[(Timestamp, T)] {
        &self.0
    }
}

/// Adds up a rate over time; times do not decrease from call to call.
pub struct Meter<'a> {
    steps: &'a [(Timestamp, Rate)],
    /// The step that holds at the last time, and what all steps before it came to.
    step: usize,
    before: f64,
}

impl<'a> Meter<'a> {
    pub fn new(rates: &'a Timeline<Rate>) -> Meter<'a> {
        Meter { steps: rates.steps(), step: 0, before: 0.0 }
    }

    /// What has passed from the first step to `time`.
    pub fn total(&mut self, time: Timestamp) -> f64 {
        while let Some((next, _)) = self.steps.get(self.step + 1).filter(|(next, _)| *next <= time) {
            let (from, rate) = self.steps[self.step];
            self.before += rate.over(*next - from);
            self.step += 1;
        }
        let (from, rate) = self.steps[self.step];
        self.before + rate.over(time - from)
    }
}

/// The level of a queue over time: what comes in minus what can go out, never below 0.
pub struct Level<'a> {
    inflow: &'a Timeline<Rate>,
    out: &'a Timeline<Rate>,
    /// Where flows change, in order.
    changes: Vec<Timestamp>,
    next: usize,
    at: Timestamp,
    level: f64,
}

impl<'a> Level<'a> {
    pub fn new(start: Timestamp, level: f64, inflow: &'a Timeline<Rate>, out: &'a Timeline<Rate>) -> Level<'a> {
        let mut changes: Vec<Timestamp> =
            inflow.steps().iter().chain(out.steps()).map(|(at, _)| *at).filter(|at| *at > start).collect();
        changes.sort_unstable();
        changes.dedup();
        Level { inflow, out, changes, next: 0, at: start, level }
    }

    /// The level at `time`; times do not decrease from call to call.
    pub fn level(&mut self, time: Timestamp) -> f64 {
        while let Some(change) = self.changes.get(self.next).copied().filter(|change| *change <= time) {
            self.flow_to(change);
            self.next += 1;
        }
        self.flow_to(time);
        self.level
    }

    fn flow_to(&mut self, time: Timestamp) {
        let passed = time - self.at;
        let gained = self.inflow.at(self.at).over(passed) - self.out.at(self.at).over(passed);
        self.level = (self.level + gained).max(0.0);
        self.at = time;
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::rate;
    use super::*;

    fn t(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn a_timeline_returns_to_the_rest_between_stretches() {
        let line = Timeline::new(t(0), 'e', &[(t(10), t(20), 'a'), (t(20), t(30), 'b')]);
        let at = |seconds| *line.at(t(seconds));
        assert_eq!([at(0), at(9), at(10), at(19), at(20), at(30)], ['e', 'e', 'a', 'a', 'b', 'e']);
    }

    #[test]
    fn a_meter_adds_up_across_steps() {
        let line = Timeline::new(t(0), rate("1.5/s").unwrap(), &[(t(10), t(20), rate("0").unwrap())]);
        let mut meter = Meter::new(&line);
        assert_eq!(meter.total(t(0)), 0.0);
        assert_eq!(meter.total(t(10)), 15.0);
        assert_eq!(meter.total(t(15)), 15.0);
        assert_eq!(meter.total(t(30)), 30.0);
    }

    #[test]
    fn a_queue_grows_while_nothing_goes_out_and_drains_to_zero() {
        let inflow = Timeline::new(t(0), rate("10/s").unwrap(), &[]);
        let out = Timeline::new(t(0), rate("100/s").unwrap(), &[(t(60), t(120), Rate::ZERO)]);
        let mut level = Level::new(t(0), 0.0, &inflow, &out);
        assert_eq!(level.level(t(30)), 0.0);
        assert_eq!(level.level(t(90)), 300.0);
        assert_eq!(level.level(t(120)), 600.0);
        // 90 a second net: empty after 6.67 s.
        assert_eq!(level.level(t(125)), 150.0);
        assert_eq!(level.level(t(130)), 0.0);
    }
}
