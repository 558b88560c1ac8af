//! The queries of pages: each parses, and selects something on some replay.

use rayon::prelude::*;

use crate::drill::drift::{self, Answer};
use crate::incident::{Confidence, Kind, Language};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Located, Span};

use super::{Check, Checked, Facts, Finding, Name};

/// A query of a page, and what the days have said to it.
struct Asked<'c> {
    page: &'c Checked,
    text: &'c Located,
    language: Language,
    answers: Vec<Answer>,
}

/// What is wrong with the queries of all pages.
///
/// # Errors
/// Days of replays that cannot be played back.
pub fn find(check: &Check<'_>, facts: &mut Facts) -> Result<Vec<Finding>, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for page in &check.pages {
        for finding in page.document.findings.iter().filter(|found| !page.is_generated(found.place().start)) {
            let sure = finding.confidence > Confidence::Low;
            match &finding.kind {
                // The document says that it is one; what is left to be filled in may be why it is none.
                Kind::Query { problem: Some(problem), .. } if !is_sketch(&finding.text) => {
                    findings.push(invalid(page, &finding.text, problem))
                }
                Kind::Rule(rule) if rule.problem.is_some() => {
                    findings.extend(rule.problem.as_ref().map(|problem| invalid(page, &rule.expr, problem)));
                }
                Kind::Query { language, problem: None } if sure => {
                    facts.queries += 1;
                    if !has_parameters(&finding.text) {
                        asked.push(Asked { page, text: &finding.text, language: *language, answers: Vec::new() });
                    }
                }
                _ => {}
            }
        }
    }
    ask(check, &mut asked)?;
    findings.extend(asked.iter().filter_map(unanswered));
    Ok(findings)
}

/// Whether a query is to be completed by who reads it: `"<instance>"`, `$namespace`.
fn has_parameters(text: &str) -> bool {
    let named = |mark: &str| {
        text.match_indices(mark)
            .any(|(at, _)| text[at + mark.len()..].starts_with(|c: char| c.is_alphabetic() || c == '{'))
    };
    named("\"<") || named("'<") || named("=\"$") || named("~\"$") || named("\"${") || text.contains("[[")
}

/// Whether something that is no query would be one once it is completed: `rate(x[$__rate_interval])`, `up{job=<job>}`.
fn is_sketch(text: &str) -> bool {
    let opens = |mark: &str| {
        text.match_indices(mark)
            .any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_alphabetic() || "_{.".contains(c)))
    };
    has_parameters(text) || opens("<") || opens("$") || text.contains("...")
}

fn invalid(page: &Checked, text: &Located, problem: &ParseError) -> Finding {
    let shown = problem.clone().diagnostic();
    let place = text.file_span(problem.span);
    let finding = Finding::new(
        Name::InvalidQuery,
        &page.page.source,
        place,
        format!("this query does not parse: {}", shown.message),
    );
    match shown.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Asks days until every query has an answer.
fn ask(check: &Check<'_>, asked: &mut [Asked<'_>]) -> Result<(), Vec<Diagnostic>> {
    for (incident, day) in check.replays.days() {
        if asked.iter().all(|query| query.answers.iter().any(Answer::is_something)) {
            break;
        }
        let playback = check.replays.play(incident, day)?;
        asked.par_iter_mut().filter(|query| !query.answers.iter().any(Answer::is_something)).for_each(|query| {
            let answer = drift::ask(&playback, query.text, query.language, || false);
            query.answers.push(answer);
        });
    }
    Ok(())
}

fn unanswered(query: &Asked<'_>) -> Option<Finding> {
    if query.answers.is_empty() || query.answers.iter().any(Answer::is_something) {
        return None;
    }
    let whole = Span::new(0, query.text.trim_end().len());
    let at = |span: Span, message: String| {
        Finding::new(Name::UnansweredQuery, &query.page.page.source, query.text.file_span(span), message)
    };
    // The day that comes furthest says most.
    let nothing = query.answers.iter().any(|answer| matches!(answer, Answer::Nothing));
    if let Some(error) = query.answers.iter().find_map(|answer| match answer {
        Answer::Error(error) => Some(error),
        _ => None,
    }) {
        return Some(at(whole, format!("this query has no answer on any replay: {error}")));
    }
    let missing: Vec<(Span, &Option<String>)> = query
        .answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Missing(span, instead) => Some((*span, instead)),
            _ => None,
        })
        .collect();
    if nothing || missing.is_empty() {
        let message = "this query yields nothing at any time of any replay".to_owned();
        return Some(at(whole, message).help("a replay on which it does would show that it works"));
    }
    let (span, _) = *missing.first()?;
    let selector = query.text.get(span.start..span.end).unwrap_or_default();
    let finding = at(span, format!("no replay has {selector}"));
    Some(match missing.iter().find_map(|(_, instead)| instead.as_ref()) {
        Some(instead) => finding.help(format!("there is {instead}")),
        None => finding.help("either the name is wrong, or a replay of such an incident is missing"),
    })
}

#[cfg(test)]
mod tests {
    use super::has_parameters;

    #[test]
    fn queries_that_are_to_be_completed_are_told_from_whole_ones() {
        for text in ["up{instance=\"<value of the label>\"}", "up{job=~\"$job\"}", "up{job=\"${job}\"}"] {
            assert!(has_parameters(text), "{text}");
        }
        for text in ["up{job=~\"a|b$\"}", "a < b", "up{job=\"<1>\"}"] {
            assert!(!has_parameters(text), "{text}");
        }
    }
}
