//! Values that a condition accepts, and a plain one among them.

use crate::promql::ast::BinaryOp;

/// Every number between two bounds, which belong to it where they are `closed`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
    pub low_closed: bool,
    pub high_closed: bool,
}

impl Range {
    /// Any number.
    pub const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, low_closed: false, high_closed: false };

    pub fn exactly(value: f64) -> Range {
        Range { low: value, high: value, low_closed: true, high_closed: true }
    }

    pub fn above(low: f64, low_closed: bool) -> Range {
        Range { low, low_closed, ..Range::ANY }
    }

    pub fn below(high: f64, high_closed: bool) -> Range {
        Range { high, high_closed, ..Range::ANY }
    }

    /// The values for which `value op threshold` holds, or does not hold: one range, or several single values where there
    /// are two sides. None for what is no comparison.
    pub fn of(op: BinaryOp, threshold: f64, holds: bool) -> Vec<Range> {
        let unequal = if holds { BinaryOp::NotEqual } else { BinaryOp::Equal };
        if op == unequal {
            let near = [0.0, threshold + 1.0, threshold - 1.0].into_iter().filter(|value| *value != threshold);
            return near.map(Range::exactly).collect();
        }
        let range = if holds { Range::meeting(op, threshold) } else { Range::failing(op, threshold) };
        range.into_iter().collect()
    }

    /// The values for which `value op threshold` holds; of `!=` one. `None` for what is no comparison.
    fn meeting(op: BinaryOp, threshold: f64) -> Option<Range> {
        Some(match op {
            BinaryOp::Greater => Range::above(threshold, false),
            BinaryOp::GreaterOrEqual => Range::above(threshold, true),
            BinaryOp::Less => Range::below(threshold, false),
            BinaryOp::LessOrEqual => Range::below(threshold, true),
            BinaryOp::Equal => Range::exactly(threshold),
            BinaryOp::NotEqual if threshold > 0.0 => Range::exactly(0.0),
            BinaryOp::NotEqual => Range::exactly(threshold + 1.0),
            _ => return None,
        })
    }

    /// The values for which it does not hold.
    fn failing(op: BinaryOp, threshold: f64) -> Option<Range> {
        Range::meeting(
            match op {
                BinaryOp::Greater => BinaryOp::LessOrEqual,
                BinaryOp::GreaterOrEqual => BinaryOp::Less,
                BinaryOp::Less => BinaryOp::GreaterOrEqual,
                BinaryOp::LessOrEqual => BinaryOp::Greater,
                BinaryOp::Equal => BinaryOp::NotEqual,
                BinaryOp::NotEqual => BinaryOp::Equal,
                other => other,
            },
            threshold,
        )
    }

    pub fn is_any(self) -> bool {
        self.low == f64::NEG_INFINITY && self.high == f64::INFINITY
    }

    pub fn contains(self, value: f64) -> bool {
        let above = value > self.low || (self.low_closed && value == self.low) || self.low == f64::NEG_INFINITY;
        let below = value < self.high || (self.high_closed && value == self.high) || self.high == f64::INFINITY;
        above && below && !value.is_nan()
    }

    /// What both contain; `None` where that is nothing.
    pub fn and(self, other: Range) -> Option<Range> {
        let mut both = self;
        if other.low > both.low || (other.low == both.low && !other.low_closed) {
            (both.low, both.low_closed) = (other.low, other.low_closed);
        }
        if other.high < both.high || (other.high == both.high && !other.high_closed) {
            (both.high, both.high_closed) = (other.high, other.high_closed);
        }
        let point = both.low == both.high && both.low_closed && both.high_closed;
        (both.low < both.high || point).then_some(both)
    }

    /// The arguments for which a function that only rises (or only falls) yields a value of this range, by its inverse.
    pub fn through(self, rises: bool, inverse: impl Fn(f64) -> f64) -> Range {
        let (low, high) = (inverse(self.low), inverse(self.high));
        if rises {
            Range { low, high, ..self }
        } else {
            Range { low: high, high: low, low_closed: self.high_closed, high_closed: self.low_closed }
        }
    }

    /// A value well inside of it: four times a lower bound, a quarter of an upper one, so that it may be halved and doubled and
    /// is inside still; where the bound looks like a part or like per cent, less than 1 or 100, and halfway there from bounds
    /// of more than half of them.
    pub fn plain(self) -> f64 {
        let value = match (self.low.is_finite(), self.high.is_finite()) {
            (false, false) => 1.0,
            (true, true) if self.low == self.high => self.low,
            (true, true) if self.contains(1.0) => 1.0,
            (true, true) if self.low == 0.0 => self.high / 4.0,
            (true, true) => (self.low + self.high) / 2.0,
            (true, false) => match self.low {
                0.0 => 1.0,
                low if low < 0.0 => low / 4.0,
                low if (0.25..1.0).contains(&low) => within(low, 1.0),
                low if (25.0..100.0).contains(&low) => within(low, 100.0),
                low if self.low_closed && low == 1.0 => 1.0,
                low => 4.0 * low,
            },
            (false, true) => match self.high {
                0.0 if self.high_closed => 0.0,
                0.0 => -1.0,
                1.0 => 0.0,
                high if high < 0.0 => 4.0 * high,
                high => high / 4.0,
            },
        };
        let short = short(value);
        if self.contains(short) { short } else { value }
    }
}

/// Between a bound and the whole: where half of it is above the bound still, halfway between that and the whole.
fn within(low: f64, whole: f64) -> f64 {
    let least = if 2.0 * low < whole { 2.0 * low } else { low };
    (least + whole) / 2.0
}

/// A value with few digits, where that changes it by little.
pub fn short(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_meet_the_condition_and_its_opposite_does_not() {
        for op in [
            BinaryOp::Greater,
            BinaryOp::GreaterOrEqual,
            BinaryOp::Less,
            BinaryOp::LessOrEqual,
            BinaryOp::Equal,
            BinaryOp::NotEqual,
        ] {
            for threshold in [-5.0, 0.0, 0.05, 0.9, 1.0, 3.0, 80.0, 99.0, 100.0, 1e9] {
                let (meets, fails) = (Range::meeting(op, threshold).unwrap(), Range::failing(op, threshold).unwrap());
                let (inside, outside) = (meets.plain(), fails.plain());
                assert!(meets.contains(inside), "{op} {threshold}: {inside}");
                assert!(fails.contains(outside), "{op} {threshold}: {outside}");
                assert!(!meets.contains(outside), "{op} {threshold}: {outside}");
            }
        }
    }

    #[test]
    fn parts_of_one_and_per_cent_stay_below_the_whole() {
        assert_eq!(Range::above(0.9, false).plain(), 0.95);
        assert_eq!(Range::above(80.0, false).plain(), 90.0);
        assert_eq!(Range::above(0.4, false).plain(), 0.9);
    }

    #[test]
    fn plain_values_may_be_halved_and_doubled() {
        assert_eq!(Range::above(0.05, false).plain(), 0.2);
        assert_eq!(Range::below(0.1, false).plain(), 0.025);
        for threshold in [0.01, 0.3, 5.0, 30.0, 1000.0] {
            let (above, below) = (Range::above(threshold, false), Range::below(threshold, false));
            assert!(above.contains(above.plain() / 2.0) && below.contains(2.0 * below.plain()), "{threshold}");
        }
    }

    #[test]
    fn bounds_go_through_functions() {
        // 100 - x > 90
        assert_eq!(Range::above(90.0, false).through(false, |v| 100.0 - v), Range::below(10.0, false));
        assert_eq!(Range::above(1.0, true).and(Range::below(1.0, true)), Some(Range::exactly(1.0)));
        assert_eq!(Range::above(1.0, false).and(Range::below(1.0, true)), None);
    }
}
