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
    let [replay, rules, _] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
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
    let [_, rules, tests] = &blocks[..] else { panic!("the README has {} YAML blocks", blocks.len()) };
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
