//! Matrices and the algebra on them: a query is evaluated for all its steps at once, column by column.

mod aggregate;
pub mod bits;
mod collision;
mod matching;
mod matrix;
mod memo;
mod operate;
mod ranking;
mod steps;

pub use aggregate::{Fold, Grouping, Groups, fold, quantile, quantiles};
pub use collision::{Collision, merge_in_order, settle};
pub use matching::{Join, Matching, SetTable, set_operation};
pub use matrix::{Column, EvalError, Head, Matrix};
pub use memo::Memo;
pub use operate::{arithmetic, compare};
pub use ranking::{insertion_sort, rank};
pub use steps::{Mode, Step, Steps};
