//! The real binary, driven over folders that a test writes and over the incidents of this repository, as they are or changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// The root of the repository.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with these files.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("files lie in folders")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// Runs the binary in a folder, without colours, a terminal's width and a date that builds are to have.
pub fn firedrill(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let command = command.current_dir(folder).args(args).env("NO_COLOR", "1");
    command.env_remove("COLUMNS").env_remove("SOURCE_DATE_EPOCH").output().expect("the binary runs")
}

/// The number of the line of the vmagent replay that contains a text.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn line_of(text: &str) -> usize {
    let replay = fs::read_to_string(root().join("incidents/vmagent-remote-write/replay.yaml")).expect("a replay");
    replay.lines().position(|line| line.contains(text)).expect(text) + 1
}

#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was printed on either of the two.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn told(output: &Output) -> String {
    stdout(output) + &String::from_utf8_lossy(&output.stderr)
}

/// A copy of the vmagent incident with its rules and its runbook, in which `from` is replaced by `to` in one file.
#[allow(dead_code, reason = "each test binary uses its part of this module")]
pub fn changed(file: &str, from: &str, to: &str) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let mut found = false;
    for path in [
        "incidents/vmagent-remote-write/replay.yaml",
        "incidents/vmagent-remote-write/incident.md",
        "rules/vmagent.yaml",
        "rules/vmagent-logs.yaml",
        "runbooks/vmagent.yaml",
    ] {
        let text = fs::read_to_string(root().join(path)).expect(path);
        let has_it = path.ends_with(file) && text.contains(from);
        found |= has_it;
        let text = if has_it { text.replace(from, to) } else { text };
        let target = copy.path().join(path);
        fs::create_dir_all(target.parent().expect("files lie in folders")).expect("a folder");
        fs::write(target, text).expect("a file");
    }
    assert!(found, "{file} no longer contains {from:?}");
    copy
}
