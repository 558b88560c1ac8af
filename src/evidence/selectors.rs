//! Streams that are not there: selectors of LogQL that match none, and the streams that come nearest to them.

use crate::labels::Labels;
use crate::logql::ast::{Binary, BinaryOp, Expr, ExprKind, Query, RangeOp, Selector};

/// How many streams are named as the nearest ones.
const NAMED: usize = 3;

/// The first selector without which a query yields nothing and for which `matched` does not hold.
///
/// Of `a or b` one side suffices, unless the other is a constant (`a or vector(0)`); `a unless b` needs only `a`, and
/// `absent_over_time(a)` speaks because `a` is missing.
pub fn unmet_selector<'a>(query: &'a Query, matched: &dyn Fn(&Selector) -> bool) -> Option<&'a Selector> {
    match query {
        Query::Log(query) => Some(&query.selector).filter(|selector| !matched(selector)),
        Query::Metric(expr) => missing_selector(expr, matched),
    }
}

/// As `unmet_selector`, of a metric query.
pub fn missing_selector<'a>(expr: &'a Expr, matched: &dyn Fn(&Selector) -> bool) -> Option<&'a Selector> {
    match &expr.kind {
        ExprKind::RangeAggregate(aggregate) if aggregate.op == RangeOp::AbsentOverTime => None,
        ExprKind::RangeAggregate(aggregate) => {
            Some(&aggregate.range.query.selector).filter(|selector| !matched(selector))
        }
        ExprKind::Binary(binary) => {
            if let Some(side) = deciding_side(binary) {
                return missing_selector(side, matched);
            }
            let lhs = missing_selector(&binary.lhs, matched);
            match binary.op {
                BinaryOp::Or => lhs.and_then(|first| missing_selector(&binary.rhs, matched).map(|_| first)),
                _ => lhs.or_else(|| missing_selector(&binary.rhs, matched)),
            }
        }
        _ => expr.children().into_iter().find_map(|child| missing_selector(child, matched)),
    }
}

/// The side of an operation that decides alone whether there is anything to speak of: the left one of `unless`, and the one of
/// `or` that reads streams where the other one reads none, for a constant is no evidence.
pub fn deciding_side(binary: &Binary) -> Option<&Expr> {
    let reads = |side: &Expr| !side.selectors().is_empty();
    match binary.op {
        BinaryOp::Unless => Some(&binary.lhs),
        BinaryOp::Or => match (reads(&binary.lhs), reads(&binary.rhs)) {
            (true, false) => Some(&binary.lhs),
            (false, true) => Some(&binary.rhs),
            _ => None,
        },
        _ => None,
    }
}

/// The streams that meet the most of a selector's matchers. `None` where none meets any.
pub fn streams_near<'a>(streams: impl IntoIterator<Item = &'a Labels>, selector: &Selector) -> Option<String> {
    let unmet = |labels: &Labels| selector.matchers.iter().filter(|m| !m.matches(labels.get(&m.name))).count();
    let mut streams: Vec<(usize, &Labels)> = streams.into_iter().map(|labels| (unmet(labels), labels)).collect();
    streams.sort();
    streams.dedup();
    let fewest = streams.first().map(|(unmet, _)| *unmet)?;
    // Nothing in common but being streams; where there are few, they are named all the same.
    if fewest == selector.matchers.len() && streams.len() > NAMED {
        return None;
    }
    let near: Vec<String> = streams.iter().filter(|(unmet, _)| *unmet == fewest).map(|(_, l)| l.to_string()).collect();
    let (shown, more) = near.split_at(near.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    Some(format!("{}{more}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::parse;

    #[test]
    fn what_a_query_needs_is_missing() {
        let missing = |text: &str| {
            let query = parse(text).unwrap();
            let there = |selector: &Selector| selector.to_string().contains("there");
            unmet_selector(&query, &there).map(ToString::to_string)
        };
        let gone = Some(r#"{a="gone"}"#.to_owned());
        assert_eq!(missing(r#"{a="there"} | json"#), None);
        assert_eq!(missing(r#"{a="gone"} | json"#), gone);
        assert_eq!(missing(r#"sum(rate({a="there"}[1m])) / sum(rate({a="gone"}[1m]))"#), gone);
        assert_eq!(missing(r#"sum(rate({a="there"}[1m]) or rate({a="gone"}[1m]))"#), None);
        assert_eq!(missing(r#"rate({a="gone"}[1m]) or rate({b="gone"}[1m])"#), gone);
        assert_eq!(missing(r#"rate({a="there"}[1m]) unless rate({a="gone"}[1m])"#), None);
        assert_eq!(missing(r#"absent_over_time({a="gone"}[1m])"#), None);
        assert_eq!(missing(r#"(sum(rate({a="gone"}[1m])) or vector(0)) > 5"#), gone);
        assert_eq!(missing(r#"vector(0) or rate({a="gone"}[1m])"#), gone);
        assert_eq!(missing(r#"rate({a="there"}[1m]) or vector(0)"#), None);
        assert_eq!(missing("vector(1) > 0"), None);
        assert_eq!(missing("vector(1) or vector(0)"), None);
    }

    #[test]
    fn the_nearest_streams_are_named() {
        let streams: Vec<Labels> = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
            .iter()
            .map(|(job, unit)| Labels::from_pairs([("job", *job), ("unit", *unit)]))
            .collect();
        let instead = |text: &str| {
            let Ok(Query::Log(query)) = parse(text) else { panic!("{text}") };
            streams_near(&streams, &query.selector)
        };
        assert_eq!(instead(r#"{job="a", unit="3"}"#).unwrap(), r#"{job="a", unit="1"}, {job="a", unit="2"}"#);
        assert_eq!(instead(r#"{job="c"}"#), None);
        assert_eq!(streams_near([], &Selector { matchers: Vec::new(), span: Default::default() }), None);
    }
}
