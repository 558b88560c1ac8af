//! `firedrill export`: a day of a replay as files that other programs read.

use std::path::{Path, PathBuf};

use super::paths::{folder_path, make_folder, relative};
use super::{Exit, output};
use crate::drill::{self, Incident, Playback, discover};
use crate::export::{self, RuleFiles, TestFile, Wanted};
use crate::replay::Day;
use crate::text::Diagnostic;

/// Write a replay as a promtool test, or its samples and log lines to be loaded into servers
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill export promtool incidents/vmagent-remote-write -o exported
  promtool test rules exported/vmagent-remote-write-day.test.yaml
  firedrill export openmetrics incidents/vmagent-remote-write > day.om
  promtool tsdb create-blocks-from openmetrics day.om data
  firedrill export loki incidents/vmagent-remote-write > day.jsonl")]
pub struct Args {
    #[command(subcommand)]
    format: Format,
}

#[derive(clap::Subcommand)]
enum Format {
    Promtool(PromtoolArgs),
    Openmetrics(OpenmetricsArgs),
    Loki(LokiArgs),
}

/// Write a day as a test file of promtool: same series, same alerts at the same ticks
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill export promtool incidents/vmagent-remote-write > vmagent.test.yaml
  firedrill export promtool incidents/vmagent-remote-write --variant reverted --every-tick -o exported

Each test says what the replay says. Where promtool would find something else (it knows no samples that arrive late, and \
evaluates every group at every tick) there is no test, and the file and a warning say so. A query of a promtool test \
may hold 10,000 samples. Of the alerts, promtool compares those that fire, not those that are pending.")]
struct PromtoolArgs {
    #[command(flatten)]
    day: DayArgs,
    /// Test every alert at every tick, not only where it begins or ceases to fire
    #[arg(long)]
    every_tick: bool,
    /// Let the day begin in 1970, for promtool before 3.9, which refuses `start_timestamp`
    #[arg(long)]
    undated: bool,
    /// Write `INCIDENT-DAY.test.yaml` into this folder, not to standard output. Rule files that promtool cannot read
    /// (Kubernetes manifests, fields of other systems) are copied there in Prometheus' format; others are named by their
    /// paths
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Write the samples of a day as OpenMetrics text with timestamps
#[derive(clap::Args)]
#[command(after_help = "Example:
  firedrill export openmetrics incidents/vmagent-remote-write > day.om
  promtool tsdb create-blocks-from openmetrics day.om data

Every sample stands at its own time, also one that arrived late. Stale markers are left out, for the format has none: a \
series that ended goes on for the 5 minutes of the lookback. So are native histograms.")]
struct OpenmetricsArgs {
    #[command(flatten)]
    day: DayArgs,
    /// Write to this file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Write the log lines of a day as payloads of Loki's push API, one a line
#[derive(clap::Args)]
#[command(after_help = "Example:
  firedrill export loki incidents/vmagent-remote-write | while read -r payload; do printf %s \"$payload\" |
    curl -sS -H 'Content-Type: application/json' --data-binary @- http://localhost:3100/loki/api/v1/push; done

Entries are in order of time, each with its structured metadata. Loki refuses what is older than a week unless `limits_config` \
says `reject_old_samples: false`.")]
struct LokiArgs {
    /// The replay, or a folder with one in it
    replay: PathBuf,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Write to this file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::Args)]
struct DayArgs {
    /// The replay, or a folder with one in it
    replay: PathBuf,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// The most samples that the day may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
}

pub fn run(args: Args) -> Exit {
    match args.format {
        Format::Promtool(args) => output::finish(promtool(&args)),
        Format::Openmetrics(args) => output::finish(openmetrics(&args)),
        Format::Loki(args) => output::finish(loki(&args)),
    }
}

fn loki(args: &LokiArgs) -> Result<String, Vec<Diagnostic>> {
    let incident = drill::load(&discover::find_one(&args.replay)?, &super::config()?)?;
    let day = incident.replay.variant(args.variant.as_deref())?;
    let logs = day.log_store().map_err(|error| vec![Diagnostic::error(error.to_string())])?;
    if logs.entries() == 0 {
        let problem = Diagnostic::error("this day has no log lines");
        return Err(vec![problem.help("add `logs` to the replay, or name a --variant that has some")]);
    }
    written(args.output.as_deref(), export::loki(&logs))
}

fn openmetrics(args: &OpenmetricsArgs) -> Result<String, Vec<Diagnostic>> {
    let config = super::config()?;
    let incident = drill::load(&discover::find_one(&args.day.replay)?, &config)?;
    let day = incident.replay.variant(args.day.variant.as_deref())?;
    let text = export::openmetrics(&day, &day.generate(super::limits(args.day.max_samples, &config))?);
    written(args.output.as_deref(), text)
}

/// The text for standard output: none where it goes to a file.
fn written(file: Option<&Path>, text: String) -> Result<String, Vec<Diagnostic>> {
    match file {
        Some(path) => output::write_file(path, &text).map(|()| String::new()).map_err(|problem| vec![problem]),
        None => Ok(text),
    }
}

/// The text for standard output: the file, or where it was written to.
fn promtool(args: &PromtoolArgs) -> Result<String, Vec<Diagnostic>> {
    let config = super::config()?;
    let incident = drill::load(&discover::find_one(&args.day.replay)?, &config)?;
    output::warn(&incident.warnings);
    let limits = super::limits(args.day.max_samples, &config);
    let day = incident.replay.variant(args.day.variant.as_deref())?;
    let playback = Playback::new(&incident, day.clone(), limits)?;
    let wanted = Wanted { every_tick: args.every_tick, undated: args.undated, limits };
    let file = export::promtool(&incident, &playback, wanted)?;
    let rules = RuleFiles::of(&playback);
    let text = match &args.output {
        Some(folder) => write(folder, &file_stem(&incident, &day), &file, &rules),
        None => to_stdout(&file, &rules),
    };
    let text = text.map_err(|problem| vec![problem])?;
    output::warn(&file.warnings);
    Ok(text)
}

fn to_stdout(file: &TestFile, rules: &RuleFiles) -> Result<String, Diagnostic> {
    if let Some(copy) = rules.copies.first() {
        let message = format!("{} has more in it than promtool reads", copy.path.display());
        let help = "add `-o FOLDER`, into which a copy with plain rules is written";
        return Err(Diagnostic::error(message).help(help));
    }
    let here = folder_path(Path::new("."))?;
    Ok(file.render(&rules.own.iter().map(|path| relative(path, &here)).collect::<Result<Vec<_>, _>>()?))
}

fn write(folder: &Path, stem: &str, file: &TestFile, rules: &RuleFiles) -> Result<String, Diagnostic> {
    let absolute = make_folder(folder)?;
    let mut names = rules.own.iter().map(|path| relative(path, &absolute)).collect::<Result<Vec<_>, _>>()?;
    for (at, copy) in rules.copies.iter().enumerate() {
        let name = format!("{stem}.rules-{}.yaml", at + 1);
        output::write_file(&folder.join(&name), &copy.text)?;
        names.push(name);
    }
    let path = folder.join(format!("{stem}.test.yaml"));
    output::write_file(&path, &file.render(&names))?;
    Ok(format!("{}\n", path.display()))
}

/// `vmagent-remote-write-day`: the drill's name as that of a file, which is not hidden.
fn file_stem(incident: &Incident, day: &Day) -> String {
    let name = incident.drill_name(day);
    name.trim_start_matches('.')
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' })
        .collect()
}
