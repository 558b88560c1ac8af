//! Upstream's `.test` scripts: `load` samples, `eval` expressions, compare (Prometheus `promql/promqltest`, its README.md
//! describes the language).

mod expect;
mod nhcb;
mod parse;
mod pinned;
mod run;

pub use expect::{Annotations, Expected, Failure, Pattern, Said, Text, Values};
pub use parse::parse;
pub use run::{Case, Outcome, run};

use crate::labels::Labels;
use crate::promql::series_values::SampleRun;
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// A command and where it stands.
#[derive(Clone, Debug)]
pub struct Command {
    /// From 1.
    pub line: usize,
    pub kind: CommandKind,
}

#[derive(Clone, Debug)]
pub enum CommandKind {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// Samples for several series, from time 0 on, one value a step.
#[derive(Clone, Debug)]
pub struct Load {
    pub step: Duration,
    /// Also as native histograms with custom buckets (`load_with_nhcb`).
    pub with_nhcb: bool,
    pub series: Vec<LoadedSeries>,
}

#[derive(Clone, Debug)]
pub struct LoadedSeries {
    pub labels: Labels,
    pub points: Vec<SampleRun>,
    /// A line `series@st` gives its samples start timestamps: how far before or behind each sample they are, `None` where
    /// a sample has none.
    pub starts: Vec<Option<Duration>>,
}

/// An expression, when to evaluate it, and what has to come out.
#[derive(Clone, Debug)]
pub struct Eval {
    pub expr: String,
    /// Where the expression stands in the script.
    pub span: Span,
    pub at: EvalTime,
    pub expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTime {
    Instant(Timestamp),
    Range { start: Timestamp, end: Timestamp, step: Duration },
}
