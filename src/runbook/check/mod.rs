//! What is wrong with runbooks: pages by themselves, and pages beside the alerts and replays that they are for.

mod alerts;
mod changes;
mod ignore;
mod links;
mod names;
mod placeholders;
mod queries;
mod shape;

use std::path::{Path, PathBuf};

use crate::config::Runbooks;
use crate::incident::Document;
use crate::skeleton::Library;
use crate::text::{Diagnostic, Severity, Source, Span};

use super::address::Addresses;
use super::blocks::{self, Block, Directive};
use super::page::Page;
use super::replays::Replays;

pub use names::Name;

/// The most lines of a page where nothing else is said.
const MAX_LINES: u64 = 150;

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    pub name: Name,
    /// A warning with a place.
    pub problem: Diagnostic,
    /// The alert that it is about.
    pub alert: Option<String>,
    /// What is and what should be, as `diff -u` shows it; empty for none.
    pub diff: String,
    /// Why it is put up with.
    pub silenced: Option<String>,
}

impl Finding {
    fn new(name: Name, source: &Source, span: Span, message: impl Into<String>) -> Finding {
        let problem = Diagnostic::warning(message).at(source, span);
        Finding { name, problem, alert: None, diff: String::new(), silenced: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.problem = self.problem.help(help);
        self
    }

    fn about(mut self, alert: &str) -> Finding {
        self.alert = Some(alert.to_owned());
        self
    }

    /// A block that does not hold what a build would write, with the difference.
    pub fn of_block(name: Name, page: &Page, block: &Block, message: &str, diff: String) -> Finding {
        Finding { diff, ..Finding::new(name, &page.source, block.begin, message) }
    }

    fn path(&self) -> &Path {
        self.problem.place.as_ref().map_or(Path::new(""), |(source, _)| Path::new(source.name()))
    }
}

/// A page, and what checks ask of it.
pub struct Checked {
    pub page: Page,
    pub blocks: Vec<Block>,
    pub document: Document,
    directives: Vec<Directive>,
}

impl Checked {
    /// Reads a page.
    ///
    /// # Errors
    /// Markers that do not belong together.
    pub fn read(source: &Source) -> Result<Checked, Vec<Diagnostic>> {
        let (page, blocks) = blocks::read_page(source)?;
        let (directives, _) = blocks::directives(&page);
        Ok(Checked { document: Document::read(source), page, blocks, directives })
    }

    fn path(&self) -> &Path {
        Path::new(self.page.source.name())
    }

    /// Whether a place is in what this program wrote.
    fn is_generated(&self, at: usize) -> bool {
        self.blocks.iter().any(|block| (block.body.start..block.body.end).contains(&at))
    }
}

/// What is checked, and beside what.
pub struct Check<'c> {
    pub pages: Vec<Checked>,
    pub library: &'c Library,
    pub replays: &'c Replays,
    pub config: &'c Runbooks,
    /// Only some pages were named: alerts whose runbook is another one are left alone.
    pub partial: bool,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub pages: usize,
    pub alerts: usize,
    /// Alerts whose runbook is not kept here.
    pub elsewhere: usize,
    pub queries: usize,
    pub replays: usize,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By file and place; those that are put up with among them.
    pub findings: Vec<Finding>,
    /// What could not be checked, and what people may want to know.
    pub notes: Vec<Diagnostic>,
    pub facts: Facts,
}

impl Report {
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.silenced.is_some())
    }
}

impl Check<'_> {
    /// Everything that is wrong; `of_blocks` is what a build has found about generated blocks.
    ///
    /// # Errors
    /// Findings that are put up with and have no name that is known, and replays that cannot be played back.
    pub fn run(&self, of_blocks: Vec<Finding>) -> Result<Report, Vec<Diagnostic>> {
        ignore::known(self)?;
        let mut facts = Facts { pages: self.pages.len(), replays: self.replays.incidents.len(), ..Facts::default() };
        let mut findings = of_blocks;
        for page in &self.pages {
            findings.extend(shape::find(page, self.config.max_lines.unwrap_or(MAX_LINES)));
            findings.extend(links::find(page));
            findings.extend(placeholders::find(page));
            findings.extend(changes::find(page));
        }
        let mut notes = Vec::new();
        findings.extend(alerts::find(self, &Addresses::new(self.config), &mut facts, &mut notes));
        findings.extend(queries::find(self, &mut facts)?);
        ignore::apply(self, &mut findings);
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(Report { findings, notes, facts })
    }

    /// A page that is checked, by its path.
    fn page(&self, path: &Path) -> Option<&Checked> {
        let tidy = |path: &Path| path.components().collect::<PathBuf>();
        self.pages.iter().find(|page| tidy(page.path()) == tidy(path))
    }
}

fn order(finding: &Finding) -> (&Path, usize, Severity, &'static str) {
    let start = finding.problem.place.as_ref().map_or(0, |(_, span)| span.start);
    (finding.path(), start, finding.problem.severity, finding.name.text())
}
