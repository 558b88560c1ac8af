//! Rules and expected queries in LogQL whose answers lines show to be others than they say, on the lines of test groups.

use crate::evidence::{self, Seen, Sighting, TrapKind};
use crate::labels::Labels;
use crate::logql;
use crate::rules::{Language, RuleRef};
use crate::text::{Diagnostic, Located, Span};
use crate::unit_test::TestFile;
use crate::unit_test::run::Played;

/// What the lines of a group show of its rules and expected queries, but for the cases that are blind: what is odd whatever the other
/// groups have, and what only all of them together can say.
pub fn of_lines(played: &Played<'_>, blind: &[Span]) -> (Vec<Diagnostic>, Vec<Seen>) {
    let streams = played.logs.streams();
    let streams: Vec<&Labels> = streams.iter().map(|stream| stream.labels()).collect();
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    for (group, rules) in played.rules.iter().enumerate().filter(|(_, rules)| rules.language == Language::Logql) {
        for (rule, written) in rules.rules.iter().enumerate() {
            let Ok(query) = logql::parse(&written.expr) else { continue };
            let fires = fires(played, RuleRef { group, rule });
            let mut sightings = evidence::log_traps(&query, &played.logs, &streams);
            // Where no stream is there, the rule is blind or not under test; where one is, another may still be written wrong.
            let met = |sighting: &Sighting| sighting.kind == TrapKind::NoStream && sighting.trap.is_none();
            if !sightings.iter().any(met) {
                sightings.retain(|sighting| sighting.kind != TrapKind::NoStream);
            }
            // Where the alert fires, its lines are what they are meant to be.
            let of_all = sightings.iter_mut().filter(|sighting| fires && sighting.kind.asks_all_days());
            of_all.for_each(|sighting| sighting.trap = None);
            sort_out(&written.expr, sightings, &mut found, &mut seen);
        }
    }
    for test in &played.group.log_tests {
        let Ok(query) = logql::parse(&test.expr) else { continue };
        let mut sightings = evidence::log_traps(&query, &played.logs, &streams);
        if blind.contains(&test.span) {
            sightings.retain(|sighting| sighting.kind != TrapKind::NoStream);
        }
        sort_out(&test.expr, sightings, &mut found, &mut seen);
    }
    (found, seen)
}

/// Tells what one group is enough to say from what takes all of them.
fn sort_out(text: &Located, sightings: Vec<Sighting>, found: &mut Vec<Diagnostic>, seen: &mut Vec<Seen>) {
    for sighting in sightings {
        match sighting.kind.asks_all_days() {
            true => seen.push(Seen::new(text, sighting)),
            false => found.extend(
                sighting
                    .trap
                    .map(|trap| text.diagnose(sighting.span, Diagnostic::warning(trap.message).help(trap.help))),
            ),
        }
    }
}

/// Whether an alert of the rule fires at some tick.
fn fires(played: &Played<'_>, rule: RuleRef) -> bool {
    played.run.alerts.iter().any(|track| track.rule == rule && track.fired_at.is_some())
}

/// What all groups of a file show of a rule.
pub fn of_all_groups(file: &TestFile, trap: Diagnostic) -> Diagnostic {
    Diagnostic { message: format!("in the tests of {}, {}", file.source.name(), trap.message), ..trap }
}
