//! `firedrill compare`: a replay beside recordings of it, as they are and changed.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::{firedrill, stdout};
use serde_json::Value;
use tempfile::TempDir;

const REPLAY: &str = r#"firedrill: replay/1
title: The API fails
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [rules.yaml]
targets:
  api: {labels: {job: api, instance: "a:1"}, scrape: 30s}
spans:
  broken: {from: "12:20:00", to: "12:40:00"}
  gone: {from: "12:50:00", to: "12:55:00"}
metrics:
  - {series: errors_total, target: api, counter: {else: 0/s, broken: 5/s}}
  - {series: load, target: api, gauge: 4}
gaps:
  - {down: {target: api}, during: gone}
expect: {others: {severity: none}}
"#;

const RULES: &str = "groups:
  - name: api
    rules:
      - {record: 'job:errors:rate5m', expr: 'sum by (job) (rate(errors_total[5m]))'}
      - {alert: ApiErrors, expr: 'job:errors:rate5m > 1', for: 5m}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder, "replay.yaml", REPLAY);
    write(&folder, "rules.yaml", RULES);
    folder
}

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).expect("a file");
}

/// Writes what a verb prints into a file of the folder.
#[track_caller]
fn save(folder: &TempDir, name: &str, args: &[&str]) -> String {
    let output = firedrill(folder.path(), args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = stdout(&output);
    write(folder, name, &text);
    text
}

/// Compares, and returns the exit code and the result.
#[track_caller]
fn compare(folder: &TempDir, args: &[&str]) -> (i32, Value) {
    let output = firedrill(folder.path(), &[&["compare", "replay.yaml"], args, &["--format", "json"]].concat());
    let result = serde_json::from_slice(&output.stdout);
    let result = result.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("an exit code"), result)
}

fn series<'a>(result: &'a Value, name: &str) -> &'a Value {
    let all = result["series"].as_array().expect("series");
    all.iter().find(|series| series["labels"]["__name__"] == name).expect(name)
}

#[test]
fn a_replay_is_equal_to_what_was_exported_from_it() {
    let folder = folder();
    save(&folder, "day.om", &["export", "openmetrics", "replay.yaml"]);
    let range = ["--replay", "replay.yaml", "--from", "12:00", "--to", "13:00", "--step", "30s", "--format"];
    for (format, name) in [("json", "day.json"), ("csv", "day.csv")] {
        save(&folder, name, &[&["query", "{__name__=~\".+\"}"], &range[..], &[format]].concat());
    }
    for (name, by_rules) in [("day.om", 0), ("day.json", 4), ("day.csv", 4)] {
        let (code, result) = compare(&folder, &[name]);
        assert_eq!((code, &result["same_alerts"]), (0, &Value::Bool(true)), "{name}");
        let alerts = result["alerts"].as_array().expect("alerts");
        // The rate is above 1 from 12:21:30 on, which the tick of 12:22 sees.
        assert_eq!(alerts.len(), 1, "{name}");
        assert_eq!(alerts[0]["replay"], alerts[0]["recording"]);
        assert_eq!(alerts[0]["replay"]["active_at"], "2026-01-10T12:22:00Z");
        assert_eq!(alerts[0]["later_seconds"]["fired"], 0.0);
        for (series, samples) in [("up", 121), ("errors_total", 111), ("load", 111)] {
            let found = self::series(&result, series);
            assert_eq!(found["compared"], samples, "{name} {series}");
            for figure in ["only_replay", "only_recording", "unlike"] {
                assert_eq!(found[figure], 0, "{name} {series} {figure}");
            }
            for figure in ["max_difference", "mean_difference", "max_relative_difference"] {
                assert_eq!(found[figure], 0.0, "{name} {series} {figure}");
            }
        }
        // The recording rule, ALERTS pending and firing, ALERTS_FOR_STATE.
        assert_eq!(result["recording"]["written_by_rules"], by_rules, "{name}");
        assert_eq!(
            (&result["only_replay"], &result["only_recording"]),
            (&Value::Array(Vec::new()), &Value::Array(Vec::new()))
        );
    }
    let output = firedrill(folder.path(), &["compare", ".", "day.om"]);
    let told = stdout(&output);
    assert!(told.contains("alerts: the same\n") && told.contains("series: all 3 that both have are equal\n"), "{told}");
}

#[test]
fn a_recording_that_is_a_minute_later_has_its_alerts_a_minute_later() {
    let folder = folder();
    let replay = REPLAY.replace("gaps:\n  - {down: {target: api}, during: gone}\n", "");
    write(&folder, "replay.yaml", &replay);
    save(&folder, "day.om", &["export", "openmetrics", "replay.yaml"]);
    let (code, result) = compare(&folder, &["day.om", "--offset", "1m"]);
    assert_eq!((code, &result["same_alerts"]), (1, &Value::Bool(false)));
    for time in ["active", "fired", "ended"] {
        assert_eq!(result["alerts"][0]["later_seconds"][time], 60.0, "{time}");
    }
    let errors = series(&result, "errors_total");
    // From 12:01 to 13:00 every 30 s.
    assert_eq!((&errors["compared"], &errors["only_replay"]), (&Value::from(119), &Value::from(2)));
    assert_eq!(errors["counter"], true);
    // A minute at 5/s, from 12:21 to 12:40; half of it 30 s after the beginning and after the end.
    assert_eq!(errors["max_difference"], 300.0);
    assert_eq!(errors["mean_difference"], (39.0 * 300.0 + 2.0 * 150.0) / 119.0);
    // At 12:20:30 the recording has counted nothing.
    assert_eq!(errors["max_relative_difference"], 1.0);
    assert_eq!(errors["worst"]["at"], "2026-01-10T12:21:00Z");
    assert_eq!(series(&result, "load")["max_difference"], 0.0);
    assert_eq!(compare(&folder, &["day.om", "--offset", "1m", "--within", "1m"]).0, 0);
    assert_eq!(compare(&folder, &["day.om", "--offset", "1m", "--within", "59s"]).0, 1);
    let told = stdout(&firedrill(folder.path(), &["compare", ".", "day.om", "--offset", "1m"]));
    for line in [
        "alerts: 1 of 1 differ\n",
        "replay     active 12:22:00, firing 12:27:00, resolved 12:44:00\n",
        "recording  active 12:23:00, firing 12:28:00, resolved 12:45:00\n",
        "active 1m later, firing 1m later, over 1m later\n",
        "counted at most 300 (100 %) apart, on average 100.84",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn a_changed_recording_says_what_is_changed() {
    let folder = folder();
    let text = save(&folder, "day.om", &["export", "openmetrics", "replay.yaml"]);
    let renamed = text.replace("errors_total{", "failures_total{").replace("instance=\"a:1\"", "pod=\"a:1\"");
    write(&folder, "changed.om", &renamed.replace("} 4 ", "} 5 "));
    let (code, result) = compare(&folder, &["changed.om", "--rename", "pod=instance"]);
    assert_eq!(code, 1);
    assert_eq!((&result["alerts"][0]["recording"], &result["alerts"][0]["same"]), (&Value::Null, &Value::Bool(false)));
    assert_eq!(result["only_replay"][0]["__name__"], "errors_total");
    assert_eq!(result["only_recording"][0]["__name__"], "failures_total");
    let load = series(&result, "load");
    assert_eq!((&load["max_difference"], &load["max_relative_difference"]), (&Value::from(1.0), &Value::from(0.2)));
    let told = stdout(&firedrill(folder.path(), &["compare", ".", "changed.om", "--rename", "pod=instance"]));
    assert!(told.contains("recording  not active\n") && told.contains("only in the recording: 1\n"), "{told}");
}

#[test]
fn an_answer_that_was_cut_short_is_told() {
    let folder = folder();
    let args = ["query", "load", "--replay", "replay.yaml", "--from", "12:00", "--to", "12:10", "--step", "30s"];
    let answer = save(&folder, "answer.json", &[&args[..], &["--format", "json"]].concat());
    let cut = answer.trim_end().strip_suffix('}').expect("an object").to_owned()
        + r#","warnings":["results truncated due to limit"]}"#;
    write(&folder, "cut.json", &cut);
    let told = |file| {
        let output = firedrill(folder.path(), &["compare", "replay.yaml", file]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(told("answer.json"), "");
    assert!(
        told("cut.json").contains("cut.json came with a warning: results truncated due to limit"),
        "{}",
        told("cut.json")
    );
    write(&folder, "replay.yaml", &REPLAY.replace("gauge: 4", "recorded_file: cut.json"));
    let drilled = firedrill(folder.path(), &["test", "replay.yaml"]);
    let drilled = String::from_utf8_lossy(&drilled.stderr);
    assert!(drilled.contains("came with a warning: results truncated due to limit"), "{drilled}");
}

#[test]
fn an_alert_that_the_recording_has_nothing_for_is_blind() {
    let folder = folder();
    write(
        &folder,
        "load.csv",
        "Time,\"load{job=\"\"api\"\",instance=\"\"a:1\"\"}\"\n2026-01-10 12:00:00,4\n2026-01-10 12:00:30,4\n",
    );
    let (code, result) = compare(&folder, &["load.csv"]);
    assert_eq!((code, &result["same_alerts"]), (1, &Value::Bool(false)), "{result}");
    let blind = result["blind"].as_array().expect("a list");
    assert!(blind.len() == 1 && blind[0].as_str().is_some_and(|text| text.starts_with("ApiErrors: ")), "{result}");
}

#[test]
fn what_cannot_be_compared_exits_with_2() {
    let folder = folder();
    let text = save(&folder, "day.om", &["export", "openmetrics", "replay.yaml"]);
    write(&folder, "other.om", &text.replace("job=\"api\"", "job=\"web\""));
    write(&folder, "empty.json", "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}");
    write(&folder, "bad.csv", "Time,x\n2026-01-10 12:00:00,many\n");
    for (args, says) in [
        (&["none.json"][..], "cannot read none.json: no such file"),
        (&["other.om"], "other.om has no series of the replay"),
        (&["other.om"], "--rename OLD=NEW"),
        (&["empty.json"], "empty.json holds no samples"),
        (&["bad.csv"], "bad.csv:2:21"),
        (&["day.om", "--offset", "1d"], "day.om has no samples within the replay"),
        (&["day.om", "--offset", "soon"], "not a valid duration"),
        (&["day.om", "--rename", "pod"], "--rename pod names no two labels"),
        (&["day.om", "--zone", "Mars"], "`Mars` is no zone"),
        (&["day.om", "--target", "web"], "no target `web`"),
        (&["day.om", "--at", "25:00"], "`25:00` is not a time"),
        (&["day.om", "--variant", "x"], "no variant `x`"),
        (&["replay.yaml"], "replay.yaml:"),
    ] {
        let output = firedrill(folder.path(), &[&["compare", "replay.yaml"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(output.stdout.is_empty() && said.contains(says), "{args:?} does not say {says:?}:\n{said}");
    }
}

#[test]
fn the_counters_in_the_document_of_envoy_are_those_of_the_replay_in_the_end() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document =
        fs::read_to_string(root.join("incidents/cilium-envoy-connect-failures/incident.md")).expect("a file");
    let text: String =
        document.lines().filter(|line| line.starts_with("envoy_cluster_")).map(|line| format!("{line}\n")).collect();
    assert!(text.ends_with("} 392\n"));
    let folder = tempfile::tempdir().expect("a folder");
    for (text, largest) in [(text.clone(), 0.0), (text.replace(" 392", " 400"), 8.0)] {
        write(&folder, "metrics.txt", &text);
        let path = folder.path().join("metrics.txt");
        let args = ["--at", "end", "--target", "envoy", "--format", "json"];
        let path = path.to_str().expect("a path");
        let output =
            firedrill(root, &[&["compare", "incidents/cilium-envoy-connect-failures", path], &args[..]].concat());
        let result: Value = serde_json::from_slice(&output.stdout).expect("a result");
        assert_eq!(result["series"].as_array().expect("series").len(), 2);
        assert_eq!(series(&result, "envoy_cluster_upstream_rq")["max_difference"], 0.0);
        assert_eq!(series(&result, "envoy_cluster_upstream_cx_connect_fail")["max_difference"], largest);
    }
}

/// What Prometheus 3.5.3 answers over the exported day of the vmagent incident, from 15:05 to 15:10; `promtool query -o json`
/// prints the same.
#[test]
fn what_a_server_and_promtool_answer_is_the_replay_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, samples) in [("query_range.json", 22), ("promtool.json", 22), ("query.json", 2)] {
        let path = format!("tests/recordings/{file}");
        let output = firedrill(root, &["compare", "incidents/vmagent-remote-write", &path, "--format", "json"]);
        let result: Value = serde_json::from_slice(&output.stdout).expect("a result");
        assert_eq!(result["recording"]["samples"], samples, "{file}");
        assert_eq!(result["series"].as_array().expect("series").len(), 2, "{file}");
        for series in result["series"].as_array().expect("series") {
            assert_eq!((&series["max_difference"], &series["only_recording"]), (&Value::from(0.0), &Value::from(0)));
        }
    }
    let range = ["--from", "15:05", "--to", "15:10", "--step", "30s", "--hindsight", "--format", "json"];
    let args = [&["query", "vm_http_request_errors_total", "--replay", "incidents/vmagent-remote-write"], &range[..]];
    let ours = stdout(&firedrill(root, &args.concat()));
    let theirs = fs::read_to_string(root.join("tests/recordings/query_range.json")).expect("the recording");
    assert_eq!(ours.trim_end(), theirs.trim_end());
}
