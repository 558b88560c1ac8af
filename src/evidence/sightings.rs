//! What several days show of queries: the sightings of each, brought together by place.

use std::collections::BTreeMap;

use super::log_traps::{Sighting, TrapKind};
use crate::text::{Diagnostic, Located, Source, Span};

/// What one day shows of a query, at its place in a file.
#[derive(Clone, Debug)]
pub struct Seen {
    source: Source,
    span: Span,
    pub sighting: Sighting,
}

impl Seen {
    /// A sighting of the query that a value of a file holds.
    pub fn new(text: &Located, sighting: Sighting) -> Seen {
        Seen { source: text.source.clone(), span: text.file_span(sighting.span), sighting }
    }
}

/// File, span, kind and label.
type At<'a> = (&'a str, usize, usize, TrapKind, Option<&'a str>);

/// What days together show, one warning a place. What no day has can only be said of `all` of them.
pub fn agreed<'a>(seen: impl IntoIterator<Item = &'a Seen>, all: bool) -> Vec<Diagnostic> {
    let mut places: BTreeMap<At<'_>, Vec<&Seen>> = BTreeMap::new();
    for seen in seen {
        let Seen { source, span, sighting } = seen;
        let key = (source.name(), span.start, span.end, sighting.kind, sighting.label.as_deref());
        places.entry(key).or_default().push(seen);
    }
    let trap = |((.., kind, _), seen): (At<'_>, Vec<&Seen>)| {
        let well = seen.iter().any(|seen| seen.sighting.trap.is_none());
        if kind.asks_all_days() && (well || !all) {
            return None;
        }
        let (seen, trap) = seen.into_iter().find_map(|seen| Some((seen, seen.sighting.trap.as_ref()?)))?;
        Some(Diagnostic::warning(trap.message.clone()).at(&seen.source, seen.span).help(trap.help.clone()))
    };
    places.into_iter().filter_map(trap).collect()
}
