//! Why an alert did what it did: how near its conditions came, which `for` or threshold would have met the
//! expectation, and the chart of it.

use std::collections::BTreeSet;

use crate::labels::{Labels, Matcher};
use crate::number;
use crate::promql::ast::{DurationArg, Expr, ExprKind};
use crate::rules::{Rule, RuleKind, RuleRef};
use crate::text::Span;
use crate::time::{Duration, Timestamp};

use super::condition::{Condition, conditions};
use super::judge::Shortfall;
use super::playback::Playback;
use super::timeline::{Row, Timeline};
use super::verdict::{Life, Place, Reason};

/// At most so many series of a condition are drawn.
const ROWS: usize = 3;

/// A clock time within the day of a replay, with its date where it is another day than `start`'s.
pub fn clock(time: Timestamp, start: Timestamp) -> String {
    let Some((calendar, first)) = time.calendar().zip(start.calendar()) else { return time.to_string() };
    let seconds = if time.0 % 1000 == 0 { "%H:%M:%S" } else { "%H:%M:%S%.3f" };
    if calendar.date_naive() == first.date_naive() {
        calendar.format(seconds).to_string()
    } else {
        calendar.format(&format!("%m-%d {seconds}")).to_string()
    }
}

/// `active 15:43:30, firing 15:53:30, resolved 16:36:00`.
pub fn tell(life: &Life, start: Timestamp) -> String {
    let mut out = format!("active {}", clock(life.active, start));
    match (life.fired, life.ended) {
        (Some(fired), ended) => {
            out += &format!(", firing {}", clock(fired, start));
            match ended {
                Some(ended) => out += &format!(", resolved {}", clock(ended, start)),
                None => out += ", firing to the end",
            }
        }
        (None, Some(ended)) => out += &format!(", never firing, over at {}", clock(ended, start)),
        (None, None) => out += ", pending to the end",
    }
    out
}

/// A place in the expression of a rule.
fn in_expr(rule: &Rule, span: Span) -> Option<Place> {
    Some(Place { source: rule.expr.source.clone(), span: rule.expr.file_span(span) })
}

/// What would have made an expectation of this rule pass.
/// `selector` is that of the expectation: series that contradict it are not looked at.
pub fn reasons(
    playback: &Playback,
    at: RuleRef,
    selector: &[Matcher],
    shortfalls: &[Shortfall],
    judged: Option<&Life>,
) -> Vec<Reason> {
    let rule = playback.rule(at);
    let start = playback.day.start();
    let RuleKind::Alert { for_, .. } = &rule.kind else { return Vec::new() };
    let here = Some(Place { source: rule.name.source.clone(), span: rule.name.span });
    let mut out = Vec::new();
    for shortfall in shortfalls {
        match (shortfall, judged) {
            (Shortfall::Active(_) | Shortfall::Fires(_), None) => return never_active(playback, at, selector),
            (Shortfall::Fires(window), Some(life)) => {
                let latest = window.to.min(life.ended.map_or(window.to, |ended| ended - playback.interval(at)));
                if life.fired.is_none_or(|fired| fired > window.to) && latest >= life.active {
                    let fits = latest - life.active;
                    let text = match life.fired {
                        None => format!(
                            "the condition held from {} to {}, and `for` is {for_}: a `for` of {fits} or less fires in time",
                            clock(life.active, start),
                            life.ended.map_or_else(|| "the end".to_owned(), |ended| clock(ended, start)),
                        ),
                        Some(_) => format!(
                            "the condition held from {} on; a `for` of {fits} or less fires in time",
                            clock(life.active, start)
                        ),
                    };
                    out.push(Reason { place: here.clone(), text });
                } else if life.active > window.to {
                    out.push(Reason {
                        place: here.clone(),
                        text: format!(
                            "the condition held only from {} on, {} after the latest time",
                            clock(life.active, start),
                            life.active - window.to
                        ),
                    });
                }
            }
            (Shortfall::Active(window), Some(life)) => {
                let (off, which) = if life.active > window.to {
                    (life.active - window.to, "late")
                } else {
                    (window.from - life.active, "early")
                };
                let text = format!("its condition began to hold at {}, {off} too {which}", clock(life.active, start));
                out.push(Reason { place: here.clone(), text });
            }
            (Shortfall::Occurred(..), Some(life)) => out.extend(values_at(playback, at, life)),
            _ => {}
        }
    }
    out
}

/// The values that met the conditions when an alert became active.
fn values_at(playback: &Playback, at: RuleRef, life: &Life) -> Vec<Reason> {
    let rule = playback.rule(at);
    let Some(expr) = rule.promql() else { return Vec::new() };
    let start = playback.day.start();
    let steps = playback.steps(at);
    let Some(step) = steps.0.iter().position(|step| step.frontier.at >= life.active) else { return Vec::new() };
    let tell = |condition: Condition<'_>| {
        let matrix = playback.evaluate(condition.operand, &steps).ok()?;
        let column = matrix.columns().find(|column| agrees(column.labels, &life.labels))?;
        let text = format!(
            "{} was {} at {}",
            written(rule, condition.operand),
            number::format_g(column.at(step)?, 4),
            clock(life.active, start)
        );
        Some(Reason { place: in_expr(rule, condition.threshold_span), text })
    };
    conditions(expr).into_iter().filter_map(tell).collect()
}

/// Why an expression never yielded anything: the condition that never held, and how near it came.
fn never_active(playback: &Playback, at: RuleRef, selector: &[Matcher]) -> Vec<Reason> {
    let rule = playback.rule(at);
    let Some(expr) = rule.promql() else { return Vec::new() };
    let steps = playback.steps(at);
    for condition in conditions(expr) {
        let Ok(matrix) = playback.evaluate(condition.operand, &steps) else { continue };
        let meant = || matrix.columns().filter(|column| may_meet(column.labels, selector));
        let values = || meant().flat_map(|column| column.iter());
        if values().any(|(_, value)| condition.holds(value)) {
            continue;
        }
        let best = values()
            .filter(|(_, value)| !value.is_nan())
            .reduce(|a, b| if condition.nearer(a.1, b.1) == a.1 { a } else { b });
        let place = in_expr(rule, condition.threshold_span);
        let operand = written(rule, condition.operand);
        let reason = match best {
            Some((step, value)) => {
                let time = steps.0.get(step).map_or(playback.day.start(), |step| step.frontier.at);
                Reason {
                    place,
                    text: format!(
                        "{operand} came no nearer than {} (at {}): {} holds at no tick",
                        number::format_g(value, 4),
                        clock(time, playback.day.start()),
                        compared(rule, expr, &condition)
                    ),
                }
            }
            None => no_value(playback, rule, condition.operand, &operand),
        };
        return vec![reason];
    }
    let text = "every condition held at some tick, but never all of them together for one label set".to_owned();
    vec![Reason { place: in_expr(rule, expr.span), text }]
}

/// Why something that is compared has no value at any tick: a window that is too short for its scrapes, if that is it.
pub fn no_value(playback: &Playback, rule: &Rule, operand: &Expr, text: &str) -> Reason {
    let mut short = None;
    operand.walk(&mut |expr: &Expr| {
        if let ExprKind::Range(range) = &expr.kind
            && let DurationArg::Literal(width) = range.range
        {
            let store = &playback.generated.store;
            let apart = store
                .select(&range.selector.matchers)
                .iter()
                .filter_map(|id| store.series(*id).times.windows(2).map(|pair| pair[1] - pair[0]).min())
                .min();
            if let Some(apart) = apart.filter(|apart| *apart >= width) {
                short = Some((expr.span, width, apart));
            }
        }
    });
    match short {
        Some((span, width, apart)) => Reason {
            place: in_expr(rule, span),
            text: format!(
                "a window of {width} holds fewer than two samples, which are {apart} apart: {text} has no value; use at least [{}]",
                Duration(apart.0 * 4)
            ),
        },
        None => Reason { place: in_expr(rule, operand.span), text: format!("{text} has no value at any tick") },
    }
}

/// A part of a rule's expression as it was written, on one line.
fn written(rule: &Rule, expr: &Expr) -> String {
    let text = rule.expr.value.get(expr.span.start..expr.span.end).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The comparison without its operand: `> 0`.
fn compared(rule: &Rule, expr: &Expr, condition: &Condition<'_>) -> String {
    let between = condition.operand.span.end..condition.threshold_span.end;
    match rule.expr.value.get(between) {
        Some(text) if condition.operand.span.end <= condition.threshold_span.start => {
            format!("`{}`", text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => format!("`{}`", written(rule, expr)),
    }
}

/// Whether a series can be the one behind an alert: no label of it contradicts the alert's.
fn agrees(series: &Labels, alert: &Labels) -> bool {
    series.iter().all(|(name, value)| {
        let other = alert.get(name);
        name == crate::labels::METRIC_NAME || other.is_empty() || other == value
    })
}

/// Whether an alert from this series can be one that a selector selects: no label of it contradicts a matcher.
fn may_meet(series: &Labels, selector: &[Matcher]) -> bool {
    selector.iter().all(|matcher| {
        let value = series.get(&matcher.name);
        value.is_empty() || matcher.matches(value)
    })
}

/// The chart of a rule around what was expected: the operands of its conditions, and the states of its alerts.
pub fn chart(playback: &Playback, at: RuleRef, selector: &[Matcher], lives: &[Life]) -> Timeline {
    let rule = playback.rule(at);
    let steps = playback.steps(at);
    let ticks: Vec<Timestamp> = steps.0.iter().map(|step| step.frontier.at).collect();
    let mut rows = Vec::new();
    for condition in rule.promql().map(conditions).unwrap_or_default() {
        let Ok(matrix) = playback.evaluate(condition.operand, &steps) else { continue };
        let wanted = |labels: &Labels| match lives {
            [] => may_meet(labels, selector),
            lives => lives.iter().any(|life| agrees(labels, &life.labels)),
        };
        let columns: Vec<_> = matrix.columns().filter(|column| wanted(column.labels)).collect();
        let operand = written(rule, condition.operand);
        for column in columns.iter().take(ROWS) {
            let differing = distinguishing(column.labels, &columns.iter().map(|c| c.labels).collect::<Vec<_>>());
            let label = if differing.is_empty() { operand.clone() } else { format!("{operand} {differing}") };
            rows.push(Row::Values { label, values: (0..matrix.steps()).map(|step| column.at(step)).collect() });
        }
    }
    let all: Vec<&Labels> = lives.iter().map(|life| &life.labels).collect();
    let mut instances: Vec<&Labels> = all.clone();
    instances.sort();
    instances.dedup();
    if instances.is_empty() {
        rows.push(Row::States { label: rule.name.value.clone(), states: vec![Default::default(); ticks.len()] });
    }
    for labels in &instances {
        let own: Vec<&Life> = lives.iter().filter(|life| life.labels == **labels).collect();
        let label = format!("{}{}", rule.name.value, distinguishing(labels, &instances));
        rows.push(Row::States { label, states: Playback::states(&own, &ticks) });
    }
    Timeline { ticks, rows }
}

/// The labels in which a set differs from others, as `{leg="internal"}`: one of them where it tells all sets apart;
/// nothing where the set is alone.
pub fn distinguishing(labels: &Labels, among: &[&Labels]) -> String {
    let own = labels.filter(|name| among.iter().any(|other| other.get(name) != labels.get(name)));
    let sets = among.iter().collect::<BTreeSet<_>>().len();
    let enough = own.iter().find(|(name, _)| {
        let values: BTreeSet<&str> = among.iter().map(|other| other.get(name)).collect();
        values.len() == sets && !values.contains("")
    });
    let own = enough.map_or(own.clone(), |(name, value)| Labels::from_pairs([(name, value)]));
    if own.is_empty() { String::new() } else { own.to_string() }
}
