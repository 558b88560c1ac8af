//! Unit test files of real projects have the verdicts that promtool gives them: exit code, and every group.

mod common;

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// How firedrill's verdict on a file differs from promtool's, if it does.
fn difference(kit: &Path, recorded: &Value) -> Option<String> {
    let file = kit.join(recorded["file"].as_str()?);
    let (folder, name) = (file.parent()?, file.file_name()?);
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let output = command.current_dir(folder).arg("test").arg(name).args(["--format", "json"]).output().ok()?;
    let code = output.status.code().unwrap_or(-1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let told: Vec<(&str, &str)> = report["unit_tests"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| Some((group["name"].as_str()?, group["verdict"].as_str()?)))
        .collect();
    let wanted: Option<Vec<(&str, &str)>> = recorded["groups"]
        .as_array()
        .map(|groups| groups.iter().filter_map(|group| Some((group[0].as_str()?, group[1].as_str()?))).collect());
    let agrees = (code == 0) == (recorded["exit"] == 0) && wanted.as_ref().is_none_or(|wanted| *wanted == told);
    (!agrees).then(|| format!("{}: exit {code}, groups {told:?}; promtool: {recorded}", file.display()))
}

#[test]
fn files_of_real_projects_have_promtools_verdicts() {
    let Some(kit) = common::kit("promtool") else { return };
    let verdicts = std::fs::read(kit.join("verdicts.json")).expect("the recorded verdicts");
    let verdicts: Vec<Value> = serde_json::from_slice(&verdicts).expect("a list of verdicts");
    let differences: Vec<String> = verdicts.iter().filter_map(|recorded| difference(&kit, recorded)).collect();
    let agreeing = verdicts.len() - differences.len();
    println!("{agreeing} of {} files have promtool's verdict\n{}", verdicts.len(), differences.join("\n"));
    let floor = common::floor("promtool-files");
    assert!(agreeing >= floor, "{agreeing} files agree, below the floor of {floor}\n{}", differences.join("\n"));
}
