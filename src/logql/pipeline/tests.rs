//! Stages together, over lines that nobody would write.

use proptest::prelude::*;

use super::*;
use crate::logql::ast::Query;

fn compiled(stages: &str) -> Pipeline {
    match crate::logql::parse(&format!("{{job=\"a\"}} {stages}")) {
        Ok(Query::Log(query)) => Pipeline::compile(&query.stages, Nanoseconds(0)).unwrap(),
        other => panic!("{stages}: {other:?}"),
    }
}

/// Line and labels of what a pipeline keeps.
fn processed(stages: &str, line: &[u8]) -> Option<(String, String)> {
    let mut pipeline = compiled(stages);
    pipeline.set_stream(&Labels::from_pairs([("job", "a")]));
    let kept = pipeline.process(Nanoseconds(1), line, [("m", "1")])?;
    Some((kept.text().into_owned(), kept.labels().to_string()))
}

fn labels(stages: &str, line: &str) -> String {
    processed(stages, line.as_bytes()).map_or_else(|| "dropped".to_owned(), |(_, labels)| labels)
}

// Expected labels: the notes of the conformance kit, and Loki's `parser_test.go`.
#[test]
fn fields_of_json_become_labels() {
    for (line, expected) in [
        (r#"{"a":1,"b":{"c":"x","d":[1],"e":null},"f":true}"#, r#"{a="1", b_c="x", f="true", job="a", m="1"}"#),
        (r#"{"job":"x","m":"y","a b":"\u00e4"}"#, r#"{a_b="ä", job="a", job_extracted="x", m="1", m_extracted="y"}"#),
        (r#"{"a":"x","a":"y"} garbage"#, r#"{a="x", job="a", m="1"}"#),
        (r#" {"a":"\x"}"#, r#"{a="", job="a", m="1"}"#),
        (
            r#"{"a":1,"b":{"c":2"#,
            r#"{__error__="JSONParserErr", __error_details__="Value looks like object, but can't find closing '}' symbol", a="1", job="a", m="1"}"#,
        ),
        (
            "[1]",
            r#"{__error__="JSONParserErr", __error_details__="Value looks like object, but can't find closing '}' symbol", job="a", m="1"}"#,
        ),
    ] {
        assert_eq!(labels("| json", line), expected, "{line}");
    }
    assert_eq!(
        labels(r#"| json x="b.c[1]", y="nosuch""#, r#"{"b":{"c":[1,"two"]}}"#),
        r#"{job="a", m="1", x="two", y=""}"#
    );
}

#[test]
fn a_later_filter_ends_the_reading_of_a_line() {
    assert_eq!(labels(r#"| json | a="1""#, r#"{"a":"2","b":"#), "dropped");
    assert_eq!(labels(r#"| json | a="2""#, r#"{"a":"2","b":1}"#), r#"{a="2", b="1", job="a", m="1"}"#);
    assert_eq!(labels("| logfmt | a > 1", "a=1 b=2"), "dropped");
}

#[test]
fn values_that_cannot_be_converted_keep_the_line() {
    for (filter, value, kept) in [("> 5", "x", true), ("> 5s", "1d", true), ("> 5KB", "1XB", true), ("> 5", "4", false)]
    {
        let found = processed(&format!("| logfmt | v {filter}"), format!("v={value}").as_bytes());
        assert_eq!(
            found.as_ref().is_some_and(|(_, labels)| labels.contains("LabelFilterErr")),
            kept,
            "{filter} {value}"
        );
    }
    assert_eq!(labels("| v > 5", "v=6"), "dropped");
}

#[test]
fn lines_and_labels_are_formatted() {
    let line = |stages: &str, line: &str| processed(stages, line.as_bytes()).unwrap().0;
    assert_eq!(line("| logfmt | line_format `{{.a}}-{{.nosuch}}-{{.job}}`", "a=1"), "1--a");
    assert_eq!(line("| line_format `{{ __line__ | upper | trunc 3 }}`", "abcdef"), "ABC");
    assert_eq!(line("| line_format `{{ div 1 0 }}`", "x"), "x");
    assert_eq!(labels("| label_format a=job, b=`{{.a}}{{.job}}`, c=`{{.b}}` | drop m", "x"), r#"{a="a", b="a", c=""}"#);
    assert_eq!(labels("| logfmt | keep a", "a=1 b=2"), r#"{a="1"}"#);
}

#[test]
fn huge_lines_have_limits_and_no_surprises() {
    let bomb = format!("{}1{}", r#"{"a":"#.repeat(1_000_000), "}".repeat(1_000_000));
    assert!(labels("| json", &bomb).contains("nested more than 10000 levels deep"));
    let open = r#"{"a":"#.repeat(1_000_000);
    assert!(labels("| json", &open).contains("JSONParserErr"));
    let deep: String = (0..9_000).map(|at| format!(r#"{{"x{at}":1,"a":"#)).collect();
    assert!(labels("| json", &format!("{deep}1{}", "}".repeat(9_000))).contains("take more than 64 MiB"));
    let many: String = (0..100_000).map(|at| format!("k{at}=v ")).collect();
    assert!(labels("| logfmt", &many).len() > 1_000_000);
    let long = vec![b'x'; 10 << 20];
    for stages in [
        "|= `y`",
        "|~ `y+z`",
        "|> `<_>y<_>`",
        "| json",
        "| logfmt",
        "| pattern `<a> <b>`",
        "| decolorize",
        "|= ip(`::1`)",
    ] {
        let _ = processed(stages, &long);
    }
    let array = "[".repeat(1 << 20);
    let _ = processed(r#"| json x="[0][0]""#, array.as_bytes());
}

const PIPELINES: [&str; 22] = [
    "| json",
    r#"| json a="a.b", b="[0]", c="a[1].b", d="x[0][1]""#,
    r#"| json | a="1" | b > 2 | c_d != "x""#,
    "| logfmt",
    "| logfmt --strict --keep-empty",
    r#"| logfmt --strict a="b", c"#,
    "| regexp `(?P<a>.*)=(?P<b>[^ ]*)`",
    "| pattern `<a> <_>=<b> <c>`",
    "| unpack | line_format `{{.a}} {{.__error__}}`",
    "| decolorize | logfmt | a > 5s or b < 1KB and c = ip(`10.0.0.0/8`)",
    "|> `<_>a<_>` !> `a<_>b`",
    "|= ip(`10.0.0.0/8`) or `x`",
    "|~ `(?i)a|b.*c` !~ `^$`",
    "| json | logfmt | unpack | drop a, b=~`x.*` | keep c, job",
    "| label_format a=b, b=`{{.a}}`, c=`{{ .b | ToUpper | trunc 2 }}`",
    "| line_format `{{ __line__ | fromJson }}{{ range $k, $v := fromJson __line__ }}{{ $k }}{{ $v }}{{ end }}`",
    "| logfmt | line_format `{{ .a | int }}{{ .b | float64 | ceil }}{{ addf .a .b }}{{ divf .a .b }}{{ round .a 2 }}{{ substr 1 2 .a }}`",
    "| line_format `{{ regexReplaceAll \"(a+)b\" __line__ \"${1}c\" }}{{ __line__ | urldecode }}{{ __line__ | b64dec }}`",
    "| line_format `{{ __line__ | unixToTime }}{{ toDate \"2006-01-02\" __line__ | unixEpoch }}{{ __line__ | duration }}{{ __line__ | bytes }}`",
    "| line_format `{{ alignLeft 5 __line__ }}{{ alignRight 5 __line__ }}{{ indent 2 __line__ }}{{ title __line__ }}{{ __line__ | urlencode }}`",
    "| line_format `{{ toDateInZone \"02/Jan/2006:15:04:05 -0700\" \"Europe/Berlin\" __line__ }}{{ count \"a\" __line__ }}{{ default 5 __line__ }}`",
    r#"| json x="a" | label_format y=`{{ .x | fromJson }}` | y != "" | drop __error__"#,
];

/// All pipelines, compiled once.
fn all() -> Vec<Pipeline> {
    thread_local! {
        static COMPILED: Vec<Pipeline> = PIPELINES.iter().map(|stages| compiled(stages)).collect();
    }
    COMPILED.with(Vec::clone)
}

/// Lines made of what stages look for, and of any bytes.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 34] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b":",
        b",",
        b"=",
        b" ",
        b"a",
        b"b",
        b"c",
        b"\"a\"",
        b"\"a\":",
        b"{\"a\":{\"b\":",
        b"1",
        b"-2.5e3",
        b"true",
        b"null",
        b"\\u00e4",
        b"\\ud800",
        b"\\\"",
        b"a=1",
        b"b=\"x y\"",
        b"\x1b[31m",
        b"10.0.0.1",
        b"::1",
        b"5s",
        b"10KB",
        b"\"_entry\":\"z\"",
        b"\xff",
        b"\xc3",
        "\u{fffd}\u{e4}".as_bytes(),
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_line_breaks_a_stage(lines in prop::collection::vec(lines(), 1..4)) {
        for mut pipeline in all() {
            pipeline.set_stream(&Labels::from_pairs([("job", "a"), ("a", "s")]));
            for line in &lines {
                if let Some(kept) = pipeline.process(Nanoseconds(1), line, [("b", "m")]) {
                    let _ = (kept.text(), kept.labels());
                }
            }
        }
    }

    /// What was parsed of one line is not seen in the next one.
    #[test]
    fn entries_do_not_know_of_each_other(first in lines(), second in lines()) {
        for (stages, mut pipeline) in PIPELINES.iter().zip(all()) {
            pipeline.set_stream(&Labels::from_pairs([("job", "a")]));
            let mut fresh = pipeline.clone();
            pipeline.process(Nanoseconds(1), &first, [("m", "2")]);
            let [after, alone] = [&mut pipeline, &mut fresh].map(|pipeline| {
                let kept = pipeline.process(Nanoseconds(1), &second, [("m", "1")])?;
                Some((kept.text().into_owned(), kept.labels().to_string()))
            });
            prop_assert_eq!(after, alone, "{}", stages);
        }
    }
}
