//! Alert rules that a document states outside of YAML: an expression in prose, a list or a table, and the alert that it is of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::alerts::is_alert_key;
use super::page::Page;
use super::section;
use super::subject::{Candidate, Subjects, is_field};
use super::{Confidence, Finding, FoundRule, Kind, Language, pattern};
use crate::text::{Located, Span};
use crate::time::Duration;

/// What calls inline code an alert's expression.
static EXPRESSION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(expression|expr|condition|alert query)\b[^\w]*$"));
/// The whole of what stands before it in its item, or on the line above its block.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)^\W*(?:\d+[.)]\W*)?(?:(?:the|alert|alerting|rule|promql|logql)\W+)*",
        r"(?:expression|expr|condition|alert query)\b\W*(?:\((?:promql|logql)\)\W*)?$",
    ))
});
/// `10m`, `10 minutes`, `> 10m`.
const DURATION: &str = r"(?:(?:>=?|≥|at least|more than)\s*)?((?:\d+(?:ms|[smhdwy]))+|\d+\s?(?:seconds?|secs?|minutes?|mins?|hours?|days?))\b";
/// `for` as a key: at the beginning of a line, or of a part of it behind `|`.
static FOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?:^|\|)[\s\-*+|>`_:]*(?:for|(?:for )?duration|pending period)\b[\s*:`|=_]+{DURATION}[\s*`.,;_]*(?:\(.*)?(?:$|\|)"
    ))
});
/// `for` behind or before an expression on its line.
static FOR_BESIDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\b(?:for|duration)\b[\s*:`=_]+{DURATION}")));
/// What goes on with an expression that is only in part in code.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^[\s*_]*(?:[<>=≥≤≠]|!=|[+/%^]|(?:and|or|unless|AND|OR|is|above|below|over|under)\b)")
});

/// A name at the beginning of a line, and the code behind it says when it fires: `` `Name` fires when ``.
static FIRES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[\s\-+*>`_]*(?:\d+[.)][\s*`_]*)?[A-Z]\w+[*`_]*[\s:–—-]+(?:fires|alerts|pages|triggers)\s+(?:if|when)\s*`*$",
    )
});
/// A name in marks that begins an item, and a dash or a colon: the code behind it is its expression if it has a `for`.
static ITEM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\*\*|`)[A-Z]\w+(?:\*\*|`)\s*(?::|–|—|-)+\s*`*$"));
/// `Query:` at the beginning of a line: an alert's expression if a `for` goes with it.
static QUERY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^\W*(?:promql\s+)?query\W*:\W*$"));

/// Whether a text ends in what calls the next code an expression, and says nothing else.
pub fn is_expression_key(text: &str) -> bool {
    KEY.is_match(text)
}

/// Rules whose expressions the page gives outside of YAML, and the titles that turn out to be names of alerts. `queries` and
/// `names` are what was found, `known` names of somebody's rules.
pub fn rules(page: &Page, queries: &[Finding], names: &[Finding], known: &BTreeSet<String>) -> Vec<Finding> {
    let mut by_place: Vec<Query<'_>> = queries.iter().filter_map(Query::of).collect();
    by_place.sort_by_key(|query| query.place().start);
    let within = |span: Span| {
        let from = by_place.partition_point(|query| query.place().start < span.start);
        let to = by_place.partition_point(|query| query.place().start < span.end);
        &by_place[from..to]
    };
    let subjects = LazyLock::new(|| Subjects::of(page, names, known));
    let mut found = Vec::new();
    // The first expression below a name is its own; who says more of it may mean another one.
    let mut given: BTreeMap<usize, String> = BTreeMap::new();
    let fors = LazyLock::new(|| fors(page));
    let mut in_text = |query: Query<'_>, alone: bool, with_for: bool, found: &mut Vec<Finding>| {
        let (subject, mut stated) = in_text(page, query.place(), &subjects, &fors)?;
        if with_for && stated.for_.is_none() {
            return None;
        }
        let expr = given.entry(subject.start).or_insert_with(|| query.text.value.clone());
        if *expr != query.text.value || !alone {
            stated.confidence = Confidence::Low;
        }
        if subject.title && stated.confidence > Confidence::Low {
            let reason = "a title, and its expression stands below";
            found.push(Finding::new(Kind::AlertName, subject.name.clone(), Confidence::Medium, reason));
        }
        Some(stated)
    };
    for inline in page.inline.iter().chain(&page.cells) {
        let Some(query) = within(inline.span).first().copied().filter(|query| query.place().end <= inline.span.end)
        else {
            continue;
        };
        let before = page.before(inline.span.start);
        let stated = match inline.cell {
            Some(cell) => in_table(page, cell, query.place()),
            None => {
                let called = EXPRESSION.is_match(before.trim_end_matches('`')) || FIRES.is_match(before);
                let behind = behind(page, inline.span.end);
                let with_for = QUERY.is_match(before) || (ITEM.is_match(before) && FOR_BESIDE.is_match(behind));
                (called || with_for).then(|| in_text(query, !GOES_ON.is_match(behind), !called, &mut found)).flatten()
            }
        };
        found.extend(stated.map(|stated| stated.rule(query)));
    }
    for line in &page.lines {
        let Some(start) = super::query::plain_key(page.text(*line)).map(|key| line.start + key) else { continue };
        if let Some(query) = within(Span::new(start, start + 1)).first().copied() {
            let stated = in_text(query, true, false, &mut found);
            found.extend(stated.map(|stated| stated.rule(query)));
        }
    }
    for code in &page.code {
        let above = page.lines[..page.lines.partition_point(|line| line.start < code.span.start)].iter().rev();
        let called =
            above.map(|line| page.text(*line).trim()).find(|line| !line.is_empty()).is_some_and(is_expression_key);
        if !called {
            continue;
        }
        let queries = within(code.span);
        for &query in queries {
            let stated = in_text(query, queries.len() == 1, false, &mut found);
            found.extend(stated.map(|stated| stated.rule(query)));
        }
    }
    found
}

/// The rest of a line.
fn behind(page: &Page, at: usize) -> &str {
    page.source.text().get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default()
}

/// A query that was found.
#[derive(Clone, Copy)]
struct Query<'q> {
    text: &'q Located,
    language: Language,
}

impl<'q> Query<'q> {
    fn of(finding: &'q Finding) -> Option<Query<'q>> {
        match finding.kind {
            Kind::Query { language, problem: None } => Some(Query { text: &finding.text, language }),
            _ => None,
        }
    }

    fn place(&self) -> Span {
        self.text.file_span(Span::new(0, self.text.len()))
    }
}

/// What is said around an expression.
struct Stated {
    name: Located,
    for_: Option<Duration>,
    severity: Option<String>,
    confidence: Confidence,
    reason: String,
}

impl Stated {
    fn rule(self, query: Query<'_>) -> Finding {
        let rule = FoundRule {
            // No alert is called as recorded series are.
            is_alert: !self.name.contains(':'),
            name: self.name,
            expr: query.text.clone(),
            language: query.language,
            problem: None,
            group: None,
            for_: self.for_,
            keep_firing_for: None,
            labels: self.severity.into_iter().map(|severity| ("severity".to_owned(), severity)).collect(),
            annotations: Vec::new(),
        };
        Finding::new(Kind::Rule(Box::new(rule)), query.text.clone(), self.confidence, self.reason)
    }
}

/// The rule that a row of a table, or a table, tells of, whose expression is in a cell.
fn in_table(page: &Page, (table, row, column): (usize, usize, usize), query: Span) -> Option<Stated> {
    let header = &page.tables.get(table)?.header;
    let called = |text: &str| EXPRESSION.is_match(text.trim_end_matches([':', ' '])) || text.contains("expression");
    // A table of queries has names, too; one of alerts says so.
    let queried =
        |text: &str| matches!(text, "query" | "promql" | "promql query") && header.iter().any(|h| is_alert_key(h));
    let across = header.get(column).is_some_and(|header| called(header) || queried(header));
    let (name, reason) = if across {
        let alerts = header.iter().position(|header| {
            matches!(header.as_str(), "alert" | "alertname" | "alert name" | "name" | "rule" | "record")
        })?;
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
    let whole = *page.tables.get(table)?.rows.get(row)?.get(column)?;
    let words = |text: &str| text.contains(|c: char| c.is_alphanumeric());
    let (before, after) = (Span::new(whole.start, query.start), Span::new(query.end, whole.end));
    // `p99 of x > 2 s`, `rate(x[5m])` and `> 1` behind it: the query is a part of what is meant.
    let part = words(page.text(before)) || GOES_ON.is_match(page.text(after).trim_start_matches('`'));
    Some(Stated {
        name: Located::verbatim(name.1, &page.source, name.0.start),
        for_: cell(&["for", "duration"]).and_then(duration),
        severity: severity.map(str::to_owned),
        confidence: if part { Confidence::Low } else { Confidence::High },
        reason: if part { format!("{reason}, of whose expression it is a part") } else { reason.to_owned() },
    })
}

/// The row of a table whose first cell is what is looked for.
fn row_of(page: &Page, table: usize, is_key: impl Fn(&str) -> bool) -> Option<usize> {
    let rows = page.tables.get(table)?.rows.len();
    (0..rows).find(|row| page.cell_text(table, *row, 0).is_some_and(|(_, key)| is_key(key)))
}

/// `10m`, `10 minutes`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    text.split_whitespace().next()?.parse().ok().or_else(|| {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        format!("{digits}{}", text[digits.len()..].trim_start().chars().next()?.to_ascii_lowercase()).parse().ok()
    })
}

/// The rule whose expression stands at a place in prose, in a list or in a block, and the name that it has been given.
fn in_text<'s>(
    page: &Page,
    query: Span,
    subjects: &'s Subjects,
    fors: &[(Span, Duration)],
) -> Option<(&'s Candidate, Stated)> {
    let (subject, confidence) = subjects.at(page, query.start)?;
    let line = page.source.line(subject.start);
    let reason = match confidence {
        Confidence::Low => {
            format!("an expression, and an alert that is named above it, on line {line}; it may be another one's")
        }
        _ => format!("an expression, and the alert that is named nearest above it, on line {line}"),
    };
    let for_ = for_of(page, query, subject, subjects, fors);
    Some((subject, Stated { name: subject.name.clone(), for_, severity: None, confidence, reason }))
}

/// All lines that give a `for` as a key.
fn fors(page: &Page) -> Vec<(Span, Duration)> {
    page.lines.iter().filter_map(|line| Some((*line, captured(&FOR, page.text(*line))?))).collect()
}

fn captured(pattern: &Regex, text: &str) -> Option<Duration> {
    pattern.captures(text).and_then(|found| duration(found.get(1)?.as_str()))
}

/// The `for` of an expression: beside it on its line, or as a key on the nearest line that tells of the same alert.
fn for_of(
    page: &Page,
    query: Span,
    subject: &Candidate,
    subjects: &Subjects,
    fors: &[(Span, Duration)],
) -> Option<Duration> {
    let place = query.start;
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
    let own = page.lines.get(page.lines.partition_point(|line| line.end < place));
    if let Some(own) = own.filter(|line| line.start <= place) {
        let inside =
            |start: usize, end: usize| page.text(Span::new(start.max(around.start), end.min(around.end).max(start)));
        let after = inside(query.end, own.end).split(". ").next().unwrap_or_default();
        let beside = captured(&FOR_BESIDE, after).or_else(|| captured(&FOR_BESIDE, inside(own.start, place)));
        if beside.is_some() {
            return beside;
        }
    }
    // The nearest one above and the nearest one below; of two as far the one above.
    let below = fors.partition_point(|(line, _)| line.start <= place);
    let nearest = [below.checked_sub(1), Some(below)].into_iter().flatten().filter_map(|at| fors.get(at));
    let keys = nearest.filter(|(line, _)| line.end > around.start && line.start < around.end);
    keys.min_by_key(|(line, _)| line.start.abs_diff(place)).map(|(_, duration)| *duration)
}
