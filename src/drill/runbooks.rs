//! The runbooks that a replay names: found beside it or in a folder above, and read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::replay::{Replay, Text};
use crate::text::{Diagnostic, listed};
use crate::triage::{self, Runbook};

use super::load::{is_root, tidy};

/// The runbooks of an incident, by the names that its replay writes.
#[derive(Clone, Debug, Default)]
pub struct NamedRunbooks(Arc<[(String, Arc<Runbook>)]>);

impl NamedRunbooks {
    /// Reads every runbook that a day of a replay names.
    ///
    /// # Errors
    /// Names that no file has, and everything that is wrong with the files.
    pub fn load(replay: &Replay, folder: &Path, config: &Config) -> Result<NamedRunbooks, Vec<Diagnostic>> {
        let told = replay.days().flat_map(|day| [&day.happened, &day.expect]).flatten();
        let mut names: Vec<&Text> = told.filter_map(|told| Some(&told.triage.as_ref()?.runbook)).collect();
        names.sort_by_key(|name| name.span);
        let (mut read, mut problems) = (Vec::<(String, Arc<Runbook>)>::new(), Vec::new());
        for name in names {
            if read.iter().any(|(known, _)| *known == name.text) {
                continue;
            }
            let found = find(&name.text, folder).map_err(|looked| {
                let problem = Diagnostic::error(format!("there is no runbook `{}`", name.text));
                vec![problem.help(format!("looked for {looked}")).at(&replay.source, name.span)]
            });
            let runbook = found.and_then(|path| triage::read(&config.read_file(&path).map_err(|error| vec![error])?));
            match runbook {
                Ok(runbook) => read.push((name.text.clone(), Arc::new(runbook))),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(NamedRunbooks(read.into())) } else { Err(problems) }
    }

    /// The runbook of a name, as the replay writes it.
    pub fn get(&self, name: &str) -> Option<&Arc<Runbook>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, runbook)| runbook)
    }

    /// Each once.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Runbook>> {
        self.0.iter().map(|(_, runbook)| runbook)
    }
}

/// The file of a runbook: `runbooks/NAME.yaml` in the folder of the replay or the nearest one above it, or a path from there.
///
/// # Errors
/// Where it was looked for.
fn find(name: &str, folder: &Path) -> Result<PathBuf, String> {
    if name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml") {
        let path = tidy(&folder.join(name));
        return if path.is_file() { Ok(path) } else { Err(path.display().to_string()) };
    }
    let mut looked = Vec::new();
    let mut above = PathBuf::from(folder);
    for at in std::path::absolute(folder).unwrap_or_default().ancestors() {
        let path = tidy(&above.join("runbooks").join(format!("{name}.yaml")));
        if path.is_file() {
            return Ok(path);
        }
        looked.push(path.display().to_string());
        // The next folder is somebody else's.
        if is_root(at) {
            break;
        }
        above.push("..");
    }
    Err(listed(looked.iter().map(String::as_str)))
}
