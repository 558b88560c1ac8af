//! Sums that carry their rounding error along (Kahan's, with Neumaier's improvement), where Prometheus uses them
//! (`util/kahansum`).

/// A running sum and the error that rounding has left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KahanSum {
    pub sum: f64,
    pub compensation: f64,
}

impl KahanSum {
    /// The sum after `value` joined; an infinite sum has no compensation.
    pub fn plus(self, value: f64) -> KahanSum {
        let total = self.sum + value;
        let compensation = if total.is_infinite() {
            0.0
        } else if self.sum.abs() >= value.abs() {
            self.compensation + ((self.sum - total) + value)
        } else {
            self.compensation + ((value - total) + self.sum)
        };
        KahanSum { sum: total, compensation }
    }

    pub fn add(&mut self, value: f64) {
        *self = self.plus(value);
    }

    /// Sum and compensation together.
    pub fn total(self) -> f64 {
        self.sum + self.compensation
    }
}

/// The sum of values as `sum` and `sum_over_time` yield it.
pub fn kahan_sum(values: &[f64]) -> f64 {
    let mut sum = KahanSum::default();
    for value in values {
        sum.add(*value);
    }
    if sum.sum.is_infinite() { sum.sum } else { sum.total() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_survive_between_large_ones_that_cancel() {
        assert_eq!(kahan_sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(kahan_sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(kahan_sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
