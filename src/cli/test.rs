//! `firedrill test`: drills every replay and runs every unit test file below the given paths.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use regex::Regex;

use super::{Exit, convert, output};
use crate::config::Config;
use crate::drill::discover;
use crate::promql::eval::{FEATURES, Profile};
use crate::report::human::Extras;
use crate::report::{RunFacts, human, json, junit, shake};
use crate::rules::ReadOptions;
use crate::suite::{Outcome, Selection, Suite};
use crate::syntax::STACK_BYTES;
use crate::text::{Diagnostic, Severity, listed};

/// Test alert rules: drill incidents, and run unit test files of promtool
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill test
  firedrill test incidents/vmagent-remote-write
  firedrill test alerts_test.yaml --diff
  firedrill test alerts_test.yaml --run 'disk|memory'
  firedrill test --run control --format json
  firedrill test --junit report.xml --shard 2/5
  firedrill test --shake incidents/vmagent-remote-write
  firedrill test --convert alerts_test.yaml -o incidents/alerts

Exit codes: 0 all holds, 1 something fell short or was blind, 2 bad usage or unreadable input")]
pub struct Args {
    /// Replays and unit test files, or folders to search for them [default: `paths` of firedrill.yaml, else this folder]
    paths: Vec<PathBuf>,
    /// Only drills (`incident/variant`) and test groups whose name matches this regular expression, or one of several
    #[arg(long, value_name = "REGEX")]
    run: Vec<Regex>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also print how failing unit test files would have to be written to hold, as a patch (`patch -p0`)
    #[arg(long)]
    diff: bool,
    /// Repeat each drill that holds with scrapes and evaluations shifted, single scrapes missed, assumed and fitted figures
    /// halved and doubled; fail where a verdict flips and the replay does not accept it
    #[arg(long)]
    shake: bool,
    /// Also print which causes runbooks name on which days
    #[arg(long)]
    causes: bool,
    /// Start nothing more when something has fallen short
    #[arg(long)]
    fail_fast: bool,
    /// Only the K-th of N parts of equal size, for machines that share the work
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Parts of PromQL that promtool too has switched off
    #[arg(long, value_parser = PossibleValuesParser::new(FEATURES), value_name = "NAME", value_delimiter = ',')]
    enable_feature: Vec<String>,
    /// Let the rule files of unit tests have fields that nobody knows, as promtool's flag of this name does
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Write each group of this unit test file as a replay, and say where the two come out differently
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "run", "junit", "shard", "list_skipped"])]
    convert: Option<PathBuf>,
    /// The folder into which --convert writes; without it, the replay of a file's only group goes to standard output
    #[arg(short, long, value_name = "FOLDER", requires = "convert")]
    output: Option<PathBuf>,
    /// Fail where there is a warning: documents that drifted from rules and replays, LogQL that loses lines or fails on one, cases that test nothing, names that nobody has, results that are left to chance
    #[arg(long)]
    strict: bool,
    /// List the YAML files that were searched and cannot be tested
    #[arg(long)]
    list_skipped: bool,
    /// Run the command of `render` in firedrill.yaml first
    #[arg(long)]
    render: bool,
    /// The day by which a replay's `skip` is over [default: SOURCE_DATE_EPOCH, else today, in UTC]
    #[arg(long, value_name = "DATE")]
    today: Option<NaiveDate>,
    /// The most samples that one day of a replay or one test group may have [default: `limits` of firedrill.yaml, else
    /// 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
    /// How many run at once [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub fn run(args: Args) -> Exit {
    match test_all(&args) {
        Ok(exit) => exit,
        Err(problems) => output::complain(&problems),
    }
}

fn test_all(args: &Args) -> Result<Exit, Vec<Diagnostic>> {
    let began = Instant::now();
    let mut config = super::config()?;
    config.features.extend(args.enable_feature.iter().cloned());
    let profile = config.enabled(Profile::promtool());
    let rule_files = ReadOptions {
        features: profile.features,
        ignore_unknown_fields: args.ignore_unknown_fields,
        ..ReadOptions::default()
    };
    let limits = super::limits(args.max_samples, &config);
    if let Some(file) = &args.convert {
        let setup = convert::Setup { config: &config, profile: &profile, rule_files, limits };
        return Ok(convert::run(file, args.output.as_deref(), &setup));
    }
    render(args.render, &config).map_err(|problem| vec![problem])?;
    let found = discover::find(&super::paths_or_default(&args.paths, &config)?)?;
    let selection = Selection {
        run: args.run.clone(),
        shard: args.shard,
        fail_fast: args.fail_fast,
        limits,
        today: today(args.today).map_err(|problem| vec![problem])?,
        profile,
        strict: args.strict,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.map_or(0, usize::from))
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| vec![Diagnostic::error(format!("cannot start threads: {error}"))])?;
    // What cannot be read is reported at the end; the rest runs all the same.
    let suite = pool.install(|| Suite::read(&found, &config, rule_files));
    let mut odd = discover::idle_languages(&config);
    odd.extend(suite.warnings().cloned());
    if args.strict {
        odd.iter_mut().for_each(|warning| warning.severity = Severity::Error);
    }
    output::warn(suite.remarks());
    output::warn(&odd);
    let count = suite.count(&selection);
    let empty_shard = args.shard.is_some() || suite.names().is_empty();
    if count == 0 && suite.problems.is_empty() && !empty_shard {
        let names = suite.names();
        let names = listed(names.iter().map(String::as_str));
        return Err(vec![
            Diagnostic::error("nothing has a name that --run matches").help(format!("names are {names}")),
        ]);
    }
    let progress = progress(count);
    let mut outcome = pool.install(|| suite.run(&selection, || progress.inc(1)));
    progress.finish_and_clear();
    // Machines get a report whatever happens.
    if outcome.drills.is_empty()
        && outcome.groups.is_empty()
        && !outcome.problems.is_empty()
        && args.format == Format::Human
    {
        write_junit(args, &outcome)?;
        return Err(outcome.problems);
    }
    if args.strict {
        let of_triage = outcome.triage.iter_mut().flat_map(|table| &mut table.notices);
        let of_lines = outcome.log_traps.iter_mut().chain(&mut outcome.expired);
        let notices = outcome.drift.iter_mut().chain(of_lines).chain(of_triage);
        notices.for_each(|notice| notice.severity = Severity::Error);
        outcome.held_against = odd.iter().chain(outcome.warnings()).cloned().collect();
    }
    output::warn(&outcome.expired);
    output::warn(outcome.groups.iter().flat_map(|group| &group.warnings));
    output::warn(&outcome.drift);
    output::warn(&outcome.log_traps);
    output::warn(outcome.triage.iter().flat_map(|table| &table.notices));

    // What cannot be written is told before anything is printed.
    write_junit(args, &outcome)?;
    let look = output::look();
    if args.format == Format::Human {
        output::print(&human::results(&outcome, look)).map_err(|problem| vec![problem])?;
    }
    if args.shake {
        let tell = (args.format == Format::Human).then(|| shake::Lines::of(&outcome, look));
        pool.install(|| shake_all(&suite, &selection, &mut outcome, tell)).map_err(|problem| vec![problem])?;
        write_junit(args, &outcome)?;
    }
    let facts = RunFacts { skipped: found.skipped.len(), elapsed: began.elapsed() };
    let text = match args.format {
        Format::Human => human::ending(&outcome, facts, look, Extras { diff: args.diff, causes: args.causes }),
        Format::Json => json::render(&outcome, facts).map_err(|error| vec![Diagnostic::error(error.to_string())])?,
    };
    output::print(&text).map_err(|problem| vec![problem])?;
    if args.list_skipped {
        found.skipped.iter().for_each(|path| output::note(&format!("not tested: {}", path.display())));
    }
    if !outcome.problems.is_empty() {
        return Err(outcome.problems);
    }
    Ok(if outcome.holds() { Exit::Holds } else { Exit::Fails })
}

/// Writes the report for other programs, where one is asked for.
fn write_junit(args: &Args, outcome: &Outcome) -> Result<(), Vec<Diagnostic>> {
    let Some(path) = &args.junit else { return Ok(()) };
    let report = junit::render(outcome).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
    output::write_file(path, &report).map_err(|error| vec![error])
}

/// Shakes the drills that hold, and tells each as soon as those before it are told, where people read along.
///
/// # Errors
/// What keeps the lines from being printed.
fn shake_all(
    suite: &Suite,
    selection: &Selection,
    outcome: &mut Outcome,
    tell: Option<shake::Lines>,
) -> Result<(), Diagnostic> {
    let progress = progress(outcome.holding().count());
    let told = output::InOrder::default();
    if tell.is_some() && !outcome.drills.is_empty() {
        output::print("\n")?;
    }
    suite.shake(selection, outcome, |number, shaken| {
        if let Some(lines) = tell {
            let line = shaken.map_or_else(String::new, |shaken| lines.line(shaken));
            progress.suspend(|| told.put(number, line));
        }
        progress.inc(1);
    });
    progress.finish_and_clear();
    output::warn(&suite.needless_accepts(outcome));
    told.finish()
}

/// Renders rule files where that is asked for; where it is not, and nothing is there, says how.
fn render(asked: bool, config: &Config) -> Result<(), Diagnostic> {
    match &config.render {
        Some(render) if asked => crate::render::run(render),
        Some(render) if !Path::new(&render.output.value).exists() => {
            let warning = Diagnostic::warning(format!("there is no folder {}", render.output.value));
            output::warn([&render
                .output
                .diagnose_all(warning.help("firedrill test --render lets the command write it"))]);
            Ok(())
        }
        None if asked => Err(Diagnostic::error("there is nothing to render").help(
            "firedrill.yaml says how: `render: {command: helm template CHART --output-dir build, output: build}`",
        )),
        _ => Ok(()),
    }
}

/// The day by which `skip` is judged.
fn today(named: Option<NaiveDate>) -> Result<NaiveDate, Diagnostic> {
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|_| named.is_none()) else {
        return Ok(named.unwrap_or_else(|| Utc::now().date_naive()));
    };
    let seconds = epoch.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.date_naive()).ok_or_else(|| {
        Diagnostic::error(format!("SOURCE_DATE_EPOCH is {epoch:?}")).help("it is a whole number of seconds since 1970")
    })
}

/// `2/5`: the second of five parts.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts.filter(|(k, n)| (1..=*n).contains(k)).ok_or_else(|| "write K/N with K from 1 to N, such as 2/5".to_owned())
}

/// A bar on a terminal, nothing elsewhere.
fn progress(count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
