//! PromQL and LogQL in a document: in fences, several to a fence, in inline code, in tables, in links, on lines of their own.

use std::sync::LazyLock;

use regex::Regex;

use super::page::{self, Code, Inline, Page};
use super::{Confidence, Finding, Kind, Language, pattern};
use crate::logql;
use crate::promql::ast::{Expr, ExprKind, VectorSelector};
use crate::promql::{Features, parse_with};
use crate::syntax::ParseError;
use crate::text::{Located, Span};
use crate::time::Duration;

/// A query has fewer lines than this; what is longer is looked at in parts.
const MOST_LINES: usize = 80;

/// Words right before inline code that say that it is a query.
static CALLED_QUERY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(expression|expr|query|promql|logql|condition)[\s*_:=(]*$"));
/// Words on the line before that say of which language it is.
static CALLED_LOGQL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(loki|logql|log quer(y|ies))\b"));
static CALLED_PROMQL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(prometheus|promql|metric quer(y|ies))\b"));
/// What begins an item of a list.
static LIST_ITEM: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(?:[-*+]|\d+[.)])\s+"));
/// A key and a line of a text that calls what stands behind it an expression, without marks.
static PLAIN_KEY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\s*(?:[-*+]\s+)?(?:alert\s+)?(?:expression|expr|condition)\s*:\s+"));
/// Labels of a rule as Prometheus 1 wrote them: `LABELS { severity = "page" }`.
static OLD_RULE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(?:LABELS|ANNOTATIONS)\s*\{"));
/// Words that speak of logs, where labels in braces select streams.
static OF_LOGS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:logs?|loki|logql|logcli|streams?)\b"));
/// A query in the address of a graph, with `%20` and the like.
static IN_LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"[?&#]g\d+\.expr=([^&\s<>\x22]+)"));

/// How much of a text could only be a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It is a number or a text, and no query.
    None,
    /// A name, or a calculation with names: as well a word.
    Word,
    /// A comparison or an aggregation of a name that looks like a metric's.
    Fair,
    /// It has matchers, a range, or a function.
    Strong,
}

/// A query in a text.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// In bytes of the text, comments around it left out.
    pub span: Span,
    pub language: Language,
    pub strength: Strength,
    /// Of a text that is said to be a query and is none.
    pub problem: Option<ParseError>,
}

/// All queries of a page, but for those that lie inside of `taken`, which is in order.
pub fn find(page: &Page, taken: &[Span]) -> Vec<Finding> {
    let free = |place: Span| !page::is_in(taken, place.start);
    let mut found: Vec<Finding> = page.code.iter().flat_map(in_code).collect();
    found.extend(page.inline.iter().chain(&page.cells).filter_map(|inline| in_inline(page, inline)));
    found.extend(in_lines(page));
    found.retain(|finding| free(finding.place()));
    doubt_labels(page, &mut found);
    found.extend(in_links(page));
    found
}

/// What a line calls an expression without marks: where that begins.
pub fn plain_key(line: &str) -> Option<usize> {
    PLAIN_KEY.find(line).map(|key| key.end())
}

/// Labels in braces are the streams of a log in a document of logs, and labels of alerts elsewhere.
fn doubt_labels(page: &Page, found: &mut [Finding]) {
    let is_logql = |finding: &Finding| matches!(finding.kind, Kind::Query { language: Language::Logql, problem: None });
    let is_labels = |finding: &Finding| {
        is_logql(finding)
            && finding.confidence == Confidence::Medium
            && finding.text.find('}') == Some(finding.text.len() - 1)
    };
    if found.iter().any(|finding| is_logql(finding) && !is_labels(finding)) {
        return;
    }
    for finding in found.iter_mut().filter(|finding| is_labels(finding)) {
        let at = page.lines.partition_point(|line| line.end < finding.place().start);
        if !page.lines.get(at).is_some_and(|line| OF_LOGS.is_match(page.text(*line))) {
            finding.confidence = Confidence::Low;
            finding.reason = "labels in braces, and nothing around them speaks of logs".to_owned();
        }
    }
}

/// What a fence says of its content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fence {
    Query(Option<Language>),
    /// It says nothing.
    Open,
    Shell,
    /// Another language.
    Other,
}

fn fence(language: &str) -> Fence {
    match language {
        "promql" | "metricsql" | "prometheus" | "prom" => Fence::Query(Some(Language::Promql)),
        "logql" | "loki" => Fence::Query(Some(Language::Logql)),
        "query" => Fence::Query(None),
        "" | "txt" | "text" | "plain" | "plaintext" | "code" => Fence::Open,
        _ if super::shell::is_shell(language) => Fence::Shell,
        _ => Fence::Other,
    }
}

fn in_code(code: &Code) -> Vec<Finding> {
    let text = &code.text;
    let (chunks, least) = match fence(&code.language) {
        Fence::Query(language) => (chunks(text, language, true), Strength::Word),
        Fence::Open if !is_data(text) => (chunks(text, None, false), Strength::Fair),
        Fence::Shell => (chunks(text, None, false), Strength::Strong),
        Fence::Open | Fence::Other => return Vec::new(),
    };
    let chunks: Vec<Chunk> =
        chunks.into_iter().filter(|chunk| chunk.strength >= least || chunk.problem.is_some()).collect();
    let nothing_else = is_all(text, &chunks);
    let found = chunks.into_iter().map(|chunk| {
        let (confidence, reason) = match fence(&code.language) {
            _ if chunk.problem.is_some() => {
                (Confidence::Low, format!("in a block of {}, which it is not", code.language))
            }
            Fence::Query(_) => (Confidence::High, format!("in a block of {}", code.language)),
            Fence::Shell if nothing_else => {
                (Confidence::Medium, format!("a block of {} with nothing else in it than queries", code.language))
            }
            Fence::Shell => (Confidence::Low, "a query on lines of its own in a block of shell commands".to_owned()),
            _ if chunk.strength == Strength::Strong => {
                (Confidence::High, "a block whose lines parse as it, with what no other language has".to_owned())
            }
            _ => (Confidence::Medium, "a block whose lines parse as it".to_owned()),
        };
        finding(text.part(chunk.span), chunk, confidence, reason)
    });
    found.collect()
}

/// Whether a text has no line beside these queries but comments.
fn is_all(text: &str, chunks: &[Chunk]) -> bool {
    let mut rest = text.to_owned();
    chunks.iter().rev().for_each(|chunk| rest.replace_range(chunk.span.start..chunk.span.end, ""));
    rest.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

fn finding(text: Located, chunk: Chunk, confidence: Confidence, reason: impl Into<String>) -> Finding {
    Finding::new(Kind::Query { language: chunk.language, problem: chunk.problem }, text, confidence, reason)
}

fn in_inline(page: &Page, inline: &Inline) -> Option<Finding> {
    let before = page.before(inline.span.start);
    let header =
        inline.cell.and_then(|(table, _, column)| page.tables.get(table)?.header.get(column)).map(String::as_str);
    let key = inline.cell.and_then(|(table, row, column)| {
        let first = column.checked_sub(1)?;
        page.cell_text(table, row, first).map(|(_, text)| text)
    });
    let named = [header, key].into_iter().flatten().any(|text| CALLED_QUERY.is_match(text.trim()));
    // A name alone is a query only behind a colon.
    let called = named || CALLED_QUERY.is_match(before);
    let stands_for = named || (called && before.trim_end_matches([' ', '*', '_']).ends_with([':', '=']));
    let in_header = |pattern: &Regex| header.is_some_and(|text| pattern.is_match(text)) || pattern.is_match(before);
    let language = match (in_header(&CALLED_LOGQL), in_header(&CALLED_PROMQL)) {
        (true, false) => Some(Language::Logql),
        (false, true) => Some(Language::Promql),
        _ => None,
    };
    // `up == 0 for 2m` says how long, too.
    let without_for = || {
        let (expr, last) = inline.text.rsplit_once(" for ").filter(|_| called)?;
        last.trim().parse::<Duration>().ok().and_then(|_| one(expr, language))
    };
    let chunk = one(&inline.text, language).or_else(without_for)?;
    if chunk.strength == Strength::None {
        return None;
    }
    let (confidence, reason) = match chunk.strength {
        Strength::Word if !stands_for => return None,
        _ if called => (Confidence::High, "called an expression or a query"),
        Strength::Strong if chunk.language == Language::Logql && language.is_none() => {
            (Confidence::Medium, "it selects without a name, which LogQL does rather than PromQL")
        }
        Strength::Strong => (Confidence::High, "it has what no other language has"),
        Strength::Fair => (Confidence::Medium, "it compares or aggregates what looks like a metric"),
        Strength::Word | Strength::None => return None,
    };
    Some(finding(inline.text.part(chunk.span), chunk, confidence, reason))
}

/// Queries on lines of their own in prose: pages that have lost their marks.
fn in_lines(page: &Page) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < page.lines.len() {
        let line = page.text(page.lines[at]);
        if !(line.contains(['(', '{', '[']) || plain_key(line).is_some()) || line.contains('`') {
            at += 1;
            continue;
        }
        // Lines that follow one another, down to a blank one; each item of a list by itself.
        let mut last = at;
        let key = plain_key(line);
        let start = page.lines[at].start + key.or(LIST_ITEM.find(line).map(|mark| mark.end())).unwrap_or(0);
        while last + 1 < page.lines.len()
            && !LIST_ITEM.is_match(page.text(page.lines[last + 1]))
            && last - at < MOST_LINES
            && page.lines[last + 1].start <= page.lines[last].end + 2
            && !page.text(page.lines[last + 1]).trim().is_empty()
        {
            last += 1;
        }
        let block = page.verbatim(Span::new(start, page.lines[last].end));
        let least = if key.is_some() { Strength::Fair } else { Strength::Strong };
        let chunk = first(&block, None).filter(|chunk| chunk.strength >= least);
        let Some(chunk) = chunk else {
            at += 1;
            continue;
        };
        let text = block.part(chunk.span);
        let end = text.file_span(Span::new(0, text.len())).end;
        let reason = match key {
            Some(_) => "called an expression",
            None => "on lines of its own, with what no other language has",
        };
        found.push(finding(text, chunk, Confidence::Medium, reason));
        while at < page.lines.len() && page.lines[at].start < end {
            at += 1;
        }
    }
    found
}

/// Queries in the addresses of Prometheus' graphs.
fn in_links(page: &Page) -> Vec<Finding> {
    let text = page.source.text();
    let mut found = Vec::new();
    for captures in IN_LINK.captures_iter(text) {
        let Some(written) = captures.get(1) else { continue };
        let written = closed(written.as_str(), written.start());
        let Some(query) = decode(&page.verbatim(written)) else { continue };
        let Some(chunk) = one(&query, Some(Language::Promql)) else { continue };
        if chunk.strength > Strength::None {
            found.push(finding(query.part(chunk.span), chunk, Confidence::High, "the query of a link to a graph"));
        }
    }
    found
}

/// The place of an address without the bracket that closes what is around it.
fn closed(written: &str, start: usize) -> Span {
    let mut open = 0usize;
    for (at, c) in written.char_indices() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return Span::new(start, start + at),
            ')' => open -= 1,
            _ => {}
        }
    }
    Span::new(start, start + written.len())
}

/// A text without `%20` and the like.
pub fn decode(text: &Located) -> Option<Located> {
    let bytes = text.as_bytes();
    let mut value = Vec::new();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (byte, width) = match bytes[at] {
            b'%' => {
                let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
                (u8::from_str_radix(digits, 16).ok()?, 3)
            }
            b'+' => (b' ', 1),
            byte => (byte, 1),
        };
        pieces.push(crate::text::Piece {
            value: Span::new(value.len(), value.len() + 1),
            file: text.file_span(Span::new(at, at + width)),
        });
        value.push(byte);
        at += width;
    }
    Some(Located::new(String::from_utf8(value).ok()?, &text.source, text.span, pieces))
}

/// The query that a whole text is.
pub fn one(text: &str, language: Option<Language>) -> Option<Chunk> {
    let chunk = first(text, language)?;
    let rest = text[chunk.span.end..].trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(chunk)
}

/// All queries of a text, and, where it is `called` one, what in it is none.
fn chunks(text: &str, language: Option<Language>, called: bool) -> Vec<Chunk> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = text[at..line_end].trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") || line.starts_with("--") {
            at = line_end + 1;
            continue;
        }
        let end = match first(&text[at..], language) {
            Some(chunk) => {
                let span = Span::new(at + chunk.span.start, at + chunk.span.end);
                found.push(Chunk { span, ..chunk });
                span.end
            }
            None if called => {
                let end = broken_end(text, at, language);
                let written = &text[at..end];
                let start = at + written.len() - written.trim_start().len();
                let span = Span::new(start, start + written.trim().len());
                let problem = parse_promql(&text[span.start..span.end]).err();
                let language = language.unwrap_or(Language::Promql);
                found.push(Chunk { span, language, strength: Strength::None, problem });
                end
            }
            None => line_end,
        };
        // Nothing but a comment can follow a query on its line.
        at = text[end..].find('\n').map_or(text.len(), |line| end + line + 1);
    }
    found
}

/// Where what begins at `from` and is no query ends: before a blank line, and before a line that cannot go on with it.
fn broken_end(text: &str, from: usize, language: Option<Language>) -> usize {
    let rest = &text[from..];
    let mut at = 0;
    let mut above: Option<&str> = None;
    for line in rest.split_inclusive('\n') {
        let written = line.trim();
        let is_query = || written.contains(['(', '[', '{']) || first(&rest[at..], language).is_some();
        let apart = above.is_some_and(|above| is_apart(above, written) && (written.starts_with('#') || is_query()));
        if (written.is_empty() && at > 0) || apart {
            break;
        }
        above = Some(written.split(" #").next().unwrap_or_default().trim_end());
        at += line.len();
    }
    from + rest[..at].trim_end().len()
}

/// Whether two lines are of two queries: one ends with an operand, and the next one begins with an operand or a comment.
fn is_apart(above: &str, line: &str) -> bool {
    const JOIN: [&str; 13] = [
        "and",
        "or",
        "unless",
        "atan2",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "fill",
    ];
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let joins = |word: Option<&str>| word.is_some_and(|word| JOIN.contains(&word.to_lowercase().as_str()));
    let (last, first) = (above.chars().next_back(), line.chars().next());
    let ends_in_word = last.is_some_and(of_word) && !joins(above.rsplit(|c| !of_word(c)).next());
    let ends_in_bracket = last.is_some_and(|c| matches!(c, ')' | ']' | '}' | '"' | '\'' | '`'));
    match first {
        Some('#') => ends_in_word || ends_in_bracket,
        Some('{' | '(') => ends_in_bracket,
        Some(c) => of_word(c) && !joins(line.split(|c| !of_word(c)).next()) && (ends_in_word || ends_in_bracket),
        None => false,
    }
}

fn parse_promql(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, Features::ALL)
}

/// The query that a text begins with: the most lines that parse.
fn first(text: &str, language: Option<Language>) -> Option<Chunk> {
    let promql = || {
        longest(text, parse_promql).filter(|_| !OLD_RULE.is_match(text)).map(|expr| Chunk {
            span: expr.span,
            language: language_of(&expr, language),
            strength: strength(&expr),
            problem: None,
        })
    };
    let logql = || {
        if !text.contains('{') {
            return None;
        }
        // A number is LogQL, too.
        let query = longest(text, logql::parse).filter(|query| text[..query.span().end].contains('{'));
        query.map(|query| Chunk {
            span: query.span(),
            language: Language::Logql,
            strength: Strength::Strong,
            problem: None,
        })
    };
    match language {
        Some(Language::Logql) => logql().or_else(|| promql().filter(|chunk| chunk.language == Language::Logql)),
        Some(Language::Promql) => promql(),
        None => match (promql(), logql()) {
            // `{job="a"}` is both, and its pipeline on the next line only LogQL.
            (Some(promql), Some(logql)) if logql.span.end > promql.span.end => Some(logql),
            (promql, logql) => promql.or(logql),
        },
    }
}

/// What the most lines from the start yield.
fn longest<T>(text: &str, parse: impl Fn(&str) -> Result<T, ParseError>) -> Option<T> {
    let mut best = None;
    let (mut end, mut open) = (0, 0);
    for line in text.split_inclusive('\n').take(MOST_LINES) {
        // A blank line ends a query, unless a bracket is open.
        if line.trim().is_empty() && (best.is_some() || open <= 0) {
            break;
        }
        open += line.chars().map(|c| i32::from("([{".contains(c)) - i32::from(")]}".contains(c))).sum::<i32>();
        end += line.len();
        let part = text[..end].trim_end();
        match parse(part) {
            Ok(query) => best = Some(query),
            // More lines cannot mend what is wrong before the end.
            Err(error) if error.span.end < part.len() => break,
            Err(_) => {}
        }
    }
    best
}

/// Selectors without a name are LogQL's, unless somebody says otherwise.
fn language_of(expr: &Expr, said: Option<Language>) -> Language {
    let selectors = expr.selectors();
    let nameless = |selector: &VectorSelector| {
        selector.name.is_empty() && selector.matchers.iter().all(|m| &*m.name != crate::labels::METRIC_NAME)
    };
    match said {
        Some(language) => language,
        None if !selectors.is_empty() && selectors.iter().all(|(selector, _)| nameless(selector)) => Language::Logql,
        None => Language::Promql,
    }
}

/// How much of an expression no other text has.
fn strength(expr: &Expr) -> Strength {
    if expr.selectors().is_empty() {
        return Strength::None;
    }
    let mut strength = Strength::Word;
    expr.walk(&mut |expr| {
        let here = match &expr.kind {
            ExprKind::Range(_) | ExprKind::Subquery(_) => Strength::Strong,
            // `histogram_quantile` is nobody else's; `round` and `floor` are.
            ExprKind::Call(call) if call.function.name.contains('_') => Strength::Strong,
            ExprKind::Call(call) if call.args.iter().any(is_metric) => Strength::Fair,
            ExprKind::Selector(selector) if selector.matchers.len() > usize::from(!selector.name.is_empty()) => {
                Strength::Strong
            }
            ExprKind::Aggregate(aggregate) if !aggregate.grouping.is_empty() => Strength::Strong,
            ExprKind::Aggregate(aggregate) if is_metric(&aggregate.expr) => Strength::Fair,
            ExprKind::Binary(binary) => {
                let both = is_metric(&binary.lhs) && is_metric(&binary.rhs);
                if both || (binary.op.is_comparison() && (is_metric(&binary.lhs) || is_metric(&binary.rhs))) {
                    Strength::Fair
                } else {
                    Strength::Word
                }
            }
            _ => Strength::Word,
        };
        strength = strength.max(here);
    });
    strength
}

/// A name that no word of prose and no variable of a program is likely to be.
fn is_metric(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_metric(inner),
        ExprKind::Selector(selector) => {
            let name = selector.name.as_str();
            matches!(name, "up" | "ALERTS") || (name.contains(['_', ':']) && name.len() > 4)
        }
        _ => false,
    }
}

/// JSON, with or without its outer braces.
fn is_data(text: &str) -> bool {
    let text = text.trim();
    let keys = text.lines().filter(|line| line.trim().starts_with('"') && line.contains("\":")).count();
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() || keys * 2 > text.lines().count()
}
