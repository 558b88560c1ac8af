//! Whoever answers queries: a day that is played back, or a server.

use std::collections::BTreeMap;

use crate::engine::EvalError;
use crate::labels::Labels;
use crate::time::Timestamp;
use crate::{logql, promql};

/// The answers to one query at several times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Each series with a value for each time at which it has one.
    pub series: Vec<(Labels, Vec<Option<f64>>)>,
    /// Times at which the query failed, by their place, and why; they have no values.
    pub failed: BTreeMap<usize, String>,
}

/// Somebody who can be asked.
pub trait Answers {
    /// Independent instant queries at each of the times, in order.
    ///
    /// # Errors
    /// What cannot be evaluated at any time.
    fn promql(&self, expr: &promql::ast::Expr, times: &[Timestamp]) -> Result<Answer, EvalError>;

    /// As `promql`, of a metric query.
    ///
    /// # Errors
    /// As `promql`.
    fn logql(&self, expr: &logql::ast::Expr, times: &[Timestamp]) -> Result<Answer, EvalError>;

    /// Whether an expression can yield nothing but constants (`or vector(0)`), since series that it needs are never there. Only who
    /// knows more than the times that are asked can say so.
    fn lacks_series(&self, _expr: &promql::ast::Expr, _times: &[Timestamp]) -> bool {
        false
    }
}

impl Answer {
    /// The elements at a time.
    pub fn at(&self, time: usize) -> impl Iterator<Item = (&Labels, f64)> {
        self.series.iter().filter_map(move |(labels, values)| Some((labels, (*values.get(time)?)?)))
    }

    /// Whether there is nothing at some of so many times.
    pub fn is_empty_somewhere(&self, times: usize) -> bool {
        (0..times).any(|time| self.at(time).next().is_none())
    }
}
