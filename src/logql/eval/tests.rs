use super::*;
use crate::logql::answer::{Samples, instant, range};
use crate::logql::ast::Query;
use crate::logql::parse;

const SECOND: i64 = 1_000_000_000;

fn expr(query: &str) -> Expr {
    match parse(query) {
        Ok(Query::Metric(expr)) => expr,
        other => panic!("{query}: {other:?}"),
    }
}

/// Entries of `{app="a"}` and `{app="b"}` at seconds.
fn logs(entries: &[(&str, i64, &str)]) -> LogStore {
    let mut logs = LogStore::default();
    for (app, time, line) in entries {
        let appended = logs.append(
            &Labels::from_pairs([("app", *app)]),
            Nanoseconds(time * SECOND),
            line.as_bytes(),
            Labels::empty(),
        );
        assert_eq!(appended, Ok(()));
    }
    logs
}

fn at(logs: &LogStore, query: &str, time: i64) -> Result<Vec<(String, f64)>, String> {
    match instant(&expr(query), logs, Nanoseconds(time * SECOND)) {
        Ok(Samples::Vector(_, elements)) => {
            Ok(elements.into_iter().map(|(labels, value)| (labels.to_string(), value)).collect())
        }
        Ok(other) => panic!("{query}: {other:?}"),
        Err(error) => Err(error.message),
    }
}

fn elements(of: &[(&str, f64)]) -> Result<Vec<(String, f64)>, String> {
    Ok(of.iter().map(|(labels, value)| ((*labels).to_owned(), *value)).collect())
}

// Expected values of these tests: arithmetic, by the rules that Loki 3.7.6 was seen to follow.
#[test]
fn a_window_holds_its_end_and_not_its_start_and_an_offset_moves_it() {
    let logs = logs(&[("a", 10, "x"), ("a", 20, "yy"), ("a", 30, "zzz")]);
    let count = |range: &str, time| at(&logs, &format!("count_over_time({{app=\"a\"}}{range})"), time);
    assert_eq!(count("[10s]", 20), elements(&[(r#"{app="a"}"#, 1.0)]));
    assert_eq!(count("[20s]", 30), elements(&[(r#"{app="a"}"#, 2.0)]));
    assert_eq!(count("[10s]", 9), elements(&[]));
    assert_eq!(count("[10s] offset 10s", 30), elements(&[(r#"{app="a"}"#, 1.0)]));
    assert_eq!(count("[10s] offset -10s", 20), elements(&[(r#"{app="a"}"#, 1.0)]));
    assert_eq!(count("[0s]", 20), elements(&[]));
    assert_eq!(at(&logs, "bytes_rate({app=\"a\"}[20s])", 30), elements(&[(r#"{app="a"}"#, 0.25)]));
}

#[test]
fn only_what_is_needed_of_a_line_is_parsed() {
    let logs = logs(&[("a", 1, "{\"level\":\"info\"}"), ("a", 2, "no json")]);
    let query = |by: &str| format!("sum {by} (count_over_time({{app=\"a\"}} | json [1m]))");
    assert_eq!(at(&logs, &query(""), 10), elements(&[("{}", 2.0)]));
    let error = at(&logs, &query("by (level)"), 10).unwrap_err();
    assert!(error.contains("JSONParserErr"), "{error}");
    assert_eq!(
        at(&logs, "sum by (level) (count_over_time({app=\"a\"} | json | __error__=\"\" [1m]))", 10),
        elements(&[(r#"{level="info"}"#, 1.0)])
    );
    // An error out of sight harms nobody.
    assert_eq!(at(&logs, "count_over_time({app=\"a\"} | json [1s])", 1).map(|found| found.len()), Ok(1));
}

#[test]
fn a_label_that_is_empty_is_not_one_that_is_absent() {
    let logs = logs(&[("a", 1, "b="), ("a", 2, "c=1")]);
    let empty = "{app=\"a\"} | logfmt --keep-empty";
    assert_eq!(
        at(&logs, &format!("sum by (b) (count_over_time({empty} [1m]))"), 10),
        elements(&[("{}", 1.0), (r#"{b=""}"#, 1.0)])
    );
}

#[test]
fn arithmetic_and_comparisons_are_those_of_loki() {
    let logs = logs(&[("a", 1, "v=50"), ("b", 1, "v=0")]);
    let v = "sum by (app) (sum_over_time({app=~\".+\"} | logfmt | unwrap v [1m]))";
    let (a, b) = (r#"{app="a"}"#, r#"{app="b"}"#);
    assert_eq!(at(&logs, &format!("40 < {v}"), 10), elements(&[(a, 50.0)]));
    assert_eq!(at(&logs, &format!("40 < bool {v}"), 10), elements(&[(a, 1.0), (b, 0.0)]));
    let quotient = at(&logs, &format!("{v} / {v}"), 10).unwrap();
    assert_eq!(quotient[0], (a.to_owned(), 1.0));
    assert!(quotient[1].1.is_nan());
    assert_eq!(at(&logs, &format!("{v} > on () group_left vector(1)"), 10), elements(&[(a, 50.0)]));
    assert_eq!(at(&logs, &format!("{v} or vector(7)"), 10), elements(&[("{}", 7.0), (a, 50.0), (b, 0.0)]));
    assert_eq!(at(&logs, &format!("sort_desc({v})"), 10), elements(&[(a, 50.0), (b, 0.0)]));
    assert_eq!(at(&logs, &format!("sort({v})"), 10), elements(&[(b, 0.0), (a, 50.0)]));
    assert_eq!(at(&logs, &format!("topk(1, {v})"), 10), elements(&[(a, 50.0)]));
    let both = at(&logs, &format!("{v} + on () {v}"), 10).unwrap_err();
    assert!(both.contains("many"), "{both}");
    let same = at(&logs, &format!("label_replace({v}, \"app\", \"x\", \"app\", \".*\")"), 10);
    assert_eq!(same, elements(&[(r#"{app="x"}"#, 50.0), (r#"{app="x"}"#, 0.0)]));
}

#[test]
fn what_is_absent_has_the_labels_that_the_selector_fixes() {
    let logs = logs(&[("a", 1, "x")]);
    let absent = |selector: &str, time| at(&logs, &format!("absent_over_time({selector}[5s])"), time);
    assert_eq!(absent(r#"{app="a"}"#, 3), elements(&[]));
    assert_eq!(absent(r#"{app="a", b=~"c", d="e"}"#, 30), elements(&[(r#"{app="a", d="e"}"#, 1.0)]));
    assert_eq!(absent(r#"{app="a", app!="b"}"#, 30), elements(&[("{}", 1.0)]));
}

#[test]
fn more_series_than_loki_answers_with_are_refused() {
    let lines: Vec<String> = (0..501).map(|at| format!("id={at}")).collect();
    let entries: Vec<(&str, i64, &str)> = lines.iter().map(|line| ("a", 1, line.as_str())).collect();
    let logs = logs(&entries);
    assert!(at(&logs, "count_over_time({app=\"a\"} | logfmt [1m])", 2).unwrap_err().contains("500 series"));
    assert_eq!(at(&logs, "count(count_over_time({app=\"a\"} | logfmt [1m]))", 2), elements(&[("{}", 501.0)]));
}

#[test]
fn an_expression_that_loki_does_not_evaluate_is_refused() {
    let logs = logs(&[("a", 1, "x")]);
    let error = at(&logs, "variants(rate({app=\"a\"}[1m])) of ({app=\"a\"}[1m])", 1).unwrap_err();
    assert!(error.contains("disabled"), "{error}");
    let broken =
        |app: &str| at(&logs, &format!("count_over_time({{app=\"{app}\"}} | label_format x=\"{{{{\" [1m])"), 1);
    assert!(broken("a").is_err());
    assert_eq!(broken("b"), elements(&[]));
}

/// What a query may be made of.
const QUERIES: [&str; 11] = [
    "count_over_time({app=~\".+\"}[7s])",
    "sum by (app) (rate({app=~\".+\"} | logfmt | v > 3 [5s] offset 2s))",
    "sum_over_time({app=~\".+\"} | logfmt | unwrap v [4s]) / 0.3",
    "max without (app) (max_over_time({app=~\".+\"} | logfmt | unwrap v [9s]) by (app))",
    "topk(1, avg_over_time({app=~\".+\"} | logfmt | unwrap v [6s]) by (app))",
    "quantile_over_time(0.4, {app=~\".+\"} | logfmt | unwrap v [6s]) by (app) > 2",
    "count_over_time({app=\"a\"}[3s]) and on () count_over_time({app=\"b\"}[3s])",
    "sum(bytes_over_time({app=\"a\"}[3s])) or vector(1) unless absent_over_time({app=\"b\"}[5s])",
    "label_replace(stddev_over_time({app=~\".+\"} | logfmt | unwrap v [8s]) by (app), \"x\", \"$1\", \"app\", \"(.)\")",
    "rate_counter({app=\"a\"} | logfmt | unwrap v [10s]) * on () group_right count_over_time({app=~\".+\"}[2s])",
    "stddev(sort_desc(rate({app=~\".+\"} | logfmt [6s])))",
];

proptest::proptest! {
    // A query over a range is its instant queries, however its steps are cut into blocks.
    #[test]
    fn a_range_query_is_its_instant_queries(
        entries in proptest::collection::vec((0..2_usize, 0..40_i64, 0..9_u8), 0..60),
        query in 0..QUERIES.len(),
        step in 1..7_i64,
        block in 1..9_usize,
    ) {
        let lines: Vec<String> = entries.iter().map(|(_, _, v)| format!("v={v}")).collect();
        let named = entries.iter().zip(&lines).map(|((app, time, _), line)| (["a", "b"][*app], *time, line.as_str()));
        let logs = logs(&named.collect::<Vec<_>>());
        let expr = expr(QUERIES[query]);
        let grid = Grid::range(Nanoseconds(0), Nanoseconds(50 * SECOND), Nanoseconds(step * SECOND));
        let mut plan = Plan::new(&expr, &logs, grid).unwrap();
        let mut found: Vec<Vec<(Labels, u64)>> = Vec::new();
        for (_, matrix) in plan.blocks_of(block) {
            for at in 0..matrix.steps() {
                let mut elements = matrix.result(at).unwrap_or_default();
                elements.sort_by(|(a, _), (b, _)| a.cmp(b));
                found.push(elements.into_iter().map(|(labels, value)| (labels, value.to_bits())).collect());
            }
        }
        proptest::prop_assert_eq!(found.len(), grid.steps);
        for (at, found) in found.into_iter().enumerate() {
            let single = match instant(&expr, &logs, grid.time(at)) {
                Ok(Samples::Vector(_, elements)) => elements,
                _ => Vec::new(),
            };
            let single: Vec<(Labels, u64)> =
                single.into_iter().map(|(labels, value)| (labels, value.to_bits())).collect();
            proptest::prop_assert_eq!(found, single, "at {}", grid.time(at).0 / SECOND);
        }
        let series = match range(&expr, &logs, &grid) {
            Ok(Samples::Matrix(series)) => series,
            other => panic!("{other:?}"),
        };
        proptest::prop_assert!(series.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
