//! One run of a plan: its steps, what it has used up, and the walk over the nodes.

use std::sync::Arc;

use super::annotation::{Annotation, Level};
use super::{Profile, aggregate, call, instant, invariant, range, shared};
use crate::engine::{Collision, EvalError, Matrix, Mode, Step, settle};
use crate::store::MetricStore;
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// What is the same for all nodes below one query, or below one subquery of it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub store: &'a MetricStore,
    pub profile: &'a Profile,
    pub steps: &'a [Step],
    /// The steps at which the query is going to be evaluated, these among them: what it shares with other queries is
    /// evaluated for all of them together.
    pub block: &'a [Step],
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

/// The most values that a run may hold, that memory be bounded, where its profile does not allow a single query more.
const MAX_VALUES: usize = 16_000_000;

const TOO_MANY_SAMPLES: &str = "query processing would load too many samples into memory in query execution";

/// Values held: by one of the instant queries of a run, and by all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    each: usize,
    all: usize,
}

/// What a run has used and found so far.
pub struct State {
    /// Values held at this moment by all nodes together.
    live: Load,
    /// The most that one instant query has held.
    peak: usize,
    max_samples: usize,
    extent: Extent,
    pub annotations: Vec<Annotation>,
    /// A range query met groups whose order depends on which of its steps are looked at.
    pub order_varies: bool,
}

/// How much of a run one query is about: all of it, or some of its steps where it is many instant queries.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How many steps one query is about at most, and how many there are.
    own: usize,
    steps: usize,
    /// From the first to the last step of one query.
    span: Duration,
}

impl Extent {
    /// The steps of a run as they are asked for from outside.
    pub fn of(mode: Mode, steps: usize) -> Extent {
        let steps = steps.max(1);
        let own = if mode == Mode::Instants { 1 } else { steps };
        Extent { own, steps, span: Duration::ZERO }
    }

    fn is_one_query(self) -> bool {
        self.own == self.steps
    }

    /// The steps of a subquery, `steps` for all windows together.
    pub fn below(self, range: Duration, step: Duration, steps: usize) -> Extent {
        let steps = steps.max(1);
        if self.is_one_query() {
            return Extent { own: steps, steps, span: Duration::ZERO };
        }
        let reach = self.span.0.saturating_add(range.0).max(1);
        let most = usize::try_from((reach - 1) / step.0.max(1)).map_or(usize::MAX, |most| most.saturating_add(1));
        let own = most.min(steps);
        Extent { own, steps, span: Duration(step.0.saturating_mul(i64::try_from(own - 1).unwrap_or(i64::MAX))) }
    }
}

impl State {
    pub fn new(max_samples: usize, extent: Extent) -> State {
        State { live: Load::default(), peak: 0, max_samples, extent, annotations: Vec::new(), order_varies: false }
    }

    /// The state of a part that is evaluated for itself, at so many instants.
    pub fn apart(&self, instants: usize) -> State {
        State::new(self.max_samples, Extent::of(Mode::Instants, instants))
    }

    /// Makes sure that so many more values may be held, before they are.
    pub fn reserve(&mut self, columns: usize, steps: usize, span: Span) -> Result<(), EvalError> {
        let all = columns.saturating_mul(steps);
        if all.saturating_add(self.live.all) > MAX_VALUES.max(self.max_samples) {
            return Err(EvalError::new(span, TOO_MANY_SAMPLES));
        }
        // What a single query holds is counted when it is there: columns may be empty.
        if self.extent.is_one_query() {
            return Ok(());
        }
        let each = all.saturating_mul(self.extent.own).div_ceil(self.extent.steps);
        self.reserve_each(each, span)
    }

    /// Whether an error says that there were too many values. Where many queries were evaluated at once, each by itself
    /// may hold fewer.
    pub fn is_limit(error: &EvalError) -> bool {
        error.message == TOO_MANY_SAMPLES
    }

    /// Makes sure that each of the instant queries may hold so many more values.
    pub fn reserve_each(&mut self, values: usize, span: Span) -> Result<(), EvalError> {
        let wanted = values.saturating_add(self.live.each);
        if wanted > self.max_samples {
            return Err(EvalError::new(span, TOO_MANY_SAMPLES));
        }
        self.peak = self.peak.max(wanted);
        Ok(())
    }

    /// The most values that one of the instant queries has held so far.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// How many values are held now.
    pub fn live(&self) -> Load {
        self.live
    }

    /// Forgets what was held since then, because it is gone.
    pub fn release_to(&mut self, live: Load) {
        self.live = live;
    }

    /// Goes on with other steps; yields what there was before.
    pub fn enter(&mut self, extent: Extent) -> Extent {
        std::mem::replace(&mut self.extent, extent)
    }

    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Makes sure that a window over a series with so many values may be held beside so many results.
    pub fn reserve_window(&mut self, values: usize, results: usize, span: Span) -> Result<(), EvalError> {
        self.reserve_each(values.min(self.extent.own) + results, span)
    }

    /// What a result counts: its values, or where many queries are evaluated at once, its cells.
    pub fn size(&self, matrix: &Matrix) -> usize {
        if self.extent.is_one_query() { matrix.count() } else { matrix.cells() }
    }

    /// The part of all values of a run that one query has, if all have the same.
    fn share(&self, values: usize) -> usize {
        values.saturating_mul(self.extent.own).div_ceil(self.extent.steps)
    }

    pub fn hold(&mut self, values: usize) {
        self.live.all += values;
        self.live.each += self.share(values);
    }

    /// Whether all steps are those of a single query, so that what it holds can be counted exactly.
    pub fn is_one_query(&self) -> bool {
        self.extent.is_one_query()
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
    OfQuery(call::OfQuery),
    Instant(instant::InstantSelector),
    Smoothed(Box<super::smoothed::SmoothedSelector>),
    /// `start_timestamp(v)` of what is no selector: nothing, once its operand is evaluated.
    Nothing(Box<Node>),
    /// What cannot be evaluated: why.
    Refused(String),
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
    Info(Box<super::info::Info>),
    Histogram(Box<super::histogram::Histogram>),
    OfHistogram(Box<super::histogram_values::OfHistogram>),
    ScalarBinary(Box<call::ScalarBinary>),
    ScalarChoice(Box<call::ScalarChoice>),
    VectorScalar(Box<call::VectorScalar>),
    VectorVector(Box<call::VectorVector>),
    Aggregate(Box<aggregate::Aggregation>),
    CountValues(Box<aggregate::CountValues>),
    Invariant(Box<invariant::Invariant>),
    Shared(shared::Reader),
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
        let size = state.size(&matrix);
        let result = state.share(size);
        match &self.op {
            // Operands are gathered step by step, and so there twice (Prometheus `rangeEval`).
            Op::Absent(_)
            | Op::Elementwise(_)
            | Op::Vector(_)
            | Op::Scalar(_)
            | Op::StepTime(_)
            | Op::Sort(_)
            | Op::Histogram(_)
            | Op::OfHistogram(_)
            | Op::ScalarBinary(_)
            | Op::ScalarChoice(_)
            | Op::VectorScalar(_)
            | Op::VectorVector(_)
            | Op::CountValues(_) => {
                let gathered = (state.live.each - held.each).div_ceil(state.extent.own);
                state.reserve_each(gathered + result, self.span)?;
            }
            Op::Instant(selector) if selector.yields != instant::Yields::Value => {
                state.reserve_each(result.div_ceil(state.extent.own) + result, self.span)?;
            }
            Op::Instant(_) | Op::Smoothed(_) => state.reserve_each(result, self.span)?,
            // They change their operand in place, have counted their windows, or are small beside what was counted.
            Op::Number(_)
            | Op::Time
            | Op::OfQuery(_)
            | Op::Nothing(_)
            | Op::Refused(_)
            | Op::RangeCall(_)
            | Op::AbsentOverTime(_)
            | Op::Negate(_)
            | Op::Relabel(_)
            | Op::Info(_)
            | Op::Aggregate(_)
            | Op::Invariant(_)
            | Op::Shared(_) => {}
        }
        // The operands are gone, the result is there.
        state.live = held;
        state.hold(size);
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
            Op::OfQuery(of_query) => Ok(of_query.eval(run)),
            Op::Instant(selector) => selector.eval(span, run, state),
            Op::Smoothed(selector) => selector.eval(span, run, state),
            Op::Nothing(operand) => {
                let mut out = Matrix::new(Arc::default(), run.steps.len());
                out.errors = operand.eval(run, state)?.errors;
                Ok(out)
            }
            Op::Refused(message) => {
                let mut out = Matrix::new(Arc::default(), run.steps.len());
                (0..run.steps.len()).for_each(|step| out.fail(step, EvalError::new(span, message.clone())));
                Ok(out)
            }
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
            Op::Info(info) => info.eval(span, run, state),
            Op::Histogram(histogram) => histogram.eval(span, run, state),
            Op::OfHistogram(call) => call.eval(span, run, state),
            Op::ScalarBinary(binary) => binary.eval(run, state),
            Op::ScalarChoice(choice) => choice.eval(run, state),
            Op::VectorScalar(binary) => binary.eval(span, run, state),
            Op::VectorVector(binary) => binary.eval(span, run, state),
            Op::Aggregate(aggregation) => aggregation.eval(run, state),
            Op::CountValues(count) => count.eval(run, state),
            Op::Invariant(invariant) => invariant.eval(run, state),
            Op::Shared(reader) => reader.eval(run, state),
        }
    }

    /// The nodes right below this one, those inside a subquery left out.
    pub fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.op {
            Op::Number(_)
            | Op::Time
            | Op::OfQuery(_)
            | Op::Instant(_)
            | Op::Smoothed(_)
            | Op::Shared(_)
            | Op::Refused(_) => Vec::new(),
            Op::RangeCall(call) => call.args.iter_mut().collect(),
            Op::AbsentOverTime(_) => Vec::new(),
            Op::Absent(absent) => vec![&mut absent.input],
            Op::Elementwise(call) => std::iter::once(&mut call.input).chain(&mut call.args).collect(),
            Op::Vector(node) | Op::Scalar(node) | Op::Nothing(node) => vec![node],
            Op::StepTime(call) => vec![&mut call.input],
            Op::Negate(negate) => vec![&mut negate.input],
            Op::Sort(sort) => vec![&mut sort.input],
            Op::Relabel(relabel) => vec![&mut relabel.input],
            Op::Info(info) => vec![&mut info.input],
            Op::Histogram(histogram) => histogram.args.iter_mut().chain([&mut histogram.input]).collect(),
            Op::OfHistogram(call) => vec![&mut call.input],
            Op::ScalarBinary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            Op::ScalarChoice(choice) => vec![&mut choice.lhs, &mut choice.rhs],
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
