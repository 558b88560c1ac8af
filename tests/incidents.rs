//! The incidents of this repository, drilled by the real binary: as they are, and with changes that have to be noticed.

#[path = "common/program.rs"]
mod program;

use std::fs;

use program::{changed, firedrill, root, stdout};

/// Drills the changed copy, which has to fall short, and returns what was printed.
fn falls_short(file: &str, from: &str, to: &str) -> String {
    let copy = changed(file, from, to);
    let output = firedrill(copy.path(), &["test"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn every_incident_passes_as_it_is() {
    let output = firedrill(&root(), &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_raised_threshold_is_noticed_and_explained() {
    let text = falls_short(
        "vmagent.yaml",
        "increase(vm_http_request_errors_total[5m]) > 0",
        "increase(vm_http_request_errors_total[5m]) > 5",
    );
    assert!(text.contains("FAIL"), "{text}");
    assert!(text.contains("came no nearer than"), "{text}");
    assert!(text.contains("rules/vmagent.yaml:7:"), "{text}");
}

#[test]
fn a_window_that_is_too_short_is_noticed_and_explained() {
    let text = falls_short("vmagent.yaml", "vm_http_request_errors_total[5m]", "vm_http_request_errors_total[30s]");
    assert!(text.contains("fewer than two samples, which are 30s apart"), "{text}");
    assert!(text.contains("use at least [2m]"), "{text}");
}

#[test]
fn a_for_beyond_the_incident_is_noticed_and_explained() {
    let text = falls_short("vmagent.yaml", "[5m]) > 0\n        for: 15m", "[5m]) > 0\n        for: 2h");
    assert!(text.contains("`for` is 2h"), "{text}");
    assert!(text.contains("a `for` of 15m or less fires in time"), "{text}");
}

#[test]
fn an_alert_without_its_metric_is_blind() {
    let text = falls_short("replay.yaml", "'vm_http_request_errors_total{path=", "'vm_http_other_total{path=");
    assert!(text.contains("BLIND"), "{text}");
    assert!(text.contains("no series of this day matches vm_http_request_errors_total"), "{text}");
}

#[test]
fn the_same_day_gives_the_same_bytes() {
    let run = || {
        let output = firedrill(
            &root(),
            &[
                "query",
                "{__name__!=\"\"}",
                "--replay",
                "incidents/vmagent-remote-write",
                "--from",
                "14:30",
                "--to",
                "16:30",
                "--format",
                "csv",
            ],
        );
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let first = run();
    assert!(first.len() > 10_000);
    assert_eq!(first, run());
}

#[test]
fn a_broken_replay_does_not_silence_the_others() {
    let copy = changed("replay.yaml", "dialect: metricsql", "dialect: metricsql");
    let whole = copy.path().join("incidents/vmagent-remote-write");
    for name in ["incidents/broken/replay.yaml", "other/vmagent-remote-write/replay.yaml"] {
        let text = fs::read_to_string(whole.join("replay.yaml")).expect("a replay");
        let text = if name.contains("broken") { text.replace("during: queued", "during: qeued") } else { text };
        let folder = copy.path().join(name).parent().expect("a folder").to_owned();
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(copy.path().join(name), text).expect("a file");
        fs::copy(whole.join("incident.md"), folder.join("incident.md")).expect("its document");
    }
    let output = firedrill(copy.path(), &["test"]);
    let (text, problems) = (stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(2), "{text}{problems}");
    assert!(problems.contains("incidents/broken/replay.yaml:"), "{problems}");
    assert!(problems.contains("did you mean `queued`?"), "{problems}");
    assert!(!text.contains("broken/day"), "{text}");
    // Two replays in folders of one name go by their paths.
    for name in ["incidents/vmagent-remote-write/replay/day", "other/vmagent-remote-write/replay/day"] {
        assert!(text.contains(&format!("PASS   {name} ")), "{text}");
    }
}

#[test]
fn external_labels_of_a_replay_come_over_those_of_the_settings() {
    let summary = "\"{{ $labels.job }} keeps failing requests to {{ $labels.path }}\"";
    let copy = changed("vmagent.yaml", summary, "\"{{ $externalLabels.cluster }}/{{ $externalLabels.site }}\"");
    fs::write(copy.path().join("firedrill.yaml"), "external_labels: {cluster: other, site: attic}\n").expect("a file");
    let text = stdout(&firedrill(copy.path(), &["show", "incidents", "--at", "15:32"]));
    assert!(text.contains("home/attic"), "{text}");
}
