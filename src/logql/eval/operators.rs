//! Binary operators.

use super::{Env, eval};
use crate::engine::{Dialect, EvalError, Join, Matching, Matrix, Memo, bits, compare, set_operation};
use crate::logql::ast::{Binary, Expr, ExprKind};
use crate::text::Span;

/// The most pairs of series that may meet.
const MAX_PAIRS: usize = 1 << 24;

/// The operation at every step.
pub fn operate(binary: &Binary, span: Span, env: &Env<'_>) -> Result<Matrix, EvalError> {
    let literal = |expr: &Expr| match expr.kind {
        ExprKind::Literal(value) => Some(value),
        _ => None,
    };
    if let Some(value) = literal(&binary.lhs) {
        return Ok(with_literal(binary, eval(&binary.rhs, env)?, value, true));
    }
    if let Some(value) = literal(&binary.rhs) {
        return Ok(with_literal(binary, eval(&binary.lhs, env)?, value, false));
    }
    let (lhs, rhs) = (eval(&binary.lhs, env)?, eval(&binary.rhs, env)?);
    if binary.op.is_set() {
        return Ok(set_operation(&mut Memo::default(), binary.op, &binary.matching, lhs, rhs));
    }
    let join = Join {
        op: binary.op,
        return_bool: binary.return_bool,
        matching: &binary.matching,
        dialect: Dialect::Logql,
        late_names: false,
        max_pairs: MAX_PAIRS,
        span,
    };
    let mut table = Matching::default();
    if table.width(&join, &lhs, &rhs).is_none() {
        return Err(EvalError::new(binary.op_span, format!("more than {MAX_PAIRS} pairs of series meet here")));
    }
    Ok(table.join(&join, lhs, rhs, &mut Default::default()))
}

/// An operation of every element with the same number. Labels stay as they are.
fn with_literal(binary: &Binary, mut vector: Matrix, literal: f64, literal_first: bool) -> Matrix {
    let steps = vector.steps();
    let literals = vec![literal; steps];
    let mut results = vec![0.0; steps];
    let mut holds = vec![0u64; bits::words(steps)];
    for column in 0..vector.head().len() {
        let (values, present) = vector.column_mut(column);
        let (lhs, rhs) = if literal_first { (&literals[..], &*values) } else { (&*values, &literals[..]) };
        if !binary.op.is_comparison() {
            Dialect::Logql.arithmetic(binary.op, lhs, rhs, &mut results);
            values.copy_from_slice(&results);
            continue;
        }
        compare(binary.op, lhs, rhs, &mut holds);
        if binary.return_bool {
            for (step, value) in values.iter_mut().enumerate() {
                *value = f64::from(u8::from(bits::has(&holds, step)));
            }
        } else {
            present.iter_mut().zip(&holds).for_each(|(word, holds)| *word &= holds);
        }
    }
    if binary.op.is_comparison() && !binary.return_bool {
        keep_order(&mut vector);
    }
    vector
}

/// Takes what is gone out of the orders of steps.
fn keep_order(vector: &mut Matrix) {
    for (step, mut order) in std::mem::take(&mut vector.order) {
        order.retain(|column| bits::has(vector.present(*column as usize), step));
        vector.order.insert(step, order);
    }
}
