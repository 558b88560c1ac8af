//! The length of a duration that is written as an expression (Prometheus `promql/durations.go`).

use super::ast::{BinaryOp, DurationArg, DurationExpr, DurationExprKind, UnaryOp};
use crate::number::math;
use crate::syntax::ParseError;
use crate::time::Duration;

impl DurationArg {
    /// The length, where `step` is the query's step and `range` the time from its start to its end. Offsets may be
    /// negative, ranges and steps have to be longer than zero.
    pub fn length(&self, step: Duration, range: Duration, is_offset: bool) -> Result<Duration, ParseError> {
        let expr = match self {
            DurationArg::Literal(duration) => return Ok(*duration),
            DurationArg::Expr(expr) => expr,
        };
        let seconds = expr.seconds(step, range)?;
        let problem = if !seconds.is_finite() {
            "is no finite number"
        } else if seconds <= 0.0 && !is_offset {
            "is not longer than 0"
        } else if seconds.abs() > i64::MAX as f64 / 1e9 {
            "is out of range"
        } else {
            return Ok(Duration((seconds * 1000.0) as i64));
        };
        Err(ParseError::new(expr.span, format!("the duration {problem}: {seconds} s")))
    }
}

impl DurationExpr {
    fn seconds(&self, step: Duration, range: Duration) -> Result<f64, ParseError> {
        let of = |expr: &DurationExpr| expr.seconds(step, range);
        Ok(match &self.kind {
            DurationExprKind::Number(literal) => literal.value,
            DurationExprKind::Paren(inner) | DurationExprKind::Unary { op: UnaryOp::Plus, expr: inner } => of(inner)?,
            DurationExprKind::Unary { op: UnaryOp::Minus, expr } => -of(expr)?,
            DurationExprKind::Step => step.go_seconds(),
            DurationExprKind::Range => range.go_seconds(),
            DurationExprKind::Min(a, b) => math::min(of(a)?, of(b)?),
            DurationExprKind::Max(a, b) => math::max(of(a)?, of(b)?),
            DurationExprKind::Binary { op, lhs, rhs } => {
                let (left, right) = (of(lhs)?, of(rhs)?);
                match op {
                    BinaryOp::Div | BinaryOp::Mod if right == 0.0 => {
                        return Err(ParseError::new(self.span, "division of a duration by zero"));
                    }
                    BinaryOp::Add => left + right,
                    BinaryOp::Sub => left - right,
                    BinaryOp::Mul => left * right,
                    BinaryOp::Div => left / right,
                    BinaryOp::Mod => left % right,
                    BinaryOp::Pow => math::pow(left, right),
                    _ => return Err(ParseError::new(self.span, format!("`{op}` does not work on durations"))),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::ExprKind;
    use super::super::{Features, parse_with};
    use super::*;

    fn offset(text: &str) -> Result<Duration, ParseError> {
        let tree = parse_with(&format!("x offset {text}"), Features::ALL).unwrap();
        let ExprKind::Selector(selector) = tree.kind else { panic!("{text}") };
        selector.offset.unwrap().length(Duration::MINUTE, Duration(3_600_000), true)
    }

    #[test]
    fn expressions_are_computed_in_seconds() {
        for (text, ms) in [
            ("-(5m)", -300_000),
            ("(1h + 2 * 30m)", 7_200_000),
            ("step()", 60_000),
            ("-range()", -3_600_000),
            ("min_of(step() * 3, 5m)", 180_000),
            ("max_of(step(), 5m)", 300_000),
            ("(2 ^ 3)", 8_000),
            ("(7s % 4)", 3_000),
            ("(1 / 3)", 333),
        ] {
            assert_eq!(offset(text).unwrap(), Duration(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_is_an_error() {
        assert!(offset("(1 / (1 - 1))").is_err());
        assert!(offset("(9e9 * 9)").is_err());
        let literal = DurationArg::Literal(Duration::MINUTE);
        assert_eq!(literal.length(Duration::ZERO, Duration::ZERO, false).unwrap(), Duration::MINUTE);
    }
}
