//! `firedrill runbook build`: writes the generated blocks of pages.

use std::path::{Path, PathBuf};

use super::super::{Exit, output};
use crate::report::runbook;
use crate::runbook::build::Builder;
use crate::runbook::pages;
use crate::runbook::template::Templates;
use crate::text::Diagnostic;

/// Write what stands in the generated blocks of pages: tables of causes, queries with their answers, alerts, timelines
#[derive(clap::Args)]
#[command(after_help = "A block stands between two comments; everything else on the page is left alone:
  <!-- firedrill:begin KIND SUBJECT -->
  <!-- firedrill:end -->

Kinds are page, triage, causes, queries, verify, escalate (of a table of causes, SUBJECT.yaml beside the page), alert (of an alert), timeline \
(of any of these or a replay), and every KIND.md.tera in runbooks/templates, which may also replace these. Without a subject, it is the \
page's own name. A block that somebody has edited is not written: exit code 1, with the difference.

Examples:
  firedrill runbook build
  firedrill runbook build runbooks/api.md --variables

Exit codes: 0 all blocks are as they should be, 1 some were edited by hand, 2 bad usage or unreadable input, and then nothing is written")]
pub struct Args {
    /// Pages, or folders of them [default: `runbooks: {folder}` of firedrill.yaml, else runbooks]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print what the templates of each block may use, as JSON, and write nothing
    #[arg(long)]
    variables: bool,
    /// The most samples that one day of a replay may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
}

pub fn run(args: &Args) -> Exit {
    super::finish(built(args))
}

fn built(args: &Args) -> Result<(String, bool), Vec<Diagnostic>> {
    let config = super::super::config()?;
    let files = pages::find(&super::paths(&args.paths, &config)?)?;
    let sources = pages::read(&files, super::page_limit(&config))?;
    let replays = super::replays(&config, super::super::limits(args.max_samples, &config))?;
    let library = super::library(&[], &config, &replays)?;
    let templates = Templates::load(&super::templates(&config))?;
    let builder = Builder::new(&config, &library, &replays, &templates);
    let (mut pages, mut problems) = (Vec::new(), Vec::new());
    for source in &sources {
        match builder.build(source) {
            Ok(built) => pages.push(built),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    pages.retain(|built| !built.blocks.is_empty());
    if args.variables {
        let mut all = Vec::new();
        for built in &pages {
            for block in &built.blocks {
                all.push(builder.variables(&built.page, block)?);
            }
        }
        let text = serde_json::to_string_pretty(&all).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
        return Ok((text + "\n", true));
    }
    let (mut text, mut written, mut edited) = (String::new(), 0, 0);
    let look = output::look();
    for built in &pages {
        let refused = built.edited();
        if !refused.is_empty() {
            edited += refused.len();
            text += &refused.iter().map(|finding| runbook::finding_text(finding, look)).collect::<String>();
        } else if !built.is_current() {
            let path = Path::new(built.page.source.name());
            output::write_file(path, &built.text()).map_err(|problem| vec![problem])?;
            text += &format!("wrote {}\n", path.display());
            written += 1;
        }
    }
    text += &runbook::built(pages.len(), written, edited);
    Ok((text, edited == 0))
}
