//! Reading an incident: its replay and the rule files that it names.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::incident::{MAX_DOCUMENT_BYTES, anchor};
use crate::labels::Labels;
use crate::promql::eval::Profile;
use crate::replay::{self, Day, Replay};
use crate::rules::{self, Group, Language, RuleFile};
use crate::text::{Diagnostic, Source, Span};

use super::broken::BrokenFile;
use super::documents::Documents;
use super::runbooks::NamedRunbooks;

/// A replay and the rules under test.
#[derive(Clone, Debug)]
pub struct Incident {
    pub replay: Replay,
    pub groups: Vec<Group>,
    /// Rule files that cannot be read.
    pub broken: Arc<[BrokenFile]>,
    /// Those of the settings; a replay's own come over them.
    pub external_labels: Labels,
    /// The engine that evaluates it.
    pub profile: Profile,
    /// What was written about it.
    pub documents: Documents,
    pub runbooks: NamedRunbooks,
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

/// As `load`, without the rule files that cannot be read (`Incident::broken`), where there are others.
///
/// # Errors
/// As `load`.
pub fn load_readable(path: &Path, config: &Config) -> Result<Incident, Vec<Diagnostic>> {
    read(&config.read_file(path).map_err(|error| vec![error])?, config)
}

/// As `load`, from a text whose name is its path.
///
/// # Errors
/// As `load`.
pub fn load_source(source: &Source, config: &Config) -> Result<Incident, Vec<Diagnostic>> {
    let incident = read(source, config)?;
    match &incident.broken[..] {
        [] => Ok(incident),
        broken => Err(broken.iter().flat_map(|file| file.problems.clone()).collect()),
    }
}

fn read(source: &Source, config: &Config) -> Result<Incident, Vec<Diagnostic>> {
    let path = Path::new(source.name());
    let folder = path.parent().unwrap_or(Path::new(""));
    let replay = replay::read_within(source, folder, config.max_file_bytes())?;
    let mut groups = Vec::new();
    let (mut broken, mut warnings) = (Vec::new(), replay.warnings.clone());
    for (path, written) in rule_paths(&replay, folder)? {
        let name = path.display().to_string();
        let source = match config.read_file(&path) {
            Ok(source) => source,
            Err(error) => {
                let error = match error.place {
                    Some(_) => error,
                    None => error.at(&replay.source, written).or_help(RULES_HELP),
                };
                broken.push(BrokenFile::new(name, None, vec![error]));
                continue;
            }
        };
        match rules::read_with(&source, &config.rule_file(&path)) {
            Ok(file) => {
                warnings.extend(unread(&file));
                warnings.extend(file.warnings);
                groups.extend(file.groups);
            }
            Err(found) => broken.push(BrokenFile::new(name, Some(&source), found)),
        }
    }
    if groups.is_empty() && !broken.is_empty() {
        return Err(broken.into_iter().flat_map(|file| file.problems).collect());
    }
    of_loki(&mut groups, &replay);
    let labels = config.external_labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str()));
    let external_labels = Labels::from_pairs(labels);
    let limit = config.limits.max_file_bytes.unwrap_or(MAX_DOCUMENT_BYTES);
    let documents = Documents::new(&replay, folder, limit, &groups);
    let runbooks = NamedRunbooks::load(&replay, folder, config)?;
    let (name, broken) = (incident_name(path, &replay.title), broken.into());
    let profile = config.enabled(Profile::prometheus());
    Ok(Incident { name, replay, groups, broken, external_labels, profile, documents, runbooks, warnings })
}

const RULES_HELP: &str = "`rules` lists files and patterns, by their paths from the folder of the replay";

/// The rule files that a replay names, each once, with the place that names it. A path that leads to a file is no pattern.
///
/// # Errors
/// Patterns that are none, or that no file matches.
fn rule_paths(replay: &Replay, folder: &Path) -> Result<Vec<(PathBuf, Span)>, Vec<Diagnostic>> {
    let (mut paths, mut wrong) = (Vec::<(PathBuf, Span)>::new(), Vec::new());
    for file in &replay.rules {
        let span = file.written.span;
        let found = match file.written.text.contains(['*', '?', '[', '\\']) && !file.path.exists() {
            true => rules::matching(folder, &file.written.located(&replay.source)),
            false => Ok(vec![tidy(&file.path)]),
        };
        match found {
            Ok(found) if found.is_empty() => {
                let problem = Diagnostic::error(format!("no file matches {}", file.written.text));
                wrong.push(problem.at(&replay.source, span).help(RULES_HELP));
            }
            Ok(found) => paths.extend(found.into_iter().map(|path| (path, span))),
            Err(problem) => wrong.push(problem),
        }
    }
    let mut seen = HashSet::new();
    paths.retain(|(path, _)| seen.insert(path.clone()));
    if wrong.is_empty() { Ok(paths) } else { Err(wrong) }
}

/// Has the groups in LogQL evaluated as the replay says that Loki does.
pub fn of_loki(groups: &mut [Group], replay: &Replay) {
    for group in groups.iter_mut().filter(|group| group.language == Language::Logql) {
        group.interval.get_or_insert(replay.loki.interval);
        group.rules.iter_mut().for_each(|rule| rule.readable = replay.loki.remote_write);
    }
}

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
            Language::Promql | Language::Logql | Language::Metricsql => continue,
            Language::Skipped(reason) => reason,
        };
        let message = format!("the group {:?} is not tested: {reason}", group.name.value);
        warnings.push(group.name.diagnose_all(Diagnostic::warning(message)));
    }
    warnings
}

/// The path without `.`, and without `x/..` where that leads to the same file (through a link it might not).
pub fn tidy(path: &Path) -> PathBuf {
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

/// Whether a folder is that of a whole repository: what is above it is somebody else's.
pub fn is_root(folder: &Path) -> bool {
    folder.join("firedrill.yaml").exists() || folder.join(".git").exists()
}

/// What drills are named after: the folder of a `replay.yaml`, which at the root of a repository would be whatever
/// somebody has called their checkout: there it is the title.
fn incident_name(path: &Path, title: &str) -> String {
    let absolute: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let stem = absolute.file_stem().unwrap_or_default();
    match absolute.parent().filter(|_| stem == "replay") {
        Some(folder) if is_root(folder) && !anchor(title).is_empty() => anchor(title),
        Some(folder) => folder.file_name().unwrap_or(stem).to_string_lossy().into_owned(),
        None => stem.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::incident_name;

    #[test]
    fn a_replay_is_named_after_its_folder_and_at_the_root_of_a_repository_after_its_title() {
        let repository = tempfile::tempdir().unwrap();
        let folder = repository.path().join("disk-full");
        fs::create_dir(&folder).unwrap();
        let name = |path: &str| incident_name(&repository.path().join(path), "The disk is full!");
        let checkout = repository.path().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name("replay.yaml"), checkout);
        fs::write(repository.path().join("firedrill.yaml"), "").unwrap();
        assert_eq!(name("replay.yaml"), "the-disk-is-full");
        assert_eq!(name("disk-full/replay.yaml"), "disk-full");
        assert_eq!(name("other.yaml"), "other");
    }
}
