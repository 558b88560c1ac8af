//! `and`, `or`, `unless`: which elements of two vectors have partners (Prometheus `VectorAnd`, `VectorOr`, `VectorUnless`).

use std::sync::Arc;

use super::matching::{Signatures, steps_by_signature};
use super::{Head, Matrix, Memo, bits};
use crate::syntax::{BinaryOp, VectorMatching};

/// The signatures of both sides of a set operator.
pub struct SetTable {
    left: Vec<u32>,
    right: Vec<u32>,
    signatures: usize,
    /// Of the union: the left columns, then the right ones.
    head: Arc<Head>,
}

fn set_table(op: BinaryOp, matching: &VectorMatching, lhs: &Arc<Head>, rhs: &Head) -> SetTable {
    let mut signatures = Signatures::default();
    let left = signatures.of(lhs, matching);
    let right = signatures.of(rhs, matching);
    let head = if op == BinaryOp::Or {
        let labels = lhs.labels.iter().chain(&rhs.labels).cloned().collect();
        let drop_name = lhs.drop_name.iter().chain(&rhs.drop_name).copied().collect();
        Arc::new(Head::new(labels, drop_name))
    } else {
        lhs.clone()
    };
    SetTable { left, right, signatures: signatures.numbers.len(), head }
}

/// `and`, `or`, `unless`; the result of `or` still has to be settled.
pub fn set_operation(
    table: &mut Memo<SetTable>,
    op: BinaryOp,
    matching: &VectorMatching,
    mut lhs: Matrix,
    rhs: Matrix,
) -> Matrix {
    let table = table.get(&[lhs.head(), rhs.head()], || set_table(op, matching, lhs.head(), rhs.head()));
    let words = bits::words(lhs.steps());
    if op == BinaryOp::Or {
        return union(table, lhs, rhs);
    }
    let found = steps_by_signature(&rhs, &table.right, table.signatures);
    let flip = if op == BinaryOp::Unless { !0 } else { 0 };
    for (column, signature) in table.left.iter().enumerate() {
        let at = *signature as usize * words;
        let (_, present) = lhs.column_mut(column);
        present.iter_mut().zip(&found[at..at + words]).for_each(|(word, found)| *word &= found ^ flip);
    }
    let order = std::mem::take(&mut lhs.order);
    for (step, mut order) in order {
        order.retain(|column| bits::has(lhs.present(*column as usize), step));
        lhs.order.insert(step, order);
    }
    lhs.fail_all(rhs.errors);
    lhs
}

fn union(table: &SetTable, lhs: Matrix, rhs: Matrix) -> Matrix {
    let words = bits::words(lhs.steps());
    let taken = steps_by_signature(&lhs, &table.left, table.signatures);
    let mut out = Matrix::new(table.head.clone(), lhs.steps());
    let width = lhs.head().len();
    for column in 0..width {
        let (values, present) = out.column_mut(column);
        values.copy_from_slice(lhs.values(column));
        present.copy_from_slice(lhs.present(column));
    }
    for (column, signature) in table.right.iter().enumerate() {
        let at = *signature as usize * words;
        let (values, present) = out.column_mut(width + column);
        values.copy_from_slice(rhs.values(column));
        for ((word, found), taken) in present.iter_mut().zip(rhs.present(column)).zip(&taken[at..at + words]) {
            *word = found & !taken;
        }
    }
    out.adopt(&lhs, 0..width);
    out.adopt(&rhs, width..width + rhs.head().len());
    for step in lhs.order.keys().chain(rhs.order.keys()) {
        let left = lhs.columns_at(*step);
        let right = rhs.columns_at(*step).map(|column| column + width);
        let order = left.chain(right).filter(|column| bits::has(out.present(*column), *step));
        let order = order.map(|column| column as u32).collect();
        out.order.insert(*step, order);
    }
    out.fail_all(lhs.errors);
    out.fail_all(rhs.errors);
    out
}
