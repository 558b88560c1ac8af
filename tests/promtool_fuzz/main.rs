//! Random test files through firedrill and through promtool: every test group has one verdict.
//!
//! What a group yields is asked of firedrill, so that most expectations are right; some are then made wrong. promtool judges
//! both. `FIREDRILL_FUZZ_FILES` says how many files (300), `FIREDRILL_FUZZ_SEED` with which one to begin (1).

#[path = "../common/mod.rs"]
mod common;
mod expectations;
mod generate;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Whether each group holds, by the name of its file and its own.
type Verdicts = BTreeMap<(String, String), bool>;

/// Reads JUnit XML, of which no name needs an escape here.
fn verdicts(report: &Path) -> Verdicts {
    let report = std::fs::read_to_string(report).expect("a report");
    let mut found = Verdicts::new();
    for suite in report.split("<testsuite name=\"").skip(1) {
        let (file, rest) = suite.split_once('"').expect("a name");
        for case in rest.split("<testcase name=\"").skip(1) {
            let (group, rest) = case.split_once('"').expect("a name");
            let before = found.insert((file.to_owned(), group.to_owned()), !rest.contains("<failure"));
            assert!(before.is_none(), "{file} has {group} twice");
        }
    }
    found
}

#[test]
fn random_test_files_have_promtools_verdicts() {
    let Some(promtool) = common::peer("promtool") else { return };
    let (files, first) = (number("FIREDRILL_FUZZ_FILES", 300), number("FIREDRILL_FUZZ_SEED", 1));
    let folder = tempfile::tempdir().expect("a folder");
    let run = |program: &Path, verb: &[&str], report: &str, files: &[String]| {
        let mut command = Command::new(program);
        let output = command.current_dir(folder.path()).args(verb).args(["--junit", report]).args(files).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        // Labels that grow from tick to tick are more than promtool bears.
        if said.contains("panic: String too long to encode as label") {
            return None;
        }
        assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
        Some(verdicts(&folder.path().join(report)))
    };
    let ask = |files: &[String]| run(&promtool, &["test", "rules"], "promtool.xml", files);
    let mut different = Vec::new();
    let (mut holding, mut all, mut chance, mut beyond) = (0, 0, 0, 0);
    // Arguments of a program have a limit.
    let seeds: Vec<u64> = (first..first + files).collect();
    for seeds in seeds.chunks(100) {
        let mut names: Vec<String> = seeds.iter().map(|seed| expectations::write(folder.path(), *seed)).collect();
        let theirs = ask(&names).unwrap_or_else(|| {
            names.retain(|name| ask(std::slice::from_ref(name)).is_some());
            beyond += seeds.len() - names.len();
            ask(&names).expect("each of them is borne")
        });
        let ours = run(&assert_cmd::cargo::cargo_bin("firedrill"), &["test"], "firedrill.xml", &names).expect("ours");
        assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "other groups ran");
        all += theirs.len();
        holding += theirs.values().filter(|holds| **holds).count();
        for (group, holds) in theirs.into_iter().filter(|(group, holds)| ours[group] != *holds) {
            // promtool goes through maps of Go in another order each time: it may think so at another time.
            match (0..30).any(|_| ask(std::slice::from_ref(&group.0)).is_some_and(|again| again[&group] != holds)) {
                true => chance += 1,
                false => different.push((group, holds)),
            }
        }
    }
    println!(
        "{all} groups, {holding} of which hold; of {chance} promtool thinks now this, now that, {beyond} files it does not bear"
    );
    if !different.is_empty() {
        let kept = folder.keep();
        panic!(
            "{} of {all} groups are judged otherwise, kept in {}; promtool: {different:#?}",
            different.len(),
            kept.display()
        );
    }
    // Expectations that are all right, or all wrong, would test little.
    assert!(holding * 5 > all && holding * 5 < 4 * all, "{holding} of {all} groups hold");
    assert!(chance * 100 <= all, "{chance} of {all} groups are left to chance");
}
