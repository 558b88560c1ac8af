//! Evaluation of PromQL: an expression is compiled into a plan, and the plan is run for any number of steps at once.
//!
//! Semantics are those of Prometheus 3.14 (`promql/engine.go`). A plan keeps what it can between runs:
//! lists of series (they grow with the store), groups, match tables, output labels. So a run for one step costs little,
//! and a rule that is evaluated tick by tick takes the same code as a query over a day.

mod aggregate;
mod annotation;
mod bounds;
mod call;
mod compile;
mod gathered;
mod histogram;
mod histogram_aggregates;
mod histogram_operators;
mod histogram_stats;
mod histogram_values;
mod histogram_windows;
mod holding;
mod info;
mod instant;
mod invariant;
mod labels;
mod parameters;
mod profile;
mod query;
mod range;
mod run;
mod samples;
mod selector;
mod shared;
mod smoothed;
mod subquery;

pub use annotation::{Annotation, Level};
pub use profile::{FEATURES, Profile};
pub use query::{Query, RangeVector};
pub use shared::{Room, Shared, SharedParts};

#[cfg(test)]
mod tests;
