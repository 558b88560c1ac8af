//! Scripts of PromQL's behaviour: our own in `tests/promql` pass, of upstream's no fewer than before.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use firedrill::promql::script::{self, Case, Outcome};
use firedrill::text::Source;

/// The scripts of a folder, sorted by name.
fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    files
}

fn run(file: &Path) -> Vec<Case> {
    let source = Source::new(file.display().to_string(), fs::read_to_string(file).unwrap());
    let commands = script::parse(&source).unwrap_or_else(|error| panic!("{}", error.render(false)));
    script::run(&commands)
}

// Expected values of these scripts: promtool 3.14 over the same samples, or arithmetic.
#[test]
fn our_scripts_pass() {
    let files = scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql"));
    assert!(!files.is_empty());
    for file in files {
        for case in run(&file) {
            assert_eq!(case.outcome, Outcome::Passed, "{}:{}: {}", file.display(), case.line, case.expr);
        }
    }
}

#[test]
fn upstream_scripts_pass_as_far_as_they_did() {
    let Some(folder) = common::kit("promql") else { return };
    let mut passed = 0;
    let mut failed = Vec::new();
    for file in scripts(&folder) {
        for case in run(&file) {
            match case.outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed(reason) => {
                    failed.push(format!("{}:{}: {}: {reason}", file.display(), case.line, case.expr));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} fail:\n{}", failed.len(), failed.join("\n"));
    let floor = common::floor("promql");
    assert!(passed >= floor, "{passed} pass, below the floor of {floor} in tests/conformance_counts.toml");
    println!("{passed} cases pass, the floor is {floor}");
}
