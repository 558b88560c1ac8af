//! Alerts that were expected beside those that fire: what became of each, and why.

use super::pairs::{self, similarity};
use super::{around, silence};
use crate::evidence::{Place, Reason};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::number;
use crate::rules::{AlertState, AlertTrack, Rule, RuleKind, RuleRef};
use crate::template::has_actions;
use crate::text::nearest;
use crate::time::Timestamp;
use crate::unit_test::AlertTest;
use crate::unit_test::run::Played;
use crate::unit_test::verdict::{AlertMismatch, Explanation, Life, StandingAlert};
use crate::unit_test::wanted::{WantedAlert, matched};

/// At most so many alerts that do not fire are looked into.
const EXPLAINED: usize = 3;

/// What does not agree, and why. `fits` says of an expected one, by its index, whether one that stands is it.
pub fn alerts(
    played: &Played<'_>,
    test: &AlertTest,
    expected: &[WantedAlert],
    got: &[StandingAlert],
    fits: &dyn Fn(usize, usize) -> bool,
) -> (Vec<AlertMismatch>, Explanation) {
    let rules = named(played, test);
    let at = rules.first().map_or(played.tick(test.eval_time), |rule| played.tick_of(*rule, test.eval_time));
    let lives: Vec<&AlertTrack> = played.run.alerts.iter().filter(|track| rules.contains(&track.rule)).collect();
    let case = Case { played, test, at, lives };
    let given = matched(expected.len(), got.len(), fits);
    let missing: Vec<WantedAlert> =
        (0..expected.len()).filter(|w| !given.contains(&Some(*w))).map(|w| expected[w].clone()).collect();
    let surplus: Vec<StandingAlert> =
        given.iter().zip(got).filter(|(given, _)| given.is_none()).map(|(_, alert)| alert.clone()).collect();
    let known = match missing.is_empty() || surplus.is_empty() {
        true => Vec::new(),
        false => rules.iter().flat_map(|rule| silence::could_become(played, *rule, at)).collect(),
    };
    // What exists and does not fire is explained by itself.
    let lives_on = |alert: &WantedAlert| {
        case.lives.iter().any(|life| alert.means(&life.labels)) || known.iter().any(|labels| alert.means(labels))
    };
    let mut explanation = Explanation { reasons: case.unknown(&rules).into_iter().collect(), around: None };
    let mut mismatches = Vec::new();
    let mut looked_into = 0;
    for (expected, got) in pairs::pairs(missing, surplus, alike, lives_on) {
        let mismatch = case.mismatch(expected, got);
        if mismatch.got.is_none() && looked_into < EXPLAINED {
            looked_into += 1;
            for reason in case.why_not(&mismatch, &rules) {
                if !explanation.reasons.iter().any(|known| known.text == reason.text) {
                    explanation.reasons.push(reason);
                }
            }
        }
        mismatches.push(mismatch);
    }
    if let Some(rule) = case.rule_of(&mismatches, &rules) {
        let relevant: Vec<Labels> = mismatches.iter().flat_map(|mismatch| case.relevant(mismatch)).collect();
        explanation.around = around::of_rule(played, rule, &relevant, at);
    }
    (mismatches, explanation)
}

/// How alike an expected alert and one that stands are, from 0 to 1: of one that speaks of some labels only, by those.
fn alike(expected: &WantedAlert, got: &StandingAlert) -> f64 {
    let (own, theirs) = (labels(&expected.labels), labels(&got.labels));
    if expected.means(&theirs) {
        1.0
    } else if expected.more_labels {
        similarity(&own, &theirs.filter(|name| own.has(name)))
    } else {
        similarity(&own, &theirs)
    }
}

/// The alert rules that a test means.
fn named(played: &Played<'_>, test: &AlertTest) -> Vec<RuleRef> {
    let mut found = Vec::new();
    for (group, place) in played.rules.iter().enumerate() {
        let rules = place.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert() && test.names(place, rule));
        found.extend(rules.map(|(rule, _)| RuleRef { group, rule }));
    }
    found
}

fn labels(pairs: &[(String, String)]) -> Labels {
    Labels::from_pairs(pairs.iter().map(|(name, value)| (name, value)))
}

/// A case and the lives of all alerts of its name.
struct Case<'a> {
    played: &'a Played<'a>,
    test: &'a AlertTest,
    at: Timestamp,
    lives: Vec<&'a AlertTrack>,
}

impl Case<'_> {
    fn rule(&self, at: RuleRef) -> &Rule {
        &self.played.rules[at.group].rules[at.rule]
    }

    /// That no rule has the name, and which one is spelt nearly so.
    fn unknown(&self, rules: &[RuleRef]) -> Option<Reason> {
        let name = self.test.alertname.as_ref().filter(|_| rules.is_empty())?;
        let all = || self.played.rules.iter().flat_map(|group| &group.rules);
        let text = match all().find(|rule| rule.is_alert() && rule.name == *name) {
            Some(other) => {
                let spot = other.name.source.place(other.name.span.start);
                let file = other.name.source.name();
                format!("the only alert {} is in another group, at {file}:{}:{}", name.value, spot.line, spot.column)
            }
            None => {
                let alerts = all().filter(|rule| rule.is_alert()).map(|rule| rule.name.value.as_str());
                let recorded = all().any(|rule| !rule.is_alert() && rule.name == *name);
                match nearest(name, alerts.clone()) {
                    Some(near) => format!("no rule file has an alert {}; there is {near}", name.value),
                    None if recorded => format!("{} is a recording rule, no alert", name.value),
                    None if alerts.count() == 0 => format!("no rule file has an alert {}, nor any other", name.value),
                    None => format!("no rule file has an alert {}", name.value),
                }
            }
        };
        Some(Reason { place: Some(Place::of(name)), text })
    }

    /// Label sets that have to do with a mismatch.
    fn relevant(&self, mismatch: &AlertMismatch) -> Vec<Labels> {
        if let Some(got) = &mismatch.got {
            return vec![labels(&got.labels)];
        }
        let Some(expected) = &mismatch.expected else { return Vec::new() };
        let meant = self.lives.iter().filter(|track| expected.means(&track.labels));
        let meant: Vec<Labels> = meant.map(|track| track.labels.clone()).collect();
        if meant.is_empty() { vec![labels(&expected.labels)] } else { meant }
    }

    fn mismatch(&self, expected: Option<WantedAlert>, got: Option<StandingAlert>) -> AlertMismatch {
        let (life, happened) = match (&expected, &got) {
            (_, Some(got)) => self.standing(&labels(&got.labels)),
            (Some(expected), None) => self.not_firing(expected),
            (None, None) => (None, String::new()),
        };
        let state = life.and_then(|track| track.state(self.at));
        let life = life.map(|track| Life {
            active: self.played.since(track.active_at),
            fired: track.fired_at.map(|time| self.played.since(time)),
            ended: track.ended_at.map(|time| self.played.since(time)),
        });
        AlertMismatch { expected, got, state, life, happened }
    }

    /// Since when an alert is pending or fires, and what keeps it firing.
    fn standing(&self, labels: &Labels) -> (Option<&AlertTrack>, String) {
        let standing = |track: &&&AlertTrack| track.state(self.at).is_some() && track.labels == *labels;
        let Some(track) = self.lives.iter().find(standing).copied() else {
            return (None, String::new());
        };
        if track.state(self.at) == Some(AlertState::Pending) {
            return (Some(track), self.pending(track));
        }
        let since = self.played.since(track.fired_at.unwrap_or(track.active_at));
        let mut out = match self.played.since(track.active_at) {
            active if active == since => format!("fires since {since}"),
            active => format!("fires since {since}, active since {active}"),
        };
        let Some(sighting) = track.sighting(self.at) else { return (Some(track), out) };
        if sighting.tick == self.at {
            let value = match &sighting.value {
                Sample::Float(value) => number::format_f(*value),
                Sample::Histogram(histogram) => histogram.to_string(),
            };
            out += &format!("; its value is {value}");
        } else if let RuleKind::Alert { keep_firing_for, .. } = self.rule(track.rule).kind {
            // The first evaluation without the condition is the one after the last with it.
            let absent = sighting.tick + self.played.file.evaluation_interval;
            out += &format!(
                "; its condition ended at {}, `keep_firing_for: {keep_firing_for}` keeps it firing until {}",
                self.played.since(absent),
                self.played.since(absent + keep_firing_for),
            );
        }
        (Some(track), out)
    }

    fn pending(&self, track: &AlertTrack) -> String {
        let since = self.played.since(track.active_at);
        match self.rule(track.rule).kind {
            RuleKind::Alert { for_, .. } => {
                format!("pending since {since}; `for: {for_}` ends at {}", self.played.since(track.active_at + for_))
            }
            RuleKind::Record => format!("pending since {since}"),
        }
    }

    /// What an alert does that does not fire: the life around the time, in words.
    fn not_firing(&self, expected: &WantedAlert) -> (Option<&AlertTrack>, String) {
        let own = || self.lives.iter().filter(|track| expected.means(&track.labels)).copied();
        let since = |time| self.played.since(time);
        let standing = own().find(|track| track.state(self.at).is_some());
        let before = || own().filter(|track| track.active_at <= self.at).max_by_key(|track| track.active_at);
        let later = || own().min_by_key(|track| track.active_at);
        let Some(track) = standing.or_else(before).or_else(later) else {
            return (None, self.strangers(&labels(&expected.labels)));
        };
        let RuleKind::Alert { for_, .. } = self.rule(track.rule).kind else { return (None, String::new()) };
        let active = since(track.active_at);
        let text = if track.active_at > self.at {
            match track.fired_at {
                Some(fired) => format!("not active yet: pending from {active} on, firing from {} on", since(fired)),
                None => format!("not active yet: pending from {active} on"),
            }
        } else if track.state(self.at).is_some() {
            self.pending(track)
        } else {
            let ended = track.ended_at.map_or(active, since);
            match track.fired_at {
                Some(fired) => format!("fired at {}, resolved at {ended}", since(fired)),
                None => match since(track.active_at + for_) {
                    end if end == ended => {
                        format!("was pending from {active}, over at {ended}, just when `for: {for_}` would have ended")
                    }
                    end => format!("was pending from {active}, over at {ended}, before `for: {for_}` ended at {end}"),
                },
            }
        };
        (Some(track), text)
    }

    /// No alert has these labels; which others are pending. Those that fire are told of anyway.
    fn strangers(&self, labels: &Labels) -> String {
        let pending = self.lives.iter().filter(|track| track.state(self.at) == Some(AlertState::Pending));
        let nearest = pending.max_by(|a, b| {
            similarity(&a.labels, labels).total_cmp(&similarity(&b.labels, labels)).then(b.labels.cmp(&a.labels))
        });
        match nearest {
            Some(track) => {
                let own = track.labels.filter(|name| name != "alertname");
                format!("no alert has these labels; {own} is pending since {}", self.played.since(track.active_at))
            }
            None => format!("never active up to {}", self.played.since(self.at)),
        }
    }

    /// What would have made an alert fire.
    fn why_not(&self, mismatch: &AlertMismatch, rules: &[RuleRef]) -> Vec<Reason> {
        let Some(wanted) = &mismatch.expected else { return Vec::new() };
        let empty = wanted.labels.iter().find(|(_, value)| value.is_empty());
        if let Some((name, _)) = empty.filter(|_| !wanted.more_labels) {
            let text = format!("a label with an empty value is none: remove `{name}` from exp_labels");
            return vec![Reason { place: None, text }];
        }
        let Some(life) = mismatch.life else {
            let labels = labels(&wanted.labels);
            let rule = rules.iter().find(|rule| self.may_make(**rule, wanted)).or(rules.first());
            return rule.map(|rule| silence::of_alert(self.played, *rule, &labels, self.at)).unwrap_or_default();
        };
        let lived =
            |track: &&&AlertTrack| wanted.means(&track.labels) && self.played.since(track.active_at) == life.active;
        let Some(track) = self.lives.iter().find(lived) else { return Vec::new() };
        if track.active_at > self.at {
            return Vec::new();
        }
        if let Some(ended) = track.ended_at.filter(|ended| *ended <= self.at) {
            return silence::of_end(self.played, track.rule, ended).into_iter().collect();
        }
        if wanted.state == AlertState::Pending || track.state(self.at) != Some(AlertState::Pending) {
            return Vec::new();
        }
        let text = format!("a `for` of {} or less fires in time", self.at - track.active_at);
        vec![Reason { place: Some(Place::of(&self.rule(track.rule).name)), text }]
    }

    /// Whether no label that a rule sets contradicts an alert; those that are templates may be anything.
    fn may_make(&self, rule: RuleRef, wanted: &WantedAlert) -> bool {
        self.rule(rule).labels.iter().all(|(name, text)| {
            let own = wanted.labels.iter().find(|(other, _)| other == name);
            has_actions(text) || own.map_or(wanted.more_labels, |(_, value)| *value == **text)
        })
    }

    /// The rule whose values are shown.
    fn rule_of(&self, mismatches: &[AlertMismatch], rules: &[RuleRef]) -> Option<RuleRef> {
        let shown = mismatches.iter().flat_map(|mismatch| self.relevant(mismatch));
        let known = shown.into_iter().find_map(|labels| self.lives.iter().find(|track| track.labels == labels));
        let may_make = |rule: &&RuleRef| {
            mismatches
                .iter()
                .filter_map(|mismatch| mismatch.expected.as_ref())
                .any(|wanted| self.may_make(**rule, wanted))
        };
        known.map(|track| track.rule).or(rules.iter().find(may_make).or(rules.first()).copied())
    }
}
