//! What items of `exp_alerts` may say beyond promtool.

use super::{folder, told};

const RULES: &str = r#"
groups:
- name: g
  rules:
  - alert: Slow
    expr: latency > 1
    for: 2m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.leg }} takes {{ $value }} s', link: 'https://example.org/{{ $labels.leg }}'}
"#;

/// A case on two alerts: `a` active from 1m on, pending until 3m, with value 2 there; `b` active from 0m on, with value 5.
fn case(eval_time: &str, expected: &[&str]) -> String {
    let items: String = expected.iter().map(|item| format!("\n    - {{{item}}}")).collect();
    format!(
        "rule_files: [rules.yaml]\ntests:\n- input_series:\n  - {{series: 'latency{{leg=\"a\"}}', values: 0 2x9}}\n  - {{series: 'latency{{leg=\"b\"}}', values: 5x9}}\n  alert_rule_test:\n  - eval_time: {eval_time}\n    alertname: Slow\n    exp_alerts:{items}\n"
    )
}

#[track_caller]
fn holds(eval_time: &str, expected: &[&str]) {
    let (code, out, err) = told(&folder(RULES, case(eval_time, expected)), &[]);
    assert_eq!(code, 0, "{expected:?}\n{out}{err}");
}

#[track_caller]
fn fails(eval_time: &str, expected: &[&str], says: &str) {
    let (code, out, err) = told(&folder(RULES, case(eval_time, expected)), &[]);
    assert_eq!(code, 1, "{expected:?}\n{out}{err}");
    assert!(out.contains(says), "{expected:?} does not say {says:?}\n{out}");
}

#[track_caller]
fn refused(item: &str, place: &str, says: &str) {
    let (code, out, err) = told(&folder(RULES, case("5m", &[item])), &[]);
    assert_eq!(code, 2, "{item}\n{out}{err}");
    assert!(err.contains(place) && err.contains(says), "{item} does not say {says:?} at {place}\n{err}");
}

#[test]
fn an_item_that_says_only_a_part_leaves_the_rest_free() {
    holds("5m", &["exp_labels_include: {leg: a}", "exp_labels_include: {leg: b, severity: page}"]);
    holds("5m", &["exp_value: 5", "exp_value: 2.0"]);
    holds("5m", &["exp_annotations_match: {}", "exp_labels: {leg: b, severity: page}, exp_value: 5"]);
    holds("5m", &["exp_labels_include: {leg: a, zone: ''}", "exp_value: 5"]);
    fails("5m", &["exp_labels_include: {leg: ''}", "exp_value: 5"], r#"leg="", .."#);
    fails(
        "5m",
        &["exp_labels_include: {leg: a}"],
        "expected  nothing else\n  happened  Slow{leg=\"b\", severity=\"page\"}",
    );
    fails("5m", &["exp_labels_include: {leg: a}", "exp_labels_include: {leg: c}"], r#"leg="c""#);
    fails("5m", &["exp_labels: {leg: a}, exp_value: 2", "exp_value: 5"], r#"expected  Slow{leg="a"} with value 2"#);
}

#[test]
fn an_item_without_any_of_them_says_everything() {
    fails("5m", &["exp_labels: {leg: a, severity: page}", "exp_value: 5"], r#"leg="a""#);
    let whole =
        "exp_labels: {leg: a, severity: page}, exp_annotations: {summary: a takes 2 s, link: https://example.org/a}";
    holds("5m", &[whole, "exp_value: 5"]);
}

#[test]
fn annotations_match_as_a_whole() {
    holds("5m", &["exp_annotations_match: {summary: '. takes 2 s'}", "exp_annotations_match: {link: .*/b}"]);
    fails(
        "5m",
        &["exp_annotations_match: {summary: takes 2}", "exp_value: 5"],
        "summary  expected  =~ takes 2\n             happened  a takes 2 s",
    );
    fails(
        "5m",
        &["exp_annotations_match: {none: .*}", "exp_value: 5"],
        "none  expected  =~ .*\n          happened  no such annotation",
    );
    let strict = "exp_labels_include: {leg: a}, exp_annotations: {summary: a takes 2 s}";
    fails("5m", &[strict, "exp_value: 5"], "link  expected  no such annotation");
}

#[test]
fn items_find_the_alerts_that_only_they_fit() {
    // The first fits both, the second only what a first fit would take.
    holds("5m", &["exp_labels_include: {severity: page}", "exp_labels_include: {leg: a}"]);
    holds("5m", &["exp_labels_include: {severity: page}", "exp_labels_include: {leg: b}"]);
    fails("5m", &["exp_labels_include: {leg: a}", "exp_labels_include: {leg: a}"], r#"leg="b""#);
}

#[test]
fn pending_alerts_count_only_where_they_are_asked_for() {
    holds("1m", &[]);
    holds("1m", &["exp_state: pending, exp_labels_include: {leg: a}", "exp_state: pending, exp_value: 5"]);
    holds("2m", &["exp_value: 5"]);
    holds("2m", &["exp_state: firing, exp_value: 5", "exp_state: pending, exp_value: 2"]);
    fails("1m", &["exp_state: pending, exp_value: 5"], r#"leg="a""#);
    fails("2m", &["exp_state: pending", "exp_state: pending"], "{leg=\"b\", severity=\"page\"} firing");
}

#[test]
fn an_alert_is_active_since_its_condition_held() {
    holds("5m", &["exp_active_at: 1m, exp_value: 2", "exp_active_at: 0s"]);
    fails("5m", &["exp_active_at: 2m", "exp_active_at: 0s"], "{leg=\"a\", severity=\"page\"} active at 1m");
}

#[test]
fn values_are_floats_and_nan_is_nan() {
    let tests = "rule_files: [rules.yaml]\ntests:\n- input_series: [{series: m, values: NaN}]\n  alert_rule_test:\n  - {alertname: Odd, exp_alerts: [{exp_value: .nan}]}\n";
    let rules = "groups: [{name: g, rules: [{alert: Odd, expr: m}]}]";
    assert_eq!(told(&folder(rules, tests), &[]).0, 0);
    assert_eq!(told(&folder(rules, tests.replace(".nan", "1")), &[]).0, 1);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    refused("exp_state: fired", "tests.yaml:10:19", "write pending or firing");
    refused("exp_annotations_match: {summary: '('}", "tests.yaml:10:", "not a valid regular expression");
    refused("exp_value: high", "tests.yaml:10:19", "`exp_value` is a number");
    refused("exp_active_at: soon", "tests.yaml:10:23", "not a valid duration");
    refused(
        "exp_labels: {a: b}, exp_labels_include: {a: b}",
        "tests.yaml:10:",
        "either `exp_labels_include` or `exp_labels`",
    );
    refused("exp_label_include: {a: b}", "tests.yaml:10:8", "did you mean `exp_labels_include`?");
    refused("exp_labels_include: [a]", "tests.yaml:10:28", "a mapping of names to texts");
}
