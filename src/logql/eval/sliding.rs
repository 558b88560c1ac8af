//! What may be taken over from one window to the next, because it is exact: sums of whole numbers, extremes, and the order of values.

use std::collections::VecDeque;

use crate::engine::interpolated;

/// Sums of whole numbers that are exact, so that those of a window are a difference.
pub struct WholeSums(Vec<i64>);

impl WholeSums {
    /// Numbers above are not all whole.
    const LARGEST: f64 = 9_007_199_254_740_992.0;

    /// `None` where a value is not whole, or a sum may be too large.
    pub fn of(values: &[f64]) -> Option<WholeSums> {
        let mut sums = Vec::with_capacity(values.len() + 1);
        sums.push(0);
        let (mut sum, mut size) = (0_i64, 0.0);
        for value in values {
            size += value.abs();
            // What is no number, or infinite, has no fraction either.
            let whole = value.fract() == 0.0 && size < WholeSums::LARGEST;
            if !whole || (*value == 0.0 && value.is_sign_negative()) {
                return None;
            }
            sum += *value as i64;
            sums.push(sum);
        }
        Some(WholeSums(sums))
    }

    pub fn between(&self, from: usize, to: usize) -> f64 {
        (self.0[to] - self.0[from]) as f64
    }
}

/// The smallest or largest values of windows that move forward.
pub struct Extremes<'a, F> {
    values: &'a [f64],
    before: F,
    /// Samples that no later one of the window is before, in order: the first is the extreme one.
    candidates: VecDeque<usize>,
    /// How many samples were looked at.
    seen: usize,
}

impl<'a, F: Fn(f64, f64) -> bool> Extremes<'a, F> {
    pub fn new(values: &'a [f64], before: F) -> Extremes<'a, F> {
        Extremes { values, before, candidates: VecDeque::new(), seen: 0 }
    }

    /// The first value of a window that no other is before; `NaN` where there is no number. Neither bound decreases.
    pub fn of(&mut self, from: usize, to: usize) -> f64 {
        for at in self.seen.max(from)..to {
            let value = self.values[at];
            if value.is_nan() {
                continue;
            }
            while self.candidates.back().is_some_and(|last| (self.before)(value, self.values[*last])) {
                self.candidates.pop_back();
            }
            self.candidates.push_back(at);
        }
        self.seen = self.seen.max(to);
        while self.candidates.front().is_some_and(|first| *first < from) {
            self.candidates.pop_front();
        }
        self.candidates.front().map_or(f64::NAN, |first| self.values[*first])
    }
}

/// Quantiles of windows that move forward and overlap: all samples are sorted once, and those of the window counted by their ranks.
pub struct Ranked {
    /// The first sample that has a rank.
    first: usize,
    /// The place of each sample among all of them by value, `NaN` first.
    ranks: Vec<u32>,
    sorted: Vec<f64>,
    /// A Fenwick tree over the ranks of the samples in the window.
    counts: Vec<i32>,
    window: (usize, usize),
}

impl Ranked {
    /// Over the samples `from..to`.
    pub fn new(values: &[f64], from: usize, to: usize) -> Ranked {
        let values = &values[from..to];
        let mut order: Vec<u32> = (0..values.len() as u32).collect();
        order.sort_by(|a, b| {
            let (a, b) = (values[*a as usize], values[*b as usize]);
            b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
        });
        let mut ranks = vec![0; values.len()];
        for (rank, at) in (0..).zip(&order) {
            ranks[*at as usize] = rank;
        }
        let sorted = order.iter().map(|at| values[*at as usize]).collect();
        Ranked { first: from, ranks, sorted, counts: vec![0; values.len() + 1], window: (from, from) }
    }

    /// The quantile of a window that is not empty. Neither bound decreases.
    pub fn quantile(&mut self, q: f64, from: usize, to: usize) -> f64 {
        for at in self.window.1..to {
            self.count(at, 1);
        }
        for at in self.window.0..from {
            self.count(at, -1);
        }
        self.window = (from, to);
        interpolated(q, to - from, |place| self.sorted[self.rank_of(place)])
    }

    /// Adds to the count of a sample.
    fn count(&mut self, sample: usize, change: i32) {
        let mut at = self.ranks[sample - self.first] as usize + 1;
        while at < self.counts.len() {
            self.counts[at] += change;
            at += at & at.wrapping_neg();
        }
    }

    /// The rank of the sample at a place among those of the window.
    fn rank_of(&self, place: usize) -> usize {
        let (mut rank, mut left) = (0, place as i32);
        let mut stride = self.counts.len().next_power_of_two() / 2;
        while stride > 0 {
            if let Some(count) = self.counts.get(rank + stride).filter(|count| **count <= left) {
                left -= count;
                rank += stride;
            }
            stride /= 2;
        }
        rank.min(self.sorted.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy;

    use super::*;

    #[test]
    fn sums_of_whole_numbers_are_those_that_are_added_one_by_one() {
        let values = [3.0, -7.0, 1e15, 5.0, -1e15];
        let sums = WholeSums::of(&values).unwrap();
        for from in 0..values.len() {
            for to in from..values.len() {
                assert_eq!(sums.between(from, to), values[from..to].iter().sum::<f64>());
            }
        }
        for values in [&[0.5][..], &[f64::NAN], &[f64::INFINITY], &[1e16], &[-0.0]] {
            assert!(WholeSums::of(values).is_none(), "{values:?}");
        }
    }

    proptest::proptest! {
        // What slides is what is computed anew for each window.
        #[test]
        fn extremes_and_quantiles_are_those_of_each_window(
            values in proptest::collection::vec(proptest::prop_oneof![
                5 => (-3..4_i32).prop_map(f64::from),
                1 => proptest::strategy::Just(f64::NAN),
                1 => proptest::strategy::Just(f64::INFINITY),
            ], 1..40),
            moves in proptest::collection::vec((0..4_usize, 0..5_usize), 1..20),
            q in -0.1..1.1_f64,
        ) {
            let mut least = Extremes::new(&values, |a, b| a < b);
            let mut ranked = Ranked::new(&values, 0, values.len());
            let (mut from, mut to) = (0, 0);
            for (ahead, grown) in moves {
                to = (to + grown).min(values.len());
                from = (from + ahead).min(to);
                if from == to {
                    continue;
                }
                let window = &values[from..to];
                let expected = window.iter().copied().filter(|value| !value.is_nan()).fold(f64::NAN, f64::min);
                proptest::prop_assert_eq!(least.of(from, to).to_bits(), expected.to_bits());
                let expected = crate::engine::quantile(q, &mut window.to_vec());
                proptest::prop_assert_eq!(ranked.quantile(q, from, to).to_bits(), expected.to_bits());
            }
        }
    }
}
