//! Histograms in a matrix: values that are handles stand for places in an arena, which is there only where it is needed.

use std::ops::Range;
use std::sync::Arc;

use super::{EvalError, Matrix, bits};
use crate::histogram::{FloatHistogram, Sample, handle, index_of};
use crate::labels::Labels;

/// Histograms that values stand for, by place.
pub type Arena = Arc<Vec<Arc<FloatHistogram>>>;

/// An arena that is being filled.
#[derive(Default)]
pub struct Filling(Vec<Arc<FloatHistogram>>);

impl Filling {
    /// Takes a histogram in; the value that stands for it.
    pub fn add(&mut self, histogram: impl Into<Arc<FloatHistogram>>) -> f64 {
        self.0.push(histogram.into());
        handle(self.0.len() - 1)
    }

    /// The value that stands for a sample.
    pub fn value(&mut self, sample: Sample) -> f64 {
        match sample {
            Sample::Float(value) => value,
            Sample::Histogram(histogram) => self.add(histogram),
        }
    }

    /// The arena, if there is anything in it.
    pub fn finish(self) -> Option<Arena> {
        (!self.0.is_empty()).then(|| Arc::new(self.0))
    }
}

impl Matrix {
    /// What handles among the values stand for; `None` where all values are numbers.
    pub fn arena(&self) -> Option<&Arena> {
        self.histograms.as_ref()
    }

    /// Says what handles among the values stand for.
    pub fn set_arena(&mut self, arena: Option<Arena>) {
        self.histograms = arena;
    }

    /// The histogram that a value of this matrix stands for; `None` for a number.
    pub fn histogram(&self, value: f64) -> Option<&Arc<FloatHistogram>> {
        self.histograms.as_ref()?.get(index_of(value)?)
    }

    fn sample_of(&self, value: f64) -> Sample {
        match self.histogram(value) {
            Some(histogram) => Sample::Histogram(histogram.clone()),
            None => Sample::Float(value),
        }
    }

    /// The sample of a column at a step, if there is one.
    pub fn sample(&self, column: usize, step: usize) -> Option<Sample> {
        self.column(column).at(step).map(|value| self.sample_of(value))
    }

    /// The steps and samples of a column, in order.
    pub fn column_samples(&self, column: usize) -> impl Iterator<Item = (usize, Sample)> + '_ {
        self.column(column).iter().map(|(step, value)| (step, self.sample_of(value)))
    }

    /// The elements at a step, in the order of the result; none where the step failed.
    pub fn samples(&self, step: usize) -> impl Iterator<Item = (&Labels, Sample)> + '_ {
        self.at(step).map(|(labels, value)| (labels, self.sample_of(value)))
    }

    /// The elements at a step, or why it failed.
    pub fn sample_result(&self, step: usize) -> Result<Vec<(Labels, Sample)>, EvalError> {
        match self.errors.get(&step) {
            Some(error) => Err(error.clone()),
            None => Ok(self.samples(step).map(|(labels, sample)| (labels.clone(), sample)).collect()),
        }
    }

    /// Takes over what handles stand for that have been copied from another matrix into some columns.
    pub fn adopt(&mut self, source: &Matrix, columns: Range<usize>) {
        let Some(theirs) = &source.histograms else { return };
        let Some(own) = &mut self.histograms else {
            self.histograms = Some(theirs.clone());
            return;
        };
        if Arc::ptr_eq(own, theirs) {
            return;
        }
        let behind = own.len();
        Arc::make_mut(own).extend(theirs.iter().cloned());
        for column in columns {
            let (values, present) = self.column_mut(column);
            for step in bits::steps(present) {
                if let Some(place) = index_of(values[step]) {
                    values[step] = handle(behind + place);
                }
            }
        }
    }

    /// The steps of a column at which it is a histogram, with the values that stand for them.
    pub fn handles(&self, column: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let column = self.histograms.as_ref().map(|_| self.column(column));
        column.into_iter().flat_map(|column| column.iter()).filter(|(_, value)| index_of(*value).is_some())
    }

    /// Removes histograms, and says whether there were any.
    pub fn drop_histograms(&mut self) -> bool {
        if self.histograms.is_none() {
            return false;
        }
        let mut any = false;
        for column in 0..self.head().len() {
            let steps: Vec<usize> = self.handles(column).map(|(step, _)| step).collect();
            any |= !steps.is_empty();
            steps.into_iter().for_each(|step| self.remove(column, step));
        }
        self.histograms = None;
        any
    }

    fn remove(&mut self, column: usize, step: usize) {
        bits::remove(self.column_mut(column).1, step);
        if let Some(order) = self.order.get_mut(&step) {
            order.retain(|other| *other as usize != column);
        }
    }

    /// Sets the sample of a column at a step, or removes what is there.
    pub fn put(&mut self, column: usize, step: usize, value: Option<f64>) {
        match value {
            Some(value) => self.set(column, step, value),
            None => self.remove(column, step),
        }
    }

    /// Replaces every histogram.
    pub fn map_histograms(&mut self, f: impl Fn(&FloatHistogram) -> FloatHistogram) {
        if let Some(arena) = &self.histograms {
            self.histograms = Some(Arc::new(arena.iter().map(|histogram| Arc::new(f(histogram))).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Head;

    fn histogram(count: f64) -> FloatHistogram {
        FloatHistogram { count, ..FloatHistogram::default() }
    }

    fn counts(matrix: &Matrix, step: usize) -> Vec<f64> {
        let count = |sample: Sample| sample.histogram().map_or(-1.0, |found| found.count);
        matrix.samples(step).map(|(_, sample)| count(sample)).collect()
    }

    fn matrix(labels: &str, values: &[Option<f64>]) -> Matrix {
        let labels = Labels::from_pairs([("a", labels)]);
        let mut matrix = Matrix::new(Arc::new(Head::distinct(vec![labels])), values.len());
        let mut arena = Filling::default();
        for (step, count) in values.iter().enumerate() {
            let value = count.map_or(1.0, |count| arena.add(histogram(count)));
            matrix.set(0, step, value);
        }
        matrix.set_arena(arena.finish());
        matrix
    }

    #[test]
    fn a_matrix_takes_over_the_histograms_of_several() {
        let (first, second) = (matrix("1", &[Some(5.0), None]), matrix("2", &[Some(7.0), Some(8.0)]));
        let head = Head::distinct(["1", "2"].map(|value| Labels::from_pairs([("a", value)])).to_vec());
        let mut both = Matrix::new(Arc::new(head), 2);
        for (column, source) in [&first, &second].into_iter().enumerate() {
            for (step, value) in source.column(0).iter() {
                both.set(column, step, value);
            }
            both.adopt(source, column..column + 1);
        }
        assert_eq!(counts(&both, 0), [5.0, 7.0]);
        assert_eq!(counts(&both, 1), [-1.0, 8.0]);
        assert!(both.drop_histograms());
        assert_eq!(both.at(1).map(|(_, value)| value).collect::<Vec<_>>(), [1.0]);
        assert!(!both.drop_histograms());
    }
}
