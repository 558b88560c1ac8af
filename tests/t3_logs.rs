//! The logs of the t3 drops: what the document's triage query finds in the dispatch's, and the same seconds on the other layers.

use std::path::Path;
use std::sync::Arc;

use firedrill::replay::{self, Day};
use firedrill::text::Source;
use regex::Regex;

fn days() -> Vec<Arc<Day>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/t3-drop-attribution");
    let text = std::fs::read_to_string(folder.join("replay.yaml")).unwrap();
    let replay = replay::read(&Source::new("replay.yaml", text), &folder)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()));
    replay.days().cloned().collect()
}

/// The lines of a stream that contain all of `filters`, each with the milliseconds since the start.
fn lines(day: &Day, stream: &str, filters: &[&str]) -> Vec<(i64, String)> {
    let stream = day.logs.iter().find(|log| log.labels.iter().any(|(_, value)| value == stream)).unwrap();
    let entries = day.log_entries(stream).into_iter();
    let entries = entries.filter(|entry| filters.iter().all(|filter| entry.line.contains(filter)));
    entries.map(|entry| (entry.time.0 / 1_000_000 - day.start().0, entry.line)).collect()
}

/// Sockets that lived for less than 120 s, by the document's expression: when they closed, and why.
fn short(day: &Day) -> Vec<(i64, String)> {
    let fields = Regex::new(r"dur_ms=(?P<dur>[0-9]+) cause=(?P<cause>\S+)").unwrap();
    let closed = lines(day, "t3-dispatch.service", &["ws close"]).into_iter().map(|(time, line)| {
        let found = fields.captures(&line).unwrap_or_else(|| panic!("{line}"));
        (time, found["dur"].parse::<u64>().unwrap(), found["cause"].to_owned())
    });
    closed.filter(|(_, dur, _)| *dur < 120_000).map(|(time, _, cause)| (time, cause)).collect()
}

#[test]
fn short_sockets_are_alike_in_the_livelock_and_in_the_last_mile() {
    for day in days() {
        // One at the freeze and one at the rollout of the dispatch. The watchdog closes one every 26 s: 122 in 3,159 s, 46 in 1,179 s.
        let expected = match day.name.as_deref() {
            None => 2 + 122,
            Some("last-mile" | "probe-down") => 2 + 46,
            // The rollout is not in it, its own cut is.
            Some("both-legs") => 2,
            // Every 2 minutes for half an hour, and the freeze.
            Some("both-legs-flapping") => 1 + 15,
            // A freeze every 2 minutes for 39 min 59 s, and the rollout.
            Some("out-of-memory") => 1 + 20,
            Some(_) => 2,
        };
        let short = short(&day);
        assert_eq!(short.len(), expected, "{:?}", day.name);
        assert!(short.iter().all(|(_, cause)| cause == "downstream_closed"), "{:?}", day.name);
    }
}

#[test]
fn what_the_dispatch_closes_downstream_is_on_all_layers_at_the_same_time() {
    let times = |lines: Vec<(i64, String)>| lines.into_iter().map(|(time, _)| time).collect::<Vec<_>>();
    for day in days() {
        let dispatch = times(lines(&day, "t3-dispatch.service", &["ws close", "cause=downstream_closed"]));
        assert!(!dispatch.is_empty());
        let traefik = lines(&day, "traefik", &["t3code-t3", "GET /ws"]);
        assert!(traefik.iter().all(|(_, line)| line.ends_with("ms")), "{:?}", day.name);
        assert_eq!(dispatch, times(traefik), "{:?}", day.name);
        let cloudflared = lines(&day, "cloudflared", &["t3.example.org/ws", "ended abruptly: context canceled"]);
        assert_eq!(dispatch, times(cloudflared), "{:?}", day.name);
    }
}

#[test]
fn t3_serve_closes_sockets_where_it_dies_and_not_where_it_hangs() {
    for day in days() {
        let closed = lines(&day, "t3-dispatch.service", &["cause=upstream_closed"]).len();
        // Somebody restarts theirs on every day.
        assert_eq!(closed, if day.name.as_deref() == Some("out-of-memory") { 2 } else { 1 }, "{:?}", day.name);
    }
}
