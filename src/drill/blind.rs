//! Blind alerts: expressions that could not yield anything, because a selector that they need matched no series.

use crate::evidence::{self, Place, Reason};
use crate::labels::{Labels, Matcher};
use crate::promql::ast::{BinaryOp, Expr, ExprKind, ValueType};
use crate::rules::RuleRef;
use crate::text::Span;

use super::playback::Playback;

/// The expression with nothing filtered by value: comparisons yield 0 or 1 instead of dropping what does not meet them, and
/// `unless` takes nothing away. What it yields is every series that the alert could be about. `None` where absence speaks
/// (`absent`), since then there need be no series at all.
pub fn unfiltered(expr: &Expr) -> Option<Expr> {
    let mut absence = false;
    expr.walk(&mut |node: &Expr| {
        absence |=
            matches!(&node.kind, ExprKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time"));
    });
    if absence {
        return None;
    }
    let mut open = expr.clone();
    open.walk_mut(&mut |node: &mut Expr| {
        let scalars = |binary: &crate::promql::ast::Binary| {
            binary.lhs.value_type() == ValueType::Scalar && binary.rhs.value_type() == ValueType::Scalar
        };
        while let ExprKind::Binary(binary) = &node.kind
            && binary.op == BinaryOp::Unless
        {
            *node = binary.lhs.clone();
        }
        if let ExprKind::Binary(binary) = &mut node.kind
            && binary.op.is_comparison()
            && !scalars(binary)
        {
            binary.return_bool = true;
        }
    });
    Some(open)
}

/// Why no alert that a selector means could come out of a rule on this day; `None` where one could.
pub fn reason(playback: &Playback, at: RuleRef, matchers: &[Matcher]) -> Option<Reason> {
    let rule = playback.rule(at);
    let name = &rule.name.value;
    let Some(expr) = rule.promql() else {
        return Some(Reason {
            place: Some(Place::of(&rule.expr)),
            text: format!("{name}: LogQL is not evaluated yet"),
        });
    };
    let of_series = |matcher: &&Matcher| {
        matcher.name.as_ref() != "alertname" && !rule.labels.iter().any(|(label, _)| **label == *matcher.name)
    };
    let matchers: Vec<&Matcher> = matchers.iter().filter(of_series).collect();
    let met = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
    if playback.run.alerts.iter().any(|track| track.rule == at && met(&track.labels)) {
        return None;
    }
    let located = |span: Span| Some(Place::within(&rule.expr, span));
    if let Some(missing) = evidence::missing(expr, &|selector| playback.matches(selector)) {
        let text = rule.expr.value.get(missing.span.start..missing.span.end).unwrap_or_default();
        let there = evidence::instead(&playback.generated.store, missing.selector);
        let there = there.map_or_else(String::new, |series| format!("; there is {series}"));
        return Some(Reason {
            place: located(missing.span),
            text: format!("{name}: no series of this day matches {text}{there}"),
        });
    }
    // An evaluation that is too large for its limits proves nothing either way.
    let matrix = playback.evaluate(&unfiltered(expr)?, &playback.steps(at)).ok()?;
    let mut seen = matrix.columns().filter(|column| column.iter().next().is_some()).peekable();
    if seen.peek().is_none() {
        return Some(evidence::no_value(&playback.generated.store, &rule.expr, expr, name));
    }
    if seen.any(|column| met(column.labels)) {
        return None;
    }
    let wanted = matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    Some(Reason {
        place: located(expr.span),
        text: format!("{name}: no series that it reads on this day can become an alert with {{{wanted}}}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    fn open(text: &str) -> Option<String> {
        unfiltered(&parse(text).unwrap()).map(|expr| expr.to_string())
    }

    #[test]
    fn nothing_is_filtered_by_value_any_more() {
        assert_eq!(open("rate(a[5m]) > 0").unwrap(), "rate(a[5m]) > bool 0");
        assert_eq!(open("(a > 1 and b < 2) unless c > 3").unwrap(), "(a > bool 1 and b < bool 2)");
        assert_eq!(open("a > 1 unless b unless c").unwrap(), "a > bool 1");
        assert_eq!(open("count(a == 0) > 2 or b").unwrap(), "count(a == bool 0) > bool 2 or b");
        assert_eq!(open("absent(a) == 1"), None);
    }
}
