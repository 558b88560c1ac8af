//! promtool on the same files, where it is installed.

use std::process::Command;

use tempfile::TempDir;

use super::common;

/// Whether promtool passes `tests.yaml`; `None` where there is no promtool.
pub fn passes(folder: &TempDir) -> Option<bool> {
    let promtool = common::peer("promtool")?;
    let mut command = Command::new(promtool);
    let output = command.current_dir(folder.path()).args(["test", "rules", "tests.yaml"]).output();
    Some(output.expect("promtool runs").status.success())
}
