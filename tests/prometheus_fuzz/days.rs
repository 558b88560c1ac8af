//! Random series: gaps, resets, stale markers, odd numbers, histograms of all kinds, names that differ only in the name.

use std::sync::Arc;

use firedrill::histogram::{Bucket, CUSTOM_BUCKETS, FloatHistogram, ResetHint, Sample};
use firedrill::labels::{Labels, LabelsBuilder};
use firedrill::number::stale_marker;
use firedrill::time::Timestamp;

use super::common::dice::Dice;

/// Where the samples begin: at the start of a day, so that no chunk ends because a day does.
pub const START: Timestamp = Timestamp(1_600_041_600_000);
/// How long they go on, in milliseconds.
pub const LENGTH: i64 = 3_600_000;

/// All samples of a data set, in the order in which a server gets them.
pub fn samples(seed: u64) -> Vec<(Labels, Timestamp, Sample)> {
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    let mut series = |dice: &mut Dice, name: &str, more: &[(&str, &str)], kind: Kind| {
        let mut labels = LabelsBuilder::default();
        labels.set("__name__", name);
        for (name, value) in more {
            labels.set(name, value);
        }
        let labels = labels.build();
        all.extend(track(dice, kind).into_iter().map(|(time, sample)| (labels.clone(), time, sample)));
    };
    for instance in ["a", "b", "c"] {
        for job in ["x", "y"] {
            if dice.one_in(6) {
                continue;
            }
            let own = [("instance", instance), ("job", job)];
            for (name, kind) in [
                ("c_total", Kind::Counter),
                ("d_total", Kind::Counter),
                ("g", Kind::Gauge),
                ("k", Kind::Gauge),
                ("odd", Kind::Odd),
                ("h", Kind::Histograms),
                ("gh", Kind::GaugeHistograms),
                ("n", Kind::CustomBuckets),
                ("mixed", Kind::Mixed),
                ("target_info", Kind::Info),
            ] {
                if dice.one_in(5) {
                    continue;
                }
                let zone = dice.pick(&["", "", "z1", "z2"]).to_owned();
                let version = dice.pick(&["1", "2"]).to_owned();
                let mut own = own.to_vec();
                if !zone.is_empty() && name != "target_info" {
                    own.push(("zone", &zone));
                }
                if name == "target_info" {
                    own.push(("version", &version));
                }
                series(&mut dice, name, &own, kind);
            }
        }
    }
    for (instance, le) in ["a", "b"]
        .into_iter()
        .flat_map(|instance| ["0.1", "0.5", "1", "2.5", "10", "+Inf"].into_iter().map(move |le| (instance, le)))
    {
        if !dice.one_in(12) {
            series(&mut dice, "lat_bucket", &[("instance", instance), ("job", "x"), ("le", le)], Kind::Counter);
        }
    }
    series(&mut dice, "no labels µ", &[], Kind::Gauge);
    // As they come: series of one time in the order in which they are listed here.
    all.sort_by_key(|(_, time, _)| *time);
    all
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Counter,
    Gauge,
    Odd,
    Histograms,
    GaugeHistograms,
    CustomBuckets,
    Mixed,
    Info,
}

fn track(dice: &mut Dice, kind: Kind) -> Vec<(Timestamp, Sample)> {
    let interval = [15_000, 15_000, 30_000, 60_000, 7_000][dice.below(5) as usize];
    let jitter = [1, 1, 500, 4_000][dice.below(4) as usize];
    let mut time = START.0 + dice.below(interval as u64) as i64;
    let end = START.0 + LENGTH;
    let mut state = State { value: dice.below(50) as f64, histogram: start(dice, kind), step: step(dice) };
    let mut out = Vec::new();
    while time < end {
        match dice.below(60) {
            0 => time += interval * (1 + dice.below(30) as i64),
            1 => {
                let at = time + dice.below(jitter) as i64;
                out.push((Timestamp(at), Sample::Float(stale_marker())));
                time += interval * (1 + dice.below(20) as i64);
            }
            _ => {}
        }
        let at = Timestamp(time + dice.below(jitter) as i64);
        out.push((at, state.next(dice, kind)));
        time += interval;
    }
    out.dedup_by_key(|(time, _)| *time);
    out.retain(|(time, _)| time.0 < end);
    out
}

fn step(dice: &mut Dice) -> f64 {
    [1.0, 0.1, 7.5, 3.0, 1e-3, 1e9][dice.below(6) as usize]
}

fn start(dice: &mut Dice, kind: Kind) -> FloatHistogram {
    let custom = kind == Kind::CustomBuckets;
    let schema = if custom { CUSTOM_BUCKETS } else { [0, 1, 2, -1][dice.below(4) as usize] };
    // Prometheus 3.5 does not reconcile bounds that differ.
    let custom_values: Arc<[f64]> = if custom { [1.0, 2.0, 5.0].into() } else { Arc::default() };
    let zero_threshold = if custom { 0.0 } else { [0.0, 0.001, 0.5][dice.below(3) as usize] };
    let hint = if kind == Kind::GaugeHistograms { ResetHint::Gauge } else { ResetHint::Unknown };
    let mut histogram = FloatHistogram { hint, schema, custom_values, zero_threshold, ..FloatHistogram::default() };
    fill(dice, &mut histogram);
    histogram
}

/// Observations in all buckets: a bucket that comes later is stored, empty, with the histograms before it, and some functions can
/// tell.
fn fill(dice: &mut Dice, histogram: &mut FloatHistogram) {
    let custom = histogram.has_custom_buckets();
    let mut buckets = |indices: std::ops::Range<i32>| -> Vec<Bucket> {
        indices.map(|index| Bucket { index, count: 1.0 + dice.below(3) as f64 }).collect()
    };
    histogram.positive = if custom { buckets(0..4) } else { buckets(2..8) };
    histogram.negative = if custom { Vec::new() } else { buckets(2..8) };
    histogram.zero_count = if custom { 0.0 } else { 1.0 };
    let counts = histogram.positive.iter().chain(&histogram.negative).map(|bucket| bucket.count);
    histogram.count = counts.sum::<f64>() + histogram.zero_count;
    histogram.sum = histogram.count * (dice.below(40) as f64 / 8.0);
}

struct State {
    value: f64,
    histogram: FloatHistogram,
    step: f64,
}

impl State {
    fn next(&mut self, dice: &mut Dice, kind: Kind) -> Sample {
        match kind {
            Kind::Info => Sample::Float(1.0),
            Kind::Counter => {
                if dice.one_in(25) {
                    self.value = if dice.one_in(2) { 0.0 } else { self.value / 2.0 };
                } else {
                    self.value += self.step * dice.below(10) as f64;
                }
                Sample::Float(self.value)
            }
            Kind::Gauge => {
                self.value += self.step * (dice.below(21) as f64 - 10.0);
                Sample::Float(self.value)
            }
            Kind::Odd => Sample::Float(match dice.below(12) {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                3 => -0.0,
                4 => 1e300,
                _ => self.step * dice.below(100) as f64,
            }),
            Kind::Mixed if !dice.one_in(3) => {
                self.value += self.step;
                Sample::Float(self.value)
            }
            Kind::Histograms | Kind::GaugeHistograms | Kind::CustomBuckets | Kind::Mixed => {
                if dice.one_in(25) {
                    self.histogram = start(dice, kind);
                }
                let histogram = &mut self.histogram;
                if kind == Kind::GaugeHistograms {
                    fill(dice, histogram);
                }
                for _ in 0..dice.below(4) {
                    observe(dice, histogram);
                }
                Sample::Histogram(Arc::new(histogram.clone()))
            }
        }
    }
}

fn observe(dice: &mut Dice, histogram: &mut FloatHistogram) {
    let count = 1.0 + dice.below(5) as f64;
    let custom = histogram.has_custom_buckets();
    histogram.count += count;
    histogram.sum += count * (dice.below(40) as f64 / 8.0);
    if !custom && dice.one_in(6) {
        histogram.zero_count += count;
        return;
    }
    let index = if custom { dice.below(1 + histogram.custom_values.len() as u64) } else { 2 + dice.below(6) } as i32;
    let buckets = if !custom && dice.one_in(5) { &mut histogram.negative } else { &mut histogram.positive };
    match buckets.binary_search_by_key(&index, |bucket| bucket.index) {
        Ok(found) => buckets[found].count += count,
        Err(place) => buckets.insert(place, Bucket { index, count }),
    }
}
