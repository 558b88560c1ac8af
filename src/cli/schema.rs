//! `firedrill schema`: the JSON Schemas of the formats, for editors.

use clap::ValueEnum;

use super::{Exit, output};
use crate::{replay, triage};

/// Print the JSON Schema of replays or of runbooks, for editors that complete and check YAML
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill schema > replay.schema.json
  firedrill schema runbook > runbook.schema.json
  and as the first line of a replay:  # yaml-language-server: $schema=replay.schema.json")]
pub struct Args {
    #[arg(value_enum, default_value_t = Of::Replay)]
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    Replay,
    Runbook,
}

pub fn run(args: Args) -> Exit {
    output::finish(Ok(match args.of {
        Of::Replay => replay::schema(),
        Of::Runbook => triage::schema(),
    }))
}
