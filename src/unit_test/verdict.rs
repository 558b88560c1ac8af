//! What came out of a test file: results by group, and every case that failed, with what was expected and what happened.

use std::time::Duration as Elapsed;

use super::WantedAlert;
use crate::evidence::{Place, Reason, Seen, Timeline};
use crate::labels::Labels;
use crate::rules::AlertState;
use crate::text::{Diagnostic, Severity, Source, Span};
use crate::time::{Duration, Nanoseconds, Timestamp};

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
    /// Cases that hold though nothing was tested; failures where tests are strict.
    pub blind: Vec<BlindCase>,
    /// What does not change the verdict and should be known; failures where tests are strict.
    pub warnings: Vec<Diagnostic>,
    /// What its lines show of rules in LogQL, as far as only all groups of the file together can say it.
    pub seen: Vec<Seen>,
    pub elapsed: Elapsed,
}

/// A case that expects no alert, or nothing of an expression, which had nothing to look at.
#[derive(Debug)]
pub struct BlindCase {
    /// Which one, for people: `InstanceDown at 5m`.
    pub subject: String,
    /// Where it stands in the test file.
    pub span: Span,
    pub reason: Reason,
    /// What would have to be there: a `series` or a `stream`.
    pub wants: &'static str,
}

/// Something that fell short.
#[derive(Debug)]
pub struct Failure {
    /// What failed, for people: `InstanceDown at 5m`.
    pub subject: String,
    /// Where that stands in the test file.
    pub span: Span,
    pub kind: FailureKind,
    pub explanation: Explanation,
}

/// Why a case fails, and what would have made it hold.
#[derive(Debug, Default)]
pub struct Explanation {
    pub reasons: Vec<Reason>,
    pub around: Option<Around>,
}

/// Values and states at some ticks around the time of a case.
#[derive(Debug)]
pub struct Around {
    /// Where the times of the file count from.
    pub start: Timestamp,
    /// The tick that the case looks at: one of the timeline.
    pub eval: Timestamp,
    /// Not every tick between the first and the last need be there.
    pub timeline: Timeline,
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
    /// Where tests are strict: nothing was tested, or what was tested is not what was meant.
    Trap(Diagnostic),
    /// An expression that cannot be evaluated.
    Expression(Diagnostic),
    /// An expression yields other samples.
    Samples(SampleDifference),
    /// A log query yields other lines.
    Lines(LineDifference),
}

/// Alerts that were expected and alerts that stand, each sorted by labels.
#[derive(Debug)]
pub struct AlertDifference {
    pub eval_time: Duration,
    pub expected: Vec<WantedAlert>,
    /// Those that fire; where pending ones are expected, those that are pending too.
    pub got: Vec<StandingAlert>,
    /// What does not agree, the most similar ones paired.
    pub mismatches: Vec<AlertMismatch>,
}

/// An alert that was expected and does not fire, one that fires and was not expected, or both, where one was probably
/// meant to be the other.
#[derive(Debug)]
pub struct AlertMismatch {
    pub expected: Option<WantedAlert>,
    pub got: Option<StandingAlert>,
    /// At the time of the case, of the alert that stands, else of the expected one; `None` where it is not active.
    pub state: Option<AlertState>,
    /// The life around that time, if there is any.
    pub life: Option<Life>,
    /// What happened, for people: `pending since 4m; `for: 5m` ends at 9m`.
    pub happened: String,
}

/// The life of an alert, in times after the start.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub active: Duration,
    pub fired: Option<Duration>,
    /// When it was neither pending nor firing any more.
    pub ended: Option<Duration>,
}

/// Samples that were expected and samples that an expression yields, each sorted by labels.
#[derive(Debug)]
pub struct SampleDifference {
    pub eval_time: Duration,
    pub expected: Vec<ResultSample>,
    pub got: Vec<ResultSample>,
    /// What does not agree, the most similar ones paired.
    pub mismatches: Vec<SampleMismatch>,
}

/// A sample that is expected, one that is there, or both, where one was probably meant to be the other.
#[derive(Debug)]
pub struct SampleMismatch {
    pub expected: Option<ResultSample>,
    pub got: Option<ResultSample>,
}

/// Lines that were expected and lines that a log query yields.
#[derive(Debug)]
pub struct LineDifference {
    pub eval_time: Duration,
    pub expected: Vec<ResultLine>,
    pub got: Vec<ResultLine>,
    /// Those of either side that are not on the other one.
    pub missing: Vec<ResultLine>,
    pub surplus: Vec<ResultLine>,
}

/// A line of the answer to a log query.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultLine {
    pub labels: Labels,
    pub line: String,
    /// After the start; `None` where any time will do.
    pub time: Option<Nanoseconds>,
}

impl ResultLine {
    /// Whether another line is what is meant.
    pub fn accepts(&self, other: &ResultLine) -> bool {
        self.labels == other.labels && self.line == other.line && (self.time.is_none() || self.time == other.time)
    }
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

impl Failure {
    /// Whether it is a case that does not hold, not something that keeps cases from being run.
    pub fn is_case(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Alerts(_) | FailureKind::Expression(_) | FailureKind::Samples(_) | FailureKind::Lines(_)
        )
    }
}

impl GroupResult {
    /// Makes failures of warnings and of blind cases.
    pub(super) fn make_strict(&mut self) {
        let traps = self.warnings.drain(..).map(|warning| {
            let span = match &warning.place {
                Some((source, span)) if source.name() == self.file.name() => *span,
                _ => self.span,
            };
            let kind = FailureKind::Trap(Diagnostic { severity: Severity::Error, ..warning });
            Failure {
                subject: "warned of, which fails with --strict".to_owned(),
                span,
                kind,
                explanation: Explanation::default(),
            }
        });
        self.failures.extend(traps);
        let blind = self.blind.drain(..).map(|BlindCase { subject, span, reason, wants }| {
            let problem = Diagnostic::error(format!("nothing was tested: {}", reason.text));
            let problem = match reason.place {
                Some(Place { source, span }) => problem.at(&source, span),
                None => problem.at(&self.file, span),
            };
            let kind = FailureKind::Trap(problem.help(format!("give the group a {wants} that it looks at")));
            Failure { subject, span, kind, explanation: Explanation::default() }
        });
        self.failures.extend(blind);
    }

    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
