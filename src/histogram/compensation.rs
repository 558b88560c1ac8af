//! The rounding errors that are carried along while histograms are summed.

use super::{Bucket, FloatHistogram};

/// What rounding has left behind of each number of a histogram.
#[derive(Clone, Debug, Default)]
pub struct Compensation {
    pub(super) zero_count: f64,
    pub(super) count: f64,
    pub(super) sum: f64,
    /// One number for each bucket of the histogram, in the same order.
    pub(super) positive: Vec<f64>,
    pub(super) negative: Vec<f64>,
}

impl Compensation {
    /// Nothing has been lost of a histogram yet.
    pub fn of(histogram: &FloatHistogram) -> Compensation {
        Compensation {
            positive: vec![0.0; histogram.positive.len()],
            negative: vec![0.0; histogram.negative.len()],
            ..Compensation::default()
        }
    }

    fn numbers_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let totals = [&mut self.zero_count, &mut self.count, &mut self.sum];
        totals.into_iter().chain(&mut self.positive).chain(&mut self.negative)
    }

    pub fn mul(&mut self, factor: f64) {
        self.numbers_mut().for_each(|number| *number *= factor);
    }

    pub fn div(&mut self, divisor: f64) {
        self.numbers_mut().for_each(|number| *number /= divisor);
    }

    /// Adds what was left behind to its histogram.
    pub fn settle(&self, histogram: &mut FloatHistogram) {
        histogram.zero_count += self.zero_count;
        histogram.count += self.count;
        histogram.sum += self.sum;
        let add = |buckets: &mut [Bucket], lost: &[f64]| {
            buckets.iter_mut().zip(lost).for_each(|(bucket, lost)| bucket.count += lost);
        };
        add(&mut histogram.positive, &self.positive);
        add(&mut histogram.negative, &self.negative);
    }
}
