//! An expression with `@` on every selector: it has to yield the same at every time of evaluation (Prometheus
//! `promqltest`, `atModifierTestCases`).

use crate::promql::ast::{AtModifier, Expr, ExprKind};
use crate::time::Timestamp;

/// Functions whose result depends on the time of evaluation, or on that of their argument's samples.
const TIMED: [&str; 15] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "end",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
    "year",
];

/// The expression with every selector fixed to `time`, and other times at which it has to yield the same; nothing for an
/// expression that depends on the time otherwise.
pub fn at_every_time(expr: &Expr, time: Timestamp) -> Vec<(Expr, Timestamp)> {
    let mut timed = false;
    expr.walk(&mut |node| timed |= matches!(&node.kind, ExprKind::Call(call) if TIMED.contains(&call.function.name)));
    if timed {
        return Vec::new();
    }
    let mut pinned = expr.clone();
    pin(&mut pinned, AtModifier::Time(time));
    let Timestamp(ms) = time;
    let times = if ms == 0 { vec![-1000, 0, 1000] } else { vec![-10 * ms, 0, ms / 5, ms, 10 * ms] };
    times.into_iter().map(|ms| (pinned.clone(), Timestamp(ms))).collect()
}

/// Fixes selectors that are not yet; those below a subquery are fixed with it.
fn pin(expr: &mut Expr, at: AtModifier) {
    let fix = |own: &mut Option<AtModifier>| {
        if !matches!(own, Some(AtModifier::Time(_))) {
            *own = Some(at);
        }
    };
    match &mut expr.kind {
        ExprKind::Selector(selector) => fix(&mut selector.at),
        ExprKind::Range(range) => fix(&mut range.selector.at),
        ExprKind::Subquery(subquery) => fix(&mut subquery.at),
        _ => {
            for child in expr.children_mut() {
                pin(child, at);
            }
        }
    }
}

/// Whether an expression asks for the bounds or the step of its query, which differ between an instant and a range query.
pub fn asks_for_context(expr: &Expr) -> bool {
    let text = expr.to_string();
    ["start()", "end()", "range()", "step()"].into_iter().any(|call| text.contains(call))
}
