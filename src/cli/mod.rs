//! The command line: one file a verb; arguments in, exit code out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::replay::Limits;
use crate::syntax::STACK_BYTES;
use crate::text::{Diagnostic, yaml};

mod compare;
mod conformance;
mod convert;
mod export;
mod extract;
mod init;
mod new;
mod output;
mod paths;
mod query;
mod query_logs;
mod runbook;
mod schema;
mod show;
mod test;
mod triage;

/// Exit codes of every verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All holds.
    Holds = 0,
    /// Something fell short.
    Fails = 1,
    /// Bad usage or unreadable input.
    Unusable = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Replays incidents against alert rules, and says whether the rules caught them.
#[derive(Parser)]
#[command(name = "firedrill", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Test(test::Args),
    Show(show::Args),
    Query(query::Args),
    Compare(compare::Args),
    Export(export::Args),
    Extract(extract::Args),
    Init(init::Args),
    New(new::Args),
    Runbook(runbook::Args),
    Triage(triage::Args),
    Schema(schema::Args),
    Conformance(conformance::Args),
}

/// Runs the command line of this process, on a thread whose stack holds the deepest expression.
pub fn main() -> ExitCode {
    match std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // The panic has said what it is.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => output::complain(&[Diagnostic::error(format!("cannot start a thread: {error}"))]).into(),
    }
}

fn run() -> ExitCode {
    let exit = match Cli::parse().verb {
        Verb::Test(args) => test::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Query(args) => query::run(args),
        Verb::Compare(args) => compare::run(args),
        Verb::Export(args) => export::run(args),
        Verb::Extract(args) => extract::run(args),
        Verb::Init(args) => init::run(args),
        Verb::New(args) => new::run(args),
        Verb::Runbook(args) => runbook::run(args),
        Verb::Triage(args) => triage::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Conformance(args) => conformance::run(args),
    };
    exit.into()
}

/// The settings of `firedrill.yaml` in this folder, or none where there is no such file.
fn config() -> Result<Config, Vec<Diagnostic>> {
    let path = Path::new("firedrill.yaml");
    if !path.exists() {
        return Ok(Config::default());
    }
    Config::read(&yaml::read_file(path).map_err(|error| vec![error])?)
}

/// The paths that were named, else those of the settings, else this folder.
///
/// # Errors
/// Paths of the settings that do not exist, with their places.
fn paths_or_default(named: &[PathBuf], config: &Config) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    match (named, &config.paths[..]) {
        ([], []) => Ok(vec![PathBuf::from(".")]),
        ([], paths) => {
            let missing = paths.iter().filter(|path| !Path::new(&path.value).exists());
            let missing: Vec<Diagnostic> = missing
                .map(|path| {
                    let problem = Diagnostic::error(format!("there is no file or folder {}", path.value));
                    path.diagnose_all(problem.help("paths are relative to the folder of firedrill.yaml"))
                })
                .collect();
            if missing.is_empty() {
                Ok(paths.iter().map(|path| PathBuf::from(&path.value)).collect())
            } else {
                Err(missing)
            }
        }
        (named, _) => Ok(named.to_vec()),
    }
}

/// The most samples of a day: as the command line says, else the settings, else the default.
fn limits(max_samples: Option<u64>, config: &Config) -> Limits {
    config.limits.of_day(max_samples)
}
