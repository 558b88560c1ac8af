//! `firedrill runbook`: pages of runbooks, checked and built.

use std::path::PathBuf;

use super::{Exit, output};
use crate::config::Config;
use crate::drill::discover;
use crate::incident;
use crate::replay::Limits;
use crate::runbook::Replays;
use crate::skeleton::Library;
use crate::text::Diagnostic;

mod adopt;
mod build;
mod check;
mod new;

/// The folder of pages where nothing else is said.
const FOLDER: &str = "runbooks";

/// Check runbooks, and write the parts of them that are generated
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Build(build::Args),
    Check(check::Args),
    Adopt(adopt::Args),
    New(new::Args),
}

pub fn run(args: Args) -> Exit {
    match args.what {
        What::Build(args) => build::run(&args),
        What::Check(args) => check::run(&args),
        What::Adopt(args) => adopt::run(&args),
        What::New(args) => new::run(&args),
    }
}

/// The pages that were named, else the folder of pages.
///
/// # Errors
/// A folder that is not there.
fn paths(named: &[PathBuf], config: &Config) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let folder = folder(config);
    if folder.is_dir() {
        return Ok(vec![folder]);
    }
    let problem = Diagnostic::error(format!("there is no folder {}", folder.display()))
        .help("name pages, or say in firedrill.yaml where they are: `runbooks: {folder: docs/runbooks}`");
    Err(vec![match &config.runbooks.folder {
        Some(written) => written.diagnose_all(problem),
        None => problem,
    }])
}

/// The folder of pages.
fn folder(config: &Config) -> PathBuf {
    PathBuf::from(config.runbooks.folder.as_ref().map_or(FOLDER, |folder| folder.value.as_str()))
}

/// The folder of templates.
fn templates(config: &Config) -> PathBuf {
    folder(config).join("templates")
}

/// The most bytes of a page.
fn page_limit(config: &Config) -> u64 {
    config.limits.max_file_bytes.unwrap_or(incident::MAX_DOCUMENT_BYTES)
}

/// The replays of the settings, or of this folder.
///
/// # Errors
/// What is wrong with them.
fn replays(config: &Config, limits: Limits) -> Result<Replays, Vec<Diagnostic>> {
    let (paths, problems) = discover::replays(&super::paths_or_default(&[], config)?);
    if !problems.is_empty() {
        return Err(problems);
    }
    Replays::load(&paths, config, limits)
}

/// The rules whose alerts need runbooks: those that were named, else those of the settings, else those that replays name, else those
/// of this folder.
///
/// # Errors
/// What is wrong with them.
fn library(named: &[PathBuf], config: &Config, replays: &Replays) -> Result<Library, Vec<Diagnostic>> {
    let written: Vec<PathBuf> = config.runbooks.rules.iter().map(|path| PathBuf::from(&path.value)).collect();
    let here = [PathBuf::from(".")];
    let paths = match (named, &written[..]) {
        ([], []) if !replays.incidents.is_empty() => return Ok(replays.library()),
        ([], []) => &here[..],
        ([], written) => written,
        (named, _) => named,
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let (found, problems) = discover::yaml_files(path);
            if !problems.is_empty() {
                return Err(problems);
            }
            files.extend(discover::rule_files(&found));
        } else {
            files.push(path.clone());
        }
    }
    let library = Library::read(&files, config);
    if library.problems.is_empty() { Ok(library) } else { Err(library.problems) }
}

/// What a verb was asked for, or complaints.
fn finish(result: Result<(String, bool), Vec<Diagnostic>>) -> Exit {
    match result.and_then(|(text, holds)| output::print(&text).map(|()| holds).map_err(|problem| vec![problem])) {
        Ok(true) => Exit::Holds,
        Ok(false) => Exit::Fails,
        Err(problems) => output::complain(&problems),
    }
}
