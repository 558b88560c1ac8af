//! What is wrong with runbooks, as text and as JSON.

use std::collections::BTreeMap;

use owo_colors::OwoColorize;
use serde::Serialize;

use super::human::{Look, plural};
use super::json::{NoticeOut, notice};
use super::stretch::StretchOut;
use crate::runbook::check::{Facts, Finding, Report};

/// The findings with their places, then how many there are of each kind.
pub fn human(report: &Report, look: Look, silenced: bool) -> String {
    let mut text = String::new();
    let (put_up_with, open): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.silenced.is_some());
    text += &open.iter().map(|finding| finding_text(finding, look)).collect::<String>();
    if silenced {
        for finding in &put_up_with {
            let reason = finding.silenced.as_deref().unwrap_or_default();
            text += &format!("put up with: {} ({}): {reason}\n", finding.problem, finding.name.text());
        }
    }
    text += &report.notes.iter().map(|note| format!("note: {note}\n")).collect::<String>();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    open.iter().for_each(|finding| *counts.entry(finding.name.text()).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    text += &facts(report.facts);
    text += ": ";
    text += &match open.len() {
        0 => "nothing is wrong".to_owned(),
        many => plural(many, "finding"),
    };
    if !put_up_with.is_empty() {
        text += &format!(", {} put up with", put_up_with.len());
    }
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if !counts.is_empty() {
        text += &format!(" ({})", counts.join(", "));
    }
    text += "\n";
    if report.facts.alerts == 0 {
        text += "no alerts: name their rules with --rules, and each of them needs a runbook\n";
    }
    if report.facts.replays == 0 && report.facts.queries > 0 {
        text += "no replays: queries were parsed, and not run\n";
    }
    text
}

/// A finding with its place and its difference.
pub fn finding_text(finding: &Finding, look: Look) -> String {
    let told = finding.problem.render_named(finding.name.text(), look.color);
    format!("{told}\n{}\n", colored(&finding.diff, look))
}

/// What a build did: how many pages have blocks, how many of them were written, and how many blocks were edited.
pub fn built(pages: usize, written: usize, edited: usize) -> String {
    let edited = match edited {
        0 => String::new(),
        1 => "1 block was edited by hand, and its page is left as it was".to_owned(),
        many => format!("{many} blocks were edited by hand, and their pages are left as they were"),
    };
    match (pages, written, edited.as_str()) {
        (0, ..) => "no page has blocks: `firedrill runbook adopt PAGE` puts markers into one\n".to_owned(),
        (_, 0, "") => format!("{} with blocks: all are as they should be\n", plural(pages, "page")),
        (_, written, "") => format!("{} with blocks: {written} written\n", plural(pages, "page")),
        (_, written, edited) => format!("{} with blocks: {written} written; {edited}\n", plural(pages, "page")),
    }
}

fn facts(facts: Facts) -> String {
    let mut parts = vec![plural(facts.pages, "page"), plural(facts.alerts, "alert")];
    if facts.elsewhere > 0 {
        parts.push(format!("{} with a runbook elsewhere", facts.elsewhere));
    }
    let queries = if facts.queries == 1 { "1 query".to_owned() } else { format!("{} queries", facts.queries) };
    parts.extend([queries, plural(facts.replays, "replay")]);
    parts.join(", ")
}

/// A difference with its colours.
fn colored(diff: &str, look: Look) -> String {
    if !look.color {
        return diff.to_owned();
    }
    let line = |line: &str| match line.chars().next() {
        Some('+') => line.green().to_string(),
        Some('-') => line.red().to_string(),
        Some('@') => line.cyan().to_string(),
        _ => line.to_owned(),
    };
    diff.lines().map(|text| line(text) + "\n").collect()
}

#[derive(Serialize)]
struct ReportOut<'a> {
    firedrill: &'static str,
    holds: bool,
    findings: Vec<FindingOut<'a>>,
    /// What could not be checked.
    notes: Vec<NoticeOut<'a>>,
    summary: SummaryOut,
}

#[derive(Serialize)]
struct FindingOut<'a> {
    name: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<StretchOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    diff: &'a str,
    /// The reason why it is put up with.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced: Option<&'a str>,
}

#[derive(Serialize)]
struct SummaryOut {
    pages: usize,
    alerts: usize,
    elsewhere: usize,
    queries: usize,
    replays: usize,
    findings: usize,
    silenced: usize,
}

/// The whole report (`runbook-check/1`), pretty-printed.
pub fn json(report: &Report) -> serde_json::Result<String> {
    let silenced = report.findings.iter().filter(|finding| finding.silenced.is_some()).count();
    let out = ReportOut {
        firedrill: "runbook-check/1",
        holds: report.holds(),
        findings: report.findings.iter().map(finding).collect(),
        notes: report.notes.iter().map(notice).collect(),
        summary: SummaryOut {
            pages: report.facts.pages,
            alerts: report.facts.alerts,
            elsewhere: report.facts.elsewhere,
            queries: report.facts.queries,
            replays: report.facts.replays,
            findings: report.findings.len() - silenced,
            silenced,
        },
    };
    Ok(serde_json::to_string_pretty(&out)? + "\n")
}

fn finding(finding: &Finding) -> FindingOut<'_> {
    let place = finding.problem.place.as_ref();
    let place = place.map(|(source, span)| StretchOut::new(source, source.place(span.start), source.place(span.end)));
    FindingOut {
        name: finding.name.text(),
        message: &finding.problem.message,
        help: finding.problem.help.as_deref(),
        place,
        alert: finding.alert.as_deref(),
        diff: &finding.diff,
        silenced: finding.silenced.as_deref(),
    }
}
