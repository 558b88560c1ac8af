//! What LogQL's operators make of two numbers (Loki `pkg/logql/syntax/ast.go`, `MergeBinOp`).

use crate::number::math;
use crate::syntax::BinaryOp;

/// The result of an arithmetic operator. Nothing divides by zero: quotient and remainder are then `NaN`.
pub fn apply(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div | BinaryOp::Mod if right == 0.0 => f64::NAN,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => math::pow(left, right),
        _ => f64::NAN,
    }
}

/// Whether a comparison holds.
pub fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessOrEqual => left <= right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterOrEqual => left >= right,
        _ => false,
    }
}

/// An operation on two literals; comparisons yield 1 or 0.
pub fn reduce(op: BinaryOp, left: f64, right: f64) -> f64 {
    if op.is_comparison() { f64::from(u8::from(holds(op, left, right))) } else { apply(op, left, right) }
}
