//! Matrices and the algebra on them: a query is evaluated for all its steps at once, column by column.

mod matrix;
mod steps;

pub use matrix::{Column, EvalError, Matrix};
pub use steps::{Mode, Step, Steps};
