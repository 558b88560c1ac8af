//! Places, errors, hints and limits of the parser.

use super::*;
use crate::promql::ast::{AtModifier, BinaryOp, Cardinality, DurationArg, DurationExprKind, Edge};
use crate::syntax::STACK_BYTES;
use crate::time::Timestamp;

fn parsed(text: &str) -> Expr {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn parsed_with_all(text: &str) -> Expr {
    parse_with(text, Features::ALL).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The source of every expression of a tree, parents first.
fn sources(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    parsed_with_all(text).walk(&mut |expr| found.push(&text[expr.span.start..expr.span.end]));
    found
}

/// The source of an error's place, its message and its hint.
fn error(text: &str) -> (&str, String, String) {
    let error = parse(text).expect_err(text);
    (&text[error.span.start..error.span.end], error.message, error.hint.unwrap_or_default())
}

#[test]
fn every_node_covers_its_source() {
    assert_eq!(sources(" 1 + # c\n -2 "), ["1 + # c\n -2", "1", "-2"]);
    assert_eq!(sources("-(foo)"), ["-(foo)", "(foo)", "foo"]);
    assert_eq!(sources("'é' "), ["'é'"]);
    assert_eq!(sources(" é_is_text".trim_start_matches(" é_")), ["is_text"]);
    assert_eq!(
        sources("up {a = 'b',} @ 5 offset - 1h * 2"),
        ["up {a = 'b',} @ 5 offset - 1h * 2", "up {a = 'b',} @ 5 offset - 1h", "2"]
    );
    assert_eq!(
        sources("rate( x [ 5m ] offset 1m ) ^ 2"),
        ["rate( x [ 5m ] offset 1m ) ^ 2", "rate( x [ 5m ] offset 1m )", "x [ 5m ] offset 1m", "2"]
    );
    assert_eq!(sources("sum by (a) (x) "), ["sum by (a) (x)", "x"]);
    assert_eq!(
        sources("topk(5, x) without (a)+1"),
        ["topk(5, x) without (a)+1", "topk(5, x) without (a)", "5", "x", "1"]
    );
    assert_eq!(sources("(a)[1h:5m] @ end()"), ["(a)[1h:5m] @ end()", "(a)", "a"]);
    assert_eq!(sources("a[1h:] offset 1h "), ["a[1h:] offset 1h", "a"]);
    assert_eq!(sources("x[5m] smoothed"), ["x[5m] smoothed"]);
}

#[test]
fn parts_of_nodes_cover_their_source() {
    let text = "a  <= bool on (x) rate(b{c='d'}[1m * 2] offset step())";
    let ExprKind::Binary(binary) = parsed_with_all(text).kind else { panic!() };
    assert_eq!(&text[binary.op_span.start..binary.op_span.end], "<=");
    let ExprKind::Call(call) = &binary.rhs.kind else { panic!() };
    assert_eq!(&text[call.name_span.start..call.name_span.end], "rate");
    let ExprKind::Range(range) = &call.args[0].kind else { panic!() };
    assert_eq!(&text[range.selector_span.start..range.selector_span.end], "b{c='d'}");
    let DurationArg::Expr(length) = &range.range else { panic!() };
    assert_eq!(&text[length.span.start..length.span.end], "1m * 2");
    let Some(DurationArg::Expr(offset)) = &range.selector.offset else { panic!() };
    assert_eq!(&text[offset.span.start..offset.span.end], "step()");
}

#[test]
fn operators_bind_as_in_prometheus() {
    let ExprKind::Binary(or) = parsed("a and b or c > d + e * f ^ g ^ h").kind else { panic!() };
    assert_eq!(or.op, BinaryOp::Or);
    assert_eq!(or.lhs.to_string(), "a and b");
    let ExprKind::Binary(greater) = or.rhs.kind else { panic!() };
    assert_eq!((greater.op, greater.lhs.to_string()), (BinaryOp::Greater, "c".to_owned()));
    let ExprKind::Binary(sub) = parsed("a - b - c").kind else { panic!() };
    assert_eq!((sub.lhs.to_string(), sub.rhs.to_string()), ("a - b".to_owned(), "c".to_owned()));
    let ExprKind::Unary { expr, .. } = parsed("-a ^ b").kind else { panic!() };
    assert_eq!(expr.to_string(), "a ^ b");
    let ExprKind::Binary(product) = parsed("-a * b").kind else { panic!() };
    assert_eq!(product.lhs.to_string(), "-a");
}

#[test]
fn matching_is_kept_between_vectors_only() {
    let matching = |text: &str| match parsed(text).kind {
        ExprKind::Binary(binary) => binary.matching,
        _ => panic!("{text}"),
    };
    assert_eq!(matching("a + 1"), None);
    assert_eq!(matching("a + b").unwrap().cardinality, Cardinality::OneToOne);
    assert_eq!(matching("a and on (x) b").unwrap().cardinality, Cardinality::ManyToMany);
    let grouped = matching("a * on (x, y) group_left (z) b").unwrap();
    assert_eq!((grouped.cardinality, grouped.on), (Cardinality::ManyToOne, true));
    assert_eq!((grouped.labels, grouped.include), (vec!["x".to_owned(), "y".to_owned()], vec!["z".to_owned()]));
}

#[test]
fn modifiers_end_up_in_the_selector() {
    let ExprKind::Range(range) = parsed("x[5m] @ 1.5 offset -1m").kind else { panic!() };
    assert_eq!(range.range, DurationArg::Literal(Duration(300_000)));
    assert_eq!(range.selector.at, Some(AtModifier::Time(Timestamp(1500))));
    assert_eq!(range.selector.offset, Some(DurationArg::Literal(Duration(-60_000))));
    let ExprKind::Binary(binary) = parsed_with_all("x offset 1h * y anchored").kind else { panic!() };
    let ExprKind::Selector(selector) = binary.rhs.kind else { panic!() };
    assert_eq!(selector.edge, Edge::Anchored);
}

#[test]
fn a_sign_behind_offset_takes_one_operand_and_a_parenthesis_goes_on() {
    assert_eq!(parsed("foo offset -2 ^ 2").to_string(), "foo offset -2s ^ 2");
    assert_eq!(parsed("foo offset -(5m) * 2").to_string(), "foo offset -(5m) * 2");
    let ExprKind::Selector(selector) = parsed_with_all("foo offset (5m) * 2").kind else { panic!() };
    let Some(DurationArg::Expr(offset)) = selector.offset else { panic!() };
    assert!(matches!(offset.kind, DurationExprKind::Binary { op: BinaryOp::Mul, .. }));
    assert!(parse_with("foo offset (5m) + bar", Features::ALL).is_err());
    assert!(matches!(parsed_with_all("foo offset --5 + 3").kind, ExprKind::Selector(_)));
}

#[test]
fn keywords_are_also_names() {
    for text in
        ["sum", "by", "offset", "start", "fill", "and{a=\"b\"}", "sum by (by, sum, on, bool) (group)", "step + 1"]
    {
        parsed(text);
    }
    for text in ["bool", "on", "atan2", "group_left", "inf{}", "sum by (without) (x)"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert_eq!(parsed("SUM BY (a) (x OFFSET 5m)").to_string(), "sum by (a) (x offset 5m)");
}

#[test]
fn errors_are_placed_and_explained() {
    let mut wrong = Vec::new();
    for (text, place, message, hint) in [
        ("raet(x[5m])", "raet", "no function `raet`", "`rate`"),
        ("rate(x)", "x", "a range vector, not an instant vector", "rate(x[5m])"),
        ("rate(sum(x))", "sum(x)", "a range vector", "rate((...)[5m:])"),
        ("sum(x[5m])", "x[5m]", "an instant vector, not a range vector", "sum_over_time"),
        ("up = 0", "=", "unexpected `=`", "=="),
        ("a & b", "&", "'&'", "`and`"),
        ("a || b", "|", "'|'", "`or`"),
        ("1 > 2", ">", "two scalars", "> bool"),
        ("up{job=node}", "node", "name `node`", "\"node\""),
        ("up{job==\"node\"}", "=", "`=`", "single ="),
        ("x[5m30]", "5m30", "neither a number nor a duration", "5m30s"),
        ("x[1m5h]", "1m5h", "largest unit first", ""),
        ("sum(rate(x[5m])", "", "a `(` is not closed", "`)`"),
        ("sum(x))", "", "`)` without", "remove"),
        ("x[5m", "", "a `[` is not closed", "]"),
        ("up{a=\"b\"", "", "a `{` is not closed", "}"),
        ("up{a=\"b}", "\"b}", "not closed", "closing \""),
        ("\"\\d\"", "\"\\d", r"no escape sequence \d", "backticks"),
        ("x{a=~\"*\"}", "a=~\"*\"", "nothing to repeat", "RE2"),
        ("x{a=\"b\" c=\"d\"}", "c", "between matchers", "comma"),
        ("{a=~\".*\"}", "{a=~\".*\"}", "matches every series", "metric's name"),
        ("a and 1", "a and 1", "not on a scalar", "vector(...)"),
        ("a + on (x) group_left (x) b", "+", "`x` is in `on`", "remove"),
        ("a bool > b", "bool", "unexpected `bool`", "behind an operator"),
        ("a + bool b", "+", "`bool`", "remove"),
        ("x offset 5m[5m]", "[5m]", "`offset` stands behind the range", "up[5m]"),
        ("rate(x[5m]) offset 5m", "rate(x[5m])", "`offset` stands behind a selector", "parentheses"),
        ("x offset 1m offset 2m", "x offset 1m", "twice", "once"),
        ("sum(a, b)", "sum(a, b)", "takes 1 argument", "by"),
        ("abs(x, 1)", "abs(x, 1)", "takes 1 argument", "instant vector"),
        ("abs(x,)", ",", "missing", "remove"),
        ("x y", "y", "name `y` behind", "operator"),
        ("topk(x, y)", "x", "a scalar", "topk(5, up)"),
        ("up == \"1\"", "\"1\"", "not on a string", ""),
        ("end()", "end", "experimental", "--enable-feature"),
        ("x[-5m]", "-5m", "longer than 0", ""),
        ("1 +", "", "unexpected end", "operand"),
        ("", "", "no expression", "up"),
        ("1 =~ 2", "=", "regular expression", "braces"),
        ("time() @ 5", "time()", "selector", ""),
    ] {
        let (at, got, help) = error(text);
        if at != place || !got.contains(message) || !help.contains(hint) {
            wrong.push(format!("{text}: {at:?} {got}; {help}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_error_of_types_comes_after_one_of_syntax() {
    assert_eq!(error("rate(x) +").1, "unexpected end of the expression");
    assert_eq!(error("raet(x) + $").0, "raet");
}

#[test]
fn expressions_nested_too_deep_are_refused_quickly() {
    let wide = |open: &str, close: &str| format!("{}x{}", open.repeat(100_000), close.repeat(100_000));
    for text in [
        wide("(", ")"),
        wide("-", ""),
        wide("abs(", ")"),
        wide("sum(", ")"),
        wide("", "[1m:]"),
        wide("1^", ""),
        wide("", "+1"),
        wide("", " or x"),
        format!("x[{}1{}]", "(".repeat(100_000), ")".repeat(100_000)),
        format!("x[{}1]", "-".repeat(100_000)),
        format!("x offset {}1", "-".repeat(100_000)),
        format!("x[1{}]", "+1".repeat(100_000)),
        format!("x[{}1{}]", "min_of(".repeat(50_000), ",1)".repeat(50_000)),
    ] {
        let error = parse_with(&text, Features::ALL).unwrap_err();
        assert!(error.message.contains("nested"), "{error}");
    }
    assert!(parse(&"x".repeat(MAX_LENGTH + 1)).unwrap_err().message.contains("limit"));
}

#[test]
fn expressions_at_the_limit_are_walked_without_harm() {
    let walks = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(walk_expressions_at_the_limit);
    walks.unwrap().join().unwrap();
}

fn walk_expressions_at_the_limit() {
    let nested = |open: &str, close: &str, times: usize| format!("{}x{}", open.repeat(times), close.repeat(times));
    for text in [
        nested("(", ")", MAX_NESTING - 1),
        nested("-", "", MAX_NESTING - 1),
        nested("abs(", ")", MAX_NESTING - 1),
        nested("sum(", ")", MAX_NESTING - 1),
        nested("", " or x", MAX_HEIGHT - 1),
        nested("x or x and x > bool x + x * sum by (a) (", ")", MAX_NESTING / 4),
        nested("", "[1m:]", 1),
        format!("x[{}1{}]", "min_of(".repeat(MAX_NESTING - 1), ",1)".repeat(MAX_NESTING - 1)),
    ] {
        let expr = parsed_with_all(&text);
        let again = parsed_with_all(&expr.to_string());
        assert_eq!(again.to_string(), expr.clone().to_string());
        assert!(!format!("{expr:?}").is_empty());
    }
}

#[test]
fn selectors_and_series_stand_alone() {
    assert_eq!(parse_selector("up{a=~\"b\"}").unwrap().to_string(), "up{a=~\"b\"}");
    assert_eq!(parse_selector("{\"x y\", a=\"\"}").unwrap().to_string(), "{__name__=\"x y\",a=\"\"}");
    for text in ["up[5m]", "up offset 5m", "1", "sum(up)", ""] {
        assert!(parse_selector(text).is_err(), "{text}");
    }
    assert_eq!(parse_series("up {a='b', \"c d\"=`e`, }").unwrap().to_string(), r#"{__name__="up", a="b", "c d"="e"}"#);
    assert_eq!(parse_series("sum").unwrap().to_string(), r#"{__name__="sum"}"#);
    assert_eq!(parse_series("{\"a b\"}").unwrap().to_string(), r#"{__name__="a b"}"#);
    assert_eq!(parse_series("{}").unwrap().to_string(), "{}");
    for text in ["up{a!=\"b\"}", "up{a=b}", "up 1", "1", "", "up{a=\"b\" c=\"d\"}"] {
        assert!(parse_series(text).is_err(), "{text}");
    }
    let (labels, end) = parse_series_prefix("up{a=\"b\"} 1 _x3").unwrap();
    assert_eq!((labels.to_string().as_str(), end), (r#"{__name__="up", a="b"}"#, 9));
}
