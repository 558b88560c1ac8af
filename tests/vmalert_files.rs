//! Test files of vmalert-tool: what is PromQL in them is run, with the labels that vmalert adds.

mod common;

use std::fs;
use std::path::Path;

use assert_cmd::Command;

const RULES: &str = r#"
groups:
- name: nodes
  concurrency: 2
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {job: x}
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page, instance: other}
    annotations: {summary: "{{ $labels.instance }} is down {{ $value }}"}
  - alert: OnlyMetricsql
    expr: default_rollup(up) default 5 == 0
- name: others
  rules:
  - alert: Down
    expr: up == 0
"#;

const TESTS: &str = r#"
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  external_labels: {cluster: c1, instance: ext}
  input_series:
  - {series: 'up{job="a",instance="i1"}', values: 1 0x10}
  - {series: 'up{job="b",instance="i2"}', values: 0.1+0.1x10}
  alert_rule_test:
  - eval_time: 4m
    groupname: nodes
    alertname: Down
    exp_alerts:
    - exp_labels: {severity: page, job: a, cluster: c1, instance: other, exported_instance: i1}
      exp_annotations: {summary: i1 is down 0}
  - eval_time: 4m
    groupname: others
    alertname: Down
    exp_alerts:
    - exp_labels: {job: a, cluster: c1, instance: ext, exported_instance: i1}
  metricsql_expr_test:
  - expr: job:up:sum
    eval_time: 4m
    exp_samples:
    - {labels: 'job:up:sum{job="x",exported_job="a",cluster="c1",instance="ext"}', value: 0}
    - {labels: 'job:up:sum{job="x",exported_job="b",cluster="c1",instance="ext"}', value: 0.5}
"#;

const UNTESTABLE: &str = r#"
  - eval_time: 4m
    groupname: nodes
    alertname: OnlyMetricsql
    exp_alerts: []
"#;

/// The exit code of firedrill, and all that it says.
fn tested(folder: &Path, tests: &str) -> (Option<i32>, String) {
    fs::write(folder.join("rules.yaml"), RULES).expect("a file");
    fs::write(folder.join("tests.yaml"), tests).expect("a file");
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let output = command.current_dir(folder).args(["test", "tests.yaml"]).output().expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn alerts_have_the_labels_that_vmalert_gives_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = tested(folder.path(), TESTS);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = tested(folder.path(), &TESTS.replace("other, exported_instance: i1", "other"));
    assert_eq!(code, Some(1), "{said}");
    let Some(peer) = common::peer("vmalert-tool") else { return };
    for (tests, holds) in [(TESTS.to_owned(), true), (TESTS.replace("value: 0.5", "value: 0.6"), false)] {
        assert_eq!(tested(folder.path(), &tests).0 == Some(0), holds);
        let mut command = std::process::Command::new(&peer);
        let file = folder.path().join("tests.yaml");
        let output = command.args(["unittest", "--files"]).arg(file).output().expect("vmalert-tool runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), holds, "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_metricsql_alone_is_counted_and_not_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (alerts, expressions) = TESTS.split_once("  metricsql_expr_test").expect("cases of both kinds");
    let tests = format!("{}{UNTESTABLE}  metricsql_expr_test{expressions}", alerts.trim_end());
    let (code, said) = tested(folder.path(), &tests);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 case not run"), "{said}");
    assert!(said.contains("the expression of OnlyMetricsql is no PromQL"), "{said}");
}

#[test]
fn cases_name_their_group_all_or_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = tested(folder.path(), &TESTS.replace("    groupname: others\n", ""));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("tests.yaml:17:5") && said.contains("without `groupname`"), "{said}");
}
