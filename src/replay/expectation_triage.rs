//! What a runbook must say of a day, with times resolved.

use super::deserialize::{Reader, Text};
use super::document_expect::TriageDoc;
use super::model::Day;
use super::units;
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Timestamp};

/// What stands for "no cause".
pub const NO_CAUSE: &str = "none";

/// Which cause a runbook must name.
#[derive(Clone, Debug)]
pub struct TriageExpectation {
    /// The name or the path of the runbook.
    pub runbook: Text,
    /// `None`: it must name none.
    pub cause: Option<Text>,
    pub from: TriageFrom,
    /// How long it may take; `None`: to the end of the day.
    pub within: Option<Duration>,
    /// Why it is right that causes have no data.
    pub blind: Option<Text>,
    pub place: Span,
}

/// From when on a runbook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriageFrom {
    /// The first alert that it is for fires.
    Page,
    /// Every target has been scraped: before that, nothing is there.
    Start,
    At(Timestamp),
}

/// Resolves what was written against a day. Without `after`, a cause is asked for from the page on, and `none` all day.
pub fn resolve(doc: &TriageDoc, day: &Day, reader: &Reader<'_>) -> Option<TriageExpectation> {
    let cause = Some(&doc.cause).filter(|cause| cause.text != NO_CAUSE);
    let from = match &doc.after {
        Some(after) if after.text == "page" => TriageFrom::Page,
        Some(after) => TriageFrom::At(day.time(after).map_err(|problem| reader.extend([problem])).ok()?),
        None if cause.is_none() => TriageFrom::Start,
        None => TriageFrom::Page,
    };
    let within = match &doc.within {
        Some(within) => Some(reader.keep(within.span, units::duration(&within.text))?),
        None => None,
    };
    if doc.runbook.text.trim().is_empty() {
        let problem = Diagnostic::error("a runbook without a name");
        reader.problem(doc.runbook.span, problem.help("write the name of a file: `vmagent` is runbooks/vmagent.yaml"));
        return None;
    }
    if let Some(blind) = doc.blind.as_ref().filter(|blind| blind.text.trim().is_empty()) {
        let problem = Diagnostic::error("a reason without words");
        reader.problem(
            blind.span,
            problem.help("say why it is right that there is no data: `blind: \"no such disk here\"`"),
        );
    }
    let place = doc.cause.span;
    let (runbook, cause, blind) = (doc.runbook.clone(), cause.cloned(), doc.blind.clone());
    Some(TriageExpectation { runbook, cause, from, within, blind, place })
}
