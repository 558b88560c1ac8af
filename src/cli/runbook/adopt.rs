//! `firedrill runbook adopt`: markers for a page that has none.

use std::path::PathBuf;

use super::super::{Exit, output};
use crate::runbook::adopt::{Adoption, adopt};
use crate::runbook::build::Builder;
use crate::runbook::template::Templates;
use crate::runbook::{blocks, pages};
use crate::text::{Diagnostic, Span};

/// Put markers for generated blocks into a page that has none, and leave everything else as it is
#[derive(clap::Args)]
#[command(
    after_help = "Under the title goes the table of causes, where there is a NAME.yaml beside NAME.md; at the end, a section for each \
cause, what is known of the alerts that lead to the page, queries and a timeline. `firedrill runbook build` fills them.

Examples:
  firedrill runbook adopt runbooks/api.md
  firedrill runbook adopt runbooks/api.md --alert ApiErrors

Exit codes: 0 the page has markers now, 2 it had some, nothing is known of it, or it does not close
a fence or a comment, and it is as it was"
)]
pub struct Args {
    /// The page
    #[arg(value_name = "FILE")]
    page: PathBuf,
    /// Alerts that it is for [default: those whose annotation leads to it]
    #[arg(long, value_name = "NAME", num_args = 1..)]
    alert: Vec<String>,
}

pub fn run(args: &Args) -> Exit {
    super::finish(adopted(args).map(|text| (text, true)))
}

fn adopted(args: &Args) -> Result<String, Vec<Diagnostic>> {
    let config = super::super::config()?;
    let sources = pages::read(std::slice::from_ref(&args.page), super::page_limit(&config))?;
    let Some(source) = sources.first() else { return Ok(String::new()) };
    let (page, known) = blocks::read_page(source)?;
    if let Some(block) = known.first() {
        let problem = Diagnostic::error("the page has blocks already").at(source, block.begin);
        return Err(vec![
            problem.help("`firedrill runbook build` fills them; write further markers where you want them"),
        ]);
    }
    let replays = super::replays(&config, super::super::limits(None, &config))?;
    let library = super::library(&[], &config, &replays)?;
    let templates = Templates::load(&super::templates(&config))?;
    let builder = Builder::new(&config, &library, &replays, &templates);
    for alert in &args.alert {
        library.find(alert).map_err(|problem| vec![problem])?;
    }
    let named: Vec<&str> = args.alert.iter().map(String::as_str).collect();
    let name = args.page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let table = args.page.with_extension("yaml");
    let adoption = Adoption {
        runbook: table.is_file().then_some(name.as_str()),
        alerts: if named.is_empty() { builder.alerts_of(&args.page) } else { named },
    };
    if adoption.runbook.is_none() && adoption.alerts.is_empty() {
        let problem =
            Diagnostic::error("nothing is known of this page: no alert leads to it").at(source, Span::default());
        let help = format!("name the alert, `--alert NAME`, or write a table of causes, {}", table.display());
        return Err(vec![problem.help(help)]);
    }
    let new = adopt(&page, &adoption).map_err(|problem| vec![problem])?;
    output::write_file(&args.page, &new).map_err(|problem| vec![problem])?;
    let path = args.page.display();
    Ok(format!("{path} has markers now\n  firedrill runbook build {path}\n"))
}
