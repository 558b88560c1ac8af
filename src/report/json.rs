//! A run of drills as JSON, for machines: the schema `report/1`.
//!
//! Times are RFC 3339 in UTC. Fields are added within a version, never renamed or removed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::triage::{TableOut, table_out};
use super::{RunFacts, unit};
use crate::drill::margin::Stake;
use crate::drill::shake::{Flip, Shaken};
use crate::drill::verdict::{Calibration, Check, Footing, Life, Part, Verdict};
use crate::evidence::Place;
use crate::labels::Labels;
use crate::replay::Dialect;
use crate::suite::{Outcome, Skipped};
use crate::text::Diagnostic;

#[derive(Serialize)]
struct Report<'a> {
    firedrill: &'static str,
    drills: Vec<DrillOut<'a>>,
    /// Drills that `skip` leaves out.
    skipped: Vec<SkippedOut<'a>>,
    /// Drills that were repeated with something a little different (`--shake`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shaken: Vec<ShakenOut<'a>>,
    /// Drills that were not, since they fall short as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unshaken: Vec<UnshakenOut<'a>>,
    /// Groups of unit test files.
    unit_tests: Vec<Value>,
    /// What runbooks say on the days that ask them: causes and variants.
    triage: Vec<TableOut<'a>>,
    /// What documents of incidents say, and their rules and replays do not.
    drift: Vec<NoticeOut<'a>>,
    log_traps: Vec<NoticeOut<'a>>,
    /// Drills that `skip` left out up to a day that has passed.
    expired: Vec<NoticeOut<'a>>,
    /// What fails a strict run in which all drills and groups hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_against: Vec<NoticeOut<'a>>,
    /// What keeps files from being tested; the exit code is 2.
    unusable: Vec<NoticeOut<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct UnshakenOut<'a> {
    drill: &'a str,
    verdict: Verdict,
}

#[derive(Serialize)]
struct SkippedOut<'a> {
    name: &'a str,
    replay: &'a str,
    reason: &'a str,
    /// The last day of it.
    until: String,
}

#[derive(Serialize)]
struct Summary {
    drills: usize,
    passed: usize,
    failed: usize,
    blind: usize,
    skipped: usize,
    evaluations: u64,
    /// Rules in other languages than PromQL, which were not evaluated.
    untested_rules: usize,
    unit_tests: UnitSummary,
    skipped_files: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct UnitSummary {
    files: usize,
    groups: usize,
    cases: usize,
    passed: usize,
    failed: usize,
    blind_cases: usize,
}

#[derive(Serialize)]
struct DrillOut<'a> {
    name: &'a str,
    replay: &'a str,
    title: &'a str,
    variant: Option<&'a str>,
    verdict: Verdict,
    /// Series by the kind of figure that they rest on.
    footing: Footing,
    /// The series that decide the verdict.
    rests_on: Vec<RestOut>,
    /// Whether the replay brings about what happened: `unknown`, `calibrated`, `fitted` (it was made to) or `off`.
    calibration: Calibration,
    /// The language of the incident's own rules: `promql` or `metricsql`.
    dialect: Dialect,
    evaluations: u64,
    seconds: f64,
    checks: Vec<CheckOut<'a>>,
}

#[derive(Serialize)]
struct CheckOut<'a> {
    part: Part,
    verdict: Verdict,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
    expected: &'a str,
    happened: &'a [String],
    reasons: Vec<ReasonOut<'a>>,
    alerts: Vec<LifeOut>,
    /// How many series of which kind decide it; the drill's `rests_on` names all.
    rests_on: Footing,
}

#[derive(Serialize)]
struct RestOut {
    series: String,
    /// `documented`, `recorded`, `fitted` or `assumed`.
    kind: &'static str,
}

#[derive(Serialize)]
struct ShakenOut<'a> {
    drill: &'a str,
    replay: &'a str,
    /// Whether nothing flips but what the replay accepts.
    holds: bool,
    /// How often the day was run anew.
    runs: usize,
    flips: Vec<FlipOut<'a>>,
    margins: Vec<MarginOut<'a>>,
    /// What could not be moved.
    immovable: Vec<ImmovableOut<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct FlipOut<'a> {
    shake: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
    /// The replay's reason to let it; null where it is a failure.
    accepted: Option<&'a str>,
    verdicts: Vec<FlippedOut<'a>>,
}

#[derive(Serialize)]
struct FlippedOut<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
    text: &'a str,
}

#[derive(Serialize)]
struct MarginOut<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
    /// `time` or `value`.
    stake: Stake,
    text: &'a str,
    /// The part that is left: 0 at the edge, near 1 far from it.
    room: f64,
    /// The shake that leaves the least; null where the day as it is does.
    shake: Option<&'a str>,
}

#[derive(Serialize)]
struct ImmovableOut<'a> {
    shake: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
pub struct NoticeOut<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
}

#[derive(Serialize)]
struct PlaceOut<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct ReasonOut<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceOut<'a>>,
}

#[derive(Serialize)]
pub struct LifeOut {
    labels: Map<String, Value>,
    active_at: String,
    fired_at: Option<String>,
    /// When it was neither pending nor firing any more; null where the replay ended first.
    ended_at: Option<String>,
}

/// Labels as a JSON object, in their order.
pub fn labels(labels: &Labels) -> Map<String, Value> {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn place(place: &Place) -> PlaceOut<'_> {
    let spot = place.source.place(place.span.start);
    PlaceOut { file: place.source.name(), line: spot.line, column: spot.column }
}

/// A notice with its place.
pub fn notice(notice: &Diagnostic) -> NoticeOut<'_> {
    let place = notice.place.as_ref().map(|(source, span)| {
        let spot = source.place(span.start);
        PlaceOut { file: source.name(), line: spot.line, column: spot.column }
    });
    NoticeOut { message: &notice.message, help: notice.help.as_deref(), place }
}

/// A life with its times.
pub fn life(life: &Life) -> LifeOut {
    LifeOut {
        labels: labels(&life.labels),
        active_at: life.active.to_string(),
        fired_at: life.fired.map(|time| time.to_string()),
        ended_at: life.ended.map(|time| time.to_string()),
    }
}

fn check(check: &Check) -> CheckOut<'_> {
    CheckOut {
        part: check.part,
        verdict: check.verdict,
        subject: &check.subject,
        place: check.place.as_ref().map(place),
        expected: &check.expected,
        happened: &check.happened,
        reasons: check
            .reasons
            .iter()
            .map(|reason| ReasonOut { text: &reason.text, place: reason.place.as_ref().map(place) })
            .collect(),
        alerts: check.lives.iter().map(life).collect(),
        rests_on: Footing::of(check.rests_on.iter().map(|rest| rest.kind)),
    }
}

fn skipped(skipped: &Skipped) -> SkippedOut<'_> {
    let Skipped { file, name, reason, until } = skipped;
    SkippedOut { name, replay: file, reason, until: until.to_string() }
}

fn shaken(shaken: &Shaken) -> ShakenOut<'_> {
    ShakenOut {
        drill: &shaken.drill,
        replay: shaken.replay.name(),
        holds: shaken.holds(),
        runs: shaken.runs,
        flips: shaken.flips.iter().map(flip_out).collect(),
        margins: shaken
            .margins
            .iter()
            .map(|margin| MarginOut {
                subject: &margin.subject,
                place: margin.place.as_ref().map(place),
                stake: margin.stake,
                text: &margin.told,
                room: margin.room,
                shake: margin.shake.as_deref(),
            })
            .collect(),
        immovable: shaken.immovable.iter().map(|(shake, reason)| ImmovableOut { shake, reason }).collect(),
        seconds: shaken.elapsed.as_secs_f64(),
    }
}

fn flip_out(flip: &Flip) -> FlipOut<'_> {
    let flipped = flip.verdicts.iter();
    FlipOut {
        shake: &flip.shake,
        place: flip.place.as_ref().map(place),
        accepted: flip.accepted.as_ref().map(|accept| accept.reason.text.as_str()),
        verdicts: flipped
            .map(|one| FlippedOut { subject: &one.subject, place: one.place.as_ref().map(place), text: &one.told })
            .collect(),
    }
}

/// The whole report, pretty-printed.
pub fn render(outcome: &Outcome, facts: RunFacts) -> serde_json::Result<String> {
    let (drills, groups) = (&outcome.drills, &outcome.groups);
    let count = |verdict| drills.iter().filter(|drill| drill.verdict() == verdict).count();
    let report = Report {
        firedrill: "report/1",
        skipped: outcome.skipped.iter().map(skipped).collect(),
        summary: Summary {
            untested_rules: drills.iter().flat_map(|drill| &drill.untested).collect::<BTreeSet<_>>().len(),
            drills: drills.len(),
            passed: count(Verdict::Pass),
            failed: count(Verdict::Fail),
            blind: count(Verdict::Blind),
            skipped: outcome.skipped.len(),
            evaluations: drills.iter().map(|drill| drill.evaluations).sum(),
            unit_tests: UnitSummary {
                files: groups.iter().map(|group| group.file.name()).collect::<BTreeSet<_>>().len(),
                groups: groups.len(),
                cases: groups.iter().map(|group| group.cases).sum(),
                passed: groups.iter().filter(|group| group.passed()).count(),
                failed: groups.iter().filter(|group| !group.passed()).count(),
                blind_cases: groups.iter().map(|group| group.blind.len()).sum(),
            },
            skipped_files: facts.skipped,
            seconds: facts.elapsed.as_secs_f64(),
        },
        drills: drills
            .iter()
            .map(|drill| DrillOut {
                name: &drill.name,
                replay: drill.replay.name(),
                title: &drill.title,
                variant: drill.variant.as_deref(),
                verdict: drill.verdict(),
                footing: drill.footing,
                rests_on: drill
                    .rests_on
                    .iter()
                    .map(|rest| RestOut { series: rest.series.as_metric(), kind: rest.kind.as_str() })
                    .collect(),
                calibration: drill.calibration,
                dialect: drill.dialect,
                evaluations: drill.evaluations,
                seconds: drill.elapsed.as_secs_f64(),
                checks: drill.checks.iter().map(check).collect(),
            })
            .collect(),
        shaken: outcome.shaken.iter().map(shaken).collect(),
        unshaken: outcome.unshaken.iter().map(|(drill, verdict)| UnshakenOut { drill, verdict: *verdict }).collect(),
        unit_tests: groups.iter().map(unit::json::group).collect(),
        triage: outcome.triage.iter().map(table_out).collect(),
        drift: outcome.drift.iter().map(notice).collect(),
        log_traps: outcome.log_traps.iter().map(notice).collect(),
        expired: outcome.expired.iter().map(notice).collect(),
        held_against: outcome.held_against.iter().map(notice).collect(),
        unusable: outcome.problems.iter().map(notice).collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
