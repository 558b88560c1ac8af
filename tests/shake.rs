//! `firedrill test --shake`: what flips a verdict, what a replay accepts, and what it exits with.

#[path = "common/program.rs"]
mod program;

use program::{firedrill, root, stdout};
use serde_json::Value;

/// Errors at `rate` for ten minutes (600 s), of which the alert takes notice above 1/s.
fn replay(rate: &str, origin: &str, more: &str) -> String {
    // A window of 300 s has more than 300 of them after 167 s at 1.8/s, after 75 s at 4/s.
    let fires = if rate == "1.8/s" { "00:13:00" } else { "00:12:00" };
    format!(
        r#"firedrill: replay/1
title: t
start: 2025-01-01T00:00:00Z
end: 2025-01-01T01:00:00Z
rules: [rules.yaml]
targets: {{a: {{labels: {{job: a}}, scrape: 15s}}}}
spans: {{bad: {{from: "00:10:00", to: "00:20:00", source: "doc"}}}}
metrics:
  - {{series: errors_total, counter: {{bad: {{value: {rate}, {origin}}}}}, source: "doc"}}
  - {{series: connected, gauge: 1, source: "doc"}}
expect: {{alerts: [{{Errors: {{fires: {{at: "{fires}"}}, times: 1}}}}], others: silent}}
{more}
"#
    )
}

const RULES: &str = r#"
groups:
  - name: g
    rules:
      - {alert: Errors, expr: 'rate(errors_total[5m]) > 1'}
      - {alert: Down, expr: 'absent(connected)', for: 30s}
"#;

/// The report for machines of a shaken replay, what went to standard error, and the exit code.
fn shaken(replay: &str) -> (Value, String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), RULES).unwrap();
    std::fs::write(folder.path().join("replay.yaml"), replay).unwrap();
    let output = firedrill(folder.path(), &["test", "replay.yaml", "--shake", "--format", "json"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_str(&stdout(&output)).unwrap_or_default();
    (report, errors, output.status.code())
}

/// The shakes that flip, each with what does not hold and the reason for which it is accepted.
fn flips<'r>(report: &'r Value) -> Vec<(&'r str, &'r str, Option<&'r str>)> {
    let flips = report["shaken"][0]["flips"].as_array().expect("flips");
    let text = |value: &'r Value| value.as_str().expect("a text");
    flips
        .iter()
        .map(|flip| (text(&flip["shake"]), text(&flip["verdicts"][0]["text"]), flip["accepted"].as_str()))
        .collect()
}

#[test]
fn a_figure_on_which_a_verdict_hangs_fails_unless_it_is_accepted() {
    // Half of 1.8/s is less than the threshold; in a window that is full.
    let text = replay("1.8/s", "assumed: guess", "");
    let (report, _, code) = shaken(&text);
    let halved = "metrics.errors_total.counter.bad (1.8/s) halved";
    assert_eq!(flips(&report), [(halved, "Errors never fired", None)]);
    assert_eq!((code, &report["shaken"][0]["holds"]), (Some(1), &Value::Bool(false)));

    let accept = "shake: {accept: {metrics.errors_total: so it was}}";
    let (report, errors, code) = shaken(&replay("1.8/s", "assumed: guess", accept));
    assert_eq!(flips(&report), [(halved, "Errors never fired", Some("so it was"))]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
}

#[test]
fn a_documented_figure_is_moved_only_between_what_it_says() {
    let (report, _, code) = shaken(&replay("1.8/s", "source: doc", ""));
    assert_eq!((flips(&report).len(), code), (0, Some(0)));
    let (report, _, code) = shaken(&replay("1.8/s", "between: [1.5/s, 3/s], source: doc", ""));
    assert_eq!((flips(&report).len(), code), (0, Some(0)));
    let (report, _, code) = shaken(&replay("1.8/s", "between: [0.5/s, 3/s], source: doc", ""));
    let low = "metrics.errors_total.counter.bad 0.5/s instead of 1.8/s";
    assert_eq!((flips(&report), code), (vec![(low, "Errors never fired", None)], Some(1)));
}

#[test]
fn a_scrape_that_fails_may_flip_a_verdict_too() {
    let text = replay("4/s", "source: doc", "");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), RULES.replace(", for: 30s", "")).unwrap();
    std::fs::write(folder.path().join("replay.yaml"), text).unwrap();
    let output = firedrill(folder.path(), &["test", "--shake", "replay.yaml"]);
    let text = stdout(&output);
    let flip = text.lines().find(|line| line.ends_with("/day, a scrape missed as an alert fires"));
    assert!(flip.is_some_and(|flip| flip.starts_with("replay.yaml:6:11  FLIPS ")), "{text}");
    assert!(text.contains("Down fired, and nobody expected it"), "{text}");
    assert!(text.ends_with("1 drill shaken 11 times: 0 hold, 1 do not\n"), "{text}");
}

#[test]
fn what_is_accepted_has_to_be_there_and_to_be_needed() {
    let (_, errors, code) = shaken(&replay("4/s", "assumed: guess", "shake: {accept: {metrics.errors: x}}"));
    assert_eq!(code, Some(2));
    assert!(errors.contains("nothing loose is called `metrics.errors`"), "{errors}");
    let (_, errors, code) = shaken(&replay("4/s", "assumed: guess", "shake: {accept: {missed scrapes: x}}"));
    assert_eq!(code, Some(0));
    assert!(errors.contains("no verdict hangs on `missed scrapes`, which is accepted"), "{errors}");
}

#[test]
fn a_drill_that_falls_short_as_it_is_is_not_shaken_and_that_is_told() {
    let text =
        replay("0.5/s", "source: doc", "variants: {other: {set: {metrics.errors_total.counter.bad.value: 4/s}}}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), RULES).unwrap();
    std::fs::write(folder.path().join("replay.yaml"), text).unwrap();
    let output = firedrill(folder.path(), &["test", "--shake", "replay.yaml"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("/other  11 of 11 shakes hold"), "{text}");
    assert!(text.contains("/day    not shaken: it fails\n"), "{text}");
    assert!(text.ends_with("1 drill shaken 11 times: 1 hold; 1 not shaken\n"), "{text}");
    let output = firedrill(folder.path(), &["test", "--shake", "replay.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(
        (report["unshaken"].as_array().map(Vec::len), &report["unshaken"][0]["verdict"]),
        (Some(1), &"fail".into())
    );
}

/// The two incidents that are quick without optimisation; `.ci/run` shakes all five.
#[test]
fn incidents_hold_or_say_what_they_hang_on_and_come_out_alike_on_any_number_of_threads() {
    let shaken = |jobs: &str| {
        let paths = ["incidents/vmagent-remote-write", "incidents/cilium-envoy-connect-failures"];
        let output = firedrill(&root(), &["test", "--shake", paths[0], paths[1], "--jobs", jobs]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = stdout(&output);
        assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{text}");
        // The line that says how long it took.
        text.lines().filter(|line| !line.contains(" evaluations, ")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shaken("1"), shaken("2"));
}
