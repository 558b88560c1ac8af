//! The evaluation of metric queries for all their steps at once: samples are extracted from entries, aggregated over windows into columns, and the
//! algebra of `engine` does the rest.

mod aggregate;
mod folds;
mod labels;
mod operators;
mod range;
mod windows;

use std::sync::Arc;

use super::ast::{Expr, ExprKind};
use crate::engine::{EvalError, Head, Matrix};
use crate::labels::Labels;
use crate::store::LogStore;
use crate::time::Nanoseconds;

/// The steps of a query: `start`, `start + step`, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub start: Nanoseconds,
    /// Above zero.
    pub step: Nanoseconds,
    pub steps: usize,
}

impl Grid {
    pub fn instant(time: Nanoseconds) -> Grid {
        Grid { start: time, step: Nanoseconds(1), steps: 1 }
    }

    /// All steps up to and including `end`.
    pub fn range(start: Nanoseconds, end: Nanoseconds, step: Nanoseconds) -> Grid {
        let span = i128::from(end.0) - i128::from(start.0);
        let count = if span < 0 { 0 } else { span / i128::from(step.0.max(1)) + 1 };
        Grid { start, step: Nanoseconds(step.0.max(1)), steps: usize::try_from(count).unwrap_or(usize::MAX) }
    }

    pub fn time(&self, step: usize) -> Nanoseconds {
        Nanoseconds(self.start.0.saturating_add(self.step.0.saturating_mul(step as i64)))
    }

    pub fn times(&self) -> impl ExactSizeIterator<Item = Nanoseconds> + '_ {
        (0..self.steps).map(|step| self.time(step))
    }
}

/// What an evaluation reads.
pub struct Env<'a> {
    pub logs: &'a LogStore,
    pub grid: &'a Grid,
    /// What templates take for the time.
    pub now: Nanoseconds,
}

/// The value of an expression at every step. Columns may have equal labels. A step that failed carries its error.
///
/// # Errors
/// What fails whatever the step, such as a stage that cannot be compiled.
pub fn eval(expr: &Expr, env: &Env<'_>) -> Result<Matrix, EvalError> {
    match &expr.kind {
        ExprKind::RangeAggregate(aggregate) => range::eval(aggregate, None, expr.span, env),
        ExprKind::VectorAggregate(aggregate) => aggregate::aggregate(aggregate, env),
        ExprKind::Binary(binary) => operators::operate(binary, expr.span, env),
        ExprKind::Literal(value) | ExprKind::Vector(value) => {
            let mut out = Matrix::new(Arc::new(Head::distinct(vec![Labels::empty()])), env.grid.steps);
            (0..env.grid.steps).for_each(|step| out.set(0, step, *value));
            Ok(out)
        }
        ExprKind::LabelReplace(replace) => labels::label_replace(replace, expr.span, env),
        ExprKind::Variants(_) => {
            Err(EvalError::new(expr.span, "variants are disabled, as they are in Loki by default"))
        }
    }
}
