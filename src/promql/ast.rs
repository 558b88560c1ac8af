//! The syntax tree of PromQL. Every node knows its place; what a node means is in `promql::parser` (types) and
//! `promql::eval` (values). Shapes follow Prometheus' `promql/parser/ast.go`.

use crate::labels::Matcher;
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

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberLiteral {
    pub value: f64,
    /// Written as a duration (`5m`), which is how it is printed again.
    pub duration: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
    /// `</`: keeps the part of a native histogram below a value (experimental data only).
    TrimUpper,
    /// `>/`: keeps the part of a native histogram above a value.
    TrimLower,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// How elements of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    pub cardinality: Cardinality,
    /// `on` where true, else `ignoring` (also where neither is written).
    pub on: bool,
    pub labels: Vec<String>,
    /// Labels in `group_left(...)` or `group_right(...)`.
    pub include: Vec<String>,
    /// `fill`, `fill_left`, `fill_right` (experimental): values for the side that found no partner.
    pub fill_lhs: Option<f64>,
    pub fill_rhs: Option<f64>,
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
