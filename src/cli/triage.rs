//! `firedrill triage`: asks a runbook which cause a day has, and on what evidence.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use super::{Exit, output};
use crate::config::Config;
use crate::drill::answers::DayAnswers;
use crate::drill::causes::{self, CauseTable};
use crate::drill::triage::unusable_runbook;
use crate::drill::verdict::Verdict;
use crate::drill::{self, Incident, Playback, discover};
use crate::replay::Limits;
use crate::report::triage as report;
use crate::runbook::pages;
use crate::syntax::STACK_BYTES;
use crate::text::Diagnostic;
use crate::triage::{self, Conclusion, Runbook};

/// Ask a runbook which cause a day of a replay has; without --at, all days that ask it, as a table
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill triage runbooks/t3.yaml --replay incidents/t3-drop-attribution --variant last-mile --at 18:20
  firedrill triage runbooks/t3.yaml --replay incidents/t3-drop-attribution
  firedrill triage runbooks/vmagent.yaml --replay incidents/vmagent-remote-write --at 15:32 --format json

The answers are those that somebody would have seen at that time.

Exit codes: with --at, 0 one cause, 1 none or several; without, 0 all days say what they are expected to, 1 some do not;
2 bad usage or unreadable input")]
pub struct Args {
    /// The runbook, a YAML file
    runbook: PathBuf,
    /// The replay, or a folder with one in it; without --at, several [default: all that `paths` of firedrill.yaml has]
    #[arg(long, value_name = "PATH")]
    replay: Option<PathBuf>,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME", requires = "at")]
    variant: Option<String>,
    /// The time: `15:32`, a full date, or a mark such as `stuck.from+5m`
    #[arg(long, value_name = "TIME", requires = "replay")]
    at: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The most samples that a day may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub fn run(args: Args) -> Exit {
    // As many threads as there are processors, each with room for the deepest expression.
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build();
    let pool = pool.map_err(|error| vec![Diagnostic::error(format!("cannot start threads: {error}"))]);
    let answer = pool.and_then(|pool| pool.install(|| answer(&args)));
    match answer.and_then(|(text, exit)| output::print(&text).map(|()| exit).map_err(|problem| vec![problem])) {
        Ok(exit) => exit,
        Err(problems) => output::complain(&problems),
    }
}

fn answer(args: &Args) -> Result<(String, Exit), Vec<Diagnostic>> {
    let config = super::config()?;
    let limits = super::limits(args.max_samples, &config);
    if args.runbook.is_dir() || pages::is_page(&args.runbook) {
        return Err(vec![no_table(&args.runbook)]);
    }
    let source = config.read_file(&args.runbook).map_err(|error| vec![error])?;
    let runbook = Arc::new(triage::read(&source)?);
    match (&args.replay, &args.at) {
        (Some(replay), Some(at)) => {
            let incident = drill::load(&discover::find_one(replay)?, &config)?;
            output::warn(&incident.warnings);
            at_a_time(args, at, &incident, &runbook, limits)
        }
        _ => on_all_days(args, &runbook, &config, limits),
    }
}

/// A page, or a folder, where a table of causes is needed.
fn no_table(path: &Path) -> Diagnostic {
    if path.is_dir() {
        let problem = Diagnostic::error(format!("{} is a folder", path.display()));
        return problem.help("name one table of causes in it, a YAML file that begins with `firedrill: runbook/1`");
    }
    let table = path.with_extension("yaml");
    let there = if table.is_file() { "firedrill triage" } else { "there is none yet: write" };
    Diagnostic::error(format!("{} is a page for people", path.display()))
        .help(format!("what a machine asks stands in a table of causes; {there} {}", table.display()))
}

fn at_a_time(
    args: &Args,
    at: &str,
    incident: &Incident,
    runbook: &Arc<Runbook>,
    limits: Limits,
) -> Result<(String, Exit), Vec<Diagnostic>> {
    let day = incident.replay.variant(args.variant.as_deref())?;
    let times = [day.time_of(at).map_err(|problem| vec![problem])?];
    let playback = Playback::new(incident, day.clone(), limits)?;
    let unusable = unusable_runbook(&playback, runbook);
    if !unusable.is_empty() {
        return Err(unusable);
    }
    let answers = DayAnswers(&playback);
    let found = triage::evaluate(runbook, &answers, &times)?;
    let table = causes::of_incidents(std::slice::from_ref(incident), runbook, limits)?;
    let text = match args.format {
        Format::Human => report::at(&found, &table, output::look()),
        Format::Json => report::at_json(&found, &incident.drill_name(&day), &table).map_err(unwritable)?,
    };
    let one = matches!(found.conclusion(0), Conclusion::Cause(_));
    Ok((text, if one { Exit::Holds } else { Exit::Fails }))
}

fn on_all_days(
    args: &Args,
    runbook: &Arc<Runbook>,
    config: &Config,
    limits: Limits,
) -> Result<(String, Exit), Vec<Diagnostic>> {
    let named: Vec<PathBuf> = args.replay.iter().cloned().collect();
    let found = discover::find(&super::paths_or_default(&named, config)?)?;
    let read = found.replays.iter().map(|path| drill::load(path, config));
    let mut incidents = read.collect::<Result<Vec<Incident>, _>>()?;
    drill::tell_apart(&mut incidents);
    let table: CauseTable = causes::of_incidents(&incidents, runbook, limits)?;
    if table.days.is_empty() {
        let problem = Diagnostic::error(format!("no replay asks {}", args.runbook.display()));
        let name = &runbook.name;
        let help = format!(
            "write `expect: {{triage: {{runbook: {name}, cause: NAME}}}}`, or ask it yourself: --replay FILE --at TIME"
        );
        return Err(vec![problem.help(help)]);
    }
    output::warn(&table.notices);
    let text = match args.format {
        Format::Human => report::table(&table, output::look()),
        Format::Json => report::tables_json(std::slice::from_ref(&table)).map_err(unwritable)?,
    };
    let holds = table.days.iter().all(|(_, day)| day.verdict == Verdict::Pass);
    Ok((text, if holds { Exit::Holds } else { Exit::Fails }))
}

fn unwritable(error: serde_json::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::error(error.to_string())]
}
