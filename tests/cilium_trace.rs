//! The log of the Envoy incident, beside the trace in its document.

use std::path::Path;

use firedrill::replay::{self, LogEntry};
use firedrill::text::Source;

/// The lines of a variant's stream, each with the milliseconds since the start.
fn entries(variant: Option<&str>) -> Vec<(i64, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/cilium-envoy-connect-failures");
    let text = std::fs::read_to_string(folder.join("replay.yaml")).unwrap();
    let replay = replay::read(&Source::new("replay.yaml", text), &folder)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()));
    let day = replay.variant(variant).unwrap();
    let since = |entry: &LogEntry| entry.time.0 / 1_000_000 - day.start().0;
    let entries = day.log_entries(&day.logs[0]).into_iter().map(|entry| (since(&entry), entry.line));
    // What Envoy says of every request is not part of the trace.
    entries.filter(|(_, line)| !line.ends_with("] new stream")).collect()
}

/// The lines of the trace in the document.
fn trace() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/cilium-envoy-connect-failures/incident.md");
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text.lines().filter(|line| line.starts_with("[2022-03-23 ")).map(str::to_owned).collect();
    assert_eq!(lines.len(), 15);
    lines
}

#[test]
fn the_first_failure_writes_the_trace_of_the_document() {
    for variant in [None, Some("first-patch")] {
        let entries = entries(variant);
        let first: Vec<&str> =
            entries.iter().filter(|(at, _)| *at == entries[0].0).map(|(_, line)| line.as_str()).collect();
        assert_eq!(first, trace(), "{variant:?}");
        // The next connection comes a millisecond later.
        let next = entries.iter().find(|(at, _)| *at == entries[0].0 + 1).unwrap();
        assert_eq!(next.1, "[2022-03-23 12:53:25.867][401][debug][pool] creating a new connection");
        assert!(
            entries.iter().any(|(at, line)| *at == next.0 && line.contains("[C120] connecting to 52.217.196.218:443"))
        );
    }
}

#[test]
fn every_failed_connection_has_its_lines_and_a_number_of_its_own() {
    for (variant, requests) in [(None, 98), (Some("first-patch"), 45), (Some("second-patch"), 0), (Some("control"), 0)]
    {
        let entries = entries(variant);
        let of = |text: &str| entries.iter().filter(|(_, line)| line.ends_with(text)).count();
        // One attempt and three retries.
        assert_eq!(of("] connecting"), 4 * requests, "{variant:?}");
        assert_eq!(of("performing retry"), 3 * requests, "{variant:?}");
        assert_eq!(entries.len(), (4 * 14 + 3) * requests, "{variant:?}");
    }
    let last = entries(None)
        .into_iter()
        .rev()
        .find_map(|(_, line)| line.split_once("[C5")?.1.split_once(']').map(|(n, _)| n.to_owned()));
    // 119 and 391 more.
    assert_eq!(last.as_deref(), Some("10"));
}

#[test]
fn the_recorded_trace_is_that_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/cilium-envoy-connect-failures/trace.log");
    let recorded = std::fs::read_to_string(path).unwrap();
    assert_eq!(recorded.lines().collect::<Vec<_>>(), trace());
}
