//! Templates expand, fail and are refused as in Go: compared with what promtool wrote into annotations.

mod common;

use std::fmt::Write as _;
use std::process::Command;

use firedrill::labels::Labels;
use firedrill::syntax::strings::quoted;
use firedrill::template::{Context, Sample, Template, TemplateError};
use firedrill::time::Timestamp;
use serde::Deserialize;

/// A template with the value of its alert, and the annotation; none where promtool refuses the rule.
#[derive(Deserialize)]
struct Case {
    text: String,
    value: String,
    output: Option<String>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("go_templates.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

const LABELS: [(&str, &str); 5] =
    [("job", "node"), ("instance", "10.0.0.1:9090"), ("msg", "a<b>&\"c' é"), ("device", "sda"), ("n", "5")];
const UP: [(&str, &str, f64); 2] = [("i2", "j1", 8.5), ("i1", "j1", 7.0)];

fn query(text: &str) -> Vec<Sample> {
    let constant = |value| vec![Sample { labels: Labels::empty(), value: f64::into(value) }];
    let up = |(instance, job, value): (&str, &str, f64)| Sample {
        labels: Labels::from_pairs([("__name__", "up"), ("instance", instance), ("job", job)]),
        value: value.into(),
    };
    match text {
        "up" => UP.map(up).to_vec(),
        "5" => constant(5.0),
        "vector(1)" => constant(1.0),
        _ => Vec::new(),
    }
}

/// The annotation as promtool shows it; `None` where the template cannot be read.
fn annotation(case: &Case) -> Option<String> {
    let template = Template::parse("__alert_X", &case.text).ok()?;
    let expanded = template.expand(&mut Context {
        labels: &Labels::from_pairs(LABELS),
        value: case.value.parse::<f64>().unwrap_or_else(|_| panic!("not a number: {}", case.value)).into(),
        external_labels: &Labels::from_pairs([("cluster", "c1"), ("site", "eqiad")]),
        external_url: "http://prom.example:9090/path/",
        serves: false,
        time: Timestamp(0),
        query: &mut |text, _| Ok(query(text)),
    });
    Some(match expanded {
        Ok(text) => text,
        Err(TemplateError::Expand(message) | TemplateError::Parse { message, .. }) => {
            format!("<error expanding template: {message}>")
        }
    })
}

#[test]
fn annotations_are_those_of_promtool() {
    let mut wrong = String::new();
    let cases = cases();
    for case in &cases {
        let got = annotation(case);
        if got != case.output {
            let _ = writeln!(wrong, "{:?} of {}\n  {got:?}, and promtool:\n  {:?}", case.text, case.value, case.output);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() > 450, "{} cases", cases.len());
}

/// A file in which every case is an alert `X` with a label of its own.
fn rule_file<'a>(cases: impl Iterator<Item = (usize, &'a Case)>) -> String {
    let rules: Vec<_> = cases
        .map(|(at, case)| {
            serde_json::json!({
                "alert": "X",
                "expr": format!("m * {}", case.value),
                "labels": {"id": format!("i{at}")},
                "annotations": {"a": case.text},
            })
        })
        .collect();
    serde_json::json!({"groups": [{"name": "g", "rules": rules}]}).to_string()
}

#[test]
fn the_recorded_annotations_are_what_promtool_writes() {
    let Some(promtool) = common::peer("promtool") else { return };
    let cases = cases();
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(&promtool).args(args).current_dir(folder.path()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("all.yml", rule_file(cases.iter().enumerate()));
    write("good.yml", rule_file(cases.iter().enumerate().filter(|(_, case)| case.output.is_some())));
    let labels: Vec<String> = LABELS.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let mut series = vec![serde_json::json!({"series": format!("m{{{}}}", labels.join(",")), "values": "1"})];
    for (instance, job, value) in UP {
        let name = format!("up{{instance=\"{instance}\",job=\"{job}\"}}");
        series.push(serde_json::json!({"series": name, "values": value.to_string()}));
    }
    let test = serde_json::json!({"rule_files": ["good.yml"], "tests": [{
        "external_labels": {"cluster": "c1", "site": "eqiad"},
        "external_url": "http://prom.example:9090/path/",
        "input_series": series,
        "alert_rule_test": [{"eval_time": "0m", "alertname": "X", "exp_alerts": []}],
    }]});
    write("test.yml", test.to_string());
    let (refused, written) = (run(&["check", "rules", "--lint=none", "all.yml"]), run(&["test", "rules", "test.yml"]));
    for (at, case) in cases.iter().enumerate() {
        match &case.output {
            None => assert!(refused.contains(&format!("rule {}, \"X\"", at + 1)), "{:?} is accepted", case.text),
            Some(output) => {
                let alert = written.split(&format!("id=\"i{at}\"")).nth(1).unwrap_or_default();
                let shown = alert.split("Annotations:").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
                assert_eq!(shown.trim_end_matches(','), format!("{{a={}}}", quoted(output)), "{:?}", case.text);
            }
        }
    }
}
