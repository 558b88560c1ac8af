//! A compiled query, and what it yields.

use std::sync::Arc;

use super::annotation::Annotation;
use super::compile::{Scope, compile};
use super::profile::Profile;
use super::run::{Extent, Node, Run, State};
use super::shared::SharedParts;
use super::subquery::Subquery;
use crate::engine::{Collision, EvalError, Head, Matrix, Memo, Mode, Step, Steps, merge_in_order, settle};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::promql::ast::{Expr, ValueType};
use crate::store::MetricStore;
use crate::syntax::ParseError;
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// What stands at the root of a query.
pub(super) enum Root {
    /// A scalar or an instant vector.
    Node(Node),
    /// A range vector of stored samples.
    Range {
        selector: Box<super::selector::Selector>,
        range: Duration,
    },
    Subquery(Box<Subquery>),
    Text(String),
}

/// An expression compiled for a profile. It keeps tables from run to run, so run it against one store; against another
/// it starts anew.
pub struct Query {
    root: Root,
    span: Span,
    value_type: ValueType,
    profile: Profile,
    annotations: Vec<Annotation>,
    /// The result's head after names have been dropped.
    cleaned: Memo<Arc<Head>>,
    /// The head of a result whose equals have become one column.
    merged: Option<Arc<Head>>,
}

/// The series of a range vector with their samples.
pub type RangeVector = Vec<(Labels, Vec<(Timestamp, Sample)>)>;

impl Query {
    /// Prepares an expression that the parser has checked.
    ///
    /// Errors: what cannot be evaluated, with its place.
    pub fn compile(expr: &Expr, profile: &Profile) -> Result<Query, ParseError> {
        Query::compile_sharing(expr, profile, &SharedParts::new())
    }

    /// As [`Query::compile`], for independent instant queries that have parts in common with others.
    ///
    /// Errors: what cannot be evaluated, with its place.
    pub fn compile_sharing(expr: &Expr, profile: &Profile, parts: &SharedParts) -> Result<Query, ParseError> {
        Query::compile_in(expr, profile, &Scope::new(parts, Mode::Instants))
    }

    /// As [`Query::compile`], to be run in that mode: durations may name the step and the range of a range query.
    ///
    /// Errors: a duration that is none, or what is not supported, with its place.
    pub fn compile_for(expr: &Expr, profile: &Profile, mode: Mode) -> Result<Query, ParseError> {
        Query::compile_in(expr, profile, &Scope::new(&SharedParts::new(), mode))
    }

    fn compile_in(expr: &Expr, profile: &Profile, scope: &Scope<'_>) -> Result<Query, ParseError> {
        Ok(Query {
            root: compile(expr, scope)?,
            span: expr.span,
            value_type: expr.value_type(),
            profile: profile.clone(),
            annotations: Vec::new(),
            cleaned: Memo::default(),
            merged: None,
        })
    }

    /// What the query yields.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// The value of a query that is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.root {
            Root::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Warnings and infos of the last run.
    pub fn annotations(&self) -> &[Annotation] {
        &self.annotations
    }

    /// Evaluates the query at all steps.
    ///
    /// For instant queries the errors of steps are in the matrix, columns are in the order of the series, and the same
    /// head comes back as long as no series appears. A range query yields its series sorted by labels, those without
    /// any value left out.
    ///
    /// Errors: in a range query the first that occurs; a budget that is exceeded; a query whose type does not fit.
    pub fn run(&mut self, store: &MetricStore, steps: &Steps, mode: Mode) -> Result<Matrix, EvalError> {
        self.run_part(store, &steps.0, &steps.0, mode)
    }

    /// Evaluates the query, as [`Query::run`] does, at some of the steps of a block at all of which it is going to be
    /// evaluated. Parts that are shared are evaluated for the whole block.
    ///
    /// Errors: as of [`Query::run`].
    pub fn run_part(
        &mut self,
        store: &MetricStore,
        steps: &[Step],
        block: &[Step],
        mode: Mode,
    ) -> Result<Matrix, EvalError> {
        let refuse = |message: &str| Err(EvalError::new(self.span, message));
        let Root::Node(root) = &mut self.root else {
            let found = self.value_type;
            return refuse(&format!("invalid expression type \"{found}\", must be scalar or instant vector"));
        };
        if !steps.is_sorted_by_key(|step| step.time) || !steps.is_sorted_by_key(|step| step.frontier) {
            return refuse("steps are not in order");
        }
        let mut state = State::new(self.profile.max_samples, Extent::of(mode, steps.len()));
        let run = Run { store, profile: &self.profile, steps, block, mode };
        let result = root.eval(&run, &mut state);
        self.annotations = state.annotations;
        let mut matrix = result?;
        if self.profile.delayed_name_removal {
            let head = self.cleaned.get(&[matrix.head()], || Arc::new(drop_names(matrix.head()))).clone();
            matrix = settle(matrix.under(head), mode, Collision::Sample, self.span);
        }
        if let Mode::Range { .. } = mode {
            return match matrix.errors.pop_first() {
                Some((_, error)) => Err(error),
                None => Ok(sorted(matrix)),
            };
        }
        if !matrix.head().twins.is_empty() {
            matrix = merge_in_order(matrix);
            if let Some(known) = &self.merged
                && known.labels == matrix.head().labels
            {
                matrix = matrix.under(known.clone());
            }
            self.merged = Some(matrix.head().clone());
        }
        Ok(matrix)
    }

    /// Evaluates a query that yields a range vector, at one step, as an instant query; sorted by labels.
    pub fn run_range_vector(&mut self, store: &MetricStore, step: Step) -> Result<RangeVector, EvalError> {
        let mut state = State::new(self.profile.max_samples, Extent::of(Mode::Instants, 1));
        let run = Run { store, profile: &self.profile, steps: &[step], block: &[step], mode: Mode::Instants };
        let mut series = match &mut self.root {
            Root::Range { selector, range } => selector.samples(*range, self.span, &run)?,
            Root::Subquery(subquery) => {
                let mut series = Vec::new();
                let errors = subquery.eval(self.span, &run, &mut state, |frame, _| {
                    for (column, labels) in frame.matrix.head().labels.iter().enumerate() {
                        let samples = frame.matrix.column_samples(column);
                        let samples = samples.map(|(step, sample)| (frame.times[step], sample)).collect();
                        series.push((labels.clone(), samples));
                    }
                })?;
                if let Some(error) = errors.into_values().next() {
                    return Err(error);
                }
                series
            }
            Root::Node(_) | Root::Text(_) => {
                let found = self.value_type;
                return Err(EvalError::new(self.span, format!("expected a range vector, got {found}")));
            }
        };
        self.annotations = state.annotations;
        series.retain(|(_, samples)| !samples.is_empty());
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(series)
    }
}

/// The head after late names have been dropped (Prometheus `cleanupMetricLabels`).
fn drop_names(head: &Head) -> Head {
    let labels = head.labels.iter().zip(&head.drop_name);
    let labels = labels.map(|(labels, drop)| if *drop { labels.without_metadata() } else { labels.clone() });
    Head::new(labels.collect(), vec![false; head.len()])
}

/// The columns that have any value, sorted by labels.
fn sorted(matrix: Matrix) -> Matrix {
    let mut columns: Vec<usize> =
        (0..matrix.head().len()).filter(|column| !crate::engine::bits::none(matrix.present(*column))).collect();
    columns.sort_by(|a, b| matrix.head().labels[*a].cmp(&matrix.head().labels[*b]));
    let labels = columns.iter().map(|column| matrix.head().labels[*column].clone()).collect();
    let mut out = Matrix::new(Arc::new(Head::distinct(labels)), matrix.steps());
    for (to, from) in columns.into_iter().enumerate() {
        let (values, present) = out.column_mut(to);
        values.copy_from_slice(matrix.values(from));
        present.copy_from_slice(matrix.present(from));
    }
    out.adopt(&matrix, 0..out.head().len());
    out
}
