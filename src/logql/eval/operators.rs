//! Binary operators.

use super::{Env, Node};
use crate::engine::{Dialect, EvalError, Join, Matching, Matrix, Memo, SetTable, bits, compare, set_operation};
use crate::logql::ast::{Binary, Expr, ExprKind};
use crate::syntax::{BinaryOp, VectorMatching};
use crate::text::Span;
use crate::time::Nanoseconds;

/// The most pairs of series that may meet.
const MAX_PAIRS: usize = 1 << 22;

/// An operator between the elements of a vector and a number.
pub struct WithLiteral {
    op: BinaryOp,
    return_bool: bool,
    literal: f64,
    literal_first: bool,
    pub(super) input: Node,
}

/// An operator between two vectors.
pub struct Operation {
    op: BinaryOp,
    return_bool: bool,
    matching: VectorMatching,
    pub(super) lhs: Node,
    pub(super) rhs: Node,
    table: Table,
    span: Span,
}

enum Table {
    Set(Memo<SetTable>),
    Join(Matching),
}

/// The node of an operation.
pub(super) fn node(binary: &Binary, span: Span, env: &Env<'_>) -> Result<Node, EvalError> {
    let Binary { op, return_bool, .. } = *binary;
    let literal = |expr: &Expr| match expr.kind {
        ExprKind::Literal(value) => Some(value),
        _ => None,
    };
    let with_literal = |literal, literal_first, input: &Expr| -> Result<Node, EvalError> {
        let input = Node::new(input, env)?;
        Ok(Node::WithLiteral(Box::new(WithLiteral { op, return_bool, literal, literal_first, input })))
    };
    if let Some(value) = literal(&binary.lhs) {
        return with_literal(value, true, &binary.rhs);
    }
    if let Some(value) = literal(&binary.rhs) {
        return with_literal(value, false, &binary.lhs);
    }
    let (lhs, rhs) = (Node::new(&binary.lhs, env)?, Node::new(&binary.rhs, env)?);
    let table = if op.is_set() { Table::Set(Memo::default()) } else { Table::Join(Matching::default()) };
    let matching = binary.matching.clone();
    Ok(Node::Operation(Box::new(Operation { op, return_bool, matching, lhs, rhs, table, span })))
}

impl Operation {
    pub fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        let (lhs, rhs) = (self.lhs.eval(times), self.rhs.eval(times));
        let table = match &mut self.table {
            Table::Set(table) => return set_operation(table, self.op, &self.matching, lhs, rhs),
            Table::Join(table) => table,
        };
        let join = Join {
            op: self.op,
            return_bool: self.return_bool,
            matching: &self.matching,
            dialect: Dialect::Logql,
            late_names: false,
            max_pairs: MAX_PAIRS,
            span: self.span,
        };
        if table.width(&join, &lhs, &rhs).is_none() {
            let mut out = Matrix::new(Default::default(), times.len());
            out.fail(0, EvalError::new(self.span, format!("more than {MAX_PAIRS} pairs of series meet here")));
            return out;
        }
        table.join(&join, lhs, rhs, &mut Default::default())
    }
}

impl WithLiteral {
    /// Labels stay as they are, and a comparison that filters leaves the vector's values.
    pub fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        let mut vector = self.input.eval(times);
        let steps = vector.steps();
        let literals = vec![self.literal; steps];
        let mut results = vec![0.0; steps];
        let mut holds = vec![0u64; bits::words(steps)];
        for column in 0..vector.head().len() {
            let (values, present) = vector.column_mut(column);
            let (lhs, rhs) = if self.literal_first { (&literals[..], &*values) } else { (&*values, &literals[..]) };
            if !self.op.is_comparison() {
                Dialect::Logql.arithmetic(self.op, lhs, rhs, &mut results);
                values.copy_from_slice(&results);
                continue;
            }
            compare(self.op, lhs, rhs, &mut holds);
            if self.return_bool {
                for (step, value) in values.iter_mut().enumerate() {
                    *value = f64::from(u8::from(bits::has(&holds, step)));
                }
            } else {
                present.iter_mut().zip(&holds).for_each(|(word, holds)| *word &= holds);
            }
        }
        for (step, mut order) in std::mem::take(&mut vector.order) {
            order.retain(|column| bits::has(vector.present(*column as usize), step));
            vector.order.insert(step, order);
        }
        vector
    }
}
