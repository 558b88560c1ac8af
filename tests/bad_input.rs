//! Bad input for the real binary: exit code 2, the place, what is wrong, what to write instead, and never a panic.

#[path = "common/program.rs"]
mod program;

use std::fs;

use program::firedrill;
use tempfile::TempDir;

const REPLAY: &str = r#"firedrill: replay/1
title: The API fails
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [rules.yaml]
targets:
  api: {labels: {job: api, instance: "a:1"}, scrape: 30s}
spans:
  broken: {from: "12:20:00", to: "12:40:00", source: "timeline"}
events:
  failed: {every: {interval: 10s, within: broken}, source: "log"}
metrics:
  - {series: errors_total, target: api, counter: {else: 0/s, broken: 5/s}, source: "log"}
  - {series: failures_total, target: api, count: failed, source: "log"}
expect:
  alerts:
    - ApiErrors: {fires: {within: 10m, after: broken.from}, times: 1}
  others: silent
variants:
  control: {without: [broken, failed], expect: {others: silent}}
"#;

const RULES: &str = "groups:
  - name: api
    rules:
      - alert: ApiErrors
        expr: rate(errors_total[5m]) > 1
        for: 5m
        labels: {severity: page}
";

const EXPR: &str = "rate(errors_total[5m]) > 1";

fn write(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), text).expect("a file");
}

/// A folder with a replay and its rules.
fn folder(replay: impl AsRef<[u8]>, rules: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder, "replay.yaml", replay);
    write(&folder, "rules.yaml", rules);
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the binary on input that it has to refuse, and returns what it says.
#[track_caller]
fn refused(folder: &TempDir, args: &[&str], parts: &[&str]) -> String {
    let output = firedrill(folder.path(), args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}{}", text(&output.stdout));
    assert!(output.stdout.is_empty(), "{args:?} prints a result: {}", text(&output.stdout));
    for part in parts {
        assert!(said.contains(part), "{args:?} does not say {part:?}:\n{said}");
    }
    assert!(!said.contains("--> ./") && !said.contains(&*folder.path().to_string_lossy()), "a long path:\n{said}");
    said
}

/// Replaces `from` in the replay, and runs all three verbs on it.
#[track_caller]
fn bad_replay(from: &str, to: &str, parts: &[&str]) {
    assert!(REPLAY.contains(from), "the replay does not contain {from:?}");
    let folder = folder(REPLAY.replacen(from, to, 1), RULES);
    everywhere(&folder, parts);
}

#[track_caller]
fn bad_rules(from: &str, to: &str, parts: &[&str]) {
    assert!(RULES.contains(from), "the rules do not contain {from:?}");
    let folder = folder(REPLAY, RULES.replacen(from, to, 1));
    everywhere(&folder, parts);
}

#[track_caller]
fn everywhere(folder: &TempDir, parts: &[&str]) {
    for args in [&["test"][..], &["show", "replay.yaml"], &["query", "up", "--replay", "replay.yaml"]] {
        let said = refused(folder, args, parts);
        assert_eq!(said.matches("error: ").count(), 1, "one problem, said once:\n{said}");
    }
}

#[test]
fn the_replay_of_these_tests_passes() {
    let output = firedrill(folder(REPLAY, RULES).path(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn names_that_nothing_has_are_refused_with_the_one_that_was_meant() {
    bad_replay("broken: 5/s", "brokn: 5/s", &["replay.yaml:13:", "unknown span `brokn`", "did you mean `broken`?"]);
    bad_replay("within: broken", "within: brokn", &["replay.yaml:11:43", "`brokn`", "did you mean `broken`?"]);
    bad_replay(
        "after: broken.from",
        "after: broken.form",
        &["replay.yaml:17:", "unknown mark `broken.form`", "broken.to"],
    );
    bad_replay("after: broken.from", "after: bronek.from", &["replay.yaml:17:", "`bronek`", "did you mean `broken`?"]);
    bad_replay("target: api, count:", "target: apo, count:", &["replay.yaml:14:38", "unknown target `apo`", "`api`"]);
    bad_replay("count: failed", "count: faild", &["replay.yaml:14:50", "unknown event `faild`", "`failed`"]);
}

#[test]
fn an_alert_that_no_rule_has_is_refused() {
    let folder = folder(REPLAY.replace("- ApiErrors:", "- ApiError:"), RULES);
    let parts = ["--> replay.yaml:17:7", "no rule has the alert `ApiError`", "did you mean `ApiErrors`?", "^^^^^^^^"];
    let said = refused(&folder, &["test"], &parts);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}

#[test]
fn two_generators_for_one_series_are_refused() {
    bad_replay(
        "series: failures_total",
        "series: errors_total",
        &["replay.yaml:14:14", "two generators for the series errors_total{", "line 13", "keep one"],
    );
    bad_replay("series: failures_total", "series: up", &["replay.yaml:14:14", "two generators for the series up{"]);
}

#[test]
fn figures_that_cannot_be_are_refused() {
    bad_replay("broken: 5/s", "broken: -5/s", &["replay.yaml:13:", "negative", "a counter only grows"]);
    bad_replay("scrape: 30s", "scrape: 0s", &["replay.yaml:7:", "above 0s"]);
    bad_replay("scrape: 30s", "scrape: soon", &["replay.yaml:7:"]);
}

#[test]
fn times_outside_of_the_replay_or_written_as_numbers_are_refused() {
    bad_replay(
        "\"12:20:00\"",
        "\"11:20:00\"",
        &["replay.yaml:9:18", "outside of the replay", "from 2026-01-10T12:00:00Z"],
    );
    bad_replay("\"12:20:00\"", "15:42", &["replay.yaml:9:18", "a time written as a number", "\"15:42\" in quotes"]);
    bad_replay("\"12:20:00\"", "56520", &["replay.yaml:9:18", "a time written as a number", "in quotes"]);
    bad_replay("end: 2026-01-10T13", "end: 2026-01-10T11", &["replay.yaml:4:6", "ends before it begins"]);
    bad_replay("start: 2026-01-10T12:00:00Z", "start: yesterday", &["replay.yaml:3:8", "`yesterday`", "RFC 3339"]);
}

#[test]
fn a_billion_samples_are_refused_before_one_is_made() {
    let huge = REPLAY.replace("scrape: 30s", "scrape: 1ms").replace("end: 2026-01-10T13", "end: 2026-01-18T13");
    let huge = huge.replace("\"12:", "\"2026-01-10T12:").replace(":00\"", ":00Z\"");
    everywhere(&folder(huge, RULES), &["--> replay.yaml:", "samples", "--max-samples"]);
    let small = folder(REPLAY, RULES);
    refused(&small, &["test", "--max-samples", "10"], &["more than the 10 that are allowed"]);
    refused(&small, &["show", ".", "--max-samples", "10"], &["more than the 10 that are allowed"]);
    refused(&small, &["query", "up", "--replay", ".", "--max-samples", "10"], &["more than the 10 that are allowed"]);
    write(&small, "firedrill.yaml", "limits: {max_samples: 10}\n");
    refused(&small, &["test"], &["more than the 10 that are allowed"]);
    assert_eq!(firedrill(small.path(), &["test", "--max-samples", "1000"]).status.code(), Some(0));
}

#[test]
fn a_range_of_more_steps_than_prometheus_answers_is_refused() {
    let small = folder(REPLAY, RULES);
    let range = |step: &str, code: i32| {
        let args = ["query", "up", "--replay", ".", "--from", "12:00", "--to", "12:55", "--step", step];
        assert_eq!(firedrill(small.path(), &args).status.code(), Some(code), "{step}");
        args.map(str::to_owned)
    };
    range("300ms", 0);
    let args = range("299ms", 2);
    refused(&small, &args.each_ref().map(String::as_str), &["11037 steps are more than the 11001", "a larger --step"]);
    let asked =
        "expect:\n  queries:\n    - {promql: up, from: \"12:00\", to: \"12:55\", step: 299ms, selects: something}";
    bad_replay("expect:", asked, &["replay.yaml:", "11037 steps are more than the 11001", "a larger `step`"]);
}

#[test]
fn yaml_that_explodes_or_nests_is_refused() {
    let mut bomb = String::from("x0: &x0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*x{}", level - 1);
        bomb.push_str(&format!("x{level}: &x{level} [{}]\n", [alias.as_str(); 10].join(", ")));
    }
    let parts = ["repeat too many values", "repeat less through anchors"];
    everywhere(&folder(format!("{REPLAY}{bomb}"), RULES), &[&parts[..], &["--> replay.yaml:"]].concat());
    everywhere(&folder(REPLAY, format!("{RULES}{bomb}")), &[&parts[..], &["--> rules.yaml:"]].concat());
    let deep = format!("x: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    everywhere(&folder(REPLAY, format!("{RULES}{deep}")), &["--> rules.yaml:8:"]);
}

#[test]
fn tabs_and_bytes_that_are_no_text_have_a_place_and_a_byte_order_mark_is_fine() {
    bad_replay("  broken: {", "\tbroken: {", &["replay.yaml:9:1", "tabs", "indent with spaces"]);
    bad_rules("      - alert", "\t- alert", &["rules.yaml:4:1", "tabs", "indent with spaces"]);
    let latin1 = |text: &str, word: &str| {
        let at = text.find(word).expect(word) + 1;
        [&text.as_bytes()[..at], b"\xe9", &text.as_bytes()[at..]].concat()
    };
    let utf8 = ["byte 0xe9 is not valid UTF-8", "save the file as UTF-8"];
    everywhere(&folder(latin1(REPLAY, "The API"), RULES), &[&utf8[..], &["replay.yaml:2:9"]].concat());
    everywhere(&folder(REPLAY, latin1(RULES, "severity")), &[&utf8[..], &["rules.yaml:7:19"]].concat());
    let config = folder(REPLAY, RULES);
    write(&config, "firedrill.yaml", b"paths: [caf\xe9]\n");
    everywhere(&config, &[&utf8[..], &["firedrill.yaml:1:12"]].concat());

    let marked = folder(format!("\u{feff}{REPLAY}"), format!("\u{feff}{RULES}"));
    write(&marked, "firedrill.yaml", "\u{feff}paths: [.]\n");
    let output = firedrill(marked.path(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn unknown_fields_are_refused_with_the_one_that_was_meant() {
    bad_replay(
        "source: \"timeline\"",
        "sorce: \"timeline\"",
        &["replay.yaml:9:46", "`sorce`", "did you mean `source`?"],
    );
    bad_replay("targets:", "target:", &["replay.yaml:6:1", "unknown field `target`", "did you mean `targets`?"]);
    bad_rules("for: 5m", "fro: 5m", &["rules.yaml:6:9", "unknown field `fro` in a rule", "did you mean `for`?"]);
    let config = folder(REPLAY, RULES);
    write(&config, "firedrill.yaml", "path: [.]\n");
    everywhere(&config, &["firedrill.yaml:1:1", "unknown field `path`", "did you mean `paths`?"]);
}

#[test]
fn an_expression_nested_too_deep_is_refused_and_a_long_chain_is_not() {
    for (open, close) in [("(", ")"), ("-", ""), ("abs(", ")")] {
        let deep = format!("{}up{}", open.repeat(100_000), close.repeat(if close.is_empty() { 0 } else { 100_000 }));
        bad_rules(EXPR, &format!("\"{deep}\""), &["rules.yaml:5:", "nested more than", "recording rules"]);
        if deep.len() < 128_000 {
            let said = refused(&folder(REPLAY, RULES), &["query", &deep, "--replay", "."], &["<expr>:1:", "nested"]);
            assert!(said.len() < 1000, "{said}");
        }
    }
    let chain = format!("{EXPR}{}", " or absent_metric".repeat(1500));
    let folder = folder(REPLAY, RULES.replace(EXPR, &chain));
    let output = firedrill(folder.path(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let sum = format!("1{}", " + 1".repeat(1500));
    let output = firedrill(folder.path(), &["query", &sum, "--replay", "."]);
    assert!(text(&output.stdout).contains("1501"), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_file_above_the_limit_is_refused_at_once() {
    let folder = folder(REPLAY, RULES);
    let file = fs::File::options().write(true).open(folder.path().join("rules.yaml")).expect("the rules");
    file.set_len(500_000_000).expect("a sparse file");
    everywhere(&folder, &["--> replay.yaml:5:9", "rules.yaml is larger than 128 MiB", "raise `max_file_bytes`"]);
    file.set_len(RULES.len() as u64).expect("a shorter file");
    write(&folder, "firedrill.yaml", "limits: {max_file_bytes: 100}\n");
    everywhere(&folder, &["replay.yaml is larger than 100 bytes", "`limits` in firedrill.yaml"]);
    write(&folder, "firedrill.yaml", "limits: {max_file_bytes: 2000}\n");
    let output = firedrill(folder.path(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn rule_files_that_are_not_there_are_shown_where_the_replay_names_them() {
    bad_replay(
        "[rules.yaml]",
        "[none.yaml]",
        &["--> replay.yaml:5:9", "cannot read none.yaml: no such file", "help: "],
    );
    bad_replay("[rules.yaml]", "[.]", &["--> replay.yaml:5:9", "is a folder, not a file", "help: "]);
}

#[test]
fn a_broken_rule_file_is_reported_once_however_many_replays_name_it() {
    let folder = folder(REPLAY, RULES.replace(EXPR, "rate(errors_total) > 1"));
    write(&folder, "second.yaml", REPLAY);
    write(&folder, "third.yaml", REPLAY);
    let said = refused(&folder, &["test"], &["--> rules.yaml:5:20", "^^^^^^^^^^^^", "help: add a range"]);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}

#[test]
fn paths_that_hold_no_replay_are_refused() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    refused(&empty, &["test"], &["no replay and no unit test file found in .", "firedrill: replay/1"]);
    for args in [&["test", "gone"][..], &["show", "gone"], &["query", "up", "--replay", "gone"]] {
        refused(&empty, args, &["cannot read gone: no such file", "name a replay"]);
    }
    let folder = folder(REPLAY, RULES);
    refused(&folder, &["test", "rules.yaml"], &["rules.yaml is neither a replay nor a unit test file"]);
    refused(&folder, &["show", "rules.yaml"], &["rules.yaml is neither a replay nor a unit test file"]);
    write(&folder, "second.yaml", REPLAY);
    refused(&folder, &["show", "."], &["holds 2 replays", "replay.yaml, second.yaml"]);
    write(&folder, "firedrill.yaml", "paths:\n  - gone\n");
    refused(&folder, &["test"], &["firedrill.yaml:2:5", "no file or folder gone", "help: "]);
}

#[test]
fn arguments_that_the_replay_does_not_know_are_refused() {
    let folder = folder(REPLAY, RULES);
    for verb in [&["show", "."][..], &["query", "up", "--replay", "."]] {
        let with = |more: [&'static str; 2]| [verb, &more[..]].concat();
        refused(&folder, &with(["--at", "18:00"]), &["outside of the replay", "2026-01-10T13:00:00Z"]);
        refused(&folder, &with(["--at", "brokn.from"]), &["`brokn`", "did you mean `broken`?"]);
        refused(&folder, &with(["--variant", "contrl"]), &["`contrl`", "control"]);
    }
    refused(&folder, &["query", "rate(up)", "--replay", "."], &["<expr>:1:6", "add a range"]);
    refused(
        &folder,
        &["test", "--run", "nothing"],
        &["--run", "replay/day"].map(|part| part.trim_start_matches("replay")),
    );
}

#[test]
fn reports_that_cannot_be_written_leave_nothing_behind() {
    let folder = folder(REPLAY, RULES);
    refused(&folder, &["test", "--junit", "gone/report.xml"], &["cannot write gone/report.xml"]);
    fs::create_dir(folder.path().join("taken")).expect("a folder");
    refused(&folder, &["test", "--junit", "taken"], &["cannot write taken"]);
    let mut left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    left.sort();
    assert_eq!(left, ["replay.yaml", "rules.yaml", "taken"]);
}

#[test]
fn bad_usage_exits_with_2_and_every_verb_shows_an_example() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alone = firedrill(folder.path(), &[]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(text(&alone.stderr).contains("Usage: firedrill"), "{}", text(&alone.stderr));
    for args in [&["tset"][..], &["test", "--formt", "json"], &["test", "--max-samples", "many"], &["query"]] {
        assert_eq!(firedrill(folder.path(), args).status.code(), Some(2), "{args:?}");
    }
    for verb in ["test", "show", "query", "schema", "conformance"] {
        let help = firedrill(folder.path(), &[verb, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains(&format!("  firedrill {verb}")), "{}", text(&help.stdout));
    }
}

#[test]
fn what_is_odd_or_not_tested_is_said_once() {
    let other = "  - name: logs\n    type: vlogs\n    rules:\n      - alert: Logs\n        expr: '* | stats count()'\n";
    let folder = folder(REPLAY, format!("{RULES}{other}"));
    write(&folder, "second.yaml", REPLAY);
    let output = firedrill(folder.path(), &["test"]);
    let (said, result) = (text(&output.stderr), text(&output.stdout));
    assert_eq!(output.status.code(), Some(0), "{said}{result}");
    assert_eq!(said.matches("warning: ").count(), 1, "{said}");
    assert!(said.contains("\"logs\" is not tested") && said.contains("--> rules.yaml:8:11"), "{said}");
    assert!(result.contains("1 rule not tested"), "{result}");

    // Nobody is told that an alert was silent which had nothing to read.
    let loki =
        "  - name: logs\n    rules:\n      - alert: Logs\n        expr: sum(rate({job=\"api\"} |= \"x\" [5m])) > 1\n";
    write(&folder, "rules.yaml", format!("{RULES}{loki}"));
    write(
        &folder,
        "replay.yaml",
        REPLAY.replace("  others: silent\nvariants", "    - Logs: never\n  others: silent\nvariants"),
    );
    let output = firedrill(folder.path(), &["test", "replay.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let nothing = "no stream with lines matches {job=\"api\"}; there are no log lines at all";
    assert!(text(&output.stdout).contains(nothing), "{}", text(&output.stdout));
}
