//! From a syntax tree to a plan.

use std::collections::HashMap;
use std::sync::Arc;

use super::aggregate::{Aggregation, CountValues};
use super::call::{
    Absent, Elementwise, Negate, OfQuery, ScalarBinary, ScalarChoice, Sort, SortKey, StepTime, Table, VectorScalar,
    VectorVector,
};
use super::histogram::Histogram;
use super::histogram_stats;
use super::histogram_values::OfHistogram;
use super::info::{Info, effective_names};
use super::instant::InstantSelector;
use super::invariant::Invariant;
use super::labels::{Relabel, Rewrite};
use super::query::Root;
use super::range::{AbsentOverTime, RangeCall, Source};
use super::run::{Node, Op};
use super::selector::Selector;
use super::shared::SharedParts;
use super::subquery::Subquery;
use crate::engine::{Grouping, Head, Matching, Memo, Mode};
use crate::labels::{Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher};
use crate::number::math;
use crate::promql::ast::{
    Aggregate, AggregateOp, AtModifier, Binary, BinaryOp, Call, DurationArg, Edge, Expr, ExprKind, UnaryOp, ValueType,
    VectorSelector,
};
use crate::promql::functions::{self, LabelJoin, LabelReplace};
use crate::syntax::{Cardinality, ParseError, VectorMatching, strings};
use crate::text::Span;
use crate::time::Duration;

type Result<T> = std::result::Result<T, ParseError>;

fn unsupported<T>(span: Span, what: &str) -> Result<T> {
    Err(ParseError::new(span, format!("{what} is not supported yet")))
}

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
/// Errors: what is not supported yet, with its place.
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

fn selector(written: &VectorSelector, span: Span, scope: &Scope<'_>) -> Result<Selector> {
    match written.edge {
        Edge::None => {}
        Edge::Anchored => return unsupported(span, "`anchored`"),
        Edge::Smoothed => return unsupported(span, "`smoothed`"),
    }
    Ok(Selector::new(written.matchers.clone(), written.at, scope.offset(written.offset.as_ref())?))
}

/// A range vector: where its samples come from, its range, and whether they are the same at all steps; and whether
/// its value depends on the first step.
fn source(expr: &Expr, scope: &Scope<'_>) -> Result<((Source, Duration), bool, bool)> {
    match &expr.kind {
        ExprKind::Range(range) => {
            let selector = selector(&range.selector, range.selector_span, scope)?;
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
            let selector = selector(written, span, scope)?;
            let fixed = selector.at.is_some();
            let op = Op::Instant(InstantSelector { selector, timestamps: false, nameless: Memo::default() });
            Ok(Compiled { invariant: fixed, wrap: fixed, ..Compiled::varying(span, op) })
        }
        ExprKind::Aggregate(aggregate) => aggregation(aggregate, span, scope),
        ExprKind::Binary(binary) => operator(binary, span, scope),
        ExprKind::Call(call) => function(call, span, scope),
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

/// Functions that a range query evaluates at every step even of the same arguments, because they look at the time.
fn looks_at_time(name: &str) -> bool {
    matches!(
        name,
        "days_in_month"
            | "day_of_month"
            | "day_of_week"
            | "day_of_year"
            | "hour"
            | "minute"
            | "month"
            | "year"
            | "predict_linear"
            | "time"
            | "timestamp"
    )
}

/// The arguments of a call, compiled.
struct Arguments {
    nodes: Vec<Compiled>,
}

impl Arguments {
    fn of<'a>(args: impl IntoIterator<Item = &'a Expr>, scope: &Scope<'_>) -> Result<Arguments> {
        Ok(Arguments { nodes: args.into_iter().map(|arg| node(unwrap(arg), scope)).collect::<Result<_>>()? })
    }

    /// Whether a call with these arguments can be evaluated once.
    fn invariant(&self) -> bool {
        self.nodes.iter().all(|arg| arg.invariant)
    }

    fn first_step(&self) -> bool {
        self.nodes.iter().any(|arg| arg.first_step)
    }

    /// The nodes, each wrapped for itself where the call as a whole is not to be.
    fn into_nodes(self, whole: bool) -> Vec<Node> {
        self.nodes.into_iter().map(|arg| if whole { arg.node } else { arg.wrapped() }).collect()
    }
}

/// The text of a string argument; the parser has checked that it is one.
fn text(args: &[Expr], at: usize) -> &str {
    match args.get(at).map(|arg| &unwrap(arg).kind) {
        Some(ExprKind::String(text)) => text,
        _ => "",
    }
}

fn function(call: &Call, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let name = call.function.name;
    if call.args.iter().any(|arg| arg.value_type() == ValueType::Matrix) {
        return range_function(call, span, scope);
    }
    if name == "timestamp"
        && let Some(ExprKind::Selector(written)) = call.args.first().map(|arg| &unwrap(arg).kind)
    {
        let selector = selector(written, span, scope)?;
        let fixed = selector.at.is_some();
        let op = Op::Instant(InstantSelector { selector, timestamps: true, nameless: Memo::default() });
        return Ok(Compiled { invariant: fixed, wrap: fixed, ..Compiled::varying(span, op) });
    }
    if name == "info" {
        return info(call, span, scope);
    }
    let strings = |expr: &&Expr| expr.value_type() != ValueType::String;
    let args = Arguments::of(call.args.iter().filter(strings), scope)?;
    let invariant = args.invariant() && !looks_at_time(name);
    let first_step = args.first_step();
    let mut nodes = args.into_nodes(invariant).into_iter();
    let missing = || ParseError::new(span, format!("`{name}` has too few arguments"));
    let mut next = || nodes.next().ok_or_else(missing);
    let head = Memo::default();
    let op = match name {
        "time" => Op::Time,
        "start" => Op::OfQuery(OfQuery::Start),
        "end" => Op::OfQuery(OfQuery::End),
        "step" => Op::OfQuery(OfQuery::Step),
        "range" => Op::OfQuery(OfQuery::Range),
        "min_of" => Op::ScalarChoice(Box::new(ScalarChoice { choose: math::min, lhs: next()?, rhs: next()? })),
        "max_of" => Op::ScalarChoice(Box::new(ScalarChoice { choose: math::max, lhs: next()?, rhs: next()? })),
        "pi" => Op::Number(std::f64::consts::PI),
        "vector" => Op::Vector(Box::new(next()?)),
        "scalar" => Op::Scalar(Box::new(next()?)),
        "timestamp" => Op::StepTime(Box::new(StepTime { input: next()?, head })),
        "absent" => {
            let labels = match call.args.first().map(|arg| &unwrap(arg).kind) {
                Some(ExprKind::Selector(written)) => absent_labels(&written.matchers),
                _ => Labels::empty(),
            };
            Op::Absent(Box::new(Absent { input: next()?, head: Arc::new(Head::distinct(vec![labels])) }))
        }
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
            let names = (1..call.args.len()).map(|at| text(&call.args, at).to_owned()).collect();
            let key = if name.starts_with("sort_by_label") { SortKey::Labels(names) } else { SortKey::Value };
            let descending = name.ends_with("_desc");
            Op::Sort(Box::new(Sort { input: next()?, key, descending, sorted: Memo::default() }))
        }
        "label_replace" | "label_join" => {
            let rewrite = rewrite(call).map_err(|message| ParseError::new(span, message))?;
            Op::Relabel(Box::new(Relabel { input: next()?, rewrite, head }))
        }
        "histogram_quantile" | "histogram_fraction" => {
            let mut nodes: Vec<Node> = nodes.collect();
            let input = nodes.pop().ok_or_else(missing)?;
            Op::Histogram(Box::new(Histogram { input, args: nodes, label: None, name, buckets: Memo::default() }))
        }
        "histogram_quantiles" => {
            let label = Some(text(&call.args, 1).to_owned());
            let input = next()?;
            let args = nodes.collect();
            Op::Histogram(Box::new(Histogram { input, args, label, name, buckets: Memo::default() }))
        }
        _ if functions::native_histogram::of_histogram(name).is_some() => {
            let Some(function) = functions::native_histogram::of_histogram(name) else { return Err(missing()) };
            let of_totals = matches!(name, "histogram_count" | "histogram_sum" | "histogram_avg");
            Op::OfHistogram(Box::new(OfHistogram { function, of_totals, input: next()?, head }))
        }
        _ => {
            let Some(function) = functions::elementwise(name) else {
                return unsupported(call.name_span, &format!("`{name}`"));
            };
            let input = match nodes.next() {
                Some(input) => input,
                // Date functions: of the time of the step.
                None => Node { span, op: Op::Vector(Box::new(Node { span, op: Op::Time })) },
            };
            let is_clamp = name == "clamp";
            Op::Elementwise(Box::new(Elementwise { function, input, args: nodes.collect(), is_clamp, head }))
        }
    };
    Ok(Compiled { node: Node { span, op }, invariant, wrap: invariant, first_step })
}

fn info(call: &Call, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let mut args = call.args.iter();
    let Some(of) = args.next().map(unwrap) else {
        return Err(ParseError::new(span, "`info` has too few arguments"));
    };
    let written = match args.next().map(|arg| &arg.kind) {
        Some(ExprKind::Selector(labels)) => Some(labels),
        _ => None,
    };
    let matchers = written.map_or(&[][..], |labels| &labels.matchers);
    let (names, wanted): (Vec<Matcher>, Vec<Matcher>) =
        matchers.iter().cloned().partition(|matcher| &*matcher.name == METRIC_NAME);
    let names = effective_names(&names).map_err(|error| ParseError::new(span, error.to_string()))?;
    let (at, offset) = reference_time(of, scope)?.unwrap_or((None, Duration::ZERO));
    let series = Selector::new(wanted.iter().chain(&names).cloned().collect(), at, offset);
    let input = node(of, scope)?;
    let (invariant, first_step) = (input.invariant && written.is_none(), input.first_step);
    let input = if invariant { input.node } else { input.wrapped() };
    let (tables, known, head) = (Memo::default(), HashMap::new(), Arc::default());
    let op = Op::Info(Box::new(Info { input, series, names, wanted, tables, known, head }));
    Ok(Compiled { node: Node { span, op }, invariant, wrap: invariant, first_step })
}

/// When the first selector of an expression looks at its series: its `@`, or that of the subquery around it, and all offsets
/// up to there (Prometheus `infoSelectTimestampAndOffset`).
fn reference_time(expr: &Expr, scope: &Scope<'_>) -> Result<Option<(Option<AtModifier>, Duration)>> {
    let of_selector = |selector: &VectorSelector| Ok(Some((selector.at, scope.offset(selector.offset.as_ref())?)));
    match &expr.kind {
        ExprKind::Selector(selector) => return of_selector(selector),
        ExprKind::Range(range) => return of_selector(&range.selector),
        ExprKind::Subquery(subquery) => {
            let found = reference_time(&subquery.expr, scope)?;
            let Some((None, offset)) = found else { return Ok(found) };
            return Ok(Some((subquery.at, offset + scope.offset(subquery.offset.as_ref())?)));
        }
        ExprKind::Aggregate(aggregate) => {
            let found = reference_time(&aggregate.expr, scope)?;
            return match &aggregate.param {
                Some(param) if found.is_none() => reference_time(param, scope),
                _ => Ok(found),
            };
        }
        _ => {}
    }
    for child in expr.children() {
        if let Some(found) = reference_time(child, scope)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn rewrite(call: &Call) -> std::result::Result<Rewrite, String> {
    let at = |at| text(&call.args, at);
    if call.function.name == "label_replace" {
        let replace = LabelReplace::new(at(1), at(2), at(3), at(4)).map_err(|error| error.to_string())?;
        return Ok(Rewrite::Replace(replace));
    }
    let sources: Vec<&str> = (3..call.args.len()).map(at).collect();
    Ok(Rewrite::Join(LabelJoin::new(at(1), at(2), &sources).map_err(|error| error.to_string())?))
}

fn range_function(call: &Call, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let name = call.function.name;
    let is_matrix = |arg: &&Expr| arg.value_type() == ValueType::Matrix;
    let Some(matrix) = call.args.iter().find(is_matrix) else {
        return Err(ParseError::new(span, "expected a range vector"));
    };
    let matrix = unwrap(matrix);
    let ((source, range), same, source_first_step) = source(matrix, scope)?;
    let args = Arguments::of(call.args.iter().filter(|arg| !is_matrix(arg)), scope)?;
    let invariant = same && args.invariant() && !looks_at_time(name);
    let first_step = source_first_step || args.first_step();
    if name == "absent_over_time" {
        let labels = match &matrix.kind {
            ExprKind::Range(range) => absent_labels(&range.selector.matchers),
            _ => Labels::empty(),
        };
        let head = Arc::new(Head::distinct(vec![labels]));
        let op = Op::AbsentOverTime(Box::new(AbsentOverTime { source, range, head }));
        return Ok(Compiled { node: Node { span, op }, invariant, wrap: invariant, first_step });
    }
    let Some(function) = functions::range_function(name) else {
        return unsupported(call.name_span, &format!("`{name}`"));
    };
    let call = RangeCall {
        source,
        range,
        function,
        over_columns: functions::column_function(name),
        over_histograms: functions::window_histograms::over_histograms(name),
        place: matrix.span,
        args: args.into_nodes(invariant),
        warns_of_quantiles: name == "quantile_over_time",
        check: (name == "double_exponential_smoothing").then_some(functions::check_factors),
        keeps_name: matches!(name, "last_over_time" | "first_over_time"),
        wants_counter: matches!(name, "rate" | "increase").then_some(matrix.span),
        head: Memo::default(),
    };
    Ok(Compiled { node: Node { span, op: Op::RangeCall(Box::new(call)) }, invariant, wrap: invariant, first_step })
}

/// The labels that a selector fixes by equality, each once (Prometheus `createLabelsForAbsentFunction`).
fn absent_labels(matchers: &[Matcher]) -> Labels {
    let mut labels = LabelsBuilder::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME) {
        if matcher.op == MatchOp::Equal && !seen.contains(&&*matcher.name) {
            labels.set(&matcher.name, &matcher.value);
            seen.push(&matcher.name);
        } else {
            labels.remove(&matcher.name);
        }
    }
    labels.build()
}
