//! The life of alert instances: pending, firing, kept firing, over (Prometheus `rules/alerting.go`,
//! `AlertingRule.Eval`).

use std::collections::{BTreeMap, HashSet};

use crate::histogram::Sample;
use crate::labels::Labels;
use crate::time::{Duration, Timestamp};

use super::RuleRef;

/// One life of one alert instance, from its activation to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTrack {
    pub rule: RuleRef,
    /// The final labels, `alertname` included: the identity.
    pub labels: Labels,
    /// When the condition began to hold (Prometheus' ActiveAt).
    pub active_at: Timestamp,
    /// When `for` had passed.
    pub fired_at: Option<Timestamp>,
    /// The first tick at which it was neither pending nor firing; `None` while it lives.
    pub ended_at: Option<Timestamp>,
    /// The evaluations at which the condition held; value and annotations are those of the last one. Never empty.
    pub sightings: Vec<Sighting>,
}

/// An evaluation at which the condition of an alert held.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    pub tick: Timestamp,
    pub value: Sample,
    /// The labels of the result, without those of the rule: what templates see as `$labels`.
    pub result: Labels,
}

/// What the series `ALERTS` calls the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    Pending,
    Firing,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
        }
    }
}

impl AlertTrack {
    /// The state at a time, which is that after the last evaluation at or before it; `None` where it was not alive.
    pub fn state(&self, at: Timestamp) -> Option<AlertState> {
        if at < self.active_at || self.ended_at.is_some_and(|end| end <= at) {
            return None;
        }
        let fired = self.fired_at.is_some_and(|fired| fired <= at);
        Some(if fired { AlertState::Firing } else { AlertState::Pending })
    }

    /// The last evaluation at or before a time at which the condition held: its value and annotations are the alert's.
    pub fn sighting(&self, at: Timestamp) -> Option<&Sighting> {
        let after = self.sightings.partition_point(|sighting| sighting.tick <= at);
        self.sightings.get(after.checked_sub(1)?)
    }
}

/// More instances than the group allows; all of them are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    pub limit: u64,
    pub alerts: u64,
}

/// The instances of one alert rule.
#[derive(Debug)]
pub struct Lifecycle {
    rule: RuleRef,
    hold: Duration,
    keep_firing: Duration,
    limit: Option<u64>,
    /// Those that are pending or firing. A resolved one needs no memory: a later activation is a new instance.
    standing: BTreeMap<Labels, Instance>,
    /// Lives that are over.
    ended: Vec<AlertTrack>,
}

#[derive(Debug)]
struct Instance {
    track: AlertTrack,
    /// The first of the evaluations without the condition that go up to now.
    absent_since: Option<Timestamp>,
}

impl Lifecycle {
    pub fn new(rule: RuleRef, hold: Duration, keep_firing: Duration, limit: Option<u64>) -> Lifecycle {
        Lifecycle { rule, hold, keep_firing, limit, standing: BTreeMap::new(), ended: Vec::new() }
    }

    /// Whether nothing is pending or firing.
    pub fn is_idle(&self) -> bool {
        self.standing.is_empty()
    }

    /// One successful evaluation at `tick`; `results` have unlike identities.
    ///
    /// # Errors
    /// More alerts than the limit.
    pub fn step(&mut self, tick: Timestamp, results: Vec<(Labels, Sighting)>) -> Result<(), OverLimit> {
        let mut seen = HashSet::with_capacity(results.len());
        for (labels, sighting) in results {
            seen.insert(labels.clone());
            if let Some(instance) = self.standing.get_mut(&labels) {
                instance.track.sightings.push(sighting);
                continue;
            }
            let track = AlertTrack {
                rule: self.rule,
                labels: labels.clone(),
                active_at: tick,
                fired_at: None,
                ended_at: None,
                sightings: vec![sighting],
            };
            self.standing.insert(labels, Instance { track, absent_since: None });
        }
        let mut over = Vec::new();
        for (labels, instance) in &mut self.standing {
            if seen.contains(labels) {
                instance.absent_since = None;
            } else {
                let since = *instance.absent_since.get_or_insert(tick);
                if instance.track.fired_at.is_none() || tick - since >= self.keep_firing {
                    over.push(labels.clone());
                    continue;
                }
            }
            if instance.track.fired_at.is_none() && tick - instance.track.active_at >= self.hold {
                instance.track.fired_at = Some(tick);
            }
        }
        for labels in over {
            if let Some(instance) = self.standing.remove(&labels) {
                self.ended.push(AlertTrack { ended_at: Some(tick), ..instance.track });
            }
        }
        match (self.limit, self.standing.len() as u64) {
            (Some(limit), alerts) if limit > 0 && alerts > limit => {
                self.forget(tick);
                Err(OverLimit { limit, alerts })
            }
            _ => Ok(()),
        }
    }

    /// Ends all lives, as if this evaluation had not been: nobody saw what it did.
    fn forget(&mut self, tick: Timestamp) {
        for instance in std::mem::take(&mut self.standing).into_values() {
            let mut track = instance.track;
            if track.active_at == tick {
                continue;
            }
            track.fired_at = track.fired_at.filter(|fired| *fired != tick);
            track.sightings.retain(|sighting| sighting.tick != tick);
            track.ended_at = Some(tick);
            self.ended.push(track);
        }
    }

    /// The alerts that are pending or firing, in the order of their labels: labels, state, activation.
    pub fn standing(&self) -> impl Iterator<Item = (&Labels, AlertState, Timestamp)> {
        self.standing.values().map(|instance| {
            let track = &instance.track;
            let state = if track.fired_at.is_some() { AlertState::Firing } else { AlertState::Pending };
            (&track.labels, state, track.active_at)
        })
    }

    /// All lives, those that go on included, in order of activation, then of labels.
    pub fn into_tracks(self) -> Vec<AlertTrack> {
        let mut tracks = self.ended;
        tracks.extend(self.standing.into_values().map(|instance| instance.track));
        tracks.sort_by(|a, b| (a.active_at, &a.labels).cmp(&(b.active_at, &b.labels)));
        tracks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const RULE: RuleRef = RuleRef { group: 0, rule: 0 };

    fn result(name: &str, tick: i64) -> (Labels, Sighting) {
        let labels = Labels::from_pairs([("alertname", name)]);
        (labels, Sighting { tick: Timestamp(tick), value: Sample::Float(1.0), result: Labels::empty() })
    }

    /// States by minute, `.` `p` `f`, of an alert whose condition holds at the given minutes.
    fn states(hold: i64, keep: i64, holds: impl Fn(i64) -> bool, minutes: i64) -> String {
        let mut lifecycle = Lifecycle::new(RULE, Duration(hold * MINUTE), Duration(keep * MINUTE), None);
        let mut told = String::new();
        for minute in 0..minutes {
            let tick = minute * MINUTE;
            let results = if holds(minute) { vec![result("X", tick)] } else { vec![] };
            lifecycle.step(Timestamp(tick), results).unwrap();
            told.push(match lifecycle.standing().next().map(|(_, state, _)| state) {
                None => '.',
                Some(AlertState::Pending) => 'p',
                Some(AlertState::Firing) => 'f',
            });
        }
        let tracks = lifecycle.into_tracks();
        let asked: String = (0..minutes)
            .map(|minute| match tracks.iter().find_map(|track| track.state(Timestamp(minute * MINUTE))) {
                None => '.',
                Some(AlertState::Pending) => 'p',
                Some(AlertState::Firing) => 'f',
            })
            .collect();
        assert_eq!(told, asked);
        told
    }

    #[test]
    fn keep_firing_counts_from_the_first_absence() {
        // promtool: bad at 0m to 5m, `for` 2m, keep_firing_for 3m: pending 0 and 1, firing 2 to 8, gone at 9.
        assert_eq!(states(2, 3, |m| m <= 5, 11), "ppfffffff..");
    }

    #[test]
    fn keep_firing_starts_anew_after_each_sighting() {
        assert_eq!(states(0, 3, |m| m == 0 || m == 2, 8), "ffffff..");
    }

    #[test]
    fn for_zero_fires_at_once_and_resolves_at_once() {
        assert_eq!(states(0, 0, |m| (2..4).contains(&m), 6), "..ff..");
    }

    #[test]
    fn pending_alert_that_vanishes_once_is_forgotten() {
        assert_eq!(states(2, 5, |m| m != 1, 6), "p.ppff");
    }

    #[test]
    fn an_alert_that_comes_back_is_a_new_one() {
        let mut lifecycle = Lifecycle::new(RULE, Duration::ZERO, Duration::ZERO, None);
        for (tick, holds) in [(0, true), (1, false), (2, true)] {
            let results = if holds { vec![result("X", tick)] } else { vec![] };
            lifecycle.step(Timestamp(tick), results).unwrap();
        }
        let lives: Vec<_> = lifecycle.into_tracks().iter().map(|t| (t.active_at.0, t.ended_at.map(|t| t.0))).collect();
        assert_eq!(lives, [(0, Some(1)), (2, None)]);
    }

    #[test]
    fn more_alerts_than_the_limit_are_all_forgotten() {
        let mut lifecycle = Lifecycle::new(RULE, Duration::ZERO, Duration::ZERO, Some(1));
        assert_eq!(lifecycle.step(Timestamp(0), vec![result("a", 0)]), Ok(()));
        let refused = lifecycle.step(Timestamp(1), vec![result("a", 1), result("b", 1)]);
        assert_eq!(refused, Err(OverLimit { limit: 1, alerts: 2 }));
        assert!(lifecycle.is_idle());
        let tracks = lifecycle.into_tracks();
        assert_eq!(tracks.len(), 1);
        assert_eq!((tracks[0].ended_at, tracks[0].sightings.len()), (Some(Timestamp(1)), 1));
    }
}
