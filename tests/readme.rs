//! The README's example does what the README says.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// The YAML blocks of the README, in order.
fn blocks() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let fences = readme.split("```yaml\n").skip(1);
    fences.filter_map(|rest| rest.split_once("```")).map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_example_passes_as_written_and_fails_as_said() {
    let blocks = blocks();
    let [replay, rules, ..] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
    for (rules, code, says) in
        [(rules.clone(), 0, "2 passed"), (rules.replace("> 1", "> 6"), 1, "came no nearer than 5")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("replay.yaml"), replay).expect("a file");
        fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
        let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
        let output = command.current_dir(folder.path()).arg("test").output().expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn the_unit_test_passes_as_written_and_fails_with_another_rule() {
    let blocks = blocks();
    let [_, rules, _, tests, ..] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
    for (rules, code) in [(rules.clone(), 0), (rules.replace("for: 5m", "for: 1m"), 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tests.yaml"), tests).expect("a file");
        fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
        let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
        let output = command.current_dir(folder.path()).args(["test", "tests.yaml"]).output().expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_recorded_files_are_read_as_written() {
    let blocks = blocks();
    let [_, _, evidence, ..] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
    let folder = tempfile::tempdir().expect("a folder");
    let head = "firedrill: replay/1\ntitle: t\nstart: 2026-01-10T12:00:00Z\nend: 2026-01-10T13:00:00Z\n\
                targets:\n  envoy: {labels: {job: envoy}, scrape: 30s}\n";
    let up = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"api"},"values":[[1768046400,"1"]]}]}}"#;
    let trace = "[2026-01-10 12:20:00.123][1][debug] [C1] immediate connect error: 99\n";
    for (name, text) in [
        ("replay.yaml", &*format!("{head}{evidence}")),
        ("up.json", up),
        ("panel.csv", "Time,errors\n2026-01-10 13:00:00,7\n"),
        ("envoy.log", trace),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    for (query, at, answer) in [
        ("up{job=\"api\"}", "12:00", "up{job=\"api\"}  1\n"),
        ("api_errors_total", "12:00", "api_errors_total{job=\"api\"}  7\n"),
        ("connect_fail_total", "12:21", "connect_fail_total{job=\"envoy\"}  1\n"),
    ] {
        let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
        let arguments = ["query", query, "--replay", ".", "--at", at];
        let output = command.current_dir(folder.path()).args(arguments).output().expect("the binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), answer, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_test_of_loki_rules_passes_as_written_and_fails_with_another_rule() {
    let blocks = blocks();
    let [_, _, _, _, tests, rules, ..] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
    for (rules, code) in [(rules.clone(), 0), (rules.replace("> 5", "> 8"), 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tests.yaml"), tests).expect("a file");
        fs::write(folder.path().join("shop.yaml"), rules).expect("a file");
        let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
        let output = command.current_dir(folder.path()).args(["test", "tests.yaml"]).output().expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("BLIND"), "{text}");
    }
}

#[test]
fn the_runbook_names_the_cause_that_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let blocks = blocks();
    let runbook = blocks.iter().find(|block| block.starts_with("firedrill: runbook/1")).expect("a runbook");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t3.yaml");
    fs::write(&path, runbook).expect("a file");
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let replay = ["--replay", "incidents/t3-drop-attribution", "--variant", "last-mile", "--at", "18:20"];
    let output = command.current_dir(root).arg("triage").arg(&path).args(replay).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("cause: the user's last mile or device\n"), "{text}");
    assert!(text.contains("60 (3 series) = min by (leg)"), "{text}");
}
