//! Triage: which cause an alert has, on what evidence. A runbook (`runbooks/NAME.yaml`) has queries, conditions over their answers, and
//! causes with the conditions that hold under them.
//!
//! A condition holds, does not hold, or has no data. A cause is exonerated by data alone: where what it requires is not there, nobody can
//! say. Who answers the queries is somebody else's matter ([`Answers`]).

mod answer;
mod document;
mod evaluate;
mod model;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod truth;
mod words;

pub use answer::{Answer, Answers};
pub use evaluate::{CauseAt, Conclusion, ConditionAt, Evaluation, Status, evaluate};
pub use model::{Asks, Cause, Comparison, Condition, Escalation, Expression, Link, Quantifier, Query, Runbook, Tests};
pub use read::{is_runbook, read};
pub use schema::schema;
pub use truth::Truth;
pub use words::{figure, values};
