//! `firedrill schema`: the JSON Schema of the replay format, for editors.

use super::{Exit, output};
use crate::replay;

/// Print the JSON Schema of replays, for editors that complete and check YAML
#[derive(clap::Args)]
#[command(after_help = "Example:
  firedrill schema > replay.schema.json
  and as the first line of a replay:  # yaml-language-server: $schema=replay.schema.json")]
pub struct Args {}

pub fn run(_: Args) -> Exit {
    output::finish(Ok(replay::schema()))
}
