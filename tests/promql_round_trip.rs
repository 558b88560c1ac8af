//! Printing an expression and parsing it again yields the same tree, for generated trees of every node kind.

use firedrill::labels::{METRIC_NAME, MatchOp, Matcher};
use firedrill::promql::ast::*;
use firedrill::promql::{Features, functions, parse_with};
use firedrill::text::Span;
use firedrill::time::{Duration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn paren(inner: Expr) -> Expr {
    expr(ExprKind::Paren(Box::new(inner)))
}

/// An operand, in parentheses where another operator would take it apart.
fn operand(inner: Expr, power: u8) -> Expr {
    let loose = match &inner.kind {
        ExprKind::Binary(binary) => binary.op.power() <= power,
        ExprKind::Unary { .. } => true,
        ExprKind::Number(literal) => literal.value.is_sign_negative() || literal.value.is_infinite(),
        _ => false,
    };
    if loose { paren(inner) } else { inner }
}

/// What a modifier may stand behind.
fn tight(inner: Expr) -> Expr {
    match inner.kind {
        ExprKind::Binary(_) | ExprKind::Unary { .. } => paren(inner),
        _ => inner,
    }
}

/// U+FFFD stands for broken UTF-8 and is refused; the end of the last plane is how such bytes are kept.
fn is_plain(text: &str) -> bool {
    !text.contains('\u{FFFD}') && text.chars().all(|c| c < '\u{10FF00}')
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,5}", "(by|on|sum|bool|start)", "\\PC{1,4}"]
        .prop_filter("UTF-8", |text| is_plain(text))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,6}", "[\\n\\t\"'`\\\\é\u{7f}\u{a0}]{0,4}", "\\PC{0,5}"]
        .prop_filter("UTF-8", |text| is_plain(text))
}

/// Prometheus reads a duration in seconds and counts nanoseconds, which loses a millisecond of some longer ones.
fn milliseconds() -> impl Strategy<Value = Duration> {
    prop_oneof![1i64..100_000, Just(1000), Just(300_000), Just(90_000_000), 1i64..1_000_000_000].prop_map(Duration)
}

/// A number written as a duration: Prometheus keeps it in seconds and cuts it to milliseconds when it prints it, which
/// loses one of some odd ones.
fn seconds() -> impl Strategy<Value = NumberLiteral> {
    (1u32..100_000_000).prop_map(|seconds| NumberLiteral { value: f64::from(seconds), duration: true })
}

fn number() -> impl Strategy<Value = NumberLiteral> {
    let plain = prop_oneof![(0u32..1000).prop_map(f64::from), any::<f64>(), Just(f64::NAN), Just(f64::INFINITY)];
    prop_oneof![plain.prop_map(|value| NumberLiteral { value, duration: false }), seconds(),]
}

fn duration_expr() -> impl Strategy<Value = DurationExpr> {
    let make = |kind| DurationExpr { kind, span: Span::default() };
    let leaf = prop_oneof![
        seconds().prop_map(move |literal| make(DurationExprKind::Number(literal))),
        (1u32..1000).prop_map(move |value| {
            make(DurationExprKind::Number(NumberLiteral { value: f64::from(value), duration: false }))
        }),
        Just(make(DurationExprKind::Step)),
        Just(make(DurationExprKind::Range)),
    ];
    leaf.prop_recursive(3, 12, 2, move |inner| {
        let wrap = move |inner: DurationExpr| match inner.kind {
            DurationExprKind::Binary { .. } | DurationExprKind::Unary { .. } => {
                make(DurationExprKind::Paren(Box::new(inner)))
            }
            _ => inner,
        };
        let op = prop::sample::select(vec![
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Mod,
            BinaryOp::Pow,
        ]);
        prop_oneof![
            (op, inner.clone(), inner.clone()).prop_map(move |(op, lhs, rhs)| {
                make(DurationExprKind::Binary { op, lhs: Box::new(wrap(lhs)), rhs: Box::new(wrap(rhs)) })
            }),
            (inner.clone(), inner.clone())
                .prop_map(move |(a, b)| make(DurationExprKind::Min(Box::new(a), Box::new(b)))),
            (inner.clone(), inner.clone())
                .prop_map(move |(a, b)| make(DurationExprKind::Max(Box::new(a), Box::new(b)))),
            inner
                .prop_filter("a sign is part of a number", |inner| {
                    !matches!(inner.kind, DurationExprKind::Number(_))
                })
                .prop_map(move |inner| {
                    make(DurationExprKind::Unary { op: UnaryOp::Minus, expr: Box::new(wrap(inner)) })
                }),
        ]
    })
}

fn length() -> impl Strategy<Value = DurationArg> {
    prop_oneof![
        4 => milliseconds().prop_map(DurationArg::Literal),
        1 => duration_expr().prop_filter("a number is a literal", |expr| {
            !matches!(expr.kind, DurationExprKind::Number(_))
        }).prop_map(DurationArg::Expr),
    ]
}

fn offset() -> impl Strategy<Value = Option<DurationArg>> {
    let make = |kind| DurationExpr { kind, span: Span::default() };
    prop_oneof![
        3 => Just(None),
        2 => milliseconds().prop_map(|duration| Some(DurationArg::Literal(duration))),
        1 => milliseconds().prop_map(|duration| Some(DurationArg::Literal(-duration))),
        // Behind `offset` an operator stands in parentheses only; without a sign those would go on with what follows.
        1 => duration_expr().prop_map(move |expr| match expr.kind {
            DurationExprKind::Number(_) | DurationExprKind::Binary { .. } => {
                let wrapped = Box::new(make(DurationExprKind::Paren(Box::new(expr))));
                Some(DurationArg::Expr(make(DurationExprKind::Unary { op: UnaryOp::Minus, expr: wrapped })))
            }
            _ => Some(DurationArg::Expr(expr)),
        }),
    ]
}

fn at() -> impl Strategy<Value = Option<AtModifier>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(AtModifier::Start)),
        1 => Just(Some(AtModifier::End)),
        1 => (-1_000_000_000_000i64..2_000_000_000_000).prop_map(|ms| Some(AtModifier::Time(Timestamp(ms)))),
    ]
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let regex = prop::sample::select(vec![".*", "a|b", "5..", "[^a]+", r"\d+\.x", "(?i:x)"]);
    prop_oneof![
        (label(), text()).prop_map(|(name, value)| Matcher::new(name, MatchOp::Equal, value).unwrap()),
        (label(), text()).prop_map(|(name, value)| Matcher::new(name, MatchOp::NotEqual, value).unwrap()),
        (label(), regex.clone()).prop_map(|(name, value)| Matcher::new(name, MatchOp::Regex, value).unwrap()),
        (label(), regex).prop_map(|(name, value)| Matcher::new(name, MatchOp::NotRegex, value).unwrap()),
    ]
    .prop_filter("the name is given once", |matcher| &*matcher.name != METRIC_NAME)
}

fn selector() -> impl Strategy<Value = VectorSelector> {
    let name = prop_oneof!["[a-z_][a-z0-9_:]{0,6}_total", Just("sum".to_owned()), Just("fill".to_owned())];
    let named = (name, prop::collection::vec(matcher(), 0..3)).prop_map(|(name, mut matchers)| {
        matchers.sort_by_key(ToString::to_string);
        matchers.push(Matcher::new(METRIC_NAME, MatchOp::Equal, name.as_str()).unwrap());
        (name, matchers)
    });
    let nameless = prop::collection::vec(matcher(), 0..3).prop_map(|mut matchers| {
        matchers.push(Matcher::new("job", MatchOp::Equal, "node").unwrap());
        matchers.sort_by_key(ToString::to_string);
        (String::new(), matchers)
    });
    let edge = prop_oneof![4 => Just(Edge::None), 1 => Just(Edge::Anchored), 1 => Just(Edge::Smoothed)];
    (prop_oneof![3 => named, 1 => nameless], at(), offset(), edge)
        .prop_map(|((name, matchers), at, offset, edge)| VectorSelector { name, matchers, at, offset, edge })
}

fn matching(op: BinaryOp) -> impl Strategy<Value = VectorMatching> {
    let labels = || prop::collection::vec(label(), 0..3);
    let fill = || prop::option::weighted(0.2, number().prop_map(|literal| literal.value));
    (any::<bool>(), labels(), labels(), 0..3, fill(), fill()).prop_map(
        move |(on, labels, mut include, card, fill_lhs, fill_rhs)| {
            include.retain(|label| !labels.contains(label));
            let simple = op.is_set() || card == 0;
            VectorMatching {
                cardinality: match card {
                    _ if op.is_set() => Cardinality::ManyToMany,
                    0 => Cardinality::OneToOne,
                    1 => Cardinality::ManyToOne,
                    _ => Cardinality::OneToMany,
                },
                on,
                labels,
                include: if simple { Vec::new() } else { include },
                fill_lhs: fill_lhs.filter(|value| !op.is_set() && !value.is_nan()),
                fill_rhs: fill_rhs.filter(|value| !op.is_set() && !value.is_nan()),
            }
        },
    )
}

const OPS: [BinaryOp; 18] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Mod,
    BinaryOp::Pow,
    BinaryOp::Atan2,
    BinaryOp::Equal,
    BinaryOp::NotEqual,
    BinaryOp::Less,
    BinaryOp::LessOrEqual,
    BinaryOp::Greater,
    BinaryOp::GreaterOrEqual,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Unless,
    BinaryOp::TrimUpper,
    BinaryOp::TrimLower,
];

/// Expressions that yield a vector.
fn vector() -> impl Strategy<Value = Expr> {
    let leaf = selector().prop_map(|selector| expr(ExprKind::Selector(selector)));
    leaf.prop_recursive(4, 24, 3, |inner| {
        let binary = (prop::sample::select(OPS.to_vec()), inner.clone(), inner.clone(), any::<bool>())
            .prop_flat_map(|(op, lhs, rhs, bool)| (Just((op, lhs, rhs, bool)), matching(op)))
            .prop_map(|((op, lhs, rhs, bool), matching)| {
                let return_bool = bool && op.is_comparison();
                let (lhs, rhs) = (operand(lhs, op.power()), operand(rhs, op.power()));
                let op_span = Span::default();
                let matching = Some(matching);
                expr(ExprKind::Binary(Box::new(Binary { op, op_span, lhs, rhs, return_bool, matching })))
            });
        let with_number =
            (prop::sample::select(OPS.to_vec()), inner.clone(), number()).prop_map(|(op, lhs, literal)| {
                let op = if op.is_set() { BinaryOp::Mul } else { op };
                let (lhs, rhs) = (operand(lhs, op.power()), operand(expr(ExprKind::Number(literal)), op.power()));
                let binary = Binary { op, op_span: Span::default(), lhs, rhs, return_bool: false, matching: None };
                expr(ExprKind::Binary(Box::new(binary)))
            });
        let unary = (any::<bool>(), inner.clone()).prop_map(|(minus, inner)| {
            let op = if minus { UnaryOp::Minus } else { UnaryOp::Plus };
            expr(ExprKind::Unary { op, expr: Box::new(operand(inner, UnaryOp::POWER)) })
        });
        let aggregate = (
            prop::sample::select(AggregateOp::ALL.to_vec()),
            inner.clone(),
            any::<bool>(),
            prop::collection::vec(label(), 0..3),
            number(),
            text(),
        )
            .prop_map(|(op, inner, without, grouping, literal, text)| {
                let param = op.param_type().map(|wanted| match wanted {
                    ValueType::String => expr(ExprKind::String(text)),
                    _ => expr(ExprKind::Number(literal)),
                });
                expr(ExprKind::Aggregate(Box::new(Aggregate { op, param, expr: inner, without, grouping })))
            });
        let range = (selector(), length()).prop_map(|(selector, range)| {
            let selector_span = Span::default();
            expr(ExprKind::Range(Box::new(RangeSelector { selector, selector_span, range })))
        });
        // Prometheus' lexer takes no `:` before it saw a number.
        let numbered =
            length().prop_filter("a number", |range| range.to_string().contains(|c: char| c.is_ascii_digit()));
        let subquery = (inner.clone(), numbered, prop::option::of(length()), at(), offset()).prop_map(
            |(inner, range, step, at, offset)| {
                expr(ExprKind::Subquery(Box::new(Subquery { expr: tight(inner), range, step, at, offset })))
            },
        );
        let matrix_call =
            (prop_oneof![range, subquery], prop::sample::select(vec!["rate", "max_over_time", "changes"]))
                .prop_map(|(arg, name)| call(name, vec![arg]));
        let vector_call = (inner.clone(), prop::sample::select(vec!["abs", "sort", "hour", "absent"]))
            .prop_map(|(arg, name)| call(name, vec![arg]));
        let replaced = (inner.clone(), prop::array::uniform4(text())).prop_map(|(arg, texts)| {
            let texts = texts.into_iter().map(|text| expr(ExprKind::String(text)));
            call("label_replace", std::iter::once(arg).chain(texts).collect())
        });
        prop_oneof![binary, with_number, unary, aggregate, matrix_call, vector_call, replaced, inner.prop_map(paren)]
    })
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let function = functions::signature(name).unwrap();
    expr(ExprKind::Call(Call { function, args, name_span: Span::default() }))
}

#[test]
fn what_is_printed_parses_to_the_same_tree() {
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let check = move || {
        let outcome = TestRunner::new(config).run(&vector(), |tree| {
            let printed = tree.to_string();
            let again = parse_with(&printed, Features::ALL);
            prop_assert!(again.is_ok(), "{printed}: {again:?}");
            let again = again.unwrap();
            prop_assert_eq!(again.to_string(), printed);
            prop_assert_eq!(again.normalised(), tree);
            Ok(())
        });
        outcome.map_err(|error| error.to_string())
    };
    // Generating trees takes a deep stack.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(check).unwrap();
    thread.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = parse_with(&text, Features::ALL);
    }

    #[test]
    fn no_row_of_tokens_makes_the_parser_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..25)) {
        let text = tokens.concat();
        match parse_with(&text, Features::ALL) {
            Ok(tree) => tree.walk(&mut |expr| assert!(text.get(expr.span.start..expr.span.end).is_some())),
            Err(error) => prop_assert!(text.get(error.span.start..error.span.end).is_some()),
        }
    }
}

const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    "==",
    "=~",
    "!~",
    "!=",
    "!",
    "<",
    "</",
    ">/",
    "+",
    "-",
    "*",
    "^",
    "@",
    ":",
    "\"",
    "'",
    "`",
    "#",
    "\n",
    " ",
    "5m",
    "5",
    ".5",
    "1e",
    "0x",
    "inf",
    "foo",
    "a:b",
    "\"x\"",
    "offset",
    "start",
    "step",
    "min_of",
    "sum",
    "by",
    "without",
    "on",
    "group_left",
    "bool",
    "and",
    "rate",
    "fill",
    "anchored",
    "topk",
    "é",
    "\\",
    "\u{FFFD}",
];
