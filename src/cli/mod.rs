//! The command line: one file a verb; arguments in, exit code out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::text::{Diagnostic, yaml};

mod conformance;
mod output;
mod query;
mod schema;
mod show;
mod test;

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
    Schema(schema::Args),
    Conformance(conformance::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let exit = match Cli::parse().verb {
        Verb::Test(args) => test::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Query(args) => query::run(args),
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
fn paths_or_default(named: &[PathBuf], config: &Config) -> Vec<PathBuf> {
    match (named, &config.paths[..]) {
        ([], []) => vec![PathBuf::from(".")],
        ([], paths) => paths.iter().map(|path| PathBuf::from(&path.value)).collect(),
        (named, _) => named.to_vec(),
    }
}
