//! The log lines of replays, by the binary: asked, expected, shown and exported, over the incidents of this repository.

#[path = "common/program.rs"]
mod program;

use std::path::Path;

use program::{changed, firedrill, line_of, root, stdout};
use serde_json::Value;

/// The incidents, and whether anybody logged anything.
const INCIDENTS: [(&str, bool); 5] = [
    ("cilium-envoy-connect-failures", true),
    ("docker-vm-drops", false),
    ("packets-drop-by-drop", true),
    ("t3-drop-attribution", true),
    ("vmagent-remote-write", true),
];

/// Exit code, stdout and stderr.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = firedrill(folder, args);
    (output.status.code(), stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Lines by job over a whole day, of a replay or of a file.
fn counts(from: &[&str]) -> String {
    let query = r#"sum by (job) (count_over_time({job=~".+"}[1d]))"#;
    let (code, out, errors) = run(&root(), &[&["query", "--logql", query, "--format", "json"], from].concat());
    assert_eq!(code, Some(0), "{from:?}: {errors}");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    // When it was asked is not of interest.
    let of = |series: &Value| format!("{} {}", series["metric"]["job"], series["value"][1]);
    answer["data"]["result"].as_array().expect("series").iter().map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_incident_answers_logql_and_its_export_holds_the_same_lines() {
    for (name, logs) in INCIDENTS {
        let replay = format!("incidents/{name}");
        if !logs {
            for args in [&["query", "--logql", "{a=\"b\"}", "--replay", &replay][..], &["export", "loki", &replay]] {
                let (code, out, errors) = run(&root(), args);
                assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
                assert!(errors.contains("this day has no log lines"), "{errors}");
            }
            continue;
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("a path");
        let (code, out, errors) = run(&root(), &["export", "loki", &replay, "-o", path]);
        assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", ""), "{name}");
        let of_replay = counts(&["--replay", &replay]);
        assert!(!of_replay.is_empty(), "{name}");
        assert_eq!(counts(&["--logs", path]), of_replay, "{name}");
    }
}

#[test]
fn a_day_on_which_nothing_was_written_has_no_answer_and_no_error() {
    let (code, out, errors) = run(
        &root(),
        &[
            "query",
            "--logql",
            "{job=\"vmsingle\"}",
            "--replay",
            "incidents/vmagent-remote-write",
            "--variant",
            "control",
        ],
    );
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "no entries\n", ""));
}

#[test]
fn an_export_names_streams_times_and_lines_as_loki_takes_them() {
    let (_, out, _) = run(&root(), &["export", "loki", "incidents/vmagent-remote-write", "--variant", "short"]);
    let payload: Value = serde_json::from_str(out.trim_end()).expect("one payload");
    let stream = &payload["streams"][0];
    assert_eq!(stream["stream"], serde_json::json!({"job": "vmagent", "namespace": "observability"}));
    // Behind the one of 14:40:03, 120 s after 15:06:45.
    let values: Vec<(&str, &str)> = stream["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|value| (value[0].as_str().unwrap_or_default(), value[1].as_str().unwrap_or_default()))
        .collect();
    assert_eq!((values[0].0, values[1].0), ("1763131203000000000", "1763132925000000000"));
    assert!(values[1].1.ends_with("re-sending the block in 2.000 seconds"), "{values:?}");
}

/// The base day of the vmagent incident with another expectation than 18 lines.
fn expecting(to: &str) -> (Option<i32>, String, String) {
    let from =
        "logql: '{job=\"vmagent\"} |= \"re-sending the block\"'\n      from: start\n      to: end\n      returns: 18\n";
    let copy = changed("replay.yaml", from, to);
    run(copy.path(), &["test", "--run", "/day"])
}

#[test]
fn another_answer_falls_short_and_is_told() {
    let of = |query: &str, returns: &str| {
        expecting(&format!("logql: '{query}'\n      from: start\n      to: end\n      {returns}\n"))
    };
    for (query, returns, told) in [
        (r#"{job="vmagent"} |= "re-sending""#, "returns: 17", "18 lines"),
        (r#"{job="vmagent"} |= "re-sending""#, "selects: nothing", "and 15 more lines"),
        (r#"{job="vmagent"} |= "resending""#, "selects: something", "no lines"),
        (r#"{job="vmagent"} |= "in 2.000" | line_format "two""#, "returns: [three]", "two"),
        (r#"sum(count_over_time({job="vmagent"}[2h]))"#, "returns: 18", "another answer"),
        (
            r#"sum by (a) (count_over_time({job="vmagent"} | json [2h]))"#,
            "returns: 18",
            "pipeline error: 'JSONParserErr'",
        ),
    ] {
        let (code, out, errors) = of(query, returns);
        assert_eq!(code, Some(1), "{query}: {out}{errors}");
        assert!(out.contains("replay.yaml:") && out.contains(told), "{query}: {out}");
    }
    let (code, out, errors) = of(r#"{job="vmagent"} |= "in 2.000" | line_format "two""#, "returns: [two]");
    assert_eq!(code, Some(0), "{out}{errors}");
}

#[test]
fn a_stream_that_is_not_there_is_blind() {
    let (code, out, _) =
        expecting("logql: '{job=\"vmagnet\"} |= \"re-sending\"'\n      from: start\n      to: end\n      returns: 0\n");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("BLIND") && out.contains("no stream of this day matches {job=\"vmagnet\"}"), "{out}");
}

#[test]
fn what_cannot_be_asked_or_expected_has_its_place() {
    let of = |query: &str, returns: &str| expecting(&format!("logql: '{query}'\n      at: end\n      {returns}\n"));
    let first = format!("replay.yaml:{}:34", line_of("- &again") + 1);
    for (query, returns, told) in [
        (r#"{job="vmagent"} |= "#, "returns: 1", first.as_str()),
        (r#"{job="vmagent"}"#, "returns: [{job: vmagent, value: 1}]", "this query returns lines, and no values"),
        (r#"rate({job="vmagent"}[5m])"#, "returns: [one line]", "this query returns values, and no lines"),
    ] {
        let (code, _, errors) = of(query, returns);
        assert_eq!(code, Some(2), "{query}: {errors}");
        assert!(errors.contains(told), "{query}: {errors}");
    }
}

#[test]
fn what_people_get_wrong_in_logql_is_warned_of_and_fails_where_tests_are_strict() {
    let queries = "queries:\n    - {logql: '{job=\"vmagent\"} | logfmt | wait=\"2\"', at: end, returns: 0}\n\
                   \x20   - {logql: 'sum by (took) (count_over_time({job=\"vmsingle\"} | json [5m]))', at: start, selects: nothing}\n\
                   \x20   - {logql: '{job=\"vmagnet\"}', at: end, returns: 1}\n";
    let copy = changed(
        "replay.yaml",
        "queries:\n    # One error in the window",
        &format!("{queries}    # One error in the window"),
    );
    let (_, _, errors) = run(copy.path(), &["test"]);
    for told in [
        "warning: no line that comes here has the label `wait`",
        "warning: a line makes this query fail wherever it is in the window: JSONParserErr",
        "warning: no stream meets {job=\"vmagnet\"}",
    ] {
        assert!(errors.contains(told) && errors.contains("replay.yaml:"), "{told}: {errors}");
    }
    // Which streams there are can only be said where all days have run; a line that fails is one.
    let (_, _, errors) = run(copy.path(), &["test", "--run", "/day"]);
    assert!(!errors.contains("no stream meets") && errors.contains("a line makes this query fail"), "{errors}");

    let one = "queries:\n    - {logql: 'sum by (took) (count_over_time({job=\"vmsingle\"} | json [5m]))', at: start, selects: nothing}\n";
    let copy = changed(
        "replay.yaml",
        "queries:\n    # One error in the window",
        &format!("{one}    # One error in the window"),
    );
    assert_eq!(run(copy.path(), &["test"]).0, Some(0));
    assert_eq!(run(copy.path(), &["test", "--strict"]).0, Some(1));
    let (_, out, _) = run(copy.path(), &["test", "--format", "json"]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let trap = &report["log_traps"][0];
    assert!(trap["message"].as_str().is_some_and(|message| message.contains("JSONParserErr")), "{trap}");
    assert!(trap["place"]["column"].as_u64().is_some_and(|column| column > 15), "{trap}");
}

#[test]
fn logql_that_is_asked_as_promql_says_so() {
    let ask = |query: &str| run(&root(), &["query", query, "--replay", "incidents/vmagent-remote-write"]);
    let (code, out, errors) = ask(r#"{job="vmagent"} |= "re-sending""#);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    assert!(
        errors.contains("<expr>:1:") && errors.contains("this is LogQL: ask the log lines with --logql"),
        "{errors}"
    );
    let (_, _, errors) = ask("rate(up[5m]");
    assert!(!errors.contains("LogQL"), "{errors}");
}
