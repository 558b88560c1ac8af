//! Alert rules that a document states outside of YAML: an expression in prose, a list or a table, and the alert that it is of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::alerts::is_alert_key;
use super::page::{Inline, Page};
use super::section;
use super::subject::{Candidate, Subjects, is_field};
use super::{Confidence, Finding, FoundRule, Kind, pattern};
use crate::text::{Located, Span};
use crate::time::Duration;

/// What calls inline code an alert's expression.
static EXPRESSION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(expression|expr|condition|alert query)\b[^\w]*$"));
/// The whole of what stands before it in its item.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:\d+[.)]\W*)?(?:(?:the|alert|alerting|rule|promql|logql)\W+)*(?:expression|expr|condition|alert query)\b[^\w]*$",
    )
});
/// `for` at the beginning of a line, or elsewhere on the line of the expression.
static FOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^[\s\-*+|>`_:]*(?:for|duration)\b[\s*:`|=_]+((?:\d+(?:ms|[smhdwy]))+)\b[\s*`|.,;_]*(?:\(.*)?$")
});
static FOR_BESIDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:for|duration)\b[\s*:`=_]+((?:\d+(?:ms|[smhdwy]))+)\b"));

/// How many lines around an expression are looked at for its `for`.
const NEAR: usize = 3;

/// Whether a text ends in what calls the next code an expression, and says nothing else.
pub fn is_expression_key(text: &str) -> bool {
    KEY.is_match(text)
}

/// Alerts whose expressions the page gives outside of YAML, and the titles that turn out to be their names. `queries` and
/// `names` are what was found, `known` names of somebody's rules.
pub fn rules(page: &Page, queries: &[Finding], names: &[Finding], known: &BTreeSet<String>) -> Vec<Finding> {
    let mut by_place: Vec<&Finding> = queries.iter().filter(|f| matches!(f.kind, Kind::Query { .. })).collect();
    by_place.sort_by_key(|finding| finding.place().start);
    let subjects = LazyLock::new(|| Subjects::of(page, names, known));
    let mut found = Vec::new();
    // The first expression below a name is its own; who says more of it may mean another one.
    let mut given: BTreeMap<usize, String> = BTreeMap::new();
    for inline in page.inline.iter().chain(&page.cells) {
        let next = by_place.partition_point(|finding| finding.place().start < inline.span.start);
        let query = by_place.get(next).filter(|finding| finding.place().end <= inline.span.end);
        let Some((query, language)) = query.and_then(|finding| match finding.kind {
            Kind::Query { language, problem: None } => Some((*finding, language)),
            _ => None,
        }) else {
            continue;
        };
        let stated = match inline.cell {
            Some(cell) => in_table(page, cell),
            None if EXPRESSION.is_match(page.before(inline.span.start).trim_end_matches('`')) => {
                in_text(page, inline, &subjects).map(|(subject, mut stated)| {
                    let expr = given.entry(subject.start).or_insert_with(|| query.text.value.clone());
                    if *expr != query.text.value {
                        stated.confidence = Confidence::Low;
                    }
                    if subject.title && stated.confidence > Confidence::Low {
                        let reason = "a title, and its expression stands below";
                        found.push(Finding::new(Kind::AlertName, subject.name.clone(), Confidence::Medium, reason));
                    }
                    stated
                })
            }
            None => None,
        };
        let Some(stated) = stated else { continue };
        let rule = FoundRule {
            is_alert: true,
            name: stated.name,
            expr: query.text.clone(),
            language,
            problem: None,
            group: None,
            for_: stated.for_,
            keep_firing_for: None,
            labels: stated.severity.into_iter().map(|severity| ("severity".to_owned(), severity)).collect(),
            annotations: Vec::new(),
        };
        found.push(Finding::new(Kind::Rule(Box::new(rule)), query.text.clone(), stated.confidence, stated.reason));
    }
    found
}

/// What is said around an expression.
struct Stated {
    name: Located,
    for_: Option<Duration>,
    severity: Option<String>,
    confidence: Confidence,
    reason: String,
}

/// The rule that a row of a table, or a table, tells of, whose expression is in a cell.
fn in_table(page: &Page, (table, row, column): (usize, usize, usize)) -> Option<Stated> {
    let header = &page.tables.get(table)?.header;
    let called = |text: &str| EXPRESSION.is_match(text.trim_end_matches([':', ' '])) || text.contains("expression");
    let across = header.get(column).is_some_and(|header| called(header));
    let (name, reason) = if across {
        let alerts = header
            .iter()
            .position(|header| matches!(header.as_str(), "alert" | "alertname" | "alert name" | "name"))?;
        (page.cell_text(table, row, alerts).filter(|(_, text)| !text.is_empty())?, "a row of a table of alerts")
    } else {
        let (_, key) = page.cell_text(table, row, 0)?;
        if column != 1 || !called(&key.to_lowercase()) {
            return None;
        }
        let alert = row_of(page, table, is_alert_key)?;
        (page.cell_text(table, alert, 1)?, "a table that tells of one alert")
    };
    let cell = |names: &[&str]| {
        let (row, column) = match across {
            true => (row, header.iter().position(|header| names.contains(&header.as_str()))?),
            false => (row_of(page, table, |key| names.contains(&key.to_lowercase().trim_end_matches(':')))?, 1),
        };
        page.cell_text(table, row, column).map(|(_, text)| text)
    };
    let severity =
        cell(&["severity"]).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()));
    Some(Stated {
        name: Located::verbatim(name.1, &page.source, name.0.start),
        for_: cell(&["for", "duration"]).and_then(|text| text.split_whitespace().next()?.parse().ok()),
        severity: severity.map(str::to_owned),
        confidence: Confidence::High,
        reason: reason.to_owned(),
    })
}

/// The row of a table whose first cell is what is looked for.
fn row_of(page: &Page, table: usize, is_key: impl Fn(&str) -> bool) -> Option<usize> {
    let rows = page.tables.get(table)?.rows.len();
    (0..rows).find(|row| page.cell_text(table, *row, 0).is_some_and(|(_, key)| is_key(key)))
}

/// The rule whose expression is inline code in prose or a list, and the name that it has been given.
fn in_text<'s>(page: &Page, inline: &Inline, subjects: &'s Subjects) -> Option<(&'s Candidate, Stated)> {
    let (subject, confidence) = subjects.at(page, inline.span.start)?;
    let line = page.source.line(subject.start);
    let reason = match confidence {
        Confidence::Low => {
            format!("an expression, and an alert that is named above it, on line {line}; it may be another one's")
        }
        _ => format!("an expression, and the alert that is named nearest above it, on line {line}"),
    };
    let for_ = for_of(page, inline, subject, subjects);
    Some((subject, Stated { name: subject.name.clone(), for_, severity: None, confidence, reason }))
}

/// The `for` beside an expression: on its line, or on one near it that tells of the same alert.
fn for_of(page: &Page, inline: &Inline, subject: &Candidate, subjects: &Subjects) -> Option<Duration> {
    let place = inline.span.start;
    let mut around = Span::new(subject.start, page.source.text().len());
    let mut items = page.items_at(place);
    // A field's fellows are the items beside it; what begins with something else has its own.
    if items.last().is_some_and(|item| is_field(page, *item, place)) {
        items.pop();
    }
    if let Some(item) = items.last() {
        around = Span::new(around.start.max(item.start), item.end);
    }
    if let Some(section) = section::innermost(&page.headings, place) {
        around.end = around.end.min(section::span(&page.headings, section, around.end).end);
    }
    around.end = around.end.min(subjects.next_title(place).unwrap_or(around.end));
    let own = page.lines.partition_point(|line| line.end < place);
    let own_line = *page.lines.get(own)?;
    let inside =
        |start: usize, end: usize| page.text(Span::new(start.max(around.start), end.min(around.end).max(start)));
    let beside = |text: &str| FOR_BESIDE.captures(text).and_then(|captures| captures.get(1)?.as_str().parse().ok());
    let on_line = beside(inside(inline.span.end, own_line.end)).or_else(|| beside(inside(own_line.start, place)));
    on_line.or_else(|| {
        let lines = page.lines.iter().skip(own.saturating_sub(NEAR)).take(2 * NEAR + 1);
        let lines = lines.filter(|line| line.end > around.start && line.start < around.end);
        lines.filter_map(|line| FOR.captures(page.text(*line))?.get(1)?.as_str().parse().ok()).next()
    })
}
