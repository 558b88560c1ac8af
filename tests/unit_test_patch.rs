//! What `firedrill test --diff` prints is a patch after which the file holds, for firedrill and for promtool.

mod common;
#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::Command;

use program::{firedrill, root, stdout};

/// Copies a test file and its rules, applies the patch that is printed, and returns what the second run prints, with its exit
/// code.
fn patched(folder: &Path, name: &str) -> (String, Option<i32>) {
    for file in [name, "rules.yaml"] {
        std::fs::copy(root().join("tests/unit_tests").join(file), folder.join(file)).expect("a copy");
    }
    patched_in(folder, name)
}

/// The same of a file that is there.
fn patched_in(folder: &Path, name: &str) -> (String, Option<i32>) {
    let output = stdout(&firedrill(folder, &["test", name, "--diff"]));
    let patch = output.split_once("\n--- ").expect("a patch").1;
    let end = patch.find("\n\n1 unit test file").map_or(patch.len(), |at| at + 1);
    let patch = format!("--- {}", &patch[..end]);
    let patch = diffy::Patch::from_str(&patch).expect("a readable patch");
    let text = std::fs::read_to_string(folder.join(name)).expect("the test file");
    std::fs::write(folder.join(name), diffy::apply(&text, &patch).expect("a patch that applies")).expect("a file");
    let output = firedrill(folder, &["test", name]);
    (stdout(&output), output.status.code())
}

#[test]
fn a_patched_file_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (told, code) = patched(folder.path(), "rewritten.test.yaml");
    let text = std::fs::read_to_string(folder.path().join("rewritten.test.yaml")).expect("the test file");
    assert_eq!(code, Some(0), "{told}\n{text}");
    for kept in ["# nobody is expected", "# One has a folded text", "# stays", "severity: \"page\"", "# not yet"] {
        assert!(text.contains(kept), "{kept} is gone\n{text}");
    }
    let Some(promtool) = common::peer("promtool") else { return };
    let output =
        Command::new(promtool).current_dir(folder.path()).args(["test", "rules", "rewritten.test.yaml"]).output();
    let output = output.expect("promtool runs");
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_no_expectation_can_hold_for_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (told, code) = patched(folder.path(), "expressions.test.yaml");
    // NaN, which equals nothing, and an expression that is none.
    assert!(code == Some(1) && told.contains("2 of 9 cases"), "{told}");
}

#[test]
fn expected_log_lines_are_those_that_come() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = r#"rule_files: []
tests:
  - interval: 1m
    input_streams:
      - {labels: '{app="a"}', lines: [one, 'two: "2"', 'three # 3', one]}
    logql_expr_test:
      - expr: '{app="a"}'
        eval_time: 5m
        exp_logs:
          # stays
          - {labels: '{app="a"}', line: one}
          - {labels: '{app="a"}', line: other}
          - labels: '{app="b"}'
            line: 'three # 3'
          - {labels: '{app="a"}', line: one, timestamp: 7}
          - {labels: '{app="b"}', line: nowhere}
      - {expr: '{app="a"} |= "t"', eval_time: 5m, exp_logs: [{labels: '{app="a"}', line: 'three # 3'}, {line: nowhere}]}
      - {expr: '{app="a"} |= "nowhere"', eval_time: 5m, exp_logs: [{line: nowhere}]}
      - {expr: '{app="a"} |= "two"', eval_time: 5m}
      - expr: '{app="a"} |= "three"'
        eval_time: 5m
"#;
    std::fs::write(folder.path().join("logs.test.yaml"), file).expect("a file");
    let (told, code) = patched_in(folder.path(), "logs.test.yaml");
    let text = std::fs::read_to_string(folder.path().join("logs.test.yaml")).expect("the test file");
    assert_eq!(code, Some(0), "{told}\n{text}");
    for kept in ["# stays", "line: one}", "- labels: '{app=\"a\"}'\n            line: 'three # 3'"] {
        assert!(text.contains(kept), "{kept} is gone\n{text}");
    }
    assert!(!text.contains("line: nowhere") && !text.contains("timestamp"), "{text}");
}
