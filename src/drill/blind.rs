//! Blind alerts: expressions that could not yield anything, because a selector that they need matched no series.

use crate::labels::{Labels, Matcher};
use crate::promql::ast::{BinaryOp, Expr, ExprKind, ValueType, VectorSelector};
use crate::rules::RuleRef;
use crate::text::Span;

use super::explain;
use super::playback::Playback;
use super::verdict::{Place, Reason};

/// A selector that an expression needs and that matched nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Where it stands in the expression.
    pub span: Span,
}

/// The first selector without which `expr` yields nothing and for which `matched` does not hold.
///
/// Of `a or b` one side suffices, `a unless b` needs only `a`, and `absent(a)` speaks because `a` is missing. Everything else
/// needs all of its parts.
pub fn missing(expr: &Expr, matched: &dyn Fn(&VectorSelector) -> bool) -> Option<Missing> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => None,
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => missing(inner, matched),
        ExprKind::Selector(selector) => (!matched(selector)).then_some(Missing { span: expr.span }),
        ExprKind::Range(range) => (!matched(&range.selector)).then_some(Missing { span: range.selector_span }),
        ExprKind::Subquery(subquery) => missing(&subquery.expr, matched),
        ExprKind::Aggregate(aggregate) => missing(&aggregate.expr, matched),
        ExprKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time") => None,
        ExprKind::Call(call) => call.args.iter().find_map(|arg| missing(arg, matched)),
        ExprKind::Binary(binary) => {
            let lhs = missing(&binary.lhs, matched);
            match binary.op {
                BinaryOp::Or => lhs.and_then(|first| missing(&binary.rhs, matched).map(|_| first)),
                BinaryOp::Unless => lhs,
                _ => lhs.or_else(|| missing(&binary.rhs, matched)),
            }
        }
    }
}

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
        let place = Place { source: rule.expr.source.clone(), span: rule.expr.span };
        return Some(Reason { place: Some(place), text: format!("{name}: LogQL is not evaluated yet") });
    };
    let of_series = |matcher: &&Matcher| {
        matcher.name.as_ref() != "alertname" && !rule.labels.iter().any(|(label, _)| **label == *matcher.name)
    };
    let matchers: Vec<&Matcher> = matchers.iter().filter(of_series).collect();
    let met = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
    if playback.run.alerts.iter().any(|track| track.rule == at && met(&track.labels)) {
        return None;
    }
    let located = |span: Span| Some(Place { source: rule.expr.source.clone(), span: rule.expr.file_span(span) });
    if let Some(missing) = missing(expr, &|selector| playback.matches(selector)) {
        let text = rule.expr.value.get(missing.span.start..missing.span.end).unwrap_or_default();
        return Some(Reason {
            place: located(missing.span),
            text: format!("{name}: no series of this day matches {text}"),
        });
    }
    // An evaluation that is too large for its limits proves nothing either way.
    let matrix = playback.evaluate(&unfiltered(expr)?, &playback.steps(at)).ok()?;
    let mut seen = matrix.columns().filter(|column| column.iter().next().is_some()).peekable();
    if seen.peek().is_none() {
        return Some(explain::no_value(playback, rule, expr, name));
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

    #[test]
    fn what_an_expression_needs_is_missing() {
        let missing = |text: &str| {
            let expr = parse(text).unwrap();
            missing(&expr, &|selector| selector.name != "gone").map(|m| text[m.span.start..m.span.end].to_owned())
        };
        assert_eq!(missing("rate(gone[5m]) > 0").as_deref(), Some("gone"));
        assert_eq!(missing("a / gone > 0").as_deref(), Some("gone"));
        assert_eq!(missing("a or gone"), None);
        assert_eq!(missing("a unless gone"), None);
        assert_eq!(missing("absent(gone)"), None);
    }
}
