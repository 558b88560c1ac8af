//! What a verdict rests on, as the report for machines says it.

#[path = "common/program.rs"]
mod program;

use program::{firedrill, stdout};
use serde_json::Value;

const RULES: &str = r#"
groups:
  - name: g
    rules:
      - {record: "job:errors:rate5m", expr: 'sum by (job) (rate(errors_total[5m]))'}
      - {alert: Errors, expr: 'job:errors:rate5m > 1'}
      - {alert: Full, expr: 'disk_used > 0.9'}
"#;

/// A day of three series, of which `Errors` reads one, through a recording rule. `origin` says where that one's rate comes from.
fn replay(origin: &str, happened: &str) -> String {
    format!(
        r#"
firedrill: replay/1
title: t
start: 2025-01-01T00:00:00Z
end: 2025-01-01T01:00:00Z
rules: [rules.yaml]
targets: {{a: {{labels: {{job: a}}, scrape: 30s}}}}
spans: {{bad: {{from: "00:10:00", to: "00:20:00", source: "doc"}}}}
metrics:
  - {{series: errors_total, counter: {{bad: {{value: 5/s, {origin}}}}}, source: "doc"}}
  - {{series: disk_used, gauge: 0.5, assumed: "half full"}}
  - {{series: unread, gauge: 1, source: "doc"}}
happened: {{alerts: [{{Errors: {{active: {{{happened}}}}}}}]}}
expect: {{alerts: [{{Errors: {{fires: {{after: bad.from, within: 5m}}}}}}]}}
"#
    )
}

fn drill(origin: &str, happened: &str) -> (Value, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), RULES).unwrap();
    std::fs::write(folder.path().join("replay.yaml"), replay(origin, happened)).unwrap();
    let output = firedrill(folder.path(), &["test", "replay.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    (report["drills"][0].clone(), output.status.code())
}

#[test]
fn a_verdict_rests_on_what_its_alerts_read_through_recording_rules() {
    let (drill, code) = drill("assumed: guess", "after: bad.from, within: 5m");
    assert_eq!(code, Some(0));
    assert_eq!(drill["footing"].to_string(), r#"{"documented":1,"assumed":2,"fitted":0,"recorded":0}"#);
    assert_eq!(drill["rests_on"].to_string(), r#"[{"series":"errors_total{job=\"a\"}","kind":"assumed"}]"#);
}

#[test]
fn an_up_that_nobody_wrote_is_assumed_where_a_rule_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), "groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]\n")
        .unwrap();
    let replay = "firedrill: replay/1\ntitle: t\nstart: 2025-01-01T00:00:00Z\nend: 2025-01-01T01:00:00Z\nrules: [rules.yaml]\n\
                  targets: {a: {labels: {job: a}, scrape: 30s}, b: {labels: {job: b}, scrape: 30s}}\n\
                  spans: {bad: {from: \"00:10:00\", to: \"00:20:00\", source: doc}}\n\
                  gaps: [{down: {target: b}, during: bad, source: doc}]\n\
                  expect: {alerts: ['Down{job=\"a\"}': never, 'Down{job=\"b\"}': {fires: {within: 1m, after: bad.from}}]}\n";
    std::fs::write(folder.path().join("replay.yaml"), replay).unwrap();
    let output = firedrill(folder.path(), &["test", "replay.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let drill = &report["drills"][0];
    assert_eq!(drill["footing"].to_string(), r#"{"documented":1,"assumed":1,"fitted":0,"recorded":0}"#);
    assert_eq!(drill["rests_on"][0].to_string(), r#"{"series":"up{job=\"a\"}","kind":"assumed"}"#);
}

#[test]
fn a_replay_is_calibrated_by_what_happened_unless_it_was_fitted_to_it() {
    let calibration = |origin: &str, happened: &str| {
        let (drill, code) = drill(origin, happened);
        (drill["calibration"].as_str().unwrap().to_owned(), code)
    };
    let right = "after: bad.from, within: 5m";
    assert_eq!(calibration("source: doc", right), ("calibrated".to_owned(), Some(0)));
    assert_eq!(calibration("fitted: \"Errors\"", right), ("fitted".to_owned(), Some(0)));
    assert_eq!(calibration("source: doc", "before: \"00:05:00\""), ("off".to_owned(), Some(1)));
}
