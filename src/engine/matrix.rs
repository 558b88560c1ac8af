//! A matrix: series x steps, dense values with a presence bitmap, and errors that belong to steps.

use std::collections::BTreeMap;

use crate::labels::Labels;
use crate::text::Span;

/// Why an evaluation failed, in Prometheus' words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub message: String,
    /// The part of the expression that failed.
    pub span: Span,
}

/// The values of one series at every step of an evaluation.
#[derive(Clone, Debug)]
pub struct Column {
    pub labels: Labels,
    /// One value a step; meaningless where absent.
    pub values: Vec<f64>,
    /// One bit a step, 64 to a word.
    pub present: Vec<u64>,
}

impl Column {
    /// The value at a step, if there is one.
    pub fn at(&self, step: usize) -> Option<f64> {
        let word = self.present.get(step / 64)?;
        if word >> (step % 64) & 1 == 1 { self.values.get(step).copied() } else { None }
    }
}

/// The result of an evaluation. A scalar is one column without labels.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    pub steps: usize,
    pub columns: Vec<Column>,
    /// Steps that failed; their values are not to be used.
    pub errors: BTreeMap<usize, EvalError>,
}
