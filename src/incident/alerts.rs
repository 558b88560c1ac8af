//! Names of alerts, in prose, headings, lists and tables.

use std::sync::LazyLock;

use regex::Regex;

use super::page::Page;
use super::section;
use super::{Confidence, Finding, Kind, pattern};
use crate::text::{Located, Span};

/// `Alert: Name`, `alertname="Name"`, ``alerts `Name` ``.
static CALLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)\b(?:alert|alerts|alertname|alert name|alert rule)\b[\s*_:=`"'(]{1,6}([A-Za-z][A-Za-z0-9_]{3,})"#)
});
/// What follows a name there: ``/ `Other` ``, ``and `Other` ``.
static ANOTHER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[`*]*(?:\s*(?:/|,|and|or|und)\s*)[`*]+([A-Za-z][A-Za-z0-9_]{3,})[`*]"));
/// `Name alert`, `Name fires`.
static DOES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"([A-Z][A-Za-z0-9_]{3,})[`*]*\s+(?:alerts?\b|fires\b|fired\b|firing\b|is firing\b|is (?:also )?trigger(?:e?d)?\b)",
    )
});
/// A list item that begins with a name.
static ITEM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(?:[-*+]|\d+[.)])\s+[*`_]*([A-Z][A-Za-z0-9_]{3,})[*`_:]"));

/// The names of alerts that a page speaks of.
pub fn names(page: &Page) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut name = |span: Span, confidence: Confidence, reason: &str| {
        found.push(Finding::new(Kind::AlertName, page.verbatim(span), confidence, reason));
    };
    let titles: Vec<Span> = page.headings.iter().map(|heading| heading.span).collect();
    // A runbook's title is its alert's name; some begin with a small letter, as `etcdNoLeader`.
    let named = |heading: &&section::Heading| {
        let capitals = heading.text.bytes().filter(u8::is_ascii_uppercase).count();
        let word = heading.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        word && (humps(&heading.text) >= 3 || (heading.level == 1 && capitals >= 2))
    };
    for heading in page.headings.iter().filter(|heading| heading.level <= 2).filter(named) {
        let written = page.text(heading.span);
        if let Some(at) = written.find(heading.text.as_str()) {
            let start = heading.span.start + at;
            name(Span::new(start, start + heading.text.len()), Confidence::Medium, "a heading that is a name");
        }
    }
    let code = page.code.iter().filter(|code| !matches!(code.language.as_str(), "yaml" | "yml" | "json" | "mermaid"));
    let blocks = code.filter(|code| !super::shell::is_shell(&code.language) || code.text.contains("Alert:"));
    let lines = page.lines.iter().map(|line| page.verbatim(*line));
    let lines: Vec<Located> = lines.chain(blocks.flat_map(|code| lines_of(&code.text))).collect();
    for line in &lines {
        let place = |part: Span| line.file_span(part);
        let mut taken: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(captures) = CALLED.captures_at(line, at) {
            let Some(group) = captures.get(1) else { break };
            let (mut start, mut end) = (group.start(), group.end());
            at = end;
            // Words in marks are names; without marks they have to look like one.
            let marked = line[..start].ends_with(['`', '*', '"', '\'']);
            if !(humps(group.as_str()) >= 2 || (marked && group.as_str().contains('_'))) {
                continue;
            }
            loop {
                name(place(Span::new(start, end)), Confidence::High, "called an alert");
                taken.push(start);
                at = end;
                let next = ANOTHER.captures(&line[end..]).and_then(|captures| captures.get(1));
                let Some(next) = next.filter(|next| humps(next.as_str()) >= 2) else { break };
                (start, end) = (end + next.start(), end + next.end());
            }
        }
        let title = super::page::is_in(&titles, place(Span::new(0, 1)).start);
        for group in DOES.captures_iter(line).filter_map(|captures| captures.get(1)).filter(|_| !title) {
            if humps(group.as_str()) >= 2 && !taken.contains(&group.start()) {
                name(
                    place(Span::new(group.start(), group.end())),
                    Confidence::Medium,
                    "said to be an alert or to fire",
                );
                taken.push(group.start());
            }
        }
        let item = ITEM.captures(line).and_then(|captures| captures.get(1));
        if let Some(group) = item.filter(|group| humps(group.as_str()) >= 3 && !taken.contains(&group.start())) {
            let place = place(Span::new(group.start(), group.end()));
            let under = section::path(&page.headings, place.start);
            if under.last().is_some_and(|heading| heading.to_lowercase().contains("alert")) {
                name(place, Confidence::Medium, "an item of a list of alerts");
            }
        }
    }
    for (at, table) in page.tables.iter().enumerate() {
        let column =
            table.header.iter().position(|header| matches!(header.as_str(), "alert" | "alertname" | "alert name"));
        for row in 0..table.rows.len() {
            let column = match column {
                Some(column) => Some((column, "in a column of alerts")),
                None => page
                    .cell_text(at, row, 0)
                    .filter(|(_, key)| is_alert_key(key))
                    .map(|_| (1, "in a row that is called alert")),
            };
            if let Some((column, reason)) = column
                && let Some((span, text)) = page.cell_text(at, row, column)
                && humps(text) >= 2
                && is_name(text)
            {
                name(span, Confidence::High, reason);
            }
        }
    }
    found.sort_by_key(|finding| finding.place().start);
    found.dedup_by(|b, a| a.place() == b.place());
    found
}

fn lines_of(text: &Located) -> Vec<Located> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(text.part(Span::new(start, start + line.trim_end().len())));
        start += line.len();
    }
    lines
}

pub fn is_alert_key(text: &str) -> bool {
    matches!(text.to_lowercase().trim_end_matches(':'), "alert" | "alertname" | "alert name")
}

pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// How many parts that begin with a capital a word has: `RequestErrorsToAPI` four.
pub fn humps(word: &str) -> usize {
    let bytes = word.as_bytes();
    let begins = |at: usize| bytes[at].is_ascii_uppercase() && (at == 0 || !bytes[at - 1].is_ascii_uppercase());
    if bytes.first().is_none_or(|first| !first.is_ascii_uppercase()) || !bytes.iter().any(u8::is_ascii_lowercase) {
        return 0;
    }
    (0..bytes.len()).filter(|at| begins(*at)).count()
}
