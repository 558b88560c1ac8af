//! What is odd about the LogQL that drills ask: rules, expected queries and queries of documents, each over the lines of every day.

use crate::evidence::{self, Seen, TrapKind};
use crate::incident::Language;
use crate::logql;
use crate::replay::Query;
use crate::rules;
use crate::text::Located;

use super::playback::Playback;

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
    found.extend(evidence::log_traps(&query, logs, &streams).into_iter().map(|sighting| Seen::new(text, sighting)));
}
