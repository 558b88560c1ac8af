//! The evaluation of metric queries for many steps at once: samples are extracted from entries, aggregated over windows into columns, and the algebra
//! of `engine` does the rest.

mod aggregate;
mod folds;
mod labels;
mod operators;
mod range;
mod samples;
mod sliding;
mod windows;

use std::sync::Arc;

use aggregate::Aggregation;
use labels::Relabel;
use operators::{Operation, WithLiteral};
use range::Ranges;
pub use samples::RangeSamples;

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

    /// What reads all that lies between two times, for steps that need not be regular.
    pub fn over(first: Nanoseconds, last: Nanoseconds) -> Grid {
        let step = Nanoseconds(last.0.saturating_sub(first.0).max(1));
        Grid { start: first, step, steps: if last > first { 2 } else { 1 } }
    }

    pub fn time(&self, step: usize) -> Nanoseconds {
        let since = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(self.step.0);
        Nanoseconds(self.start.0.saturating_add(since))
    }

    /// The time of the last step; the start where there is none.
    pub fn end(&self) -> Nanoseconds {
        self.time(self.steps.saturating_sub(1))
    }

    fn block(&self, from: usize, steps: usize) -> Vec<Nanoseconds> {
        (from..self.steps.min(from + steps)).map(|step| self.time(step)).collect()
    }
}

/// An expression with all that does not depend on the step: the samples of its windows, groups, who meets whom.
pub struct Plan {
    root: Node,
    grid: Grid,
}

/// One node of a plan.
enum Node {
    /// One series without labels, the same value at every step.
    Constant(f64),
    Ranges(Box<Ranges>),
    Aggregation(Box<Aggregation>),
    WithLiteral(Box<WithLiteral>),
    Operation(Box<Operation>),
    Relabel(Box<Relabel>),
}

/// Values of a block of steps: 32 MiB.
const BLOCK_CELLS: usize = 1 << 22;

impl Plan {
    /// Reads the samples that the steps of a grid need.
    ///
    /// # Errors
    /// What fails whatever the step, such as a stage that cannot be compiled.
    pub fn new(expr: &Expr, logs: &LogStore, grid: Grid) -> Result<Plan, EvalError> {
        let root = match expr.kind {
            ExprKind::Literal(value) => Node::Constant(value),
            _ => Node::new(expr, &Env { logs, grid: &grid })?,
        };
        Ok(Plan { root, grid })
    }

    /// The values at all steps, block after block, each with the number of its first step. Columns may have equal labels; a step that failed carries its
    /// error.
    pub fn blocks(&mut self) -> impl Iterator<Item = (usize, Matrix)> + '_ {
        self.blocks_of((BLOCK_CELLS / self.root.width().max(1)).max(1))
    }

    /// The most series that any part of the expression has.
    pub fn width(&self) -> usize {
        self.root.width()
    }

    /// The values at some times in order, which lie in the grid. Columns may have equal labels; a step that failed carries its
    /// error.
    pub fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        self.root.eval(times)
    }

    fn blocks_of(&mut self, size: usize) -> impl Iterator<Item = (usize, Matrix)> + '_ {
        let (root, grid) = (&mut self.root, self.grid);
        (0..grid.steps).step_by(size).map(move |from| (from, root.eval(&grid.block(from, size))))
    }
}

/// What a plan is made from.
struct Env<'a> {
    logs: &'a LogStore,
    grid: &'a Grid,
}

impl Node {
    fn new(expr: &Expr, env: &Env<'_>) -> Result<Node, EvalError> {
        Ok(match &expr.kind {
            ExprKind::RangeAggregate(aggregate) => {
                Node::Ranges(Box::new(Ranges::new(aggregate, None, expr.span, env)?))
            }
            ExprKind::VectorAggregate(aggregate) => Node::Aggregation(Box::new(Aggregation::new(aggregate, env)?)),
            ExprKind::Binary(binary) => operators::node(binary, expr.span, env)?,
            ExprKind::Vector(value) => Node::Constant(*value),
            ExprKind::Literal(value) => {
                let message = format!("a number alone is no series; write vector({value})");
                return Err(EvalError::new(expr.span, message));
            }
            ExprKind::LabelReplace(replace) => Node::Relabel(Box::new(Relabel::new(replace, expr.span, env)?)),
            ExprKind::Variants(_) => {
                return Err(EvalError::new(expr.span, "variants are disabled, as they are in Loki by default"));
            }
        })
    }

    /// The most columns that a matrix has here or below.
    fn width(&self) -> usize {
        match self {
            Node::Constant(_) => 1,
            Node::Ranges(ranges) => ranges.width(),
            Node::Aggregation(aggregation) => aggregation.input.width(),
            Node::WithLiteral(operation) => operation.input.width(),
            Node::Operation(operation) => operation.lhs.width() + operation.rhs.width(),
            Node::Relabel(relabel) => relabel.input.width(),
        }
    }

    /// The values at some steps.
    fn eval(&mut self, times: &[Nanoseconds]) -> Matrix {
        match self {
            Node::Constant(value) => {
                let head = Arc::new(Head::distinct(vec![Labels::empty()]));
                let mut out = Matrix::new(head, times.len());
                (0..times.len()).for_each(|step| out.set(0, step, *value));
                out
            }
            Node::Ranges(ranges) => ranges.eval(times),
            Node::Aggregation(aggregation) => aggregation.eval(times),
            Node::WithLiteral(operation) => operation.eval(times),
            Node::Operation(operation) => operation.eval(times),
            Node::Relabel(relabel) => relabel.eval(times),
        }
    }
}

#[cfg(test)]
mod tests;
