use super::*;
use crate::logql::ast::{LabelFilterKind, StageKind};

fn printed(text: &str) -> String {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

/// The message of an error, what it points at, and its hint.
fn error(text: &str) -> (String, &str, String) {
    let error = parse(text).expect_err(text);
    (error.message, &text[error.span.start..error.span.end], error.hint.unwrap_or_default())
}

#[test]
fn aggregations_cover_their_source_with_what_groups_them() {
    let covered = |text: &str| {
        let Ok(Query::Metric(expr)) = parse(text) else { panic!("{text}") };
        let mut found = Vec::new();
        expr.walk(&mut |part: &Expr| found.push(text[part.span.start..part.span.end].to_owned()));
        found
    };
    let (rate, sum) = (r#"rate({a="b"}[5m])"#, r#"sum(rate({a="b"}[5m])) by (app, c)"#);
    assert_eq!(covered(&format!("{sum} > 5")), [&format!("{sum} > 5"), sum, rate, "5"]);
    let before = r#"sum without (app) (rate({a="b"}[5m]))"#;
    assert_eq!(covered(&format!("{before} ")), [before, rate]);
    let range = r#"max_over_time({a="b"} | unwrap c [5m]) by ( d )"#;
    assert_eq!(covered(&format!("{range} / 2")), [&format!("{range} / 2"), range, "2"]);
    assert_eq!(covered(r#"topk(3, rate({a="b"}[5m])) by ()"#)[0], r#"topk(3, rate({a="b"}[5m])) by ()"#);
}

// Expected values: Loki 3.7.6, `String()` of the parsed query.
#[test]
fn queries_print_as_loki_prints_them() {
    for (text, expected) in [
        ("{ a = \"b\" , c=~`d\\w` }", r#"{a="b", c=~"d\\w"}"#),
        (r#"{a="b"} |= "x" or "y" or ip("::1") != "z" or "w""#, r#"{a="b"} |= "x" or "y" or ip("::1") != "z" != "w""#),
        (
            r#"{a="b"} | json x="y.z", w | logfmt --keep-empty --strict"#,
            r#"{a="b"} | json x="y.z",w="w" | logfmt --strict --keep-empty"#,
        ),
        (
            r#"{a="b"} | c>5KiB or d==1h30m, e=ip("::") f!="g""#,
            r#"{a="b"} | ( c>5.1kB or ( d==1h30m0s , ( e=ip("::") , f!="g" ) ) )"#,
        ),
        (r#"{a="b"} | drop c, d="e" | keep f"#, r#"{a="b"} | drop c,d="e" | keep f"#),
        (r#"{a="b"} | label_format c=d, e="{{.f}}""#, r#"{a="b"} | label_format c=d,e="{{.f}}""#),
        (r#"sum(rate({a="b"}[90s])) by (c) // comment"#, r#"sum by (c)(rate({a="b"}[1m30s]))"#),
        (
            r#"sum_over_time(({a="b"} | unwrap bytes(c) | c>0)[1h] offset -5m)"#,
            r#"sum_over_time({a="b"} | unwrap bytes(c) | c>0[1h] offset -5m0s)"#,
        ),
        (r#"rate({a="b"}[5m] | json | c="d" | unwrap e)"#, r#"rate({a="b"} | json | c="d" | unwrap e[5m])"#),
        (
            r#"count_over_time({a="b"}[1m]) > bool on (c) group_left (d) vector(2.5)"#,
            r#"(count_over_time({a="b"}[1m]) > bool on (c) group_left (d) vector(2.500000))"#,
        ),
        ("1 + 2 * 3 ^ 2 ^ 0 == 7", "1"),
        ("1--1", "2"),
        (r#"topk(2, count_over_time({a="b"}[1m])) without ()"#, r#"topk without ()(2,count_over_time({a="b"}[1m]))"#),
        (r#"{rate="b"} | sum="c" | ip="d""#, r#"{rate="b"} | sum="c" | ip="d""#),
    ] {
        assert_eq!(printed(text), expected, "{text}");
        if text != "1 + 2 * 3 ^ 2 ^ 0 == 7" {
            assert_eq!(printed(expected), expected, "{expected}");
        }
    }
}

#[test]
fn a_condition_on_a_number_that_go_cannot_read_compares_with_zero_or_infinity() {
    assert_eq!(printed(r#"{a="b"} | c > 0x10 | d < -1e400"#), r#"{a="b"} | c>0 | d<-Inf"#);
}

#[test]
fn a_comma_between_conditions_joins_all_that_follows() {
    let Query::Log(query) = parse(r#"{a="b"} | c=1 or d=2, e=3 or f=4"#).unwrap() else { panic!("no log query") };
    let StageKind::LabelFilter(filter) = &query.stages[0].kind else { panic!("no filter") };
    assert_eq!(filter.to_string(), "( c==1 or ( d==2 , ( e==3 or f==4 ) ) )");
    assert!(matches!(filter.kind, LabelFilterKind::Or(..)));
}

#[test]
fn errors_point_at_what_is_wrong_and_say_what_to_write() {
    for (text, message, at, hint) in [
        ("", "there is no query", "", "write one"),
        (r#"{a!="b"}"#, "also matches streams without the label", r#"{a!="b"}"#, "add one that does not"),
        ("{}", "names no label", "{}", "Loki refuses to read all streams"),
        (r#"{a=b}"#, "unexpected name `b`", "b", "write it in quotes: \"b\""),
        (r#"{a="b"} | json | unwrap c"#, "`unwrap` outside", "unwrap", "sum_over_time"),
        (r#"{a="b"} "c""#, "unexpected string", "\"c\"", "a filter of lines begins with |="),
        (r#"{a="b"}[5m]"#, "unexpected range", "[5m]", "count_over_time"),
        (r#"rate({a="b"})"#, "unexpected `)`", ")", "[5m]"),
        (r#"rate({a="b"}[5m:1m])"#, "not a valid duration", "[5m:1m]", "no subqueries"),
        (r#"sum({a="b"})"#, "log lines, not samples", r#"{a="b"}"#, "count_over_time"),
        (r#"sum_over_time({a="b"}[5m])"#, "needs the values of a label", "sum_over_time", "unwrap took"),
        (r#"rate({a="b"}[5m]) by (c)"#, "`rate` takes no grouping", "by (c)", "sum by"),
        (r#"rtae({a="b"}[5m])"#, "unexpected name `rtae`", "rtae", "did you mean `rate`?"),
        (r#"rate({a="b"}[5m]) and 1"#, "takes series on both sides", "1", "vector(1)"),
        (r#"{a="b"} | by="c""#, "unexpected `by`", "by", "is a keyword"),
        (r#"{a="b"} |= 'xy'"#, "single quotes", "'xy'", "write \"...\""),
        (r#"{a="b"} | c="d" or"#, "unexpected end of the query", "", "a condition looks like"),
        (r#"{a="b"} | pattern "<c><d>""#, "between the captures <c><d>", "\"<c><d>\"", "literal text between them"),
        (r#"{a="b"} | regexp "(?P<c>x)(?P<c>y)""#, "two groups are called `c`", "\"(?P<c>x)(?P<c>y)\"", ""),
        (r#"-rate({a="b"}[5m])"#, "unexpected `rate` behind `-`", "rate", "-1 * "),
        ("{a=\"b\"} |= \"\0\"", "NUL", "\0", "remove it"),
    ] {
        let (found, place, help) = error(text);
        assert!(found.contains(message), "{text}: {found}");
        assert_eq!(place, at, "{text}");
        assert!(help.contains(hint), "{text}: {help}");
    }
}

#[test]
fn hostile_queries_cost_an_error_and_not_the_stack() {
    let selector = r#"{a="b"}"#;
    for text in [
        "(".repeat(100_000),
        format!("{selector} | {}", "(".repeat(100_000)),
        format!("rate({}", "(".repeat(100_000)),
        format!("{selector} | a=1{}", " and a=1".repeat(10_000)),
        format!("1{}", "+vector(1)".repeat(10_000)),
        "sum(".repeat(20_000),
        "x".repeat(10_000_000),
    ] {
        assert!(parse(&text).is_err());
    }
    // What commas join may be long.
    let long = format!("{selector} | a=1{}", ",a=1".repeat(2000));
    let parse_deep = move || assert!(parse(&long).is_ok());
    std::thread::Builder::new().stack_size(crate::syntax::STACK_BYTES).spawn(parse_deep).unwrap().join().unwrap();
}

proptest::proptest! {
    #[test]
    fn no_input_makes_the_parser_panic(text in r#"[{}()\[\]|=!~<>a-c0-9 ,."`'\-\\/*#+^]{0,40}"#) {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_printed_is_read_again(text in r#"(sum|topk|rate|by|or|and|json|unwrap|[{}()|=,<>]|"x"|a|5m| ){0,20}"#) {
        if let Ok(query) = parse(&text) {
            let printed = query.to_string();
            proptest::prop_assert_eq!(parse(&printed).map(|query| query.to_string()), Ok(printed));
        }
    }
}
