//! Unit test files through the real binary: what firedrill adds to promtool's, what it warns of, what it refuses.

use std::fs;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

#[path = "../common/mod.rs"]
mod common;
mod extensions;
mod promtool;
mod traps;
mod unusual;

/// A folder with `rules.yaml` and `tests.yaml`.
fn folder(rules: &str, tests: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
    fs::write(folder.path().join("tests.yaml"), tests).expect("a file");
    folder
}

/// Runs `firedrill test tests.yaml` with more arguments.
fn run(folder: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let command = command.current_dir(folder.path()).args(["test", "tests.yaml"]).args(args);
    command.env("NO_COLOR", "1").env_remove("COLUMNS").output().expect("the binary runs")
}

/// The exit code, what went to stdout, what went to stderr.
fn told(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let output = run(folder, args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
