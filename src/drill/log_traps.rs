//! What is odd about the LogQL that drills ask: rules, expected queries and queries of documents, each over the lines of every day.

use std::collections::BTreeMap;

use crate::evidence::{self, Sighting, TrapKind};
use crate::incident::Language;
use crate::logql;
use crate::replay::Query;
use crate::rules;
use crate::text::{Diagnostic, Located, Source, Span};

use super::playback::Playback;
use super::verdict::Drill;

/// What one day shows of a query at a place.
#[derive(Clone, Debug)]
pub struct Seen {
    source: Source,
    span: Span,
    sighting: Sighting,
}

/// What a day shows of all queries in LogQL.
pub fn seen(playback: &Playback) -> Vec<Seen> {
    let day = &playback.day;
    let rules = playback.groups.iter().filter(|group| group.language == rules::Language::Logql);
    let rules = rules.flat_map(|group| &group.rules).map(|rule| rule.expr.clone());
    let expected = [&day.happened, &day.expect].into_iter().flatten().flat_map(|expected| &expected.queries);
    let expected = expected.filter_map(|expected| match &expected.query {
        Query::LogQl(text) => Some(text.located(&day.source)),
        Query::PromQl(_) | Query::Document(_) => None,
    });
    let mut found = Vec::new();
    for text in rules.chain(expected) {
        look(playback, &text, &mut found);
    }
    let mut written = Vec::new();
    for (finding, _) in playback.documents.told().queries().filter(|(_, language)| *language == Language::Logql) {
        look(playback, &finding.text, &mut written);
    }
    // Streams of documents that are nowhere are drift.
    written.retain(|seen| seen.sighting.kind != TrapKind::NoStream);
    found.extend(written);
    found
}

fn look(playback: &Playback, text: &Located, found: &mut Vec<Seen>) {
    let (Ok(query), Ok(logs)) = (logql::parse(text), playback.logs()) else { return };
    let streams: Vec<_> = playback.day.logs.iter().map(|stream| &stream.labels).collect();
    found.extend(evidence::log_traps(&query, logs, &streams).into_iter().map(|sighting| {
        let span = text.file_span(sighting.span);
        Seen { source: text.source.clone(), span, sighting }
    }));
}

/// What all days together show. What no day has can only be said of `all` of them.
pub fn traps(drills: &[Drill], all: bool) -> Vec<Diagnostic> {
    let mut places: BTreeMap<(&str, usize, usize, TrapKind), Vec<&Seen>> = BTreeMap::new();
    for seen in drills.iter().flat_map(|drill| &drill.seen) {
        let key = (seen.source.name(), seen.span.start, seen.span.end, seen.sighting.kind);
        places.entry(key).or_default().push(seen);
    }
    let trap = |((.., kind), seen): ((&str, usize, usize, TrapKind), Vec<&Seen>)| {
        let well = seen.iter().any(|seen| seen.sighting.trap.is_none());
        if kind.asks_all_days() && (well || !all) {
            return None;
        }
        let (seen, trap) = seen.into_iter().find_map(|seen| Some((seen, seen.sighting.trap.as_ref()?)))?;
        Some(Diagnostic::warning(trap.message.clone()).at(&seen.source, seen.span).help(trap.help.clone()))
    };
    places.into_iter().filter_map(trap).collect()
}
