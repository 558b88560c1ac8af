//! Why an alert did what it did: how near its conditions came, which `for` or threshold would have met the
//! expectation, and the chart of it.

use crate::engine::Steps;
use crate::evidence::{
    self, Condition, Nearness, Place, Reason, Row, Timeline, agrees, alternatives, compared, conditions,
    distinguishing, written,
};
use crate::labels::{Labels, Matcher};
use crate::number;
use crate::rules::{Expression, RuleKind, RuleRef};
use crate::time::Timestamp;

use super::judge::Shortfall;
use super::playback::Playback;
use super::verdict::Life;

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
    let here = Some(Place::of(&rule.name));
    let mut out = Vec::new();
    for shortfall in shortfalls {
        match (shortfall, judged) {
            (Shortfall::Active(_) | Shortfall::Fires(_), None) => return never_active(playback, at, selector),
            (Shortfall::Firing { missing, .. }, None) if !missing.is_empty() => {
                return never_active(playback, at, selector);
            }
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
    let Some(expr) = rule.expression() else { return Vec::new() };
    let start = playback.day.start();
    let steps = playback.steps(at);
    let Some(step) = steps.0.iter().position(|step| step.frontier.at >= life.active) else { return Vec::new() };
    let tell = |condition: Condition<'_>| {
        let matrix = playback.evaluate(condition.operand, &steps).ok()?;
        let column = matrix.columns().find(|column| agrees(column.labels, &life.labels))?;
        // Of alternatives, those that spoke.
        let value = column.at(step).filter(|value| condition.holds(*value))?;
        let text = format!(
            "{} was {} at {}",
            written(&rule.expr, condition.operand),
            number::format_g(value, 4),
            clock(life.active, start)
        );
        Some(Reason { place: Some(Place::within(&rule.expr, condition.threshold_span)), text })
    };
    alternatives(expr).into_iter().flat_map(conditions).filter_map(tell).collect()
}

/// Why an expression never yielded anything: for each of the alternatives that an `or` joins, the condition that never held,
/// and how near it came.
fn never_active(playback: &Playback, at: RuleRef, selector: &[Matcher]) -> Vec<Reason> {
    let rule = playback.rule(at);
    let Some(expr) = rule.expression() else { return Vec::new() };
    let steps = playback.steps(at);
    alternatives(expr).into_iter().map(|part| never_held(playback, at, part, selector, &steps)).collect()
}

/// Why a part of a rule without `or` never yielded anything.
fn never_held(playback: &Playback, at: RuleRef, expr: Expression<'_>, selector: &[Matcher], steps: &Steps) -> Reason {
    let rule = playback.rule(at);
    let all = conditions(expr);
    for condition in &all {
        let Ok(matrix) = playback.evaluate(condition.operand, steps) else { continue };
        let meant = matrix.columns().filter(|column| may_meet(column.labels, selector));
        let operand = written(&rule.expr, condition.operand);
        let reason = match Nearness::of(condition, meant.flat_map(|column| column.iter())) {
            Nearness::Holds => continue,
            Nearness::Misses { step, value } => {
                let time = steps.0.get(step).map_or(playback.day.start(), |step| step.frontier.at);
                Reason {
                    place: Some(Place::within(&rule.expr, condition.threshold_span)),
                    text: format!(
                        "{operand} came no nearer than {} (at {}): {} holds at no tick",
                        number::format_g(value, 4),
                        clock(time, playback.day.start()),
                        compared(&rule.expr, expr, condition)
                    ),
                }
            }
            Nearness::NoValue => match condition.operand {
                Expression::Logql(part) => evidence::no_entry(&playback.rule_logs, &rule.expr, part, steps),
                part => evidence::no_value(&playback.generated.store, &rule.expr, part, &operand),
            },
        };
        return reason;
    }
    let part = written(&rule.expr, expr);
    let text = match all.len() {
        0 => format!("{part} yielded nothing at any tick"),
        1 => format!("the condition of {part} held at some tick, but never together with what else it asks for"),
        _ => "every condition held at some tick, but never all of them together for one label set".to_owned(),
    };
    Reason { place: Some(Place::within(&rule.expr, expr.span())), text }
}

/// Whether an alert from this series can be one that a selector selects: no label of it contradicts a matcher.
pub fn may_meet(series: &Labels, selector: &[Matcher]) -> bool {
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
    for condition in rule.expression().into_iter().flat_map(alternatives).flat_map(conditions) {
        let Ok(matrix) = playback.evaluate(condition.operand, &steps) else { continue };
        let wanted = |labels: &Labels| match lives {
            [] => may_meet(labels, selector),
            lives => lives.iter().any(|life| agrees(labels, &life.labels)),
        };
        let columns: Vec<_> = matrix.columns().filter(|column| wanted(column.labels)).collect();
        let operand = written(&rule.expr, condition.operand);
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
