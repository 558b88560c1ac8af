//! Answers to LogQL queries: entries with their level and the labels that differ, for people; Loki's HTTP API for machines.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};
use serde_json::json;

use super::human::Look;
use super::result::{self, Answer};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::logql::answer::Samples;
use crate::logql::log_query::{self, Direction, FoundEntry, FoundStream};
use crate::time::{Nanoseconds, Timestamp};

/// As `/loki/api/v1/query_range` answers a log query.
pub fn to_json(streams: &[FoundStream]) -> String {
    json!({"status": "success", "data": log_query::to_json(streams)}).to_string() + "\n"
}

/// As `/loki/api/v1/query` and `/loki/api/v1/query_range` answer a metric query.
pub fn samples_to_json(samples: &Samples) -> String {
    json!({"status": "success", "data": samples.to_json()}).to_string() + "\n"
}

/// Samples as an answer that tables and CSV are made of.
pub fn answer(samples: Samples) -> Answer {
    let point = |(time, value): (Nanoseconds, f64)| (millisecond(time), Sample::Float(value));
    match samples {
        Samples::Scalar(time, value) => Answer::Scalar(millisecond(time), value),
        Samples::Vector(time, elements) => {
            let elements = elements.into_iter().map(|(labels, value)| (labels, Sample::Float(value)));
            Answer::Vector(millisecond(time), elements.collect())
        }
        Samples::Matrix(series) => {
            let series = series.into_iter().map(|(labels, points)| (labels, points.into_iter().map(point).collect()));
            Answer::Matrix(series.collect())
        }
    }
}

fn millisecond(time: Nanoseconds) -> Timestamp {
    Timestamp(time.0.div_euclid(1_000_000))
}

/// One line an entry: `time,stream,line`.
pub fn to_csv(streams: &[FoundStream], direction: Direction) -> String {
    let mut out = "time,stream,line\n".to_owned();
    for (labels, entry) in in_order(streams, direction) {
        let labels = result::csv_field(&labels.to_string());
        let _ = writeln!(out, "{},{labels},{}", instant(entry.time), result::csv_field(&entry.line));
    }
    out
}

/// A line an entry, below the labels that all of them have.
pub fn to_text(streams: &[FoundStream], direction: Direction, limit: usize, look: Look) -> String {
    let entries = in_order(streams, direction);
    let Some((first, _)) = entries.first() else { return "no entries\n".to_owned() };
    let shared: Vec<(&str, &str)> = first
        .iter()
        .filter(|(name, value)| {
            streams.iter().all(|stream| stream.labels.has(name) && stream.labels.get(name) == *value)
        })
        .collect();
    let mut out = String::new();
    if !shared.is_empty() {
        let _ = writeln!(
            out,
            "{}",
            styled(&Labels::keeping_empty(shared.iter().copied()).to_string(), Style::new().dimmed(), look)
        );
    }
    let others: Vec<String> = entries
        .iter()
        .map(|(labels, _)| {
            let others = labels.filter(|name| !shared.iter().any(|(known, _)| *known == name));
            if others.is_empty() { String::new() } else { others.to_string() }
        })
        .collect();
    let width = others.iter().map(|text| text.chars().count()).max().unwrap_or(0).min(look.width / 2);
    let levels: Vec<Option<Level>> = entries.iter().map(|(labels, entry)| Level::of(labels, &entry.line)).collect();
    let times: Vec<String> = entries.iter().map(|(_, entry)| instant(entry.time)).collect();
    let time_width = times.iter().map(String::len).max().unwrap_or(0);
    let leveled = levels.iter().any(Option::is_some);
    for ((((_, entry), time), others), level) in entries.iter().zip(&times).zip(&others).zip(levels) {
        let _ = write!(out, "{}  ", styled(&format!("{time:time_width$}"), Style::new().dimmed(), look));
        if leveled {
            let (name, style) = level.map_or(("", Style::new()), Level::shown);
            let _ = write!(out, "{}  ", styled(&format!("{name:5}"), style, look));
        }
        if width > 0 {
            let _ = write!(out, "{}  ", styled(&format!("{others:width$}"), Style::new().cyan(), look));
        }
        // A line of several lines stays one entry.
        let _ = writeln!(out, "{}", entry.line.trim_end_matches('\n').replace('\n', "\n    "));
    }
    if entries.len() >= limit {
        let which = if direction == Direction::Forward { "oldest" } else { "newest" };
        let _ = writeln!(out, "the {which} {limit} entries; --limit shows more");
    }
    out
}

/// All entries in the direction of the query.
fn in_order(streams: &[FoundStream], direction: Direction) -> Vec<(&Labels, &FoundEntry)> {
    let mut entries: Vec<(&Labels, &FoundEntry)> =
        streams.iter().flat_map(|stream| stream.entries.iter().map(move |entry| (&stream.labels, entry))).collect();
    entries.sort_by(|(_, a), (_, b)| match direction {
        Direction::Forward => a.time.cmp(&b.time),
        Direction::Backward => b.time.cmp(&a.time),
    });
    entries
}

fn styled(text: &str, style: Style, look: Look) -> String {
    if look.color { text.style(style).to_string() } else { text.to_owned() }
}

/// RFC 3339 in UTC, with as many digits of a second as there are.
fn instant(time: Nanoseconds) -> String {
    chrono::DateTime::from_timestamp_nanos(time.0).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// How grave an entry is, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// The level that labels or line name.
    pub fn of(labels: &Labels, line: &str) -> Option<Level> {
        let named =
            ["detected_level", "level", "lvl", "severity"].iter().find_map(|name| Level::named(labels.get(name)));
        named.or_else(|| Level::in_line(line))
    }

    fn named(word: &str) -> Option<Level> {
        match word.to_ascii_lowercase().as_str() {
            "error" | "err" | "fatal" | "critical" | "crit" | "panic" | "alert" | "emergency" => Some(Level::Error),
            "warn" | "warning" => Some(Level::Warn),
            "info" | "information" | "notice" => Some(Level::Info),
            "debug" | "trace" | "dbg" => Some(Level::Debug),
            _ => None,
        }
    }

    /// The first word of a line that is a level in capitals, or stands behind `level`.
    fn in_line(line: &str) -> Option<Level> {
        let start: String = line.chars().take(200).collect();
        let mut words = start.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut before = "";
        words.find_map(|word| {
            let says = matches!(before.to_ascii_lowercase().as_str(), "level" | "lvl" | "severity");
            before = word;
            let capitals = word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
            if says || capitals { Level::named(word) } else { None }
        })
    }

    pub fn shown(self) -> (&'static str, Style) {
        match self {
            Level::Error => ("error", Style::new().red().bold()),
            Level::Warn => ("warn", Style::new().yellow()),
            Level::Info => ("info", Style::new().green()),
            Level::Debug => ("debug", Style::new().dimmed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { color: false, width: 100, bounded: false };

    fn streams() -> Vec<FoundStream> {
        let stream = |pod: &str, entries: &[(i64, &str)]| FoundStream {
            labels: Labels::keeping_empty([("app", "api"), ("pod", pod)]),
            entries: entries
                .iter()
                .map(|(time, line)| FoundEntry { time: Nanoseconds(*time), line: (*line).to_owned() })
                .collect(),
        };
        vec![
            stream("a", &[(3_000_000_000, "level=warn x"), (1_000_000_000, "plain")]),
            stream("b", &[(2_500_000_000, "ERROR y\nz")]),
        ]
    }

    #[test]
    fn entries_of_all_streams_come_in_order_with_what_differs() {
        assert_eq!(
            to_text(&streams(), Direction::Backward, 3, PLAIN),
            "{app=\"api\"}\n\
             1970-01-01T00:00:03Z      warn   {pod=\"a\"}  level=warn x\n\
             1970-01-01T00:00:02.500Z  error  {pod=\"b\"}  ERROR y\n    z\n\
             1970-01-01T00:00:01Z             {pod=\"a\"}  plain\n\
             the newest 3 entries; --limit shows more\n"
        );
        assert_eq!(to_text(&[], Direction::Forward, 3, PLAIN), "no entries\n");
        assert_eq!(
            to_csv(&streams()[1..], Direction::Forward),
            "time,stream,line\n1970-01-01T00:00:02.500Z,\"{app=\"\"api\"\", pod=\"\"b\"\"}\",\"ERROR y\nz\"\n"
        );
        assert_eq!(
            to_json(&streams()[1..]),
            "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{\"app\":\"api\",\"pod\":\"b\"},\"values\":[[\"2500000000\",\"ERROR y\\nz\"]]}]}}\n"
        );
    }

    #[test]
    fn levels_are_found_in_labels_and_lines() {
        let none = Labels::empty();
        assert_eq!(Level::of(&Labels::from_pairs([("level", "WARNING")]), "ERROR"), Some(Level::Warn));
        assert_eq!(Level::of(&none, r#"{"msg":"x","level":"error"}"#), Some(Level::Error));
        assert_eq!(Level::of(&none, "2025 INFO started"), Some(Level::Info));
        assert_eq!(Level::of(&none, "an error in a level of nothing"), None);
    }
}
