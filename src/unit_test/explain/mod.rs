//! Why a case does not hold: what it expected beside what happened, the most similar ones paired, and what would have made it
//! pass. Nothing here is called for a case that holds.

mod alerts;
mod around;
mod failed_rule;
mod pairs;
mod samples;
mod silence;

use super::run::Played;
use crate::engine::{Matrix, Mode, Steps};
use crate::promql::eval::Query;
use crate::rules::{self, Expression};
use crate::time::{Duration, Timestamp};

pub use alerts::alerts;
pub use failed_rule::failed_rule;
pub use samples::{log_samples, no_lines, samples};

impl Played<'_> {
    /// The time since the start, as the file writes it.
    fn since(&self, time: Timestamp) -> Duration {
        time - self.group.start
    }

    /// A part of an expression as independent instant queries; `None` where it cannot be evaluated by itself.
    pub(super) fn evaluate<'a>(&self, expr: impl Into<Expression<'a>>, steps: &Steps) -> Option<Matrix> {
        let expr = match expr.into() {
            Expression::Promql(expr) => expr,
            Expression::Logql(expr) => return rules::evaluate_logs(expr, &self.logs, steps).ok(),
        };
        let mut query = Query::compile(expr, &self.profile).ok()?;
        query.run(&self.store, steps, Mode::Instants).ok()
    }
}
