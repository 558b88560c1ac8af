//! Log lines as Loki answers and takes them: saved answers of `/loki/api/v1/query_range`, and payloads of a push.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::file::{body, json_error, span_of};
use super::line_file::Entry;
use crate::labels::Labels;
use crate::text::{Diagnostic, Source, Span};
use crate::time::Nanoseconds;

const WHAT: &str = "not an answer of /loki/api/v1/query_range";

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    /// `data` alone.
    #[serde(borrow, default)]
    result: Vec<Stream<'a>>,
    /// What is pushed.
    #[serde(borrow, default)]
    streams: Vec<Stream<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    result: Vec<Stream<'a>>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    stream: BTreeMap<String, String>,
    #[serde(borrow)]
    values: Vec<Line<'a>>,
}

/// `["1763132400000000000", "the line"]`, or with a third part that holds labels.
struct Line<'a> {
    time: &'a str,
    text: String,
    labels: Map<String, Value>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Line<'a>, D::Error> {
        struct LineVisitor;
        impl<'de> Visitor<'de> for LineVisitor {
            type Value = Line<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in nanoseconds, as a text, and a line")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Line<'de>, A::Error> {
                let time = list.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let text = list.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                let labels = list.next_element()?.unwrap_or_default();
                Ok(Line { time, text, labels })
            }
        }
        deserializer.deserialize_seq(LineVisitor)
    }
}

/// Whether a text begins as an answer or a payload of Loki.
pub fn is_saved(text: &str) -> bool {
    let start: String = text.chars().filter(|c| !c.is_whitespace()).take(12).collect();
    ["{\"status\":", "{\"data\":", "{\"resultType", "{\"streams\":", "{\"result\":"]
        .iter()
        .any(|key| start.starts_with(key))
}

/// The lines of all streams, each stream's in the order of its times; a file may hold several answers or payloads.
pub fn read(source: &Source) -> Result<Vec<Entry>, Diagnostic> {
    let (text, from) = body(source);
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Document<'_>>();
    let mut entries = Vec::new();
    for document in documents {
        let document = document.map_err(|error| {
            json_error(source, from, WHAT, &error).help(
                "save the answer to a query of lines: {\"status\":\"success\",\"data\":{\"resultType\":\"streams\",...}}",
            )
        })?;
        take(document, source, from, &mut entries)?;
    }
    Ok(entries)
}

fn take(document: Document<'_>, source: &Source, from: usize, entries: &mut Vec<Entry>) -> Result<(), Diagnostic> {
    if document.status.as_deref() == Some("error") {
        let said = document.error.unwrap_or_default();
        return Err(Diagnostic::error(format!("the saved answer is an error: {said}"))
            .at(source, Span::new(from, from))
            .help("ask again, and save an answer that holds lines"));
    }
    let streams = document.data.map(|data| data.result).into_iter().flatten();
    for stream in streams.chain(document.result).chain(document.streams) {
        let labels = Labels::from_pairs(&stream.stream);
        let begin = entries.len();
        for line in stream.values {
            let time = line.time.parse().map_err(|_| {
                Diagnostic::error(format!("`{}` is no time in nanoseconds", line.time))
                    .at(source, span_of(source, line.time))
            })?;
            entries.push(Entry {
                time: Nanoseconds(time),
                line: line.text,
                metadata: metadata(&line.labels),
                stream: Some(labels.clone()),
            });
        }
        // The answer to a query backward: lines of one time are in that order too.
        if let (Some(first), Some(last)) = (entries.get(begin), entries.last())
            && first.time > last.time
        {
            entries[begin..].reverse();
        }
    }
    Ok(())
}

/// Structured metadata: all of it in a payload, its own part where an answer tells categories of labels apart.
fn metadata(labels: &Map<String, Value>) -> Labels {
    let own = match labels.get("structuredMetadata") {
        Some(Value::Object(own)) => own,
        _ if labels.contains_key("parsed") => return Labels::empty(),
        _ => labels,
    };
    Labels::from_pairs(own.iter().filter_map(|(name, value)| Some((name, value.as_str()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<String>, String> {
        assert!(is_saved(text));
        let entries = read(&Source::new("l.json", text)).map_err(|problem| problem.to_string())?;
        let told = entries.into_iter().map(|entry| {
            let stream = entry.stream.unwrap_or_default();
            format!("{} {stream} {} {}", entry.time.0, entry.line, entry.metadata)
        });
        Ok(told.collect())
    }

    #[test]
    fn answers_and_payloads_hold_the_same_lines() {
        let streams = r#"[{"stream":{"job":"a"},"values":[
            ["1763132400000000002","new \"x\"",{"structuredMetadata":{"trace":"7"},"parsed":{"dur":"1"}}],
            ["1763132400000000001","b"],["1763132400000000001","a"]]}]"#;
        let expected = [
            r#"1763132400000000001 {job="a"} a {}"#,
            r#"1763132400000000001 {job="a"} b {}"#,
            r#"1763132400000000002 {job="a"} new "x" {trace="7"}"#,
        ];
        for text in [
            format!(r#"{{"status":"success","data":{{"resultType":"streams","result":{streams},"stats":{{}}}}}}"#),
            format!("{{\n  \"resultType\": \"streams\",\n  \"result\":{streams}}}"),
            format!(r#"{{"streams":{streams}}}"#)
                .replace(r#"{"structuredMetadata":{"trace":"7"},"parsed":{"dur":"1"}}"#, r#"{"trace":"7"}"#),
        ] {
            assert_eq!(read_text(&text).unwrap(), expected, "{text}");
        }
        // Several payloads, one a line.
        let payload = |time: u8| format!(r#"{{"streams":[{{"stream":{{}},"values":[["{time}","x"]]}}]}}"#);
        assert_eq!(read_text(&format!("{}\n{}\n", payload(1), payload(2))).unwrap(), ["1 {} x {}", "2 {} x {}"]);
    }

    #[test]
    fn what_is_no_answer_with_lines_has_its_place() {
        for (text, says) in [
            (
                "{\"streams\":[\n{\"stream\":{},\"values\":[[\"now\",\"x\"]]}]}",
                "l.json:2:26: `now` is no time in nanoseconds",
            ),
            ("{\"streams\":[{\"stream\":{},\"values\":[[1,\"x\"]]}]}", "integer `1`, expected a string"),
            ("{\"streams\":[]}\n{\"streams\":7}", "l.json:2:12: not an answer"),
            ("{\"status\":\"error\",\"error\":\"max entries\"}", "is an error: max entries"),
        ] {
            let problem = read_text(text).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
