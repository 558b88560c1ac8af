//! `firedrill test --convert`: the groups of a promtool test file as replays.

use std::path::Path;

use super::paths::{folder_path, make_folder, relative};
use super::{Exit, output};
use crate::config::Config;
use crate::drill;
use crate::drill::verdict::Verdict;
use crate::export::replay_of;
use crate::promql::eval::Profile;
use crate::replay::Limits;
use crate::rules::ReadOptions;
use crate::text::{Diagnostic, Source};
use crate::unit_test::{self, Dialect, Options, RuleFiles, Rules, TestFile, TestGroup};

/// How files are read and run.
pub struct Setup<'a> {
    pub config: &'a Config,
    pub profile: &'a Profile,
    pub rule_files: ReadOptions,
    pub limits: Limits,
}

/// Converts a test file, into a folder or to standard output.
pub fn run(file: &Path, folder: Option<&Path>, setup: &Setup<'_>) -> Exit {
    output::finish(convert(file, folder, setup))
}

fn convert(path: &Path, folder: Option<&Path>, setup: &Setup<'_>) -> Result<String, Vec<Diagnostic>> {
    let file = unit_test::read(&setup.config.read_file(path).map_err(|problem| vec![problem])?)?;
    if file.dialect != Dialect::Promtool {
        let message = format!("{} is a test file of vmalert-tool", path.display());
        return Err(vec![Diagnostic::error(message).help("only those of promtool are converted")]);
    }
    let rules = RuleFiles::new(setup.config, setup.rule_files.clone()).rules(&file)?;
    output::warn(&rules.warnings);
    let mut problems = rules.errors.clone();
    problems.extend(rules.unmatched.iter().map(|pattern| pattern.diagnose_all(Diagnostic::error("no such file"))));
    if !problems.is_empty() {
        return Err(problems);
    }
    if folder.is_none() && file.groups.len() != 1 {
        let message = format!("{} has {} test groups, and each becomes a replay", path.display(), file.groups.len());
        return Err(vec![Diagnostic::error(message).help("add `-o FOLDER`, into which they are written")]);
    }
    let shown = folder.unwrap_or(Path::new(""));
    let absolute = match folder {
        Some(folder) => make_folder(folder),
        None => folder_path(Path::new(".")),
    };
    let absolute = absolute.map_err(|problem| vec![problem])?;
    let mut rule_files: Vec<String> = Vec::new();
    for group in &rules.groups {
        let named = relative(Path::new(group.file.name()), &absolute).map_err(|problem| vec![problem])?;
        if !rule_files.contains(&named) {
            rule_files.push(named);
        }
    }
    let mut out = String::new();
    for (at, group) in file.groups.iter().enumerate() {
        let converted = replay_of(&file, group, &rules, &rule_files, setup.limits.max_samples)?;
        output::warn(&converted.warnings);
        let name = shown.join(file_name(path, group, at)).display().to_string();
        let source = Source::new(name, converted.text);
        output::warn(&compared(&file, group, &rules, &source, setup)?);
        if folder.is_none() {
            return Ok(source.text().to_owned());
        }
        output::write_file(Path::new(source.name()), source.text()).map_err(|problem| vec![problem])?;
        out += &format!("{}\n", source.name());
    }
    Ok(out)
}

/// Runs both, and says where they come out differently.
fn compared(
    file: &TestFile,
    group: &TestGroup,
    rules: &Rules,
    source: &Source,
    setup: &Setup<'_>,
) -> Result<Option<Diagnostic>, Vec<Diagnostic>> {
    let options = Options { profile: setup.profile.clone(), max_samples: setup.limits.max_samples, strict: false };
    let tested = unit_test::run(file, group, rules, &options);
    let incident = drill::load_source(source, setup.config)?;
    let day = incident.replay.variant(None)?;
    let drilled = drill::run(&incident, &day, setup.limits)?;
    let holds = tested.failures.is_empty();
    if holds && drilled.verdict() == Verdict::Pass {
        return Ok(None);
    }
    let short: Vec<&str> = drilled
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Pass)
        .map(|check| check.summary.as_str())
        .take(3)
        .collect();
    let (message, help) = match (holds, drilled.verdict()) {
        (true, Verdict::Blind) => (
            "this test group holds, and proves nothing: its replay is BLIND".to_owned(),
            format!("{}; add such series, or say `blind: \"reason\"`", short.join("; ")),
        ),
        (true, _) => ("this test group holds, and its replay does not".to_owned(), short.join("; ")),
        (false, Verdict::Fail) => ("this test group does not hold, nor does its replay".to_owned(), short.join("; ")),
        (false, _) => {
            let failed = tested.failures.iter().map(|failure| failure.subject.as_str()).take(3).collect::<Vec<_>>();
            ("this test group does not hold, and its replay does".to_owned(), failed.join("; "))
        }
    };
    Ok(Some(Diagnostic::warning(message).at(&file.source, group.span).help(help)))
}

/// `alerts_test-1-disk-fills-up.yaml`: the test file's name, the group's position and its name.
fn file_name(path: &Path, group: &TestGroup, at: usize) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_end_matches(".test");
    let name: String = group.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(60).collect();
    format!("{stem}-{}-{}.yaml", at + 1, name.trim_matches('-'))
}
