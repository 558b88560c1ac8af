//! Functions and operators that treat each element by itself.

use std::cmp::Ordering;
use std::sync::Arc;

use super::annotation::Level;
use super::histogram_operators::{annotate, negate_mixed, vector_scalar};
use super::instant::nameless;
use super::range::absence;
use super::run::{Node, Run, State, scalar_values};
use crate::engine::{
    Dialect, EvalError, Head, Join, Matching, Matrix, Memo, Mode, Notes, SetTable, arithmetic, bits, compare,
    insertion_sort, set_operation,
};
use crate::labels::Labels;
use crate::promql::ast::AtModifier;
use crate::promql::functions::{ElementFn, clamps_nothing};
use crate::syntax::{BinaryOp, VectorMatching};
use crate::text::Span;
use crate::time::Timestamp;

/// `absent(v)`: 1 where no element is.
pub struct Absent {
    pub input: Node,
    pub head: Arc<Head>,
}

impl Absent {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let found = self.input.eval(run, state)?;
        Ok(absence(&found, self.head.clone()))
    }
}

/// A function of one value.
pub struct Elementwise {
    pub function: ElementFn,
    pub input: Node,
    pub args: Vec<Node>,
    /// `clamp`, which yields nothing where its bounds are the wrong way round.
    pub is_clamp: bool,
    pub head: Memo<Arc<Head>>,
}

impl Elementwise {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut out = self.input.eval(run, state)?;
        out.drop_histograms();
        let mut parameters = Vec::with_capacity(self.args.len());
        for arg in &mut self.args {
            parameters.push(arg.eval(run, state)?);
        }
        let columns: Vec<&[f64]> = parameters.iter().map(scalar_values).collect();
        let width = columns.len();
        let flat: Vec<f64> = (0..run.steps.len())
            .flat_map(|step| columns.iter().filter_map(move |values| values.get(step)))
            .copied()
            .collect();
        for column in 0..out.head().len() {
            let (values, present) = out.column_mut(column);
            for step in bits::steps(present) {
                values[step] = (self.function)(values[step], &flat[step * width..(step + 1) * width]);
            }
        }
        if self.is_clamp {
            for (step, bounds) in flat.chunks(2).enumerate() {
                if let [min, max] = bounds
                    && clamps_nothing(*min, *max)
                {
                    out.clear_step(step);
                }
            }
        }
        for parameter in parameters {
            out.fail_all(parameter.errors);
        }
        Ok(rename(&mut self.head, out, span, run))
    }
}

/// Drops names, now or late, and checks that elements still differ.
pub fn rename(head: &mut Memo<Arc<Head>>, out: Matrix, span: Span, run: &Run<'_>) -> Matrix {
    let late = run.profile.delayed_name_removal;
    let head = head.get(&[out.head()], || Arc::new(nameless(out.head(), late))).clone();
    run.settle(out.under(head), span)
}

/// `scalar(v)`: the only number, NaN where there is none or several.
pub fn scalar(vector: &mut Node, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
    let mut input = vector.eval(run, state)?;
    input.drop_histograms();
    let mut out = vec![f64::NAN; run.steps.len()];
    let mut found = vec![false; run.steps.len()];
    for column in input.columns() {
        for (step, value) in column.iter() {
            out[step] = if found[step] { f64::NAN } else { value };
            found[step] = true;
        }
    }
    let mut out = Matrix::scalar(out);
    out.errors = input.errors;
    Ok(out)
}

/// `timestamp(v)` of what was computed: its samples are as old as the step.
pub struct StepTime {
    pub input: Node,
    pub head: Memo<Arc<Head>>,
}

impl StepTime {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut out = self.input.eval(run, state)?;
        let times: Vec<f64> = run.steps.iter().map(|step| step.time.seconds()).collect();
        for column in 0..out.head().len() {
            out.column_mut(column).0.copy_from_slice(&times);
        }
        out.set_arena(None);
        Ok(rename(&mut self.head, out, span, run))
    }
}

/// `-v`
pub struct Negate {
    pub input: Node,
    pub is_scalar: bool,
    pub head: Memo<Arc<Head>>,
}

impl Negate {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut out = self.input.eval(run, state)?;
        if out.arena().is_some() {
            negate_mixed(&mut out);
        } else {
            out.values_mut().iter_mut().for_each(|value| *value = -*value);
        }
        Ok(if self.is_scalar { out } else { rename(&mut self.head, out, span, run) })
    }
}

/// What a vector is sorted by.
pub enum SortKey {
    Value,
    /// `sort_by_label`: the labels named, numbers inside of them by value.
    Labels(Vec<String>),
}

/// `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`: an order for instant queries.
pub struct Sort {
    pub input: Node,
    pub key: SortKey,
    pub descending: bool,
    /// The columns in the order of their labels.
    pub sorted: Memo<Vec<u32>>,
}

impl Sort {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let mut out = self.input.eval(run, state)?;
        if matches!(self.key, SortKey::Value) {
            out.drop_histograms();
        }
        // A range query loses the order, but not at a single step of it, as of what is the same at all steps.
        if run.is_range() && run.steps.len() > 1 {
            let message = "sort is ineffective for range queries since results are always ordered by labels";
            state.annotate(Level::Warning, span, message);
            return Ok(out);
        }
        for step in 0..run.steps.len() {
            let order: Vec<u32> = match &self.key {
                SortKey::Value => {
                    let mut order: Vec<u32> = out.columns_at(step).map(|column| column as u32).collect();
                    insertion_sort(&mut order, self.descending, |column| out.values(*column as usize)[step]);
                    order
                }
                SortKey::Labels(names) => {
                    let descending = self.descending;
                    let sorted = self.sorted.get(&[out.head()], || by_labels(out.head(), names, descending));
                    let present = |column: &u32| bits::has(out.present(*column as usize), step);
                    sorted.iter().copied().filter(present).collect()
                }
            };
            out.order.insert(step, order);
        }
        Ok(out)
    }
}

fn by_labels(head: &Head, names: &[String], descending: bool) -> Vec<u32> {
    let compare = |a: &Labels, b: &Labels| {
        let by_name = names.iter().map(|name| natural_order(a.get(name), b.get(name)));
        by_name.fold(Ordering::Equal, Ordering::then).then_with(|| a.cmp(b))
    };
    let mut columns: Vec<u32> = (0..head.len() as u32).collect();
    columns.sort_by(|a, b| {
        let order = compare(&head.labels[*a as usize], &head.labels[*b as usize]);
        if descending { order.reverse() } else { order }
    });
    columns
}

/// The order in which runs of digits count as numbers.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (first, second) = (run_of_kind(a), run_of_kind(b));
        if first.is_empty() || second.is_empty() {
            return first.len().cmp(&second.len());
        }
        let order = match (first.parse::<i64>(), second.parse::<i64>()) {
            (Ok(first), Ok(second)) => first.cmp(&second),
            _ => first.cmp(second),
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[first.len()..], &b[second.len()..]);
    }
}

/// The longest start of a text that is all digits, or all something else.
fn run_of_kind(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

/// `start()`, `end()`, `step()`, `range()`: what of the whole query they tell, in seconds, also below a subquery.
#[derive(Clone, Copy)]
pub enum OfQuery {
    Start,
    End,
    /// 0 where the query begins and ends at one time.
    Step,
    Range,
}

impl OfQuery {
    pub fn eval(self, run: &Run<'_>) -> Matrix {
        let seconds = |times: Vec<Timestamp>| times.into_iter().map(Timestamp::seconds).collect();
        Matrix::scalar(match (self, run.mode) {
            (OfQuery::Start, _) => seconds(run.times(Some(AtModifier::Start))),
            (OfQuery::End, _) => seconds(run.times(Some(AtModifier::End))),
            (OfQuery::Step, Mode::Range { start, end, step }) if start != end => {
                vec![step.go_seconds(); run.steps.len()]
            }
            (OfQuery::Range, Mode::Range { start, end, .. }) => vec![(end - start).go_seconds(); run.steps.len()],
            (OfQuery::Step | OfQuery::Range, _) => vec![0.0; run.steps.len()],
        })
    }
}

/// `min_of(a, b)` and `max_of(a, b)`.
pub struct ScalarChoice {
    pub choose: fn(f64, f64) -> f64,
    pub lhs: Node,
    pub rhs: Node,
}

impl ScalarChoice {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let lhs = self.lhs.eval(run, state)?;
        let rhs = self.rhs.eval(run, state)?;
        let pairs = scalar_values(&lhs).iter().zip(scalar_values(&rhs));
        let mut out = Matrix::scalar(pairs.map(|(a, b)| (self.choose)(*a, *b)).collect());
        out.fail_all(lhs.errors);
        out.fail_all(rhs.errors);
        Ok(out)
    }
}

/// An operator between two scalars; a comparison yields 0 or 1.
pub struct ScalarBinary {
    pub op: BinaryOp,
    pub lhs: Node,
    pub rhs: Node,
}

impl ScalarBinary {
    pub fn eval(&mut self, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let lhs = self.lhs.eval(run, state)?;
        let rhs = self.rhs.eval(run, state)?;
        let mut out = vec![0.0; run.steps.len()];
        operate(self.op, true, scalar_values(&lhs), scalar_values(&rhs), &mut out);
        let mut out = Matrix::scalar(out);
        out.fail_all(lhs.errors);
        out.fail_all(rhs.errors);
        Ok(out)
    }
}

/// `out[i] = lhs[i] op rhs[i]`; a comparison yields 0 or 1 where asked for, else nothing.
fn operate(op: BinaryOp, return_bool: bool, lhs: &[f64], rhs: &[f64], out: &mut [f64]) {
    if !op.is_comparison() {
        arithmetic(op, lhs, rhs, out);
    } else if return_bool {
        let mut holds = vec![0; bits::words(out.len())];
        compare(op, lhs, rhs, &mut holds);
        for (step, value) in out.iter_mut().enumerate() {
            *value = f64::from(u8::from(bits::has(&holds, step)));
        }
    }
}

/// An operator between a vector and a scalar.
pub struct VectorScalar {
    pub op: BinaryOp,
    pub return_bool: bool,
    pub vector: Node,
    pub scalar: Node,
    /// The scalar stands on the left.
    pub swapped: bool,
    pub head: Memo<Arc<Head>>,
}

impl VectorScalar {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let (mut out, scalar);
        if self.swapped {
            scalar = self.scalar.eval(run, state)?;
            out = self.vector.eval(run, state)?;
        } else {
            out = self.vector.eval(run, state)?;
            scalar = self.scalar.eval(run, state)?;
        }
        let constants = scalar_values(&scalar);
        let filters = self.op.is_comparison() && !self.return_bool;
        if out.arena().is_some() || self.op.is_trim() {
            let notes = vector_scalar(self.op, self.return_bool, self.swapped, &mut out, constants);
            annotate(notes, self.op, span, state);
            out.fail_all(scalar.errors);
            let keeps_name = !self.op.changes_value() && !self.return_bool;
            return Ok(if keeps_name { out } else { rename(&mut self.head, out, span, run) });
        }
        let mut operand = vec![0.0; run.steps.len()];
        let mut holds = vec![0; bits::words(run.steps.len())];
        for column in 0..out.head().len() {
            let (values, present) = out.column_mut(column);
            operand.copy_from_slice(values);
            let (lhs, rhs) = if self.swapped { (constants, &operand[..]) } else { (&operand[..], constants) };
            if filters {
                compare(self.op, lhs, rhs, &mut holds);
                present.iter_mut().zip(&holds).for_each(|(word, holds)| *word &= holds);
            } else {
                operate(self.op, self.return_bool, lhs, rhs, values);
            }
        }
        let order = std::mem::take(&mut out.order);
        for (step, mut order) in order {
            order.retain(|column| bits::has(out.present(*column as usize), step));
            out.order.insert(step, order);
        }
        out.fail_all(scalar.errors);
        Ok(if filters { out } else { rename(&mut self.head, out, span, run) })
    }
}

/// What an operator between two vectors keeps between runs.
pub enum Table {
    Join(Matching),
    Set(Memo<SetTable>),
}

/// An operator between two vectors.
pub struct VectorVector {
    pub op: BinaryOp,
    pub return_bool: bool,
    pub matching: VectorMatching,
    pub lhs: Node,
    pub rhs: Node,
    pub table: Table,
}

impl VectorVector {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        let lhs = self.lhs.eval(run, state)?;
        let rhs = self.rhs.eval(run, state)?;
        let out = match &mut self.table {
            Table::Set(table) => set_operation(table, self.op, &self.matching, lhs, rhs),
            Table::Join(table) => {
                let join = Join {
                    op: self.op,
                    return_bool: self.return_bool,
                    matching: &self.matching,
                    dialect: Dialect::Promql,
                    late_names: run.profile.delayed_name_removal,
                    max_pairs: run.profile.max_samples,
                    span,
                };
                let width = table.width(&join, &lhs, &rhs).unwrap_or(usize::MAX);
                state.reserve(width, run.steps.len(), span)?;
                let mut notes = Notes::default();
                let out = table.join(&join, lhs, rhs, &mut notes);
                annotate(notes, self.op, span, state);
                out
            }
        };
        Ok(run.settle(out, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_inside_labels_sort_as_numbers() {
        let mut names = ["cpu10", "cpu2", "cpu", "cpu2a", "dpu1"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["cpu", "cpu2", "cpu2a", "cpu10", "dpu1"]);
    }
}
