//! The parts of an expression whose values explain what it yields, and the labels that tell series apart.

use std::collections::BTreeSet;

use super::condition::Condition;
use crate::labels::{Labels, METRIC_NAME};
use crate::logql::ast as logs;
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::rules::Expression;
use crate::text::Located;

/// What stands on the sides of the operators of an expression, outermost first, each once: of `a / b > 1` that is `a / b`,
/// `a` and `b`. Of an expression without an operator, what its functions and aggregations work on, down to the first
/// vectors. Numbers, strings and ranges are left out; so is the expression itself unless it has no parts.
pub fn operands<'a>(expr: impl Into<Expression<'a>>) -> Vec<Expression<'a>> {
    match expr.into() {
        Expression::Promql(expr) => of_promql(expr).into_iter().map(Expression::from).collect(),
        Expression::Logql(expr) => {
            let mut found: Vec<&logs::Expr> = Vec::new();
            collect_logs(expr, &mut found);
            if found.is_empty() {
                found.push(expr);
            }
            let mut seen: Vec<String> = Vec::new();
            found.retain(|operand| {
                let text = operand.to_string();
                let new = !seen.contains(&text);
                seen.push(text);
                new
            });
            found.into_iter().map(Expression::from).collect()
        }
    }
}

fn collect_logs<'a>(expr: &'a logs::Expr, found: &mut Vec<&'a logs::Expr>) {
    match &expr.kind {
        logs::ExprKind::Binary(binary) => {
            let filters = |side: &logs::Expr| matches!(&side.kind, logs::ExprKind::Binary(b) if b.op.is_comparison() || b.op.is_set());
            let sides = [&binary.lhs, &binary.rhs];
            let valued = |side: &&logs::Expr| !side.selectors().is_empty() && !filters(side);
            found.extend(sides.into_iter().filter(valued));
            for side in sides.into_iter().filter(|side| matches!(side.kind, logs::ExprKind::Binary(_))) {
                collect_logs(side, found);
            }
        }
        logs::ExprKind::VectorAggregate(aggregate) => found.push(&aggregate.expr),
        logs::ExprKind::LabelReplace(replace) => found.push(&replace.expr),
        _ => {}
    }
}

fn of_promql(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    if found.is_empty() && expr.is_vector() {
        found.push(expr);
    }
    let mut seen: Vec<&ExprKind> = Vec::new();
    found.retain(|operand| {
        let new = !seen.iter().any(|kind| same(kind, &operand.kind));
        seen.push(&operand.kind);
        new
    });
    found
}

/// Whether two operands are written alike; their places do not count.
fn same(a: &ExprKind, b: &ExprKind) -> bool {
    let printed = |kind: &ExprKind| Expr { kind: kind.clone(), span: Default::default() }.to_string();
    printed(a) == printed(b)
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => collect(inner, found),
        ExprKind::Binary(binary) => {
            let sides = [&binary.lhs, &binary.rhs];
            let filters =
                |side: &Expr| matches!(&bare(side).kind, ExprKind::Binary(b) if b.op.is_comparison() || b.op.is_set());
            found.extend(sides.into_iter().filter(|side| has_values(side) && !filters(side)).map(bare));
            for side in sides.into_iter().filter(|side| matches!(bare(side).kind, ExprKind::Binary(_))) {
                collect(side, found);
            }
        }
        ExprKind::Call(call) => call.args.iter().for_each(|arg| argument(arg, found)),
        ExprKind::Aggregate(aggregate) => argument(&aggregate.expr, found),
        _ => {}
    }
}

fn argument<'a>(arg: &'a Expr, found: &mut Vec<&'a Expr>) {
    if has_values(arg) {
        found.push(bare(arg));
    }
}

/// Without parentheses.
fn bare(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => bare(inner),
        _ => expr,
    }
}

/// Whether it has values at a tick that are not in the expression itself.
fn has_values(expr: &Expr) -> bool {
    match expr.value_type() {
        ValueType::Vector => true,
        ValueType::Scalar => !expr.selectors().is_empty(),
        ValueType::Matrix | ValueType::String => false,
    }
}

/// A part of an expression as it was written, on one line.
pub fn written<'a>(text: &Located, expr: impl Into<Expression<'a>>) -> String {
    let span = expr.into().span();
    on_one_line(text.value.get(span.start..span.end).unwrap_or_default())
}

/// The comparison without its operand: `> 0`, between backticks.
pub fn compared<'a>(text: &Located, expr: impl Into<Expression<'a>>, condition: &Condition<'_>) -> String {
    let operand = condition.operand.span();
    let between = operand.end..condition.threshold_span.end;
    match text.value.get(between) {
        Some(text) if operand.end <= condition.threshold_span.start => {
            format!("`{}`", on_one_line(text))
        }
        _ => format!("`{}`", written(text, expr)),
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a series can be the one behind an alert: no label of it contradicts the alert's.
pub fn agrees(series: &Labels, alert: &Labels) -> bool {
    series.iter().all(|(name, value)| {
        let other = alert.get(name);
        name == METRIC_NAME || other.is_empty() || other == value
    })
}

/// The labels in which a set differs from others, as `{leg="internal"}`: one of them where it tells all sets apart;
/// nothing where the set is alone.
pub fn distinguishing(labels: &Labels, among: &[&Labels]) -> String {
    let own = labels.filter(|name| among.iter().any(|other| other.get(name) != labels.get(name)));
    let sets = among.iter().collect::<BTreeSet<_>>().len();
    let enough = own.iter().find(|(name, _)| {
        let values: BTreeSet<&str> = among.iter().map(|other| other.get(name)).collect();
        values.len() == sets && !values.contains("")
    });
    let own = enough.map_or(own.clone(), |(name, value)| Labels::from_pairs([(name, value)]));
    if own.is_empty() { String::new() } else { own.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    fn told(text: &str) -> Vec<String> {
        let expr = parse(text).unwrap();
        operands(&expr).iter().map(|operand| text[operand.span().start..operand.span().end].to_owned()).collect()
    }

    #[test]
    fn operands_are_what_operators_stand_between() {
        assert_eq!(told("a / b > 1"), ["a / b", "a", "b"]);
        assert_eq!(told("(a - b) / a < 0.1 and on(x) c"), ["c", "(a - b) / a", "a - b", "a", "b"]);
        assert_eq!(told("sum by (job) (rate(a[5m])) > 0"), ["sum by (job) (rate(a[5m]))"]);
        assert_eq!(told("sum by (job) (rate(a[5m]))"), ["rate(a[5m])"]);
        assert_eq!(told("absent(a)"), ["a"]);
        assert_eq!(told("up"), ["up"]);
        assert_eq!(told("1 + 2"), Vec::<String>::new());
    }

    #[test]
    fn one_label_suffices_where_it_tells_all_sets_apart() {
        let set = |job: &str, path: &str| Labels::from_pairs([("job", job), ("path", path)]);
        let (a, b) = (set("api", "/a"), set("api", "/b"));
        assert_eq!(distinguishing(&a, &[&a, &b]), r#"{path="/a"}"#);
        assert_eq!(distinguishing(&a, &[&a]), "");
    }
}
