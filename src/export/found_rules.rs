//! The rules that documents hold, as a rule file.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::yaml::scalar;
use crate::incident::{Confidence, Document, Finding, FoundRule, Kind, Language};
use crate::promql;
use crate::time::Duration;

/// A rule file with a group for each document; what cannot become a rule of it stands in comments. `None` where no rule
/// was found.
pub fn found_rules(documents: &[Document]) -> Option<String> {
    let mut out = String::from("# Written by `firedrill extract`.\ngroups:\n");
    let mut any = false;
    for document in documents {
        let mut written: Vec<String> = Vec::new();
        let mut left = Vec::new();
        for (finding, rule) in document.rules() {
            let line = document.source.line(finding.place().start);
            match unusable(finding, rule) {
                Some(why) => left.push((line, rule, why)),
                None => {
                    let text = rule_text(rule);
                    // What a page says twice is one rule.
                    if !written.iter().any(|other| other.ends_with(&text)) {
                        written.push(format!("      # line {line}: {}\n{text}", one_line(&finding.reason)));
                    }
                }
            }
        }
        if !written.is_empty() {
            any = true;
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  - name: {}\n    rules:", scalar(document.source.name()));
            out.extend(written);
        }
        for (line, rule, why) in left {
            let name = one_line(&rule.name);
            let _ = writeln!(out, "  # {name}, line {line}: {why}: {}", one_line(&rule.expr));
        }
        out.extend(nameless(document));
    }
    any.then_some(out)
}

/// Why a rule is left out: it is a guess, or Prometheus would refuse it.
fn unusable(finding: &Finding, rule: &FoundRule) -> Option<String> {
    match (&rule.problem, rule.language) {
        _ if finding.confidence == Confidence::Low => Some(one_line(&finding.reason)),
        (Some(problem), _) => Some(format!("its expression does not parse ({})", one_line(&problem.message))),
        (None, Language::Logql) => Some("its expression is LogQL".to_owned()),
        (None, Language::Promql) => {
            let problem = promql::parse_with(&rule.expr, promql::Features::PROMETHEUS).err()?;
            Some(format!("its expression needs a feature ({})", one_line(&problem.message)))
        }
    }
}

fn rule_text(rule: &FoundRule) -> String {
    let kind = if rule.is_alert { "alert" } else { "record" };
    let mut out = format!("      - {kind}: {}\n        expr: {}\n", scalar(&rule.name), scalar(rule.expr.trim_end()));
    for (name, duration) in [("for", rule.for_), ("keep_firing_for", rule.keep_firing_for)] {
        if let Some(duration) = duration.filter(|duration| *duration > Duration::ZERO) {
            let _ = writeln!(out, "        {name}: {duration}");
        }
    }
    for (name, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        if !pairs.is_empty() {
            let _ = writeln!(out, "        {name}:");
        }
        for (name, value) in pairs {
            let _ = writeln!(out, "          {}: {}", scalar(name), scalar(value));
        }
    }
    out
}

/// Queries without an alert, as comments.
fn nameless(document: &Document) -> impl Iterator<Item = String> + '_ {
    let of_rules: BTreeSet<usize> =
        document.rules().map(|(_, rule)| rule.expr.file_span(whole(&rule.expr)).start).collect();
    let of_rule = move |finding: &Finding| of_rules.contains(&finding.place().start);
    document.findings.iter().filter(move |finding| matches!(finding.kind, Kind::Query { .. }) && !of_rule(finding)).map(
        |finding| {
            let line = document.source.line(finding.place().start);
            format!("  # no alert, line {line}: {}\n", one_line(&finding.text))
        },
    )
}

fn whole(text: &str) -> crate::text::Span {
    crate::text::Span::new(0, text.len())
}

/// A text that stays in its comment.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}
