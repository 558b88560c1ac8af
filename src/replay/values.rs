//! The value of a series at each of its scrapes, in order, for every kind of metric.

use std::sync::Arc;

use super::histogram::Distribution;
use super::metrics::{Generator, Metric, Noise};
use super::native::{self, Buckets, Parts};
use super::random::Random;
use super::timeline::{Level, Meter, Timeline, whole};
use super::units::Rate;
use crate::histogram::Sample;
use crate::promql::series_values::SampleRun;
use crate::time::Timestamp;

/// Walks one series from scrape to scrape.
pub enum Values<'a> {
    Counted { times: &'a [Timestamp], seen: usize, adds: f64 },
    Rate(Meter<'a>),
    Gauge { values: &'a Timeline<f64>, noise: Noise, random: Option<Box<Random>> },
    Backlog(Level<'a>),
    Drained { inflow: Meter<'a>, level: Level<'a>, starts: f64 },
    Listed { runs: std::slice::Iter<'a, SampleRun>, run: Option<Box<dyn Iterator<Item = Option<Sample>> + 'a>> },
    Bucket(Vec<Share<'a>>),
    Sum(Vec<Share<'a>>),
    Native { buckets: &'a Buckets, shares: Vec<Share<'a>>, parts: Vec<Parts> },
}

/// The observations of one distribution, and how much of each counts.
pub struct Share<'a> {
    meter: Meter<'a>,
    part: f64,
}

/// Which series of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Of {
    Bound(f64),
    Sum,
    Count,
}

impl<'a> Values<'a> {
    /// The values of a metric of one series. `None` for those of several.
    pub fn of(metric: &'a Metric, start: Timestamp) -> Option<Values<'a>> {
        Some(match &metric.generator {
            Generator::Count { times, adds } => Values::Counted { times, seen: 0, adds: *adds },
            Generator::Counter(rates) => Values::Rate(Meter::new(rates)),
            Generator::Gauge { values, noise } => {
                let random = (*noise != Noise::None)
                    .then(|| Box::new(Random::named(&format!("noise {}", metric.labels.as_metric()))));
                Values::Gauge { values, noise: *noise, random }
            }
            Generator::Backlog { inflow, out } => Values::Backlog(Level::new(start, metric.starts, inflow, out)),
            Generator::Drained { inflow, out, starts } => Values::Drained {
                inflow: Meter::new(inflow),
                level: Level::new(start, *starts, inflow, out),
                starts: *starts,
            },
            Generator::Values(runs) => Values::Listed { runs: runs.iter(), run: None },
            Generator::Histogram { .. } | Generator::Recorded(_) => return None,
        })
    }

    /// The values of one series of a histogram, from the observations of each of its distributions.
    pub fn of_histogram(observations: &'a [(Distribution, Timeline<Rate>)], of: Of) -> Values<'a> {
        let share = |part: &dyn Fn(&Distribution) -> f64| shares(observations, part);
        match of {
            Of::Bound(bound) => Values::Bucket(share(&|distribution| distribution.below(bound))),
            Of::Count => Values::Bucket(share(&|_| 1.0)),
            Of::Sum => Values::Sum(share(&Distribution::mean)),
        }
    }

    /// The values of a native histogram.
    pub fn of_native(observations: &'a [(Distribution, Timeline<Rate>)], buckets: &'a Buckets) -> Values<'a> {
        let parts = observations.iter().map(|(distribution, _)| Parts::of(distribution, buckets)).collect();
        Values::Native { buckets, shares: shares(observations, &|_| 1.0), parts }
    }

    /// What has come together since the start or, for the parts of a histogram, since the last restart.
    /// Times do not decrease; each scrape asks once.
    pub fn next(&mut self, time: Timestamp) -> Option<Sample> {
        Some(Sample::Float(match self {
            Values::Counted { .. } | Values::Rate(_) | Values::Drained { .. } => self.total(time),
            Values::Gauge { values, noise, random } => {
                let value = *values.at(time);
                let stray = random.as_mut().map_or(0.0, |random| 2.0 * random.unit() - 1.0);
                match noise {
                    Noise::None => value,
                    Noise::Absolute(most) => value + stray * *most,
                    Noise::Relative(part) => value + stray * *part * value,
                }
            }
            Values::Backlog(level) => level.level(time),
            Values::Listed { runs, run } => loop {
                if let Some(value) = run.as_mut().and_then(Iterator::next) {
                    return value;
                }
                *run = Some(runs.next()?.samples());
            },
            Values::Bucket(shares) => shares.iter_mut().map(|share| whole(share.observed(time) * share.part)).sum(),
            Values::Sum(shares) => shares.iter_mut().map(|share| share.observed(time) * share.part).sum(),
            Values::Native { buckets, shares, parts } => {
                let observed = shares.iter_mut().map(|share| share.observed(time)).zip(parts.iter());
                return Some(Sample::Histogram(Arc::new(native::histogram(buckets, observed))));
            }
        }))
    }

    /// The whole number that a rate has come to; `None` for what is no rate, or has whole numbers of itself.
    pub fn whole(&mut self, time: Timestamp) -> Option<f64> {
        match self {
            Values::Rate(meter) => Some(meter.whole(time)),
            _ => None,
        }
    }

    /// Notes a restart: from here on counters count anew. Returns what has to be taken off from what the counter says.
    pub fn restart(&mut self, time: Timestamp) -> f64 {
        match self {
            Values::Bucket(shares) | Values::Sum(shares) | Values::Native { shares, .. } => {
                shares.iter_mut().for_each(|share| share.meter.restart(time));
                0.0
            }
            Values::Rate(meter) => {
                meter.restart(time);
                0.0
            }
            Values::Counted { .. } | Values::Drained { .. } => self.total(time),
            Values::Gauge { .. } | Values::Backlog(_) | Values::Listed { .. } => 0.0,
        }
    }

    fn total(&mut self, time: Timestamp) -> f64 {
        match self {
            Values::Counted { times, seen, adds } => {
                *seen += times[*seen..].iter().take_while(|event| **event <= time).count();
                *seen as f64 * *adds
            }
            Values::Rate(meter) => meter.total(time),
            Values::Drained { inflow, level, starts } => inflow.total(time) + *starts - level.level(time),
            _ => 0.0,
        }
    }
}

fn shares<'a>(
    observations: &'a [(Distribution, Timeline<Rate>)],
    part: &dyn Fn(&Distribution) -> f64,
) -> Vec<Share<'a>> {
    let share = |(distribution, rates): &'a (Distribution, Timeline<Rate>)| Share {
        meter: Meter::new(rates),
        part: part(distribution),
    };
    observations.iter().map(share).collect()
}

impl Share<'_> {
    /// Whole observations since the last restart.
    fn observed(&mut self, time: Timestamp) -> f64 {
        self.meter.whole(time)
    }
}
