//! A second opinion on the validity of expressions: the `promql-parser` crate. Where the two parsers disagree, the kind
//! of difference has to be one of a short list, each reviewed against Prometheus.

mod common;

use std::panic::catch_unwind;

use firedrill::labels::MatchOp;
use firedrill::promql;
use firedrill::promql::ast::Expr;
use firedrill::syntax::ParseError;

/// What `promql-parser` says, or `None` where it cannot be asked.
fn second_opinion(text: &str) -> Option<bool> {
    // It overflows the stack on deep nesting, and panics on ranges that overflow.
    let nesting = text.bytes().filter(|byte| matches!(byte, b'(' | b'-' | b'+' | b'[' | b'^')).count();
    if nesting > 400 {
        return None;
    }
    catch_unwind(|| promql_parser::parser::parse(text).is_ok()).ok()
}

/// Outside of quotes and comments, everything in lower case; strings become `""`.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' | '`' => {
                bare.push_str("\"\"");
                while let Some(inner) = chars.next() {
                    if inner == '\\' && c != '`' {
                        chars.next();
                    } else if inner == c {
                        break;
                    }
                }
            }
            '#' => drop(chars.by_ref().find(|c| *c == '\n')),
            _ => bare.extend(c.to_lowercase()),
        }
    }
    bare
}

/// Whether a word occurs outside of quotes.
fn has_word(text: &str, word: &str) -> bool {
    bare(text).split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').any(|found| found == word)
}

/// A reviewed kind of difference: which expressions, and why Prometheus is with us.
struct Difference {
    why: &'static str,
    applies: fn(text: &str, ours: Result<&Expr, &ParseError>) -> bool,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        why: "it has no feature flags: what is experimental is always on",
        applies: |_, ours| ours.is_err_and(|error| error.message.contains("experimental and not enabled")),
    },
    Difference {
        why: "it does not know the operators </ and >/",
        applies: |text, ours| ours.is_ok() && (bare(text).contains("</") || bare(text).contains(">/")),
    },
    Difference {
        why: "`anchored` and `smoothed` are names where they modify nothing",
        applies: |text, ours| ours.is_ok() && (has_word(text, "anchored") || has_word(text, "smoothed")),
    },
    Difference {
        why: "it has no parentheses behind `offset`, which Prometheus allows behind a sign",
        applies: |_, ours| ours.is_ok_and(|tree| tree.to_string().contains(" offset -(")),
    },
    Difference {
        why: "it reads escapes inside of backticks",
        applies: |text, ours| ours.is_ok() && text.contains('`') && text.contains('\\'),
    },
    Difference {
        why: "it does not bound durations",
        applies: |_, ours| ours.is_err_and(|error| error.message.contains("out of range")),
    },
    Difference {
        why: "it accepts U+FFFD in strings, which stands for broken UTF-8",
        applies: |_, ours| ours.is_err_and(|error| error.message.contains("no valid UTF-8")),
    },
    Difference {
        why: "it takes numbers beyond those of 64 bits as infinite",
        applies: |_, ours| ours.is_err_and(|error| error.message.contains("is no number, or too large a one")),
    },
    Difference {
        why: "it does not know underscores between digits",
        applies: |text, ours| {
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let spaced = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('_');
            ours.is_ok() && bare(text).split(|c| !is_word(c)).any(spaced)
        },
    },
    Difference {
        why: "it takes a plus in front of range vectors",
        applies: |_, ours| ours.is_err_and(|error| error.message.starts_with("the sign `+`")),
    },
    Difference {
        why: "it takes a range of zero",
        applies: |_, ours| ours.is_err_and(|error| error.message.contains("longer than 0")),
    },
    Difference {
        why: "it takes regular expressions as the regex crate does, not as Go does",
        applies: |_, ours| match ours {
            Ok(tree) => tree.selectors().iter().any(|(selector, _)| {
                let is_regex = |op| matches!(op, MatchOp::Regex | MatchOp::NotRegex);
                let mut regexes = selector.matchers.iter().filter(|matcher| is_regex(matcher.op));
                regexes.any(|matcher| regex::Regex::new(&matcher.value).is_err())
            }),
            Err(error) => error.message.contains("not a regular expression"),
        },
    },
];

/// The expressions on which the two disagree for no reviewed reason.
fn unexplained<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        let ours = promql::parse(text);
        let Some(theirs) = second_opinion(text) else { continue };
        if ours.is_ok() == theirs || DIFFERENCES.iter().any(|difference| (difference.applies)(text, ours.as_ref())) {
            continue;
        }
        let ours = ours.map_or_else(|error| error.message, |tree| tree.to_string());
        found.push(format!("{text:?}: theirs {theirs}, ours {ours}"));
    }
    found
}

/// Expressions of every kind, whole and broken, by putting parts together.
fn corpus() -> Vec<String> {
    let selectors = [
        "up",
        "up{}",
        "up{job=\"node\"}",
        "{job=~\"a.*\",x!=\"\"}",
        "up{job!~'x|y',}",
        "a:b:c",
        "sum",
        "{\"utf 8\", \"a.b\"='c'}",
        "up{",
        "up{job}",
        "up{job=node}",
        "up{job==\"x\"}",
        "{}",
        "{a=\"\"}",
        "up{__name__=\"x\"}",
        "up}",
        "up{job=\"a\" b=\"c\"}",
    ];
    let modifiers = [
        "",
        "[5m]",
        "[5m:1m]",
        "[5m:]",
        " offset 5m",
        " offset -1h",
        " @ 10",
        " @ start()",
        "[5m] @ end() offset 1m",
        "[5m",
        "[]",
        "[5]",
        "[5m1h]",
        "[1h5m]",
        "[5x]",
        " offset",
        " @",
        " offset 5m offset 5m",
        "[0.5]",
        "[-5m]",
        "[:5m]",
    ];
    let frames = [
        "X",
        "(X)",
        "-X",
        "rate(X)",
        "sum(X)",
        "sum by (a, b) (X)",
        "topk without (a) (3, X)",
        "count_values(\"v\", X)",
        "quantile(0.9, X) by (le)",
        "histogram_quantile(0.99, X)",
        "label_replace(X, \"a\", \"$1\", \"b\", \"(.*)\")",
        "absent(X)",
        "max_over_time(X)",
        "vector(X)",
        "scalar(X)",
        "round(X, 5)",
        "clamp(X, 0, 1)",
        "foo(X)",
        "sum(X",
        "sum(X))",
        "topk(X)",
        "rate()",
        "rate(X, 1)",
        "time(X)",
        "sum by a (X)",
        "sum by (a (X)",
        "sum(X,)",
        "hour()",
    ];
    let operators = [
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "atan2",
        "==",
        "!=",
        ">",
        ">= bool",
        "and",
        "or",
        "unless",
        "and on (a)",
        "* on (a) group_left (b)",
        "/ ignoring (a, b) group_right",
        "=",
        "=~",
        "bool",
        "and bool",
        "+ bool",
        "&&",
        "on (a)",
        "+ group_left (a)",
        "or on (a) group_left (b)",
        "+ on (a) group_left (a)",
        "",
    ];
    let operands = [
        "1",
        "Inf",
        "0x1F",
        "1e3",
        ".5",
        "5m",
        "\"text\"",
        "up",
        "rate(up[5m])",
        "up[5m]",
        "(up)",
        "-1",
        "1.2.3",
        "#c\n1",
    ];
    let mut texts = Vec::new();
    for selector in selectors {
        texts.extend(modifiers.map(|modifier| format!("{selector}{modifier}")));
    }
    for modifier in modifiers {
        texts.extend(frames.map(|frame| frame.replace('X', &format!("up{modifier}"))));
    }
    for operator in operators {
        for lhs in operands {
            texts.extend(operands.map(|rhs| format!("{lhs} {operator} {rhs}")));
        }
    }
    texts
}

#[test]
fn two_parsers_agree_on_expressions_of_every_kind() {
    let corpus = corpus();
    let valid = corpus.iter().filter(|text| promql::parse(text).is_ok()).count();
    assert!(valid > 500 && corpus.len() - valid > 500, "{valid} of {}", corpus.len());
    let found = unexplained(corpus.iter().map(String::as_str));
    assert!(found.is_empty(), "{} without a reviewed reason:\n{}", found.len(), found.join("\n"));
}

#[test]
fn two_parsers_agree_on_recorded_expressions() {
    #[derive(serde::Deserialize)]
    struct Case {
        expr: String,
    }
    let Some(path) = common::kit("promql-parse/cases.jsonl") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = unexplained(cases.iter().map(|case| case.expr.as_str()));
    assert!(found.is_empty(), "{} without a reviewed reason:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_reviewed_difference_still_exists_and_says_why() {
    // One expression for each, in the order of the list.
    let examples = [
        "end()",
        "up </ 5",
        "anchored + 1",
        "up offset -(5m)",
        r"label_replace(up, `\d`, '', '', '')",
        "up[9.5e10]",
        "up{a=\"\u{FFFD}\"}",
        "up > 1e310",
        "up > 1_000",
        "+up[5m]",
        "up[0]",
        "up{a=~\"a**\"}",
    ];
    assert_eq!(examples.len(), DIFFERENCES.len());
    for (text, difference) in examples.into_iter().zip(DIFFERENCES) {
        let ours = promql::parse(text);
        assert!((difference.applies)(text, ours.as_ref()), "{text}: {}", difference.why);
        assert_ne!(Some(ours.is_ok()), second_opinion(text), "{text}: gone? {}", difference.why);
    }
}
