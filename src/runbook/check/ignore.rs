//! Findings that people put up with, and say why: in a comment of the page, or in `firedrill.yaml`.
//!
//! `<!-- firedrill:ignore no-undo: restarts are harmless -->` speaks of the section that it stands in, above all headings of
//! the whole page.

use crate::runbook::blocks::Directive;
use crate::text::{Diagnostic, Span, listed, nearest};

use super::{Check, Checked, Finding, Name, names};

/// Names in `firedrill.yaml` and in comments that no finding has.
pub fn known(check: &Check<'_>) -> Result<(), Vec<Diagnostic>> {
    let written = check.config.ignore.iter().map(|ignore| ignore.finding.clone());
    let comments = check.pages.iter().flat_map(ignores).map(|comment| comment.rest.part(name_span(&comment.rest)));
    let unknown = written.chain(comments).filter(|name| Name::of(name).is_none());
    let problems: Vec<Diagnostic> = unknown
        .map(|name| {
            let texts = || names::ALL.iter().map(|(_, text, _)| *text);
            let help = match nearest(&name, texts()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", listed(texts())),
            };
            name.diagnose_all(Diagnostic::error(format!("no finding is called {:?}", name.value)).help(help))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn ignores(page: &Checked) -> impl Iterator<Item = &Directive> {
    page.directives.iter().filter(|directive| &*directive.word == "ignore")
}

fn name_span(rest: &str) -> Span {
    Span::new(0, rest.find([':', ' ', '\t', '\n', '\r']).unwrap_or(rest.len()))
}

fn reason(rest: &str) -> String {
    let reason = rest[name_span(rest).end..].trim_start_matches(':');
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Says of each finding why it is put up with, and finds what puts up with nothing.
pub fn apply(check: &Check<'_>, findings: &mut Vec<Finding>) {
    let mut more = Vec::new();
    for page in &check.pages {
        for comment in ignores(page) {
            let Some(name) = Name::of(&comment.rest[..name_span(&comment.rest).end]) else { continue };
            let reason = reason(&comment.rest);
            if reason.is_empty() {
                let message = format!("nobody says why {} is put up with", name.text());
                let help = format!("write the reason behind it: <!-- firedrill:ignore {}: why -->", name.text());
                more.push(Finding::new(Name::BareIgnore, &page.page.source, comment.span, message).help(help));
                continue;
            }
            let section = page.page.section(comment.span.start);
            let within = |finding: &Finding| {
                let start = finding.problem.place.as_ref().map_or(0, |(_, span)| span.start);
                finding.path() == page.path() && (section.start..section.end.max(1)).contains(&start)
            };
            if !silence(findings, name, &reason, within) {
                let message = format!("there is no {} in this section", name.text());
                let finding = Finding::new(Name::NeedlessIgnore, &page.page.source, comment.span, message);
                more.push(finding.help("take the comment away"));
            }
        }
    }
    for ignore in &check.config.ignore {
        let Some(name) = Name::of(&ignore.finding) else { continue };
        let meant = |finding: &Finding| {
            ignore.covers(finding.path())
                && ignore.alert.as_ref().is_none_or(|alert| finding.alert.as_deref() == Some(&**alert))
        };
        // Of some pages nobody knows what the others have.
        if !silence(findings, name, &ignore.reason, meant) && !check.partial {
            let message = format!("there is no such {}", name.text());
            let place = ignore.finding.file_span(Span::new(0, ignore.finding.len()));
            let finding = Finding::new(Name::NeedlessIgnore, &ignore.finding.source, place, message);
            more.push(finding.help("take the entry away"));
        }
    }
    findings.extend(more);
}

/// Whether there was any.
fn silence(findings: &mut [Finding], name: Name, reason: &str, meant: impl Fn(&Finding) -> bool) -> bool {
    let mut any = false;
    for finding in findings.iter_mut().filter(|finding| finding.name == name) {
        if meant(finding) {
            any = true;
            finding.silenced.get_or_insert_with(|| reason.to_owned());
        }
    }
    any
}
