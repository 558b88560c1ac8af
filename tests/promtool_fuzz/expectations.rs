//! Writes the files of a scenario: what firedrill finds is expected, and sometimes something else.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use firedrill::config::Config;
use firedrill::promql::eval::Profile;
use firedrill::rules::ReadOptions;
use firedrill::text::Source;
use firedrill::unit_test::{self, Failure, FailureKind, Options, ResultSample, RuleFiles, StandingAlert};

use super::common::dice::Dice;
use super::generate::{Scenario, TestGroup, scenario};

/// Writes rules and tests into a folder, and returns the name of the test file.
pub fn write(folder: &Path, seed: u64) -> String {
    let scenario = scenario(seed);
    for (file, rules) in scenario.rules.iter().enumerate() {
        std::fs::write(folder.join(format!("rules-{seed}-{file}.yaml")), rules).expect("written");
    }
    let name = format!("test-{seed}.yaml");
    let text = expecting(folder, &scenario, &mut Dice::new(seed ^ 0x5eed));
    std::fs::write(folder.join(&name), text).expect("written");
    name
}

fn expecting(folder: &Path, scenario: &Scenario, dice: &mut Dice) -> String {
    // Nothing is expected, so that every case which yields something fails and says what.
    let mut asking = scenario.head.clone() + "tests:\n";
    for group in &scenario.groups {
        asking += &fields(group);
        for (name, time) in &group.alerts {
            alert_test(&mut asking, name, *time, &[]);
        }
        expr_tests(&mut asking, group, &[]);
    }
    let source = Source::new(folder.join("asking.yaml").display().to_string(), asking);
    let file = unit_test::read(&source).unwrap_or_else(|problems| panic!("{problems:?}\n{}", source.text()));
    let config = Config::default();
    let rules = RuleFiles::new(&config, ReadOptions::default()).rules(&file).expect("paths of rule files");
    let options = Options { profile: Profile::prometheus(), max_samples: 1_000_000, strict: false };
    let mut out = scenario.head.clone() + "tests:\n";
    for (group, read) in scenario.groups.iter().zip(&file.groups) {
        let result = unit_test::run(&file, read, &rules, &options);
        let got = |span| result.failures.iter().find(|failure| failure.span == span);
        // Most groups are right in all cases.
        let wrong = dice.one_in(3);
        out += &fields(group);
        for ((name, time), case) in group.alerts.iter().zip(&read.alert_tests) {
            let mut expected = got(case.span).map(alerts).unwrap_or_default();
            let (mut name, mut time) = (name.clone(), *time);
            if wrong && dice.one_in(2) {
                spoil_alerts(&mut expected, &mut name, &mut time, dice);
            }
            alert_test(&mut out, &name, time, &expected);
        }
        let samples: Vec<Vec<String>> = read
            .expr_tests
            .iter()
            .map(|case| {
                let mut samples = got(case.span).map(samples).unwrap_or_default();
                if wrong && dice.one_in(3) {
                    spoil_samples(&mut samples, dice);
                }
                samples.iter().map(sample).collect()
            })
            .collect();
        expr_tests(&mut out, group, &samples);
    }
    out
}

fn fields(group: &TestGroup) -> String {
    // The first field begins the item.
    format!("-{}  alert_rule_test:\n", &group.fields[1..])
}

type Pairs = BTreeMap<String, String>;

fn alerts(failure: &Failure) -> Vec<(Pairs, Pairs)> {
    let pairs =
        |alert: &StandingAlert| (alert.labels.iter().cloned().collect(), alert.annotations.iter().cloned().collect());
    match &failure.kind {
        FailureKind::Alerts(difference) => difference.got.iter().map(pairs).collect(),
        _ => Vec::new(),
    }
}

fn samples(failure: &Failure) -> Vec<ResultSample> {
    match &failure.kind {
        FailureKind::Samples(difference) => difference.got.clone(),
        _ => Vec::new(),
    }
}

fn spoil_alerts(alerts: &mut Vec<(Pairs, Pairs)>, name: &mut String, time: &mut u64, dice: &mut Dice) {
    let nth = dice.below(alerts.len().max(1) as u64) as usize;
    match (dice.below(9), alerts.get_mut(nth)) {
        (0, _) => *time += 15 * (1 + dice.below(8)),
        (1, _) => *name = "A1".to_owned(),
        (2, Some(_)) => drop(alerts.remove(nth)),
        (3, Some(alert)) => {
            let twin = alert.clone();
            alerts.push(twin);
        }
        (4, Some((labels, _))) => drop(labels.insert("zone".to_owned(), String::new())),
        (5, Some((labels, _))) => drop(labels.remove("job")),
        (6, Some((labels, _))) => drop(labels.insert("alertname".to_owned(), "Other".to_owned())),
        (7, Some((_, annotations))) => drop(annotations.insert("summary".to_owned(), "none".to_owned())),
        (8, Some((_, annotations))) => annotations.clear(),
        (_, _) => alerts.push((Pairs::from([("job".to_owned(), "a".to_owned())]), Pairs::new())),
    }
}

fn spoil_samples(samples: &mut Vec<ResultSample>, dice: &mut Dice) {
    let nth = dice.below(samples.len().max(1) as u64) as usize;
    match (dice.below(5), samples.get_mut(nth)) {
        // One float apart is equal where the file is fuzzy.
        (0 | 1, Some(sample)) => sample.value = sample.value.next_up(),
        (2, Some(sample)) => sample.value = sample.value.next_down().next_down(),
        (3, Some(_)) => drop(samples.remove(nth)),
        (4, Some(sample)) => sample.labels = sample.labels.filter(|name| name != "job"),
        _ => {}
    }
}

fn alert_test(out: &mut String, name: &str, seconds: u64, expected: &[(Pairs, Pairs)]) {
    let _ = writeln!(out, "  - alertname: {name}\n    eval_time: {seconds}s\n    exp_alerts:");
    for (labels, annotations) in expected {
        let json = |pairs: &Pairs| serde_json::to_string(pairs).expect("strings");
        let _ = writeln!(out, "    - {{exp_labels: {}, exp_annotations: {}}}", json(labels), json(annotations));
    }
}

fn sample(sample: &ResultSample) -> String {
    let labels = serde_json::to_string(&sample.labels.as_metric()).expect("a string");
    let value = match sample.value {
        value if value.is_nan() => ".nan".to_owned(),
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        value => format!("{value:?}"),
    };
    format!("{{labels: {labels}, value: {value}}}")
}

fn expr_tests(out: &mut String, group: &TestGroup, expected: &[Vec<String>]) {
    out.push_str("  promql_expr_test:\n");
    for (nth, (expr, seconds)) in group.expressions.iter().enumerate() {
        let _ = writeln!(out, "  - expr: '{expr}'\n    eval_time: {seconds}s\n    exp_samples:");
        for sample in expected.get(nth).into_iter().flatten() {
            let _ = writeln!(out, "    - {sample}");
        }
    }
}
