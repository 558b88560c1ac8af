//! What a rule in LogQL could speak of: the streams that it needs, those that there are instead, and its series with nothing
//! filtered.

use crate::engine::{Column, Matrix, Steps};
use crate::labels::{Labels, MatchOp, Matcher};
use crate::logql::ast::{Expr, ExprKind, LabelFilter, LabelFilterKind, LogRange, RangeOp, Selector, Stage, StageKind};
use crate::logql::pipeline::ERROR;
use crate::rules::evaluate_logs;
use crate::store::LogStore;
use crate::text::{Located, Span};

use super::selectors::{deciding_side, missing_selector, streams_near};
use super::{Place, Reason};

/// The first stream selector without which an expression yields nothing and that no stream with entries meets.
pub fn missing_stream<'a>(expr: &'a Expr, logs: &LogStore) -> Option<&'a Selector> {
    missing_selector(expr, &|selector| logs.select(&selector.matchers).iter().any(|stream| !stream.is_empty()))
}

/// Why an expression has nothing to read: a stream that it needs is not there.
pub fn no_stream(logs: &LogStore, text: &Located, expr: &Expr) -> Option<Reason> {
    unmet_stream(logs, text, missing_stream(expr, logs)?)
}

/// Why a selector selects nothing: `None` where it does not.
pub fn unmet_stream(logs: &LogStore, text: &Located, selector: &Selector) -> Option<Reason> {
    if logs.select(&selector.matchers).iter().any(|stream| !stream.is_empty()) {
        return None;
    }
    let shown = shown(text, selector.span);
    let streams = logs.streams();
    let held = streams.iter().filter(|stream| !stream.is_empty()).map(|stream| stream.labels());
    let there = match streams_near(held, selector) {
        Some(there) => format!("; there is {there}"),
        None if logs.entries() == 0 => "; there are no log lines at all".to_owned(),
        None => String::new(),
    };
    let place = Some(Place::within(text, selector.span));
    Some(Reason { place, text: format!("no stream with lines matches {shown}{there}") })
}

/// The label sets that an expression could have spoken of; `None` where that cannot be told. `evaluate` yields the values at all
/// steps that matter.
pub fn could_speak_of(expr: &Expr, evaluate: &dyn Fn(&Expr) -> Option<Matrix>) -> Option<Vec<Labels>> {
    // What a stage fails on fails the rule, unless nobody needs the stage: then it is not run, and there is no error.
    for flawless in [true, false] {
        let matrix = evaluate(&unfiltered_logs(expr, flawless)?)?;
        let holds = |column: &Column<'_>| column.iter().any(|(step, _)| !matrix.errors.contains_key(&step));
        let seen: Vec<Labels> = matrix.columns().filter(holds).map(|column| column.labels.clone()).collect();
        if !seen.is_empty() {
            return Some(seen);
        }
    }
    Some(Vec::new())
}

/// Why an expression whose streams have lines yields nothing all the same.
pub fn no_entry(logs: &LogStore, text: &Located, expr: &Expr, steps: &Steps) -> Reason {
    let mut reason = None;
    expr.walk(&mut |part: &Expr| {
        let ExprKind::RangeAggregate(aggregate) = &part.kind else { return };
        let range = &aggregate.range;
        let mut count = aggregate.clone();
        (count.op, count.param, count.grouping, count.range.unwrap) = (RangeOp::CountOverTime, None, None, None);
        count.range.query.stages.clear();
        let count = Expr { kind: ExprKind::RangeAggregate(count), span: part.span };
        let Ok(lines) = evaluate_logs(&count, logs, steps) else { return };
        let (selector, query) = (shown(text, range.query.selector.span), shown(text, range.query.span));
        if lines.count() == 0 {
            reason.get_or_insert_with(|| {
                (
                    part.span,
                    format!("{selector} has lines, but none of them in a window of {} at any evaluation", range.range),
                )
            });
        } else if could_speak_of(part, &|open| evaluate_logs(open, logs, steps).ok())
            .is_some_and(|seen| seen.is_empty())
        {
            let why = match &range.unwrap {
                Some(unwrap) => {
                    format!("no line of {query} has a number in `{}`, whatever it is filtered by", unwrap.label)
                }
                None => format!("no line of {selector} gets through {query}, also where nothing is filtered"),
            };
            reason.get_or_insert((part.span, why));
        }
    });
    let (span, told) =
        reason.unwrap_or_else(|| (expr.span, format!("{} has no value at any evaluation", shown(text, expr.span))));
    Reason { place: Some(Place::within(text, span)), text: told }
}

fn shown(text: &Located, span: Span) -> String {
    let written = text.value.get(span.start..span.end).unwrap_or_default();
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An expression with nothing filtered, by value or by what a line says: comparisons yield 0 or 1, `unless` takes nothing away, what
/// `or` puts in the place of missing series (`or vector(0)`) is gone, and line filters and label filters are gone, but for those that ask for errors. What it yields is every series that the
/// alert could be about. With `flawless`, what a stage fails on is left out. `None` where absence speaks.
fn unfiltered_logs(expr: &Expr, flawless: bool) -> Option<Expr> {
    let mut absence = false;
    expr.walk(&mut |part: &Expr| {
        absence |= matches!(&part.kind, ExprKind::RangeAggregate(range) if range.op == RangeOp::AbsentOverTime);
    });
    (!absence).then(|| open(expr, flawless))
}

fn open(expr: &Expr, flawless: bool) -> Expr {
    let mut opened = expr.clone();
    match &mut opened.kind {
        ExprKind::RangeAggregate(aggregate) => open_range(&mut aggregate.range, flawless),
        ExprKind::VectorAggregate(aggregate) => aggregate.expr = open(&aggregate.expr, flawless),
        ExprKind::LabelReplace(replace) => replace.expr = open(&replace.expr, flawless),
        ExprKind::Binary(binary) => {
            if let Some(side) = deciding_side(binary) {
                return open(side, flawless);
            }
            (binary.lhs, binary.rhs) = (open(&binary.lhs, flawless), open(&binary.rhs, flawless));
            binary.return_bool |= binary.op.is_comparison();
        }
        ExprKind::Literal(_) | ExprKind::Vector(_) | ExprKind::Variants(_) => {}
    }
    opened
}

fn open_range(range: &mut LogRange, flawless: bool) {
    range.query.stages.retain(|stage| match &stage.kind {
        StageKind::LineFilters(_) => false,
        StageKind::LabelFilter(filter) => asks_for_errors(&filter.kind),
        _ => true,
    });
    if let Some(unwrap) = &mut range.unwrap {
        unwrap.filters.retain(|filter| asks_for_errors(&filter.kind));
    }
    let Some(none) = Matcher::new(ERROR, MatchOp::Equal, "").ok().filter(|_| flawless) else { return };
    let filter = LabelFilter { kind: LabelFilterKind::String(none), span: Span::default() };
    if !range.query.stages.is_empty() {
        let stage = Stage { kind: StageKind::LabelFilter(filter.clone()), span: Span::default() };
        range.query.stages.push(stage);
    }
    if let Some(unwrap) = &mut range.unwrap {
        unwrap.filters.push(filter);
    }
}

/// Whether a filter is about what stages could not do.
fn asks_for_errors(filter: &LabelFilterKind) -> bool {
    match filter {
        LabelFilterKind::String(matcher) => &*matcher.name == ERROR,
        LabelFilterKind::And(lhs, rhs) | LabelFilterKind::Or(lhs, rhs) => {
            asks_for_errors(&lhs.kind) && asks_for_errors(&rhs.kind)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::ast::Query;
    use crate::logql::parse;
    use crate::time::Nanoseconds;

    fn expr(text: &str) -> Expr {
        match parse(text) {
            Ok(Query::Metric(expr)) => expr,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_stream_without_lines_or_another_one_is_missing() {
        let mut logs = LogStore::default();
        for labels in [[("app", "shop"), ("env", "prod")], [("app", "db"), ("env", "prod")]] {
            logs.append(&Labels::from_pairs(labels), Nanoseconds(1), b"a line", Labels::empty()).unwrap();
        }
        let told = |text: &str| no_stream(&logs, &Located::text("<expr>", text), &expr(text)).map(|reason| reason.text);
        let near = r#"no stream with lines matches {app="shop", env="dev"}; there is {app="shop", env="prod"}"#;
        assert_eq!(told(r#"rate({app="shop", env="dev"}[5m]) > 0"#).as_deref(), Some(near));
        assert_eq!(told(r#"rate({app="shop"} |= "nowhere" [5m]) > 0"#), None);
        assert_eq!(told(r#"absent_over_time({app="gone"}[5m])"#), None);
    }

    #[test]
    fn nothing_is_filtered_any_more() {
        let opened = |text: &str, flawless| unfiltered_logs(&expr(text), flawless).map(|expr| expr.to_string());
        let written =
            r#"sum by (op) (rate({app="a"} |= "x" | json | status >= 500 [5m])) > 3 unless rate({app="b"}[1m])"#;
        assert_eq!(opened(written, false).as_deref(), Some(r#"(sum by (op)(rate({app="a"} | json[5m])) > bool 3)"#));
        assert_eq!(
            opened(r#"sum_over_time({app="a"} | logfmt | a="b" | unwrap took | took > 5 [5m]) > 3"#, true).as_deref(),
            Some(r#"(sum_over_time({app="a"} | logfmt | __error__="" | unwrap took | __error__=""[5m]) > bool 3)"#)
        );
        assert_eq!(
            opened(r#"rate({app="a"} | json | __error__!="" [5m])"#, false).as_deref(),
            Some(r#"rate({app="a"} | json | __error__!=""[5m])"#)
        );
        assert_eq!(
            opened(r#"(sum(rate({app="a"}[5m])) or vector(0)) > 3 or vector(1)"#, false).as_deref(),
            Some(r#"(sum(rate({app="a"}[5m])) > bool 3)"#)
        );
        assert_eq!(opened(r#"absent_over_time({app="a"}[5m])"#, false), None);
    }
}
