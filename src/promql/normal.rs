//! The normal form of an expression, in which the same rule is the same tree in two files, or written with other blanks.

use super::ast::{DurationArg, DurationExpr, DurationExprKind, Expr, ExprKind, VectorSelector};
use crate::text::Span;

impl Expr {
    /// The same expression with every span empty and matchers in the order in which they are printed.
    pub fn normalised(mut self) -> Expr {
        self.walk_mut(&mut |expr| {
            expr.span = Span::default();
            match &mut expr.kind {
                ExprKind::Binary(binary) => binary.op_span = Span::default(),
                ExprKind::Call(call) => call.name_span = Span::default(),
                ExprKind::Selector(selector) => normalise_selector(selector),
                ExprKind::Range(range) => {
                    range.selector_span = Span::default();
                    normalise_selector(&mut range.selector);
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

fn normalise_selector(selector: &mut VectorSelector) {
    selector.offset.iter_mut().for_each(clear_argument);
    // The matcher for a name in front of the braces stays last.
    let written = selector.matchers.len().saturating_sub(usize::from(!selector.name.is_empty()));
    if let Some(written) = selector.matchers.get_mut(..written) {
        written.sort_by_cached_key(ToString::to_string);
    }
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
