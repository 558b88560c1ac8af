//! Unit tests of Loki's rules, by the binary, in the shape of Loki's proposal for `lokitool rules test`. Expected values: arithmetic on the
//! lines that the files write.

#[path = "common/program.rs"]
mod program;

use std::fs;

use program::{firedrill, told};
use tempfile::TempDir;

const RULES: &str = r#"groups:
  - name: shop
    rules:
      - record: app:errors:count5m
        expr: sum by (app) (count_over_time({app="shop"} |= "error" [5m]))
      - alert: Errors
        expr: sum by (app) (count_over_time({app="shop"} |= "error" [5m])) > 2
        for: 2m
        labels: {severity: page}
        annotations: {summary: "{{ $value }} errors of {{ $labels.app }}, {{ $externalLabels.cluster }}"}
"#;

fn folder(tests: &str, rules: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tests.yaml"), tests).expect("a file");
    fs::write(folder.path().join("rules.yaml"), rules).expect("a file");
    folder
}

/// Runs a file whose one group has these fields, written as in YAML without indent.
fn test(group: &str, rules: &str) -> (i32, String) {
    let fields: String = group.lines().map(|line| format!("    {line}\n")).collect();
    let tests = format!("rule_files: [rules.yaml]\ntests:\n  - name: g\n{fields}");
    let output = firedrill(folder(&tests, rules).path(), &["test", "tests.yaml"]);
    (output.status.code().unwrap_or(-1), told(&output))
}

fn passes(group: &str) {
    let (code, text) = test(group, RULES);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("BLIND") && !text.contains("warning"), "{text}");
}

fn falls_short(group: &str, rules: &str, code: i32, says: &[&str]) {
    let (found, text) = test(group, rules);
    assert_eq!(found, code, "{text}");
    for say in says {
        assert!(text.contains(say), "{say}\n{text}");
    }
}

/// Lines at 0m, 1m, ... 5m, then nothing.
const STREAM: &str = r#"interval: 1m
external_labels: {cluster: home}
input_streams:
  - labels: '{app="shop", env="prod"}'
    lines: ['ok', 'an error 1', 'an error 2', 'an error 3', 'ok', 'ok']
"#;

/// Three errors from 3m to 6m: the one of 1m leaves the window at 6m.
#[test]
fn alerts_and_expressions_hold_or_do_not() {
    let cases = r#"alert_rule_test:
  - {alertname: Errors, eval_time: 4m, exp_alerts: []}
  - alertname: Errors
    eval_time: 5m
    exp_alerts:
      - exp_labels: {app: shop, severity: page}
        exp_annotations: {summary: "3 errors of shop, home"}
  - {alertname: Errors, eval_time: 6m, exp_alerts: []}
logql_expr_test:
  - expr: 'sum by (env) (count_over_time({app="shop"}[5m]))'
    eval_time: 4m
    exp_samples: [{labels: '{env="prod"}', value: 5}]
  - {expr: 'count_over_time({app="other"}[5m])', eval_time: 4m, exp_samples: []}
  - {expr: 1 + 1, eval_time: 4m, exp_samples: [{value: 2}]}
  - expr: '{app="shop"} |~ "error [12]"'
    eval_time: 2m
    exp_logs:
      - {labels: '{env="prod", app="shop"}', line: 'an error 2', timestamp: 120000000000}
      - {labels: '{app="shop", env="prod"}', line: 'an error 1'}
promql_expr_test:
  - {expr: 'app:errors:count5m', eval_time: 4m, exp_samples: [{labels: 'app:errors:count5m{app="shop"}', value: 3}]}
"#;
    passes(&format!("{STREAM}{cases}"));
    let wrong = r#"alert_rule_test:
  - {alertname: Errors, eval_time: 4m, exp_alerts: [{exp_labels: {app: shop, severity: page}, exp_annotations: {summary: x}}]}
logql_expr_test:
  - {expr: 'count_over_time({app="shop"}[5m])', eval_time: 4m, exp_samples: [{labels: '{app="shop", env="prod"}', value: 4}]}
  - {expr: 'rate({app="gone"}[5m])', eval_time: 4m, exp_samples: [{labels: '{app="gone"}', value: 1}]}
  - {expr: '{app="shop"} |= "error"', eval_time: 2m, exp_logs: [{labels: '{app="shop", env="prod"}', line: 'an error 1', timestamp: 1}]}
"#;
    let says = [
        "pending since 3m; `for: 2m` ends at 5m",
        "{app=\"shop\", env=\"prod\"}         4         5",
        "no stream with lines matches {app=\"gone\"}; there is {app=\"shop\", env=\"prod\"}",
        "happened  1m  {app=\"shop\", env=\"prod\"}  an error 1",
    ];
    falls_short(&format!("{STREAM}{wrong}"), RULES, 1, &says);
}

#[test]
fn lines_may_come_at_their_times_again_and_with_metadata() {
    passes(
        r#"interval: 30s
input_streams:
  - labels: '{app="shop"}'
    structured_metadata: {host: a}
    lines:
      - {line: 'error', repeat: 4}
      - ok
      - {line: 'error', at: 10m, structured_metadata: {trace: t1}}
      - 'error'
logql_expr_test:
  - {expr: 'sum(count_over_time({app="shop"} |= "error" [2m]))', eval_time: 90s, exp_samples: [{value: 4}]}
  - {expr: 'sum(count_over_time({app="shop"}[5m]))', eval_time: 2m, exp_samples: [{value: 5}]}
  - expr: 'count_over_time({app="shop"}[1m])'
    eval_time: 10m30s
    exp_samples: [{labels: '{app="shop", host="a", trace="t1"}', value: 1}, {labels: '{app="shop", host="a"}', value: 1}]
"#,
    );
}

/// Ticks at 0s, 20s, 40s: that at 40s sees what came after 35s.
#[test]
fn a_group_of_loki_keeps_its_interval() {
    let rules = "groups: [{name: g, interval: 20s, rules: [{alert: A, expr: 'count_over_time({app=\"a\"} |= \"x\" [5s]) > 0'}]}]\n";
    let group = |at: &str| {
        format!(
            "interval: 20s\ninput_streams: [{{labels: '{{app=\"a\"}}', lines: [{{line: x, at: {at}}}]}}]\nalert_rule_test: [{{alertname: A, eval_time: 50s, exp_alerts: [{{exp_labels: {{app: a}}}}]}}]\n"
        )
    };
    let (code, text) = test(&group("38s"), rules);
    assert_eq!(code, 0, "{text}");
    falls_short(&group("45s"), rules, 1, &["A at 50s", "in a window of 5s at any evaluation"]);
}

#[test]
fn series_and_streams_go_together() {
    let rules = format!(
        "{RULES}  - name: prom\n    rules: [{{alert: Both, expr: 'app:errors:count5m > 2 and on () up == 1'}}]\n"
    );
    let group = format!(
        "{STREAM}input_series: [{{series: 'up{{job=\"x\"}}', values: 1x10}}]\nalert_rule_test: [{{alertname: Both, eval_time: 3m, exp_alerts: [{{exp_labels: {{app: shop}}}}]}}]\n"
    );
    let (code, text) = test(&group, &rules);
    assert_eq!(code, 0, "{text}");
}

/// `sum(rate({app="shop"}[5m]))` is LogQL where there are only streams, and PromQL where there are only series.
#[test]
fn what_both_languages_understand_is_what_the_input_is() {
    let rules = "groups: [{name: g, rules: [{alert: A, expr: 'sum(count_over_time({app=\"shop\"}[5m])) > 4'}]}]\n";
    let case = "alert_rule_test: [{alertname: A, eval_time: 4m, exp_alerts: [{exp_labels: {}}]}]\n";
    let (code, text) = test(&format!("{STREAM}{case}"), rules);
    assert_eq!(code, 0, "{text}");
    let (code, text) = test(&format!("input_series: [{{series: 'x{{app=\"shop\"}}', values: 1x10}}]\n{case}"), rules);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_test_without_streams_says_that_its_rules_are_of_loki() {
    let group = "input_series: [{series: up, values: 1x10}]\nalert_rule_test: [{alertname: Errors, eval_time: 5m, exp_alerts: []}]\n";
    falls_short(group, RULES, 1, &["this is LogQL: a unit test of it has `input_streams`"]);
}

#[test]
fn a_case_that_nothing_could_break_is_blind() {
    let rules = RULES.replace("app=\"shop\"", "app=\"shpo\"");
    let case = "alert_rule_test: [{alertname: Errors, eval_time: 5m, exp_alerts: []}]\n";
    falls_short(&format!("{STREAM}{case}"), &rules, 0, &["no stream with lines matches {app=\"shpo\"}"]);
    let constant = rules.replace("[5m])) > 2", "[5m])) > 2 or vector(0) > 2");
    assert_ne!(constant, rules);
    falls_short(&format!("{STREAM}{case}"), &constant, 0, &["no stream with lines matches {app=\"shpo\"}"]);
    // The stream is there, and says something else.
    passes(&format!("{}{case}", STREAM.replace("error", "word")));
}

#[test]
fn a_query_of_a_stream_that_is_not_there_is_blind() {
    let asks = |case: &str| format!("{STREAM}logql_expr_test: [{{eval_time: 5m, {case}}}]\n");
    let blind = |case: &str, says: &[&str]| falls_short(&asks(case), RULES, 0, &[says, &["1 case blind"]].concat());
    let near = "no stream with lines matches {app=\"shpo\"}";
    blind("expr: '{app=\"shpo\"} |= \"x\"', exp_logs: []", &[near, "tests.yaml:9:"]);
    blind("expr: 'sum(rate({app=\"shpo\"}[5m])) > 0', exp_samples: []", &[near]);
    passes(&asks("expr: '{app=\"shop\"} |= \"x\"', exp_logs: []"));
    passes(&asks("expr: 'sum(rate({app=\"shop\"}[5m])) > 100', exp_samples: []"));
    passes(&asks("expr: 'absent_over_time({app=\"shpo\"}[5m]) > 1', exp_samples: []"));
    passes(&asks("expr: 'vector(1) > 1', exp_samples: []"));
    let strict = folder(
        "rule_files: [rules.yaml]\ntests: [{logql_expr_test: [{expr: '{app=\"shpo\"}', exp_logs: []}]}]\n",
        RULES,
    );
    let output = firedrill(strict.path(), &["test", "tests.yaml", "--strict"]);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("nothing was tested: ") && text.contains("give the group a stream that it looks at"),
        "{text}"
    );
}

#[test]
fn what_of_another_kind_is_expected_cannot_be_read() {
    for (expr, expects) in [("{app=\"a\"}", "exp_samples"), ("rate({app=\"a\"}[1m])", "exp_logs")] {
        let group = format!("{STREAM}logql_expr_test: [{{expr: '{expr}', {expects}: []}}]\n");
        falls_short(&group, RULES, 2, &[&format!("error: `{expects}` of a ")]);
    }
}

#[test]
fn a_bad_line_fails_the_rule_and_the_test() {
    let rules = "groups: [{name: g, rules: [{alert: A, expr: 'sum by (level) (count_over_time({app=\"shop\"} | json [5m])) > 0'}]}]\n";
    let case = "alert_rule_test: [{alertname: A, eval_time: 5m, exp_alerts: []}]\n";
    falls_short(&format!("{STREAM}{case}"), rules, 1, &["the rule A fails at 0s", "JSONParserErr"]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let one = |field: &str, place: &str, says: &str| {
        let stream = "input_streams: [{labels: '{app=\"a\"}', lines: [x]}]\n";
        let field = if field.starts_with("input_streams") { field.to_owned() } else { format!("{stream}{field}") };
        let (code, text) = test(&field, RULES);
        assert!(code == 1 || code == 2, "{text}");
        assert!(text.contains(&format!("tests.yaml:{place}")) && text.contains(says), "{place} {says}\n{text}");
    };
    one(
        "input_streams: [{labels: '{app=~\"a\"}', lines: [x]}]\nlogql_expr_test: [{expr: '1', exp_samples: []}]",
        "4:35",
        "write app=\"...\"",
    );
    one(
        "input_streams: [{labels: 'x{app=\"a\"}', lines: [x]}]\nlogql_expr_test: [{expr: '1', exp_samples: []}]",
        "4:31",
        "a stream has no name",
    );
    one("input_streams: [{labels: '{app=\"a\"}'}]", "4:21", "an input stream without `lines`");
    one("input_streams: [{lines: [x]}]", "4:21", "an input stream without `labels`");
    let labels = |labels: &str, place: &str, says: &str| {
        one(
            &format!("input_streams: [{{labels: {labels}, lines: [x]}}]\nlogql_expr_test: [{{expr: '1'}}]"),
            place,
            says,
        );
    };
    labels("{app: shop}", "4:30", "write `labels: '{app=\"shop\"}'`");
    labels("[app]", "4:30", "labels are written as a text, not as a list");
    labels("'app=\"x\"'", "4:31", "write '{app=\"x\"}'");
    labels("'{app=\"a-b=c\", my-label=\"x\"}'", "4:45", "write `my_label`");
    labels("'{\"my-label\"=\"x\"}'", "4:31", "write `my_label`");
    labels("'{app=\"a\", app=\"b\"}'", "4:31", "the label `app` is given twice in one stream");
    labels("'{}'", "4:31", "a stream without labels");
    labels("'{app=\"\"}'", "4:31", "a stream without labels");
    one(
        "input_streams: [{labels: '{a=\"b\"}', lines: [x], structured_metadata: {trace.id: x}}]",
        "4:75",
        "write `trace_id`",
    );
    one("input_streams: [{labels: '{a=\"b\"}', lines: [[x]]}]", "4:49", "a line is written as a text, not as a list");
    one("input_streams: [{labels: '{a=\"b\"}', lines: [{lin: x}]}]", "4:50", "unknown field `lin`");
    one("logql_expr_test: [{expr: 'rate({', exp_samples: []}]", "5:", "rate");
    one("logql_expr_test: [{expr: '{app=\"a\"}', exp_samples: [{value: 1}]}]", "5:43", "it yields lines");
    one("logql_expr_test: [{expr: '{app=\"a\"}', exp_samples: []}]", "5:43", "write `exp_logs`");
    one("logql_expr_test: [{expr: 'rate({app=\"a\"}[1m])', exp_logs: [{line: x}]}]", "5:53", "it yields samples");
    one("logql_expr_test: [{expr: 'rate({app=\"a\"}[1m])', exp_logs: []}]", "5:53", "write `exp_samples`");
    one("logql_expr_test: [{expr: 'rate({app=\"a\"}[1m])', exp_sample: []}]", "5:", "did you mean `exp_samples`?");
}

#[test]
fn typos_of_expected_queries_are_warned_of() {
    let told_of = |query: &str, expected: &str| {
        let case = format!("logql_expr_test: [{{expr: '{query}', eval_time: 4m, exp_samples: [{expected}]}}]\n");
        let stream =
            "interval: 1m\ninput_streams: [{labels: '{app=\"shop\"}', lines: [{line: level=error n=5, repeat: 5}]}]\n";
        let (code, text) = test(&format!("{stream}{case}"), RULES);
        assert_eq!(code, 0, "{text}");
        text
    };
    let label = told_of(r#"sum(count_over_time({app="shop"} | logfmt | lvel="error" [5m]))"#, "");
    assert!(label.contains("has the label `lvel`") && label.contains("did you mean `level`?"), "{label}");
    let unwrap = told_of(r#"sum(sum_over_time({app="shop"} | logfmt | unwrap m [5m]))"#, "");
    assert!(unwrap.contains("has the label `m`"), "{unwrap}");
    let stream = "no stream meets {app=\"shpo\"}";
    for query in [
        r#"sum(count_over_time({app="shop"}[5m])) or sum(count_over_time({app="shpo"}[5m]))"#,
        r#"sum(count_over_time({app="shop"}[5m])) unless sum(count_over_time({app="shpo"}[5m]))"#,
        r#"sum(count_over_time({app="shpo"}[5m])) or vector(5)"#,
    ] {
        let text = told_of(query, "{value: 5}");
        assert!(text.contains(stream) && text.contains("there is {app=\"shop\"}"), "{query}\n{text}");
    }
    // A blind case says it itself.
    let blind = told_of(r#"sum(count_over_time({app="shpo"}[5m]))"#, "");
    assert!(blind.contains("blind") && !blind.contains("warning"), "{blind}");
    assert!(
        !told_of(r#"sum(count_over_time({app="shop"} | logfmt | level="error" [5m]))"#, "{value: 5}")
            .contains("warning")
    );
}

#[test]
fn an_alternative_of_a_rule_that_no_stream_meets_is_warned_of() {
    let rules = |other: &str| {
        let count = |app: &str, more: u32| format!("sum(count_over_time({{app=\"{app}\"}}[5m])) > {more}");
        format!("groups: [{{name: g, rules: [{{alert: A, expr: '{} or {}'}}]}}]\n", count("shop", 50), count(other, 5))
    };
    let group = format!("{STREAM}alert_rule_test: [{{alertname: A, eval_time: 4m}}]\n");
    falls_short(&group, &rules("shpo"), 0, &["warning: in the tests of tests.yaml, no stream meets {app=\"shpo\"}"]);
    assert!(!test(&group, &rules("shop")).1.contains("warning"));
    // Without any stream it is not under test.
    assert!(!test(&group, &rules("shpo").replace("\"shop\"", "\"api\"")).1.contains("warning"));
}

#[test]
fn a_blind_case_is_in_the_report_for_machines() {
    let tests = "rule_files: [rules.yaml]\ntests:\n  - name: g\n    input_streams: [{labels: '{app=\"a\"}', lines: [x]}]\n    \
                 alert_rule_test: [{alertname: Errors, eval_time: 1m}]\n";
    let folder = folder(tests, RULES);
    let output = firedrill(folder.path(), &["test", "tests.yaml", "--junit", "out.xml"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let xml = fs::read_to_string(folder.path().join("out.xml")).expect("a report");
    assert!(xml.contains("<system-out>BLIND Errors at 1m: no stream"), "{xml}");
}

#[test]
fn a_rule_file_without_rules_fails_its_tests() {
    let group = format!("{STREAM}alert_rule_test: [{{alertname: A, eval_time: 4m}}]\n");
    falls_short(&group, "kind: Service\n", 1, &["rules.yaml:1:1", "no document of this file holds rules"]);
}

#[test]
fn labels_that_cannot_be_read_are_bad_input() {
    for labels in ["shop{app=\"shop\"}", "{app=~\"shop\"}", "{}"] {
        let group =
            format!("input_streams: [{{labels: '{labels}', lines: [x]}}]\nalert_rule_test: [{{alertname: A}}]\n");
        falls_short(&group, RULES, 2, &["tests.yaml:4:"]);
    }
    let group =
        "input_streams: [{labels: '{a=\"b\"}', lines: [{line: x, repeat: -1}]}]\nalert_rule_test: [{alertname: A}]\n";
    falls_short(group, RULES, 2, &["write 1 or more"]);
}

#[test]
fn other_formats_and_conversion() {
    let tests = format!(
        "rule_files: [rules.yaml]\ntests:\n  - name: g\n{}",
        format!("{STREAM}logql_expr_test:\n  - {{expr: '{{app=\"shop\"}}', eval_time: 0s, exp_logs: [{{line: other}}]}}\n  - {{expr: 'sum(count_over_time({{app=\"shop\"}}[1m]))', eval_time: 1m, exp_samples: [{{value: 2}}]}}\n")
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    );
    let folder = folder(&tests, RULES);
    let json = firedrill(folder.path(), &["test", "--format", "json"]);
    let text = String::from_utf8_lossy(&json.stdout);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let text = value.to_string();
    for say in [r#""kind":"lines""#, r#""line":"ok""#, r#""kind":"samples""#] {
        assert!(text.contains(say), "{say}\n{text}");
    }
    let junit = firedrill(folder.path(), &["test", "--junit", "out.xml"]);
    assert_eq!(junit.status.code(), Some(1), "{}", told(&junit));
    let xml = fs::read_to_string(folder.path().join("out.xml")).expect("a report");
    assert!(xml.contains("<failure") && xml.contains("other"), "{xml}");
    let diff = firedrill(folder.path(), &["test", "--diff"]);
    assert!(told(&diff).contains("value: 1}") || told(&diff).contains("value: 1"), "{}", told(&diff));
    let converted = firedrill(folder.path(), &["test", "--convert", "tests.yaml"]);
    assert_eq!(converted.status.code(), Some(2), "{}", told(&converted));
    assert!(told(&converted).contains("\"g\" tests rules of Loki, which is not converted"), "{}", told(&converted));
}

#[test]
fn a_rule_that_loses_lines_is_warned_of() {
    let rules = |filter: &str| {
        let expr = format!("sum(count_over_time({{app=\"a\"}} | json{filter} | level=\"error\" [5m])) > 0");
        format!("groups: [{{name: g, rules: [{{alert: A, expr: '{expr}'}}]}}]\n")
    };
    let group = "interval: 1m\ninput_streams: [{labels: '{app=\"a\"}', lines: ['{\"level\":\"error\"}', 'panic: x']}]\n\
                 alert_rule_test: [{alertname: A, eval_time: 4m, exp_alerts: [{}]}]\n";
    falls_short(group, &rules(""), 0, &["warning: this filter drops 1 of 2 lines", "panic: x", "rules.yaml:1:"]);
    let (code, text) = test(group, &rules(" | __error__=\"\""));
    assert!(code == 0 && !text.contains("warning"), "{text}");
}

#[test]
fn labels_that_no_test_of_a_file_has_are_warned_of() {
    let rules = |stages: &str| {
        let expr = format!("sum(count_over_time({{app=\"a\"}} {stages} [5m])) > 0");
        format!("groups: [{{name: g, rules: [{{alert: A, expr: '{expr}'}}]}}]\n")
    };
    let group = |app: &str, line: &str, alerts: &str| {
        format!(
            "  - interval: 1m\n    input_streams: [{{labels: '{{app=\"{app}\"}}', lines: ['{line}']}}]\n    \
             alert_rule_test: [{{alertname: A, eval_time: 4m, exp_alerts: {alerts}}}]\n"
        )
    };
    let told_of = |groups: &[String], stages: &str, more: &[&str]| {
        let tests = format!("rule_files: [rules.yaml]\ntests:\n{}", groups.concat());
        let folder = folder(&tests, &rules(stages));
        let output = firedrill(folder.path(), &[&["test", "tests.yaml"], more].concat());
        (output.status.code(), told(&output))
    };
    let quiet = [group("a", "level=info", "[]"), group("a", "level=debug x=1", "[]"), group("b", "x", "[]")];
    let label = "warning: in the tests of tests.yaml, no line that comes here has the label `levl`";
    let (code, text) = told_of(&quiet, "| logfmt | levl=\"error\"", &[]);
    assert!(code == Some(0) && text.matches(label).count() == 1, "{text}");
    assert!(text.contains("rules.yaml:1:") && text.contains("did you mean `level`?"), "{text}");
    assert!(told_of(&quiet, "| logfmt | level=\"error\" or levl=\"error\"", &[]).1.contains(label));
    assert_eq!(told_of(&quiet, "| logfmt | levl=\"error\"", &["--strict"]).0, Some(1));
    let stage = "this `regexp` makes `l` of no line that comes here, such as: level=info";
    let (code, text) = told_of(&quiet, "| regexp \"lvl=(?P<l>.+)\" | l=\"error\"", &[]);
    assert!(code == Some(0) && text.matches("warning").count() == 1 && text.contains(stage), "{text}");
    // One of the tests has it, not all tests were run, the alert fires in one of them, no line comes there.
    let fine = |groups: &[String], stages: &str, more: &[&str]| {
        let (code, text) = told_of(groups, stages, more);
        assert!(code == Some(0) && !text.contains("warning"), "{stages}\n{text}");
    };
    fine(&quiet, "| logfmt | x=\"2\"", &[]);
    fine(&quiet, "| regexp \"x=(?P<l>.+)\" | l=\"2\"", &[]);
    fine(&quiet, "| logfmt | levl=\"error\"", &["--shard", "1/2"]);
    fine(&[group("a", "level=info", "[{}]"), quiet[2].clone()], "| logfmt | levl!=\"error\"", &[]);
    fine(&quiet[2..], "| logfmt | levl=\"error\"", &[]);
}
