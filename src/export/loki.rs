//! The log lines of a day as payloads of Loki's `/loki/api/v1/push`.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::labels::Labels;
use crate::store::{LogEntry, LogStore};
use crate::time::Nanoseconds;

/// Bytes of lines in one payload, unless a single line is longer: a quarter of what Loki takes in one message as it comes
/// (`grpc_server_max_recv_msg_size`).
const BATCH_BYTES: usize = 1 << 20;

/// Entries in one payload.
const BATCH_ENTRIES: usize = 5_000;

/// One payload a line, all entries in order of time; what is no UTF-8 is replaced. Nothing where there are no lines.
pub fn loki(logs: &LogStore) -> String {
    let mut entries: Vec<(usize, &Labels, LogEntry<'_>)> = Vec::with_capacity(logs.entries());
    for (at, stream) in logs.streams().into_iter().enumerate() {
        entries.extend((0..stream.len()).map(|place| (at, stream.labels(), stream.entry(place))));
    }
    // Stable: entries of one time stay in the order in which their stream has them.
    entries.sort_by_key(|(at, _, entry)| (entry.time, *at));
    let mut out = String::new();
    let mut rest = &entries[..];
    while !rest.is_empty() {
        let (batch, others) = rest.split_at(batch_size(rest.iter().map(|(.., entry)| entry.line.len())));
        out.push_str(&payload(batch));
        out.push('\n');
        rest = others;
    }
    out
}

/// How many of the lines go into one payload; at least one.
fn batch_size(lines: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = lines.take(BATCH_ENTRIES).take_while(|line| {
        bytes += line;
        bytes <= BATCH_BYTES
    });
    fits.count().max(1)
}

/// `{"streams": [{"stream": {...}, "values": [["1570818238000000000", "line", {"trace_id": "7"}]]}]}`
fn payload(batch: &[(usize, &Labels, LogEntry<'_>)]) -> String {
    let mut streams: Vec<(&Labels, Vec<Value>)> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (at, labels, entry) in batch {
        let place = *places.entry(*at).or_insert_with(|| {
            streams.push((labels, Vec::new()));
            streams.len() - 1
        });
        streams[place].1.push(value(entry));
    }
    let streams =
        streams.into_iter().map(|(labels, values)| json!({"stream": object(labels.iter()), "values": values}));
    json!({"streams": streams.collect::<Vec<_>>()}).to_string()
}

fn value(entry: &LogEntry<'_>) -> Value {
    let Nanoseconds(time) = entry.time;
    let (time, line) = (time.to_string(), String::from_utf8_lossy(entry.line));
    match entry.metadata {
        None => json!([time, line]),
        Some(_) => json!([time, line, object(entry.metadata_pairs())]),
    }
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let pairs: Map<String, Value> = pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    Value::Object(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(logs: &mut LogStore, job: &str, time: i64, line: &str, metadata: &[(&str, &str)]) {
        let labels = Labels::from_pairs([("job", job)]);
        logs.append(&labels, Nanoseconds(time), line.as_bytes(), Labels::from_pairs(metadata.iter().copied())).unwrap();
    }

    // Expected value: the format of "Ingest logs" in Loki's documentation of its HTTP API.
    #[test]
    fn payloads_are_as_loki_documents_them() {
        let mut logs = LogStore::default();
        append(&mut logs, "a", 1_570_818_238_000_000_000, "fizz \"buzz\"", &[]);
        let metadata = [("trace_id", "0242ac120002"), ("user_id", "superUser123")];
        append(&mut logs, "a", 1_570_818_239_000_000_001, "later", &metadata);
        assert_eq!(
            loki(&logs),
            "{\"streams\":[{\"stream\":{\"job\":\"a\"},\"values\":[[\"1570818238000000000\",\"fizz \\\"buzz\\\"\"],\
             [\"1570818239000000001\",\"later\",{\"trace_id\":\"0242ac120002\",\"user_id\":\"superUser123\"}]]}]}\n"
        );
        assert_eq!(loki(&LogStore::default()), "");
    }

    #[test]
    fn batches_are_bounded_and_everything_comes_once_in_order_of_time() {
        let mut logs = LogStore::default();
        let long = "x".repeat(BATCH_BYTES / 3 + 1);
        for at in 0..5 {
            append(&mut logs, "big", at * 10, &format!("{at}{long}"), &[]);
        }
        append(&mut logs, "huge", 25, &"y".repeat(2 * BATCH_BYTES), &[]);
        for at in 0..BATCH_ENTRIES as i64 + 1 {
            append(&mut logs, if at % 2 == 0 { "even" } else { "odd" }, 100 + at, "z", &[]);
        }
        let text = loki(&logs);
        let payloads: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut newest = i64::MIN;
        let mut sizes = Vec::new();
        for payload in &payloads {
            let mut times: Vec<i64> = Vec::new();
            for stream in payload["streams"].as_array().unwrap() {
                let own: Vec<i64> = stream["values"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|v| v[0].as_str().unwrap().parse().unwrap())
                    .collect();
                assert!(own.is_sorted());
                times.extend(own);
            }
            assert!(times.iter().all(|time| *time >= newest));
            newest = *times.iter().max().unwrap();
            sizes.push(times.len());
        }
        // Two long lines to a payload, then one (the next would be the huge one), the huge one alone, the other two with what
        // still fits into one payload, and the rest.
        assert_eq!(sizes, [2, 1, 1, 4_998 + 2, 3]);
    }
}
