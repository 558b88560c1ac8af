//! Values of an expression's operands, and states of alerts, at a few ticks around the time of a case.

use std::collections::BTreeSet;

use crate::engine::{Step, Steps};
use crate::evidence::{AlertState, Row, Timeline, agrees, distinguishing, operands, written};
use crate::labels::Labels;
use crate::rules::{self, AlertTrack, Expression, RuleRef};
use crate::text::Located;
use crate::time::{Duration, Timestamp};
use crate::unit_test::run::Played;
use crate::unit_test::verdict::Around;

/// At most so many ticks are shown.
const TICKS: usize = 9;

/// At most so many operands are shown.
const OPERANDS: usize = 5;

/// At most so many series of an operand are shown.
const SERIES: usize = 3;

/// At most so many alerts are shown.
const ALERTS: usize = 4;

/// The operands of a rule and the alerts it makes, as far as they have to do with some label sets.
pub fn of_rule(played: &Played<'_>, at: RuleRef, relevant: &[Labels], eval: Timestamp) -> Option<Around> {
    let rule = &played.rules[at.group].rules[at.rule];
    let expr = rule.expression()?;
    let steps = played.run.steps(at);
    let here = steps.0.iter().position(|step| step.frontier.at == eval)?;
    let lives: Vec<&AlertTrack> =
        played.run.alerts.iter().filter(|track| track.rule == at && relevant.contains(&track.labels)).collect();
    let index = |time: Timestamp| steps.0.iter().position(|step| step.frontier.at == time);
    let turns = lives.iter().flat_map(|track| {
        let active = index(track.active_at);
        [
            active.and_then(|at| at.checked_sub(1)),
            active,
            track.fired_at.and_then(index),
            track.ended_at.and_then(index),
        ]
    });
    let chosen = Steps(chosen(here, turns.flatten(), steps.len()).into_iter().map(|index| steps.0[index]).collect());
    let own = |labels: &Labels| labels.filter(|name| !rule.labels.iter().any(|(label, _)| label == name));
    let meant = |labels: &Labels| relevant.iter().any(|alert| agrees(&own(labels), alert));
    let mut rows = values(played, &rule.expr, expr, &chosen, &meant);
    if lives.is_empty() && nothing(&rows) {
        return None;
    }
    let ticks: Vec<Timestamp> = chosen.0.iter().map(|step| step.frontier.at).collect();
    let mut sets: Vec<&Labels> = lives.iter().map(|track| &track.labels).collect();
    sets.sort();
    sets.dedup();
    if sets.is_empty() {
        rows.push(Row::States { label: rule.name.value.clone(), states: vec![AlertState::Inactive; ticks.len()] });
    }
    for labels in sets.iter().take(ALERTS) {
        let label = format!("{}{}", rule.name.value, distinguishing(labels, &sets));
        let own: Vec<&&AlertTrack> = lives.iter().filter(|track| track.labels == **labels).collect();
        let state = |tick: &Timestamp| {
            own.iter().filter_map(|track| track.state(*tick)).max().map_or(AlertState::Inactive, shown)
        };
        rows.push(Row::States { label, states: ticks.iter().map(state).collect() });
    }
    Some(Around { start: played.group.start, eval, timeline: Timeline { ticks, rows } })
}

fn shown(state: rules::AlertState) -> AlertState {
    match state {
        rules::AlertState::Pending => AlertState::Pending,
        rules::AlertState::Firing => AlertState::Firing,
    }
}

/// The operands of an expression that is asked at one time, at that time and some intervals before.
pub fn of_expression<'a>(
    played: &Played<'_>,
    text: &Located,
    expr: impl Into<Expression<'a>>,
    eval: Timestamp,
) -> Option<Around> {
    let expr = expr.into();
    let interval = played.file.evaluation_interval;
    let before = (0..4).rev().map(|k| eval - Duration(interval.0.saturating_mul(k)));
    let ticks: Vec<Timestamp> = before.filter(|time| *time >= played.group.start).collect();
    let steps = ticks.iter().map(|time| Step { time: *time, frontier: played.frontier() }).collect();
    let rows = values(played, text, expr, &Steps(steps), &|_| true);
    // The value of the expression itself is what the case tells of.
    let is_itself = ticks.len() == 1 && operands(expr).iter().all(|operand| operand.span() == expr.span());
    (!nothing(&rows) && !is_itself).then_some(Around {
        start: played.group.start,
        eval,
        timeline: Timeline { ticks, rows },
    })
}

/// Whether there is no value at all.
fn nothing(rows: &[Row]) -> bool {
    rows.iter().all(|row| matches!(row, Row::Values { values, .. } if values.iter().all(Option::is_none)))
}

/// The ticks that are shown: that of the case, what stands next to it, and those at which something turned.
fn chosen(here: usize, turns: impl Iterator<Item = usize>, count: usize) -> BTreeSet<usize> {
    let mut turns: Vec<usize> = turns.collect();
    turns.sort_by_key(|turn| turn.abs_diff(here));
    let near = [here.checked_sub(1), Some(here + 1), here.checked_sub(2), here.checked_sub(3), here.checked_sub(4)];
    let wanted = std::iter::once(here).chain(near[..2].iter().flatten().copied()).chain(turns);
    let mut found = BTreeSet::new();
    for index in wanted.chain(near[2..].iter().flatten().copied()).filter(|index| *index < count) {
        if found.len() < TICKS {
            found.insert(index);
        }
    }
    found
}

/// A row for each series of each operand; of those that are not meant only where there are no others.
fn values(
    played: &Played<'_>,
    text: &Located,
    expr: Expression<'_>,
    steps: &Steps,
    meant: &dyn Fn(&Labels) -> bool,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for operand in operands(expr).into_iter().take(OPERANDS) {
        let Some(matrix) = played.evaluate(operand, steps) else { continue };
        let valued: Vec<_> = matrix.valued().collect();
        let wanted: Vec<_> = valued.iter().filter(|column| meant(column.labels)).collect();
        let columns = if wanted.is_empty() { valued.iter().collect() } else { wanted };
        let all: Vec<&Labels> = columns.iter().map(|column| column.labels).collect();
        let name = written(text, operand);
        if columns.is_empty() {
            rows.push(Row::Values { label: name, values: vec![None; steps.len()] });
            continue;
        }
        for column in columns.iter().take(SERIES) {
            let differing = distinguishing(column.labels, &all);
            let label = if differing.is_empty() { name.clone() } else { format!("{name} {differing}") };
            rows.push(Row::Values { label, values: (0..steps.len()).map(|step| column.at(step)).collect() });
        }
        if columns.len() > SERIES {
            let label = format!("{name} {{and {} more}}", columns.len() - SERIES);
            rows.push(Row::Values { label, values: vec![None; steps.len()] });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_its_neighbours_and_the_turns_are_shown() {
        let told =
            |here, turns: &[usize], count| chosen(here, turns.iter().copied(), count).into_iter().collect::<Vec<_>>();
        assert_eq!(told(10, &[], 100), [6, 7, 8, 9, 10, 11]);
        assert_eq!(told(60, &[4, 5, 20], 61), [4, 5, 20, 56, 57, 58, 59, 60]);
        assert_eq!(told(0, &[], 1), [0]);
    }
}
