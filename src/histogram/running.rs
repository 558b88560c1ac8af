//! Sums and means of histograms as they come, with compensation (Prometheus `aggregation` and `funcAvgOverTime`).

use super::{Combined, Compensation, FloatHistogram, MixedSchemas, ResetHint};

/// A sum or a mean in the making.
#[derive(Clone, Debug)]
pub struct Running {
    /// The sum, or the mean once `incremental`.
    value: FloatHistogram,
    lost: Option<Compensation>,
    count: f64,
    incremental: bool,
    resets: bool,
    not_resets: bool,
    bounds_reconciled: bool,
}

impl Running {
    pub fn new(first: &FloatHistogram) -> Running {
        Running {
            value: first.clone(),
            lost: None,
            count: 1.0,
            incremental: false,
            resets: first.hint == ResetHint::Reset,
            not_resets: first.hint == ResetHint::NotReset,
            bounds_reconciled: false,
        }
    }

    /// Whether custom bounds had to be brought to those in common.
    pub fn bounds_reconciled(&self) -> bool {
        self.bounds_reconciled
    }

    /// Whether some histogram was known to be a reset, and another one known to be none.
    pub fn hints_collide(&self) -> bool {
        self.resets && self.not_resets
    }

    fn note_hint(&mut self, histogram: &FloatHistogram) {
        self.resets |= histogram.hint == ResetHint::Reset;
        self.not_resets |= histogram.hint == ResetHint::NotReset;
    }

    fn note(&mut self, combined: Combined) {
        self.bounds_reconciled |= combined.bounds_reconciled;
    }

    /// Goes on with a sum.
    pub fn add(&mut self, next: &FloatHistogram) -> Result<(), MixedSchemas> {
        self.note_hint(next);
        let lost = self.lost.get_or_insert_with(|| Compensation::of(&self.value));
        let combined = self.value.add_compensated(next, lost)?;
        self.note(combined);
        Ok(())
    }

    /// Goes on with a mean: of the sum as long as that stays finite, from then on of the mean so far.
    pub fn average(&mut self, next: &FloatHistogram) -> Result<(), MixedSchemas> {
        self.note_hint(next);
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.value.clone();
            let mut lost = self.lost.clone().unwrap_or_else(|| Compensation::of(&sum));
            let combined = sum.add_compensated(next, &mut lost)?;
            self.note(combined);
            if !sum.has_overflow() {
                (self.value, self.lost) = (sum, Some(lost));
                return Ok(());
            }
            self.incremental = true;
            self.value.div(self.count - 1.0);
            if let Some(lost) = &mut self.lost {
                lost.div(self.count - 1.0);
            }
        }
        let share = (self.count - 1.0) / self.count;
        let mut part = next.clone();
        part.div(self.count);
        self.value.mul(share);
        let lost = self.lost.get_or_insert_with(|| Compensation::of(&self.value));
        lost.mul(share);
        let combined = self.value.add_compensated(&part, lost)?;
        self.note(combined);
        Ok(())
    }

    /// The sum of all that was added.
    pub fn sum(mut self) -> FloatHistogram {
        if let Some(lost) = &self.lost {
            lost.settle(&mut self.value);
        }
        self.value
    }

    /// The mean of all that was averaged.
    pub fn mean(mut self) -> FloatHistogram {
        if !self.incremental {
            self.value.div(self.count);
            if let Some(lost) = &mut self.lost {
                lost.div(self.count);
            }
        }
        self.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_does_not_overflow() {
        let huge = FloatHistogram { sum: f64::MAX, count: 2.0, ..FloatHistogram::default() };
        let mut mean = Running::new(&huge);
        mean.average(&huge).unwrap();
        let mean = mean.mean();
        assert_eq!((mean.sum, mean.count), (f64::MAX, 2.0));
        let mut sum = Running::new(&huge);
        sum.add(&huge).unwrap();
        assert_eq!(sum.sum().sum, f64::INFINITY);
    }
}
