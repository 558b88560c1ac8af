//! Operators on numbers, applied to whole columns.

use crate::number::math;
use crate::syntax::BinaryOp;

/// Whose rules the algebra follows where PromQL's and LogQL's differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Promql,
    /// Nothing divides by zero, and the labels of a result keep what PromQL takes for the metric's own (Loki `MergeBinOp`,
    /// `resultMetric`).
    Logql,
}

impl Dialect {
    /// `out[i] = lhs[i] op rhs[i]` for an arithmetic operator.
    pub fn arithmetic(self, op: BinaryOp, lhs: &[f64], rhs: &[f64], out: &mut [f64]) {
        arithmetic(op, lhs, rhs, out);
        if self == Dialect::Logql && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
            for (out, divisor) in out.iter_mut().zip(rhs) {
                if *divisor == 0.0 {
                    *out = f64::NAN;
                }
            }
        }
    }
}

/// `out[i] = lhs[i] op rhs[i]` for an arithmetic operator (Prometheus `vectorElemBinop`).
pub fn arithmetic(op: BinaryOp, lhs: &[f64], rhs: &[f64], out: &mut [f64]) {
    match op {
        BinaryOp::Add => each(lhs, rhs, out, |a, b| a + b),
        BinaryOp::Sub => each(lhs, rhs, out, |a, b| a - b),
        BinaryOp::Mul => each(lhs, rhs, out, |a, b| a * b),
        BinaryOp::Div => each(lhs, rhs, out, |a, b| a / b),
        // Both Go's Mod and the remainder here are exact, and agree on signs, zeros and infinities.
        BinaryOp::Mod => each(lhs, rhs, out, |a, b| a % b),
        BinaryOp::Pow => each(lhs, rhs, out, math::pow),
        BinaryOp::Atan2 => each(lhs, rhs, out, math::atan2),
        _ => out.copy_from_slice(lhs),
    }
}

fn each(lhs: &[f64], rhs: &[f64], out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    for ((out, lhs), rhs) in out.iter_mut().zip(lhs).zip(rhs) {
        *out = f(*lhs, *rhs);
    }
}

/// The steps at which `lhs[i] op rhs[i]` holds, for a comparison; no step for other operators.
pub fn compare(op: BinaryOp, lhs: &[f64], rhs: &[f64], holds: &mut [u64]) {
    match op {
        BinaryOp::Equal => each_bit(lhs, rhs, holds, |a, b| a == b),
        BinaryOp::NotEqual => each_bit(lhs, rhs, holds, |a, b| a != b),
        BinaryOp::Less => each_bit(lhs, rhs, holds, |a, b| a < b),
        BinaryOp::LessOrEqual => each_bit(lhs, rhs, holds, |a, b| a <= b),
        BinaryOp::Greater => each_bit(lhs, rhs, holds, |a, b| a > b),
        BinaryOp::GreaterOrEqual => each_bit(lhs, rhs, holds, |a, b| a >= b),
        _ => holds.fill(0),
    }
}

fn each_bit(lhs: &[f64], rhs: &[f64], holds: &mut [u64], f: impl Fn(f64, f64) -> bool) {
    for (word, (lhs, rhs)) in holds.iter_mut().zip(lhs.chunks(64).zip(rhs.chunks(64))) {
        *word = lhs.iter().zip(rhs).enumerate().fold(0, |word, (at, (a, b))| word | u64::from(f(*a, *b)) << at);
    }
}
