//! Log queries: the entries of a range of time, newest or oldest first (Loki `pkg/logql/engine.go`, `pkg/iter`).

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::ast::LogQuery;
use super::pipeline::{Pipeline, StageError};
use crate::labels::Labels;
use crate::store::LogStore;
use crate::time::Nanoseconds;

/// Which entries come first, and which are left out beyond the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    #[default]
    Backward,
}

/// What is asked of a log query beside its text.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: Nanoseconds,
    /// The first moment that is too late.
    pub end: Nanoseconds,
    pub direction: Direction,
    /// The most entries.
    pub limit: usize,
}

/// Entries with the same labels, in the direction of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStream {
    pub labels: Labels,
    pub entries: Vec<FoundEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    pub time: Nanoseconds,
    /// What is no UTF-8 is replaced.
    pub line: String,
}

/// An entry on its way into the answer.
struct Candidate {
    time: Nanoseconds,
    /// Its stream's, which decides between entries of one time.
    hash: u64,
    labels: Labels,
    /// Its place in its stream, in the direction of the query.
    place: usize,
    line: String,
}

/// Runs a log query; `now` is what templates take for the time. Streams come in the order of their labels as text.
///
/// # Errors
/// A stage that cannot be compiled, if there is any stream for it to run over.
pub fn run(
    query: &LogQuery,
    logs: &LogStore,
    bounds: Bounds,
    now: Nanoseconds,
) -> Result<Vec<FoundStream>, StageError> {
    let streams = logs.select(&query.selector.matchers);
    if streams.is_empty() {
        return Ok(Vec::new());
    }
    let mut pipeline = Pipeline::compile(&query.stages, now)?;
    let mut found: Vec<Candidate> = Vec::new();
    // Beyond this time, no entry can be among those that are asked for.
    let mut horizon: Option<Nanoseconds> = None;
    for stream in streams {
        pipeline.set_stream(stream.labels());
        if pipeline.refuses_stream() && !stream.has_metadata() {
            continue;
        }
        let entries = stream.between(bounds.start, bounds.end);
        let mut forward;
        let mut backward;
        let entries: &mut dyn Iterator<Item = _> = match bounds.direction {
            Direction::Forward => {
                forward = entries;
                &mut forward
            }
            Direction::Backward => {
                backward = entries.rev();
                &mut backward
            }
        };
        for (place, entry) in entries.enumerate() {
            if horizon.is_some_and(|horizon| in_direction(horizon, entry.time, bounds.direction).is_lt()) {
                break;
            }
            let Some(kept) = pipeline.process(entry.time, entry.line, entry.metadata_pairs()) else { continue };
            let (labels, line) = (kept.labels(), kept.text().into_owned());
            found.push(Candidate { time: entry.time, hash: stream.hash(), labels, place, line });
            if found.len() >= bounds.limit.saturating_mul(2).max(1024) {
                found.sort_by(|a, b| order(a, b, bounds.direction));
                found.truncate(bounds.limit);
                horizon = found.last().map(|last| last.time);
            }
        }
    }
    found.sort_by(|a, b| order(a, b, bounds.direction));
    found.truncate(bounds.limit);
    Ok(by_labels(found))
}

fn in_direction(a: Nanoseconds, b: Nanoseconds, direction: Direction) -> Ordering {
    match direction {
        Direction::Forward => a.cmp(&b),
        Direction::Backward => b.cmp(&a),
    }
}

/// By time; within one time by stream, then by labels, in both directions, then as they came or exactly reversed.
fn order(a: &Candidate, b: &Candidate, direction: Direction) -> Ordering {
    in_direction(a.time, b.time, direction)
        .then(a.hash.cmp(&b.hash))
        .then_with(
            || if a.labels == b.labels { Ordering::Equal } else { a.labels.to_string().cmp(&b.labels.to_string()) },
        )
        .then(a.place.cmp(&b.place))
}

fn by_labels(found: Vec<Candidate>) -> Vec<FoundStream> {
    let mut streams: Vec<FoundStream> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for Candidate { time, labels, line, .. } in found {
        let at = *places.entry(labels.clone()).or_insert_with(|| {
            streams.push(FoundStream { labels, entries: Vec::new() });
            streams.len() - 1
        });
        streams[at].entries.push(FoundEntry { time, line });
    }
    streams.sort_by_cached_key(|stream| stream.labels.to_string());
    streams
}

/// The `data` of Loki's HTTP API.
pub fn to_json(streams: &[FoundStream]) -> Value {
    let streams = streams.iter().map(|stream| {
        let labels: serde_json::Map<String, Value> =
            stream.labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let values: Vec<Value> =
            stream.entries.iter().map(|entry| json!([entry.time.0.to_string(), entry.line])).collect();
        json!({"stream": labels, "values": values})
    });
    json!({"resultType": "streams", "result": streams.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::ast::Query;

    fn asked(query: &str, direction: Direction, limit: usize) -> Vec<String> {
        let mut logs = LogStore::default();
        for (stream, time, line) in
            [("x", 1, "a=1"), ("x", 2, "a=2"), ("x", 2, "a=1 b=3"), ("y", 2, "a=1"), ("y", 3, "b=2"), ("x", 4, "a=3")]
        {
            logs.append(&Labels::from_pairs([("s", stream)]), Nanoseconds(time), line.as_bytes(), Labels::empty())
                .unwrap();
        }
        let Ok(Query::Log(query)) = crate::logql::parse(query) else { panic!("{query}") };
        let bounds = Bounds { start: Nanoseconds(1), end: Nanoseconds(4), direction, limit };
        let streams = run(&query, &logs, bounds, Nanoseconds(9)).unwrap();
        let shown = |stream: &FoundStream| {
            let lines: Vec<String> =
                stream.entries.iter().map(|entry| format!("{} {}", entry.time.0, entry.line)).collect();
            format!("{}: {}", stream.labels, lines.join(", "))
        };
        streams.iter().map(shown).collect()
    }

    #[test]
    fn entries_from_the_start_on_and_before_the_end_come_by_label_set() {
        let x = r#"{s="x"}: 1 a=1, 2 a=2, 2 a=1 b=3"#;
        assert_eq!(asked(r#"{s=~".+"}"#, Direction::Forward, 10), [x, r#"{s="y"}: 2 a=1, 3 b=2"#]);
        let x = r#"{s="x"}: 2 a=1 b=3, 2 a=2, 1 a=1"#;
        assert_eq!(asked(r#"{s=~".+"}"#, Direction::Backward, 10), [x, r#"{s="y"}: 3 b=2, 2 a=1"#]);
        assert_eq!(
            asked(r#"{s="x"} | logfmt | a="1" | drop b"#, Direction::Forward, 10),
            [r#"{a="1", s="x"}: 1 a=1, 2 a=1 b=3"#]
        );
    }

    #[test]
    fn the_limit_counts_over_all_streams() {
        assert_eq!(asked(r#"{s=~".+"}"#, Direction::Forward, 1), [r#"{s="x"}: 1 a=1"#]);
        assert_eq!(asked(r#"{s=~".+"}"#, Direction::Backward, 1), [r#"{s="y"}: 3 b=2"#]);
        assert_eq!(asked(r#"{s=~".+"} |= "b""#, Direction::Backward, 2).len(), 2);
    }

    #[test]
    fn broken_stages_are_found_where_a_stream_is() {
        let parsed = |text: &str| match crate::logql::parse(text) {
            Ok(Query::Log(query)) => query,
            other => panic!("{other:?}"),
        };
        let mut logs = LogStore::default();
        let bounds = Bounds { start: Nanoseconds(0), end: Nanoseconds(9), direction: Direction::Forward, limit: 1 };
        let query = parsed(r#"{a="b"} | line_format "{{ .x | nosuch }}""#);
        assert_eq!(run(&query, &logs, bounds, Nanoseconds(0)), Ok(Vec::new()));
        logs.append(&Labels::from_pairs([("a", "b")]), Nanoseconds(1), b"", Labels::empty()).unwrap();
        let error = run(&query, &logs, bounds, Nanoseconds(0)).unwrap_err();
        assert!(error.message.contains("function \"nosuch\" not defined"), "{error}");
    }
}
