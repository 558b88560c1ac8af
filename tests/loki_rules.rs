//! Loki's rules in drills, by the binary. Expected values: arithmetic on the lines that the replays write, by what Loki does (a window
//! holds its end and not its start).

mod common;
#[path = "common/program.rs"]
mod program;

use std::fs;

use program::{firedrill, told};
use tempfile::TempDir;

/// A line every 10 s, the first one at 12:20:00, the last one at 12:39:50; another stream writes all day.
const REPLAY: &str = r#"firedrill: replay/1
title: The shop fails
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [rules.yaml]
interval: 15s
loki: {remote_write: false}
external_labels: {cluster: home}
targets:
  app: {labels: {job: app}, scrape: 30s}
spans:
  broken: {from: "12:20:00", to: "12:40:00", source: "timeline"}
events:
  failed: {every: {interval: 10s, within: broken}}
  usual: {every: {interval: 30s}}
logs:
  - {stream: {app: shop, env: prod}, event: failed, line: "level=error took=${n}ms msg=\"no ${n}\"", source: "log"}
  - {stream: {app: shop, env: prod}, event: usual, line: "level=info took=5ms msg=ok", assumed: "as always"}
  - {stream: {app: db, env: prod}, event: usual, line: "all is well", assumed: "as always"}
expect:
  alerts:
EXPECT
"#;

const ERRORS: &str = r#"sum by (app) (count_over_time({app="shop"} |= "level=error" [5m]))"#;

fn folder(replay: &str, rules: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("replay.yaml"), replay).expect("a file");
    fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
    folder
}

/// One group with one rule, which is written without its list item.
fn group(name: &str, rule: &str) -> String {
    let mut lines = rule.lines();
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.map(|line| format!("      {line}\n")).collect();
    format!("  - name: {name}\n    rules:\n    - {first}\n{rest}")
}

fn alert(name: &str, expr: &str, more: &str) -> String {
    group(name, &format!("alert: {name}\nexpr: |\n  {expr}\n{more}"))
}

/// Tests a day with these rules and expectations (lines below `alerts`, without indent).
fn drill(rules: &[String], expect: &str, change: (&str, &str)) -> (i32, String) {
    let expect: String = expect.lines().map(|line| format!("    {line}\n")).collect();
    let replay = REPLAY.replace("EXPECT\n", &expect).replace(change.0, change.1);
    let folder = folder(&replay, &format!("groups:\n{}", rules.concat()));
    let output = firedrill(folder.path(), &["test", "replay.yaml"]);
    (output.status.code().unwrap_or(-1), told(&output))
}

fn passes(rules: &[String], expect: &str) {
    let (code, text) = drill(rules, expect, ("", ""));
    assert_eq!(code, 0, "{text}");
}

fn fails(rules: &[String], expect: &str, says: &[&str]) {
    let (code, text) = drill(rules, expect, ("", ""));
    assert_eq!(code, 1, "{text}");
    for say in says {
        assert!(text.contains(say), "{say}\n{text}");
    }
}

/// 1 line at 12:20, 7 at 12:21, 13 at 12:22; 11 at 12:43, 5 at 12:44.
#[test]
fn an_alert_lives_by_the_ticks_of_loki() {
    let rules = [alert("Errors", &format!("{ERRORS} > 10"), "for: 2m")];
    // With ticks every 15s, which are those of Prometheus, it would be active at 12:21:45.
    passes(
        &rules,
        "- Errors{app=\"shop\"}: {active: {at: \"12:22:00\"}, fires: {at: \"12:24:00\"}, resolves: {at: \"12:44:00\"}, times: 1}",
    );
    let own =
        ["  - name: own\n    interval: 15s\n    rules: [{alert: Errors, expr: 'EXPR > 10'}]\n".replace("EXPR", ERRORS)];
    passes(&own, "- Errors: {fires: {at: \"12:21:45\"}}");
    // 8 lines at 12:43:30.
    let (code, text) =
        drill(&rules, "- Errors: {resolves: {at: \"12:43:30\"}}", ("remote_write: false", "interval: 30s"));
    assert_eq!(code, 0, "{text}");
    let kept = [alert("Errors", &format!("{ERRORS} > 10"), "keep_firing_for: 5m")];
    passes(&kept, "- Errors: {fires: {at: \"12:22:00\"}, resolves: {at: \"12:49:00\"}, times: 1}");
}

#[test]
fn templates_ask_loki_and_know_labels() {
    let more = "labels: {severity: page, who: '{{ $labels.app }}-{{ $externalLabels.cluster }}'}\nannotations: {n: '{{ $value }} of {{ with query \"sum(count_over_time({app=\\\"shop\\\"}[1m]))\" }}{{ . | first | value }}{{ end }}'}";
    let rules = [alert("Errors", &format!("{ERRORS} > 10"), more)];
    // Six errors and two usual lines in the minute up to 12:22.
    let expect = "- Errors: {firing: {\"12:22:00\": [{labels: {alertname: Errors, app: shop, severity: page, who: shop-home}, annotations: {n: 13 of 8}}]}}";
    passes(&rules, expect);
}

#[test]
fn what_loki_records_is_read_by_promql_only_where_it_is_remote_written() {
    let recorded = group("recorded", &format!("record: app:errors:count5m\nexpr: {ERRORS}"));
    let later = alert("Later", "app:errors:count5m > 10", "");
    let earlier = alert("Earlier", "app:errors:count5m > 10", "");
    let state = alert("State", "ALERTS{alertname=\"Errors\", alertstate=\"firing\"} == 1", "");
    let errors = alert("Errors", &format!("{ERRORS} > 10"), "");
    let rules = [earlier.clone(), recorded.clone(), later.clone(), errors, state];
    let expect = "- Later: {fires: {at: \"12:22:00\"}}\n- Earlier: {fires: {at: \"12:22:15\"}}\n- State: {fires: {at: \"12:22:00\"}}";
    let (code, text) = drill(&rules, expect, ("remote_write: false", "remote_write: true"));
    assert_eq!(code, 0, "{text}");
    let (code, text) = drill(&[recorded, later], "- Later: {fires: {at: \"12:22:00\"}}", ("", ""));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("BLIND") && text.contains("a rule of Loki records it, and does not remote-write it"),
        "{text}"
    );
}

#[test]
fn loki_never_reads_what_rules_record() {
    let recorded = group("recorded", "record: app\nexpr: sum(count_over_time({app=\"shop\"} |= \"x\" [5m]))");
    let reads = alert("Reads", "count_over_time({__name__=\"app\"} |= \"\" [5m]) > 0", "");
    let (code, text) = drill(&[recorded, reads], "- Reads: never", ("remote_write: false", "remote_write: true"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("no stream with lines matches {__name__=\"app\"}"), "{text}");
}

#[test]
fn what_no_rule_can_write_is_not_waited_for() {
    let recorded = group("recorded", "record: job:up:sum\nexpr: sum by (job) (up)\n");
    let other = alert("Other", "up == 0", "");
    let blind = |expr: &str, says: &str| {
        let rules = [alert("Silent", expr, ""), recorded.clone(), other.clone()];
        let (code, text) = drill(&rules, "- Silent: never", ("", ""));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("BLIND") && text.contains(says), "{says}\n{text}");
    };
    blind("job:up:sum{job=\"ap\"} < 1", "no series of this day matches job:up:sum{job=\"ap\"}");
    blind("job:up:sum{app=\"shop\"} > 1", "no series of this day matches job:up:sum{app=\"shop\"}");
    // Read as PromQL, for nothing in its group is LogQL only; neither `Other` nor what is recorded carries the label.
    blind("sum(rate({app=\"shop\"}[5m])) > 1", "if the rule is one of Loki, `languages` in firedrill.yaml says so");
    blind("ALERTS{alertname=\"Other\", job=\"ap\"} > 0", "no series of this day matches ALERTS");
    let waits = |expr: &str| {
        passes(&[alert("Silent", expr, ""), recorded.clone(), other.clone()], "- Silent: never");
    };
    waits("job:up:sum{job=\"app\"} < 1");
    waits("ALERTS{alertname=\"Other\", job=\"app\"} > 0");
    waits("ALERTS{alertname=\"Other\", alertstate=\"firing\"} > 0");
}

#[test]
fn silence_of_a_stream_that_is_not_there_is_blind() {
    let blind = |expr: &str, says: &str| {
        let rules = [alert("Silent", expr, "")];
        let (code, text) = drill(&rules, "- Silent: never", ("", ""));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("BLIND") && text.contains(says), "{says}\n{text}");
    };
    let near = "no stream with lines matches {app=\"shop\", env=\"test\"}; there is {app=\"shop\", env=\"prod\"}";
    blind("sum(rate({app=\"shop\", env=\"test\"} |= \"error\" [5m])) > 0", near);
    blind("sum_over_time({app=\"shop\"} | logfmt | unwrap size [5m]) > 0", "has a number in `size`");
    // Usual lines come at whole and half minutes.
    blind("rate({app=\"db\"} |= \"x\" [10s] offset 10s) > 0", "in a window of 10s at any evaluation");
    blind("count_over_time({app=\"db\"} | json [5m]) > 0 and count_over_time({app=\"db\"} | json [5m]) < 5", "Silent");
    // A constant in the place of series is no evidence, in either language.
    let near = "no stream with lines matches {app=\"shpo\"}";
    blind("(sum(rate({app=\"shpo\"} |= \"x\" [5m])) or vector(0)) > 100", near);
    blind("vector(0) > 100 or sum(rate({app=\"shpo\"} |= \"x\" [5m])) > 100", near);
    blind(
        "sum by (app) (sum_over_time({app=\"shop\"} | logfmt | unwrap size [5m])) or vector(0) > 5",
        "number in `size`",
    );
    blind("(sum(rate(gone[5m])) or vector(0)) > 5", "no series of this day matches gone");
    blind("(sum(rate(up[10s])) or vector(0)) > 5", "a window of 10s holds fewer than two samples");
    blind("(sum(up offset 3h) or vector(0)) > 5", "Silent has no value at any tick but for its constant");
    let heard = |expr: &str| passes(&[alert("Silent", expr, "")], "- Silent: never");
    heard("(sum(rate({app=\"shop\"} |= \"ok\" [5m])) or vector(0)) > 100");
    heard("(sum(rate(up[5m])) or vector(0)) > 5");
    heard("vector(1) > 5");
    heard("absent(up) or vector(0) > 5");
    heard("sum(rate({app=\"shop\"} |= \"nowhere\" [5m])) > 0");
    heard("sum by (level) (count_over_time({app=\"shop\"} | logfmt | took > 1h [5m])) > 0");
    heard("sum(rate({app=\"shop\"} |= \"ok\" [5m])) > 100");
    heard("absent_over_time({app=\"shop\"}[5m]) and absent_over_time({app=\"gone\"}[5m])");
}

#[test]
fn a_line_that_cannot_be_parsed_fails_the_rule_at_that_tick() {
    let rules = [alert("Broken", "sum by (level) (count_over_time({app=\"db\"} | json [5m])) > 1", "")];
    fails(
        &rules,
        "- Broken: {fires: never, blind: why}",
        &["Broken failed at 12:00:00", "pipeline error: 'JSONParserErr'", "more ticks"],
    );
}

#[test]
fn limits_and_twins_are_refused_as_in_prometheus() {
    let limited = "  - name: g\n    limit: 1\n    rules: [{alert: Many, expr: 'sum by (app) (count_over_time({env=\"prod\"} |~ \".\" [5m])) > 0'}]\n";
    fails(&[limited.to_owned()], "- Many: {fires: never, blind: x}", &["exceeded limit of 1 with 2 alerts"]);
    let twins = "label_replace(sum by (app) (count_over_time({env=\"prod\"} |~ \".\" [5m])), \"app\", \"x\", \"app\", \".*\") > 0";
    fails(
        &[alert("Twins", twins, "")],
        "- Twins: {fires: never, blind: x}",
        &["same labelset after applying alert labels"],
    );
}

#[test]
fn failures_are_explained_and_verdicts_have_margins() {
    let rules = [alert("Errors", &format!("{ERRORS} > 40"), "")];
    let expect = "- Errors: {fires: {within: 10m, after: broken.from}}";
    // 30 lines in five minutes.
    fails(&rules, expect, &["came no nearer than 30 (at 12:25:00)", "`> 40` holds at no tick", "  rests on 1 assumed"]);
    let replay = REPLAY.replace("EXPECT\n", "    - Errors: {fires: {within: 10m, after: broken.from}}\n");
    let folder = folder(&replay, &format!("groups:\n{}", alert("Errors", &format!("{ERRORS} > 10"), "for: 2m")));
    let shaken = firedrill(folder.path(), &["test", "--shake", "replay.yaml"]);
    assert_eq!(shaken.status.code(), Some(0), "{}", told(&shaken));
    let shown = firedrill(folder.path(), &["show", "replay.yaml", "--at", "12:30"]);
    let text = told(&shown);
    assert!(text.contains("Errors") && text.contains("value 30"), "{text}");
}

#[test]
fn one_file_may_hold_both_languages_in_groups_of_their_own() {
    let promql = alert("Prom", "up == 1", "");
    let loki = alert("Errors", &format!("{ERRORS} > 10"), "");
    // `rate({app="db"}[5m])` is both: beside rules of Loki it is Loki's.
    let both = alert("Both", "sum(rate({app=\"db\"}[5m])) > 0.01", "");
    let expect = "- Prom: {fires: {within: 1m, after: start}}\n- Errors: {fires: {at: \"12:22:00\"}}\n- Both: {fires: {within: 2m, after: start}}";
    passes(&[promql.clone(), loki.clone(), both], expect);
    // Alone in its file it is PromQL.
    let (code, text) = drill(&[alert("Both", "sum(rate({app=\"db\"}[5m])) > 0.01", "")], "- Both: never", ("", ""));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("if the rule is one of Loki, `languages` in firedrill.yaml says so"), "{text}");
    let mixed = "  - name: m\n    rules:\n    - {alert: A, expr: 'rate({app=\"db\"} |= \"x\" [5m]) > 1'}\n    - {alert: B, expr: up == 0}\n";
    let (code, text) = drill(&[mixed.to_owned()], "- A: never", ("", ""));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("a rule in PromQL in a group of LogQL") && text.contains("rules.yaml:5:24"), "{text}");
}

#[test]
fn a_stage_that_matches_no_line_of_any_day_is_warned_of() {
    let warned = |stages: &str| {
        let rules = [alert("Silent", &format!("sum(count_over_time({{app=\"shop\"}} {stages} [5m])) > 0"), "")];
        let variants = ("expect:\n", "variants:\n  control: {without: [broken]}\nexpect:\n");
        let (code, text) = drill(&rules, "- Silent: never", variants);
        assert_eq!(code, 0, "{text}");
        text
    };
    let text = warned("| regexp \"level=(?P<l>\\\\d+)\" | l=\"5\"");
    let told = "warning: this `regexp` makes `l` of no line that comes here, such as: level=info took=5ms msg=ok";
    assert!(text.contains(told) && text.contains("rules.yaml:6:42"), "{text}");
    assert_eq!(text.matches("warning").count(), 1, "{text}");
    assert!(warned("| logfmt l=\"lvl\" | l=\"error\"").contains("this `logfmt` makes `l` of no line"));
    assert!(
        warned("| logfmt | label_format l=lvl | l=\"error\"").contains("no line that comes here has the label `lvl`")
    );
    // Only the day on which it is broken has such lines, or no line comes there.
    assert!(!warned("| regexp \"level=error (?P<l>.+)\" | l=\"nothing\"").contains("warning"));
    assert!(!warned("|= \"nowhere\" | regexp \"level=(?P<l>\\\\d+)\" | l=\"5\"").contains("warning"));
}

#[test]
fn what_a_strict_run_fails_for_is_in_every_report() {
    let rule = alert("Silent", "sum(count_over_time({app=\"shop\"} | logfmt | levl=\"error\" [5m])) > 0", "");
    let folder = folder(&REPLAY.replace("EXPECT", "    - Silent: never"), &format!("groups:\n{rule}"));
    let run = |args: &[&str]| {
        let output = firedrill(folder.path(), &[&["test", "replay.yaml", "--junit", "out.xml"], args].concat());
        let xml = fs::read_to_string(folder.path().join("out.xml")).expect("a report");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), xml)
    };
    let (code, out, xml) = run(&["--strict"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("1 drill: 1 passed") && out.ends_with("\nFAILED for 1 warning (--strict): rules.yaml:6:51\n"),
        "{out}"
    );
    assert!(xml.contains("failures=\"1\"") && xml.contains("type=\"strict\"") && xml.contains("label `levl`"), "{xml}");
    let (code, out, _) = run(&["--strict", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, Some(1), "{out}");
    assert_eq!(report["held_against"], report["log_traps"]);
    assert_eq!(report["held_against"][0]["place"]["line"], 6, "{out}");
    // Otherwise it is a warning, and nothing fails.
    let (code, out, xml) = run(&[]);
    assert!(code == Some(0) && !out.contains("FAILED") && xml.contains("failures=\"0\""), "{out}{xml}");
    let (code, out, _) = run(&["--format", "json"]);
    assert!(code == Some(0) && !out.contains("held_against"), "{out}");
}
