//! What an expression yields, as far as its series are settled: one value, for one series of each kind.

use super::leaf::Level;
use super::reverse::{At, Measure, Reached, Reverse};
use crate::promql::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, DurationArg, Expr, ExprKind, UnaryOp, VectorSelector,
};
use crate::time::{Duration, Timestamp};
use Reached::{Nothing, Unknown, Value};

/// So many times as many changes are made as have to be seen, since some fall between two scrapes.
pub const CHANGES: f64 = 1.5;

/// Seconds of a window; `None` where it is computed.
pub fn seconds(window: &DurationArg) -> Option<f64> {
    match window {
        DurationArg::Literal(width) => Some(width.seconds()),
        DurationArg::Expr(_) => None,
    }
}

/// The window and what is in it, of an argument that is a range.
pub fn window(arg: &Expr) -> Option<&DurationArg> {
    match &arg.kind {
        ExprKind::Paren(inner) => window(inner),
        ExprKind::Range(range) => Some(&range.range),
        ExprKind::Subquery(subquery) => Some(&subquery.range),
        _ => None,
    }
}

/// The calendar functions of PromQL, of a time in Unix seconds.
pub fn calendar(function: &str, time: f64) -> Option<f64> {
    use chrono::{Datelike, Timelike};
    let date = Timestamp((time * 1000.0) as i64).calendar()?;
    let days_in_month = || {
        let first = date.date_naive().with_day(1)?;
        Some(first.checked_add_months(chrono::Months::new(1))?.signed_duration_since(first).num_days())
    };
    Some(match function {
        "minute" => f64::from(date.minute()),
        "hour" => f64::from(date.hour()),
        "day_of_week" => f64::from(date.weekday().num_days_from_sunday()),
        "day_of_month" => f64::from(date.day()),
        "day_of_year" => f64::from(date.ordinal()),
        "days_in_month" => days_in_month()? as f64,
        "month" => f64::from(date.month()),
        "year" => f64::from(date.year()),
        _ => return None,
    })
}

impl Reverse<'_> {
    /// What an expression yields; unknown as long as something that it reads is open.
    pub fn value(&self, expr: &Expr, at: &At) -> Reached {
        match &expr.kind {
            ExprKind::Number(number) => Value(number.value),
            ExprKind::String(_) => Unknown,
            ExprKind::Paren(inner) => self.value(inner, at),
            ExprKind::Unary { op, expr: inner } => match (op, self.value(inner, at)) {
                (UnaryOp::Minus, Value(value)) => Value(-value),
                (_, reached) => reached,
            },
            ExprKind::Selector(selector) => self.selected(selector, at),
            ExprKind::Range(range) => self.selected(&range.selector, at),
            ExprKind::Subquery(subquery) => self.value(&subquery.expr, &self.shifted(at, subquery.offset.as_ref())),
            ExprKind::Aggregate(aggregate) => self.aggregated(expr, aggregate, at),
            ExprKind::Call(call) => self.called(call, at),
            ExprKind::Binary(binary) => self.operated(binary, at),
        }
    }

    fn selected(&self, selector: &VectorSelector, at: &At) -> Reached {
        if let Some(rule) = self.writer(selector) {
            let behind = rule.promql().zip(self.behind(selector, rule, at));
            return behind.map_or(Unknown, |(query, behind)| self.value(query, &behind));
        }
        let at = &self.shifted(at, selector.offset.as_ref());
        let Some(leaf) = self.find(selector, at) else { return Unknown };
        let facts = self.leaves[leaf].facts[at.phase as usize];
        if facts.is_gone() {
            return Nothing;
        }
        let value = match at.measure {
            Measure::Level => match facts.level {
                Some(Level::Value(value)) => Some(value),
                Some(Level::Age(age)) => Some(self.now - age),
                _ => None,
            },
            Measure::Growth { .. } => facts.growth,
            Measure::Slope => facts.slope,
            Measure::Observed => facts.observed,
        };
        value.map_or(Unknown, Value)
    }

    fn aggregated(&self, expr: &Expr, aggregate: &Aggregate, at: &At) -> Reached {
        let inner = self.below(aggregate, at);
        match aggregate.op {
            AggregateOp::Count => self.counted(expr, &aggregate.expr, aggregate, &inner),
            AggregateOp::Sum if super::count::is_flag(&aggregate.expr) && at.measure == Measure::Level => {
                self.flags(expr, &aggregate.expr, aggregate, &At { summed: at.summed, ..inner })
            }
            AggregateOp::Group => match self.value(&aggregate.expr, &inner) {
                Value(_) => Value(1.0),
                reached => reached,
            },
            AggregateOp::CountValues | AggregateOp::Stddev | AggregateOp::Stdvar | AggregateOp::LimitRatio => Unknown,
            _ => self.value(&aggregate.expr, &inner),
        }
    }

    fn called(&self, call: &Call, at: &At) -> Reached {
        let arg = |nth: usize, measure: Measure| match call.args.get(nth) {
            Some(arg) => self.value(arg, &at.measuring(measure)),
            None => Unknown,
        };
        let map = |reached: Reached, f: &dyn Fn(f64) -> f64| match reached {
            Value(value) => Value(f(value)),
            other => other,
        };
        let seconds = || call.args.iter().find_map(window).and_then(seconds);
        let growth = Measure::Growth { per: None };
        match call.function.name {
            "rate" | "irate" | "increase" if at.measure == Measure::Observed => arg(0, Measure::Observed),
            "histogram_quantile" => arg(1, Measure::Observed),
            _ if at.measure != Measure::Level && !passes(call.function.name) => Unknown,
            "rate" | "irate" => arg(0, growth),
            "increase" => match seconds() {
                Some(width) => map(arg(0, growth), &|rate| rate * width),
                None => Unknown,
            },
            "changes" => match seconds() {
                Some(width) => map(arg(0, growth), &|rate| rate * width / CHANGES),
                None => Unknown,
            },
            "delta" => match seconds() {
                Some(width) => map(arg(0, Measure::Slope), &|slope| slope * width),
                None => Unknown,
            },
            "deriv" => arg(0, Measure::Slope),
            "idelta" => map(arg(0, Measure::Slope), &|slope| slope * self.scrape.seconds()),
            "predict_linear" => match (arg(0, Measure::Level), arg(0, Measure::Slope), arg(1, Measure::Level)) {
                (Value(level), Value(slope), Value(ahead)) => Value(level + slope * ahead),
                (Nothing, ..) => Nothing,
                _ => Unknown,
            },
            "sum_over_time" => match self.samples(&call.args[0]) {
                Some(count) => map(arg(0, Measure::Level), &|value| value * count),
                None => Unknown,
            },
            "count_over_time" => match self.samples(&call.args[0]) {
                Some(count) => map(arg(0, Measure::Level), &|_| count),
                None => Unknown,
            },
            "timestamp" => map(arg(0, Measure::Level), &|_| self.now),
            "present_over_time" => map(arg(0, Measure::Level), &|_| 1.0),
            "absent" | "absent_over_time" => match arg(0, Measure::Level) {
                Value(_) => Nothing,
                Nothing => Value(1.0),
                Unknown => Unknown,
            },
            "scalar" => match arg(0, Measure::Level) {
                Nothing => Value(f64::NAN),
                reached => reached,
            },
            "quantile_over_time" => arg(1, Measure::Level),
            "abs" => map(arg(0, Measure::Level), &f64::abs),
            "sqrt" => map(arg(0, Measure::Level), &f64::sqrt),
            "ceil" => map(arg(0, Measure::Level), &f64::ceil),
            "floor" => map(arg(0, Measure::Level), &f64::floor),
            "sgn" => map(arg(0, Measure::Level), &|v| if v == 0.0 { 0.0 } else { v.signum() }),
            "clamp_min" => match arg(1, Measure::Level) {
                Value(least) => map(arg(0, Measure::Level), &|value| value.max(least)),
                _ => Unknown,
            },
            "clamp_max" => match arg(1, Measure::Level) {
                Value(most) => map(arg(0, Measure::Level), &|value| value.min(most)),
                _ => Unknown,
            },
            "time" => Value(self.now),
            "pi" => Value(std::f64::consts::PI),
            name @ ("minute" | "hour" | "day_of_week" | "day_of_month" | "day_of_year" | "days_in_month" | "month"
            | "year") => {
                let time = if call.args.is_empty() { Value(self.now) } else { arg(0, Measure::Level) };
                match time {
                    Value(time) => calendar(name, time).map_or(Unknown, Value),
                    other => other,
                }
            }
            name if passes(name) => arg(0, at.measure),
            _ => Unknown,
        }
    }

    /// How many samples a window holds.
    pub fn samples(&self, arg: &Expr) -> Option<f64> {
        let width = seconds(window(arg)?)?;
        let apart = match &arg.kind {
            ExprKind::Subquery(subquery) => match &subquery.step {
                Some(step) => seconds(step)?,
                None => Duration::MINUTE.seconds(),
            },
            _ => self.scrape.seconds(),
        };
        Some((width / apart).floor())
    }

    fn operated(&self, binary: &Binary, at: &At) -> Reached {
        let (left, mut right) = self.sides(binary, at);
        if at.measure == Measure::Observed {
            return match binary.op {
                BinaryOp::Add | BinaryOp::Or => self.value(&binary.lhs, &left),
                BinaryOp::Mul | BinaryOp::And => {
                    right.measure = Measure::Level;
                    match (self.value(&binary.lhs, &left), self.value(&binary.rhs, &right)) {
                        (Value(value), Value(_)) => Value(value),
                        (Nothing, _) | (_, Nothing) => Nothing,
                        _ => Unknown,
                    }
                }
                _ => Unknown,
            };
        }
        let (lhs, rhs) = (self.value(&binary.lhs, &left), self.value(&binary.rhs, &right));
        match binary.op {
            BinaryOp::And => match (lhs, rhs) {
                (Nothing, _) | (_, Nothing) => Nothing,
                (Value(value), Value(_)) => Value(value),
                _ => Unknown,
            },
            BinaryOp::Or => match (lhs, rhs) {
                (Nothing, reached) => reached,
                (reached, _) => reached,
            },
            BinaryOp::Unless => match (lhs, rhs) {
                (Nothing, _) | (_, Value(_)) => Nothing,
                (reached, Nothing) => reached,
                _ => Unknown,
            },
            op => match (lhs, rhs) {
                (Value(a), Value(b)) => match compare(op, a, b) {
                    Some(holds) if binary.return_bool => Value(f64::from(u8::from(holds))),
                    Some(true) => Value(a),
                    Some(false) => Nothing,
                    None => compute(op, a, b).map_or(Unknown, Value),
                },
                (Nothing, _) | (_, Nothing) => Nothing,
                _ => Unknown,
            },
        }
    }
}

/// Functions that hand on the values of their first argument.
pub fn passes(function: &str) -> bool {
    matches!(
        function,
        "avg_over_time"
            | "min_over_time"
            | "max_over_time"
            | "last_over_time"
            | "first_over_time"
            | "clamp"
            | "round"
            | "sort"
            | "sort_desc"
            | "sort_by_label"
            | "sort_by_label_desc"
            | "label_replace"
            | "label_join"
            | "vector"
    )
}

fn compare(op: BinaryOp, a: f64, b: f64) -> Option<bool> {
    Some(match op {
        BinaryOp::Equal => a == b,
        BinaryOp::NotEqual => a != b,
        BinaryOp::Less => a < b,
        BinaryOp::LessOrEqual => a <= b,
        BinaryOp::Greater => a > b,
        BinaryOp::GreaterOrEqual => a >= b,
        _ => return None,
    })
}

fn compute(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    Some(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        BinaryOp::Pow => a.powf(b),
        _ => return None,
    })
}
