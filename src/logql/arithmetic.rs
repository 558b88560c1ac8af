//! What LogQL's operators make of two numbers (Loki `pkg/logql/syntax/ast.go`, `reduceBinOp`).

use crate::engine::{Dialect, bits, compare};
use crate::syntax::BinaryOp;

/// An operation on two literals; comparisons yield 1 or 0.
pub fn reduce(op: BinaryOp, left: f64, right: f64) -> f64 {
    if op.is_comparison() {
        let mut holds = [0];
        compare(op, &[left], &[right], &mut holds);
        return f64::from(u8::from(bits::has(&holds, 0)));
    }
    let mut out = [0.0];
    Dialect::Logql.arithmetic(op, &[left], &[right], &mut out);
    out[0]
}
