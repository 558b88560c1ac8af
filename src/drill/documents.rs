//! The documents of an incident, read once, when the first of its days asks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use crate::incident::{self, Confidence, Document, Finding, Kind, Language, Sample};
use crate::replay::{Replay, Text};
use crate::rules::Group;
use crate::text::{Diagnostic, Source};

/// The documents that a replay names; cheap to clone. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Documents(Arc<Files>);

#[derive(Debug, Default)]
struct Files {
    /// The replay, and what it names where in it.
    replay: Option<Source>,
    named: Vec<(Text, PathBuf)>,
    /// The most bytes of a document.
    limit: u64,
    /// The alerts of the incident's rules.
    alerts: BTreeSet<String>,
    read: OnceLock<Told>,
}

/// What the documents hold that a day can be asked for.
#[derive(Debug)]
pub struct Told {
    /// Each under the path by which the replay names it.
    pub documents: Vec<(String, Document)>,
    /// Documents that cannot be read, and why.
    pub problems: Vec<(String, Diagnostic)>,
    /// For each of the queries, whether some day has answered it: the others need not look closely.
    pub answered: Vec<AtomicBool>,
}

impl Documents {
    pub fn new(replay: &Replay, folder: &Path, limit: u64, groups: &[Group]) -> Documents {
        let named = replay.documents.iter().map(|written| (written.clone(), folder.join(&written.text)));
        let named = named.collect();
        let alerts = groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.is_alert());
        let alerts = alerts.map(|rule| rule.name.value.clone()).collect();
        let replay = Some(replay.source.clone());
        Documents(Arc::new(Files { replay, named, limit, alerts, read: OnceLock::new() }))
    }

    /// The documents, which are read now if they were not yet.
    pub fn told(&self) -> &Told {
        self.0.read.get_or_init(|| {
            let mut told = Told { documents: Vec::new(), problems: Vec::new(), answered: Vec::new() };
            for (written, path) in &self.0.named {
                match incident::read_file(path, self.0.limit) {
                    Ok(source) => {
                        told.documents.push((written.text.clone(), Document::read_with(&source, &self.0.alerts)))
                    }
                    Err(problem) => {
                        let problem = match (&problem.place, &self.0.replay) {
                            (None, Some(replay)) => problem.at(replay, written.span),
                            _ => problem,
                        };
                        told.problems.push((written.text.clone(), problem));
                    }
                }
            }
            told.answered = told.queries().map(|_| AtomicBool::new(false)).collect();
            told
        })
    }
}

impl Told {
    /// The queries of all documents with their languages, guesses left out.
    pub fn queries(&self) -> impl Iterator<Item = (&Finding, Language)> {
        let all = self.documents.iter().flat_map(|(_, document)| document.queries());
        all.filter(|(finding, _)| finding.confidence > Confidence::Low)
    }

    /// The samples that the documents hold, each with its document.
    pub fn samples(&self) -> impl Iterator<Item = (&Document, &Finding, &Sample)> {
        self.documents.iter().flat_map(|(_, document)| {
            document.findings.iter().filter_map(move |finding| match &finding.kind {
                Kind::Sample(sample) => Some((document, finding, sample)),
                _ => None,
            })
        })
    }

    /// The queries at a place in a document, such as `incident.md#key-metrics`, in their order.
    ///
    /// # Errors
    /// A document that the replay does not name or that cannot be read, a section that it has not, a section without queries.
    pub fn at(&self, place: &str) -> Result<Vec<(&Finding, Language)>, Diagnostic> {
        let (path, anchor) = place.split_once('#').unwrap_or((place, ""));
        if let Some((_, problem)) = self.problems.iter().find(|(written, _)| written == path) {
            return Err(Diagnostic::error(problem.message.clone()));
        }
        let Some((_, document)) = self.documents.iter().find(|(written, _)| written == path) else {
            let named: Vec<&str> = self.documents.iter().map(|(written, _)| written.as_str()).collect();
            let help = match named.is_empty() {
                true => "name it at the top of the replay: `document: incident.md`".to_owned(),
                false => format!("its documents are {}", named.join(", ")),
            };
            return Err(Diagnostic::error(format!("{path:?} is no document of this replay")).help(help));
        };
        let within = match anchor {
            "" => None,
            anchor => Some(document.section(anchor).ok_or_else(|| no_section(document, anchor))?),
        };
        let inside = |finding: &Finding| {
            within.is_none_or(|section| (section.start..section.end).contains(&finding.place().start))
        };
        let queries: Vec<_> = document.queries().filter(|(finding, _)| inside(finding)).collect();
        if queries.is_empty() {
            let message = format!("there is no query at {place}");
            let help = format!("`firedrill extract {}` lists what it holds", document.source.name());
            return Err(Diagnostic::error(message).help(help));
        }
        Ok(queries)
    }
}

fn no_section(document: &Document, anchor: &str) -> Diagnostic {
    let anchors: Vec<String> = document.headings.iter().map(|heading| incident::anchor(&heading.text)).collect();
    let near = crate::text::nearest(anchor, anchors.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean #{near}?"),
        None => format!("its sections are {}", anchors.join(", ")),
    };
    Diagnostic::error(format!("{} has no section #{anchor}", document.source.name())).help(help)
}
