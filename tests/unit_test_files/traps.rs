//! What promtool passes over without a word, and we warn of; with `--strict` it fails.

use super::{folder, promtool, told};

const RULES: &str = r#"
groups:
- name: first
  rules:
  - {alert: Down, expr: up == 0, for: 5m, annotations: {summary: '{{ $labels.job }} is down'}}
  - {alert: Broken, expr: up == 0, annotations: {summary: '{{ humanizeDuration $labels.job }}'}}
  - {alert: Gone, expr: absent(up)}
  - {alert: Both, expr: up == 0 and on (job) wanted}
- name: second
  rules:
  - {record: twice, expr: 2 * up}
"#;

/// Cases in a group whose series `up` has the given values, one a minute.
fn tests(values: &str, cases: &str) -> String {
    format!(
        "rule_files: [rules.yaml]\ntests:\n- input_series:\n  - {{series: 'up{{job=\"a\"}}', values: {values}}}\n{cases}"
    )
}

/// Without `--strict` the verdict is promtool's and the warning is given at its place; with it, the run fails.
#[track_caller]
fn warned(rules: &str, tests: impl AsRef<str>, place: &str, says: &str) {
    let folder = folder(rules, tests.as_ref());
    let (code, out, err) = told(&folder, &[]);
    assert!(err.contains(place) && err.contains(says), "no {says:?} at {place}\n{err}{out}");
    assert_eq!(err.matches("warning: ").count(), 1, "one warning\n{err}");
    assert!(err.contains("= help: "), "what to write instead\n{err}");
    if let Some(passes) = promtool::passes(&folder) {
        assert_eq!(passes, code == 0, "promtool sees it otherwise\n{out}");
    }
    let (code, out, err) = told(&folder, &["--strict"]);
    assert_eq!(code, 1, "{out}{err}");
    let told = out + &err;
    assert!(told.contains(says) && !told.contains("warning: "), "{told}");
}

/// A case that holds though nothing was tested.
#[track_caller]
fn blind(rules: &str, tests: impl AsRef<str>, says: &str) {
    let folder = folder(rules, tests.as_ref());
    let (code, out, err) = told(&folder, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(says) && out.contains("1 case blind"), "no {says:?}\n{out}");
    assert!(err.is_empty(), "{err}");
    assert_ne!(promtool::passes(&folder), Some(false));
    let (code, out, err) = told(&folder, &["--strict"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("nothing was tested: ") && !out.contains("case blind"), "{out}");
}

#[track_caller]
fn silent(rules: &str, tests: impl AsRef<str>) {
    let folder = folder(rules, tests.as_ref());
    let (code, out, err) = told(&folder, &["--strict"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.is_empty() && !out.contains("blind"), "{out}{err}");
    assert_ne!(promtool::passes(&folder), Some(false));
}

fn silence(name: &str, eval_time: &str) -> String {
    format!("  alert_rule_test:\n  - alertname: {name}\n    eval_time: {eval_time}\n    exp_alerts: []\n")
}

#[test]
fn silence_of_an_alert_that_looked_at_something_is_silence() {
    silent(RULES, tests("1x30", &silence("Down", "10m")));
    silent(RULES, tests("1x30", &silence("Gone", "10m")));
    // Pending is something.
    silent(RULES, tests("0x30", &silence("Down", "3m")));
    silent(RULES, tests("0x4 stale 0x9", &silence("Down", "9m")));
}

#[test]
fn silence_of_an_alert_that_nobody_has_is_blind() {
    blind(
        RULES,
        tests("1x30", &silence("Doun", "10m")),
        "tests.yaml:6:5  Doun at 10m: no rule has the alert `Doun`; there is `Down`",
    );
}

#[test]
fn silence_of_an_alert_without_series_is_blind() {
    let other = tests("1x30", &silence("Down", "10m")).replace("up{", "down{");
    blind(RULES, other, "Down at 10m: no series matches up");
    blind(RULES, tests("0x30", &silence("Both", "10m")), "Both at 10m: no series matches wanted");
    let narrow = RULES.replace("expr: up == 0, for: 5m", "expr: 'rate(up[1m]) > 0'");
    blind(&narrow, tests("0x30", &silence("Down", "10m")), "a window of 1m holds fewer than two samples");
    let constant = RULES.replace("expr: up == 0, for: 5m", "expr: '(sum(gone) or vector(0)) > 5'");
    blind(&constant, tests("0x30", &silence("Down", "10m")), "Down at 10m: no series matches gone");
    silent(&constant.replace("gone", "up"), tests("0x30", &silence("Down", "10m")));
}

#[test]
fn an_expression_without_series_that_yields_nothing_is_blind() {
    let yields = |expr: &str| {
        tests("0x30", &format!("  promql_expr_test:\n  - {{expr: '{expr}', eval_time: 10m, exp_samples: []}}\n"))
    };
    blind(RULES, yields("sum(upp) > 5"), "tests.yaml:6:5  sum(upp) > 5 at 10m: no series matches upp; there is up");
    blind(RULES, yields("ALERTS{alertname=\"Both\"}"), "at 10m: no series matches ALERTS");
    silent(RULES, yields("up > 5"));
    silent(RULES, yields("absent(upp) > 5"));
    silent(RULES, yields("vector(1) > 5"));
    // Nobody has written these series, and a rule that has all it needs may.
    silent(RULES, yields("ALERTS{alertname=\"Gone\"}"));
    silent(RULES, yields("ALERTS{alertname=\"Down\", alertstate=\"pending\", job=\"a\"} offset 1d"));
}

#[test]
fn silence_of_an_alert_that_waits_for_another_one_is_silence() {
    let waits = |on: &str| {
        RULES.to_owned()
            + &format!("  - {{alert: Many, expr: 'count(ALERTS{{alertname=\"{on}\",alertstate=\"firing\"}}) > 1'}}\n")
    };
    silent(&waits("Down"), tests("1x30", &silence("Many", "10m")));
    blind(&waits("Both"), tests("1x30", &silence("Many", "10m")), "Many at 10m: no series matches ALERTS");
    blind(&waits("Dwon"), tests("1x30", &silence("Many", "10m")), "Many at 10m: no series matches ALERTS");
}

#[test]
fn a_case_before_for_has_passed_is_about_nothing_unless_the_alert_is_pending() {
    let what = "Down at 3m cannot fire before 5m (`for`)";
    warned(RULES, tests("1x30", &silence("Down", "3m")), "tests.yaml:6:16", what);
    silent(RULES, tests("1x30", &silence("Down", "5m")));
}

#[test]
fn series_that_end_before_the_case_are_told() {
    let what = "the series of up end at 4m: at 10m Broken has nothing to look at";
    warned(RULES, tests("1x4", &silence("Broken", "10m")), "tests.yaml:6:16", what);
    // Said on purpose.
    silent(RULES, tests("1x4 stale", &silence("Broken", "4m")));
    silent(RULES, tests("1x4 stale _x9", &silence("Broken", "10m")));
    silent(RULES, tests("1x4", &silence("Broken", "8m")));
}

#[test]
fn names_that_nothing_has_are_told() {
    let cases = silence("Broken", "5m");
    let file = tests("1x9", &cases);
    let glob = file.replace("[rules.yaml]", "[rules.yaml, rule.yaml]");
    warned(RULES, glob, "tests.yaml:1:26", "no file matches `rule.yaml`");
    let order = format!("group_eval_order: [frist]\n{file}");
    warned(RULES, order, "tests.yaml:1:20", "no group of the rule files is called `frist`");
}

#[test]
fn documents_and_groups_that_test_nothing_are_told() {
    let file = tests("1x9", &silence("Broken", "5m"));
    warned(RULES, format!("{file}---\n{file}"), "tests.yaml:9:1", "only the first YAML document");
    warned(RULES, tests("1x9", "  name: idle\n"), "tests.yaml:3:3", "`idle` tests nothing");
    warned(RULES, "rule_files: [rules.yaml]\ntests: []\n", "tests.yaml:1:1", "this file has no tests");
}

#[test]
fn the_order_of_groups_is_told_where_the_result_depends_on_it() {
    let rules = "groups:\n- {name: reader, rules: [{alert: Late, expr: twice offset 1m}, {alert: Now, expr: twice}]}\n- {name: writer, rules: [{record: twice, expr: 2 * up}]}\n";
    let case = |name: &str, eval_time: &str| {
        tests(
            "1x9",
            &format!(
                "  alert_rule_test:\n  - {{alertname: {name}, eval_time: {eval_time}, exp_alerts: [{{exp_labels: {{job: a}}}}]}}\n"
            ),
        )
    };
    let folder = folder(rules, case("Now", "0m"));
    let (_, _, err) = told(&folder, &[]);
    assert!(err.contains("`writer` runs before `reader`") && err.contains("tests.yaml:1:14"), "{err}");
    assert!(err.contains("`writer` before `reader`"), "{err}");
    // The same result either way, and an order that is said.
    silent(rules, case("Now", "5m"));
    silent(rules, format!("group_eval_order: [writer, reader]\n{}", case("Now", "0m")));
}

#[test]
fn a_template_that_fails_is_told_at_the_rule() {
    let cases =
        "  alert_rule_test:\n  - alertname: Broken\n    eval_time: 5m\n    exp_alerts: [{exp_labels: {job: a}}]\n";
    warned(RULES, tests("0x9", cases), "rules.yaml:6:60", "the template of the annotation `summary` fails");
}

#[test]
fn expectations_that_nothing_can_meet_are_told() {
    let cases = "  alert_rule_test:\n  - alertname: Broken\n    eval_time: 5m\n    exp_alerts: [{exp_labels: {job: a, zone: ''}}]\n";
    warned(
        &RULES.replace("humanizeDuration ", ""),
        tests("0x9", cases),
        "tests.yaml:8:40",
        "no alert has a label with an empty value",
    );
    let cases = "  promql_expr_test:\n  - expr: up / 0\n    eval_time: 5m\n    exp_samples: [{labels: '{job=\"a\"}', value: .nan}]\n";
    warned(RULES, tests("0x9", cases), "tests.yaml:8:19", "NaN equals nothing");
}

#[test]
fn a_name_among_the_labels_that_nobody_reads_is_told() {
    let cases = "  alert_rule_test:\n  - alertname: Broken\n    eval_time: 5m\n    exp_alerts: [{exp_labels: {alertname: Down, job: a}, exp_annotations: {summary: a}}]\n";
    warned(
        &RULES.replace("humanizeDuration ", ""),
        tests("0x9", cases),
        "tests.yaml:8:43",
        "`alertname` among the labels is not looked at",
    );
}

#[test]
fn samples_after_the_last_tick_are_told_where_they_matter() {
    let cases = |value: u32| {
        format!(
            "  interval: 15s\n  promql_expr_test:\n  - expr: up\n    eval_time: 1m45s\n    exp_samples: [{{labels: 'up{{job=\"a\"}}', value: {value}}}]\n"
        )
    };
    warned(RULES, tests("1 2 3 4 5 6 7 8", &cases(5)), "tests.yaml:7:11", "samples are loaded up to the last tick, 1m");
    silent(RULES, tests("1x9", &cases(1)));
}

#[test]
fn alerts_between_ticks_are_told_where_samples_came_since() {
    let cases = "  interval: 15s\n  alert_rule_test:\n  - {alertname: Broken, eval_time: 1m45s}\n";
    warned(
        RULES,
        tests("1x9", cases),
        "tests.yaml:7:17",
        "this case sees the alerts of 1m, which know no sample of 1m45s",
    );
    silent(RULES, tests("1x9", &silence("Broken", "1m45s")));
}

#[test]
fn what_ends_the_input_series_is_told() {
    let file = |values: &str, more: &str| {
        format!(
            "rule_files: [rules.yaml]\ntests:\n- input_series:\n  - series: up{{job=\"a\"}}\n    values: {values}\n{more}{}",
            silence("Broken", "5m")
        )
    };
    let more = "  - {series: other, values: 1}\n";
    let what = "an empty line or a comment ends all input series";
    warned(RULES, file("|\n      1x9", more), "tests.yaml:6:7", what);
    warned(RULES, file("\"1x9\\n# note\"", more), "tests.yaml:5:14", what);
    warned(RULES, file("\"1x9\\n\\nother 1\"", ""), "tests.yaml:5:14", what);
    silent(RULES, file("|\n      1x9", ""));
    silent(RULES, file(">-\n      1 1\n      1x9", more));
    let twice = file("1x9", "  - {series: 'up{job=\"a\"}', values: 2x9}\n");
    warned(RULES, twice, "tests.yaml:6:15", "is given twice: only the last one counts");
}

#[test]
fn too_many_ticks_are_refused_at_once() {
    for (interval, eval_time) in [("1ms", "1y"), ("1ms", "290y"), ("1s", "200y")] {
        let file = format!("evaluation_interval: {interval}\n{}", tests("1x9", &silence("Broken", eval_time)));
        let (code, out, err) = told(&folder(RULES, file), &[]);
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains("are too many") && out.contains("tests.yaml:7:"), "{out}");
        assert!(out.contains("a longer evaluation_interval"), "{out}");
    }
}
