//! The conditions in an alert's expression: comparisons with a number that have to hold for it to speak.

use crate::logql::ast as logs;
use crate::promql::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::rules::Expression;
use crate::text::Span;

/// `lhs op threshold`, somewhere in an expression where it has to hold.
#[derive(Clone, Debug)]
pub struct Condition<'a> {
    /// What is compared.
    pub operand: Expression<'a>,
    pub op: BinaryOp,
    pub threshold: f64,
    /// Where the threshold stands.
    pub threshold_span: Span,
}

impl Condition<'_> {
    /// Whether a value meets the condition.
    pub fn holds(&self, value: f64) -> bool {
        match self.op {
            BinaryOp::Equal => value == self.threshold,
            BinaryOp::NotEqual => value != self.threshold,
            BinaryOp::Less => value < self.threshold,
            BinaryOp::LessOrEqual => value <= self.threshold,
            BinaryOp::Greater => value > self.threshold,
            BinaryOp::GreaterOrEqual => value >= self.threshold,
            _ => false,
        }
    }

    /// Of two values, the one that comes nearer to meeting the condition.
    pub fn nearer(&self, a: f64, b: f64) -> f64 {
        match self.op {
            BinaryOp::Greater | BinaryOp::GreaterOrEqual => a.max(b),
            BinaryOp::Less | BinaryOp::LessOrEqual => a.min(b),
            _ if (a - self.threshold).abs() <= (b - self.threshold).abs() => a,
            _ => b,
        }
    }
}

/// How near values came to a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nearness {
    /// A value meets it.
    Holds,
    /// The nearest value, and the step at which it was first there.
    Misses { step: usize, value: f64 },
    /// There are no values, or none but NaN.
    NoValue,
}

impl Nearness {
    /// How near the values come, each with its step.
    pub fn of(condition: &Condition<'_>, values: impl IntoIterator<Item = (usize, f64)>) -> Nearness {
        let mut nearest = Nearness::NoValue;
        for (step, value) in values {
            if condition.holds(value) {
                return Nearness::Holds;
            }
            let nearer = match nearest {
                Nearness::Misses { value: before, .. } => condition.nearer(before, value) != before,
                _ => true,
            };
            if nearer && !value.is_nan() {
                nearest = Nearness::Misses { step, value };
            }
        }
        nearest
    }
}

/// The expressions joined by `or`, of which any may speak; the whole where there is no `or`.
pub fn alternatives<'a>(expr: impl Into<Expression<'a>>) -> Vec<Expression<'a>> {
    let both = |sides: [Expression<'a>; 2]| sides.into_iter().flat_map(alternatives).collect();
    match expr.into() {
        Expression::Promql(expr) => match &expr.kind {
            ExprKind::Paren(inner) => alternatives(inner.as_ref()),
            ExprKind::Binary(binary) if binary.op == BinaryOp::Or => both([(&binary.lhs).into(), (&binary.rhs).into()]),
            _ => vec![expr.into()],
        },
        Expression::Logql(expr) => match &expr.kind {
            logs::ExprKind::Binary(binary) if binary.op == BinaryOp::Or => {
                both([(&binary.lhs).into(), (&binary.rhs).into()])
            }
            _ => vec![expr.into()],
        },
    }
}

/// The conditions that all have to hold, from left to right: those joined by `and`, and the left side of `unless`.
pub fn conditions<'a>(expr: impl Into<Expression<'a>>) -> Vec<Condition<'a>> {
    let mut found = Vec::new();
    match expr.into() {
        Expression::Promql(expr) => collect(expr, &mut found),
        Expression::Logql(expr) => collect_logs(expr, &mut found),
    }
    found
}

fn collect_logs<'a>(expr: &'a logs::Expr, found: &mut Vec<Condition<'a>>) {
    let logs::ExprKind::Binary(binary) = &expr.kind else { return };
    match (binary.op, &binary.lhs.kind, &binary.rhs.kind) {
        (BinaryOp::And, ..) => {
            collect_logs(&binary.lhs, found);
            collect_logs(&binary.rhs, found);
        }
        (BinaryOp::Unless, ..) => collect_logs(&binary.lhs, found),
        (op, _, logs::ExprKind::Literal(threshold)) if op.is_comparison() => {
            let (operand, threshold_span) = (Expression::from(&binary.lhs), binary.rhs.span);
            found.push(Condition { operand, op, threshold: *threshold, threshold_span });
        }
        (op, logs::ExprKind::Literal(threshold), _) => {
            let Some(op) = flip(op) else { return };
            let (operand, threshold_span) = (Expression::from(&binary.rhs), binary.lhs.span);
            found.push(Condition { operand, op, threshold: *threshold, threshold_span });
        }
        _ => {}
    }
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<Condition<'a>>) {
    match &expr.kind {
        ExprKind::Paren(inner) => collect(inner, found),
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::And => {
                collect(&binary.lhs, found);
                collect(&binary.rhs, found);
            }
            BinaryOp::Unless => collect(&binary.lhs, found),
            op => {
                let Some(flipped) = flip(op) else { return };
                if let Some(threshold) = number(&binary.rhs) {
                    let threshold_span = binary.rhs.span;
                    found.push(Condition { operand: (&binary.lhs).into(), op, threshold, threshold_span });
                } else if let Some(threshold) = number(&binary.lhs) {
                    let threshold_span = binary.lhs.span;
                    found.push(Condition { operand: (&binary.rhs).into(), op: flipped, threshold, threshold_span });
                }
            }
        },
        _ => {}
    }
}

/// The comparison with its sides swapped; `None` for what is no comparison.
fn flip(op: BinaryOp) -> Option<BinaryOp> {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => Some(op),
        BinaryOp::Less => Some(BinaryOp::Greater),
        BinaryOp::LessOrEqual => Some(BinaryOp::GreaterOrEqual),
        BinaryOp::Greater => Some(BinaryOp::Less),
        BinaryOp::GreaterOrEqual => Some(BinaryOp::LessOrEqual),
        _ => None,
    }
}

/// The value of a number, also in parentheses and with a sign.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(literal) => Some(literal.value),
        ExprKind::Paren(inner) => number(inner),
        ExprKind::Unary { op, expr } => number(expr).map(|value| if *op == UnaryOp::Minus { -value } else { value }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    fn told(text: &str) -> Vec<String> {
        let expr = parse(text).unwrap();
        let told = |c: &Condition<'_>| {
            let span = c.operand.span();
            format!("{} {:?} {}", &text[span.start..span.end], c.op, c.threshold)
        };
        conditions(&expr).iter().map(told).collect()
    }

    #[test]
    fn conditions_are_the_comparisons_that_have_to_hold() {
        assert_eq!(told("rate(a[5m]) > 0"), ["rate(a[5m]) Greater 0"]);
        assert_eq!(told("(a < -1) and on(x) (5 <= b)"), ["a Less -1", "b GreaterOrEqual 5"]);
        assert_eq!(told("a == 0 unless b > 1"), ["a Equal 0"]);
        assert_eq!(told("a > b"), Vec::<String>::new());
        assert_eq!(told("absent(a)"), Vec::<String>::new());
        assert_eq!(told("a > 1 or b > 2"), Vec::<String>::new());
    }

    #[test]
    fn alternatives_are_the_sides_of_or() {
        let told = |text: &str| -> Vec<String> {
            let expr = parse(text).unwrap();
            let sides = alternatives(&expr).into_iter();
            sides.map(|side| text[side.span().start..side.span().end].to_owned()).collect()
        };
        assert_eq!(told("(a > 1 or b > 2) or (c and d)"), ["a > 1", "b > 2", "c and d"]);
        assert_eq!(told("a > 1"), ["a > 1"]);
    }

    #[test]
    fn conditions_of_logql_are_the_same() {
        let told = |text: &str| {
            let Ok(logs::Query::Metric(expr)) = crate::logql::parse(text) else { panic!("{text}") };
            let told = |c: &Condition<'_>| {
                let span = c.operand.span();
                format!("{} {:?} {}", &text[span.start..span.end], c.op, c.threshold)
            };
            conditions(&expr).iter().map(told).collect::<Vec<_>>()
        };
        let (a, b) = (r#"sum(rate({a="b"} |= "x" [5m]))"#, r#"rate({c="d"}[5m])"#);
        assert_eq!(told(&format!("{a} > 0.5")), [format!("{a} Greater 0.5")]);
        let both = [format!("{a} Less -1"), format!("{b} GreaterOrEqual 5")];
        assert_eq!(told(&format!("({a} < -1) and (5 <= {b}) unless {b} > 7")), both);
        assert_eq!(told(&format!("{a} > {b}")), Vec::<String>::new());
    }
}
