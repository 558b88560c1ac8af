//! Expressions without their places, to be compared by meaning: the same rule in two files, or written with other blanks.

use super::ast::{DurationArg, DurationExpr, DurationExprKind, Expr, ExprKind, VectorSelector};
use crate::text::Span;

impl Expr {
    /// The same expression with every span empty.
    pub fn without_spans(mut self) -> Expr {
        self.walk_mut(&mut |expr| {
            expr.span = Span::default();
            match &mut expr.kind {
                ExprKind::Binary(binary) => binary.op_span = Span::default(),
                ExprKind::Call(call) => call.name_span = Span::default(),
                ExprKind::Selector(selector) => clear_selector(selector),
                ExprKind::Range(range) => {
                    range.selector_span = Span::default();
                    clear_selector(&mut range.selector);
                    clear_argument(&mut range.range);
                }
                ExprKind::Subquery(subquery) => {
                    clear_argument(&mut subquery.range);
                    subquery.step.iter_mut().chain(&mut subquery.offset).for_each(clear_argument);
                }
                _ => {}
            }
        });
        self
    }
}

fn clear_selector(selector: &mut VectorSelector) {
    selector.offset.iter_mut().for_each(clear_argument);
}

fn clear_argument(argument: &mut DurationArg) {
    if let DurationArg::Expr(expr) = argument {
        clear_duration(expr);
    }
}

fn clear_duration(expr: &mut DurationExpr) {
    expr.span = Span::default();
    match &mut expr.kind {
        DurationExprKind::Number(_) | DurationExprKind::Step | DurationExprKind::Range => {}
        DurationExprKind::Paren(inner) | DurationExprKind::Unary { expr: inner, .. } => clear_duration(inner),
        DurationExprKind::Binary { lhs, rhs, .. } => {
            clear_duration(lhs);
            clear_duration(rhs);
        }
        DurationExprKind::Min(a, b) | DurationExprKind::Max(a, b) => {
            clear_duration(a);
            clear_duration(b);
        }
    }
}
