//! Unit test files of promtool as replays: both come out alike, or the difference is told.

mod common;
#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{firedrill, folder, root, stdout};

const RULES: &str = r#"groups:
  - name: api
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: InstanceDown
        expr: up == 0
        for: 2m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.instance }} is down, {{ $value }}", none: ""}
      - alert: NobodyUp
        expr: job:up:sum == 0
"#;

const TESTS: &str = r#"rule_files: [rul?s.yaml]
evaluation_interval: 1m
fuzzy_compare: true
tests:
  - name: "one of two, all night"
    start_timestamp: 2026-01-10T23:58:00Z
    interval: 30s
    external_labels: {site: attic}
    input_series:
      - {series: 'up{job="api", instance="a:1"}', values: '1x3 _x2 0x20 stale'}
      - {series: 'up{job="api", instance="b:1"}', values: '1 1 1 1 1 1 1 1 1 1'}
      - {series: gone, values: '7'}
    alert_rule_test:
      - {eval_time: 3m, alertname: InstanceDown}
      - {eval_time: 4m30s, alertname: InstanceDown, exp_alerts: []}
      - eval_time: 5m
        alertname: InstanceDown
        exp_alerts:
          - exp_labels: {severity: page, job: api, instance: "a:1"}
            exp_annotations: {summary: "a:1 is down, 0", none: ""}
      - {eval_time: 5m, alertname: NobodyUp}
    promql_expr_test:
      - {expr: 'job:up:sum{job="api"}', eval_time: 1m, exp_samples: [{labels: 'job:up:sum{job="api"}', value: 2}]}
      - {expr: 'sum(up) / 3', eval_time: 1m, exp_samples: [{value: 0.6666666666666667}]}
      # The sample is seen for 5 minutes, since nothing marks its end.
      - {expr: gone, eval_time: 4m, exp_samples: [{labels: gone, value: 7}]}
      - {expr: gone, eval_time: 6m, exp_samples: []}
"#;

/// Exit code, stdout and stderr.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = firedrill(folder, args);
    (output.status.code(), stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_test_group_becomes_a_replay_that_passes() {
    let folder = folder(&[("rules.yaml", RULES), ("api_test.yaml", TESTS)]);
    assert_eq!(run(folder.path(), &["test", "api_test.yaml"]).0, Some(0));
    let (code, text, errors) = run(folder.path(), &["test", "--convert", "api_test.yaml"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("convert", text));
    fs::write(folder.path().join("replay.yaml"), text).expect("a file");
    let (code, text, errors) = run(folder.path(), &["test", "replay.yaml"]);
    assert_eq!(code, Some(0), "{text}{errors}");
}

#[test]
fn a_replay_falls_short_where_its_test_group_does() {
    for (from, to, says) in [
        ("severity: page, job", "severity: mail, job", "InstanceDown fires at 01-11 00:03:00 as "),
        ("a:1 is down, 0", "a:1 is up", "InstanceDown fires with other annotations at 01-11 00:03:00"),
        ("{eval_time: 4m30s", "{eval_time: 5m30s", "InstanceDown fires at 01-11 00:03:30, and should not"),
        ("eval_time: 5m\n", "eval_time: 4m\n", "InstanceDown does not fire at 01-11 00:02:00"),
        ("value: 2}", "value: 3}", "query job:up:sum{job=\"api\"}: another answer"),
    ] {
        assert!(TESTS.contains(from));
        let folder = folder(&[("rules.yaml", RULES), ("api_test.yaml", &TESTS.replacen(from, to, 1))]);
        let (code, text, errors) = run(folder.path(), &["test", "--convert", "api_test.yaml"]);
        assert_eq!(code, Some(0));
        assert!(errors.contains("this test group does not hold, nor does its replay"), "{from}: {errors}");
        assert!(errors.contains(says), "{from}: {errors}");
        fs::write(folder.path().join("replay.yaml"), text).expect("a file");
        assert_eq!(run(folder.path(), &["test", "replay.yaml"]).0, Some(1), "{from}");
        assert_eq!(run(folder.path(), &["test", "api_test.yaml"]).0, Some(1), "{from}");
    }
}

#[test]
fn what_a_replay_does_otherwise_is_told() {
    let other_interval = RULES.replace("name: api", "name: api\n    interval: 3m");
    let no_series = "rule_files: [rules.yaml]
tests: [{name: a, alert_rule_test: [{eval_time: 5m, alertname: InstanceDown}]}]
";
    let unknown = TESTS.replace("alertname: NobodyUp}", "alertname: Nobody}");
    for (rules, tests, says) in [
        (&*other_interval, TESTS, "this test group holds, and its replay does not"),
        (&*other_interval, TESTS, "the group \"api\" is evaluated every 3m, where promtool does so every 1m"),
        (RULES, no_series, "this test group holds, and proves nothing: its replay is BLIND"),
        (RULES, &*unknown, "no rule has the alert `Nobody`"),
    ] {
        let folder = folder(&[("rules.yaml", rules), ("api_test.yaml", tests)]);
        assert_eq!(run(folder.path(), &["test", "api_test.yaml"]).0, Some(0), "{says}");
        let (code, _, errors) = run(folder.path(), &["test", "--convert", "api_test.yaml"]);
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let two = TESTS.to_owned() + "  - {name: second}\n";
    for (tests, says) in [
        (two.as_str(), "api_test.yaml has 2 test groups, and each becomes a replay"),
        ("rule_files: [rules.yaml]\ntests: [{metricsql_expr_test: []}]\n", "is a test file of vmalert-tool"),
        ("rule_files: [none.yaml]\ntests: [{name: a}]\n", "none.yaml"),
        ("rule_files: [rules.yaml]\ntests: [{input_series: [{series: 'a{', values: 1}]}]\n", "api_test.yaml:2:"),
    ] {
        let folder = folder(&[("rules.yaml", RULES), ("api_test.yaml", tests)]);
        let (code, text, errors) = run(folder.path(), &["test", "--convert", "api_test.yaml"]);
        assert_eq!((code, text.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
}

#[test]
fn exported_days_come_back_as_replays_that_pass() {
    let folder = folder(&[]);
    let replay = root().join("incidents/vmagent-remote-write");
    for variant in ["reverted", "own-path"] {
        let args =
            ["export", "promtool", replay.to_str().expect("UTF-8"), "--variant", variant, "--every-tick", "-o", "out"];
        assert_eq!(run(folder.path(), &args).0, Some(0));
        let file = format!("out/vmagent-remote-write-{variant}.test.yaml");
        let (code, _, errors) = run(folder.path(), &["test", "--convert", &file, "-o", "back"]);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
    }
    let (code, text, errors) = run(folder.path(), &["test", "back"]);
    assert_eq!(code, Some(0), "{text}{errors}");
    assert!(text.contains("3 drills: 3 passed"), "{text}");
}

/// Test files below a folder.
fn tests_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => tests_below(&path),
        false => vec![path],
    });
    found.filter(|path| path.to_string_lossy().ends_with("_test.yaml")).collect()
}

#[test]
fn tests_of_real_rules_come_out_alike_as_replays() {
    let Some(kit) = common::kit("promtool/wikimedia") else { return };
    let files = tests_below(&kit);
    assert!(files.len() > 50, "only {} test files", files.len());
    for file in files {
        let folder = folder(&[]);
        let out = folder.path().to_str().expect("UTF-8").to_owned();
        let (code, text, errors) = run(&root(), &["test", "--convert", file.to_str().expect("UTF-8"), "-o", &out]);
        assert!(code == Some(0) && !text.is_empty(), "{}: {errors}", file.display());
        for differs in ["holds, and its replay does not", "does not hold, and its replay does"] {
            assert!(!errors.contains(differs), "{}: {errors}", file.display());
        }
    }
}
