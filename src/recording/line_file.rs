//! Files of log lines: raw text with times in it, lines of JSON, journald's and Loki's own formats.

use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use super::file::{read_text, span_of};
use super::pattern::{TimePattern, Zone};
use super::{saved_streams, times};
use crate::labels::Labels;
use crate::text::{Diagnostic, Source, listed};
use crate::time::Nanoseconds;

/// One log line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub time: Nanoseconds,
    pub line: String,
    /// Loki's structured metadata.
    pub metadata: Labels,
    /// Labels of its stream, where the file has them.
    pub stream: Option<Labels>,
}

/// How to read a file of lines.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// How times are written; not needed for files that say so themselves.
    pub time: Option<TimePattern>,
    /// The zone of times in `field` that say none.
    pub zone: Zone,
    /// Lines are JSON objects, and this field holds the time.
    pub field: Option<String>,
    /// Lines are JSON objects, and this field holds the line; the whole object unless given.
    pub line: Option<String>,
    /// Lines are JSON objects, and these fields are structured metadata.
    pub metadata: Vec<String>,
    /// All lines are of this moment, for they have no time.
    pub at: Option<Nanoseconds>,
    /// Only these lines.
    pub matching: Option<Regex>,
    /// Whether a JSON object without a time is taken as written with the line before it, as other lines are.
    pub untimed_objects: bool,
    /// A larger file is refused.
    pub max_bytes: u64,
}

/// The lines of a file.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Those that are wanted, in order of time; of one time in the order of the file.
    pub entries: Vec<Entry>,
    /// How many lines the file has, empty ones aside.
    pub total: usize,
    /// How many have no time of their own and are taken as written with the line before them.
    pub untimed: usize,
    /// How many have no time, and no line with one before them.
    pub skipped: usize,
    /// The number of the first line without a time.
    pub first_untimed: Option<usize>,
}

impl Lines {
    /// What people should know of the lines without a time; `None` where there are none.
    pub fn remark(&self, name: &str) -> Option<String> {
        let first = self.first_untimed?;
        let count = self.untimed + self.skipped;
        let mut told = format!("{name}:{first}: {count} of {} lines have no time", self.total);
        if self.untimed > 0 {
            told += "; those behind a line with one are taken as written with it";
        }
        if self.skipped > 0 {
            told += &format!("; {} in front of the first time are passed over", self.skipped);
        }
        Some(told)
    }
}

/// How the lines of a file say their time.
enum Shape<'a> {
    Text(&'a TimePattern),
    /// Without a time of their own.
    Moment(Nanoseconds),
    /// Objects with the time in `field`.
    Objects {
        field: &'a str,
    },
    Journal,
    /// `logcli --output=jsonl`
    LogCli,
}

/// Reads a file of lines.
///
/// # Errors
/// Files that cannot be read, whose format is not told, or in which no line has a time.
pub fn read_lines(path: &Path, options: &LineOptions) -> Result<Lines, Diagnostic> {
    read_source(&read_text(path, true, options.max_bytes)?, options)
}

pub(super) fn read_source(source: &Source, options: &LineOptions) -> Result<Lines, Diagnostic> {
    let (text, _) = super::file::body(source);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let shape = match (&options.field, &options.time, options.at) {
        (_, _, Some(at)) => Shape::Moment(at),
        (Some(field), ..) => Shape::Objects { field },
        (None, Some(pattern), None) => Shape::Text(pattern),
        (None, None, None) => match serde_json::from_str::<Map<String, Value>>(first) {
            Ok(object) if object.contains_key("__REALTIME_TIMESTAMP") => Shape::Journal,
            Ok(object) if object.contains_key("timestamp") && object.contains_key("line") => Shape::LogCli,
            _ if saved_streams::is_saved(text) => {
                let mut lines = Lines::default();
                for entry in saved_streams::read(source)? {
                    lines.total += 1;
                    lines.keep(entry, options);
                }
                lines.entries.sort_by_key(|entry| entry.time);
                return Ok(lines);
            }
            Ok(_) => {
                return Err(Diagnostic::error("lines of JSON, and nothing says which field holds the time")
                    .at(source, span_of(source, first))
                    .help("name it: `field: ts`; what is written stands in `line: msg`, say"));
            }
            Err(_) => {
                let problem = Diagnostic::error("nothing says how these lines write their time");
                let problem = problem.at(source, span_of(source, first));
                let proposed = text.lines().take(50).find_map(TimePattern::propose);
                return Err(match proposed {
                    Some(pattern) => problem.help(format!("write `time: \"{pattern}\"`")),
                    None => problem.help(
                        "write `time: \"...\"` with a pattern as strftime and chrono have it; lines without a time can be \
                         put to one moment with `at: \"15:09:00\"`",
                    ),
                });
            }
        },
    };
    if let (Some(name), false) = (options.metadata.first(), matches!(shape, Shape::Objects { .. } | Shape::Journal)) {
        let problem = Diagnostic::error(format!("`{name}` is to be metadata, and these lines are no JSON objects"));
        return Err(problem.at(source, span_of(source, first)).help("name the field that holds the time: `field: ts`"));
    }
    let mut lines = Lines::default();
    let mut last: Option<Nanoseconds> = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            continue;
        }
        lines.total += 1;
        let found = match &shape {
            Shape::Text(pattern) => pattern.find(line, last).map(|time| (time, None, None, Labels::empty())),
            Shape::Moment(time) => Some((*time, None, None, Labels::empty())),
            shape => match object(line, shape, options) {
                Ok(found) => found,
                Err(_) if options.untimed_objects => None,
                Err(_) if !options.wants_object(line) => continue,
                Err(problem) => return Err(problem.at(source, span_of(source, line.trim()))),
            },
        };
        let (time, written, stream, metadata) = match (found, last) {
            (Some(found), _) => {
                last = Some(found.0);
                found
            }
            (None, last) => {
                lines.first_untimed.get_or_insert(at + 1);
                let Some(last) = last else {
                    lines.skipped += 1;
                    continue;
                };
                lines.untimed += 1;
                (last, None, None, Labels::empty())
            }
        };
        let line = written.unwrap_or_else(|| line.to_owned());
        lines.keep(Entry { time, line, metadata, stream }, options);
    }
    if last.is_none() {
        return Err(without_times(source, first, &shape));
    }
    lines.entries.sort_by_key(|entry| entry.time);
    Ok(lines)
}

impl Lines {
    fn keep(&mut self, entry: Entry, options: &LineOptions) {
        if options.wants(&entry.line) {
            self.entries.push(entry);
        }
    }
}

impl LineOptions {
    fn wants(&self, line: &str) -> bool {
        self.matching.as_ref().is_none_or(|regex| regex.is_match(line))
    }

    /// Whether a JSON object is wanted, by what was written: one that is not needs no time.
    fn wants_object(&self, object: &str) -> bool {
        let field = self.line.as_deref().and_then(|field| {
            let fields: Map<String, Value> = serde_json::from_str(object).ok()?;
            fields.get(field).and_then(written)
        });
        self.wants(field.as_deref().unwrap_or(object))
    }
}

fn without_times(source: &Source, first: &str, shape: &Shape<'_>) -> Diagnostic {
    let (message, help) = match shape {
        Shape::Text(pattern) => (
            format!("no line has a time as in `{}`", pattern.written()),
            match TimePattern::propose(first) {
                Some(proposed) => format!("this line fits `{proposed}`"),
                None => "this is the first line; compare it with the pattern".to_owned(),
            },
        ),
        Shape::Objects { field } => (
            format!("no line is a JSON object with a time in `{field}`"),
            "this is the first line; its time is RFC 3339, a number since 1970, or as `time` says".to_owned(),
        ),
        Shape::Moment(_) | Shape::Journal | Shape::LogCli => {
            ("no line has a time".to_owned(), "save the lines as they come".to_owned())
        }
    };
    Diagnostic::error(message).at(source, span_of(source, first)).help(help)
}

/// Time, line, stream and structured metadata of an entry.
type Found = (Nanoseconds, Option<String>, Option<Labels>, Labels);

/// What a line says that is a JSON object; `None` where it is none.
///
/// # Errors
/// An object without a time, without the place.
fn object(line: &str, shape: &Shape<'_>, options: &LineOptions) -> Result<Option<Found>, Diagnostic> {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else { return Ok(None) };
    let field = match shape {
        Shape::Text(_) | Shape::Moment(_) => return Ok(None),
        Shape::Objects { field, .. } => field,
        Shape::Journal => "__REALTIME_TIMESTAMP",
        Shape::LogCli => "timestamp",
    };
    let Some(value) = fields.get(field) else {
        let known = listed(fields.keys().map(String::as_str));
        return Err(Diagnostic::error(format!("this line has no `{field}`, which holds the time"))
            .help(format!("it has {known}; `match` leaves out what is not wanted")));
    };
    let time = match (shape, value) {
        (Shape::Journal, Value::String(text)) => {
            text.parse::<i64>().ok().and_then(|microseconds| microseconds.checked_mul(1000)).map(Nanoseconds)
        }
        (Shape::LogCli, Value::String(text)) => times::time(text, options.zone),
        (Shape::Objects { .. }, Value::String(_) | Value::Number(_)) => {
            let number = value.to_string();
            let text = value.as_str().unwrap_or(&number);
            match &options.time {
                Some(pattern) => pattern.find(text, None),
                None => times::time(text, options.zone),
            }
        }
        _ => None,
    };
    let Some(time) = time else {
        let help = match &options.time {
            Some(pattern) => format!("`time` says that times look like `{}`", pattern.written()),
            None => "a time is RFC 3339, a number since 1970, or as `time` says".to_owned(),
        };
        return Err(Diagnostic::error(format!("`{field}` of this line is no time: {value}")).help(help));
    };
    let text = |name: &str| fields.get(name).and_then(written);
    // As Loki takes them: other characters are no part of a name.
    let label = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
    let metadata = options.metadata.iter().filter_map(|name| Some((label(name), text(name)?)));
    let metadata = Labels::from_pairs(metadata);
    Ok(Some(match shape {
        Shape::Journal => {
            (time, text(options.line.as_deref().unwrap_or("MESSAGE")).or(Some(String::new())), None, metadata)
        }
        Shape::LogCli => {
            let labels = fields.get("labels").and_then(Value::as_object).map(|labels| {
                Labels::from_pairs(labels.iter().filter_map(|(name, value)| Some((name, value.as_str()?))))
            });
            (time, text("line"), labels, metadata)
        }
        _ => (time, options.line.as_deref().and_then(text), None, metadata),
    }))
}

/// What a field says; journald writes what is no UTF-8 as a list of bytes.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            Some(String::from_utf8_lossy(&bytes?).into_owned())
        }
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn options(time: Option<&str>, field: Option<&str>, line: Option<&str>, matching: Option<&str>) -> LineOptions {
        // 2025-11-14T14:30:00Z and two hours more.
        let near = (Timestamp(1_763_130_600_000), Timestamp(1_763_137_800_000));
        LineOptions {
            time: time.map(|time| TimePattern::new(time, Zone::UTC, None, near).unwrap()),
            zone: Zone::UTC,
            field: field.map(str::to_owned),
            line: line.map(str::to_owned),
            metadata: Vec::new(),
            at: None,
            matching: matching.map(|regex| Regex::new(regex).unwrap()),
            untimed_objects: false,
            max_bytes: 1000,
        }
    }

    #[test]
    fn fields_of_objects_are_structured_metadata() {
        let wanted = |names: [&str; 2], options: LineOptions| LineOptions {
            metadata: names.map(str::to_owned).to_vec(),
            ..options
        };
        let metadata = |text: &str, options: &LineOptions| {
            let lines = read_source(&Source::new("f.log", text), options)?;
            Ok::<_, Diagnostic>(lines.entries.iter().map(|entry| entry.metadata.to_string()).collect::<Vec<_>>())
        };
        let objects = "{\"ts\":\"2025-11-14T15:00:00Z\",\"trace.id\":\"7\",\"pid\":12}\n{\"ts\":\"2025-11-14T15:00:01Z\",\"pid\":null}\n";
        let options = wanted(["trace.id", "pid"], options(None, Some("ts"), None, None));
        assert_eq!(metadata(objects, &options).unwrap(), ["{pid=\"12\", trace_id=\"7\"}", "{}"]);
        let journal = "{\"__REALTIME_TIMESTAMP\":\"1763132400000000\",\"MESSAGE\":\"x\",\"_PID\":\"9\"}\n";
        let options = wanted(["_PID", "none"], LineOptions { field: None, ..options });
        assert_eq!(metadata(journal, &options).unwrap(), ["{_PID=\"9\"}"]);
        let options = LineOptions { at: Some(Nanoseconds(1)), ..options };
        assert!(metadata("x\n", &options).unwrap_err().message.contains("these lines are no JSON objects"));
    }

    /// The lines, each with its nanoseconds since 15:00.
    fn read(text: &str, options: &LineOptions) -> Result<Vec<(i64, String)>, String> {
        let lines = read_source(&Source::new("f.log", text), options)
            .map_err(|problem| format!("{problem} ({})", problem.help.clone().unwrap_or_default()))?;
        Ok(lines.entries.into_iter().map(|entry| (entry.time.0 - 1_763_132_400_000_000_000, entry.line)).collect())
    }

    #[test]
    fn lines_have_their_exact_times_and_those_without_one_that_of_the_line_before() {
        let text = "kept for the record\n2025-11-14 15:00:01.000000002 boom\n\n\tat x\r\n2025-11-14 15:00:00.5 early\n";
        let found = options(Some("%Y-%m-%d %H:%M:%S%.f"), None, None, None);
        assert_eq!(
            read(text, &found).unwrap(),
            [
                (500_000_000, "2025-11-14 15:00:00.5 early".to_owned()),
                (1_000_000_002, "2025-11-14 15:00:01.000000002 boom".to_owned()),
                (1_000_000_002, "\tat x".to_owned())
            ]
        );
        let lines = read_source(&Source::new("f.log", text), &found).unwrap();
        assert_eq!(
            lines.remark("f.log").unwrap(),
            "f.log:1: 2 of 4 lines have no time; those behind a line with one are taken as written with it; \
             1 in front of the first time are passed over"
        );
        assert_eq!(read(text, &options(Some("%Y-%m-%d %H:%M:%S%.f"), None, None, Some("bo+m"))).unwrap().len(), 1);
    }

    #[test]
    fn journald_logcli_and_other_json_lines_are_read_by_their_fields() {
        let journal = "{\"__REALTIME_TIMESTAMP\":\"1763132400000001\",\"MESSAGE\":\"ws close\",\"_PID\":\"1\"}\n\
                       {\"__REALTIME_TIMESTAMP\":\"1763132400000002\",\"MESSAGE\":[104,105,255]}\n";
        assert_eq!(
            read(journal, &options(None, None, None, None)).unwrap(),
            [(1000, "ws close".to_owned()), (2000, "hi\u{fffd}".to_owned())]
        );
        let logcli =
            "{\"labels\":{\"job\":\"a\"},\"line\":\"x \\\"y\\\"\",\"timestamp\":\"2025-11-14T15:00:00.000000007Z\"}\n";
        assert_eq!(read(logcli, &options(None, None, None, None)).unwrap(), [(7, "x \"y\"".to_owned())]);
        let other = "{\"ts\":1763132400.25,\"msg\":\"a\"}\nnoise\n{\"ts\":\"2025-11-14T15:00:01Z\",\"msg\":\"b\"}\n";
        assert_eq!(
            read(other, &options(None, Some("ts"), Some("msg"), None)).unwrap(),
            [(250_000_000, "a".to_owned()), (250_000_000, "noise".to_owned()), (1_000_000_000, "b".to_owned())]
        );
        assert_eq!(
            read(other, &options(None, Some("ts"), None, Some("msg\":\"b"))).unwrap()[0].1,
            "{\"ts\":\"2025-11-14T15:00:01Z\",\"msg\":\"b\"}"
        );
    }

    #[test]
    fn objects_that_are_not_wanted_need_no_time() {
        let text = "{\"ts\":1763132400,\"msg\":\"a\"}\n{\"msg\":\"b\"}\n";
        for (line, matching) in [(Some("msg"), "^a"), (None, "\"ts\":")] {
            let found = read(text, &options(None, Some("ts"), line, Some(matching)));
            assert_eq!(found.unwrap().len(), 1, "{matching}");
        }
        let lenient = LineOptions { untimed_objects: true, ..options(None, Some("ts"), Some("msg"), None) };
        assert_eq!(read(text, &lenient).unwrap().len(), 2);
    }

    #[test]
    fn a_file_whose_times_cannot_be_read_says_what_to_write() {
        for (text, given, says) in [
            ("[2025-11-14 15:00:00.000][1] x\n", options(None, None, None, None), "f.log:1:1: nothing says how"),
            (
                "[2025-11-14 15:00:00.000][1] x\n",
                options(None, None, None, None),
                "write `time: \"[%Y-%m-%d %H:%M:%S%.3f]\"`",
            ),
            ("\n3 drops at x+9c\n", options(None, None, None, None), "f.log:2:1: nothing says how"),
            ("{\"ts\":1}\n", options(None, None, None, None), "`field: ts`"),
            ("{\"ts\":1}\n", options(None, Some("time"), None, None), "f.log:1:1: this line has no `time`, which"),
            (
                "{\"ts\":1}\nnoise\n  {\"msg\":\"x\"}\n",
                options(None, Some("ts"), None, None),
                "f.log:3:3: this line has no `ts`, which holds the time (it has msg;",
            ),
            (
                "{\"ts\":1}\n{\"ts\":[]}\n",
                options(None, Some("ts"), None, None),
                "f.log:2:1: `ts` of this line is no time: []",
            ),
            ("noise\n", options(None, Some("ts"), None, None), "no line is a JSON object with a time in `ts`"),
            (
                "Nov 14 15:00:00 x\n",
                options(Some("%Y-%m-%d %H:%M"), None, None, None),
                "this line fits `%b %e %H:%M:%S%.f`",
            ),
        ] {
            let problem = read(text, &given).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
