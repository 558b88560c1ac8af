//! `firedrill test`: drills every replay below the given paths.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use regex::Regex;

use super::{Exit, output};
use crate::drill::verdict::{Drill, Verdict};
use crate::drill::{self, Incident, discover};
use crate::replay::Day;
use crate::report::{RunFacts, human, json, junit};
use crate::syntax::STACK_BYTES;
use crate::text::Diagnostic;

/// Drill incidents: evaluate the alert rules over every replay and say whether they did what they had to
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill test
  firedrill test incidents/vmagent-remote-write
  firedrill test --run control --format json
  firedrill test --junit report.xml

Exit codes: 0 all drills pass, 1 a drill failed or was blind, 2 bad usage or unreadable input")]
pub struct Args {
    /// Replays, or folders to search for them [default: `paths` of firedrill.yaml, else this folder]
    paths: Vec<PathBuf>,
    /// Only drills whose name (`incident/variant`) matches this regular expression
    #[arg(long, value_name = "REGEX")]
    run: Option<Regex>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// List the YAML files that were searched and are no replays
    #[arg(long)]
    list_skipped: bool,
    /// The most samples that one day of a replay may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
    /// How many drills run at once [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub fn run(args: Args) -> Exit {
    match drill_all(&args) {
        Ok(exit) => exit,
        Err(problems) => output::complain(&problems),
    }
}

fn drill_all(args: &Args) -> Result<Exit, Vec<Diagnostic>> {
    let began = Instant::now();
    let config = super::config()?;
    let found = discover::find(&super::paths_or_default(&args.paths, &config)?)?;
    let limits = super::limits(args.max_samples, &config);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.map_or(0, usize::from))
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| vec![Diagnostic::error(format!("cannot start threads: {error}"))])?;
    // What cannot be read is reported at the end; the other drills run all the same.
    let loaded = pool.install(|| found.replays.par_iter().map(|path| drill::load(path, &config)).collect());
    let (mut incidents, mut problems) = apart(loaded);
    drill::tell_apart(&mut incidents);
    output::warn(incidents.iter().flat_map(|incident| &incident.warnings));
    let wanted =
        |incident: &Incident, day: &Day| args.run.as_ref().is_none_or(|run| run.is_match(&incident.drill_name(day)));
    let units: Vec<(&Incident, &Arc<Day>)> = incidents
        .iter()
        .flat_map(|incident| incident.days().map(move |day| (incident, day)))
        .filter(|(incident, day)| wanted(incident, day))
        .collect();
    if units.is_empty() && !problems.is_empty() {
        return Err(problems);
    }
    if units.is_empty() {
        let names: Vec<String> =
            incidents.iter().flat_map(|i| i.days().map(|day| i.drill_name(day))).take(12).collect();
        return Err(vec![
            Diagnostic::error("no drill has a name that --run matches")
                .help(format!("the drills are {}", names.join(", "))),
        ]);
    }
    let progress = progress(units.len());
    let drilled = pool.install(|| {
        let drills = units.par_iter().map(|&(incident, day)| {
            let result = drill::run(incident, day, limits);
            progress.inc(1);
            (incident, result)
        });
        drills.collect()
    });
    progress.finish_and_clear();
    let (drills, unusable) = whole_replays(drilled);
    problems.extend(unusable);
    if drills.is_empty() {
        return Err(problems);
    }

    let facts = RunFacts { skipped: found.skipped.len(), elapsed: began.elapsed() };
    if let Some(path) = &args.junit {
        let report = junit::render(&drills).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
        output::write_file(path, &report).map_err(|error| vec![error])?;
    }
    let text = match args.format {
        Format::Human => human::render(&drills, facts, output::look()),
        Format::Json => json::render(&drills, facts).map_err(|error| vec![Diagnostic::error(error.to_string())])?,
    };
    output::print(&text).map_err(|problem| vec![problem])?;
    if args.list_skipped {
        found.skipped.iter().for_each(|path| output::note(&format!("no replay: {}", path.display())));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let holds = drills.iter().all(|drill: &Drill| drill.verdict() == Verdict::Pass);
    Ok(if holds { Exit::Holds } else { Exit::Fails })
}

/// The drills of replays whose days could all be drilled, and what is wrong with the others.
fn whole_replays(results: Vec<(&Incident, Result<Drill, Vec<Diagnostic>>)>) -> (Vec<Drill>, Vec<Diagnostic>) {
    let broken: BTreeSet<&str> =
        results.iter().filter(|(_, result)| result.is_err()).map(|(incident, _)| incident.name.as_str()).collect();
    let kept = |(incident, result): (&Incident, Result<Drill, _>)| {
        (result.is_err() || !broken.contains(incident.name.as_str())).then_some(result)
    };
    apart(results.into_iter().filter_map(kept).collect())
}

/// Values and problems, each in order.
fn apart<T>(results: Vec<Result<T, Vec<Diagnostic>>>) -> (Vec<T>, Vec<Diagnostic>) {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(found) => problems.extend(found),
        }
    }
    (values, problems)
}

/// A bar on a terminal, nothing elsewhere.
fn progress(count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} drills") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
