//! `firedrill runbook new`: a page for an alert.

use std::path::{Component, Path, PathBuf};

use tera::Context;

use super::super::{Exit, new, output, paths};
use crate::rules::RuleRef;
use crate::runbook::address::{Address, Addresses};
use crate::runbook::build::Builder;
use crate::runbook::template::Templates;
use crate::runbook::variables::{self, PageFacts, Variables};
use crate::text::{Diagnostic, Source};

/// Write a page for an alert, with all that is known of it filled in
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill runbook new --alert ApiErrors
  firedrill runbook new --alert ApiErrors -o runbooks/api.md

The page is made from the template `new`; `firedrill runbook check` says what is left to be written.

Exit codes: 0 the page is written, 2 bad usage or unreadable input")]
pub struct Args {
    /// The alert's name, or name and labels where several rules have it
    #[arg(long, value_name = "NAME")]
    alert: String,
    /// Rule files [default: as for `firedrill runbook check`]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// The page [default: where the alert's annotation leads, else the alert's name in the folder of runbooks]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &Args) -> Exit {
    super::finish(written(args).map(|text| (text, true)))
}

fn written(args: &Args) -> Result<String, Vec<Diagnostic>> {
    let config = super::super::config()?;
    let replays = super::replays(&config, super::super::limits(None, &config))?;
    let library = super::library(&args.rules, &config, &replays)?;
    let found = library.find(&args.alert).map_err(|problem| vec![problem])?;
    let addresses = Addresses::new(&config.runbooks);
    let rule = |at: &RuleRef| &library.groups[at.group].rules[at.rule];
    let linked = found.iter().find_map(|at| match addresses.of(rule(at)) {
        Address::Page { path, .. } => Some(path),
        Address::Unsaid | Address::Elsewhere(_) | Address::Unknown { .. } => None,
    });
    let name = found.first().map(|at| rule(at).name.value.clone()).unwrap_or_default();
    let folder = super::folder(&config);
    // Rules are often other people's, and files are not written where they please.
    if let (None, Some(linked)) = (&args.output, linked.as_ref().filter(|linked| leads_out(linked))) {
        let problem =
            Diagnostic::error(format!("the annotation of {name} leads out of this folder: {}", linked.display()));
        return Err(vec![problem.help("say where the page is to be written: -o FILE")]);
    }
    let path = args.output.clone().or_else(|| linked.clone());
    let path = path.unwrap_or_else(|| folder.join(format!("{}.md", new::kebab(&name))));
    if path.exists() {
        let problem = Diagnostic::error(format!("{} is there already", path.display()));
        return Err(vec![
            problem.help("name another file: -o FILE; or put markers into it: `firedrill runbook adopt`"),
        ]);
    }
    let templates = Templates::load(&super::templates(&config))?;
    let folder = variables::folder(&path);
    let facts = Variables {
        page: PageFacts { path: path.display().to_string(), name: name.clone() },
        subject: args.alert.clone(),
        alerts: variables::of_rules(&library, &found, addresses.annotation, &folder),
        ..Variables::default()
    };
    let context = Context::from_serialize(&facts).map_err(|error| vec![Diagnostic::error(error.to_string())])?;
    let text = templates.render("new", context).map_err(|problem| vec![problem])?;
    let source = Source::new(path.display().to_string(), format!("{}\n", text.trim()));
    let builder = Builder::new(&config, &library, &replays, &templates);
    let built = builder.build(&source)?;
    if !folder.as_os_str().is_empty() {
        paths::make_folder(&folder).map_err(|problem| vec![problem])?;
    }
    output::write_file(&path, &built.text()).map_err(|problem| vec![problem])?;
    let mut told = format!("{}\n", path.display());
    if linked.as_deref() != Some(&*path) {
        let url = path.display();
        told += &format!("  name it in the rule of {name}: annotations: {{{}: {url}}}\n", addresses.annotation);
    }
    told += &format!("  firedrill runbook check {} says what is left to be written\n", path.display());
    Ok(told)
}

/// Whether a relative path ends outside of the folder where it begins.
fn leads_out(path: &Path) -> bool {
    let mut depth = 0_i32;
    path.components().any(|component| {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
        depth < 0
    })
}
