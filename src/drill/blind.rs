//! Blind alerts: expressions that could not yield anything, because a selector that they need matched no series.

use crate::promql::ast::{BinaryOp, Expr, ExprKind, VectorSelector};
use crate::text::Span;

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
