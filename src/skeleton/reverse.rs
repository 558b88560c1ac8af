//! Reverses an expression: from what it has to yield to what the series that it reads have to be.
//!
//! A wanted range of values is handed down from an operator or a function to its operands; of two operands that are both
//! open one is given a usual value first. Where there is a choice, [`Choice`] makes it, and the caller tries another one
//! if the rules then do not do what was wanted.

use std::collections::BTreeMap;

use super::leaf::{Leaf, Phase};
use super::range::Range;
use crate::labels::Matcher;
use crate::promql::ast::{DurationArg, Expr, ExprKind};
use crate::rules::Group;
use crate::time::{Duration, Timestamp};

/// How deep rules may read rules; those that read themselves stop here.
pub const DEEPEST: u32 = 12;
/// The most series that are made so that a count is reached.
pub const MOST_COPIES: usize = 40;

/// What a part of an expression has to yield.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// No series.
    Nothing,
    /// A series with a value of this range.
    Within(Range),
}

/// What a part yields, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    Unknown,
    Nothing,
    Value(f64),
}

/// Where something can be had in several ways.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// What matchers say of one side of an operator holds for the other side too, where all labels have to match.
    pub carry: bool,
    /// Of `a and b` that must not hold the right side fails; of two open operands the left one is given its value first.
    pub right: bool,
    /// A condition may also fail because its series is missing.
    pub vanish: bool,
    /// A selector may mean a series that another one, with more matchers, has asked for.
    pub alias: bool,
    /// Labels that are only grouped by have usual values, not those that some matcher asks for.
    pub usual_names: bool,
    /// How many times as large usual values are.
    pub scale: f64,
    /// The beginning of the day.
    pub start: Timestamp,
}

/// Why an expression was not reversed: what part of it, and what it would have to yield.
#[derive(Clone, Debug)]
pub struct Stuck {
    pub part: String,
    pub wanted: String,
}

/// What is asked of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    Level,
    Growth {
        per: Option<Duration>,
    },
    Slope,
    /// The observations of a histogram.
    Observed,
}

/// Where in the expression we are: what the parts above ask of the series below.
#[derive(Clone, Debug)]
pub struct At {
    pub phase: Phase,
    /// Labels that have to be there.
    pub labels: BTreeMap<String, String>,
    pub measure: Measure,
    pub summed: bool,
    /// Any value will do, and a usual one is best.
    pub usual: bool,
    /// The series may be missing.
    pub vanish: bool,
    /// What selectors of recorded series ask of the series behind them.
    pub matchers: Vec<Matcher>,
    /// Which of several alike: a label, and the number that tells them apart.
    pub copies: Vec<(String, usize)>,
    pub depth: u32,
}

impl At {
    pub fn top(phase: Phase, labels: BTreeMap<String, String>) -> At {
        At {
            phase,
            labels,
            measure: Measure::Level,
            summed: false,
            usual: false,
            vanish: false,
            matchers: Vec::new(),
            copies: Vec::new(),
            depth: 0,
        }
    }

    pub fn measuring(&self, measure: Measure) -> At {
        At { measure, ..self.clone() }
    }

    pub fn copy(&self, label: &str, nth: usize) -> At {
        let mut at = self.clone();
        at.copies.push((label.to_owned(), nth));
        at
    }
}

/// Reverses expressions over one set of series.
pub struct Reverse<'a> {
    pub groups: &'a [Group],
    pub choice: Choice,
    /// Around the incident, in Unix seconds.
    pub now: f64,
    pub scrape: Duration,
    /// The value of each label, where a selector leaves it open.
    pub names: BTreeMap<String, String>,
    pub leaves: Vec<Leaf>,
    /// How many copies each count has been given.
    pub copies: BTreeMap<String, usize>,
}

impl Wanted {
    fn told(self) -> String {
        match self {
            Wanted::Nothing => "no series".to_owned(),
            Wanted::Within(range) if range.is_any() => "a series".to_owned(),
            Wanted::Within(Range { low, high, .. }) if low == high => low.to_string(),
            Wanted::Within(Range { low, low_closed, high, .. }) if high.is_infinite() => {
                format!("{} {low}", if low_closed { "at least" } else { "more than" })
            }
            Wanted::Within(Range { low, high, high_closed, .. }) if low.is_infinite() => {
                format!("{} {high}", if high_closed { "at most" } else { "less than" })
            }
            Wanted::Within(Range { low, high, .. }) => format!("between {low} and {high}"),
        }
    }
}

pub fn stuck(expr: &Expr, wanted: Wanted) -> Stuck {
    Stuck { part: expr.to_string(), wanted: wanted.told() }
}

impl Reverse<'_> {
    /// Makes an expression yield what is wanted.
    ///
    /// # Errors
    /// The part that cannot be reversed, or that contradicts what was settled before.
    pub fn solve(&mut self, expr: &Expr, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        match (self.value(expr, at), wanted) {
            (Reached::Unknown, _) => {}
            (Reached::Nothing, Wanted::Nothing) => return Ok(()),
            (Reached::Value(value), Wanted::Within(range)) if range.contains(value) => return Ok(()),
            _ => return Err(stuck(expr, wanted)),
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.solve(inner, wanted, at),
            ExprKind::Unary { expr: inner, .. } => {
                let turned = match wanted {
                    Wanted::Within(range) if self.is_negative(expr) => Wanted::Within(range.through(false, |v| -v)),
                    wanted => wanted,
                };
                self.solve(inner, turned, at)
            }
            ExprKind::Selector(selector) => self.select(expr, selector, wanted, at),
            ExprKind::Aggregate(aggregate) => self.aggregate(expr, aggregate, wanted, at),
            ExprKind::Call(call) => self.call(expr, call, wanted, at),
            ExprKind::Binary(binary) => self.binary(expr, binary, wanted, at),
            ExprKind::Range(range) => self.select(expr, &range.selector, wanted, at),
            ExprKind::Subquery(subquery) => {
                self.solve(&subquery.expr, wanted, &self.shifted(at, subquery.offset.as_ref()))
            }
            ExprKind::Number(_) | ExprKind::String(_) => Err(stuck(expr, wanted)),
        }
    }

    fn is_negative(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Unary { op: crate::promql::ast::UnaryOp::Minus, .. })
    }

    /// Gives every series of an expression a usual value.
    pub fn fill(&mut self, expr: &Expr, at: &At) -> Result<(), Stuck> {
        self.solve(expr, Wanted::Within(Range::ANY), &At { usual: true, ..at.clone() })
    }

    /// Does something, or nothing where it fails.
    pub fn attempt<T>(&mut self, try_it: impl FnOnce(&mut Self) -> Result<T, Stuck>) -> Result<T, Stuck> {
        let (leaves, copies) = (self.leaves.clone(), self.copies.clone());
        let result = try_it(self);
        if result.is_err() {
            (self.leaves, self.copies) = (leaves, copies);
        }
        result
    }

    /// The phase that a selector with an offset sees: before the incident there was health.
    pub fn shifted(&self, at: &At, offset: Option<&DurationArg>) -> At {
        match offset {
            Some(DurationArg::Literal(offset)) if *offset > Duration::ZERO => {
                At { phase: Phase::Healthy, ..at.clone() }
            }
            _ => at.clone(),
        }
    }
}
