//! Finding what can be tested: replays and unit test files among the YAML files of a folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::config::{self, Config};
use crate::text::yaml::{self, io_reason};
use crate::text::{Diagnostic, Source};
use crate::{rules, triage};

/// What a YAML file is, judged by its keys at the left margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `firedrill: replay/1` is the first key.
    Replay,
    /// A test file of promtool or vmalert-tool (`rule_files`, `tests`).
    UnitTest,
    /// A runbook that a machine runs, which replays may ask.
    Runbook,
    /// Nothing that can be tested: rules, configuration, other people's YAML.
    Other,
}

/// Files found below the given paths, each list in the order of the paths.
#[derive(Debug, Default)]
pub struct Found {
    pub replays: Vec<PathBuf>,
    pub unit_tests: Vec<PathBuf>,
    pub runbooks: Vec<PathBuf>,
    /// YAML files in searched folders that are none of these.
    pub skipped: Vec<PathBuf>,
}

impl Found {
    fn add(&mut self, kind: FileKind, path: PathBuf) {
        let list = match kind {
            FileKind::Replay => &mut self.replays,
            FileKind::UnitTest => &mut self.unit_tests,
            FileKind::Runbook => &mut self.runbooks,
            FileKind::Other => &mut self.skipped,
        };
        list.push(path);
    }

    /// Whether there is nothing to test.
    pub fn is_empty(&self) -> bool {
        self.replays.is_empty() && self.unit_tests.is_empty()
    }
}

/// Fields of a unit test file, and fields of the items of its `tests`.
const TEST_FILE_FIELDS: [&str; 5] = ["rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests"];
const TEST_GROUP_FIELDS: [&str; 6] =
    ["input_series", "input_streams", "alert_rule_test", "promql_expr_test", "metricsql_expr_test", "logql_expr_test"];

/// Judges a file by its text.
pub fn recognise(text: &str) -> FileKind {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut keys = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"' || c == '\''))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key.trim().trim_matches(['"', '\'']))
        .peekable();
    if keys.peek() == Some(&"firedrill") {
        // What is neither says so itself.
        return if triage::is_runbook(text) { FileKind::Runbook } else { FileKind::Replay };
    }
    let keys: Vec<&str> = keys.collect();
    let tests = keys.contains(&"tests");
    // Prometheus' own configuration has `rule_files` too, and tests of other tools are lists of `tests`.
    let is_test = match tests {
        true => keys.contains(&"rule_files") || TEST_GROUP_FIELDS.iter().any(|field| text.contains(field)),
        false => keys.contains(&"rule_files") && keys.iter().all(|key| TEST_FILE_FIELDS.contains(key)),
    };
    if is_test { FileKind::UnitTest } else { FileKind::Other }
}

/// Judges a file that somebody named: whatever may be meant as a test file is one, so that its faults are told.
fn recognise_named(path: &Path, text: &str) -> FileKind {
    let kind = recognise(text);
    if kind != FileKind::Other {
        return kind;
    }
    let source = Source::new(path.display().to_string(), text);
    let Ok(documents) = yaml::read_documents(&source) else {
        // A file that is no YAML: the reader of test files says where.
        let hints = TEST_FILE_FIELDS.iter().any(|field| text.contains(field));
        return if hints { FileKind::UnitTest } else { FileKind::Other };
    };
    let Some(document) = documents.first() else { return FileKind::Other };
    let of_prometheus = ["global", "scrape_configs", "groups"].iter().any(|key| document.get(key).is_some());
    let of_tests = TEST_FILE_FIELDS.iter().any(|key| document.get(key).is_some());
    if of_tests && !of_prometheus { FileKind::UnitTest } else { FileKind::Other }
}

/// Searches `paths`: a folder is searched for YAML files, a file is taken as it is and has to be one that can be tested.
///
/// Errors: a path that cannot be read, a named file that is neither a replay nor a unit test file, nothing to test at all.
pub fn find(paths: &[PathBuf]) -> Result<Found, Vec<Diagnostic>> {
    let mut found = Found::default();
    let mut errors = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut found, &mut errors);
            continue;
        }
        match read(path).map(|text| (recognise_named(path, &text), text)) {
            Ok((FileKind::Other | FileKind::Runbook, text)) => errors.push(untestable(path, &text)),
            Ok((kind, _)) => found.add(kind, path.clone()),
            Err(error) => errors.push(error),
        }
    }
    for list in [&mut found.replays, &mut found.unit_tests] {
        let mut seen = std::collections::HashSet::new();
        list.retain(|path| seen.insert(path.clone()));
    }
    if found.is_empty() && errors.is_empty() {
        let places = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        let problem = Diagnostic::error(format!("no replay and no unit test file found in {places}"));
        let templates = |path: &&PathBuf| {
            // Configurations of other programs have templates too; those of a chart lie in a folder of this name.
            let in_chart = || std::path::absolute(path).is_ok_and(|path| path.iter().any(|part| part == "templates"));
            read(path).is_ok_and(|text| rules::looks_like_helm(&text) && (text.contains("expr:") || in_chart()))
        };
        if let Some(template) = found.skipped.iter().find(templates) {
            let text = format!(
                "{} looks like a Helm template: set `render` in firedrill.yaml, and test what it writes",
                template.display()
            );
            errors.push(Diagnostic::warning(text));
        }
        let rules = rule_files(&found.skipped).len();
        let begin = match rules {
            0 => "",
            _ => "; there are rules here: `firedrill new replay --alert NAME` makes a replay for one",
        };
        errors.push(problem.help(format!(
            "a replay is a YAML file whose first key is `firedrill: replay/1`; a unit test file of promtool has \
             `rule_files:` and `tests:`; name a folder that holds one{begin}",
        )));
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The replays below the paths, as `find` has them, where having none is no error; and what cannot be searched.
pub fn replays(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let (mut found, mut errors) = (Found::default(), Vec::new());
    for path in paths {
        match path.is_dir() {
            true => search(path, &mut found, &mut errors),
            false => found.replays.push(path.clone()),
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.replays.retain(|path| seen.insert(path.clone()));
    (found.replays, errors)
}

/// The one replay that a path names: a file, or a folder with a single replay in it.
pub fn find_one(path: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
    let found = find(&[path.to_owned()])?;
    match &found.replays[..] {
        [one] => Ok(one.clone()),
        [] => Err(vec![
            Diagnostic::error(format!("{} is no replay", path.display()))
                .help("the first key of a replay is `firedrill: replay/1`"),
        ]),
        several => {
            Err(vec![Diagnostic::error(format!("{} holds {} replays", path.display(), several.len())).help(format!(
                "name one of them: {}",
                several.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
            ))])
        }
    }
}

fn search(folder: &Path, found: &mut Found, errors: &mut Vec<Diagnostic>) {
    let (paths, problems) = yaml_files(folder);
    errors.extend(problems);
    for path in paths {
        // What cannot be read is neither; a named file would say why.
        match read(&path).map(|text| recognise(&text)) {
            Ok(kind) => found.add(kind, path),
            Err(_) => found.skipped.push(path),
        }
    }
}

/// The YAML files below a folder, sorted, those in hidden folders and in `target` left out; and what cannot be searched.
pub fn yaml_files(folder: &Path) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let (mut paths, mut problems) = (Vec::new(), Vec::new());
    for entry in entries(folder) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(Diagnostic::error(format!("cannot search {}: {error}", folder.display())));
                continue;
            }
        };
        let path = shown(entry.path());
        let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if yaml && entry.file_type().is_file() {
            paths.push(path.to_owned());
        }
    }
    (paths, problems)
}

fn entries(folder: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.') && name.len() > 1;
    WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(move |entry| entry.depth() == 0 || !(hidden(entry.file_name()) || entry.file_name() == "target"))
}

/// People know a file of this folder as `a.yaml`, not as `./a.yaml`.
fn shown(path: &Path) -> &Path {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.strip_prefix(".").unwrap_or(path)
}

/// Places of `languages` that mean no file: what somebody wanted to say of their rules is not said.
pub fn idle_languages(config: &Config) -> Vec<Diagnostic> {
    let means_a_file = |place: &str| {
        if !place.contains(['*', '?', '[']) {
            return Path::new(place).exists();
        }
        let fixed: PathBuf =
            Path::new(place).iter().take_while(|part| !part.to_string_lossy().contains(['*', '?', '['])).collect();
        let folder = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
        let files = entries(folder).filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
        files.into_iter().any(|entry| config::fits(place, shown(entry.path())))
    };
    let idle = config.languages.iter().filter(|(place, _)| !means_a_file(place));
    idle.map(|(place, _)| {
        let problem = Diagnostic::warning(format!("`languages`: no file matches {}", place.value));
        place.diagnose_all(problem.help("paths are relative to the folder of firedrill.yaml; `**` stands for folders"))
    })
    .collect()
}

/// The files among them that hold rules, judged by their text: `groups` at the left margin, or a manifest of rules.
pub fn rule_files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let holds_rules = |path: &&PathBuf| {
        let text = read(path).unwrap_or_default();
        let groups = text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("groups:"));
        let manifest = ["PrometheusRule", "VMRule"].iter().any(|kind| text.contains(kind)) && text.contains("groups:");
        (groups || manifest) && recognise(&text) == FileKind::Other
    };
    paths.iter().filter(holds_rules).cloned().collect()
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    // The readers refuse what is larger, and say so.
    let limited = |file: std::fs::File| {
        let mut bytes = Vec::new();
        file.take(yaml::MAX_FILE_BYTES).read_to_end(&mut bytes).map(|_| bytes)
    };
    match std::fs::File::open(path).and_then(limited) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(Diagnostic::error(format!("cannot read {}: {}", path.display(), io_reason(&error)))
            .help("name a replay, a unit test file, or a folder that holds some")),
    }
}

fn untestable(path: &Path, text: &str) -> Diagnostic {
    let name = path.display();
    let problem = match text.trim().is_empty() {
        true => Diagnostic::error(format!("{name} is empty")),
        false => Diagnostic::error(format!("{name} is neither a replay nor a unit test file")),
    };
    if triage::is_runbook(text) {
        let problem = Diagnostic::error(format!("{name} is a runbook, and tests nothing by itself"));
        return problem.help(format!("name it in a replay's `expect.triage`, or ask it: firedrill triage {name}"));
    }
    problem.help("the first key of a replay is `firedrill: replay/1`; a unit test file has `rule_files:` and `tests:`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_keys() {
        assert_eq!(recognise("# a day\nfiredrill: replay/1\n"), FileKind::Replay);
        assert_eq!(recognise("rule_files: [a.yaml]\ntests:\n"), FileKind::UnitTest);
        assert_eq!(recognise("tests:\n- input_series: []\n"), FileKind::UnitTest);
        assert_eq!(recognise("rule_files: [a.yaml]\nscrape_configs: []\n"), FileKind::Other);
        assert_eq!(recognise("suite: chart\ntests:\n- it: renders\n"), FileKind::Other);
        assert_eq!(recognise("groups:\n- name: x\n"), FileKind::Other);
        assert_eq!(recognise("firedrill: runbook/1\n"), FileKind::Runbook);
        assert_eq!(recognise(""), FileKind::Other);
    }

    #[test]
    fn a_named_file_that_may_be_meant_as_a_test_is_one() {
        let named = |text| recognise_named(Path::new("t.yaml"), text);
        assert_eq!(named("{rule_files: [a.yaml], tests: []}"), FileKind::UnitTest);
        assert_eq!(named("rule_files: [a.yaml]\ntest: []\n"), FileKind::UnitTest);
        assert_eq!(named("rule_files:\n\t- a.yaml\n"), FileKind::UnitTest);
        assert_eq!(named("global: {}\nrule_files: []\n"), FileKind::Other);
    }
}
