//! Unit test files on the command line: what is selected, what is allowed, what is written.

use std::fs;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

const RULES: &str = r#"
groups:
- name: g
  owner: infra
  rules:
  - {record: twice, expr: 2 * up}
  - {alert: Down, expr: up == 0, for: 2m}
  - {record: odd, expr: 'sort_by_label(up, "job")'}
"#;

/// Three groups, of which the second fails.
const TESTS: &str = "
rule_files: [rules.yaml]
tests:
- name: doubled
  input_series: [{series: up, values: 1x5}]
  promql_expr_test: [{expr: twice, eval_time: 5m, exp_samples: [{labels: twice, value: 2}]}]
- name: fires too late
  input_series: [{series: up, values: 0x5}]
  alert_rule_test: [{alertname: Down, eval_time: 1m, exp_alerts: [{}]}]
- input_series: [{series: up, values: 0x5}]
  alert_rule_test: [{alertname: Down, eval_time: 2m, exp_alerts: [{}]}]
";

const ALLOWED: [&str; 3] = ["--ignore-unknown-fields", "--enable-feature", "promql-experimental-functions"];

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), RULES).expect("a file");
    fs::write(folder.path().join("tests.yaml"), TESTS).expect("a file");
    folder
}

fn run(folder: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    command.current_dir(folder.path()).args(["test", "tests.yaml"]).args(args).output().expect("the binary runs")
}

/// Names and verdicts of the groups that ran.
fn verdicts(folder: &TempDir, args: &[&str]) -> Vec<(String, String)> {
    let output = run(folder, &[&ALLOWED[..], &["--format", "json"], args].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let groups = report["unit_tests"].as_array().expect("a list");
    groups.iter().map(|group| (text(&group["name"]), text(&group["verdict"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, verdict)| ((*name).to_owned(), (*verdict).to_owned())).collect()
}

#[test]
fn groups_are_selected_by_name_and_by_shard() {
    let folder = folder();
    let all = [("doubled", "pass"), ("fires too late", "fail"), ("unnamed#2", "pass")];
    assert_eq!(verdicts(&folder, &[]), pairs(&all));
    assert_eq!(verdicts(&folder, &["--run", "late|double"]), pairs(&all[..2]));
    assert_eq!(verdicts(&folder, &["--run", "late", "--run", "double"]), pairs(&all[..2]));
    // A group without a name has an empty one.
    assert_eq!(verdicts(&folder, &["--run", "^$"]), pairs(&all[2..]));
    assert_eq!(run(&folder, &[&ALLOWED[..], &["--run", "unnamed"]].concat()).status.code(), Some(2));
    assert_eq!(verdicts(&folder, &["--shard", "1/2"]), pairs(&[all[0], all[2]]));
    assert_eq!(verdicts(&folder, &["--shard", "2/2"]), pairs(&[all[1]]));
    let refused = run(&folder, &["--shard", "3/2"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("write K/N"));
}

#[test]
fn nothing_starts_after_a_failure_that_ends_the_run() {
    let folder = folder();
    let output = run(&folder, &[&ALLOWED[..], &["--fail-fast", "--jobs", "1"]].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 not run after the first that fell short"), "{said}");
}

#[test]
fn unknown_fields_and_experimental_functions_are_refused_unless_allowed() {
    let folder = folder();
    for (allowed, says) in [(&ALLOWED[..1], "sort_by_label"), (&ALLOWED[1..], "unknown field `owner`")] {
        let output = run(&folder, &[allowed, &["--run", "doubled"]].concat());
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(run(&folder, &[&ALLOWED[..], &["--run", "doubled"]].concat()).status.code(), Some(0));
}

#[test]
fn junit_has_a_suite_for_the_file_and_a_case_for_each_group() {
    let folder = folder();
    run(&folder, &[&ALLOWED[..], &["--junit", "report.xml"]].concat());
    let report = fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    assert!(report.contains(r#"<testsuite name="tests.yaml" tests="3""#), "{report}");
    assert_eq!(report.matches("<testcase").count(), 3, "{report}");
    assert_eq!(report.matches("<failure").count(), 1, "{report}");
}

#[test]
fn junit_names_what_cannot_be_read_and_what_was_not_started() {
    let folder = folder();
    fs::write(folder.path().join("unreadable.yaml"), "rule_files: ['[a']\ntests: []\n").expect("a file");
    let report = || fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let alone = ["test", "unreadable.yaml", "--junit", "report.xml"];
    assert_eq!(command.current_dir(folder.path()).args(alone).output().expect("it runs").status.code(), Some(2));
    assert!(report().contains(r#"<testsuite name="unreadable.yaml" tests="1""#), "{}", report());
    assert!(report().contains("<error message=\"this is no pattern for paths"), "{}", report());
    let flags = ["--fail-fast", "--jobs", "1", "--junit", "report.xml"];
    run(&folder, &[&ALLOWED[..], &flags].concat());
    let report = report();
    assert_eq!(report.matches("<testcase").count(), 3, "{report}");
    assert_eq!(report.matches("<skipped").count(), 1, "{report}");
}

// The text is that of promtool 3.5 for this file.
#[test]
fn templates_of_a_unit_test_know_no_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "groups: [{name: g, rules: [{alert: A, expr: vector(1), annotations: {u: '{{ externalURL }}', d: '{{ $externalURL }}'}}]}]";
    fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
    let said = r#"<error expanding template: error executing template __alert_A: template: __alert_A:1:115: executing "__alert_A" at <externalURL>: error calling externalURL: runtime error: invalid memory address or nil pointer dereference>"#;
    let tests = format!(
        "rule_files: [rules.yaml]\ntests:\n- external_url: http://x/y\n  alert_rule_test: [{{eval_time: 1m, alertname: A, exp_alerts: [{{exp_annotations: {{d: http://x/y, u: '{said}'}}}}]}}]\n"
    );
    fs::write(folder.path().join("tests.yaml"), tests).expect("a file");
    let output = run(&folder, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
