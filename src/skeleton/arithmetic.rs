//! Reverses arithmetic: one side is settled, the other follows; where one series stands on both sides, values are tried.

use super::leaf::{Facts, Level};
use super::range::Range;
use super::reverse::{At, Reached, Reverse, Stuck, Wanted, stuck};
use crate::promql::ast::{Binary, BinaryOp, Expr};

/// How often the usual value of a series is tried.
const TRIED: [f64; 26] = [
    0.0, 0.001, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0, 1.05, 1.2, 1.5, 2.0,
    4.0, 10.0, 30.0, 100.0, 1000.0,
];

impl Reverse<'_> {
    pub(super) fn arithmetic(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let (lhs, rhs) = (&binary.lhs, &binary.rhs);
        let Wanted::Within(range) = wanted else {
            let missing = self.attempt(|this| this.solve(lhs, Wanted::Nothing, &left));
            return missing.or_else(|_| self.solve(rhs, Wanted::Nothing, &right));
        };
        if range.is_any() {
            self.solve(lhs, wanted, &left)?;
            return self.solve(rhs, wanted, &right);
        }
        // A part of something is no more than the whole.
        if binary.op == BinaryOp::Div && (0.5..1.0).contains(&range.low) && range.high == f64::INFINITY {
            let part = Wanted::Within(Range { high: 1.0, high_closed: true, ..range });
            if self.attempt(|this| this.arithmetic(expr, binary, part, at)).is_ok() {
                return Ok(());
            }
        }
        let settled = self.attempt(|this| {
            if this.value(lhs, &left) == Reached::Unknown && this.value(rhs, &right) == Reached::Unknown {
                if this.choice.right { this.fill(lhs, &left)? } else { this.fill(rhs, &right)? }
            }
            let no_way = || stuck(expr, wanted);
            match (this.value(lhs, &left), this.value(rhs, &right)) {
                (Reached::Unknown, Reached::Value(known)) => {
                    let range = left_operand(binary.op, known, range).ok_or_else(no_way)?;
                    this.solve(lhs, Wanted::Within(range), &left)
                }
                (Reached::Value(known), Reached::Unknown) => {
                    let range = right_operand(binary.op, known, range).ok_or_else(no_way)?;
                    this.solve(rhs, Wanted::Within(range), &right)
                }
                (Reached::Value(_), Reached::Value(_)) => match this.value(expr, at) {
                    Reached::Value(value) if range.contains(value) => Ok(()),
                    _ => Err(no_way()),
                },
                _ => Err(no_way()),
            }
        });
        settled.or_else(|stuck| self.attempt(|this| this.tried(expr, binary, wanted, at)).map_err(|_| stuck))
    }

    /// Gives all open series usual values, and then one of them another one, until what is wanted comes out.
    pub(super) fn tried(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let phase = at.phase as usize;
        let before: Vec<Facts> = self.leaves.iter().map(|leaf| leaf.facts[phase]).collect();
        self.fill(&binary.lhs, &left)?;
        self.fill(&binary.rhs, &right)?;
        let open = |at: usize, facts: Facts| before.get(at).is_none_or(|before| *before != facts);
        let pivots: Vec<usize> = (0..self.leaves.len()).filter(|at| open(*at, self.leaves[*at].facts[phase])).collect();
        for pivot in pivots {
            let usual = self.leaves[pivot].facts[phase];
            let mut met = Vec::new();
            for factor in TRIED {
                self.leaves[pivot].facts[phase] = scaled(usual, factor);
                let meets = match (self.value(expr, at), wanted) {
                    (Reached::Value(value), Wanted::Within(range)) => range.contains(value),
                    (Reached::Nothing, Wanted::Nothing) => true,
                    _ => false,
                };
                if meets {
                    met.push(factor);
                }
            }
            self.leaves[pivot].facts[phase] = usual;
            // In the middle of what meets it, away from the threshold.
            if let Some(factor) = met.get(met.len() / 2) {
                self.leaves[pivot].facts[phase] = scaled(usual, *factor);
                return Ok(());
            }
        }
        Err(stuck(expr, wanted))
    }
}

fn scaled(facts: Facts, factor: f64) -> Facts {
    let level = match facts.level {
        Some(Level::Value(value)) => Some(Level::Value(value * factor)),
        other => other,
    };
    let times = |value: Option<f64>| value.map(|value| value * factor);
    Facts { level, growth: times(facts.growth), slope: times(facts.slope), observed: facts.observed }
}

/// The left operands for which `left op known` is in the range.
fn left_operand(op: BinaryOp, known: f64, range: Range) -> Option<Range> {
    match op {
        BinaryOp::Add => Some(range.through(true, |v| v - known)),
        BinaryOp::Sub => Some(range.through(true, |v| v + known)),
        BinaryOp::Mul if known != 0.0 => Some(range.through(known > 0.0, |v| v / known)),
        BinaryOp::Div if known != 0.0 => Some(range.through(known > 0.0, |v| v * known)),
        BinaryOp::Mod if known > 0.0 => {
            let rest = range.and(Range { low_closed: true, ..between(0.0, known) })?;
            Some(Range::exactly(rest.plain() + 2.0 * known))
        }
        BinaryOp::Pow if known > 0.0 => {
            range.and(Range::above(0.0, true)).map(|range| range.through(true, |v| v.powf(1.0 / known)))
        }
        _ => None,
    }
}

/// The right operands for which `known op right` is in the range.
fn right_operand(op: BinaryOp, known: f64, range: Range) -> Option<Range> {
    match op {
        BinaryOp::Add | BinaryOp::Mul => left_operand(op, known, range),
        BinaryOp::Sub => Some(range.through(false, |v| known - v)),
        // Only divisors above 0.
        BinaryOp::Div if known > 0.0 => {
            range.and(Range::above(0.0, false)).map(|range| range.through(false, |v| known / v))
        }
        BinaryOp::Pow if known > 1.0 => {
            range.and(Range::above(0.0, false)).map(|range| range.through(true, |v| v.log(known)))
        }
        _ => None,
    }
}

fn between(low: f64, high: f64) -> Range {
    Range { low, high, low_closed: false, high_closed: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_the_inverse_of_the_operator() {
        let range = Range::above(0.5, false);
        for op in [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Pow] {
            let known = 4.0;
            let compute = |a: f64, b: f64| match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                _ => a.powf(b),
            };
            let left = left_operand(op, known, range).unwrap().plain();
            assert!(range.contains(compute(left, known)), "{op}: {left}");
            let right = right_operand(op, known, range).unwrap().plain();
            assert!(range.contains(compute(known, right)), "{op}: {right}");
        }
        assert_eq!(left_operand(BinaryOp::Div, 0.0, range), None);
    }
}
