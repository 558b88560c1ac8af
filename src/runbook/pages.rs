//! Files of pages: finding them in folders, and reading them.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::incident;
use crate::text::yaml::io_reason;
use crate::text::{Diagnostic, Source};

/// The pages below the paths, in their order, each once: a folder is searched for markdown, a file is taken as it is.
///
/// # Errors
/// Paths that are not there, and nothing found at all.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match std::fs::metadata(path) {
            Ok(kind) if kind.is_dir() => search(path, &mut found, &mut problems),
            Ok(_) if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") => {
                let problem = Diagnostic::error(format!("{} is no page", path.display()));
                problems.push(problem.help("pages are markdown; rule files are named with `--rules FILE`"));
            }
            Ok(_) => found.push(path.clone()),
            Err(error) => {
                let problem = Diagnostic::error(format!("cannot read {}: {}", path.display(), io_reason(&error)));
                problems.push(problem.help("name pages, or a folder of them"));
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    if found.is_empty() && problems.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let problem = Diagnostic::error(format!("no page found in {}", places.join(", ")));
        problems.push(problem.help("pages are markdown: files that end in .md; `firedrill runbook new` makes one"));
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn search(folder: &Path, found: &mut Vec<PathBuf>, problems: &mut Vec<Diagnostic>) {
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.') && name.len() > 1;
    let walk = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()));
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_page(entry.path()) => {
                // People know a file of this folder as `a.md`, not as `./a.md`.
                found.push(entry.path().strip_prefix(".").unwrap_or(entry.path()).to_owned());
            }
            Ok(_) => {}
            Err(error) => problems.push(Diagnostic::error(format!("cannot search {}: {error}", folder.display()))),
        }
    }
}

/// Whether a file is a page, by its name.
pub fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md" || extension == "markdown")
}

/// Reads pages of at most `limit` bytes each.
///
/// # Errors
/// Files that cannot be read, are larger, or hold no text.
pub fn read(paths: &[PathBuf], limit: u64) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match incident::read_file(path, limit) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}
