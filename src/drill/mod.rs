//! Drills: a day of a replay, its alert rules evaluated over it, held against what had to happen.

pub mod answers;
mod blind;
mod broken;
pub mod causes;
mod checks;
pub mod comparison;
pub mod discover;
mod documents;
pub mod drift;
pub mod explain;
pub mod footing;
mod judge;
mod leeway;
mod load;
mod log_queries;
pub mod log_traps;
pub mod margin;
pub mod playback;
mod queries;
mod runbooks;
pub mod shake;
pub mod triage;
mod undecided;
pub mod verdict;

use std::sync::Arc;
use std::time::Instant;

use crate::replay::{Day, Limits};
use crate::text::Diagnostic;

pub use blind::reason as blindness;
pub use broken::BrokenFile;
pub use documents::Documents;
pub use load::{Incident, load, load_readable, load_source, of_loki, tell_apart};
pub use playback::Playback;
pub use runbooks::NamedRunbooks;
use triage::DayTriage;
use verdict::{Check, Drill, Part};

/// Drills one day of an incident.
///
/// # Errors
/// What stands in the replay and cannot be used, with its place: a generator that yields too much, an alert that no rule has.
pub fn run(incident: &Incident, day: &Arc<Day>, limits: Limits) -> Result<Drill, Vec<Diagnostic>> {
    let began = Instant::now();
    let playback = Playback::new(incident, day.clone(), limits)?;
    let parts = [(Part::Happened, &day.happened), (Part::Expect, &day.expect)];
    let told = || parts.iter().filter_map(|(part, told)| Some((*part, told.as_ref()?)));
    let unknown: Vec<Diagnostic> =
        told().flat_map(|(_, expectations)| checks::unusable(&playback, expectations)).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut found = checks::failed_rules(&playback);
    found.extend(checks::failed_templates(&playback));
    found.extend(told().flat_map(|(part, expectations)| checks::all(&playback, part, expectations)));
    let told = told().filter_map(|(part, expectations)| Some((part, expectations.triage.as_ref()?)));
    let triaged = told.filter_map(|(part, expected)| triage::judge(&playback, part, expected));
    let (of_triage, triage): (Vec<Check>, Vec<DayTriage>) = triaged.map(|one| (one.check, one.day)).unzip();
    found.extend(of_triage);
    if found.is_empty() {
        found.push(checks::nothing_expected(&playback));
    }
    let (rests_on, calibration) = (footing::of_checks(&playback, &found), footing::calibration(&found));
    Ok(Drill {
        name: incident.drill_name(day),
        replay: incident.replay.source.clone(),
        title: day.title.clone(),
        variant: day.name.clone(),
        checks: found,
        footing: footing::of_all(&playback.generated, &rests_on),
        rests_on,
        calibration,
        answers: drift::answers(&playback),
        seen: log_traps::seen(&playback),
        triage,
        unasked: triage::unasked(&playback),
        fired: playback.run.alerts.iter().filter(|track| track.fired_at.is_some()).count(),
        dialect: incident.replay.dialect,
        evaluations: playback.run.evaluations,
        rules: rule_places(&playback, true),
        untested: rule_places(&playback, false),
        elapsed: began.elapsed(),
    })
}

/// Each rule by its file and place, so that a rule that several replays use counts once: those that are evaluated, or
/// those that are not.
fn rule_places(playback: &Playback, tested: bool) -> Vec<String> {
    let mut places = Vec::new();
    for group in &playback.groups {
        let rules = group.rules.iter().filter(|rule| rule.expression().is_some() == tested);
        places.extend(rules.map(|rule| format!("{}:{}", rule.name.source.name(), rule.span.start)));
        if !tested {
            places.extend((0..group.unread).map(|nth| format!("{}:{}#{nth}", group.file.name(), group.span.start)));
        }
    }
    places
}
