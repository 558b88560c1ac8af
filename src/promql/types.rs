//! Checks that every operator and function gets the types that it takes (Prometheus `promql/parser/parse.go`,
//! `checkAST`). The first error in the order of the text is returned.

use super::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, ValueType, VectorMatching,
    VectorSelector,
};
use super::parser::{with_article, wrong_type};
use crate::labels::METRIC_NAME;
use crate::syntax::ParseError;
use crate::text::Span;

/// Checks a tree and returns the type of its value. Matching is dropped from operators that do not join two vectors.
pub(super) fn check(expr: &mut Expr) -> Result<ValueType, ParseError> {
    match &mut expr.kind {
        ExprKind::Number(_) => Ok(ValueType::Scalar),
        ExprKind::String(_) => Ok(ValueType::String),
        ExprKind::Paren(inner) => check(inner),
        ExprKind::Unary { expr: inner, op } => match check(inner)? {
            found @ (ValueType::Scalar | ValueType::Vector) => Ok(found),
            found => Err(wrong_type(expr.span, ValueType::Vector, &format!("the sign `{op}`"), found)),
        },
        ExprKind::Binary(binary) => check_binary(binary, expr.span),
        ExprKind::Call(call) => check_call(call, expr.span),
        ExprKind::Aggregate(aggregate) => check_aggregate(aggregate),
        ExprKind::Selector(selector) => check_selector(selector, expr.span, false).map(|()| ValueType::Vector),
        ExprKind::Range(range) => {
            check_selector(&range.selector, range.selector_span, false).map(|()| ValueType::Matrix)
        }
        ExprKind::Subquery(subquery) => match check(&mut subquery.expr)? {
            ValueType::Vector => Ok(ValueType::Matrix),
            found => {
                let error = wrong_type(expr.span, ValueType::Vector, "a subquery", found);
                Err(if found == ValueType::Scalar { error.hint("wrap it: vector(...)[5m:]") } else { error })
            }
        },
    }
}

fn check_aggregate(aggregate: &mut Aggregate) -> Result<ValueType, ParseError> {
    let op = aggregate.op;
    let found = check(&mut aggregate.expr)?;
    if found != ValueType::Vector {
        let error = wrong_type(aggregate.expr.span, ValueType::Vector, &format!("`{op}`"), found);
        return Err(match found {
            ValueType::Matrix if aggregate_over_time(op).is_some() => error.hint(format!(
                "to aggregate over time write {}(x[5m]); to aggregate over series remove the range, or take a rate: \
                 {op}(rate(x[5m]))",
                aggregate_over_time(op).unwrap_or_default()
            )),
            ValueType::Matrix => error.hint(format!("remove the range, or take a rate: {op}(rate(x[5m]))")),
            ValueType::Scalar => error.hint("wrap it: vector(...)"),
            _ => error,
        });
    }
    if let (Some(wanted), Some(param)) = (op.param_type(), &mut aggregate.param) {
        let found = check(param)?;
        if found != wanted {
            let error = wrong_type(param.span, wanted, &format!("the first argument of `{op}`"), found);
            return Err(match wanted {
                ValueType::String => error.hint("it names the label for the values: count_values(\"version\", build)"),
                _ => error.hint(format!("it is a number: {op}(5, up)")),
            });
        }
    }
    Ok(ValueType::Vector)
}

fn aggregate_over_time(op: AggregateOp) -> Option<&'static str> {
    Some(match op {
        AggregateOp::Sum => "sum_over_time",
        AggregateOp::Avg => "avg_over_time",
        AggregateOp::Count => "count_over_time",
        AggregateOp::Min => "min_over_time",
        AggregateOp::Max => "max_over_time",
        AggregateOp::Stddev => "stddev_over_time",
        AggregateOp::Stdvar => "stdvar_over_time",
        _ => return None,
    })
}

fn check_binary(binary: &mut Binary, span: Span) -> Result<ValueType, ParseError> {
    let left = check(&mut binary.lhs)?;
    let right = check(&mut binary.rhs)?;
    let Binary { op, op_span, lhs, rhs, return_bool, matching } = &*binary;
    let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    if *return_bool && !op.is_comparison() {
        return Err(ParseError::new(*op_span, format!("`bool` stands behind a comparison, not behind `{op}`"))
            .hint("remove it"));
    }
    if op.is_comparison() && !return_bool && scalars {
        return Err(ParseError::new(*op_span, "a comparison of two scalars needs `bool`: there is nothing to filter")
            .hint(format!("write `vector({lhs}) {op} {rhs}`, which filters, or `{op} bool`, which yields 0 or 1")));
    }
    if let Some(matching) = matching
        && let Some(label) = matching.labels.iter().find(|label| matching.on && matching.include.contains(label))
    {
        return Err(ParseError::new(*op_span, format!("the label `{label}` is in `on` and in the group at once"))
            .hint("labels in `on` are kept anyway; remove it from the group"));
    }
    for (side, found) in [(lhs, left), (rhs, right)] {
        if !matches!(found, ValueType::Scalar | ValueType::Vector) {
            let message = format!("`{op}` works on scalars and instant vectors, not on {}", with_article(found));
            let error = ParseError::new(side.span, message);
            return Err(if found == ValueType::Matrix {
                error.hint("wrap the range in a function, such as rate(...) or avg_over_time(...)")
            } else {
                error
            });
        }
    }
    let vectors = left == ValueType::Vector && right == ValueType::Vector;
    if let Some(matching) = matching {
        check_matching(*op, matching, vectors, span)?;
    }
    if op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
        return Err(ParseError::new(span, format!("`{op}` works on two instant vectors, not on a scalar"))
            .hint("wrap the scalar: vector(...)"));
    }
    if !vectors {
        binary.matching = None;
    }
    Ok(if scalars { ValueType::Scalar } else { ValueType::Vector })
}

fn check_matching(op: BinaryOp, matching: &VectorMatching, vectors: bool, span: Span) -> Result<(), ParseError> {
    let fills = matching.fill_lhs.is_some() || matching.fill_rhs.is_some();
    let grouped = matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany);
    let problem = if !vectors && !matching.labels.is_empty() {
        Some("series are matched between two instant vectors only".to_owned())
    } else if !vectors && fills {
        Some("series are filled in between two instant vectors only".to_owned())
    } else if vectors && op.is_set() && grouped {
        Some(format!("`{op}` takes no `group_left` and no `group_right`: it matches many to many"))
    } else if vectors && op.is_set() && fills {
        Some(format!("`{op}` takes no `fill`"))
    } else {
        None
    };
    problem.map_or(Ok(()), |message| Err(ParseError::new(span, message)))
}

fn check_call(call: &mut Call, span: Span) -> Result<ValueType, ParseError> {
    let function = call.function;
    let name = function.name;
    let count = call.args.len();
    let wanted = match (function.min_args(), function.max_args()) {
        (min, _) if count < min && function.variadic != 0 => Some(format!("at least {min}")),
        (_, Some(max)) if count > max && function.variadic != 0 => Some(format!("at most {max}")),
        (min, max) if count < min || max.is_some_and(|max| count > max) => Some(min.to_string()),
        _ => None,
    };
    if let Some(wanted) = wanted {
        let types: Vec<String> = function.args.iter().map(ToString::to_string).collect();
        let hint = if types.is_empty() { "nothing".to_owned() } else { types.join(", ") };
        return Err(ParseError::new(span, format!("`{name}` takes {wanted} argument(s), not {count}"))
            .hint(format!("it takes: {hint}")));
    }
    if name == "info" {
        check_info(call)?;
    }
    for (at, arg) in call.args.iter_mut().enumerate() {
        let found = match &arg.kind {
            // The second argument of `info` may match everything.
            ExprKind::Selector(selector) if name == "info" && at == 1 => {
                check_selector(selector, arg.span, true).map(|()| ValueType::Vector)?
            }
            _ => check(arg)?,
        };
        let Some(wanted) = function.arg_type(at) else { continue };
        if found != wanted {
            return Err(wrong_argument(name, arg, wanted, found));
        }
    }
    Ok(function.returns)
}

fn wrong_argument(name: &str, arg: &Expr, wanted: ValueType, found: ValueType) -> ParseError {
    let error = wrong_type(arg.span, wanted, &format!("`{name}`"), found);
    match (wanted, found) {
        (ValueType::Matrix, ValueType::Vector) => match &arg.kind {
            ExprKind::Selector(_) => error.hint(format!("add a range: {name}({arg}[5m])")),
            _ => error.hint(format!("a range of an expression is a subquery: {name}((...)[5m:])")),
        },
        (ValueType::Vector, ValueType::Matrix) => error.hint("remove the range, or wrap it in a function over time"),
        (ValueType::Vector, ValueType::Scalar) => error.hint(format!("wrap it: {name}(vector(...))")),
        (ValueType::Scalar, ValueType::Vector) => error.hint("wrap it: scalar(...)"),
        (ValueType::String, _) => error.hint("write it in quotes"),
        _ => error,
    }
}

/// The second argument of `info` is a selector without a name: it selects labels.
fn check_info(call: &Call) -> Result<(), ParseError> {
    let Some(arg) = call.args.get(1) else { return Ok(()) };
    match &arg.kind {
        ExprKind::Selector(selector) if selector.name.is_empty() => Ok(()),
        _ => Err(ParseError::new(arg.span, "the second argument of `info` selects labels, without a metric's name")
            .hint("write matchers alone: info(up, {version=~\".+\"})")),
    }
}

fn check_selector(selector: &VectorSelector, span: Span, may_match_all: bool) -> Result<(), ParseError> {
    if !selector.name.is_empty() {
        let written = selector.matchers.split_last().map_or(&[][..], |(_, written)| written);
        if let Some(other) = written.iter().find(|matcher| &*matcher.name == METRIC_NAME) {
            let message = format!("the metric's name is given twice: `{}` and `{other}`", selector.name);
            return Err(ParseError::new(span, message).hint("write it once, before the braces or inside"));
        }
        return Ok(());
    }
    if may_match_all || selector.matchers.iter().any(|matcher| !matcher.matches("")) {
        return Ok(());
    }
    Err(ParseError::new(span, "the selector matches every series: none of its matchers needs a label to be there")
        .hint("add a metric's name, or a matcher that an absent label does not meet, such as job=~\".+\""))
}
