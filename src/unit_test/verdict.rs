//! What came out of a test file: results by group, and every case that failed, with what was expected and what happened.

use std::time::Duration as Elapsed;

use crate::labels::Labels;
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

/// Alerts that were expected and alerts that fire, each sorted by labels, then by annotations.
#[derive(Debug)]
pub struct AlertDifference {
    pub eval_time: Duration,
    pub expected: Vec<FiringAlert>,
    pub got: Vec<FiringAlert>,
}

/// Labels and annotations of an alert, `alertname` included, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FiringAlert {
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
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
