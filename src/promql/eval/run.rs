//! One run of a plan: its steps, what it has used up, and the walk over the nodes.

use super::annotation::{Annotation, Level};
use super::{Profile, aggregate, call, instant, invariant, range};
use crate::engine::{Collision, EvalError, Matrix, Mode, Step, settle};
use crate::store::MetricStore;
use crate::text::Span;
use crate::time::Timestamp;

/// What is the same for all nodes below one query, or below one subquery of it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub store: &'a MetricStore,
    pub profile: &'a Profile,
    pub steps: &'a [Step],
    /// In a range query, the bounds are those of the whole query, also below a subquery.
    pub mode: Mode,
}

impl Run<'_> {
    /// Whether it is one range query (or a subquery, which is one) and not many instant queries.
    pub fn is_range(&self) -> bool {
        matches!(self.mode, Mode::Range { .. })
    }

    /// The times at which a selector looks: the step's, or that of its `@`, for `@ start()` and `@ end()` the query's.
    pub fn times(&self, at: Option<crate::promql::ast::AtModifier>) -> Vec<Timestamp> {
        use crate::promql::ast::AtModifier;
        let fixed = match (at, self.mode) {
            (Some(AtModifier::Time(time)), _) => Some(time),
            (Some(AtModifier::Start), Mode::Range { start, .. }) => Some(start),
            (Some(AtModifier::End), Mode::Range { end, .. }) => Some(end),
            _ => None,
        };
        self.steps.iter().map(|step| fixed.unwrap_or(step.time)).collect()
    }

    /// Checks for equal labels after an operation on single samples. Where names are removed late, instant queries
    /// only look at the end.
    pub fn settle(&self, matrix: Matrix, span: Span) -> Matrix {
        if self.profile.delayed_name_removal && !(self.is_range() && self.steps.len() > 1) {
            return matrix;
        }
        settle(matrix, self.mode, Collision::Sample, span)
    }
}

/// What a run has used and found so far.
pub struct State {
    /// Values held at this moment by all nodes together.
    live: usize,
    max_samples: usize,
    pub annotations: Vec<Annotation>,
    /// A range query met groups whose order depends on which of its steps are looked at.
    pub order_varies: bool,
}

impl State {
    pub fn new(max_samples: usize) -> State {
        State { live: 0, max_samples, annotations: Vec::new(), order_varies: false }
    }

    /// Makes sure that so many more values may be held, before they are.
    pub fn reserve(&self, columns: usize, steps: usize, span: Span) -> Result<(), EvalError> {
        let wanted = columns.saturating_mul(steps).saturating_add(self.live);
        if wanted > self.max_samples {
            return Err(EvalError::new(
                span,
                "query processing would load too many samples into memory in query execution",
            ));
        }
        Ok(())
    }

    /// How many values are held now.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Forgets what was held since then, because it is gone.
    pub fn release_to(&mut self, live: usize) {
        self.live = live;
    }

    pub fn annotate(&mut self, level: Level, span: Span, message: impl Into<String>) {
        let annotation = Annotation { level, message: message.into(), span };
        if !self.annotations.contains(&annotation) {
            self.annotations.push(annotation);
        }
    }
}

/// A part of a plan.
pub struct Node {
    pub span: Span,
    pub op: Op,
}

/// What a node does.
pub enum Op {
    Number(f64),
    /// `time()`: the time of the step.
    Time,
    Instant(instant::InstantSelector),
    RangeCall(Box<range::RangeCall>),
    Absent(Box<call::Absent>),
    AbsentOverTime(Box<range::AbsentOverTime>),
    Elementwise(Box<call::Elementwise>),
    /// `vector(s)`
    Vector(Box<Node>),
    /// `scalar(v)`
    Scalar(Box<Node>),
    /// `timestamp(v)` of what is no selector: the time of the step.
    StepTime(Box<call::StepTime>),
    Negate(Box<call::Negate>),
    Sort(Box<call::Sort>),
    Relabel(Box<super::labels::Relabel>),
    Histogram(Box<super::histogram::Histogram>),
    ScalarBinary(Box<call::ScalarBinary>),
    VectorScalar(Box<call::VectorScalar>),
    VectorVector(Box<call::VectorVector>),
    Aggregate(Box<aggregate::Aggregation>),
    CountValues(Box<aggregate::CountValues>),
    Invariant(Box<invariant::Invariant>),
}

impl Node {
    /// Evaluates the node for all steps.
    ///
    /// Errors: in a range query whatever fails first; for instant queries only what concerns all of them, other
    /// errors are in the matrix, at their steps.
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        if run.steps.is_empty() {
            return Ok(Matrix::default());
        }
        let held = state.live;
        let mut matrix = self.dispatch(run, state)?;
        // The operands are gone, the result is there.
        state.live = held;
        state.reserve(matrix.cells(), 1, self.span)?;
        state.live += matrix.cells();
        match matrix.errors.pop_first() {
            Some((_, error)) if run.is_range() => Err(error),
            Some((step, error)) => {
                matrix.errors.insert(step, error);
                Ok(matrix)
            }
            None => Ok(matrix),
        }
    }

    fn dispatch(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let span = self.span;
        match &mut self.op {
            Op::Number(value) => Ok(Matrix::scalar(vec![*value; run.steps.len()])),
            Op::Time => Ok(Matrix::scalar(run.steps.iter().map(|step| step.time.seconds()).collect())),
            Op::Instant(selector) => selector.eval(span, run, state),
            Op::RangeCall(call) => call.eval(span, run, state),
            Op::Absent(absent) => absent.eval(run, state),
            Op::AbsentOverTime(absent) => absent.eval(span, run, state),
            Op::Elementwise(call) => call.eval(span, run, state),
            Op::Vector(scalar) => scalar.eval(run, state),
            Op::Scalar(vector) => call::scalar(vector, run, state),
            Op::StepTime(call) => call.eval(span, run, state),
            Op::Negate(negate) => negate.eval(span, run, state),
            Op::Sort(sort) => sort.eval(span, run, state),
            Op::Relabel(relabel) => relabel.eval(span, run, state),
            Op::Histogram(histogram) => histogram.eval(span, run, state),
            Op::ScalarBinary(binary) => binary.eval(run, state),
            Op::VectorScalar(binary) => binary.eval(span, run, state),
            Op::VectorVector(binary) => binary.eval(span, run, state),
            Op::Aggregate(aggregation) => aggregation.eval(run, state),
            Op::CountValues(count) => count.eval(run, state),
            Op::Invariant(invariant) => invariant.eval(run, state),
        }
    }

    /// The nodes right below this one, those inside a subquery left out.
    pub fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.op {
            Op::Number(_) | Op::Time | Op::Instant(_) => Vec::new(),
            Op::RangeCall(call) => call.args.iter_mut().collect(),
            Op::AbsentOverTime(_) => Vec::new(),
            Op::Absent(absent) => vec![&mut absent.input],
            Op::Elementwise(call) => std::iter::once(&mut call.input).chain(&mut call.args).collect(),
            Op::Vector(node) | Op::Scalar(node) => vec![node],
            Op::StepTime(call) => vec![&mut call.input],
            Op::Negate(negate) => vec![&mut negate.input],
            Op::Sort(sort) => vec![&mut sort.input],
            Op::Relabel(relabel) => vec![&mut relabel.input],
            Op::Histogram(histogram) => histogram.args.iter_mut().chain([&mut histogram.input]).collect(),
            Op::ScalarBinary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            Op::VectorScalar(binary) => vec![&mut binary.vector, &mut binary.scalar],
            Op::VectorVector(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            Op::Aggregate(aggregation) => aggregation.param.iter_mut().chain([&mut aggregation.input]).collect(),
            Op::CountValues(count) => vec![&mut count.input],
            Op::Invariant(invariant) => vec![&mut invariant.inner],
        }
    }
}

/// The values of a scalar, one a step.
pub fn scalar_values(matrix: &Matrix) -> &[f64] {
    if matrix.head().is_empty() { &[] } else { matrix.values(0) }
}
