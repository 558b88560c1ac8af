//! From a syntax tree to a plan.

mod calls;

use std::collections::HashMap;
use std::sync::Arc;

use super::aggregate::{Aggregation, CountValues};
use super::call::{Negate, ScalarBinary, Table, VectorScalar, VectorVector};
use super::histogram_stats;
use super::instant::{InstantSelector, Yields};
use super::invariant::Invariant;
use super::query::Root;
use super::range::Source;
use super::run::{Node, Op};
use super::selector::Selector;
use super::shared::SharedParts;
use super::smoothed::SmoothedSelector;
use super::subquery::Subquery;
use crate::engine::{Grouping, Matching, Memo, Mode};
use crate::promql::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, DurationArg, Edge, Expr, ExprKind, UnaryOp, ValueType, VectorSelector,
};
use crate::syntax::{Cardinality, ParseError, VectorMatching, strings};
use crate::text::Span;
use crate::time::Duration;

type Result<T> = std::result::Result<T, ParseError>;

/// A node, and whether a range query need evaluate it at one step only.
struct Compiled {
    node: Node,
    /// All selectors in it have an `@`, and it does not look at the time (Prometheus `preprocessExprHelper`).
    invariant: bool,
    /// Worth a node of its own that evaluates it once.
    wrap: bool,
    /// See [`Invariant::depends_on_first_step`].
    first_step: bool,
}

impl Compiled {
    fn varying(span: Span, op: Op) -> Compiled {
        Compiled { node: Node { span, op }, invariant: false, wrap: false, first_step: false }
    }

    /// The node, evaluated once where that is enough.
    fn wrapped(self) -> Node {
        if !self.wrap {
            return self.node;
        }
        let invariant = Invariant { inner: self.node, depends_on_first_step: self.first_step };
        Node { span: invariant.inner.span, op: Op::Invariant(Box::new(invariant)) }
    }
}

/// The plan of a whole expression.
///
/// Errors: what cannot be evaluated, with its place.
pub fn compile(expr: &Expr, scope: &Scope<'_>) -> Result<Root> {
    let inner = unwrap(expr);
    match &inner.kind {
        ExprKind::String(text) => Ok(Root::Text(text.clone())),
        ExprKind::Range(_) | ExprKind::Subquery(_) => Ok(match source(inner, scope)?.0 {
            (Source::Series(selector), range) => Root::Range { selector: Box::new(selector), range },
            (Source::Subquery(subquery), _) => Root::Subquery(subquery),
        }),
        _ => {
            let mut root = node(expr, scope)?.wrapped();
            histogram_stats::mark(&mut root, false);
            Ok(Root::Node(root))
        }
    }
}

fn unwrap(mut expr: &Expr) -> &Expr {
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    expr
}

/// What the parts of an expression are compiled for.
pub struct Scope<'a> {
    pub parts: &'a SharedParts,
    /// `step()` and `range()` in durations: those of the query, also below a subquery.
    step: Duration,
    range: Duration,
}

impl<'a> Scope<'a> {
    pub fn new(parts: &'a SharedParts, mode: Mode) -> Scope<'a> {
        match mode {
            Mode::Instants => Scope { parts, step: Duration::ZERO, range: Duration::ZERO },
            Mode::Range { start, end, step } => Scope { parts, step, range: end - start },
        }
    }

    fn duration(&self, arg: &DurationArg) -> Result<Duration> {
        arg.length(self.step, self.range, false)
    }

    fn offset(&self, arg: Option<&DurationArg>) -> Result<Duration> {
        arg.map_or(Ok(Duration::ZERO), |arg| arg.length(self.step, self.range, true))
    }
}

fn selector(written: &VectorSelector, scope: &Scope<'_>) -> Result<Selector> {
    let mut selector = Selector::new(written.matchers.clone(), written.at, scope.offset(written.offset.as_ref())?);
    selector.edge = written.edge;
    Ok(selector)
}

/// A range vector: where its samples come from, its range, and whether they are the same at all steps; and whether
/// its value depends on the first step.
fn source(expr: &Expr, scope: &Scope<'_>) -> Result<((Source, Duration), bool, bool)> {
    match &expr.kind {
        ExprKind::Range(range) => {
            let selector = selector(&range.selector, scope)?;
            let invariant = selector.at.is_some();
            Ok(((Source::Series(selector), scope.duration(&range.range)?), invariant, false))
        }
        ExprKind::Subquery(subquery) => {
            let mut inner = node(&subquery.expr, scope)?;
            inner.wrap = inner.invariant;
            let first_step = inner.first_step;
            let range = scope.duration(&subquery.range)?;
            let source = Subquery {
                inner: inner.wrapped(),
                range,
                step: subquery.step.as_ref().map(|step| scope.duration(step)).transpose()?,
                at: subquery.at,
                offset: scope.offset(subquery.offset.as_ref())?,
            };
            Ok(((Source::Subquery(Box::new(source)), range), subquery.at.is_some(), first_step))
        }
        _ => Err(ParseError::new(expr.span, "expected a range vector")),
    }
}

/// A part, or this query's place in it where it is shared.
fn node(expr: &Expr, scope: &Scope<'_>) -> Result<Compiled> {
    let Some(part) = scope.parts.get(&expr.span) else { return own_node(expr, scope) };
    // Parts are shared by instant queries, which evaluate nothing at their first step only.
    let reader = part.join(expr, || own_node(expr, scope).map(|compiled| compiled.node))?;
    Ok(Compiled::varying(expr.span, Op::Shared(reader)))
}

fn own_node(expr: &Expr, scope: &Scope<'_>) -> Result<Compiled> {
    let span = expr.span;
    match &expr.kind {
        ExprKind::Number(number) => {
            Ok(Compiled { invariant: true, ..Compiled::varying(span, Op::Number(number.value)) })
        }
        ExprKind::Paren(inner) => node(inner, scope),
        ExprKind::Unary { op, expr: inner } => {
            let operand = node(inner, scope)?;
            if *op == UnaryOp::Plus {
                return Ok(operand);
            }
            let is_scalar = inner.value_type() == ValueType::Scalar;
            let negate = Negate { input: operand.node, is_scalar, head: Memo::default() };
            Ok(Compiled { node: Node { span, op: Op::Negate(Box::new(negate)) }, ..operand })
        }
        ExprKind::Selector(written) => {
            let selector = selector(written, scope)?;
            let fixed = selector.at.is_some();
            let op = if selector.edge == Edge::Smoothed {
                Op::Smoothed(Box::new(SmoothedSelector { selector }))
            } else {
                Op::Instant(InstantSelector { selector, yields: Yields::Value, nameless: Memo::default() })
            };
            Ok(Compiled { invariant: fixed, wrap: fixed, ..Compiled::varying(span, op) })
        }
        ExprKind::Aggregate(aggregate) => aggregation(aggregate, span, scope),
        ExprKind::Binary(binary) => operator(binary, span, scope),
        ExprKind::Call(call) => calls::function(call, span, scope),
        ExprKind::String(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => {
            let found = expr.value_type();
            Err(ParseError::new(span, format!("expected a scalar or an instant vector, got {found}")))
        }
    }
}

fn aggregation(aggregate: &Aggregate, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let op = aggregate.op;
    let input = node(unwrap(&aggregate.expr), scope)?;
    let mut grouping = Grouping { labels: aggregate.grouping.clone(), without: aggregate.without };
    let (invariant, wrap, mut first_step) = (input.invariant, input.wrap, input.first_step);
    let op = match (op, aggregate.param.as_ref().map(unwrap)) {
        (AggregateOp::CountValues, Some(Expr { kind: ExprKind::String(label), span: place })) => {
            if label.is_empty() || strings::has_raw_bytes(label) {
                return Err(ParseError::new(*place, format!("invalid label name {}", strings::quoted(label))));
            }
            if !grouping.without {
                grouping.labels.push(label.clone());
            }
            Op::CountValues(Box::new(CountValues {
                label: label.clone(),
                grouping,
                input: input.node,
                known: HashMap::new(),
                places: Vec::new(),
                head: Arc::default(),
            }))
        }
        (_, param) => {
            let param = param.map(|param| node(param, scope)).transpose()?;
            first_step |= param.as_ref().is_some_and(|param| !param.invariant);
            let aggregation = Aggregation {
                op,
                grouping,
                param: param.map(|param| param.node),
                input: input.node,
                groups: Memo::default(),
                places: Memo::default(),
            };
            Op::Aggregate(Box::new(aggregation))
        }
    };
    Ok(Compiled { node: Node { span, op }, invariant, wrap, first_step })
}

fn operator(binary: &Binary, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let (lhs, rhs) = (node(&binary.lhs, scope)?, node(&binary.rhs, scope)?);
    let invariant = lhs.invariant && rhs.invariant;
    let first_step = lhs.first_step || rhs.first_step;
    let (lhs, rhs) = if invariant { (lhs.node, rhs.node) } else { (lhs.wrapped(), rhs.wrapped()) };
    let vectors = (binary.lhs.is_vector(), binary.rhs.is_vector());
    let op = match vectors {
        (false, false) => Op::ScalarBinary(Box::new(ScalarBinary { op: binary.op, lhs, rhs })),
        (true, true) => {
            let matching = binary.matching.clone().unwrap_or_else(|| default_matching(binary.op));
            let table = if binary.op.is_set() { Table::Set(Memo::default()) } else { Table::Join(Matching::default()) };
            let return_bool = binary.return_bool;
            Op::VectorVector(Box::new(VectorVector { op: binary.op, return_bool, matching, lhs, rhs, table }))
        }
        (_, swapped) => {
            let (vector, scalar) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
            let return_bool = binary.return_bool;
            let head = Memo::default();
            let op = binary.op;
            Op::VectorScalar(Box::new(VectorScalar { op, return_bool, vector, scalar, swapped, head }))
        }
    };
    Ok(Compiled { node: Node { span, op }, invariant, wrap: invariant, first_step })
}

fn default_matching(op: BinaryOp) -> VectorMatching {
    VectorMatching {
        cardinality: if op.is_set() { Cardinality::ManyToMany } else { Cardinality::OneToOne },
        on: false,
        labels: Vec::new(),
        include: Vec::new(),
        fill_lhs: None,
        fill_rhs: None,
    }
}
