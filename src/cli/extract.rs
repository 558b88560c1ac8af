//! `firedrill extract`: what a document holds that can be checked.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Exit, output};
use crate::export;
use crate::incident::{self, Document};
use crate::report::extract;
use crate::text::Diagnostic;

/// Find what incident documents and runbooks hold that can be checked: rules, queries, samples, commands, times
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill extract incidents/vmagent-remote-write/incident.md
  firedrill extract runbooks/*.md --format json
  firedrill extract postmortem.txt --format yaml > rules.yaml

Exit codes: 0 something was found, 1 nothing in any document (with yaml: no rule), 2 bad usage or unreadable input, and then
nothing is printed")]
pub struct Args {
    /// Markdown or plain text
    #[arg(required = true, value_name = "DOC")]
    documents: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// By document and section; ? is not certain, ?? a guess
    Human,
    /// Everything, with reasons (`extract/1`)
    Json,
    /// The rules, as a rule file
    Yaml,
}

pub fn run(args: Args) -> Exit {
    match found(&args) {
        Ok((text, any)) => match output::print(&text) {
            Ok(()) if any => Exit::Holds,
            Ok(()) => Exit::Fails,
            Err(problem) => output::complain(&[problem]),
        },
        Err(problems) => output::complain(&problems),
    }
}

fn found(args: &Args) -> Result<(String, bool), Vec<Diagnostic>> {
    let config = super::config()?;
    let limit = config.limits.max_file_bytes.unwrap_or(incident::MAX_DOCUMENT_BYTES);
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for path in &args.documents {
        match incident::read_file(path, limit) {
            Ok(source) => documents.push(Document::read(&source)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let any = documents.iter().any(|document| !document.findings.is_empty());
    Ok(match args.format {
        Format::Human => (extract::human(&documents, output::look()), any),
        Format::Json => {
            let text = extract::json(&documents).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
            (text, any)
        }
        Format::Yaml => match export::found_rules(&documents) {
            Some(text) => (text, true),
            None => {
                output::note("no rules were found: neither YAML nor an alert with its expression");
                (String::new(), false)
            }
        },
    })
}
