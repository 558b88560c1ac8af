//! Calls of functions.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Compiled, Result, Scope, node, selector, source, unwrap};
use crate::engine::{Head, Memo};
use crate::labels::{Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher};
use crate::number::math;
use crate::promql::ast::{AtModifier, Call, Edge, Expr, ExprKind, ValueType, VectorSelector};
use crate::promql::eval::call::{Absent, Elementwise, OfQuery, ScalarChoice, Sort, SortKey, StepTime};
use crate::promql::eval::histogram::Histogram;
use crate::promql::eval::histogram_values::OfHistogram;
use crate::promql::eval::info::{Info, effective_names};
use crate::promql::eval::instant::{InstantSelector, Yields};
use crate::promql::eval::labels::{Relabel, Rewrite};
use crate::promql::eval::range::{AbsentOverTime, RangeCall, Source};
use crate::promql::eval::run::{Node, Op};
use crate::promql::eval::selector::Selector;
use crate::promql::functions::{self, LabelJoin, LabelReplace};
use crate::syntax::ParseError;
use crate::text::Span;
use crate::time::Duration;

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

pub(super) fn function(call: &Call, span: Span, scope: &Scope<'_>) -> Result<Compiled> {
    let name = call.function.name;
    if call.args.iter().any(|arg| arg.value_type() == ValueType::Matrix) {
        return range_function(call, span, scope);
    }
    let yields = if name == "start_timestamp" { Yields::Start } else { Yields::Time };
    if matches!(name, "timestamp" | "start_timestamp")
        && let Some(ExprKind::Selector(written)) = call.args.first().map(|arg| &unwrap(arg).kind)
    {
        let mut selector = selector(written, scope)?;
        let fixed = selector.at.is_some();
        // Prometheus forgets the offset here (`rangeEvalTimestampFunctionOverVectorSelector`).
        if fixed {
            selector.offset = Duration::ZERO;
        }
        let op = Op::Instant(InstantSelector { selector, yields, nameless: Memo::default() });
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
        "start_timestamp" => Op::Nothing(Box::new(next()?)),
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
                return Err(ParseError::new(call.name_span, format!("`{name}` cannot be evaluated")));
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
    let edge = match &source {
        Source::Series(selector) => selector.edge,
        Source::Subquery(_) => Edge::None,
    };
    if name == "absent_over_time" {
        if let Some(message) = functions::at_edges(name, edge).err().filter(|_| edge != Edge::None) {
            return Ok(Compiled::varying(span, Op::Refused(message)));
        }
        let labels = match &matrix.kind {
            ExprKind::Range(range) => absent_labels(&range.selector.matchers),
            _ => Labels::empty(),
        };
        let head = Arc::new(Head::distinct(vec![labels]));
        let op = Op::AbsentOverTime(Box::new(AbsentOverTime { source, range, head }));
        return Ok(Compiled { node: Node { span, op }, invariant, wrap: invariant, first_step });
    }
    let Some(mut function) = functions::range_function(name) else {
        return Err(ParseError::new(call.name_span, format!("`{name}` cannot be evaluated")));
    };
    let mut over_histograms = functions::window_histograms::over_histograms(name);
    if edge != Edge::None {
        match functions::at_edges(name, edge) {
            Ok(found) => (function, over_histograms) = found,
            Err(message) => return Ok(Compiled::varying(span, Op::Refused(message))),
        }
    }
    let call = RangeCall {
        source,
        range,
        function,
        over_columns: functions::column_function(name),
        over_histograms,
        place: matrix.span,
        args: args.into_nodes(invariant),
        warns_of_quantiles: name == "quantile_over_time",
        check: (name == "double_exponential_smoothing").then_some(functions::check_factors),
        counts_from_starts: matches!(name, "rate" | "increase" | "irate" | "resets"),
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
