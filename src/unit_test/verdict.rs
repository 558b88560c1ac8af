//! What came out of a test file: results by group, and every case that failed, with what was expected and what happened.

use std::time::Duration as Elapsed;

use super::WantedAlert;
use crate::labels::Labels;
use crate::rules::AlertState;
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

/// The result of one test group.
#[derive(Debug)]
pub struct GroupResult {
    pub file: Source,
    pub name: String,
    pub span: Span,
    /// How many alert and expression tests it has.
    pub cases: usize,
    /// How many of them were not run, since they need a language that is not evaluated.
    pub not_run: usize,
    /// None where all cases hold.
    pub failures: Vec<Failure>,
    /// What does not change the verdict and should be known.
    pub warnings: Vec<Diagnostic>,
    pub elapsed: Elapsed,
}

/// Something that fell short.
#[derive(Debug)]
pub struct Failure {
    /// What failed, for people: `InstanceDown at 5m`.
    pub subject: String,
    /// Where that stands in the test file.
    pub span: Span,
    pub kind: FailureKind,
}

/// How it fell short.
#[derive(Debug)]
pub enum FailureKind {
    /// Series, rules or cases that cannot be used; nothing ran.
    Unusable(Vec<Diagnostic>),
    /// A rule failed at a tick; nothing later ran.
    Rule { at: Timestamp, error: Diagnostic },
    /// Other alerts fire than those that were expected.
    Alerts(AlertDifference),
    /// An expression that cannot be evaluated.
    Expression(Diagnostic),
    /// An expression yields other samples.
    Samples { expected: Vec<ResultSample>, got: Vec<ResultSample> },
}

/// Alerts that were expected and alerts that stand, each sorted by labels.
#[derive(Debug)]
pub struct AlertDifference {
    pub eval_time: Duration,
    pub expected: Vec<WantedAlert>,
    /// Those that fire; where pending ones are expected, those that are pending too.
    pub got: Vec<StandingAlert>,
}

/// An alert that is pending or fires.
#[derive(Clone, Debug)]
pub struct StandingAlert {
    /// Sorted by name, `alertname` included.
    pub labels: Vec<(String, String)>,
    /// Sorted by name.
    pub annotations: Vec<(String, String)>,
    pub state: AlertState,
    /// As its expression had it when it last held; `None` for a native histogram.
    pub value: Option<f64>,
    /// When its condition began to hold, after the start.
    pub active_at: Duration,
}

/// A sample of an expression's result.
#[derive(Clone, Debug)]
pub struct ResultSample {
    pub labels: Labels,
    /// 0 for a native histogram.
    pub value: f64,
    /// A native histogram, in the notation of values.
    pub histogram: Option<String>,
}

impl GroupResult {
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
