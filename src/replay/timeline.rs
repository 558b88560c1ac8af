//! A figure over time: which value holds from when on, and what a rate adds up to.

use super::units::Rate;
use crate::time::{Duration, Timestamp};

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
    /// What had passed at the last restart.
    origin: f64,
    /// The same without rounding; `None` where the numbers are too large for it.
    exact: Option<Exact>,
}

/// Sums of rates as whole numbers of a fraction that all rates have in common.
struct Exact {
    /// So many of them are one.
    parts: i128,
    /// What each step adds in a millisecond.
    each: Vec<i128>,
    before: i128,
    origin: i128,
}

impl Exact {
    fn new(steps: &[(Timestamp, Rate)]) -> Option<Exact> {
        let fractions: Vec<(i128, i128)> = steps
            .iter()
            .map(|(_, rate)| {
                let (digits, scale) = decimal(rate.amount)?;
                let parts = scale.checked_mul(i128::from(rate.per.0)).filter(|parts| *parts > 0)?;
                let common = gcd(digits, parts);
                Some((digits / common, parts / common))
            })
            .collect::<Option<_>>()?;
        let parts =
            fractions.iter().try_fold(1_i128, |all, (_, parts)| (all / gcd(all, *parts)).checked_mul(*parts))?;
        let each = fractions.iter().map(|(digits, own)| digits.checked_mul(parts / own)).collect::<Option<_>>()?;
        Some(Exact { parts, each, before: 0, origin: 0 })
    }

    fn passed(&self, step: usize, time: Duration) -> Option<i128> {
        self.before.checked_add(self.each[step].checked_mul(i128::from(time.0))?)
    }
}

/// The digits of a number as it is written, and what they are divided by.
fn decimal(amount: f64) -> Option<(i128, i128)> {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some((format!("{whole}{fraction}").parse().ok()?, scale))
}

/// The greatest common divisor, at least 1.
fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl<'a> Meter<'a> {
    pub fn new(rates: &'a Timeline<Rate>) -> Meter<'a> {
        let steps = rates.steps();
        Meter { steps, step: 0, before: 0.0, origin: 0.0, exact: Exact::new(steps) }
    }

    /// What has passed from the first step, or the last restart, to `time`.
    pub fn total(&mut self, time: Timestamp) -> f64 {
        self.passed(time) - self.origin
    }

    /// As `total`, rounded down to a whole number.
    pub fn whole(&mut self, time: Timestamp) -> f64 {
        let total = self.total(time);
        let exactly = self.exact.as_ref().and_then(|exact| {
            let passed = exact.passed(self.step, time - self.steps[self.step].0)?;
            Some((passed - exact.origin).div_euclid(exact.parts) as f64)
        });
        exactly.unwrap_or_else(|| whole(total))
    }

    /// Counts anew from `time` on.
    pub fn restart(&mut self, time: Timestamp) {
        self.origin = self.passed(time);
        let since = time - self.steps[self.step].0;
        let passed = self.exact.as_ref().and_then(|exact| exact.passed(self.step, since));
        match (&mut self.exact, passed) {
            (Some(exact), Some(passed)) => exact.origin = passed,
            (exact, _) => *exact = None,
        }
    }

    fn passed(&mut self, time: Timestamp) -> f64 {
        while let Some((next, _)) = self.steps.get(self.step + 1).filter(|(next, _)| *next <= time) {
            let (from, rate) = self.steps[self.step];
            self.before += rate.over(*next - from);
            self.exact = self.exact.take().and_then(|exact| {
                let before = exact.passed(self.step, *next - from)?;
                Some(Exact { before, ..exact })
            });
            self.step += 1;
        }
        let (from, rate) = self.steps[self.step];
        self.before + rate.over(time - from)
    }
}

/// Rounded down to a whole number; what a millionth is missing from is rounded up, for sums of fractions stray.
pub fn whole(value: f64) -> f64 {
    (value + 1e-6).floor()
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
    fn whole_numbers_are_exact_over_any_number_of_steps() {
        // 100 times a tenth in a minute, and a third: sums of such fractions stray.
        let stretches: Vec<(Timestamp, Timestamp, Rate)> =
            (0..100).map(|n| (t(120 * n + 60), t(120 * n + 120), rate("0.1/m").unwrap())).collect();
        let line = Timeline::new(t(0), rate("3000000000.7/m").unwrap(), &stretches);
        let mut meter = Meter::new(&line);
        assert_eq!(meter.whole(t(60)), 3_000_000_000.0);
        // 100 x 3000000000.7 + 100 x 0.1
        assert_eq!(meter.whole(t(12_000)), 300_000_000_080.0);
        meter.restart(t(12_020));
        // A third of 3000000000.7 had passed: 1000000000.2333..., two thirds are 2000000000.4666...
        assert_eq!(meter.whole(t(12_060)), 2_000_000_000.0);
    }

    #[test]
    fn whole_numbers_are_those_of_fractions() {
        for (rates, repeated) in [(["1/7s", "2/7s"], 7), (["0.3/s", "0.7/s"], 10), (["1/3s", "5/9s"], 9)] {
            let [one, other] = rates.map(|written| rate(written).unwrap());
            let stretches: Vec<(Timestamp, Timestamp, Rate)> =
                (0..repeated).map(|n| (t(2 * n + 1), t(2 * n + 2), other)).collect();
            let line = Timeline::new(t(0), one, &stretches);
            let mut meter = Meter::new(&line);
            // Each of the rates for so many seconds: a whole number.
            let exactly = [one, other].map(|rate| rate.per_second() * repeated as f64).iter().sum::<f64>().round();
            assert_eq!(meter.whole(t(2 * repeated)), exactly, "{rates:?}");
            assert_eq!(Meter::new(&line).whole(Timestamp(2000 * repeated - 1)), exactly - 1.0, "{rates:?}");
        }
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
