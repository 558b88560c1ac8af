//! How fast single parts of PromQL are: one query after the other over series that are made in memory.
//!
//! `cargo bench --bench promql` asks all of them; `cargo bench --bench promql -- rate` those whose name holds `rate`. Everything runs on
//! one core. A time is the processor's and the best of several runs, and what it is divided by is a cell: one series at one step.

mod clock;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use clock::Clock;
use firedrill::engine::{Mode, Steps};
use firedrill::histogram::{Bucket, FloatHistogram, Sample};
use firedrill::labels::Labels;
use firedrill::promql::eval::{Profile, Query};
use firedrill::promql::{Features, parse_with};
use firedrill::store::{MetricStore, Moment};
use firedrill::time::{Duration, Timestamp};

const SCRAPE: i64 = 15_000;
const SAMPLES: i64 = 2880;
/// Series of each metric; native histograms are a tenth.
const SERIES: usize = 1000;
const STEPS: i64 = 700;
const RUNS: usize = 5;

/// What is asked.
const QUERIES: [(&str, &str); 26] = [
    ("selector", "requests_total"),
    ("selector, one series", r#"requests_total{instance="i7",job="j7"}"#),
    ("selector, regex", r#"requests_total{job=~"j[0-4]"}"#),
    ("rate of 1m", "rate(requests_total[1m])"),
    ("rate of 5m", "rate(requests_total[5m])"),
    ("rate of 1h", "rate(requests_total[1h])"),
    ("increase of 5m", "increase(requests_total[5m])"),
    ("sum_over_time of 1h", "sum_over_time(queue[1h])"),
    ("max_over_time of 1h", "max_over_time(queue[1h])"),
    ("stddev_over_time of 1h", "stddev_over_time(queue[1h])"),
    ("quantile_over_time of 1h", "quantile_over_time(0.9, queue[1h])"),
    ("subquery", "max_over_time(rate(requests_total[5m])[30m:1m])"),
    ("arithmetic with a number", "queue * 2"),
    ("comparison", "queue > 50"),
    ("sum", "sum(queue)"),
    ("sum by 100 jobs", "sum by (job) (queue)"),
    ("avg by 100 jobs", "avg by (job) (queue)"),
    ("topk", "topk(5, queue)"),
    ("quantile by 100 jobs", "quantile by (job) (0.9, queue)"),
    ("matching one to one", "queue / on (instance, job) capacity"),
    ("matching many to one", "queue / on (job) group_left () sum by (job) (capacity)"),
    ("and", "queue and on (instance, job) capacity > 50"),
    ("classic histogram_quantile", "histogram_quantile(0.9, sum by (job, le) (latency_bucket))"),
    ("native rate", "rate(latency[5m])"),
    ("native sum by 10 jobs", "sum by (job) (latency)"),
    ("native histogram_quantile", "histogram_quantile(0.9, sum by (job) (rate(latency[5m])))"),
];

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let started = Instant::now();
    let store = synthetic();
    println!("{} series made and stored in {:.1} s\n", store.len(), started.elapsed().as_secs_f64());
    println!("{:28} {:>10} {:>10} {:>10}", "query", "ms", "cells", "ns a cell");
    let features = Features { experimental_functions: true, ..Features::PROMETHEUS };
    let profile = Profile { features, ..Profile::prometheus() };
    let step = Duration(SAMPLES * SCRAPE / (STEPS + 30));
    let (start, end) = (Timestamp(step.0 * 30), Timestamp(step.0 * (29 + STEPS)));
    let (mode, steps) = (Mode::Range { start, end, step }, Steps::range(start, end, step));
    for (name, text) in QUERIES.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let expr = parse_with(text, features).unwrap_or_else(|error| panic!("{text}: {error}"));
        let read: usize = expr.selectors().iter().map(|(selector, _)| store.select(&selector.matchers).len()).sum();
        let run = || {
            let mut query = Query::compile_for(&expr, &profile, mode).unwrap_or_else(|error| panic!("{text}: {error}"));
            let matrix = query.run(&store, &steps, mode).unwrap_or_else(|error| panic!("{text}: {}", error.message));
            assert!(black_box(matrix).count() > 0, "{text} finds nothing");
        };
        let best = (0..RUNS).map(|_| seconds_of(&run)).fold(f64::INFINITY, f64::min);
        let cells = read * steps.len();
        println!("{name:28} {:>10.2} {cells:>10} {:>10.1}", best * 1e3, best * 1e9 / cells as f64);
    }
}

/// The seconds of one call, of as many as Linux can tell apart.
fn seconds_of(run: &impl Fn()) -> f64 {
    let mut calls = 1;
    loop {
        let clock = Clock::start();
        (0..calls).for_each(|_| run());
        match clock.seconds() {
            seconds if seconds >= 0.05 => return seconds / f64::from(calls),
            _ => calls *= 2,
        }
    }
}

/// Counters with restarts, gauges, classic and native histograms, the same on every run.
fn synthetic() -> MetricStore {
    let mut store = MetricStore::default();
    // xorshift: it only has to look random.
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut throw = move |sides: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    for at in 0..SERIES {
        let (instance, job) = (format!("i{at}"), format!("j{}", at % 100));
        for name in ["requests_total", "queue", "capacity"] {
            let labels = Labels::from_pairs([("__name__", name), ("instance", &instance), ("job", &job)]);
            let mut value = 0.0;
            fill(&mut store, &labels, || {
                value = match name {
                    "requests_total" if throw(1000) == 0 => 0.0,
                    "requests_total" => value + throw(100) as f64 / 3.0,
                    _ => throw(1000) as f64 / 10.0 + 1.0,
                };
                Sample::Float(value)
            });
        }
    }
    for at in 0..SERIES / 10 {
        let (instance, job) = (format!("i{at}"), format!("j{}", at % 10));
        let mut counts = 0.0;
        for le in ["0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"] {
            let own = [("__name__", "latency_bucket"), ("instance", &instance), ("job", &job), ("le", le)];
            counts += 7.0;
            let mut count = 0.0;
            fill(&mut store, &Labels::from_pairs(own), || {
                count += counts;
                Sample::Float(count)
            });
        }
        let labels = Labels::from_pairs([("__name__", "latency"), ("instance", &instance), ("job", &job)]);
        let positive = (0..20).map(|index| Bucket { index, count: 1.0 }).collect();
        let mut histogram = FloatHistogram { schema: 3, positive, count: 20.0, sum: 30.0, ..FloatHistogram::default() };
        fill(&mut store, &labels, || {
            histogram.positive[throw(20) as usize].count += 5.0;
            histogram.count += 5.0;
            histogram.sum += 7.5;
            Sample::Histogram(Arc::new(histogram.clone()))
        });
    }
    store
}

fn fill(store: &mut MetricStore, labels: &Labels, mut next: impl FnMut() -> Sample) {
    let id = store.id_or_create(labels);
    for at in 0..SAMPLES {
        let time = Timestamp(at * SCRAPE);
        let appended = store.append_sample(id, time, &next(), Moment::arrival(time));
        assert!(appended.is_ok(), "samples come in order");
    }
}
