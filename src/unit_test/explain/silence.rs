//! Why an expression yields nothing: series that are not there, conditions that hold at no tick, sides that do not match.

use crate::engine::{Step, Steps};
use crate::evidence::{
    self, Missing, Nearness, Place, Reason, agrees, alternatives, compared, conditions, instead, missing, no_value,
    written,
};
use crate::labels::Labels;
use crate::number;
use crate::promql::ast::{Binary, BinaryOp, Expr, ExprKind, VectorSelector};
use crate::rules::{Expression, Rule, RuleRef};
use crate::store::Series;
use crate::text::Located;
use crate::time::Timestamp;
use crate::unit_test::run::Played;

/// At most so many label sets stand in a sentence.
const NAMED: usize = 3;

/// Recording rules are followed so deep.
const RECORDED: usize = 4;

/// Why a rule makes no alert with these labels up to a tick.
pub fn of_alert(played: &Played<'_>, at: RuleRef, labels: &Labels, until: Timestamp) -> Vec<Reason> {
    let rule = &played.rules[at.group].rules[at.rule];
    let Some(expr) = rule.expression() else { return Vec::new() };
    let mut steps = played.run.steps(at);
    steps.0.retain(|step| step.frontier.at <= until);
    let Some(last) = steps.0.last().copied() else { return Vec::new() };
    let absent = match expr {
        Expression::Promql(expr) => absent(played, &rule.expr, expr, last),
        Expression::Logql(expr) => evidence::no_stream(&played.logs, &rule.expr, expr),
    };
    if let Some(reason) = absent {
        return vec![reason];
    }
    let mut found = Vec::new();
    for condition in alternatives(expr).into_iter().flat_map(conditions) {
        let Some(matrix) = played.evaluate(condition.operand, &steps) else { continue };
        let operand = written(&rule.expr, condition.operand);
        let place = Some(Place::within(&rule.expr, condition.threshold_span));
        let columns: Vec<_> = matrix.valued().collect();
        let meant: Vec<_> = columns.iter().filter(|column| may_become(rule, column.labels, labels)).collect();
        if meant.is_empty() && !columns.is_empty() {
            let there: Vec<&Labels> = columns.iter().map(|column| column.labels).collect();
            let wanted = labels.filter(|name| there.iter().any(|other| other.has(name)));
            let text = format!("{operand} has no series with {wanted}; there is {}", list(&there));
            found.push(Reason { place: Some(Place::within(&rule.expr, condition.operand.span())), text });
            continue;
        }
        match Nearness::of(&condition, meant.into_iter().flat_map(|column| column.iter())) {
            Nearness::Holds => {}
            Nearness::Misses { step, value } => {
                let time = steps.0.get(step).map_or(until, |step| step.frontier.at);
                let text = format!(
                    "{operand} came no nearer than {} (at {}): {} holds at no tick up to {}",
                    number::format_g(value, 6),
                    played.since(time),
                    compared(&rule.expr, expr, &condition),
                    played.since(until),
                );
                found.push(Reason { place, text });
            }
            Nearness::NoValue => found.push(
                match condition.operand {
                    Expression::Promql(operand) => unlike_sides(played, &rule.expr, operand, last),
                    Expression::Logql(operand) => Some(evidence::no_entry(&played.logs, &rule.expr, operand, &steps)),
                }
                .unwrap_or_else(|| no_value(&played.store, &rule.expr, condition.operand, &operand)),
            ),
        }
    }
    if let Expression::Promql(expr) = expr
        && found.is_empty()
    {
        found.extend(unlike_sides(played, &rule.expr, expr, last));
    }
    if found.is_empty() && conditions(expr).len() > 1 {
        let text = "every condition held at some tick, but never all of them together for one label set".to_owned();
        found.push(Reason { place: Some(Place::within(&rule.expr, expr.span())), text });
    }
    found
}

/// Whether a series can become the alert: what the rule sets itself does not count.
fn may_become(rule: &Rule, series: &Labels, alert: &Labels) -> bool {
    agrees(&series.filter(|name| !rule.labels.iter().any(|(label, _)| label == name)), alert)
}

/// The labels of the alerts that a rule could make of the values that it compares up to a tick. Labels that are templates are
/// taken as they are written.
pub fn could_become(played: &Played<'_>, at: RuleRef, until: Timestamp) -> Vec<Labels> {
    let rule = &played.rules[at.group].rules[at.rule];
    let mut steps = played.run.steps(at);
    steps.0.retain(|step| step.frontier.at <= until);
    let mut found = Vec::new();
    for condition in rule.expression().into_iter().flat_map(alternatives).flat_map(conditions) {
        let Some(matrix) = played.evaluate(condition.operand, &steps) else { continue };
        for column in matrix.valued() {
            let mut labels = column.labels.without_name().builder();
            for (name, value) in &rule.labels {
                labels.set(name, value);
            }
            labels.set("alertname", &rule.name);
            found.push(labels.build());
        }
    }
    found
}

/// The first selector that an expression needs and that has no sample up to a step: what there is instead. Where a rule
/// should have recorded the series, why it has not.
pub fn absent(played: &Played<'_>, text: &Located, expr: &Expr, step: Step) -> Option<Reason> {
    absent_below(played, text, expr, step, 0)
}

fn absent_below(played: &Played<'_>, text: &Located, expr: &Expr, step: Step, depth: usize) -> Option<Reason> {
    let store = &played.store;
    let seen = |selector: &VectorSelector| {
        store.select(&selector.matchers).iter().filter_map(|id| first_seen(store.series(*id))).min()
    };
    let Missing { selector, span } =
        missing(expr, &|selector| seen(selector).is_some_and(|at| at <= step.frontier.at))?;
    let shown = text.value.get(span.start..span.end).unwrap_or_default();
    let near = instead(store, selector);
    if near.is_none() && depth < RECORDED {
        let rules = played.rules.iter().flat_map(|group| &group.rules);
        let recorded = rules.filter(|rule| !rule.is_alert() && *rule.name.value == *selector.name);
        let mut why = recorded.filter_map(|rule| absent_below(played, &rule.expr, rule.promql()?, step, depth + 1));
        if let Some(Reason { place, text }) = why.next() {
            return Some(Reason { place, text: format!("{text}; so nothing records {}", selector.name) });
        }
    }
    let told = match (seen(selector), near) {
        (Some(begins), _) => {
            let (at, begins) = (played.since(step.frontier.at), played.since(begins));
            format!("{shown}: no sample up to {at}, the first one is at {begins}")
        }
        (None, Some(there)) => format!("{shown}: no series; there is {there}"),
        (None, None) if store.is_empty() => format!("{shown}: no series; input_series has none at all"),
        (None, None) => format!("{shown}: no series, neither in input_series nor recorded by a rule"),
    };
    Some(Reason { place: Some(Place::within(text, span)), text: told })
}

fn first_seen(series: &Series) -> Option<Timestamp> {
    (!series.times.is_empty()).then(|| series.moment(0).at.max(series.times[0]))
}

/// Why the condition of a rule held no longer at a tick, where that is because series have no samples any more.
pub fn of_end(played: &Played<'_>, at: RuleRef, tick: Timestamp) -> Option<Reason> {
    let rule = &played.rules[at.group].rules[at.rule];
    let step = played.run.steps(at).0.into_iter().find(|step| step.frontier.at == tick)?;
    ended(played, &rule.expr, rule.promql()?, step)
}

/// The first selector of an expression that has had samples and has none any more at a step. Where a rule recorded the
/// series, why it does not any more.
pub fn ended(played: &Played<'_>, text: &Located, expr: &Expr, step: Step) -> Option<Reason> {
    ended_below(played, text, expr, step, 0)
}

fn ended_below(played: &Played<'_>, text: &Located, expr: &Expr, step: Step, depth: usize) -> Option<Reason> {
    if let ExprKind::Selector(selector) = &expr.kind {
        if selector.at.is_some() || selector.offset.is_some() {
            return None;
        }
        let matrix = played.evaluate(expr, &Steps(vec![step]))?;
        let ids = played.store.select(&selector.matchers);
        let last = |series: &Series| {
            let seen = series.times.partition_point(|time| *time <= step.time).min(series.visible(step.frontier));
            let at = seen.checked_sub(1)?;
            Some((series.times[at], number::is_stale(series.values[at])))
        };
        let (time, stale) = ids.iter().filter_map(|id| last(played.store.series(*id))).max()?;
        if matrix.at(0).next().is_some() {
            return None;
        }
        let rules = played.rules.iter().flat_map(|group| &group.rules);
        let mut recorded = rules.filter(|rule| !rule.is_alert() && *rule.name.value == *selector.name);
        let why = match depth < RECORDED {
            true => recorded.find_map(|rule| ended_below(played, &rule.expr, rule.promql()?, step, depth + 1)),
            false => None,
        };
        if let Some(Reason { place, text }) = why {
            return Some(Reason { place, text: format!("{text}; so nothing records {}", selector.name) });
        }
        let (shown, lookback) = (written(text, expr), played.profile.lookback);
        let (at, time) = (played.since(step.time), played.since(time));
        let told = match stale {
            true => format!("{shown}: no sample at {at}, its series ended at {time}"),
            false => format!("{shown}: no sample at {at}; the last one, of {time}, counts for less than {lookback}"),
        };
        return Some(Reason { place: Some(Place::within(text, expr.span)), text: told });
    }
    match &expr.kind {
        ExprKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time") => None,
        ExprKind::Subquery(_) => None,
        ExprKind::Binary(binary) if binary.op == BinaryOp::Unless => {
            ended_below(played, text, &binary.lhs, step, depth)
        }
        ExprKind::Binary(binary) if binary.op == BinaryOp::Or => ended_below(played, text, &binary.lhs, step, depth)
            .filter(|_| ended_below(played, text, &binary.rhs, step, depth).is_some()),
        _ => expr.children().into_iter().find_map(|child| ended_below(played, text, child, step, depth)),
    }
}

/// An operator between two vectors of which both have elements at a step, and none matches one of the other.
pub fn unlike_sides(played: &Played<'_>, text: &Located, expr: &Expr, step: Step) -> Option<Reason> {
    let inner = expr.children().into_iter().find_map(|child| unlike_sides(played, text, child, step));
    if inner.is_some() {
        return inner;
    }
    let ExprKind::Binary(binary) = &expr.kind else { return None };
    if binary.matching.is_none() || matches!(binary.op, BinaryOp::Or | BinaryOp::Unless) {
        return None;
    }
    let steps = Steps(vec![step]);
    let elements = |expr: &Expr| -> Option<Vec<Labels>> {
        Some(played.evaluate(expr, &steps)?.at(0).map(|(labels, _)| labels.clone()).collect())
    };
    let open = Binary { return_bool: binary.op.is_comparison(), ..(**binary).clone() };
    let open = Expr { kind: ExprKind::Binary(Box::new(open)), span: expr.span };
    let (lhs, rhs, both) = (elements(&binary.lhs)?, elements(&binary.rhs)?, elements(&open)?);
    if lhs.is_empty() || rhs.is_empty() || !both.is_empty() {
        return None;
    }
    let told = |labels: &[Labels]| {
        let unnamed: Vec<Labels> = labels.iter().map(Labels::without_name).collect();
        list(&unnamed.iter().collect::<Vec<_>>())
    };
    let text_of = format!(
        "nothing matches on the two sides of `{}` at {}: {} has {}, {} has {}",
        binary.op.as_str(),
        played.since(step.time),
        written(text, &binary.lhs),
        told(&lhs),
        written(text, &binary.rhs),
        told(&rhs),
    );
    Some(Reason { place: Some(Place::within(text, binary.op_span)), text: text_of })
}

fn list(labels: &[&Labels]) -> String {
    let shown: Vec<String> = labels.iter().take(NAMED).map(|labels| labels.as_metric()).collect();
    let more = labels.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
