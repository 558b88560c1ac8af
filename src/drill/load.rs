//! Reading an incident: its replay and the rule files that it names.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::incident::MAX_DOCUMENT_BYTES;
use crate::labels::Labels;
use crate::replay::{self, Day, Replay};
use crate::rules::{self, Group, Language, ReadOptions, RuleFile};
use crate::text::{Diagnostic, Source};

use super::documents::Documents;

/// A replay and the rules under test.
#[derive(Clone, Debug)]
pub struct Incident {
    pub replay: Replay,
    pub groups: Vec<Group>,
    /// Those of the settings; a replay's own come over them.
    pub external_labels: Labels,
    /// What was written about it.
    pub documents: Documents,
    /// What is odd in the rule files and no error, and what in them is not tested.
    pub warnings: Vec<Diagnostic>,
    /// The folder's name, or the file's where it is not called `replay.yaml`.
    pub name: String,
}

impl Incident {
    /// `incident/variant`; the base day is called `day`.
    pub fn drill_name(&self, day: &Day) -> String {
        format!("{}/{}", self.name, day.name.as_deref().unwrap_or("day"))
    }

    /// The base day and all variants, in the order of the file.
    pub fn days(&self) -> impl ExactSizeIterator<Item = &Arc<Day>> {
        self.replay.days()
    }
}

/// Names incidents by their paths where two have the same name, so that every drill has a name of its own.
pub fn tell_apart(incidents: &mut [Incident]) {
    let names: Vec<String> = incidents.iter().map(|incident| incident.name.clone()).collect();
    for incident in incidents {
        if names.iter().filter(|name| **name == incident.name).count() > 1 {
            incident.name = Path::new(incident.replay.source.name()).with_extension("").display().to_string();
        }
    }
}

/// Reads a replay and its rule files; `config` says which language a rule file is in, where it says so.
///
/// # Errors
/// Everything that is wrong with them, each with its place.
pub fn load(path: &Path, config: &Config) -> Result<Incident, Vec<Diagnostic>> {
    load_source(&config.read_file(path).map_err(|error| vec![error])?, config)
}

/// As `load`, from a text whose name is its path.
///
/// # Errors
/// As `load`.
pub fn load_source(source: &Source, config: &Config) -> Result<Incident, Vec<Diagnostic>> {
    let path = Path::new(source.name());
    let folder = path.parent().unwrap_or(Path::new(""));
    let replay = replay::read(source, folder)?;
    let mut groups = Vec::new();
    let (mut errors, mut warnings) = (Vec::new(), replay.warnings.clone());
    for file in &replay.rules {
        let path = tidy(&file.path);
        let read = config.read_file(&path).map_err(|error| match error.place {
            Some(_) => vec![error],
            None => vec![error.at(&replay.source, file.written.span).or_help(RULES_HELP)],
        });
        let options = ReadOptions { language: config.language(&path).cloned(), ..ReadOptions::default() };
        let read = read.and_then(|source| rules::read_with(&source, &options));
        match read {
            Ok(file) => {
                warnings.extend(unread(&file));
                warnings.extend(file.warnings);
                groups.extend(file.groups);
            }
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let labels = config.external_labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str()));
    let external_labels = Labels::from_pairs(labels);
    let limit = config.limits.max_file_bytes.unwrap_or(MAX_DOCUMENT_BYTES);
    let documents = Documents::new(&replay, folder, limit);
    Ok(Incident { name: incident_name(path), replay, groups, external_labels, documents, warnings })
}

const RULES_HELP: &str = "`rules` lists files, by their paths from the folder of the replay";

/// What a rule file holds and no drill tests.
fn unread(file: &RuleFile) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if file.skipped_documents > 0 {
        let what = if file.skipped_documents == 1 { "document that holds" } else { "documents that hold" };
        let message = format!("{}: {} {what} no rules", file.source.name(), file.skipped_documents);
        warnings.push(Diagnostic::warning(message));
    }
    for group in &file.groups {
        let reason = match &group.language {
            Language::Promql | Language::Metricsql => continue,
            Language::Logql => "its rules are written in LogQL, which is not evaluated yet",
            Language::Skipped(reason) => reason,
        };
        let message = format!("the group {:?} is not tested: {reason}", group.name.value);
        warnings.push(group.name.diagnose_all(Diagnostic::warning(message)));
    }
    warnings
}

/// The path without `.`, and without `x/..` where that leads to the same file (through a link it might not).
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidied.components().next_back(), Some(Component::Normal(_))) => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    match (path.canonicalize(), tidied.canonicalize()) {
        (Ok(one), Ok(other)) if one == other => tidied,
        (Err(_), _) if !path.components().any(|part| part == Component::ParentDir) => tidied,
        _ => path.to_owned(),
    }
}

fn incident_name(path: &Path) -> String {
    let absolute: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let stem = absolute.file_stem().unwrap_or_default();
    let name = match absolute.parent().and_then(Path::file_name) {
        Some(folder) if stem == "replay" => folder,
        _ => stem,
    };
    name.to_string_lossy().into_owned()
}
