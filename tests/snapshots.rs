//! What people and machines read, word by word: snapshots of the binary's output in `snapshots/`.
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test snapshots`, and read the difference.

#[path = "common/program.rs"]
mod program;

use std::path::Path;

use firedrill::text::Source;
use program::{changed, firedrill, root, stdout};

const REPLAY: &str = "incidents/vmagent-remote-write";

/// Compares a text with its snapshot; what differs from run to run is filtered out.
fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\d+\.\d\d s\)", "[elapsed])");
    settings.add_filter(r#""seconds": [\d.e-]+"#, r#""seconds": "[elapsed]""#);
    settings.add_filter(r#" uuid="[^"]*""#, "");
    settings.add_filter(r#" timestamp="[^"]*""#, "");
    settings.add_filter(r#" time="[^"]*""#, r#" time="[elapsed]""#);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What the binary prints in a folder, and its exit code in front of it.
fn printed(folder: &Path, args: &[&str]) -> String {
    let output = firedrill(folder, args);
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("$ firedrill {}\n{}{errors}exit code {code}\n", args.join(" "), stdout(&output))
}

#[test]
fn drills_for_people() {
    compare("test", &printed(&root(), &["test", REPLAY]));
}

#[test]
fn a_threshold_that_is_too_high() {
    let copy = changed(
        "vmagent.yaml",
        "increase(vm_http_request_errors_total[5m]) > 0",
        "increase(vm_http_request_errors_total[5m]) > 5",
    );
    compare("test_threshold_raised", &printed(copy.path(), &["test"]));
}

#[test]
fn a_for_that_is_too_long() {
    let copy = changed("vmagent.yaml", "[5m]) > 0\n        for: 15m", "[5m]) > 0\n        for: 20m");
    compare("test_for_raised", &printed(copy.path(), &["test", "--run", "day"]));
}

#[test]
fn an_alert_without_its_metric() {
    let copy = changed("replay.yaml", "'vm_http_request_errors_total{path=", "'vm_http_other_total{path=");
    compare("test_blind", &printed(copy.path(), &["test"]));
}

#[test]
fn a_replay_that_does_not_bring_about_what_happened() {
    let happened = |at: &str| {
        format!(
            "happened:\n  alerts:\n    - 'RequestErrorsToAPI{{path=\"/api/v1/write\"}}': {{active: {{at: \"{at}\"}}"
        )
    };
    let copy = changed("replay.yaml", &happened("15:09:00"), &happened("15:08:00"));
    compare("test_not_calibrated", &printed(copy.path(), &["test", "--run", "day"]));
}

#[test]
fn drills_for_machines() {
    compare("test_json", &printed(&root(), &["test", REPLAY, "--format", "json", "--run", "day|control"]));
}

#[test]
fn drills_for_ci_servers() {
    let copy = changed(
        "vmagent.yaml",
        "increase(vm_http_request_errors_total[5m]) > 0",
        "increase(vm_http_request_errors_total[5m]) > 5",
    );
    firedrill(copy.path(), &["test", "--junit", "report.xml"]);
    compare("test_junit", &std::fs::read_to_string(copy.path().join("report.xml")).expect("a report"));
}

#[test]
fn replays_for_people() {
    for (name, args) in [
        ("show_at", &["show", REPLAY, "--at", "15:32"][..]),
        ("show_at_pending", &["show", REPLAY, "--at", "15:10"]),
        ("show_explain", &["show", REPLAY, "--explain"]),
    ] {
        compare(name, &printed(&root(), args));
    }
}

/// Every incident and every variant of it, each in its own file: `timeline_INCIDENT_VARIANT`.
#[test]
fn timelines_of_every_day() {
    let mut replays: Vec<_> = std::fs::read_dir(root().join("incidents"))
        .expect("the incidents")
        .map(|entry| entry.expect("a folder").path())
        .filter(|folder| folder.join("replay.yaml").is_file())
        .collect();
    replays.sort();
    for folder in replays {
        let text = std::fs::read_to_string(folder.join("replay.yaml")).expect("a replay");
        let replay =
            firedrill::replay::read(&Source::new("replay.yaml", text), &folder).expect("a replay without errors");
        let incident = folder.file_name().and_then(|name| name.to_str()).expect("a name in ASCII");
        let path = format!("incidents/{incident}");
        for day in replay.days() {
            let args = ["show", &path, "--variant", day.name.as_deref().unwrap_or_default()];
            let (args, variant) =
                if let Some(name) = &day.name { (&args[..], name.as_str()) } else { (&args[..2], "day") };
            compare(&format!("timeline_{incident}_{variant}"), &printed(&root(), args));
        }
    }
}

#[test]
fn answers_of_queries() {
    let query = "increase(vm_http_request_errors_total[5m])";
    for format in ["table", "json", "csv"] {
        let args = [
            "query", query, "--replay", REPLAY, "--from", "15:20", "--to", "15:30", "--step", "5m", "--format", format,
        ];
        compare(&format!("query_{format}"), &printed(&root(), &args));
    }
    compare("query_instant", &printed(&root(), &["query", query, "--replay", REPLAY, "--at", "15:32"]));
}

#[test]
fn unit_tests_for_people() {
    let folder = root().join("tests/unit_tests");
    for name in ["alerts", "expressions", "broken", "unreadable"] {
        compare(&format!("unit_{name}"), &printed(&folder, &["test", &format!("{name}.test.yaml")]));
    }
}

#[test]
fn a_patch_for_a_unit_test() {
    let folder = root().join("tests/unit_tests");
    compare("unit_diff", &printed(&folder, &["test", "alerts.test.yaml", "--run", "labels", "--diff"]));
}

#[test]
fn unit_tests_for_machines() {
    let folder = root().join("tests/unit_tests");
    let args = ["test", "alerts.test.yaml", "--run", "resolved", "--format", "json"];
    compare("unit_json", &printed(&folder, &args));
    let copy = tempfile::tempdir().expect("a temporary folder");
    let report = copy.path().join("report.xml");
    firedrill(&folder, &["test", "alerts.test.yaml", "broken.test.yaml", "--junit", &report.display().to_string()]);
    compare("unit_junit", &std::fs::read_to_string(report).expect("a report"));
}

#[test]
fn many_unit_tests_for_people() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for nth in 0..22 {
        let value = if nth == 3 { 2 } else { 1 };
        let case = format!("{{expr: vector({value}), exp_samples: [{{value: 1}}]}}");
        let text = format!("tests:\n- name: a\n  promql_expr_test:\n  - {case}\n");
        std::fs::write(folder.path().join(format!("{nth:02}.test.yaml")), text).expect("a file");
        if nth == 19 {
            compare("unit_few", &printed(folder.path(), &["test", "."]));
        }
    }
    std::fs::write(folder.path().join("22.test.yaml"), "tests: [{promql_expr_test: [{expr: '1'}]}]\n").expect("a file");
    compare("unit_many", &printed(folder.path(), &["test", "."]));
}
