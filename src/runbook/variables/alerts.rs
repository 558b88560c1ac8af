//! Alerts: their rules as written, and the first time that they fire on a day.

use std::path::Path;

use crate::drill::explain::clock;
use crate::drill::{Incident, Playback};
use crate::replay::Day;
use crate::rules::{Group, Rule, RuleKind, RuleRef};
use crate::skeleton::Library;
use crate::time::Duration;

use super::history::Series;
use super::{AlertFacts, FiringFacts, NamedText, way};

/// What a rule says of its alert; nothing yet of what it did.
fn of_rule(group: &Group, rule: &Rule, annotation: &str, page_folder: &Path) -> AlertFacts {
    let RuleKind::Alert { for_, keep_firing_for, annotations } = &rule.kind else { return AlertFacts::default() };
    let told = |duration: &Duration| if *duration == Duration::ZERO { String::new() } else { duration.to_string() };
    let pairs = |texts: &[(String, crate::text::Located)], without: &str| {
        let kept = texts.iter().filter(|(name, _)| name != without);
        kept.map(|(name, text)| NamedText { name: name.clone(), text: text.trim().to_owned() }).collect()
    };
    let severity = rule.labels.iter().find(|(name, _)| name == "severity");
    AlertFacts {
        name: rule.name.value.clone(),
        expression: rule.expr.trim().to_owned(),
        language: if rule.promql().is_some() { "promql" } else { "logql" }.to_owned(),
        for_: told(for_),
        keep_firing_for: told(keep_firing_for),
        severity: severity.map(|(_, text)| text.value.clone()).unwrap_or_default(),
        group: group.name.value.clone(),
        file: way(page_folder, Path::new(group.file.name())),
        labels: pairs(&rule.labels, "severity"),
        annotations: pairs(annotations, annotation),
        fires: Vec::new(),
    }
}

/// The facts of several rules, in order.
pub fn of_rules(library: &Library, found: &[RuleRef], annotation: &str, page_folder: &Path) -> Vec<AlertFacts> {
    let of = |at: &RuleRef| {
        let group = &library.groups[at.group];
        of_rule(group, &group.rules[at.rule], annotation, page_folder)
    };
    found.iter().map(of).collect()
}

/// The first time that an alert fires on a day.
pub fn firing(incident: &Incident, day: &Day, playback: &Playback, alert: &str) -> Option<FiringFacts> {
    let fired = playback.lives().map(|(_, life)| life).filter(|life| life.labels.get("alertname") == alert);
    let life = fired.filter(|life| life.fired.is_some()).min_by_key(|life| (life.fired, life.labels.clone()))?;
    let told = |time| clock(time, day.start());
    Some(FiringFacts {
        replay: incident.drill_name(day),
        variant: day.name.clone().unwrap_or_else(|| "day".to_owned()),
        alert: Series::of(playback).named(&life),
        active: told(life.active),
        fires: life.fired.map(told).unwrap_or_default(),
        resolved: life.ended.map(told).unwrap_or_default(),
    })
}
