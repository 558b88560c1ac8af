//! `firedrill conformance`: answers to the cases of the real systems, to be compared with theirs.

use super::Exit;

/// Compare with the real systems: upstream test scripts and recorded answers
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    kit: Kit,
}

#[derive(clap::Subcommand)]
enum Kit {}

pub fn run(args: Args) -> Exit {
    match args.kit {}
}
