//! The canonical form of an expression: what Prometheus' `String()` prints (`promql/parser/printer.go`). It parses to the
//! same tree.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Aggregate, AtModifier, DurationArg, DurationExpr, DurationExprKind, Edge, Expr, ExprKind, NumberLiteral,
    RangeSelector, Subquery, VectorSelector,
};
use crate::labels::{METRIC_NAME, MatchOp};
use crate::syntax::printer::{write_labels, write_number, write_operator};
use crate::syntax::strings::write_quoted;
use crate::time::Duration;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(literal) => literal.fmt(f),
            ExprKind::String(value) => write_quoted(f, value),
            ExprKind::Paren(expr) => write!(f, "({expr})"),
            ExprKind::Unary { op, expr } => write!(f, "{op}{expr}"),
            ExprKind::Binary(binary) => {
                binary.lhs.fmt(f)?;
                write_operator(f, binary.op, binary.return_bool, binary.matching.as_ref())?;
                binary.rhs.fmt(f)
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (at, arg) in call.args.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    arg.fmt(f)?;
                }
                f.write_char(')')
            }
            ExprKind::Aggregate(aggregate) => aggregate.fmt(f),
            ExprKind::Selector(selector) => selector.fmt(f),
            ExprKind::Range(range) => range.fmt(f),
            ExprKind::Subquery(subquery) => subquery.fmt(f),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.duration { from_seconds(self.value).fmt(f) } else { write_number(f, self.value) }
    }
}

/// Whole milliseconds; Prometheus keeps nanoseconds and prints none.
fn from_seconds(seconds: f64) -> Duration {
    Duration((seconds * 1e9) as i64 / 1_000_000)
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        if self.without || !self.grouping.is_empty() {
            f.write_str(if self.without { " without (" } else { " by (" })?;
            write_labels(f, &self.grouping)?;
            f.write_str(") ")?;
        }
        f.write_char('(')?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}

impl VectorSelector {
    /// Name and matchers, without what follows them.
    fn write_name(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let is_name = |name: &str, op, value: &str| {
            name == METRIC_NAME && op == MatchOp::Equal && value == self.name && !value.is_empty()
        };
        let written = self.matchers.iter().filter(|matcher| !is_name(&matcher.name, matcher.op, &matcher.value));
        let mut matchers: Vec<String> = written.map(ToString::to_string).collect();
        matchers.sort_unstable();
        if matchers.is_empty() && !self.name.is_empty() { Ok(()) } else { write!(f, "{{{}}}", matchers.join(",")) }
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_name(f)?;
        write_at(f, self.at)?;
        write_edge(f, self.edge)?;
        write_offset(f, self.offset.as_ref())
    }
}

impl Display for RangeSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.selector.write_name(f)?;
        write!(f, "[{}]", self.range)?;
        write_edge(f, self.selector.edge)?;
        write_at(f, self.selector.at)?;
        write_offset(f, self.selector.offset.as_ref())
    }
}

impl Display for Subquery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}:", self.expr, self.range)?;
        if let Some(step) = &self.step {
            write!(f, "{step}")?;
        }
        f.write_char(']')?;
        write_at(f, self.at)?;
        write_offset(f, self.offset.as_ref())
    }
}

fn write_at(f: &mut Formatter<'_>, at: Option<AtModifier>) -> fmt::Result {
    match at {
        None => Ok(()),
        Some(AtModifier::Start) => f.write_str(" @ start()"),
        Some(AtModifier::End) => f.write_str(" @ end()"),
        Some(AtModifier::Time(time)) => write!(f, " @ {:.3}", time.seconds()),
    }
}

fn write_edge(f: &mut Formatter<'_>, edge: Edge) -> fmt::Result {
    f.write_str(match edge {
        Edge::None => "",
        Edge::Anchored => " anchored",
        Edge::Smoothed => " smoothed",
    })
}

fn write_offset(f: &mut Formatter<'_>, offset: Option<&DurationArg>) -> fmt::Result {
    offset.map_or(Ok(()), |offset| write!(f, " offset {offset}"))
}

impl Display for DurationArg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DurationArg::Literal(duration) => duration.fmt(f),
            DurationArg::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationExprKind::Number(literal) => literal.fmt(f),
            DurationExprKind::Paren(expr) => write!(f, "({expr})"),
            DurationExprKind::Unary { op, expr } => write!(f, "{op}{expr}"),
            DurationExprKind::Binary { op, lhs, rhs } => write!(f, "{lhs} {op} {rhs}"),
            DurationExprKind::Step => f.write_str("step()"),
            DurationExprKind::Range => f.write_str("range()"),
            DurationExprKind::Min(a, b) => write!(f, "min_of({a}, {b})"),
            DurationExprKind::Max(a, b) => write!(f, "max_of({a}, {b})"),
        }
    }
}
