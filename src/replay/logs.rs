//! Log lines: which stream writes what for which event.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};

use super::deserialize::{Reader, Text};
use super::document::{LogDoc, OneOrMany};
use super::model::{Day, LogStream};
use super::names;
use super::read::labels;
use super::spans::figure;
use super::tree::substitute;
use crate::text::Diagnostic;
use crate::time::Timestamp;

/// Resolves a stream; `None` where it is broken, which is noted.
pub fn resolve(doc: &LogDoc, day: &Day, reader: &Reader<'_>) -> Option<LogStream> {
    let (name, mark) = doc.event.text.split_once('.').unwrap_or((&doc.event.text, ""));
    let Some(event) = day.event(name) else {
        let known: Vec<&str> = day.events.iter().map(|event| event.name.as_str()).collect();
        let problem = Diagnostic::error(format!("unknown event `{name}`"));
        reader.problem(doc.event.span, problem.help(names::hint(name, "the events are", known.iter().copied())));
        return None;
    };
    reader.keep(doc.event.span, event.times(mark))?;
    let mut known: BTreeMap<String, String> = ["time", "n"].map(|name| (name.to_owned(), String::new())).into();
    if !event.waits.is_empty() || event.marks.len() > 1 {
        known.insert("wait".to_owned(), String::new());
    }
    let OneOrMany(lines) = &doc.line;
    for line in lines {
        reader.keep(line.span, substitute(&line.text, &known, false))?;
    }
    if let Some(Text { text, span, .. }) = &doc.time
        && StrftimeItems::new(text).any(|item| matches!(item, Item::Error))
    {
        let problem = Diagnostic::error(format!("`{text}` is no way to write a time"));
        reader.problem(*span, problem.help("write it as strftime does: `%Y-%m-%d %H:%M:%S%.3f`"));
        return None;
    }
    Some(LogStream {
        labels: labels(&doc.stream, reader),
        event: doc.event.clone(),
        lines: lines.clone(),
        time: doc.time.as_ref().map(|time| time.text.clone()),
        first: doc.first.unwrap_or(1),
        figure: figure(reader, "logs", [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded]),
    })
}

impl Day {
    /// The lines of a stream in order of time, from all `logs` with its labels; of one time those of the earlier `logs` first.
    pub fn log_entries(&self, stream: &LogStream) -> Vec<(Timestamp, String)> {
        let mut entries = Vec::new();
        for part in self.logs.iter().filter(|part| part.labels == stream.labels) {
            let (name, mark) = part.event.text.split_once('.').unwrap_or((&part.event.text, ""));
            let Some(event) = self.event(name) else { continue };
            for (at, time) in event.times(mark).unwrap_or_default().iter().enumerate() {
                let written = time.calendar().map_or_else(String::new, |calendar| match &part.time {
                    Some(format) => calendar.format(format).to_string(),
                    None => calendar.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
                });
                let number = part.first.saturating_add(at as u64);
                let mut values = BTreeMap::from([("time".to_owned(), written), ("n".to_owned(), number.to_string())]);
                let wait =
                    event.waits.get(at).map_or_else(String::new, |wait| format!("{:.3}", wait.0 as f64 / 1000.0));
                values.insert("wait".to_owned(), wait);
                for line in &part.lines {
                    // What can be filled in was checked when the stream was read.
                    let filled = substitute(&line.text, &values, true).ok().flatten();
                    entries.push((*time, filled.unwrap_or_else(|| line.text.clone())));
                }
            }
        }
        entries.sort_by_key(|(time, _)| *time);
        entries
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read;
    use crate::text::Source;

    fn read_logs(logs: &str) -> Result<Vec<String>, String> {
        let text = format!(
            "firedrill: replay/1\ntitle: t\nstart: 2026-01-01T00:00:00Z\nend: 2026-01-01T00:05:00Z\n\
             spans:\n  bad: {{from: \"00:01:00\", to: \"00:02:00\"}}\n\
             events:\n  a: {{retry: {{while: bad, takes: 10s, waits: [2s, 4.5s]}}}}\n  b: {{at: [\"00:01:10\", \"00:03:00.250\"]}}\nlogs:\n{logs}"
        );
        let replay = read(&Source::new("r.yaml", text), Path::new(".")).map_err(|problems| problems[0].to_string())?;
        let day = replay.variant(None).unwrap();
        let entries = day.log_entries(&day.logs[0]);
        Ok(entries.into_iter().map(|(time, line)| format!("{} {line}", (time - day.start()).0)).collect())
    }

    #[test]
    fn an_event_writes_its_lines_with_its_time_number_and_wait() {
        let lines =
            read_logs("  - {stream: {job: a}, event: a.end, first: 7, line: [\"C${n}\", \"wait ${wait}\"]}\n").unwrap();
        assert_eq!(lines[..4], ["70000 C7", "70000 wait 2.000", "82000 C8", "82000 wait 4.500"]);
        let lines = read_logs("  - {stream: {job: a}, event: b, line: \"${n} ${time}\"}\n").unwrap();
        assert_eq!(lines, ["70000 1 2026-01-01T00:01:10.000Z", "180250 2 2026-01-01T00:03:00.250Z"]);
        let lines =
            read_logs("  - {stream: {job: a}, event: b, time: \"%d/%b %H:%M:%S%.3f\", line: \"[${time}]\"}\n").unwrap();
        assert_eq!(lines, ["70000 [01/Jan 00:01:10.000]", "180250 [01/Jan 00:03:00.250]"]);
    }

    #[test]
    fn one_stream_may_be_written_by_several_events() {
        let lines = read_logs(
            "  - {stream: {job: a}, event: a.end, line: end}\n  - {stream: {job: a}, event: b, line: b}\n\
             \x20 - {stream: {job: c}, event: b, line: other}\n",
        );
        // Attempts end at 70, 82 and 96.5 s; the next one would at 111 s.
        assert_eq!(lines.unwrap(), ["70000 end", "70000 b", "82000 end", "96500 end", "111000 end", "180250 b"]);
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        for (logs, message) in [
            ("  - {stream: {job: a}, event: b, line: \"${wait}\"}\n", "unknown substitution `${wait}`"),
            ("  - {stream: {job: a}, event: b, line: [ok, \"${nn}\"]}\n", "unknown substitution `${nn}`"),
            ("  - {stream: {job: a}, event: b, time: \"%Q\", line: x}\n", "`%Q` is no way to write a time"),
            ("  - {stream: {job: a}, event: c, line: x}\n", "unknown event `c`"),
        ] {
            let problem = read_logs(logs).unwrap_err();
            assert!(problem.contains(message), "{problem}");
        }
    }
}
