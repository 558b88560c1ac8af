//! What is not there: selectors that match no series, and the series that come nearest to them.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::engine::Matrix;
use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher};
use crate::promql::ast::{BinaryOp, DurationArg, Expr, ExprKind, VectorSelector};
use crate::rules::{Expression, Group, Query, Rule, RuleRef, Writers};
use crate::store::{LogStore, MetricStore};
use crate::text::{Located, Span, nearest};
use crate::time::Duration;

use super::streams::missing_stream;
use super::unfiltered::{deciding_side, unfiltered};
use super::{Place, Reason};

/// How many series are named as the nearest ones.
const NAMED: usize = 3;

/// A selector that an expression needs and that matched nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing<'a> {
    pub selector: &'a VectorSelector,
    /// Where it stands in the expression.
    pub span: Span,
}

/// The first selector without which `expr` yields nothing and for which `matched` does not hold.
///
/// Of `a or b` one side suffices, unless the other is a constant (`a or vector(0)`); `a unless b` needs only `a`, and `absent(a)`
/// speaks because `a` is missing. Everything else needs all of its parts.
pub fn missing<'a>(expr: &'a Expr, matched: &dyn Fn(&VectorSelector) -> bool) -> Option<Missing<'a>> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => None,
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => missing(inner, matched),
        ExprKind::Selector(selector) => (!matched(selector)).then_some(Missing { selector, span: expr.span }),
        ExprKind::Range(range) => {
            (!matched(&range.selector)).then_some(Missing { selector: &range.selector, span: range.selector_span })
        }
        ExprKind::Subquery(subquery) => missing(&subquery.expr, matched),
        ExprKind::Aggregate(aggregate) => missing(&aggregate.expr, matched),
        ExprKind::Call(call) if matches!(call.function.name, "absent" | "absent_over_time") => None,
        ExprKind::Call(call) => call.args.iter().find_map(|arg| missing(arg, matched)),
        ExprKind::Binary(binary) => {
            if let Some(side) = deciding_side(binary) {
                return missing(side, matched);
            }
            let lhs = missing(&binary.lhs, matched);
            match binary.op {
                BinaryOp::Or => lhs.and_then(|first| missing(&binary.rhs, matched).map(|_| first)),
                _ => lhs.or_else(|| missing(&binary.rhs, matched)),
            }
        }
    }
}

/// Whether an expression waits for a rule to speak: one of its selectors matches no series, but a rule that has all that
/// itself needs may write some, such as `ALERTS` of an alert that stayed silent. `open` evaluates an expression at the
/// ticks of a rule; `None` where that cannot be done.
pub fn waits_for_a_rule(
    expr: &Expr,
    groups: &[Group],
    logs: &LogStore,
    matched: &dyn Fn(&VectorSelector) -> bool,
    open: &dyn Fn(RuleRef, &Expr) -> Option<Matrix>,
) -> bool {
    let places = |(group, held): (usize, &Group)| (0..held.rules.len()).map(move |rule| RuleRef { group, rule });
    let places: Vec<RuleRef> = groups.iter().enumerate().flat_map(places).collect();
    let rules: Vec<&Rule> = groups.iter().flat_map(|group| &group.rules).collect();
    let writers = Writers::new(&rules);
    let (speaks, opened) = (RefCell::default(), RefCell::default());
    let rules = Speakers { rules: &rules, places, writers, logs, open, speaks, opened };
    expr.selectors().iter().any(|(selector, _)| !matched(selector) && rules.may_write(selector, matched))
}

/// Rules, and which of them have all that they need.
struct Speakers<'a> {
    rules: &'a [&'a Rule],
    places: Vec<RuleRef>,
    writers: Writers<'a>,
    logs: &'a LogStore,
    open: &'a dyn Fn(RuleRef, &Expr) -> Option<Matrix>,
    /// What is known of them so far.
    speaks: RefCell<HashMap<usize, bool>>,
    /// The labels of what they have when nothing is filtered by value, as far as it was asked.
    opened: RefCell<HashMap<usize, Vec<Labels>>>,
}

impl Speakers<'_> {
    fn may_write(&self, selector: &VectorSelector, matched: &dyn Fn(&VectorSelector) -> bool) -> bool {
        let there = |selector: &VectorSelector| matched(selector) || self.may_write(selector, matched);
        self.writers.of(&selector.matchers).any(|writer| {
            if !self.may_carry(writer, selector) {
                return false;
            }
            let known = self.speaks.borrow().get(&writer).copied();
            known.unwrap_or_else(|| {
                // Rules that read each other speak only if another one does.
                self.speaks.borrow_mut().insert(writer, false);
                let speaks_itself = match &self.rules[writer].query {
                    Query::Promql(expr) => missing(expr, &there).is_none(),
                    Query::Logql(expr) => missing_stream(expr, self.logs).is_none(),
                    Query::Metricsql => false,
                };
                self.speaks.borrow_mut().insert(writer, speaks_itself);
                speaks_itself
            })
        })
    }

    /// Whether what a rule writes may have the labels that a selector asks for, those aside that the rule itself gives.
    fn may_carry(&self, writer: usize, selector: &VectorSelector) -> bool {
        let rule = self.rules[writer];
        let given = |name: &str| {
            name == METRIC_NAME
                || (rule.is_alert() && matches!(name, "alertname" | "alertstate"))
                || rule.labels.iter().any(|(label, _)| **label == *name)
        };
        let asked: Vec<&Matcher> = selector.matchers.iter().filter(|matcher| !given(&matcher.name)).collect();
        if asked.is_empty() {
            return true;
        }
        let mut opened = self.opened.borrow_mut();
        let has = opened.entry(writer).or_insert_with(|| {
            let open = rule.promql().and_then(unfiltered);
            let matrix = open.and_then(|open| (self.open)(self.places[writer], &open));
            matrix.iter().flat_map(Matrix::valued).map(|column| column.labels.clone()).collect()
        });
        // A rule that has nothing may itself wait for another one.
        has.is_empty()
            || has.iter().any(|labels| asked.iter().all(|matcher| matcher.matches(labels.get(&matcher.name))))
    }
}

/// What there is instead of the series of a selector: those of its metric that meet the most of its matchers, else a
/// metric whose name is spelt nearly so. `None` where nothing is near.
pub fn instead(store: &MetricStore, selector: &VectorSelector) -> Option<String> {
    let held = || store.iter().filter(|series| !series.times.is_empty()).map(|series| &series.labels);
    let named = |matcher: &&Matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal;
    let name = selector.matchers.iter().find(named).map(|matcher| matcher.value.clone());
    let unmet = |labels: &Labels| selector.matchers.iter().filter(|m| !m.matches(labels.get(&m.name))).count();
    let of_metric: Vec<&Labels> = match &name {
        Some(name) => held().filter(|labels| labels.name() == &**name).collect(),
        None => held().collect(),
    };
    let Some(fewest) = of_metric.iter().map(|labels| unmet(labels)).min() else {
        let near = nearest(&name?, held().map(Labels::name))?.to_owned();
        return Some(near);
    };
    // Nothing in common but being series.
    if name.is_none() && fewest == selector.matchers.len() {
        return None;
    }
    let nearest: Vec<String> =
        of_metric.iter().filter(|labels| unmet(labels) == fewest).map(|labels| labels.as_metric()).collect();
    let (shown, more) = nearest.split_at(nearest.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    Some(format!("{}{more}", shown.join(", ")))
}

/// Why something that is compared has no value at any tick: a window that is too short for its scrapes, if that is it.
pub fn no_value<'a>(store: &MetricStore, expr: &Located, operand: impl Into<Expression<'a>>, text: &str) -> Reason {
    let operand = operand.into();
    let mut short = None;
    let promql = match operand {
        Expression::Promql(expr) => Some(expr),
        Expression::Logql(_) => None,
    };
    promql.into_iter().for_each(|operand| {
        operand.walk(&mut |expr: &Expr| {
            if let ExprKind::Range(range) = &expr.kind
                && let DurationArg::Literal(width) = range.range
            {
                let apart = store
                    .select(&range.selector.matchers)
                    .iter()
                    .filter_map(|id| store.series(*id).times.windows(2).map(|pair| pair[1] - pair[0]).min())
                    .min();
                if let Some(apart) = apart.filter(|apart| *apart >= width) {
                    short = Some((expr.span, width, apart));
                }
            }
        })
    });
    match short {
        Some((span, width, apart)) => Reason {
            place: Some(Place::within(expr, span)),
            text: format!(
                "a window of {width} holds fewer than two samples, which are {apart} apart: {text} has no value; use at least [{}]",
                Duration(apart.0 * 4)
            ),
        },
        None => {
            let mut constant = "";
            promql.into_iter().for_each(|operand| {
                operand.walk(&mut |part: &Expr| match &part.kind {
                    ExprKind::Binary(binary) if binary.op == BinaryOp::Or && deciding_side(binary).is_some() => {
                        constant = " but for its constant";
                    }
                    _ => {}
                });
            });
            Reason {
                place: Some(Place::within(expr, operand.span())),
                text: format!("{text} has no value at any tick{constant}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{parse, parse_series};
    use crate::store::Moment;
    use crate::time::Timestamp;

    #[test]
    fn what_an_expression_needs_is_missing() {
        let missing = |text: &str| {
            let expr = parse(text).unwrap();
            missing(&expr, &|selector| selector.name != "gone").map(|m| text[m.span.start..m.span.end].to_owned())
        };
        assert_eq!(missing("rate(gone[5m]) > 0").as_deref(), Some("gone"));
        assert_eq!(missing("a / gone > 0").as_deref(), Some("gone"));
        assert_eq!(missing("a or gone"), None);
        assert_eq!(missing("(sum(gone) or vector(0)) > 5").as_deref(), Some("gone"));
        assert_eq!(missing("vector(0) or gone").as_deref(), Some("gone"));
        assert_eq!(missing("a or vector(0)"), None);
        assert_eq!(missing("vector(1) or vector(0)"), None);
        assert_eq!(missing("a unless gone"), None);
        assert_eq!(missing("absent(gone)"), None);
    }

    #[test]
    fn the_nearest_series_meet_the_most_matchers() {
        let mut store = MetricStore::default();
        for series in ["node_load1{instance=\"b\",job=\"node\"}", "node_load1{instance=\"c\"}", "up{job=\"node\"}"] {
            let id = store.id_or_create(&parse_series(series).unwrap());
            store.append(id, Timestamp(0), 1.0, Moment::arrival(Timestamp(0))).unwrap();
        }
        let told = |text: &str| {
            let expr = parse(text).unwrap();
            instead(&store, expr.selectors()[0].0)
        };
        let b = r#"node_load1{instance="b", job="node"}"#;
        assert_eq!(told(r#"node_load1{instance="a", job="node"}"#).as_deref(), Some(b));
        let both = format!(r#"{b}, node_load1{{instance="c"}}"#);
        assert_eq!(told(r#"node_load1{instance="a"}"#).as_deref(), Some(&*both));
        assert_eq!(told("node_laod1").as_deref(), Some("node_load1"));
        assert_eq!(told("disk_free"), None);
    }
}
