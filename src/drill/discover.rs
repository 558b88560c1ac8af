//! Finding what can be tested: replays among the YAML files of a folder.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::text::yaml::io_reason;
use crate::text::{Diagnostic, Severity};

/// What a YAML file is, judged by its keys at the left margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `firedrill: replay/1` is the first key.
    Replay,
    /// A test file of promtool or vmalert-tool (`rule_files`, `tests`).
    UnitTest,
    /// Nothing that can be tested: rules, configuration, other people's YAML.
    Other,
}

/// Files found below the given paths, each list in the order of the paths.
#[derive(Debug, Default)]
pub struct Found {
    pub replays: Vec<PathBuf>,
    /// YAML files in searched folders that are no replays.
    pub skipped: Vec<PathBuf>,
}

/// Judges a file by its text.
pub fn recognise(text: &str) -> FileKind {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut keys = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"' || c == '\''))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key.trim().trim_matches(['"', '\'']));
    match keys.next() {
        Some("firedrill") => FileKind::Replay,
        Some("rule_files" | "tests" | "evaluation_interval" | "group_eval_order") => FileKind::UnitTest,
        Some(_) if keys.any(|key| key == "tests") => FileKind::UnitTest,
        _ => FileKind::Other,
    }
}

/// Searches `paths`: a folder is searched for YAML files, a file is taken as it is and has to be a replay.
///
/// Errors: a path that cannot be read, a named file that is no replay, no replay at all.
pub fn find(paths: &[PathBuf]) -> Result<Found, Vec<Diagnostic>> {
    let mut found = Found::default();
    let mut errors = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut found, &mut errors);
        } else {
            match read(path) {
                Ok(text) => match recognise(&text) {
                    FileKind::Replay => found.replays.push(path.clone()),
                    kind => errors.push(not_a_replay(path, kind)),
                },
                Err(error) => errors.push(error),
            }
        }
    }
    found.replays.dedup();
    let mut seen = std::collections::HashSet::new();
    found.replays.retain(|path| seen.insert(path.clone()));
    if found.replays.is_empty() && errors.is_empty() {
        let places = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        errors
            .push(Diagnostic::error(format!("no replay found in {places}")).help(
                "a replay is a YAML file whose first key is `firedrill: replay/1`; name a folder that holds one",
            ));
    }
    if errors.iter().any(|error| error.severity == Severity::Error) { Err(errors) } else { Ok(found) }
}

/// The one replay that a path names: a file, or a folder with a single replay in it.
pub fn find_one(path: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
    let found = find(&[path.to_owned()])?;
    match &found.replays[..] {
        [one] => Ok(one.clone()),
        several => {
            Err(vec![Diagnostic::error(format!("{} holds {} replays", path.display(), several.len())).help(format!(
                "name one of them: {}",
                several.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
            ))])
        }
    }
}

fn search(folder: &Path, found: &mut Found, errors: &mut Vec<Diagnostic>) {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.') && name.len() > 1;
    let walk = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !(hidden(entry.file_name()) || entry.file_name() == "target"));
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                errors.push(Diagnostic::error(format!("cannot search {}: {error}", folder.display())));
                continue;
            }
        };
        // People know a file of this folder as `a.yaml`, not as `./a.yaml`.
        let path = entry.path();
        let path = path.strip_prefix(".").unwrap_or(path);
        let path = path.strip_prefix(".").unwrap_or(path);
        let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if !yaml || !entry.file_type().is_file() {
            continue;
        }
        // What cannot be read as text is no replay; a named file would say why.
        match read(path).map(|text| recognise(&text)) {
            Ok(FileKind::Replay) => found.replays.push(path.to_owned()),
            _ => found.skipped.push(path.to_owned()),
        }
    }
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(Diagnostic::error(format!("cannot read {}: {}", path.display(), io_reason(&error)))
            .help("name a replay, or a folder that holds some")),
    }
}

fn not_a_replay(path: &Path, kind: FileKind) -> Diagnostic {
    let name = path.display();
    match kind {
        FileKind::UnitTest => Diagnostic::error(format!("{name} is a unit test file of promtool or vmalert-tool"))
            .help("these are not supported yet; run it with promtool, or tell the incident as a replay"),
        _ => {
            Diagnostic::error(format!("{name} is no replay")).help("the first key of a replay is `firedrill: replay/1`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_keys() {
        assert_eq!(recognise("# a day\nfiredrill: replay/1\n"), FileKind::Replay);
        assert_eq!(recognise("rule_files: [a.yaml]\ntests:\n"), FileKind::UnitTest);
        assert_eq!(recognise("fuzzy_compare: true\ntests:\n"), FileKind::UnitTest);
        assert_eq!(recognise("groups:\n- name: x\n"), FileKind::Other);
        assert_eq!(recognise(""), FileKind::Other);
    }
}
