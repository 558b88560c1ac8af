//! The command line: one file a verb; arguments in, exit code out.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod conformance;

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
    Conformance(conformance::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let exit = match Cli::parse().verb {
        Verb::Conformance(args) => conformance::run(args),
    };
    exit.into()
}
