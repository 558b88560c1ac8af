//! Files that are written in an unusual way: the verdict is promtool's.

use super::{folder, promtool, told};

const RULES: &str = "groups: [{name: g, rules: [{alert: A, expr: m > 0}]}]";

const TESTS: &str = "rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- input_series:
  - {series: m, values: 1x10}
  alert_rule_test:
  - alertname: A
    eval_time: 5m
    exp_alerts:
    - exp_labels: {}
";

/// Replaces a part of the tests: `code` is ours, and promtool's is zero where ours is.
#[track_caller]
fn exits(from: &str, to: &str, code: i32) -> String {
    assert!(TESTS.contains(from), "the tests do not contain {from:?}");
    whole(TESTS.replacen(from, to, 1), code)
}

#[track_caller]
fn whole(tests: impl AsRef<[u8]>, code: i32) -> String {
    let folder = folder(RULES, tests);
    let (got, out, err) = told(&folder, &[]);
    assert_eq!(got, code, "{out}{err}");
    if let Some(passes) = promtool::passes(&folder) {
        assert_eq!(passes, code == 0, "promtool sees it otherwise");
    }
    err
}

#[test]
fn the_files_of_these_tests_pass() {
    assert!(whole(TESTS, 0).is_empty());
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    whole(TESTS.replace('\n', "\r\n"), 0);
    whole(format!("\u{feff}{TESTS}"), 0);
}

#[test]
fn empty_items_of_lists_count() {
    exits("    - exp_labels: {}\n", "    -\n", 0);
    exits("    - exp_labels: {}\n", "    - ~\n    - {}\n", 1);
    exits("    exp_alerts:\n    - exp_labels: {}\n", "", 1);
    exits("  - alertname: A\n", "  -\n  - alertname: A\n", 1);
}

#[test]
fn a_switch_may_be_a_yaml_word() {
    exits("evaluation_interval: 1m", "fuzzy_compare: yes", 0);
    exits("evaluation_interval: 1m", "fuzzy_compare: Off", 0);
    let said = exits("evaluation_interval: 1m", "fuzzy_compare: 1", 2);
    assert!(said.contains("tests.yaml:2:16") && said.contains("true or false"), "{said}");
}

#[test]
fn several_ways_to_write_a_path_are_one() {
    exits("[rules.yaml]", "[rules.yaml, ./rules.yaml, x/../rules.yaml, 'rule?.yaml', '[r]*s.yaml']", 0);
}

#[test]
fn patterns_that_go_refuses_are_refused() {
    for pattern in ["rul[]a]es.yaml", "rules.yaml\\", "x[.yaml", "[a-].yaml"] {
        exits("[rules.yaml]", &format!("[rules.yaml, '{pattern}']"), 2);
    }
}

#[test]
fn only_the_first_document_is_read() {
    whole(format!("{TESTS}---\nfoo: [\n"), 0);
    whole(format!("{TESTS}---\nrule_files: 5\n"), 0);
    whole(format!("{TESTS}...\n"), 0);
}

#[test]
fn a_link_that_leads_in_a_circle_is_no_missing_file() {
    #[cfg(unix)]
    {
        let folder = folder(RULES, TESTS.replace("[rules.yaml]", "[rules.yaml, loop.yaml]"));
        std::os::unix::fs::symlink("loop.yaml", folder.path().join("loop.yaml")).expect("a link");
        let (code, out, err) = told(&folder, &[]);
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains("cannot read loop.yaml"), "{out}{err}");
        assert_ne!(promtool::passes(&folder), Some(true));
    }
}
