//! The syntax tree of PromQL. Every node knows its place; what a node means is in `promql::parser` (types) and
//! `promql::eval` (values). Shapes follow Prometheus' `promql/parser/ast.go`.

use std::fmt;
use std::sync::LazyLock;

use crate::labels::{METRIC_NAME, MatchOp, Matcher};
pub use crate::syntax::{BinaryOp, Cardinality, UnaryOp, VectorMatching};
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// An expression and the bytes that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(NumberLiteral),
    String(String),
    Paren(Box<Expr>),
    Unary { op: UnaryOp, expr: Box<Expr> },
    Binary(Box<Binary>),
    Call(Call),
    Aggregate(Box<Aggregate>),
    Selector(VectorSelector),
    Range(Box<RangeSelector>),
    Subquery(Box<Subquery>),
}

/// What an expression yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    Scalar,
    Vector,
    Matrix,
    String,
}

impl fmt::Display for ValueType {
    /// As Prometheus' documentation calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            ValueType::String => "string",
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub struct NumberLiteral {
    /// A duration's in seconds.
    pub value: f64,
    /// Written as a duration (`5m`), which is how it is printed again.
    pub duration: bool,
}

impl PartialEq for NumberLiteral {
    /// Trees are compared by what is written: `NaN` is `NaN`.
    fn eq(&self, other: &NumberLiteral) -> bool {
        self.duration == other.duration && (self.value == other.value || (self.value.is_nan() && other.value.is_nan()))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_span: Span,
    pub lhs: Expr,
    pub rhs: Expr,
    /// `bool`: a comparison yields 0 or 1 and does not filter.
    pub return_bool: bool,
    /// Present where both sides are vectors.
    pub matching: Option<VectorMatching>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: &'static super::functions::Signature,
    pub args: Vec<Expr>,
    /// Where the name stands.
    pub name_span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    /// Experimental.
    Limitk,
    /// Experimental.
    LimitRatio,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: AggregateOp,
    /// The first argument of `topk`, `quantile`, `count_values` and the like.
    pub param: Option<Expr>,
    pub expr: Expr,
    pub without: bool,
    pub grouping: Vec<String>,
}

impl AggregateOp {
    pub const ALL: [AggregateOp; 14] = [
        AggregateOp::Sum,
        AggregateOp::Avg,
        AggregateOp::Count,
        AggregateOp::Min,
        AggregateOp::Max,
        AggregateOp::Group,
        AggregateOp::Stddev,
        AggregateOp::Stdvar,
        AggregateOp::Topk,
        AggregateOp::Bottomk,
        AggregateOp::CountValues,
        AggregateOp::Quantile,
        AggregateOp::Limitk,
        AggregateOp::LimitRatio,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            AggregateOp::Sum => "sum",
            AggregateOp::Avg => "avg",
            AggregateOp::Count => "count",
            AggregateOp::Min => "min",
            AggregateOp::Max => "max",
            AggregateOp::Group => "group",
            AggregateOp::Stddev => "stddev",
            AggregateOp::Stdvar => "stdvar",
            AggregateOp::Topk => "topk",
            AggregateOp::Bottomk => "bottomk",
            AggregateOp::CountValues => "count_values",
            AggregateOp::Quantile => "quantile",
            AggregateOp::Limitk => "limitk",
            AggregateOp::LimitRatio => "limit_ratio",
        }
    }

    /// The aggregation of that name, in lower case.
    pub fn find(name: &str) -> Option<AggregateOp> {
        AggregateOp::ALL.into_iter().find(|op| op.as_str() == name)
    }

    /// The type of the first argument of those that take two.
    pub fn param_type(self) -> Option<ValueType> {
        match self {
            AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Quantile
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => Some(ValueType::Scalar),
            AggregateOp::CountValues => Some(ValueType::String),
            _ => None,
        }
    }

    pub fn is_experimental(self) -> bool {
        matches!(self, AggregateOp::Limitk | AggregateOp::LimitRatio)
    }
}

impl fmt::Display for AggregateOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `@ ...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtModifier {
    Time(Timestamp),
    Start,
    End,
}

/// A range, an offset or a step: a plain duration, or (experimental) an expression of durations.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationArg {
    Literal(Duration),
    Expr(DurationExpr),
}

/// Experimental arithmetic over durations (`[5m * 2]`, `offset step()`).
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    pub kind: DurationExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DurationExprKind {
    Number(NumberLiteral),
    Paren(Box<DurationExpr>),
    Unary {
        op: UnaryOp,
        expr: Box<DurationExpr>,
    },
    Binary {
        op: BinaryOp,
        lhs: Box<DurationExpr>,
        rhs: Box<DurationExpr>,
    },
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `min_of(a, b)`
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    Max(Box<DurationExpr>, Box<DurationExpr>),
}

/// What a selector does at the edges of its range (experimental but for `None`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Edge {
    #[default]
    None,
    Anchored,
    Smoothed,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// The name in front of the braces; also among the matchers, as `__name__`. Empty where none is written.
    pub name: String,
    /// In the order written, the one for the name last (as Prometheus keeps them).
    pub matchers: Vec<Matcher>,
    pub at: Option<AtModifier>,
    pub offset: Option<DurationArg>,
    pub edge: Edge,
}

/// What `info(v)` selects.
static TARGET_INFO: LazyLock<VectorSelector> = LazyLock::new(|| VectorSelector {
    name: "target_info".to_owned(),
    // Only a regular expression may be no matcher.
    matchers: Matcher::new(METRIC_NAME, MatchOp::Equal, "target_info").into_iter().collect(),
    at: None,
    offset: None,
    edge: Edge::None,
});

/// `selector[5m]`; `@` and `offset` behind the bracket are the selector's.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSelector {
    pub selector: VectorSelector,
    pub selector_span: Span,
    pub range: DurationArg,
}

/// `expr[1h:5m]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Expr,
    pub range: DurationArg,
    /// `None`: the global evaluation interval.
    pub step: Option<DurationArg>,
    pub at: Option<AtModifier>,
    pub offset: Option<DurationArg>,
}

impl Expr {
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => expr.value_type(),
            ExprKind::Binary(binary) => {
                let is_scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
                if is_scalar(&binary.lhs) && is_scalar(&binary.rhs) { ValueType::Scalar } else { ValueType::Vector }
            }
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Aggregate(_) | ExprKind::Selector(_) => ValueType::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::Matrix,
        }
    }

    /// Whether it yields an instant vector.
    pub fn is_vector(&self) -> bool {
        self.value_type() == ValueType::Vector
    }

    /// The expressions right below this one, in the order written.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => Vec::new(),
            ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => vec![expr],
            ExprKind::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            ExprKind::Call(call) => call.args.iter().collect(),
            ExprKind::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
        }
    }

    /// As `children`, to change them.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => Vec::new(),
            ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => vec![expr],
            ExprKind::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            ExprKind::Call(call) => call.args.iter_mut().collect(),
            ExprKind::Aggregate(aggregate) => aggregate.param.iter_mut().chain([&mut aggregate.expr]).collect(),
            ExprKind::Subquery(subquery) => vec![&mut subquery.expr],
        }
    }

    /// Calls `visit` for this expression and all below it, parents first, in the order written.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// As `walk`, to change them; parents first.
    pub fn walk_mut(&mut self, visit: &mut impl FnMut(&mut Expr)) {
        visit(self);
        for child in self.children_mut() {
            child.walk_mut(visit);
        }
    }

    /// The vector selectors of this expression, also those with a range, and where they stand (without their range). An
    /// `info` that names no info metrics selects some too.
    pub fn selectors(&self) -> Vec<(&VectorSelector, Span)> {
        let mut found = Vec::new();
        self.walk(&mut |expr| match &expr.kind {
            ExprKind::Selector(selector) => found.push((selector, expr.span)),
            ExprKind::Call(call) if call.function.name == "info" && call.args.len() == 1 => {
                found.push((&TARGET_INFO, call.name_span));
            }
            ExprKind::Range(range) => found.push((&range.selector, range.selector_span)),
            _ => {}
        });
        found
    }
}
