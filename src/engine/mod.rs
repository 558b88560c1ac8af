//! Matrices and the algebra on them: a query is evaluated for all its steps at once, column by column.

mod aggregate;
pub mod bits;
mod collision;
mod histograms;
mod matching;
mod matrix;
mod memo;
mod operate;
mod operate_histograms;
mod ranking;
mod set_operators;
mod steps;

pub use aggregate::{Fold, Grouping, Groups, Max, Min, fold, interpolated, quantile, quantiles};
pub use collision::{Collision, merge_in_order, settle};
pub use histograms::{Arena, Filling};
pub use matching::{Join, Matching};
pub use matrix::{Column, EvalError, Head, Matrix};
pub use memo::Memo;
pub use operate::{Dialect, arithmetic, compare};
pub use operate_histograms::{Note, Notes, Operand, operate_sample};
pub use ranking::{insertion_sort, limit, rank, share};
pub use set_operators::{SetTable, set_operation};
pub use steps::{Mode, Step, Steps};
