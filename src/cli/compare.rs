//! `firedrill compare`: a replay beside what was recorded that day.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Exit, output};
use crate::drill::comparison::{self, Comparison};
use crate::drill::{self, discover};
use crate::recording::{Recording, SeriesOptions, Zone, read_series};
use crate::replay::Day;
use crate::report::compare;
use crate::text::Diagnostic;
use crate::time::Duration;

/// Compare a replay with a recording of the day: the same alerts, and how far apart the series are
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill compare incidents/vmagent-remote-write day.om
  firedrill compare incidents/vmagent-remote-write answer.json --offset -1h --rename pod=instance --within 1m
  firedrill compare incidents/cilium-envoy-connect-failures metrics.txt --at end --target envoy

A recording is an answer of /api/v1/query_range, OpenMetrics or Prometheus text, an export of VictoriaMetrics, or CSV. The \
replay's rules are evaluated over its own series and over those of the recording, and series with the same labels are \
compared at the times of the recording. Counters are compared by what they have counted since the first common time. Series that \
rules write (ALERTS, recording rules) are computed anew on both sides.

Exit code 0: the same alerts. 1: they differ. 2: something cannot be read, or nothing can be compared.")]
pub struct Args {
    /// The replay, or a folder with one in it
    replay: PathBuf,
    /// A file with recorded series
    recording: PathBuf,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// How much later than in the recording all of it is in the replay: `2h`, `-30m`
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    offset: Option<String>,
    /// Another name for a label of the recording; `NAME=` takes the label away
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// When samples were taken that have no time, as in the text of /metrics: `15:32`, a full date, or a mark
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The target of the replay that the text of /metrics is from: series get its labels
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// The zone of times in a CSV that say none: `+01:00`
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, default_value = "UTC")]
    zone: String,
    /// Alerts are the same where their times are no further apart than this
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    within: Duration,
    /// The most samples that the day may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    /// The schema compare/1
    Json,
}

pub fn run(args: Args) -> Exit {
    let compared = match compared(&args) {
        Ok(compared) => compared,
        Err(problems) => return output::complain(&problems),
    };
    let text = match args.format {
        Format::Human => Ok(compare::render(&compared, output::look())),
        Format::Json => compare::to_json(&compared).map_err(|error| vec![Diagnostic::error(error.to_string())]),
    };
    match output::finish(text) {
        Exit::Holds if !compared.same_alerts() => Exit::Fails,
        exit => exit,
    }
}

fn compared(args: &Args) -> Result<Comparison, Vec<Diagnostic>> {
    let config = super::config()?;
    let incident = drill::load(&discover::find_one(&args.replay)?, &config)?;
    output::warn(&incident.warnings);
    let day = incident.replay.variant(args.variant.as_deref())?;
    let recording = recording(args, &day, config.max_file_bytes()).map_err(|problem| vec![problem])?;
    comparison::compare(&incident, &day, &recording, args.within, super::limits(args.max_samples, &config))
}

fn recording(args: &Args, day: &Day, max_bytes: u64) -> Result<Recording, Diagnostic> {
    let zone: Zone = args.zone.parse()?;
    let mut renames = Vec::new();
    for written in &args.rename {
        let (old, new) = written.split_once('=').filter(|(old, _)| !old.is_empty()).ok_or_else(|| {
            Diagnostic::error(format!("--rename {written} names no two labels"))
                .help("write `--rename pod=instance`, or `--rename pod=` to take the label away")
        })?;
        renames.push((old.to_owned(), new.to_owned()));
    }
    let offset = match &args.offset {
        Some(written) => {
            let (sign, distance) = written.strip_prefix('-').map_or((1, written.as_str()), |rest| (-1, rest));
            let distance: Duration =
                distance.parse().map_err(|error| Diagnostic::error(format!("--offset: {error}")))?;
            Duration(distance.0 * sign)
        }
        None => Duration::ZERO,
    };
    let at = args.at.as_deref().map(|at| day.time_of(at)).transpose()?;
    let recording = read_series(&args.recording, &SeriesOptions { zone, at, time: None, max_bytes })?.whole()?;
    let warned = |warning: &String| {
        let message = format!("{} came with a warning: {warning}", recording.name);
        Diagnostic::warning(message).help("ask again for less, and save that answer")
    };
    output::warn(&recording.warnings.iter().map(warned).collect::<Vec<_>>());
    let recording = recording.renamed(&renames).moved(offset);
    let Some(name) = &args.target else { return Ok(recording) };
    let target = day.targets.iter().find(|target| target.name == *name).ok_or_else(|| {
        let known: Vec<&str> = day.targets.iter().map(|target| target.name.as_str()).collect();
        Diagnostic::error(format!("no target `{name}`")).help(format!("the targets are: {}", known.join(", ")))
    })?;
    Ok(recording.relabelled(|labels| target.exposes(labels)))
}
