//! `firedrill runbook check`: what is wrong with pages.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::{Exit, output};
use crate::report::runbook;
use crate::runbook::build::Builder;
use crate::runbook::check::{Check, Checked, Report};
use crate::runbook::pages;
use crate::runbook::template::Templates;
use crate::text::Diagnostic;

/// Say what is wrong with runbooks: alerts without one, dead links and queries, placeholders, changes without an undo
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill runbook check
  firedrill runbook check runbooks/api.md --rules rules/api.yaml
  firedrill runbook check docs --format json

A finding is put up with by a comment in its section, <!-- firedrill:ignore NAME: reason -->, or in firedrill.yaml:
  runbooks: {ignore: [{finding: NAME, in: runbooks/x.md, alert: NAME, reason: why}]}

Exit codes: 0 nothing is wrong, 1 something is, 2 bad usage or unreadable input")]
pub struct Args {
    /// Pages, or folders of them [default: `runbooks: {folder}` of firedrill.yaml, else runbooks]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Rule files and folders whose alerts need a runbook [default: `runbooks: {rules}` of firedrill.yaml, else those that replays
    /// name]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// Also list what is put up with, and why
    #[arg(long)]
    silenced: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The most samples that one day of a replay may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    /// Everything (`runbook-check/1`)
    Json,
}

pub fn run(args: &Args) -> Exit {
    let found = checked(args).and_then(|report| {
        let text = match args.format {
            Format::Human => runbook::human(&report, output::look(), args.silenced),
            Format::Json => runbook::json(&report).map_err(|error| vec![Diagnostic::error(error.to_string())])?,
        };
        Ok((text, report.holds()))
    });
    super::finish(found)
}

fn checked(args: &Args) -> Result<Report, Vec<Diagnostic>> {
    let config = super::super::config()?;
    let files = pages::find(&super::paths(&args.paths, &config)?)?;
    let (mut pages, mut problems) = (Vec::new(), Vec::new());
    for source in pages::read(&files, super::page_limit(&config))? {
        match Checked::read(&source) {
            Ok(page) => pages.push(page),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let replays = super::replays(&config, super::super::limits(args.max_samples, &config))?;
    let library = super::library(&args.rules, &config, &replays)?;
    let templates = Templates::load(&super::templates(&config))?;
    let builder = Builder::new(&config, &library, &replays, &templates);
    let mut of_blocks = Vec::new();
    for page in pages.iter().filter(|page| !page.blocks.is_empty()) {
        match builder.build(&page.page.source) {
            Ok(built) => of_blocks.extend(built.findings()),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let partial = !args.paths.is_empty() && args.rules.is_empty();
    Check { pages, library: &library, replays: &replays, config: &config.runbooks, partial }.run(of_blocks)
}
