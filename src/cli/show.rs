//! `firedrill show`: the timeline of a replay, what is active at a time, the replay in plain words.

use std::path::PathBuf;

use super::{Exit, output};
use crate::drill::{self, Playback, discover};
use crate::report::show;
use crate::text::Diagnostic;

/// Show a replay: its timeline, what is active at a time and why, the day in plain words
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill show incidents/vmagent-remote-write
  firedrill show incidents/vmagent-remote-write --at 15:32
  firedrill show incidents/vmagent-remote-write --variant reverted --explain")]
pub struct Args {
    /// The replay, or a folder with one in it
    replay: PathBuf,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// What is firing and pending at this time: `15:32`, a full date, or a mark such as `stuck.from+5m`
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// With --at, so many log lines of each stream: those nearest to it, within 5 minutes
    #[arg(long, value_name = "N", default_value_t = 3, requires = "at")]
    lines: usize,
    /// Tell the day in plain words: spans, events, series and where each figure comes from
    #[arg(long, conflicts_with = "at")]
    explain: bool,
    /// The most samples that the day may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
}

pub fn run(args: Args) -> Exit {
    output::finish(text(&args))
}

fn text(args: &Args) -> Result<String, Vec<Diagnostic>> {
    let config = super::config()?;
    let incident = drill::load(&discover::find_one(&args.replay)?, &config)?;
    output::warn(&incident.warnings);
    let limits = super::limits(args.max_samples, &config);
    let day = incident.replay.variant(args.variant.as_deref())?;
    let at = args.at.as_deref().map(|at| day.time_of(at)).transpose().map_err(|error| vec![error])?;
    let playback = Playback::new(&incident, day, limits)?;
    Ok(match at {
        Some(at) => show::at(&playback, at, args.lines, output::look()),
        None if args.explain => show::explain(&incident, &playback, output::look()),
        None => show::timeline(&incident, &playback, output::look()),
    })
}
