//! Rules in LogQL whose answers lines show to be others than they say, on the lines of test groups.

use crate::evidence::{self, Seen, TrapKind};
use crate::labels::Labels;
use crate::logql;
use crate::rules::{Language, RuleRef};
use crate::text::Diagnostic;
use crate::unit_test::TestFile;
use crate::unit_test::run::Played;

/// What the lines of a group show of its rules: what is odd whatever the other groups have, and what only all of them together can say.
pub fn of_lines(played: &Played<'_>) -> (Vec<Diagnostic>, Vec<Seen>) {
    let streams = played.logs.streams();
    let streams: Vec<&Labels> = streams.iter().map(|stream| stream.labels()).collect();
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    for (group, rules) in played.rules.iter().enumerate().filter(|(_, rules)| rules.language == Language::Logql) {
        for (rule, written) in rules.rules.iter().enumerate() {
            let Ok(query) = logql::parse(&written.expr) else { continue };
            let fires = fires(played, RuleRef { group, rule });
            for mut sighting in evidence::log_traps(&query, &played.logs, &streams) {
                match sighting.kind {
                    // Blind cases tell of it.
                    TrapKind::NoStream => {}
                    kind if kind.asks_all_days() => {
                        // Where the alert fires, its lines are what they are meant to be.
                        sighting.trap = sighting.trap.filter(|_| !fires);
                        seen.push(Seen::new(&written.expr, sighting));
                    }
                    _ => found.extend(sighting.trap.map(|trap| {
                        let problem = Diagnostic::warning(trap.message).help(trap.help);
                        written.expr.diagnose(sighting.span, problem)
                    })),
                }
            }
        }
    }
    (found, seen)
}

/// Whether an alert of the rule fires at some tick.
fn fires(played: &Played<'_>, rule: RuleRef) -> bool {
    played.run.alerts.iter().any(|track| track.rule == rule && track.fired_at.is_some())
}

/// What all groups of a file show of a rule.
pub fn of_all_groups(file: &TestFile, trap: Diagnostic) -> Diagnostic {
    Diagnostic { message: format!("in the tests of {}, {}", file.source.name(), trap.message), ..trap }
}
