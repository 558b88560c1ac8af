//! Why a rule failed: which elements of its result became one, or which series somebody else had written.

use std::collections::BTreeMap;

use crate::engine::Steps;
use crate::evidence::{Place, Reason};
use crate::labels::{Labels, METRIC_NAME};
use crate::rules::{Rule, RuleError, RuleFailure};
use crate::unit_test::run::Played;
use crate::unit_test::verdict::Explanation;

/// At most so many collisions are told.
const TOLD: usize = 3;

/// What collided.
pub fn failed_rule(played: &Played<'_>, error: &RuleError) -> Explanation {
    let rule = &played.rules[error.rule.group].rules[error.rule.rule];
    let reasons = match error.error {
        RuleFailure::TwinSeries | RuleFailure::TwinAlerts => twins(played, rule, error),
        RuleFailure::Refused(_) | RuleFailure::InputRefused(_) => written_twice(played, rule, error),
        _ => Vec::new(),
    };
    Explanation { reasons, around: None }
}

/// What the expression of the rule yields at the tick.
fn results(played: &Played<'_>, rule: &Rule, error: &RuleError) -> Vec<Labels> {
    let step = played.run.steps(error.rule).0.into_iter().find(|step| step.frontier.at == error.tick);
    let matrix = step.zip(rule.expression()).and_then(|(step, expr)| played.evaluate(expr, &Steps(vec![step])));
    matrix.map(|matrix| matrix.at(0).map(|(labels, _)| labels.clone()).collect()).unwrap_or_default()
}

/// Elements that differ only in what the rule replaces.
fn twins(played: &Played<'_>, rule: &Rule, error: &RuleError) -> Vec<Reason> {
    let replaced = |name: &str| name == METRIC_NAME || rule.labels.iter().any(|(label, _)| label == name);
    let mut kept: BTreeMap<Labels, Vec<Labels>> = BTreeMap::new();
    for labels in results(played, rule, error) {
        kept.entry(labels.filter(|name| !replaced(name))).or_default().push(labels);
    }
    let collisions = kept.into_iter().filter(|(_, twins)| twins.len() > 1);
    let told = |(_, twins): (Labels, Vec<Labels>)| {
        let differing: Vec<&str> = twins[0]
            .iter()
            .chain(twins[1].iter())
            .map(|(name, _)| name)
            .filter(|name| twins[0].get(name) != twins[1].get(name))
            .collect();
        let text = match differing.first() {
            Some(name) if *name == METRIC_NAME => {
                format!(
                    "{} and {} differ only in their names, which are dropped",
                    twins[0].as_metric(),
                    twins[1].as_metric()
                )
            }
            Some(name) => format!(
                "{} and {} differ only in `{name}`, which the rule sets: leave the label alone, or aggregate it away",
                twins[0].as_metric(),
                twins[1].as_metric()
            ),
            None => format!("{} is there twice", twins[0].as_metric()),
        };
        Reason { place: None, text }
    };
    collisions.take(TOLD).map(told).collect()
}

/// Series of the rule that had a sample from elsewhere.
fn written_twice(played: &Played<'_>, rule: &Rule, error: &RuleError) -> Vec<Reason> {
    let own = |labels: &Labels| {
        let mut builder = labels.builder();
        builder.set(METRIC_NAME, &rule.name);
        for (name, value) in &rule.labels {
            builder.set(name, value);
        }
        builder.build()
    };
    let told = |labels: Labels| {
        let series = played.store.series(played.store.id(&labels)?);
        let after = series.times.partition_point(|time| *time <= error.tick);
        let writers = (0..after).rev().map(|at| played.run.writer(series.moment(at).position));
        let other = writers.into_iter().find(|writer| *writer != Some(error.rule))?;
        let metric = labels.as_metric();
        Some(match other {
            None => Reason {
                place: None,
                text: format!(
                    "{metric} is among input_series, and the rule {} records it: leave one out",
                    rule.name.value
                ),
            },
            Some(at) => {
                let other = &played.rules[at.group].rules[at.rule];
                let text =
                    format!("the rule {} records {metric}, too: tell the two apart by a label", other.name.value);
                Reason { place: Some(Place::of(&other.name)), text }
            }
        })
    };
    results(played, rule, error).iter().map(own).filter_map(told).take(TOLD).collect()
}
