//! Operators between samples of which one may be a histogram (Prometheus `vectorElemBinop`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operate::{arithmetic, compare};
use super::{Filling, Join, Matrix, bits};
use crate::histogram::{FloatHistogram, ResetHint};
use crate::syntax::BinaryOp;

/// One side of an operator.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// What is to be said of an operation on histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The operator does not take these two: what they are.
    Types(&'static str, &'static str),
    /// Exponential and custom buckets.
    Buckets,
    /// A known reset and a known absence of one.
    Hints,
    /// Custom bounds were brought to those in common.
    Bounds,
}

/// The last note of each step: of several, Prometheus tells the last.
pub type Notes = BTreeMap<usize, Note>;

impl<'a> Operand<'a> {
    /// A value of a matrix.
    pub fn of(matrix: &'a Matrix, value: f64) -> Operand<'a> {
        match matrix.histogram(value) {
            Some(histogram) => Operand::Histogram(histogram),
            None => Operand::Float(value),
        }
    }

    fn is_histogram(self) -> bool {
        matches!(self, Operand::Histogram(_))
    }

    fn kind(self) -> &'static str {
        if self.is_histogram() { "histogram" } else { "float" }
    }
}

/// The result of an operator: a value, and whether a comparison holds; a comparison yields its left side. A histogram goes
/// into `arena`.
///
/// Errors: what does not go together, which yields nothing.
pub fn operate_sample(
    op: BinaryOp,
    lhs: Operand<'_>,
    rhs: Operand<'_>,
    arena: &mut Filling,
) -> Result<(f64, bool, Option<Note>), Note> {
    let refused = Err(Note::Types(lhs.kind(), rhs.kind()));
    let mut made = |mut histogram: FloatHistogram, note: Option<Note>| {
        histogram.compact();
        Ok((arena.add(histogram), true, note))
    };
    match (lhs, rhs) {
        (Operand::Float(lhs), Operand::Float(rhs)) => {
            if op.is_trim() {
                return refused;
            }
            let (mut value, mut holds) = ([lhs], [!0]);
            if op.is_comparison() {
                compare(op, &[lhs], &[rhs], &mut holds);
            } else {
                arithmetic(op, &[lhs], &[rhs], &mut value);
            }
            Ok((value[0], holds[0] & 1 == 1, None))
        }
        (Operand::Float(factor), Operand::Histogram(histogram))
        | (Operand::Histogram(histogram), Operand::Float(factor))
            if op == BinaryOp::Mul =>
        {
            let mut product = FloatHistogram::clone(histogram);
            product.mul(factor);
            made(product, None)
        }
        (Operand::Histogram(histogram), Operand::Float(value)) => {
            let mut result = FloatHistogram::clone(histogram);
            match op {
                BinaryOp::Div => {
                    result.div(value);
                    return made(result, None);
                }
                BinaryOp::TrimUpper => result.keep_below(value),
                BinaryOp::TrimLower => result.keep_above(value),
                _ => return refused,
            }
            Ok((arena.add(result), true, None))
        }
        (Operand::Histogram(lhs), Operand::Histogram(rhs)) => {
            let mut result = FloatHistogram::clone(lhs);
            let combined = match op {
                BinaryOp::Add => result.add(rhs),
                BinaryOp::Sub => result.sub(rhs),
                BinaryOp::Equal => return Ok((arena.add(lhs.clone()), lhs.equals(rhs), None)),
                BinaryOp::NotEqual => return Ok((arena.add(lhs.clone()), !lhs.equals(rhs), None)),
                _ => return refused,
            };
            let combined = combined.map_err(|_| Note::Buckets)?;
            if combined.hints_collide {
                return Err(Note::Hints);
            }
            if op == BinaryOp::Sub {
                result.hint = ResetHint::Gauge;
            }
            made(result, combined.bounds_reconciled.then_some(Note::Bounds))
        }
        (Operand::Float(_), Operand::Histogram(_)) => refused,
    }
}

/// Columns that meet.
pub(super) struct Operands<'a> {
    /// What handles among the values stand for.
    pub lhs: &'a Matrix,
    pub rhs: &'a Matrix,
    /// The column of the result for the first pair; the others follow.
    pub first_column: usize,
    /// The values of each pair, the left ones first, one a step; no pairs where there is nothing but numbers.
    pub pairs: Vec<(&'a [f64], &'a [f64])>,
}

/// The matches of columns at which one side is a histogram, or the operator is for histograms only: column, step, and what
/// comes out after all filters. What fails is no match and is removed from `out`.
pub(super) fn join_samples(
    join: &Join<'_>,
    operands: &Operands<'_>,
    arena: &mut Filling,
    out: &mut Matrix,
    notes: &mut Notes,
) -> Vec<(usize, usize, Option<f64>)> {
    let mut found = Vec::new();
    let (lhs, rhs) = (operands.lhs, operands.rhs);
    for (column, (left, right)) in (operands.first_column..).zip(&operands.pairs) {
        let steps: Vec<usize> = bits::steps(out.present(column)).collect();
        for step in steps {
            let (left, right) = (Operand::of(lhs, left[step]), Operand::of(rhs, right[step]));
            if !left.is_histogram() && !right.is_histogram() && !join.op.is_trim() {
                continue;
            }
            match operate_sample(join.op, left, right, arena) {
                Ok((value, holds, note)) => {
                    notes.extend(note.map(|note| (step, note)));
                    let value = if join.return_bool { f64::from(u8::from(holds)) } else { value };
                    found.push((column, step, (holds || join.return_bool).then_some(value)));
                }
                Err(note) => {
                    notes.insert(step, note);
                    out.put(column, step, None);
                }
            }
        }
    }
    found
}
