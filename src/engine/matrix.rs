//! A matrix: series x steps, dense values with a presence bitmap, and errors that belong to steps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::bits;
use super::histograms::Arena;
use crate::labels::Labels;
use crate::text::Span;

/// Why an evaluation failed, in Prometheus' words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub message: String,
    /// The part of the expression that failed.
    pub span: Span,
}

impl EvalError {
    pub fn new(span: Span, message: impl Into<String>) -> EvalError {
        EvalError { message: message.into(), span }
    }
}

/// What stands over the columns of a matrix. A plan yields the same head, not only an equal one, as long as no
/// series appears, so whoever keeps something for each column can tell by `Arc::ptr_eq` that it is still good.
#[derive(Debug, Default)]
pub struct Head {
    pub labels: Vec<Labels>,
    /// Whether the metric's name is to be dropped at the end (only where names are removed late).
    pub drop_name: Vec<bool>,
    /// Columns of equal labels, wherever there are several.
    pub twins: Vec<Vec<u32>>,
}

impl Head {
    pub fn new(labels: Vec<Labels>, drop_name: Vec<bool>) -> Head {
        let mut first: HashMap<&Labels, u32> = HashMap::with_capacity(labels.len());
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (column, labels) in (0u32..).zip(&labels) {
            let original = *first.entry(labels).or_insert(column);
            if original != column {
                groups.entry(original).or_insert_with(|| vec![original]).push(column);
            }
        }
        let twins = groups.into_values().collect();
        Head { labels, drop_name, twins }
    }

    /// A head of labels that are known to differ, no name to be dropped.
    pub fn distinct(labels: Vec<Labels>) -> Head {
        let drop_name = vec![false; labels.len()];
        Head { labels, drop_name, twins: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// The result of an evaluation. A scalar is one column without labels.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    steps: usize,
    head: Arc<Head>,
    /// Column after column, one value a step; meaningless where absent.
    values: Vec<f64>,
    /// Column after column, one bit a step.
    present: Vec<u64>,
    /// What values that are handles stand for; `None` where there are only numbers.
    pub(super) histograms: Option<Arena>,
    /// Steps that failed; their values are not to be used.
    pub errors: BTreeMap<usize, EvalError>,
    /// Steps whose elements do not come in the order of the columns: the columns that are present, in order.
    pub order: BTreeMap<usize, Vec<u32>>,
}

/// The values of one series at every step of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    pub labels: &'a Labels,
    /// One value a step; meaningless where absent, and a handle where it is a histogram ([`Matrix::sample`]).
    pub values: &'a [f64],
    /// One bit a step, 64 to a word.
    pub present: &'a [u64],
}

impl<'a> Column<'a> {
    /// The value at a step, if there is one.
    pub fn at(&self, step: usize) -> Option<f64> {
        if bits::has(self.present, step) { self.values.get(step).copied() } else { None }
    }

    /// Steps and values, in order.
    pub fn iter(self) -> impl Iterator<Item = (usize, f64)> + 'a {
        bits::steps(self.present).map(move |step| (step, self.values[step]))
    }
}

impl Matrix {
    /// A matrix without any value.
    pub fn new(head: Arc<Head>, steps: usize) -> Matrix {
        let columns = head.len();
        Matrix {
            steps,
            values: vec![0.0; columns * steps],
            present: vec![0; columns * bits::words(steps)],
            histograms: None,
            head,
            errors: BTreeMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// One column without labels that has a value at every step.
    pub fn scalar(values: Vec<f64>) -> Matrix {
        let steps = values.len();
        let head = Arc::new(Head::distinct(vec![Labels::empty()]));
        Matrix { head, present: bits::all(steps), values, steps, ..Matrix::default() }
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        bits::count(&self.present)
    }

    /// Values held, present or not: what memory is counted by.
    pub fn cells(&self) -> usize {
        self.values.len()
    }

    /// The same values under other labels, column by column.
    pub fn under(mut self, head: Arc<Head>) -> Matrix {
        debug_assert_eq!(head.len(), self.head.len());
        self.head = head;
        self
    }

    pub fn column(&self, column: usize) -> Column<'_> {
        Column { labels: &self.head.labels[column], values: self.values(column), present: self.present(column) }
    }

    /// Every column, also those without any value.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = Column<'_>> {
        (0..self.head.len()).map(|column| self.column(column))
    }

    pub fn values(&self, column: usize) -> &[f64] {
        &self.values[column * self.steps..(column + 1) * self.steps]
    }

    pub fn present(&self, column: usize) -> &[u64] {
        let words = bits::words(self.steps);
        &self.present[column * words..(column + 1) * words]
    }

    /// Values and presence of a column, to be written.
    pub fn column_mut(&mut self, column: usize) -> (&mut [f64], &mut [u64]) {
        let words = bits::words(self.steps);
        (
            &mut self.values[column * self.steps..(column + 1) * self.steps],
            &mut self.present[column * words..(column + 1) * words],
        )
    }

    /// All values, column after column, to be mapped regardless of presence.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    pub fn set(&mut self, column: usize, step: usize, value: f64) {
        let (values, present) = self.column_mut(column);
        values[step] = value;
        bits::insert(present, step);
    }

    /// Matrices of one step each, one step after the other; series of equal labels in one of them stay apart.
    pub fn of_steps(steps: &[Matrix]) -> Matrix {
        let mut places: HashMap<(&Labels, usize), usize> = HashMap::new();
        let mut labels: Vec<Labels> = Vec::new();
        let mut values: Vec<(usize, usize, f64)> = Vec::new();
        for (step, own) in steps.iter().enumerate() {
            let mut seen: HashMap<&Labels, usize> = HashMap::new();
            for column in own.columns() {
                let Some(value) = column.at(0) else { continue };
                let twin = seen.entry(column.labels).and_modify(|count| *count += 1).or_default();
                let place = *places.entry((column.labels, *twin)).or_insert_with(|| {
                    labels.push(column.labels.clone());
                    labels.len() - 1
                });
                values.push((place, step, value));
            }
        }
        let drop_name = vec![false; labels.len()];
        let mut out = Matrix::new(Arc::new(Head::new(labels, drop_name)), steps.len());
        values.into_iter().for_each(|(column, step, value)| out.set(column, step, value));
        for (step, own) in steps.iter().enumerate() {
            own.errors.values().for_each(|error| out.fail(step, error.clone()));
        }
        out
    }

    /// Some of the steps.
    pub fn rows(&self, from: usize, steps: usize) -> Matrix {
        let mut out = Matrix::new(self.head.clone(), steps);
        for column in 0..self.head.len() {
            let (values, present) = out.column_mut(column);
            values.copy_from_slice(&self.values(column)[from..from + steps]);
            bits::copy_range(self.present(column), from, steps, present);
        }
        out.histograms = self.histograms.clone();
        let range = from..from + steps;
        out.errors = self.errors.range(range.clone()).map(|(step, error)| (step - from, error.clone())).collect();
        out.order = self.order.range(range).map(|(step, order)| (step - from, order.clone())).collect();
        out
    }

    /// Removes all values of a step.
    pub fn clear_step(&mut self, step: usize) {
        for column in 0..self.head.len() {
            bits::remove(self.column_mut(column).1, step);
        }
        self.order.remove(&step);
    }

    /// Marks a step as failed; the first error of a step stays.
    pub fn fail(&mut self, step: usize, error: EvalError) {
        self.errors.entry(step).or_insert(error);
    }

    /// Takes over the errors of an operand; those that are there already stay.
    pub fn fail_all(&mut self, errors: BTreeMap<usize, EvalError>) {
        for (step, error) in errors {
            self.fail(step, error);
        }
    }

    /// The columns that have a value at a step, in the order of the result, also of a failed step.
    pub fn columns_at(&self, step: usize) -> impl Iterator<Item = usize> + '_ {
        let (ordered, natural) = match self.order.get(&step) {
            Some(order) => (order.as_slice(), 0..0),
            None => (&[][..], 0..self.head.len()),
        };
        let natural = natural.filter(move |column| bits::has(self.present(*column), step));
        ordered.iter().map(|column| *column as usize).chain(natural)
    }

    /// The elements at a step, in the order of the result; none where the step failed. For elements that may be histograms
    /// see [`Matrix::samples`].
    pub fn at(&self, step: usize) -> impl Iterator<Item = (&Labels, f64)> + '_ {
        let failed = self.errors.contains_key(&step);
        self.columns_at(step)
            .filter(move |_| !failed)
            .map(move |column| (&self.head.labels[column], self.values(column)[step]))
    }

    /// The columns that have a value at any step.
    pub fn valued(&self) -> impl Iterator<Item = Column<'_>> {
        self.columns().filter(|column| column.iter().next().is_some())
    }

    /// The elements at a step, or why it failed.
    pub fn result(&self, step: usize) -> Result<Vec<(Labels, f64)>, EvalError> {
        match self.errors.get(&step) {
            Some(error) => Err(error.clone()),
            None => Ok(self.at(step).map(|(labels, value)| (labels.clone(), value)).collect()),
        }
    }
}
