//! firedrill in the repositories of other people: begun in one, with rules that are rendered, broken, in other languages, or
//! left out for a while.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::process::Output;

use assert_cmd::Command;
use program::{firedrill, folder, told};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - {alert: Full, expr: used > 80, for: 1m}\n";

/// A replay of `rules` on which Full fires at 80 and more; `more` are fields at the top.
fn replay(rules: &str, used: u32, more: &str) -> String {
    format!(
        "firedrill: replay/1
title: A disk fills up
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [{rules}]
{more}
targets:
  disk: {{labels: {{job: disk}}, scrape: 30s}}
spans:
  full: {{from: \"12:20:00\", to: \"12:40:00\", source: log}}
metrics:
  - {{series: used, target: disk, gauge: {{else: 50, full: {used}}}, source: log}}
variants:
  control: {{without: [full], expect: {{others: silent}}}}
expect:
  alerts:
    - Full: {{fires: {{within: 5m, after: full.from}}}}
"
    )
}

#[test]
fn an_example_in_an_empty_folder_passes_at_once_and_is_not_overwritten() {
    let folder = folder(&[]);
    let begun = firedrill(folder.path(), &["init"]);
    assert_eq!(begun.status.code(), Some(0), "{}", told(&begun));
    assert!(told(&begun).contains("firedrill test --junit"), "{}", told(&begun));
    let tested = firedrill(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    assert!(told(&tested).contains("2 drills: 2 passed"), "{}", told(&tested));
    // The example is about its rule: a threshold above the incident lets it fail.
    let rules = folder.path().join("rules/shop.yaml");
    let text = fs::read_to_string(&rules).expect("rules");
    fs::write(&rules, text.replace("> 0.05", "> 0.2")).expect("a file");
    assert_eq!(firedrill(folder.path(), &["test"]).status.code(), Some(1));
    let again = firedrill(folder.path(), &["init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(told(&again).contains("firedrill.yaml is there already"), "{}", told(&again));
    assert!(fs::read_to_string(&rules).expect("rules").contains("> 0.2"));
}

// Of three numbers in a row the others are 1 away from the median, and so is the median of 1, 0, 1.
#[test]
fn what_prometheus_has_switched_off_is_on_where_the_settings_say_so() {
    let replay = "firedrill: replay/1\ntitle: Steps\nstart: 2026-01-10T12:00:00Z\nend: 2026-01-10T12:20:00Z\nrules: [rules.yaml]\n\
        targets:\n  api: {labels: {job: api}, scrape: 1m}\n\
        metrics:\n  - {series: used, target: api, values: \"1+1x20\", assumed: steps}\n\
        expect:\n  alerts:\n    - Far: {fires: {at: \"12:02\"}}\n  queries:\n    - {promql: \"mad_over_time(used[3m])\", at: \"12:10\", returns: [{job: api, value: 1}]}\n";
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: Far, expr: \"mad_over_time(used[3m]) > 0.5\"}\n";
    let feature = "promql-experimental-functions";
    let folder = folder(&[("replay.yaml", replay), ("rules.yaml", rules)]);
    let query = ["query", "mad_over_time(used[3m])", "--replay", "."];
    for args in [&["test"][..], &query] {
        let refused = firedrill(folder.path(), args);
        assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
        assert!(told(&refused).contains(&format!("`features: [{feature}]` in firedrill.yaml")), "{}", told(&refused));
    }
    let flag = firedrill(folder.path(), &["test", "--enable-feature", feature]);
    assert_eq!(flag.status.code(), Some(0), "{}", told(&flag));
    fs::write(folder.path().join("firedrill.yaml"), format!("features: [{feature}]\n")).expect("a file");
    for args in [&["test"][..], &query] {
        let tested = firedrill(folder.path(), args);
        assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    }
}

#[test]
fn an_example_does_not_stand_in_for_what_is_there() {
    let folder = folder(&[("incidents/shop-errors/incident.md", "ours\n")]);
    let begun = firedrill(folder.path(), &["init"]);
    assert_eq!(begun.status.code(), Some(2), "{}", told(&begun));
    assert!(!folder.path().join("firedrill.yaml").exists());
    assert_eq!(fs::read_to_string(folder.path().join("incidents/shop-errors/incident.md")).expect("a file"), "ours\n");
}

#[test]
fn an_example_is_written_whole_or_not_at_all() {
    let folder = folder(&[("incidents/shop-errors", "a file where a folder has to be\n")]);
    let begun = firedrill(folder.path(), &["init"]);
    assert_eq!(begun.status.code(), Some(2), "{}", told(&begun));
    assert!(told(&begun).contains("incidents/shop-errors is there already"), "{}", told(&begun));
    assert!(!folder.path().join("firedrill.yaml").exists() && !folder.path().join("rules").exists());
}

#[test]
fn limits_are_whole_numbers_above_zero() {
    for limit in ["-1", "1.5", "0", "many"] {
        let settings = format!("limits: {{max_samples: {limit}}}\n");
        let tested = firedrill(folder(&[("firedrill.yaml", &settings)]).path(), &["test"]);
        assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
        assert!(told(&tested).contains("firedrill.yaml:1:23"), "{}", told(&tested));
        assert!(told(&tested).contains("`max_samples` of `limits` is a whole number above zero"), "{}", told(&tested));
    }
}

#[test]
fn where_there_are_rules_only_settings_are_written() {
    let folder = folder(&[("alerts/disk.yml", RULES)]);
    let begun = firedrill(folder.path(), &["init"]);
    assert_eq!(begun.status.code(), Some(0), "{}", told(&begun));
    assert!(told(&begun).contains("firedrill new replay --alert Full"), "{}", told(&begun));
    assert!(!folder.path().join("rules").exists() && !folder.path().join("incidents").exists());
    // What it suggests works, and is found.
    let made = firedrill(folder.path(), &["new", "replay", "--alert", "Full"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    let tested = firedrill(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
}

#[test]
fn one_broken_rule_file_does_not_stop_the_rest() {
    let (good, bad) = (replay("../rules.yaml", 90, ""), replay("../broken.yaml", 90, ""));
    let broken = RULES.replace("used > 80", "used >");
    let files = [("rules.yaml", RULES), ("broken.yaml", &broken), ("a/replay.yaml", &bad), ("b/replay.yaml", &good)];
    let tested = firedrill(folder(&files).path(), &["test"]);
    assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
    assert!(told(&tested).contains("2 drills: 2 passed"), "{}", told(&tested));
    assert!(told(&tested).contains("broken.yaml:4:"), "{}", told(&tested));
    assert!(told(&tested).contains("1 file cannot be used: what needs it was not tested"), "{}", told(&tested));
}

/// A replay of `rules.yaml` and `broken.yaml`, which writes `a:b` and alerts Broken, whose days expect this of alerts.
fn beside_a_broken_file(alerts: &str, more: &[(&str, &str)]) -> Output {
    let broken = "groups:
- name: b
  rules:
  - {record: 'a:b', expr: used + 1}
  - {alert: Broken, expr: used >}
";
    let text = replay("../rules.yaml, ../broken.yaml", 90, "");
    let (begin, _) = text.split_once("expect:\n  alerts").expect("expectations");
    let text = format!("{begin}expect:\n  {alerts}\n");
    let files = [("rules.yaml", RULES), ("broken.yaml", broken), ("a/replay.yaml", text.as_str())];
    let tested = firedrill(folder(&[&files, more].concat()).path(), &["test", "--run", "day"]);
    assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
    assert!(told(&tested).contains("broken.yaml:5:"), "{}", told(&tested));
    tested
}

#[test]
fn a_drill_goes_on_without_a_broken_rule_file() {
    let tested = beside_a_broken_file("alerts: [{Full: {fires: {within: 5m, after: full.from}}}]", &[]);
    assert!(told(&tested).contains("1 drill: 1 passed"), "{}", told(&tested));
    let late = beside_a_broken_file("alerts: [{Full: never}]", &[]);
    assert!(told(&late).contains("1 drill: 0 passed, 1 failed"), "{}", told(&late));
}

#[test]
fn what_a_broken_rule_file_may_decide_is_no_verdict() {
    let reads = RULES.replace("used > 80", "used > 80 unless a:b > 0");
    let absent = RULES.replace("used > 80", "absent(a:b)");
    for (expect, rules) in [
        ("alerts: [{Full: {fires: {within: 5m, after: full.from}}}, {Broken: never}]", RULES),
        ("alerts: [{Broken: {fires: {within: 5m, after: full.from}}}]", RULES),
        ("alerts: [{Typo: never}]", RULES),
        ("alerts: [{Full: {fires: {within: 5m, after: full.from}}}]\n  others: silent", RULES),
        ("alerts: [{Full: {fires: {within: 30m, after: start}}}]", &absent),
        ("alerts: [{Full: {fires: {within: 5m, after: full.from}}}]", &reads),
        ("queries: [{promql: 'count(used) unless a:b', at: \"12:30\", returns: 1}]", RULES),
    ] {
        let tested = beside_a_broken_file(expect, &[("rules.yaml", rules)]);
        assert!(told(&tested).contains("1 drill: 0 passed, 1 blind"), "{expect}: {}", told(&tested));
        assert!(told(&tested).contains("was not tested: broken.yaml cannot be used"), "{}", told(&tested));
    }
}

#[test]
fn each_side_of_an_or_says_why_it_never_spoke() {
    for (expr, says) in [
        (
            "used > 95 or used < 10",
            &[
                "used came no nearer than 90 (at 12:20:00): `> 95` holds",
                "used came no nearer than 50 (at 12:00:00): `< 10` holds",
            ][..],
        ),
        (
            "used > 95 or used > 80 and used < 60",
            &["`> 95` holds", "every condition held at some tick, but never all of them"],
        ),
        (
            "used > 80 unless used > 0",
            &["the condition of used > 80 unless used > 0 held at some tick, but never together"],
        ),
        ("used > used", &["used > used yielded nothing at any tick"]),
    ] {
        let rules = RULES.replace("used > 80", expr);
        let files = [("rules.yaml", rules.as_str()), ("a/replay.yaml", &replay("../rules.yaml", 90, ""))];
        let output = firedrill(folder(&files).path(), &["test", "--run", "day"]);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        says.iter().for_each(|says| assert!(told(&output).contains(says), "{expr}: {says}: {}", told(&output)));
    }
}

#[test]
fn a_rule_file_that_is_not_there_does_not_stop_the_others() {
    let files = [("rules.yaml", RULES), ("a/replay.yaml", &replay("../rules.yaml, ../gone.yaml", 90, ""))];
    let tested = firedrill(folder(&files).path(), &["test"]);
    assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
    assert!(told(&tested).contains("PASS   a/day"), "{}", told(&tested));
    assert!(told(&tested).contains("BLIND  a/control  every other alert was not tested"), "{}", told(&tested));
    assert!(told(&tested).contains("a/replay.yaml:5:"), "{}", told(&tested));
}

#[test]
fn rules_are_named_by_patterns() {
    let pattern = |pattern: &str| {
        let replay = replay(pattern, 90, "");
        let files = [("rules/disk.yaml", RULES), ("rules/more.yml", "groups: []\n"), ("a/replay.yaml", &replay)];
        firedrill(folder(&files).path(), &["test"])
    };
    let tested = pattern("'../rules/*.y*ml', ../rules/disk.yaml");
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    assert!(told(&tested).contains("2 drills: 2 passed"), "{}", told(&tested));
    let nothing = pattern("'../rules/*.json'");
    assert_eq!(nothing.status.code(), Some(2), "{}", told(&nothing));
    assert!(told(&nothing).contains("a/replay.yaml:5:9"), "{}", told(&nothing));
    assert!(told(&nothing).contains("no file matches ../rules/*.json"), "{}", told(&nothing));
    assert_eq!(pattern("'../rules/[.yaml'").status.code(), Some(2));
}

#[test]
fn machines_are_told_what_cannot_be_used() {
    let empty = "firedrill: replay/1\n";
    let good = replay("../rules.yaml", 90, "");
    for files in [
        &[("rules.yaml", RULES), ("a/replay.yaml", empty), ("b/replay.yaml", good.as_str())][..],
        &[("a/replay.yaml", empty)],
    ] {
        let output = firedrill(folder(files).path(), &["test", "--format", "json"]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["unusable"][0]["place"]["file"], "a/replay.yaml", "{report}");
        assert_eq!(report["summary"]["drills"], 2 * (files.len() / 2), "{report}");
    }
}

#[test]
fn a_template_of_helm_says_what_to_set() {
    let template = RULES.replace("used > 80", "used > {{ .Values.most }}");
    let files = [("chart/rules.yaml", template.as_str()), ("a/replay.yaml", &replay("../chart/rules.yaml", 90, ""))];
    let folder = folder(&files);
    let tested = firedrill(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
    assert!(told(&tested).contains("looks like a Helm template"), "{}", told(&tested));
    assert!(told(&tested).contains("render: {command:"), "{}", told(&tested));
    let searched = firedrill(folder.path(), &["test", "chart"]);
    assert_eq!(searched.status.code(), Some(2));
    assert!(
        told(&searched).contains("chart/rules.yaml looks like a Helm template: set `render`"),
        "{}",
        told(&searched)
    );
}

#[test]
fn rules_are_rendered_when_that_is_asked_for() {
    let settings = "render: {command: 'mkdir -p build && sed s/MOST/80/ template > build/rules.yaml', output: build}\n";
    let template = RULES.replace("80", "MOST");
    let replay = replay("../build/rules.yaml", 90, "");
    let files = [("firedrill.yaml", settings), ("template", &template), ("a/replay.yaml", &replay)];
    let folder = folder(&files);
    let without = firedrill(folder.path(), &["test"]);
    assert_eq!(without.status.code(), Some(2), "{}", told(&without));
    assert!(told(&without).contains("firedrill test --render"), "{}", told(&without));
    let with = firedrill(folder.path(), &["test", "--render"]);
    assert_eq!(with.status.code(), Some(0), "{}", told(&with));
    // What was written stays.
    assert_eq!(firedrill(folder.path(), &["test"]).status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_shows_what_it_printed() {
    let run = |render: &str| {
        let folder = folder(&[
            ("firedrill.yaml", render),
            ("rules.yaml", RULES),
            ("a/replay.yaml", &replay("../rules.yaml", 90, "")),
        ]);
        let tested = firedrill(folder.path(), &["test", "--render"]);
        assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
        told(&tested)
    };
    let failed = run("render: {command: 'echo no such chart >&2; exit 3', output: build}\n");
    assert!(failed.contains("exit status: 3") && failed.contains("no such chart"), "{failed}");
    assert!(failed.contains("firedrill.yaml:1:20"), "{failed}");
    let nothing = run("render: {command: 'true', output: build}\n");
    assert!(nothing.contains("wrote no YAML file into build"), "{nothing}");
    let endless = run("render: {command: 'echo begun; sleep 600', output: build, timeout: 1s}\n");
    assert!(endless.contains("took longer than 1s") && endless.contains("begun"), "{endless}");
    assert!(run("paths: [.]\n").contains("there is nothing to render"));
}

#[test]
fn what_is_left_out_for_a_while_comes_back_loudly() {
    let skip = "skip: {reason: the exporter is replaced, until: \"2026-03-01\"}";
    // It fails: 70 is not above 80.
    let folder = folder(&[("rules.yaml", RULES), ("a/replay.yaml", &replay("../rules.yaml", 70, skip))]);
    let before = firedrill(folder.path(), &["test", "--today", "2026-03-01"]);
    assert_eq!(before.status.code(), Some(0), "{}", told(&before));
    assert!(told(&before).contains("SKIP   a/day  the exporter is replaced (until 2026-03-01)"), "{}", told(&before));
    assert!(told(&before).contains("2 drills left out, as `skip` says"), "{}", told(&before));
    let after = firedrill(folder.path(), &["test", "--today", "2026-03-02"]);
    assert_eq!(after.status.code(), Some(1), "{}", told(&after));
    assert!(told(&after).contains("a/day was to be left out until 2026-03-01 and is run again"), "{}", told(&after));
    assert!(told(&after).contains("2 drills: 1 passed, 1 failed"), "{}", told(&after));
    // A drill that holds again is no reason to forget what stands in its file.
    fs::write(folder.path().join("a/replay.yaml"), replay("../rules.yaml", 90, skip)).expect("a file");
    for (args, code) in [(&["--format", "json"][..], 0), (&["--format", "json", "--strict"], 1)] {
        let output = firedrill(folder.path(), &[&["test", "--today", "2026-03-02"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["expired"][0]["place"]["file"], "a/replay.yaml");
    }
    fs::write(folder.path().join("a/replay.yaml"), replay("../rules.yaml", 70, skip)).expect("a file");
    // The clock of a reproducible build: 2026-02-28.
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let built = command.current_dir(folder.path()).arg("test").env("SOURCE_DATE_EPOCH", "1772236800").output();
    assert_eq!(built.expect("the binary runs").status.code(), Some(0));
}

#[test]
fn machines_are_told_what_is_left_out() {
    let skip = "skip: {reason: r, until: \"2026-03-01\"}";
    let folder = folder(&[("rules.yaml", RULES), ("a/replay.yaml", &replay("../rules.yaml", 90, skip))]);
    let args = ["test", "--today", "2026-01-01", "--format", "json", "--junit", "out.xml"];
    let output = firedrill(folder.path(), &args);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["skipped"][0]["name"], "a/day");
    assert_eq!(report["skipped"][1]["until"], "2026-03-01");
    assert_eq!(report["summary"]["skipped"], 2);
    let junit = fs::read_to_string(folder.path().join("out.xml")).expect("a report");
    assert!(junit.contains("<skipped message=\"r (until 2026-03-01)\"/>"), "{junit}");
}

#[test]
fn a_variant_says_for_itself_what_is_left_out() {
    let text = replay("../rules.yaml", 90, "")
        .replace("{without: [full],", "{without: [full], skip: {reason: r, until: \"2026-03-01\"},");
    let folder = folder(&[("rules.yaml", RULES), ("a/replay.yaml", &text)]);
    let output = firedrill(folder.path(), &["test", "--today", "2026-01-01"]);
    assert!(
        told(&output).contains("1 drill: 1 passed") && told(&output).contains("SKIP   a/control"),
        "{}",
        told(&output)
    );
    for (broken, says) in
        [("reason: r, until: soon", "`soon` is not a date"), ("reason: '', until: 2026-03-01", "no reason")]
    {
        let text = text.replace("reason: r, until: \"2026-03-01\"", broken);
        fs::write(folder.path().join("a/replay.yaml"), text).expect("a file");
        let output = firedrill(folder.path(), &["test"]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains(says), "{}", told(&output));
    }
}

#[test]
fn languages_by_pattern_skip_rules_and_count_them() {
    let settings = "languages: {'vendor/**': skip}\n";
    let replay = replay("../rules.yaml, ../vendor/x/rules.yaml", 90, "");
    // No language that anybody knows.
    let vendor = "groups:\n- name: v\n  rules:\n  - {alert: Odd, expr: \"SELECT 1\"}\n";
    let files = [
        ("firedrill.yaml", settings),
        ("rules.yaml", RULES),
        ("vendor/x/rules.yaml", vendor),
        ("a/replay.yaml", &replay),
    ];
    let output = firedrill(folder(&files).path(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("1 rule not tested, in a language that is not evaluated"), "{}", told(&output));
}

#[test]
fn a_place_of_languages_that_means_no_file_is_told() {
    let settings = "languages: {'vendor/**': skip, rules.yaml: promql, ruels.yaml: skip, '*/**/*.yaml': promql}\n";
    let files =
        [("firedrill.yaml", settings), ("rules.yaml", RULES), ("a/replay.yaml", &replay("../rules.yaml", 90, ""))];
    let folder = folder(&files);
    let tested = firedrill(folder.path(), &["test"]);
    assert_eq!(tested.status.code(), Some(0), "{}", told(&tested));
    for (place, says) in [("1:14", "no file matches vendor/**"), ("1:52", "no file matches ruels.yaml")] {
        assert!(told(&tested).contains(&format!("firedrill.yaml:{place}")), "{}", told(&tested));
        assert!(told(&tested).contains(says), "{}", told(&tested));
    }
    assert!(
        !told(&tested).contains("matches rules.yaml") && !told(&tested).contains("matches */**"),
        "{}",
        told(&tested)
    );
    assert_eq!(firedrill(folder.path(), &["test", "--strict"]).status.code(), Some(1));
}

#[test]
fn rules_that_are_skipped_are_not_called_missing() {
    let settings = "languages: {rules.yaml: skip}\n";
    let files =
        [("firedrill.yaml", settings), ("rules.yaml", RULES), ("a/replay.yaml", &replay("../rules.yaml", 90, ""))];
    let tested = firedrill(folder(&files).path(), &["test"]);
    assert_eq!(tested.status.code(), Some(2), "{}", told(&tested));
    assert!(told(&tested).contains("rules.yaml is not read: firedrill.yaml says so"), "{}", told(&tested));
    assert!(!told(&tested).contains("names no rules"), "{}", told(&tested));
}

#[test]
fn a_chart_without_expressions_of_its_own_says_what_to_set() {
    let template = "{{ range $path, $_ := .Files.Glob \"rules/*\" }}\n{{ $path }}: {{ .Values.of }}\n{{ end }}\n";
    let folder = folder(&[("chart/templates/rules.yaml", template)]);
    let searched = firedrill(folder.path(), &["test"]);
    assert_eq!(searched.status.code(), Some(2));
    assert!(told(&searched).contains("chart/templates/rules.yaml looks like a Helm template"), "{}", told(&searched));
}

#[test]
fn rules_are_read_in_the_language_that_the_settings_say() {
    // Both languages understand it; which is meant is not to be seen.
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: Full, expr: 'sum(rate({job=\"app\"}[5m])) > 1000'}\n";
    let replay = replay("../rules.yaml", 90, "");
    let files = [("rules.yaml", rules), ("a/replay.yaml", &replay)];
    let test = |settings: &str| {
        let files: Vec<(&str, &str)> = files.into_iter().chain([("firedrill.yaml", settings)]).collect();
        told(&firedrill(folder(&files).path(), &["test"]))
    };
    assert!(!test("paths: [a]\n").contains("no stream"), "{}", test("paths: [a]\n"));
    let settings = "paths: [a]\nlanguages: {rules.yaml: logql}\n";
    assert!(test(settings).contains("no stream with lines matches {job=\"app\"}"), "{}", test(settings));
}

#[test]
fn the_limit_on_files_holds_for_recorded_ones() {
    let settings = "limits: {max_file_bytes: 2000}\n";
    let recorded = "recorded_file: used.csv}";
    let replay = replay("../rules.yaml", 90, "").replace("gauge: {else: 50, full: 90}, source: log}", recorded);
    let row = "2026-01-10 12:20:00,90\n";
    for (rows, code) in [(1, 1), (100, 2)] {
        let table = format!("Time,used\n{}", row.repeat(rows));
        let files = [
            ("firedrill.yaml", settings),
            ("rules.yaml", RULES),
            ("a/replay.yaml", &replay),
            ("a/used.csv", table.as_str()),
        ];
        let output = firedrill(folder(&files).path(), &["test"]);
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert_eq!(told(&output).contains("used.csv is larger than 2000 bytes"), code == 2, "{}", told(&output));
    }
}

#[test]
fn limits_on_series_and_steps_are_kept() {
    for (limit, says) in
        [("max_steps: 10", "61 steps of 1m, more than the 10"), ("max_series: 1", "2 series, more than the 1")]
    {
        let settings = format!("limits: {{{limit}}}\n");
        let replay = replay("../rules.yaml", 90, "");
        let files = [("firedrill.yaml", settings.as_str()), ("rules.yaml", RULES), ("a/replay.yaml", &replay)];
        let output = firedrill(folder(&files).path(), &["test"]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains(says), "{}", told(&output));
    }
}
