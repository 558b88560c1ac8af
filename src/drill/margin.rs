//! By how much a verdict holds: how long before its budget ends an alert fires, how long before `for` one that must not fire
//! is over, and how far values stood from the threshold.

use crate::evidence::{Nearness, Place, conditions, written};
use crate::number;
use crate::replay::{AlertExpectation, Occurs};
use crate::rules::{Rule, RuleKind, RuleRef};
use crate::time::{Duration, Timestamp};

use super::checks;
use super::explain;
use super::playback::Playback;
use super::verdict::Life;

/// By how much one verdict holds.
#[derive(Clone, Debug)]
pub struct Margin {
    /// The alert selector as written.
    pub subject: String,
    pub place: Option<Place>,
    pub stake: Stake,
    /// `fires 4m before its budget ends`.
    pub told: String,
    /// The part of the whole that is left: 0 at the edge, near 1 far from it.
    pub room: f64,
    /// The shake that leaves the least; `None` where the day as it is does.
    pub shake: Option<String>,
}

/// What a margin is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stake {
    Time,
    Value,
}

/// All margins of a day.
pub fn of(playback: &Playback) -> Vec<Margin> {
    let mut margins = of_times(playback);
    let expected = playback.day.expect.iter().flat_map(|expect| &expect.alerts);
    margins.extend(expected.filter_map(|expected| of_value(playback, expected)));
    margins
}

/// The margins in time of a day.
pub fn of_times(playback: &Playback) -> Vec<Margin> {
    let expected = playback.day.expect.iter().flat_map(|expect| &expect.alerts);
    expected.filter_map(|expected| of_time(playback, expected)).collect()
}

/// Keeps the smaller of what is known and what a shake leaves.
pub fn tighten(margins: &mut [Margin], others: Vec<Margin>, shake: &str) {
    for other in others {
        let same = |margin: &&mut Margin| {
            margin.stake == other.stake
                && margin.subject == other.subject
                && margin.place.as_ref().map(|place| place.span) == other.place.as_ref().map(|place| place.span)
        };
        if let Some(margin) = margins.iter_mut().find(same).filter(|margin| other.room < margin.room) {
            *margin = Margin { shake: Some(shake.to_owned()), ..other };
        }
    }
}

fn margin(playback: &Playback, expected: &AlertExpectation, stake: Stake, told: String, room: f64) -> Margin {
    let place = Some(Place { source: playback.day.source.clone(), span: expected.selector.span });
    Margin { subject: expected.selector.text.clone(), place, stake, told, room, shake: None }
}

fn of_time(playback: &Playback, expected: &AlertExpectation) -> Option<Margin> {
    let lives = playback.lives_of(&expected.matchers);
    match &expected.fires {
        Some(Occurs::Within(window)) if window.from < window.to => {
            let inside = |life: &Life| life.fired.filter(|fired| window.from <= *fired && *fired <= window.to);
            let fired = lives.iter().find_map(inside)?;
            let left = window.to - fired;
            let room = left.0 as f64 / (window.to - window.from).0 as f64;
            Some(margin(playback, expected, Stake::Time, format!("fires {left} before its budget ends"), room))
        }
        Some(Occurs::Never(_)) => {
            let hold = checks::rules_of(playback, &expected.matchers).map(|(_, rule)| hold(rule)).min()?;
            let end = playback.day.end();
            let pending = |life: &Life| life.fired.is_none().then(|| life.ended.unwrap_or(end) - life.active);
            let longest = lives.iter().filter_map(pending).max()?;
            let room = 1.0 - longest.0 as f64 / hold.0.max(1) as f64;
            Some(margin(playback, expected, Stake::Time, format!("is pending for {longest} of {hold}"), room.max(0.0)))
        }
        _ => None,
    }
}

fn hold(rule: &Rule) -> Duration {
    match rule.kind {
        RuleKind::Alert { for_, .. } => for_,
        RuleKind::Record => Duration::ZERO,
    }
}

/// How far the values of a condition stood from its threshold: at their nearest where the alert has to be silent, at their
/// farthest while it fires where it has to fire. Of several conditions the one that leaves the least counts.
fn of_value(playback: &Playback, expected: &AlertExpectation) -> Option<Margin> {
    let silent = match (&expected.active, &expected.fires) {
        (Some(Occurs::Never(_)), _) => true,
        (_, Some(Occurs::Within(_))) => false,
        (None, Some(Occurs::Never(_))) => true,
        _ => return None,
    };
    let rules: Vec<(RuleRef, &Rule)> = checks::rules_of(playback, &expected.matchers).collect();
    let [(at, rule)] = rules.as_slice() else { return None };
    let lives = playback.lives_of(&expected.matchers);
    let fired: Vec<&Life> = lives.iter().filter(|life| life.fired.is_some()).collect();
    let steps = playback.steps(*at);
    let mut least: Option<Margin> = None;
    for condition in rule.expression().map(conditions).unwrap_or_default() {
        let matrix = playback.evaluate(condition.operand, &steps).ok()?;
        let time = |step: usize| steps.0.get(step).map_or(playback.day.start(), |step| step.frontier.at);
        let value = if silent {
            let meant = matrix.columns().filter(|column| explain::may_meet(column.labels, &expected.matchers));
            match Nearness::of(&condition, meant.flat_map(|column| column.iter())) {
                Nearness::Misses { value, .. } => value,
                Nearness::Holds | Nearness::NoValue => continue,
            }
        } else {
            let during = |life: &Life, at: Timestamp| life.active <= at && life.ended.is_none_or(|ended| at < ended);
            let peak = |life: &&Life| {
                let columns = matrix.columns().filter(|column| crate::evidence::agrees(column.labels, &life.labels));
                let values = columns.flat_map(|column| column.iter()).filter(|(step, _)| during(life, time(*step)));
                values.map(|(_, value)| value).reduce(|a, b| condition.nearer(a, b))
            };
            let peaks = fired.iter().filter_map(peak);
            // Of several alerts the one whose peak is the least.
            peaks.reduce(|a, b| if condition.nearer(a, b) == a { b } else { a })?
        };
        let threshold = condition.threshold;
        let size = value.abs().max(threshold.abs());
        let room = if size > 0.0 { ((value - threshold).abs() / size).min(1.0) } else { 0.0 };
        let operand = written(&rule.expr, condition.operand);
        let verb = if silent { "came no nearer than" } else { "reached" };
        let told = format!(
            "{operand} {verb} {}, the threshold is {}",
            number::format_g(value, 4),
            number::format_g(threshold, 4)
        );
        if room.is_finite() && least.as_ref().is_none_or(|least| room < least.room) {
            least = Some(margin(playback, expected, Stake::Value, told, room));
        }
    }
    least
}
