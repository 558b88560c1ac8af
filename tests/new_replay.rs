//! New replays: what `firedrill new replay` writes for a rule passes at once, or says what is to be filled in.

mod common;
#[path = "common/program.rs"]
mod program;

use std::fs;

use program::{firedrill, told};

/// A rule file with one alert for each expression, `A0`, `A1`, ...; `more` stands in front of them.
fn rules(more: &str, exprs: &[&str], for_: &str) -> String {
    let alert = |(nth, expr): (usize, &&str)| {
        format!("  - alert: A{nth}\n    for: {for_}\n    expr: |\n      {expr}\n    labels: {{severity: page}}\n")
    };
    let alerts: String = exprs.iter().enumerate().map(alert).collect();
    format!("groups:\n- name: g\n  rules:\n{more}{alerts}")
}

/// Each alert gets a replay that passes, day and control, and no verdict is BLIND.
fn all_pass(more: &str, exprs: &[&str], for_: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), rules(more, exprs, for_)).expect("a file");
    for (nth, expr) in exprs.iter().enumerate() {
        let made = firedrill(folder.path(), &["new", "replay", "--alert", &format!("A{nth}")]);
        assert_eq!(made.status.code(), Some(0), "{expr}\n{}", told(&made));
    }
    let tested = firedrill(folder.path(), &["test", "incidents"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    assert!(
        told(&tested).contains(&format!("{} drills: {} passed", 2 * exprs.len(), 2 * exprs.len())),
        "{}",
        told(&tested)
    );
    assert!(!told(&tested).contains("BLIND"), "{}", told(&tested));
}

#[test]
fn conditions_on_levels_are_reversed() {
    let exprs = [
        "up == 0",
        "up{job=\"api\"} == 1",
        "absent(up{job=\"api\"})",
        "absent(heartbeat{leg=~\"a|b\"})",
        "queue_length > 100",
        "100 * (1 - node_filesystem_avail_bytes{mountpoint!=\"/boot\"} / node_filesystem_size_bytes{mountpoint!=\"/boot\"}) > 90",
        "(size_bytes - free_bytes) / size_bytes > 0.95",
        "a > b",
        "replicas_wanted != replicas_ready",
        "time() - last_success_timestamp_seconds > 600",
        "certificate_expiry_timestamp_seconds - time() < 14 * 86400",
        "avg_over_time(load[30m]) > 4 and on (instance) cpus < 8",
        "disk_full == 1 unless on (instance) maintenance == 1",
        "predict_linear(free_bytes[1h], 4 * 3600) < 0 and free_bytes / total_bytes < 0.4",
        "temperature > bool 80 == 1",
    ];
    all_pass("", &exprs, "5m");
}

#[test]
fn conditions_on_counters_and_histograms_are_reversed() {
    let exprs = [
        "rate(errors_total[5m]) > 0.5",
        "increase(errors_total{code=~\"5..\"}[10m]) > 0",
        "sum by (job) (rate(http_total{code=~\"5..\"}[5m])) / sum by (job) (rate(http_total[5m])) > 0.05",
        "rate(jobs_done_total[10m]) == 0 and rate(jobs_queued_total[10m]) > 0",
        "histogram_quantile(0.99, sum by (le, job) (rate(latency_seconds_bucket[5m]))) > 0.25",
        "changes(process_start_time_seconds[15m]) > 2",
        "delta(disk_used_bytes[1h]) > 1e9",
        "rate(hits_total[5m]) / (rate(hits_total[5m]) + rate(misses_total[5m])) < 0.8",
    ];
    all_pass("", &exprs, "2m");
}

#[test]
fn counts_get_as_many_series_as_they_need() {
    let exprs = [
        "count(up{job=\"api\"} == 0) > 2",
        "sum(up{job=\"api\"}) < 3",
        "count by (cluster) (leader == 1) != 1",
        "count(count by (version) (build_info)) > 1",
        "count(up == 0) / count(up) > 0.5",
    ];
    all_pass("", &exprs, "3m");
}

#[test]
fn recording_rules_are_read_through() {
    let more = "  - record: job:errors:rate5m\n    expr: sum by (job, code) (rate(http_total[5m]))\n  - record: job:ratio\n    \
                expr: sum by (job) (job:errors:rate5m{code=~\"5..\"}) / sum by (job) (job:errors:rate5m)\n    labels: {kind: errors}\n";
    all_pass(more, &["job:ratio{kind=\"errors\", job=\"api\"} > 0.1", "avg_over_time(job:ratio[10m]) > 0.5"], "5m");
}

#[test]
fn what_matchers_say_of_one_side_holds_for_the_other_where_all_labels_match() {
    let exprs = [
        "a{env=\"prod\"} / b > 0.5",
        "a{env=\"prod\"} > 5 and b > 3",
        "rate(errors_total{env=\"prod\"}[5m]) / rate(requests_total{team=\"a\"}[5m]) > 0.1",
        "a{env=\"prod\"} > 5 and ignoring(env, zone) b{zone=\"z\"} > 3",
        "a{env=\"prod\"} > 5 or absent(b{job=\"x\"})",
    ];
    all_pass("", &exprs, "2m");
}

#[test]
fn new_replays_hold_when_they_are_shaken() {
    let exprs = [
        "queue > 100",
        "free < 10 unless on(instance) maintenance == 1",
        "rate(errors_total[5m]) / rate(requests_total[5m]) > 0.05",
        "100 * (1 - avail_bytes / size_bytes) > 90",
        "disk_used_ratio > 0.8",
        "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m]))) > 0.25",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), rules("", &exprs, "2m")).expect("a file");
    for nth in 0..exprs.len() {
        let made = firedrill(folder.path(), &["new", "replay", "--alert", &format!("A{nth}")]);
        assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    }
    let shaken = firedrill(folder.path(), &["test", "--shake", "incidents", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&shaken.stdout).expect("JSON");
    for one in report["shaken"].as_array().expect("shaken drills") {
        let figures = one["flips"].as_array().expect("flips").iter();
        let figures: Vec<_> =
            figures.filter(|flip| flip["shake"].as_str().is_some_and(|s| s.starts_with("metrics"))).collect();
        assert!(figures.is_empty(), "{}: {figures:#?}", one["drill"]);
    }
    let share = fs::read_to_string(folder.path().join("incidents/a4/replay.yaml")).expect("a replay");
    assert!(share.contains("incident: {value: 0.9, between: ["), "{share}");
}

#[test]
fn a_rule_that_always_holds_has_no_control() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), rules("", &["vector(1)"], "1m")).expect("a file");
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "A0", "-o", "watchdog"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    assert!(told(&made).contains("fires whatever happens"), "{}", told(&made));
    let tested = firedrill(folder.path(), &["test", "watchdog"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    assert!(told(&tested).contains("1 drill: 1 passed"), "{}", told(&tested));
}

#[test]
fn what_cannot_be_reversed_is_said_and_the_replay_is_valid() {
    // The sides never match, and a deviation needs several series.
    for expr in ["a{mode=\"x\"} / b{mode=\"y\"} > 1", "stddev(load) > 3", "x{l=~\"a\", l=\"b\"} > 1"] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("rules.yaml"), rules("", &[expr], "1m")).expect("a file");
        let made = firedrill(folder.path(), &["new", "replay", "--alert", "A0"]);
        assert_eq!(made.status.code(), Some(1), "{expr}\n{}", told(&made));
        assert!(told(&made).contains("To be filled in"), "{expr}\n{}", told(&made));
        let text = fs::read_to_string(folder.path().join("incidents/a0/replay.yaml")).expect("a replay");
        assert!(text.contains("# TO FILL IN"), "{expr}\n{text}");
        // Read and drilled, with a verdict that is no PASS.
        let tested = firedrill(folder.path(), &["test", "incidents"]);
        assert_eq!(tested.status.code(), Some(1), "{expr}\n{}", told(&tested));
    }
}

#[test]
fn an_alert_may_have_a_word_of_promql_for_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = rules("", &["temperature > 5"], "1m").replace("A0", "On");
    fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "On"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    let tested = firedrill(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
}

#[test]
fn rules_in_logql_get_their_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    // The second one wants of a line what is not made up.
    let exprs = [
        r#"sum by (app) (rate({app="shop", env=~"prod|stage"} |= "error" [5m])) > 10"#,
        r#"sum(rate({app="shop"} |= "error" | json | status >= 500 [5m])) > 1"#,
    ];
    fs::write(folder.path().join("rules.yaml"), rules("", &exprs, "1m")).expect("a file");
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "A0"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    let text = fs::read_to_string(folder.path().join("incidents/a0/replay.yaml")).expect("a replay");
    assert!(text.contains("{stream: {'app': 'shop', 'env': 'prod'}, event: line, line: 'error'"), "{text}");
    let tested = firedrill(folder.path(), &["test", "incidents/a0"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    assert!(told(&tested).contains("2 drills: 2 passed"), "{}", told(&tested));
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "A1"]);
    assert_eq!(made.status.code(), Some(1), "{}", told(&made));
    assert!(told(&made).contains("To be filled in"), "{}", told(&made));
    let shown = firedrill(folder.path(), &["show", "incidents/a1"]);
    assert_eq!(shown.status.code(), Some(0), "{}", told(&shown));
}

#[test]
fn nothing_is_overwritten_and_unknown_alerts_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), rules("", &["x > 1"], "1m")).expect("a file");
    let first = firedrill(folder.path(), &["new", "replay", "--alert", "A0"]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let second = firedrill(folder.path(), &["new", "replay", "--alert", "A0"]);
    assert_eq!(second.status.code(), Some(2));
    assert!(told(&second).contains("incidents/a0/replay.yaml is there already"), "{}", told(&second));
    let unknown = firedrill(folder.path(), &["new", "replay", "--alert", "A1"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(told(&unknown).contains("did you mean `A0`?"), "{}", told(&unknown));
}

#[test]
fn of_rules_of_one_name_labels_choose() {
    let folder = tempfile::tempdir().expect("a folder");
    let rule = |severity: &str, most: u32| {
        format!("  - {{alert: Full, expr: 'used > {most}', for: 1m, labels: {{severity: {severity}}}}}\n")
    };
    let text = format!("groups:\n- name: g\n  rules:\n{}{}", rule("warning", 80), rule("page", 95));
    fs::write(folder.path().join("rules.yaml"), text).expect("a file");
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "Full{severity=\"page\"}"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    let replay = fs::read_to_string(folder.path().join("incidents/full/replay.yaml")).expect("a replay");
    assert!(replay.contains("'Full{severity=\"page\"}': never"), "{replay}");
    let tested = firedrill(folder.path(), &["test", "incidents"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
}

/// Of the alerts of real projects beside this repository, how many get a replay that passes at once.
#[test]
fn most_rules_of_real_projects_pass_at_once() {
    let Some(kit) = common::kit("promtool/wikimedia") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (mut passed, mut all) = (0, 0);
    let mut files: Vec<_> =
        walkdir::WalkDir::new(&kit).sort_by_file_name().into_iter().filter_map(Result::ok).collect();
    files.retain(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.ends_with(".yaml") && !name.contains("_test")
    });
    for file in files {
        let path = file.path().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(file.path()) else { continue };
        let mut names: Vec<&str> =
            text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("alert: ")).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let output = folder.path().join(all.to_string());
            let output = output.to_string_lossy().into_owned();
            let made =
                firedrill(folder.path(), &["new", "replay", "--alert", name.trim(), "--rules", &path, "-o", &output]);
            all += 1;
            passed += usize::from(made.status.code() == Some(0));
        }
    }
    let floor = common::floor("new_replay");
    assert!(passed >= floor, "{passed} of {all} pass, fewer than {floor}");
}
