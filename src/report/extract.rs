//! What documents hold, for people and, as `extract/1`, for machines.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};
use serde::Serialize;
use serde_json::{Map, Value};

use super::human::{Look, plural};
use super::json::labels;
use super::stretch::StretchOut;
use super::words::{plain, shortened};
use crate::incident::{Confidence, Document, Finding, FoundRule, Kind, Language};
use crate::number;
use crate::text::{LineColumn, Source};

/// The order and the names of kinds in a summary.
const KINDS: [(&str, &str); 9] = [
    ("alert_rule", "alert rule"),
    ("recording_rule", "recording rule"),
    ("promql", "PromQL query"),
    ("logql", "LogQL query"),
    ("alert_name", "alert name"),
    ("sample", "sample"),
    ("log_line", "log line"),
    ("shell", "shell command"),
    ("time", "time"),
];

/// By document and section; each finding with its place, its kind and its first line.
pub fn human(documents: &[Document], look: Look) -> String {
    let mut out = String::new();
    for document in documents {
        // A title above everything is the document's, and no section.
        let title = document
            .headings
            .first()
            .filter(|first| document.headings.iter().skip(1).all(|other| other.level > first.level));
        let name = plain(document.source.name());
        let _ = match title {
            Some(title) => writeln!(out, "{name}  {}", plain(&title.text)),
            None => writeln!(out, "{name}"),
        };
        let mut section: Option<&[String]> = None;
        let mut places = Places::new(&document.source);
        let place = |finding: &Finding| {
            let start = places.of(finding).0;
            format!("{}:{}", start.line, start.column)
        };
        let places: Vec<String> = document.findings.iter().map(place).collect();
        let width = places.iter().map(String::len).max().unwrap_or_default();
        for (finding, place) in document.findings.iter().zip(&places) {
            if section != Some(&finding.section) {
                section = Some(&finding.section);
                let below = finding.section.iter().skip(usize::from(title.is_some()));
                let title = below.map(|heading| plain(heading)).collect::<Vec<_>>().join(" > ");
                let title = if title.is_empty() { "(before any section)".to_owned() } else { title };
                let title = shortened(&title, look.width.saturating_sub(2).max(20));
                let _ = match look.color {
                    true => writeln!(out, "\n  {}", title.style(Style::new().bold())),
                    false => writeln!(out, "\n  {title}"),
                };
            }
            let sure = match finding.confidence {
                Confidence::High => "",
                Confidence::Medium => "?",
                Confidence::Low => "??",
            };
            let kind = format!("{}{sure}", word(&finding.kind));
            let room = look.width.saturating_sub(4 + width + 2 + 16 + 1).max(20);
            let told = told(finding);
            let text = if look.bounded { shortened(&told, room) } else { told };
            let _ = writeln!(out, "    {place:width$}  {kind:16} {text}");
        }
        out.push('\n');
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let findings = || documents.iter().flat_map(|document| &document.findings);
    findings().for_each(|finding| *counts.entry(finding.kind.name()).or_default() += 1);
    let counted = KINDS.iter().filter_map(|(name, noun)| {
        let count = *counts.get(name)?;
        Some(if count > 1 && noun.ends_with('y') {
            format!("{count} {}ies", noun.trim_end_matches('y'))
        } else {
            plural(count, noun)
        })
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    let counted = if counted.is_empty() { "nothing that can be checked".to_owned() } else { counted };
    let unsure = findings().filter(|finding| finding.confidence < Confidence::High).count();
    let _ = write!(out, "{}: {counted}", plural(documents.len(), "document"));
    if unsure > 0 {
        let _ = write!(out, "; {unsure} of them not certain (?), --format json says why");
    }
    out.push('\n');
    out
}

/// Lines and columns, asked for in the order of a document: lines may be long, and none is counted twice.
struct Places<'a> {
    source: &'a Source,
    /// The last place that was asked for.
    offset: usize,
    place: LineColumn,
}

impl<'a> Places<'a> {
    fn new(source: &'a Source) -> Places<'a> {
        Places { source, offset: 0, place: LineColumn { line: 1, column: 1 } }
    }

    fn at(&mut self, offset: usize) -> LineColumn {
        if offset < self.offset {
            (self.offset, self.place) = (offset, self.source.place(offset));
        }
        let between = self.source.text().get(self.offset..offset).unwrap_or_default();
        match between.rfind('\n') {
            Some(last) => {
                let line = self.place.line + between.matches('\n').count();
                self.place = LineColumn { line, column: between[last + 1..].chars().count() + 1 };
            }
            None => self.place.column += between.chars().count(),
        }
        self.offset = offset;
        self.place
    }

    /// Where a finding begins and ends; the next one may begin before this one's end.
    fn of(&mut self, finding: &Finding) -> (LineColumn, LineColumn) {
        let span = finding.place();
        let start = self.at(span.start);
        let end = Places { source: self.source, ..*self }.at(span.end);
        (start, end)
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Rule(rule) if rule.is_alert => "alert rule",
        Kind::Rule(_) => "recording rule",
        Kind::Query { language: Language::Promql, .. } => "promql",
        Kind::Query { language: Language::Logql, .. } => "logql",
        Kind::AlertName => "alert",
        Kind::Sample(_) => "sample",
        Kind::LogLine(_) => "log",
        Kind::Command => "shell",
        Kind::Time(_) => "time",
    }
}

fn told(finding: &Finding) -> String {
    let text = one_line(&finding.text);
    match &finding.kind {
        Kind::Rule(rule) => format!("{}: {}", plain(&rule.name), one_line(&rule.expr)),
        Kind::Query { problem: Some(problem), .. } => format!("{text}  (does not parse: {})", problem.message),
        Kind::Time(Some(at)) => format!("{text}  = {at}"),
        _ => text,
    }
}

/// A text on one line, without what lines are indented by.
fn one_line(text: &str) -> String {
    plain(&text.split('\n').map(str::trim).collect::<Vec<_>>().join(" "))
}

#[derive(Serialize)]
struct Report<'a> {
    firedrill: &'static str,
    documents: Vec<DocumentOut<'a>>,
    summary: Map<String, Value>,
}

#[derive(Serialize)]
struct DocumentOut<'a> {
    document: &'a str,
    findings: Vec<FindingOut<'a>>,
}

#[derive(Serialize)]
struct FindingOut<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    text: &'a str,
    place: StretchOut<'a>,
    section: &'a [String],
    confidence: Confidence,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<SampleOut>,
    /// The value of a time, and when a log line was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Why a text that is called a query is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

#[derive(Serialize)]
struct RuleOut<'a> {
    name: &'a str,
    expr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    for_: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<String>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
}

#[derive(Serialize)]
struct SampleOut {
    labels: Map<String, Value>,
    /// As Prometheus' API writes it.
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// The whole report, pretty-printed.
pub fn json(documents: &[Document]) -> serde_json::Result<String> {
    let count = |name: &str| {
        let findings = documents.iter().flat_map(|document| &document.findings);
        Value::from(findings.filter(|finding| finding.kind.name() == name).count())
    };
    let mut summary = Map::new();
    summary.insert("documents".to_owned(), documents.len().into());
    summary.extend(KINDS.iter().map(|(name, _)| ((*name).to_owned(), count(name))));
    let documents = documents.iter().map(|document| {
        let mut places = Places::new(&document.source);
        let findings = document.findings.iter().map(|found| finding(&document.source, found, &mut places)).collect();
        DocumentOut { document: document.source.name(), findings }
    });
    let report = Report { firedrill: "extract/1", documents: documents.collect(), summary };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn finding<'a>(source: &'a Source, finding: &'a Finding, places: &mut Places<'_>) -> FindingOut<'a> {
    let (start, end) = places.of(finding);
    let language = match &finding.kind {
        Kind::Query { language, .. } => Some(*language),
        Kind::Rule(rule) => Some(rule.language),
        _ => None,
    };
    let sample = match &finding.kind {
        Kind::Sample(sample) => Some(SampleOut {
            labels: labels(&sample.labels),
            value: number::format_api(sample.value),
            at: sample.at.map(|at| at.to_string()),
        }),
        _ => None,
    };
    FindingOut {
        kind: finding.kind.name(),
        language,
        text: &finding.text,
        place: StretchOut::new(source, start, end),
        section: &finding.section,
        confidence: finding.confidence,
        reason: &finding.reason,
        rule: match &finding.kind {
            Kind::Rule(found) => Some(rule(found)),
            _ => None,
        },
        sample,
        at: match &finding.kind {
            Kind::Time(at) | Kind::LogLine(at) => at.map(|at| at.to_string()),
            _ => None,
        },
        problem: match &finding.kind {
            Kind::Query { problem, .. } => problem.as_ref().map(|problem| problem.message.as_str()),
            Kind::Rule(rule) => rule.problem.as_ref().map(|problem| problem.message.as_str()),
            _ => None,
        },
    }
}

fn rule(rule: &FoundRule) -> RuleOut<'_> {
    let map = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    };
    RuleOut {
        name: &rule.name,
        expr: &rule.expr,
        group: rule.group.as_deref(),
        for_: rule.for_.map(|duration| duration.to_string()),
        keep_firing_for: rule.keep_firing_for.map(|duration| duration.to_string()),
        labels: map(&rule.labels),
        annotations: map(&rule.annotations),
    }
}
