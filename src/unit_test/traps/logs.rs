//! Rules in LogQL that lose lines, fail on one, or add up a counter, on the lines of a test group.

use crate::evidence;
use crate::labels::Labels;
use crate::logql;
use crate::rules::Language;
use crate::text::Diagnostic;
use crate::unit_test::run::Played;

/// What the lines of a group show of its rules. What a group has no line for says nothing: another one may have it.
pub fn of_lines(played: &Played<'_>) -> Vec<Diagnostic> {
    let streams = played.logs.streams();
    let streams: Vec<&Labels> = streams.iter().map(|stream| stream.labels()).collect();
    let mut found = Vec::new();
    for rule in played.rules.iter().filter(|group| group.language == Language::Logql).flat_map(|group| &group.rules) {
        let Ok(query) = logql::parse(&rule.expr) else { continue };
        let traps = evidence::log_traps(&query, &played.logs, &streams).into_iter();
        for sighting in traps.filter(|sighting| !sighting.kind.asks_all_days()) {
            found.extend(
                sighting
                    .trap
                    .map(|trap| rule.expr.diagnose(sighting.span, Diagnostic::warning(trap.message).help(trap.help))),
            );
        }
    }
    found
}
