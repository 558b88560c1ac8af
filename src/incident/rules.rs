//! Rules in YAML: whole rule files, groups, lists of rules, single rules, and manifests.

use super::page::{self, Code, Page};
use super::{Confidence, Finding, FoundRule, Kind, Language};
use crate::logql;
use crate::promql::{Features, parse_with};
use crate::syntax::ParseError;
use crate::text::yaml::{self, Node};
use crate::text::{Located, Source, Span};

/// All rules of a page, and their expressions as queries.
pub fn find(page: &Page) -> Vec<Finding> {
    let mut found: Vec<Finding> = page.code.iter().flat_map(in_code).collect();
    // YAML without a fence: rules that stand in the text itself.
    if let (Some(first), Some(last)) = (page.lines.first(), page.lines.last())
        && page.lines.iter().any(|line| begins_rule(page.text(*line)))
    {
        let text = page.verbatim(Span::new(first.start, last.end));
        let loose = by_lines(&text);
        found.extend(loose.into_iter().filter(|finding| page::is_in(&page.lines, finding.place().start)));
    }
    found
}

fn in_code(code: &Code) -> Vec<Finding> {
    if !code.text.contains("expr") {
        return Vec::new();
    }
    let found = read(&code.text, "YAML that is a rule");
    if found.is_empty() { by_lines(&code.text) } else { found }
}

/// Rules that are written among something else, each read by itself.
fn by_lines(text: &Located) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        if !begins_rule(&text[at..end]) {
            at = end;
            continue;
        }
        let end = block_end(text, at, end);
        let rules = read(&text.part(Span::new(at, end)), "lines that are a rule in YAML");
        let cut = rules.is_empty() && text[end..].trim().is_empty();
        found.extend(if cut { cut_off(text, at, end) } else { rules });
        at = end;
    }
    found
}

/// The rule whose last lines are no YAML, as they are where somebody cut them off.
fn cut_off(text: &Located, from: usize, end: usize) -> Vec<Finding> {
    const MOST_LINES: usize = 8;
    let breaks = text[from..end].rmatch_indices('\n').map(|(at, _)| from + at);
    let parts = breaks.take(MOST_LINES).map(|end| text.part(Span::new(from, end)));
    let mut found =
        parts.map(|part| read(&part, "lines that are a rule in YAML, cut off")).find(|found| !found.is_empty());
    found.iter_mut().flatten().for_each(|finding| finding.confidence = Confidence::Low);
    found.unwrap_or_default()
}

fn begins_rule(line: &str) -> bool {
    let key = line.trim_start().trim_start_matches("- ").trim_start();
    key.starts_with("alert: ") || key.starts_with("record: ")
}

/// The end of the lines that are indented below the rule that begins at `from`.
fn block_end(text: &str, from: usize, first_end: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = &text[from..first_end];
    let item = first.trim_start().starts_with("- ");
    let outer = indent(first);
    let mut end = first_end;
    for line in text[first_end..].split_inclusive('\n') {
        let inside =
            if item { indent(line) > outer } else { indent(line) >= outer && !line.trim_start().starts_with('#') };
        if !line.trim().is_empty() && !inside {
            break;
        }
        if line.trim().is_empty() && !item {
            break;
        }
        end += line.len();
    }
    from + text[from..end].trim_end().len()
}

/// The rules of a YAML text, wherever in it they stand.
fn read(text: &Located, reason: &str) -> Vec<Finding> {
    let source = Source::new(text.source.name(), text.value.clone());
    let Ok(documents) = yaml::read_documents(&source) else { return Vec::new() };
    let mut found = Vec::new();
    for document in &documents {
        let top = document.get("spec").filter(|_| document.get("kind").is_some()).unwrap_or(document);
        if let Some(groups) = top.get("groups") {
            groups.items().iter().for_each(|group| take_group(group, &source, text, reason, &mut found));
        } else if top.get("rules").is_some() {
            take_group(top, &source, text, reason, &mut found);
        } else {
            let items = if top.items().is_empty() { std::slice::from_ref(top) } else { top.items() };
            for item in items {
                if item.get("rules").is_some() {
                    take_group(item, &source, text, reason, &mut found);
                } else {
                    take_rule(item, None, &source, text, reason, &mut found);
                }
            }
        }
    }
    found
}

fn take_group(group: &Node, source: &Source, text: &Located, reason: &str, found: &mut Vec<Finding>) {
    let name = group.get("name").and_then(Node::text);
    let rules = group.get("rules").map(Node::items).unwrap_or_default();
    rules.iter().for_each(|rule| take_rule(rule, name, source, text, reason, found));
}

fn take_rule(
    rule: &Node,
    group: Option<&str>,
    source: &Source,
    text: &Located,
    reason: &str,
    found: &mut Vec<Finding>,
) {
    let string = |key: &str| rule.get(key).and_then(|node| node.located(source)).map(|value| value.through(text));
    let (Some(name), Some(expr)) = (string("alert").or_else(|| string("record")), string("expr")) else { return };
    let duration = |key: &str| rule.get(key).and_then(Node::text).and_then(|text| text.parse().ok());
    let pairs = |key: &str| -> Vec<(String, String)> {
        let entries = rule.get(key).map(Node::entries).unwrap_or_default();
        let text = |node: &Node| node.located(source).map(|value| value.value);
        entries.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    };
    let (language, problem) = language(&expr);
    let start = rule.span.start;
    let end = start + source.text().get(start..rule.span.end.max(start)).unwrap_or_default().trim_end().len();
    let found_rule = FoundRule {
        is_alert: rule.get("alert").is_some(),
        name,
        expr: expr.clone(),
        language,
        problem: problem.clone(),
        group: group.map(str::to_owned),
        for_: duration("for"),
        keep_firing_for: duration("keep_firing_for"),
        labels: pairs("labels"),
        annotations: pairs("annotations"),
    };
    let whole = text.part(Span::new(start, end.max(start)));
    let confidence = if problem.is_some() { Confidence::Medium } else { Confidence::High };
    found.push(Finding::new(Kind::Rule(Box::new(found_rule)), whole, confidence, reason));
    let part = Span::new(0, expr.trim_end().len());
    let query = Kind::Query { language, problem };
    found.push(Finding::new(query, expr.part(part), confidence, "the expression of a rule"));
}

/// What an expression is written in, and what is wrong with it if it is neither.
pub fn language(expr: &str) -> (Language, Option<ParseError>) {
    match parse_with(expr, Features::ALL) {
        Ok(_) => (Language::Promql, None),
        Err(error) => match logql::parse(expr) {
            Ok(_) => (Language::Logql, None),
            Err(_) => (Language::Promql, Some(error)),
        },
    }
}
