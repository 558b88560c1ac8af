//! Incident documents: what people wrote, and what in it can be checked, each thing with its place.
//!
//! A document is read once, into a page (`page`: headings, code, inline code, tables, lines) and from there into findings. A
//! finding says how sure it is and why, for prose is full of words that are PromQL too.

mod alerts;
mod file;
mod lines;
mod page;
mod query;
mod rules;
mod section;
mod shell;
mod stated;
mod subject;
#[cfg(test)]
mod tests;
mod times;

use std::collections::BTreeSet;

use regex::Regex;

use crate::labels::Labels;
use crate::syntax::ParseError;
use crate::text::{Located, Source, Span};
use crate::time::{Duration, Timestamp};

pub use file::{MAX_DOCUMENT_BYTES, read_file};
pub use section::{Heading, anchor};

/// A document, read.
#[derive(Clone, Debug)]
pub struct Document {
    pub source: Source,
    pub headings: Vec<Heading>,
    /// In the order of the document.
    pub findings: Vec<Finding>,
}

/// Something that can be checked.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    /// As written, but for what the notation around it adds: the indentation of a list, `\|` in a table, `%20` in a link.
    pub text: Located,
    pub confidence: Confidence,
    /// Why it is taken for what it is, and for no more.
    pub reason: String,
    /// The headings above it, the outermost first.
    pub section: Vec<String>,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    /// The document itself says what it is.
    High,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Kind {
    Rule(Box<FoundRule>),
    Query {
        language: Language,
        /// Why it is none, where the document says that it is one.
        problem: Option<ParseError>,
    },
    AlertName,
    Sample(Sample),
    /// With its own time, where it begins with one.
    LogLine(Option<Timestamp>),
    Command,
    /// With its value, where that is certain.
    Time(Option<Timestamp>),
}

/// The language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Promql,
    Logql,
}

/// A rule that a document holds: written as YAML, or an alert's name with its expression.
#[derive(Clone, Debug)]
pub struct FoundRule {
    /// An alert; otherwise a recording rule.
    pub is_alert: bool,
    pub name: Located,
    pub expr: Located,
    pub language: Language,
    /// Why the expression is none.
    pub problem: Option<ParseError>,
    /// The group, where YAML names one.
    pub group: Option<String>,
    pub for_: Option<Duration>,
    pub keep_firing_for: Option<Duration>,
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
}

/// A series and the value that somebody saw.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: Labels,
    pub value: f64,
    /// Half a unit of the last digit that is printed.
    pub precision: f64,
    /// When it was seen: its own timestamp, else one that stands right before it.
    pub at: Option<Timestamp>,
}

impl Document {
    /// Finds what a document holds.
    pub fn read(source: &Source) -> Document {
        Document::read_with(source, &BTreeSet::new())
    }

    /// As `read`; the names of alerts in `known` are names wherever they stand.
    pub fn read_with(source: &Source, known: &BTreeSet<String>) -> Document {
        let page = page::Page::read(source);
        let times = times::Times::of(&page);
        let mut found = rules::find(&page);
        let mut taken: Vec<Span> =
            found.iter().filter(|f| matches!(f.kind, Kind::Rule(_))).map(Finding::place).collect();
        taken.sort_unstable();
        found.extend(query::find(&page, &taken));
        let commands = shell::find(&page, &found);
        found.extend(commands);
        let names = alerts::names(&page);
        found.extend(stated::rules(&page, &found, &names, known));
        found.extend(names);
        let lines = lines::find(&page, &times);
        found.extend(times.find(&page, &lines));
        found.extend(lines);
        for finding in &mut found {
            finding.section = section::path(&page.headings, finding.place().start);
        }
        found.sort_by_key(|finding| (finding.place().start, finding.kind.rank()));
        found.dedup_by(|b, a| a.place() == b.place() && a.kind.rank() == b.kind.rank());
        Document { source: source.clone(), headings: page.headings, findings: found }
    }

    /// The section under a heading with this anchor, down to the next heading of its level.
    pub fn section(&self, wanted: &str) -> Option<Span> {
        let at = self.headings.iter().position(|heading| anchor(&heading.text) == wanted)?;
        Some(section::span(&self.headings, at, self.source.text().len()))
    }

    /// The queries of the document that are PromQL or LogQL, those of rules included.
    pub fn queries(&self) -> impl Iterator<Item = (&Finding, Language)> {
        self.findings.iter().filter_map(|finding| match &finding.kind {
            Kind::Query { language, problem: None } => Some((finding, *language)),
            _ => None,
        })
    }

    /// The rules that the document holds.
    pub fn rules(&self) -> impl Iterator<Item = (&Finding, &FoundRule)> {
        self.findings.iter().filter_map(|finding| match &finding.kind {
            Kind::Rule(rule) => Some((finding, &**rule)),
            _ => None,
        })
    }
}

impl Finding {
    fn new(kind: Kind, text: Located, confidence: Confidence, reason: impl Into<String>) -> Finding {
        Finding { kind, text, confidence, reason: reason.into(), section: Vec::new() }
    }

    /// Where it stands in the document.
    pub fn place(&self) -> Span {
        self.text.file_span(whole(&self.text))
    }
}

/// A regular expression of this module.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this module are tested")
}

fn whole(text: &Located) -> Span {
    Span::new(0, text.len())
}

impl Kind {
    /// What it is called in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Rule(rule) if rule.is_alert => "alert_rule",
            Kind::Rule(_) => "recording_rule",
            Kind::Query { language: Language::Promql, .. } => "promql",
            Kind::Query { language: Language::Logql, .. } => "logql",
            Kind::AlertName => "alert_name",
            Kind::Sample(_) => "sample",
            Kind::LogLine(_) => "log_line",
            Kind::Command => "shell",
            Kind::Time(_) => "time",
        }
    }

    /// The order of findings at one place.
    fn rank(&self) -> u8 {
        match self {
            Kind::Rule(_) => 0,
            Kind::Query { .. } => 1,
            Kind::AlertName => 2,
            Kind::Sample(_) => 3,
            Kind::LogLine(_) => 4,
            Kind::Command => 5,
            Kind::Time(_) => 6,
        }
    }
}
