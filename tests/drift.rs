//! Documents of incidents beside their rules and replays: queries that drills ask, and what has drifted apart.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::{changed, firedrill, line_of, root, stdout};
use serde_json::Value;

const DOCUMENT: &str = "incident.md";

/// Where the replay asks all queries of a section.
const ASKED: &str = "{document: \"incident.md#key-metrics\"";

/// The exit code and what is said on stderr.
fn test(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = firedrill(folder, &[&["test"], args].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A change of the vmagent document warns, with the words, and fails where tests are strict.
fn drifts(from: &str, to: &str, words: &[&str]) {
    let copy = changed(DOCUMENT, from, to);
    let (code, said) = test(copy.path(), &[]);
    assert_eq!(code, Some(0), "{said}");
    for words in words {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.contains("warning: "), "{said}");
    let (code, said) = test(copy.path(), &["--strict"]);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn our_own_documents_rules_and_replays_agree() {
    let (code, said) = test(&root(), &["--strict", "incidents"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn an_expression_that_is_not_the_rule_files_is_drift() {
    drifts(
        "| `increase(vm_http_request_errors_total[5m]) > 0` |",
        "| `increase(vm_http_request_errors_total[10m]) > 0` |",
        &[
            "RequestErrorsToAPI has another expression in the rules",
            "says `increase(vm_http_request_errors_total[5m]) > 0`",
            "incident.md:48:",
        ],
    );
    // Blanks and the order of matchers are no difference.
    let copy = changed(
        DOCUMENT,
        "| `increase(vm_http_request_errors_total[5m]) > 0` |",
        "| `increase( vm_http_request_errors_total[5m] )>0` |",
    );
    assert_eq!(test(copy.path(), &["--strict"]), (Some(0), String::new()));
}

#[test]
fn an_expression_is_the_one_of_the_alert_that_it_stands_below() {
    let with = |text: &str| changed(DOCUMENT, "## What to do\n", &format!("## More\n\n{text}\n\n## What to do\n"));
    let agrees = "Expression: `increase(vm_http_request_errors_total[5m]) > 0`";
    let other = "Expression: `rate(vmagent_remotewrite_retries_count_total[5m]) > 0`";
    for text in [
        // An alert of other rules, named in a title.
        format!("The alert TooManyRemoteWriteErrors fires.\n\n### DiskFull\n\n{agrees}"),
        format!("TooManyRemoteWriteErrors fires.\n\n- **DiskFull**\n  - {agrees}\n- `HighLatency`\n  - {agrees}"),
        format!("### RequestErrorsToAPI\n\n{agrees}\n\n### TooManyRemoteWriteErrors\n\n{other}"),
        // Whose it is does not show.
        format!("### RequestErrorsToAPI\n\nUnlike TooManyRemoteWriteErrors it is quick. {agrees}"),
        format!("### TooManyRemoteWriteErrors\n\nIt is slow.\n\n### The other\n\n{agrees}"),
    ] {
        assert_eq!(test(with(&text).path(), &["--strict"]), (Some(0), String::new()), "{text}");
    }
    for text in [
        format!("### TooManyRemoteWriteErrors\n\n{agrees}"),
        format!("- TooManyRemoteWriteErrors: it is bad. {agrees}"),
        format!("TooManyRemoteWriteErrors\n: {agrees}"),
    ] {
        let (code, said) = test(with(&text).path(), &["--strict"]);
        assert_eq!(code, Some(1), "{text}");
        assert!(said.contains("TooManyRemoteWriteErrors has another expression in the rules"), "{said}");
    }
}

#[test]
fn a_metric_that_no_variant_produces_is_drift() {
    drifts(
        "## What to do\n",
        "## More\n\n```promql\nrate(vmagent_remotewrite_retries_total[5m]) > 0\nup{job=\"vmagnet\"}\n```\n\n## What to do\n",
        &[
            "no variant of the replay produces up{job=\"vmagnet\"}",
            "no variant of the replay produces vmagent_remotewrite_retries_total",
        ],
    );
}

#[test]
fn a_query_that_yields_nothing_on_any_variant_is_drift() {
    drifts(
        "## What to do\n",
        "## More\n\n```promql\nrate(vmagent_remotewrite_retries_count_total[5m]) > 1000\n```\n\n## What to do\n",
        &["this query yields nothing at any time of any variant"],
    );
}

#[test]
fn a_sample_that_no_variant_comes_to_is_drift() {
    let sample = |text: &str| format!("## Key metrics\n\n{text}\n\n```txt\nvmagent_remotewrite_retries_count_total");
    let with = |sample: &str| changed(DOCUMENT, "## Key metrics\n", &format!("{sample}{{job=\"vmagent\"}} 18\n```\n"));
    // It ends with 18 retries, and nobody had seen those when the path was still stuck.
    let (code, said) = test(with(&sample("In the end:")).path(), &["--strict"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let (code, said) = test(with(&sample("Asked at 2025-11-14 15:32 UTC:")).path(), &["--strict"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no variant of the replay comes to 18 at 2025-11-14T15:32:00Z"), "{said}");
    assert!(said.contains("the nearest is "), "{said}");
    drifts(
        "## Key metrics\n",
        "## Key metrics\n\n```txt\nvmagent_remotewrite_retries_count_total{job=\"vmagent\"} 19.5\n```\n",
        &["comes to 19.5 at any time", "the nearest is 18 in vmagent-remote-write/"],
    );
}

#[test]
fn a_document_that_is_not_there_is_drift() {
    let copy = changed(DOCUMENT, "# vmagent", "# vmagent");
    fs::remove_file(copy.path().join("incidents/vmagent-remote-write/incident.md")).unwrap();
    let (code, said) = test(copy.path(), &["--run", "control"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("cannot read") && said.contains("replay.yaml:"), "{said}");
    // A day that asks it cannot be drilled without it.
    let (code, said) = test(copy.path(), &["--run", "/day"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot read") && said.contains(&format!("replay.yaml:{}:", line_of(ASKED))), "{said}");
}

#[test]
fn what_no_variant_does_is_said_only_where_all_have_run() {
    let copy = changed(DOCUMENT, "retries_count_total[5m]) > 0", "retries_count_total[5m]) > 1000");
    assert_eq!(test(copy.path(), &["--strict", "--run", "control"]), (Some(0), String::new()));
}

#[test]
fn machines_read_drift_with_its_place() {
    let copy = changed(DOCUMENT, "vmagent_remotewrite_pending_data_bytes\n```", "vmagent_pending_bytes\n```");
    let output = firedrill(copy.path(), &["test", "--run", "vmagent-remote-write", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let drift = &report["drift"][0];
    assert_eq!(drift["message"], "no variant of the replay produces vmagent_pending_bytes");
    assert_eq!(drift["place"]["line"], 106);
}

#[test]
fn a_drill_asks_every_query_of_a_section() {
    let at = |when: &str, wanted: &str| {
        let from = "{document: \"incident.md#key-metrics\", at: \"15:59:30\", selects: something}";
        let copy = changed("replay.yaml", from, &format!("{{document: {when}, selects: {wanted}}}"));
        let output = firedrill(copy.path(), &["test", "--run", "/day", "--format", "json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap_or_default();
        let checks = report["drills"][0]["checks"].as_array().cloned().unwrap_or_default();
        let about = |check: &Value, text: &str| check["subject"].as_str().is_some_and(|subject| subject.contains(text));
        let verdicts = checks.iter().filter(|check| about(check, "query ") && check["place"]["line"] == line_of(ASKED));
        (verdicts.map(|check| check["verdict"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>(), said)
    };
    let (all, said) = at("\"incident.md#key-metrics\", at: \"15:59:30\"", "something");
    assert_eq!(all, ["pass", "pass", "pass"], "{said}");
    // While the path is stuck the server has its own errors, and neither of vmagent's.
    let (some, said) = at("\"incident.md#key-metrics\", at: \"15:32:00\"", "something");
    assert_eq!(some, ["fail", "pass", "fail"], "{said}");
    let (whole, said) = at("incident.md, at: \"15:59:30\"", "something");
    assert_eq!(whole.len(), 4, "{said}");
    for (place, told) in [
        ("\"incident.md#key-metric\", at: end", "did you mean #key-metrics?"),
        ("\"incident.md#cause\", at: end", "there is no query at incident.md#cause"),
        ("\"other.md#cause\", at: end", "its documents are incident.md"),
    ] {
        let (none, said) = at(place, "something");
        assert!(
            none.is_empty() && said.contains(told) && said.contains(&format!("replay.yaml:{}:", line_of(ASKED))),
            "{said}"
        );
    }
}

#[test]
fn log_queries_of_documents_are_asked_too() {
    let with = |query: &str| format!("## More\n\n```logql\n{query}\n```\n\n## What to do\n");
    let asked = |query: &str| changed(DOCUMENT, "## What to do\n", &with(query));
    for query in [
        r#"{job="vmagent"} |= "re-sending the block""#,
        r#"max_over_time({job="vmagent"} | regexp `block in (?P<wait>[0-9.]+) seconds` | unwrap wait [5m]) > 60"#,
    ] {
        assert_eq!(test(asked(query).path(), &["--strict"]), (Some(0), String::new()), "{query}");
    }
    let drifts = |query: &str, words: &[&str]| drifts("## What to do\n", &with(query), words);
    drifts(
        r#"{job="vmagnet"} |= "re-sending""#,
        &[
            "no variant of the replay produces {job=\"vmagnet\"}",
            "there is {job=\"vmagent\", namespace=\"observability\"}",
        ],
    );
    drifts(r#"{job="vmagent"} |= "resending""#, &["this query yields nothing at any time of any variant"]);
    drifts(
        r#"count_over_time({job="vmagent"} |= "re-sending" [5m]) > 5"#,
        &["this query yields nothing at any time of any variant"],
    );
    // Every line has an error at this parser.
    drifts(
        r#"sum by (a) (count_over_time({job="vmagent"} | json [5m]))"#,
        &["this query has no answer: pipeline error: 'JSONParserErr'"],
    );
}
