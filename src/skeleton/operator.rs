//! Binary operators, reversed: what they ask of their sides, set operators and comparisons.

use std::collections::BTreeMap;

use super::range::Range;
use super::reverse::{At, Measure, Reached, Reverse, Stuck, Wanted, stuck};
use crate::promql::ast::{Binary, BinaryOp, Cardinality, Expr, VectorMatching};

impl Reverse<'_> {
    /// What an operator asks of the series on its sides.
    pub fn sides(&self, binary: &Binary, at: &At) -> (At, At) {
        let (mut left, mut right) = (at.clone(), at.clone());
        if self.choice.carry {
            self.carry(binary, &mut left, &mut right);
        }
        let Some(VectorMatching { cardinality, on, labels, include, .. }) = &binary.matching else {
            return (left, right);
        };
        let value = |label: &String| (label.clone(), at.labels.get(label).cloned().unwrap_or(self.name(label)));
        if *on {
            let joined: BTreeMap<String, String> = labels.iter().map(value).collect();
            let (many_left, many_right) = match cardinality {
                Cardinality::ManyToOne | Cardinality::ManyToMany => (true, false),
                Cardinality::OneToMany => (false, true),
                Cardinality::OneToOne => (false, false),
            };
            for (side, keeps) in [(&mut left, many_left), (&mut right, many_right)] {
                let included: BTreeMap<String, String> = include.iter().filter(|_| !keeps).map(value).collect();
                let kept = if keeps { at.labels.clone() } else { included };
                side.labels = kept.into_iter().chain(joined.clone()).collect();
                if keeps {
                    include.iter().for_each(|label| drop(side.labels.remove(label)));
                }
            }
        } else {
            for label in labels {
                left.labels.remove(label);
                right.labels.remove(label);
            }
        }
        (left, right)
    }

    pub fn binary(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        match (at.measure, binary.op) {
            (Measure::Level, _) => {}
            // Buckets that are added up, or multiplied by what adds labels.
            (Measure::Observed, BinaryOp::Add | BinaryOp::Or) => {
                let (left, right) = self.sides(binary, at);
                self.solve(&binary.lhs, wanted, &left)?;
                return self.solve(&binary.rhs, wanted, &right);
            }
            (Measure::Observed, BinaryOp::Mul | BinaryOp::And) => {
                let (left, right) = self.sides(binary, at);
                self.solve(&binary.lhs, wanted, &left)?;
                return self.solve(&binary.rhs, Wanted::Within(Range::exactly(1.0)), &right.measuring(Measure::Level));
            }
            _ => return Err(stuck(expr, wanted)),
        }
        match binary.op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => self.set_operator(binary, wanted, at),
            op if op.is_comparison() => {
                let settled = self.attempt(|this| this.comparison(expr, binary, wanted, at));
                settled.or_else(|stuck| self.attempt(|this| this.tried(expr, binary, wanted, at)).map_err(|_| stuck))
            }
            _ => self.arithmetic(expr, binary, wanted, at),
        }
    }

    fn set_operator(&mut self, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let (lhs, rhs) = (&binary.lhs, &binary.rhs);
        let some = Wanted::Within(Range::ANY);
        let may_vanish = At { vanish: true, ..right.clone() };
        match (binary.op, wanted) {
            (BinaryOp::And, Wanted::Within(_)) => {
                self.solve(lhs, wanted, &left)?;
                self.solve(rhs, some, &right)
            }
            (BinaryOp::And, Wanted::Nothing) => {
                let fail = |this: &mut Self, first: bool| {
                    this.attempt(|this| {
                        let sides = if first { (Wanted::Nothing, some) } else { (some, Wanted::Nothing) };
                        // What fails first, so that the other side is what is left.
                        if first {
                            this.solve(lhs, sides.0, &left)?;
                            this.solve(rhs, sides.1, &right)
                        } else {
                            this.solve(rhs, sides.1, &right)?;
                            this.solve(lhs, sides.0, &left)
                        }
                    })
                };
                let first = !self.choice.right;
                let both = |this: &mut Self| {
                    this.attempt(|this| {
                        this.solve(lhs, Wanted::Nothing, &left)?;
                        this.solve(rhs, Wanted::Nothing, &right)
                    })
                };
                fail(self, first).or_else(|_| fail(self, !first)).or_else(|_| both(self))
            }
            (BinaryOp::Unless, Wanted::Within(_)) => {
                self.solve(lhs, wanted, &left)?;
                self.solve(rhs, Wanted::Nothing, &may_vanish)
            }
            (BinaryOp::Unless, _) => {
                let fails = self.attempt(|this| {
                    this.solve(lhs, Wanted::Nothing, &left)?;
                    this.solve(rhs, Wanted::Nothing, &may_vanish)
                });
                fails.or_else(|_| {
                    self.solve(lhs, some, &left)?;
                    self.solve(rhs, some, &right)
                })
            }
            (_, Wanted::Within(_)) => {
                let speak = |this: &mut Self, first: bool| {
                    this.attempt(|this| {
                        let (one, one_at, other, other_at) =
                            if first { (lhs, &left, rhs, &right) } else { (rhs, &right, lhs, &left) };
                        this.solve(one, wanted, one_at)?;
                        let silent = this.attempt(|this| this.solve(other, Wanted::Nothing, other_at));
                        let vanished = At { vanish: true, ..other_at.clone() };
                        silent
                            .or_else(|_| this.attempt(|this| this.solve(other, Wanted::Nothing, &vanished)))
                            .or(Ok(()))
                    })
                };
                let first = !self.choice.right;
                speak(self, first).or_else(|_| speak(self, !first))
            }
            (_, Wanted::Nothing) => {
                self.solve(lhs, Wanted::Nothing, &left)?;
                self.solve(rhs, Wanted::Nothing, &right)
            }
        }
    }

    fn comparison(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let (lhs, rhs) = (&binary.lhs, &binary.rhs);
        let (op, side, side_at, other) = match (self.value(lhs, &left), self.value(rhs, &right)) {
            (_, Reached::Value(threshold)) => (binary.op, lhs, &left, threshold),
            (Reached::Value(threshold), _) => (turned(binary.op), rhs, &right, threshold),
            (Reached::Unknown, Reached::Unknown) => {
                let known = if self.choice.right { (lhs, &left) } else { (rhs, &right) };
                self.fill(known.0, known.1)?;
                return match self.value(known.0, known.1) {
                    Reached::Value(_) => self.solve(expr, wanted, at),
                    _ => Err(stuck(expr, wanted)),
                };
            }
            (_, Reached::Nothing) | (Reached::Nothing, _) => return Err(stuck(expr, wanted)),
        };
        let holds = match wanted {
            Wanted::Nothing if binary.return_bool => return self.solve(side, Wanted::Nothing, side_at),
            Wanted::Within(range) if binary.return_bool && !range.contains(1.0) && !range.contains(0.0) => {
                return Err(stuck(expr, wanted));
            }
            Wanted::Within(range) if binary.return_bool => range.contains(1.0),
            Wanted::Nothing => false,
            Wanted::Within(_) => true,
        };
        let fits = |accepted: Range| match wanted {
            // A comparison hands on its left side.
            Wanted::Within(range) if !binary.return_bool && std::ptr::eq(side, lhs) => accepted.and(range),
            Wanted::Within(range) if !binary.return_bool => Some(accepted).filter(|_| range.contains(other)),
            _ => Some(accepted),
        };
        let accepted = Range::of(op, other, holds).into_iter().filter_map(fits);
        let mut by_value = Err(stuck(expr, wanted));
        for accepted in accepted {
            by_value = by_value.or_else(|_| self.attempt(|this| this.solve(side, Wanted::Within(accepted), side_at)));
        }
        match by_value {
            Err(_) if wanted == Wanted::Nothing => self.solve(side, Wanted::Nothing, side_at),
            result => result,
        }
    }
}

/// The comparison with its sides swapped.
fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        other => other,
    }
}
