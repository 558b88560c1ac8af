//! Columns against ticks: `rules::evaluate` has to yield what a plain loop over ticks, groups and rules yields, sample by
//! sample and to the bit, on random rule groups; and the same scenarios are put to promtool where it is installed.

#[path = "../common/mod.rs"]
mod common;
mod generate;
mod plain;
mod promtool;

use std::collections::{BTreeMap, BTreeSet};

use firedrill::labels::Labels;
use firedrill::rules::{self, AlertState, EvaluateOptions, Group, RuleFailure, Run};
use firedrill::store::{MetricStore, Moment};
use firedrill::text::Source;
use firedrill::time::{Duration, Timestamp};

use generate::{Input, MINUTE, Scenario, Scope, TICKS, scenario};

fn groups(scenario: &Scenario) -> Vec<Group> {
    let source = Source::new("rules.yaml", scenario.rules.clone());
    match rules::read(&source) {
        Ok(file) => file.groups,
        Err(error) => panic!("seed {}: {error:?}\n{}", scenario.seed, scenario.rules),
    }
}

fn options(block: usize) -> EvaluateOptions {
    let end = Timestamp((TICKS - 1) * MINUTE);
    EvaluateOptions { block, ..EvaluateOptions::new(Timestamp(0), end, Duration::MINUTE) }
}

fn load(inputs: &[Input]) -> MetricStore {
    let mut store = MetricStore::default();
    for input in inputs {
        let id = store.id_or_create(&input.labels);
        for sample in &input.samples {
            store.append(id, sample.time, sample.value, Moment::arrival(sample.arrival)).expect("in order");
        }
    }
    store
}

/// Samples of all series, as bits.
fn samples(store: &MetricStore) -> BTreeMap<Labels, Vec<(Timestamp, u64)>> {
    let filled = store.iter().filter(|series| !series.times.is_empty());
    filled
        .map(|series| {
            let samples = series.times.iter().zip(&series.values).map(|(time, value)| (*time, value.to_bits()));
            (series.labels.clone(), samples.collect())
        })
        .collect()
}

fn errors(run: &Run) -> plain::ErrorLog {
    let told = run.errors.iter().map(|error| {
        let loaded = matches!(error.error, RuleFailure::InputRefused(_));
        let rule = (!loaded).then_some((error.rule.group, error.rule.rule));
        (error.tick, rule, error.error.to_string())
    });
    told.collect()
}

fn alerts(run: &Run, groups: &[Group], store: &MetricStore) -> plain::AlertLog {
    let mut log = plain::AlertLog::new();
    for (g, group) in groups.iter().enumerate() {
        for (r, _) in group.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert()) {
            for step in run.steps(rules::RuleRef { group: g, rule: r }).0 {
                log.insert((g, r, step.frontier.at), BTreeMap::new());
            }
        }
    }
    for ((g, r, tick), shown) in &mut log {
        for (track, state) in run.alerts_at(*tick) {
            if (track.rule.group, track.rule.rule) != (*g, *r) {
                continue;
            }
            let now = plain::Shown {
                firing: state == AlertState::Firing,
                active_at: track.active_at,
                fired_at: track.fired_at.filter(|fired| *fired <= *tick),
                value_bits: track
                    .sighting(*tick)
                    .expect("a live alert was seen")
                    .value
                    .float()
                    .expect("a number")
                    .to_bits(),
                annotations: run.annotations(groups, store, track, *tick),
            };
            assert!(shown.insert(track.labels.clone(), now).is_none(), "two lives at once: {track:?}");
        }
    }
    log
}

/// What differs first, if anything.
fn first_difference<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    columns: &BTreeMap<K, V>,
    ticks: &BTreeMap<K, V>,
) -> Option<String> {
    let keys: BTreeSet<&K> = columns.keys().chain(ticks.keys()).collect();
    let key = keys.into_iter().find(|key| columns.get(key) != ticks.get(key))?;
    Some(format!("{what} {key:?}\n  columns {:?}\n  ticks   {:?}", columns.get(key), ticks.get(key)))
}

fn difference(scenario: &Scenario, block: usize) -> Option<String> {
    let groups = groups(scenario);
    let options = options(block);
    let mut store = load(&scenario.inputs);
    let run = match rules::evaluate(&groups, &mut store, &options) {
        Ok(run) => run,
        Err(problems) => return Some(format!("{problems:?}")),
    };
    let plain = plain::run(&groups, &scenario.inputs, &options);
    let (ours, theirs) = (errors(&run), plain.errors);
    first_difference("samples of", &samples(&store), &samples(&plain.store))
        .or_else(|| first_difference("alerts of", &alerts(&run, &groups, &store), &plain.alerts))
        .or_else(|| {
            let odd: Vec<_> = ours.symmetric_difference(&theirs).take(3).collect();
            (!odd.is_empty()).then(|| format!("errors on one side only: {odd:?}"))
        })
}

/// The scenario without what it does not need to fail: single rules and series are left out as long as it still does.
fn smallest(mut scenario: Scenario, block: usize) -> Scenario {
    let fails = |scenario: &Scenario| {
        let attempt = std::panic::AssertUnwindSafe(|| difference(scenario, block).is_some());
        rules::read(&Source::new("rules.yaml", scenario.rules.clone())).is_ok()
            && std::panic::catch_unwind(attempt).unwrap_or(true)
    };
    loop {
        let before = (scenario.rules.len(), scenario.inputs.len());
        let starts: Vec<usize> = scenario.rules.match_indices("  - ").map(|(at, _)| at).collect();
        for start in starts.into_iter().rev() {
            let rest = &scenario.rules[start + 1..];
            let end =
                ["\n  - ", "\n- "].iter().filter_map(|next| rest.find(next)).min().map_or(rest.len(), |at| at + 1);
            let rules = format!("{}{}", &scenario.rules[..start], &rest[end..]);
            let inputs = std::mem::take(&mut scenario.inputs);
            let smaller = Scenario { seed: scenario.seed, rules, inputs };
            if fails(&smaller) {
                scenario = smaller;
            } else {
                scenario.inputs = smaller.inputs;
            }
        }
        for index in (0..scenario.inputs.len()).rev() {
            let input = scenario.inputs.remove(index);
            if !fails(&scenario) {
                scenario.inputs.insert(index, input);
            }
        }
        if before == (scenario.rules.len(), scenario.inputs.len()) {
            return scenario;
        }
    }
}

fn told(scenario: &Scenario) -> String {
    let mut out = scenario.rules.clone();
    for input in &scenario.inputs {
        let late: Vec<String> = input
            .samples
            .iter()
            .filter(|sample| sample.arrival != sample.time)
            .map(|sample| format!("{} at {}", sample.time, sample.arrival))
            .collect();
        out += &format!("{}  {}  {}\n", input.labels.as_metric(), input.notation, late.join(", "));
    }
    out
}

#[test]
fn columns_are_what_ticks_are() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (first, count): (u64, u64) = (number("FIREDRILL_ORACLE_SEED", 1), number("FIREDRILL_ORACLE", 2000));
    for seed in first..first + count {
        // All ticks at once, few, one: the result does not depend on it.
        let block = [1024, 5, 1][seed as usize % 3];
        let scenario = scenario(seed, Scope::Everything);
        if difference(&scenario, block).is_some() {
            let smallest = smallest(scenario, block);
            let why = difference(&smallest, block).unwrap_or_default();
            panic!("seed {seed}, blocks of {block}: {why}\n{}", told(&smallest));
        }
    }
}

/// All that a run leaves behind: samples, alerts, errors.
fn left_behind(scenario: &Scenario, block: usize, threads: usize) -> String {
    let groups = groups(scenario);
    let mut store = load(&scenario.inputs);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    pool.install(|| match rules::evaluate(&groups, &mut store, &options(block)) {
        Ok(run) => format!("{:#?}\n{:#?}\n{:#?}", samples(&store), alerts(&run, &groups, &store), errors(&run)),
        Err(problems) => format!("{problems:?}"),
    })
}

#[test]
fn neither_blocks_nor_threads_change_what_comes_out() {
    for seed in 1..=60 {
        let scenario = scenario(seed, Scope::Everything);
        let alone = left_behind(&scenario, 1, 1);
        for block in 2..=TICKS as usize + 1 {
            let threads = [1, 8][block % 2];
            assert_eq!(
                left_behind(&scenario, block, threads),
                alone,
                "seed {seed}, blocks of {block}, {threads} threads"
            );
        }
    }
}
