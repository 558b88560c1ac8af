//! Operators on vectors that hold histograms.

use super::annotation::Level;
use super::run::State;
use crate::engine::{Filling, Matrix, Note, Notes, Operand, bits, operate_sample};
use crate::syntax::BinaryOp;
use crate::text::Span;

/// `-v` where some elements are histograms.
pub fn negate_mixed(out: &mut Matrix) {
    for column in 0..out.head().len() {
        let histograms: Vec<usize> = out.handles(column).map(|(step, _)| step).collect();
        let (values, present) = out.column_mut(column);
        for step in bits::steps(present).filter(|step| histograms.binary_search(step).is_err()) {
            values[step] = -values[step];
        }
    }
    out.map_histograms(|histogram| {
        let mut negative = histogram.clone();
        negative.mul(-1.0);
        negative
    });
}

/// An operator between a vector, in which it is replaced, and a scalar.
pub fn vector_scalar(op: BinaryOp, return_bool: bool, swapped: bool, out: &mut Matrix, constants: &[f64]) -> Notes {
    let mut notes = Notes::default();
    let mut arena = Filling::default();
    let mut results = Vec::new();
    for column in 0..out.head().len() {
        for (step, value) in out.column(column).iter() {
            let (element, constant) = (Operand::of(out, value), Operand::Float(constants[step]));
            let (lhs, rhs) = if swapped { (constant, element) } else { (element, constant) };
            let result = match operate_sample(op, lhs, rhs, &mut arena) {
                Ok((_, holds, _)) if return_bool => Some(f64::from(u8::from(holds))),
                // A comparison keeps the element, on whichever side it stands.
                Ok((_, holds, _)) if op.is_comparison() && swapped => holds.then_some(value),
                Ok((result, holds, _)) => holds.then_some(result),
                Err(note) => {
                    notes.insert(step, note);
                    None
                }
            };
            results.push((column, step, result));
        }
    }
    for (column, step, result) in results {
        out.put(column, step, result);
    }
    out.set_arena(arena.finish());
    notes
}

/// Says what there is to say of an operation, as Prometheus does.
pub fn annotate(notes: Notes, op: BinaryOp, place: Span, state: &mut State) {
    let name = op.as_str();
    let what = if op == BinaryOp::Sub { "subtraction" } else { "addition" };
    for note in notes.into_values() {
        let (level, text) = match note {
            Note::Types(lhs, rhs) => (
                Level::Info,
                format!("incompatible sample types encountered for binary operator {name:?}: {lhs} {name} {rhs}"),
            ),
            Note::Buckets => {
                (Level::Warning, format!("incompatible bucket layout encountered for binary operator {name}"))
            }
            Note::Hints => (Level::Warning, format!("conflicting counter resets during histogram {what}")),
            Note::Bounds => (Level::Info, format!("mismatched custom buckets were reconciled during {what}")),
        };
        state.annotate(level, place, text);
    }
}
