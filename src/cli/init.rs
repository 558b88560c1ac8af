//! `firedrill init`: an example in an empty folder, or the settings for a repository that has rules.

use std::path::Path;

use super::paths::make_folder;
use super::{Exit, output};
use crate::config::Config;
use crate::drill::discover;
use crate::skeleton::Library;
use crate::text::Diagnostic;

/// Begin: an example that passes in an empty folder, settings where there are rules
#[derive(clap::Args)]
#[command(after_help = "Example:
  mkdir drills && cd drills && firedrill init && firedrill test

Nothing is overwritten. In a folder with rule files only firedrill.yaml is written.")]
pub struct Args {}

/// The files of the example, by their paths.
const EXAMPLE: [(&str, &str); 4] = [
    ("firedrill.yaml", include_str!("example/firedrill.yaml")),
    ("rules/shop.yaml", include_str!("example/rules.yaml")),
    ("incidents/shop-errors/incident.md", include_str!("example/incident.md")),
    ("incidents/shop-errors/replay.yaml", include_str!("example/replay.yaml")),
];

/// The settings of a repository with rules.
const SETTINGS: &str = include_str!("example/settings.yaml");

pub fn run(_: Args) -> Exit {
    output::finish(init())
}

fn init() -> Result<String, Vec<Diagnostic>> {
    if Path::new("firedrill.yaml").exists() {
        let problem = Diagnostic::error("firedrill.yaml is there already");
        return Err(vec![problem.help("firedrill test runs what it names; remove it to begin anew")]);
    }
    let (files, problems) = discover::yaml_files(Path::new("."));
    if !problems.is_empty() {
        return Err(problems);
    }
    let rules = discover::rule_files(&files);
    if rules.is_empty() { example() } else { settings(&Library::read(&rules, &Config::default()), rules.len()) }
}

fn example() -> Result<String, Vec<Diagnostic>> {
    // A file where a folder has to be is in the way as well.
    let in_the_way = |path: &'static str| {
        let folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let file = folders.filter(|folder| folder.exists() && !folder.is_dir()).last();
        file.or(Some(Path::new(path)).filter(|path| path.exists()))
    };
    let mut taken: Vec<&Path> = EXAMPLE.iter().filter_map(|(path, _)| in_the_way(path)).collect();
    taken.dedup();
    let taken: Vec<Diagnostic> = taken
        .iter()
        .map(|path| Diagnostic::error(format!("{} is there already", path.display())).help("begin in an empty folder"))
        .collect();
    if !taken.is_empty() {
        return Err(taken);
    }
    let mut told = String::new();
    for (path, text) in EXAMPLE {
        let path = Path::new(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder).map_err(|problem| vec![problem])?;
        output::write_file(path, text).map_err(|problem| vec![problem])?;
        told += &format!("wrote {}\n", path.display());
    }
    told += "
next
  firedrill test                                      the example passes: the day of the incident, and its control
  firedrill show incidents/shop-errors                what the alert did that day
  firedrill new replay --alert NAME --rules FILE      a replay for a rule of yours
in CI
  firedrill test --junit firedrill.xml                exit code 0: all holds, 1: something fell short, 2: unreadable\n";
    Ok(told)
}

fn settings(library: &Library, files: usize) -> Result<String, Vec<Diagnostic>> {
    output::write_file(Path::new("firedrill.yaml"), SETTINGS).map_err(|problem| vec![problem])?;
    let alerts = library.alerts().count();
    let mut told = format!("wrote firedrill.yaml: {alerts} alerts in {files} rule files here\n");
    // Other programs have files with groups as well; of each that is no rule file, the first problem.
    let mut unread: Vec<&str> = Vec::new();
    for problem in &library.problems {
        let name = problem.place.as_ref().map_or("", |(source, _)| source.name());
        if !unread.contains(&name) {
            unread.push(name);
            told += &format!("  not read: {problem}\n");
        }
    }
    told += "\nnext\n";
    // One whose name nothing else has.
    let names = || library.alerts().map(|(_, rule)| rule.name.value.as_str());
    let alone = names().find(|name| names().filter(|other| other == name).count() == 1);
    if let Some(alert) = alone.or(names().next()) {
        told += &format!("  firedrill new replay --alert {alert}\n");
    }
    told += "  firedrill test\nin CI\n  firedrill test --junit firedrill.xml\n";
    Ok(told)
}
