//! Log lines: which stream writes what for which event, and which lines were recorded.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::deserialize::{Entries, Reader, Text};
use super::document::{LogDoc, OneOrMany};
use super::document_evidence::LinesFileDoc;
use super::model::{Day, LogStream, TimeSpan};
use super::names;
use super::provenance::{self, Figure, Kind, SeriesProvenance};
use super::read::labels;
use super::recorded::{Files, millisecond};
use super::spans::figure;
use super::written_lines::{self, WrittenLines};
use crate::labels::Labels;
use crate::logql::label_name;
use crate::recording::Entry;
use crate::store::{LineTooLong, LogStore};
use crate::text::{Diagnostic, Span};
use crate::time::Nanoseconds;

/// Where the lines of a stream come from.
#[derive(Clone, Debug)]
pub enum LogLines {
    /// An event writes them.
    Written(WrittenLines),
    /// They were recorded; in order of time.
    Recorded(Arc<[Entry]>),
}

/// One line of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Since 1970. Events are exact to the millisecond, recorded lines to the nanosecond.
    pub time: Nanoseconds,
    pub line: String,
    /// Loki's structured metadata.
    pub metadata: Labels,
}

/// Resolves a stream, or the several streams of a file; none where it is broken, which is noted.
pub fn resolve(doc: &LogDoc, place: Span, day: &Day, files: &Files<'_>, reader: &Reader<'_>) -> Vec<LogStream> {
    let figure = figure(reader, "logs", [&doc.source, &doc.assumed, &doc.fitted, &doc.recorded]);
    if !loki_names(&doc.stream, reader) || !loki_names(&doc.metadata, reader) {
        return Vec::new();
    }
    let labels = labels(&doc.stream, reader);
    match (&doc.recorded_file, &doc.event) {
        (Some(file), None) => {
            let written = [
                ("line", doc.line.is_some()),
                ("weights", doc.weights.is_some()),
                ("fields", doc.fields.is_some()),
                ("metadata", !doc.metadata.0.is_empty()),
                ("delay", doc.delay.is_some()),
                ("first", doc.first.is_some()),
                ("time", doc.time.is_some()),
            ];
            if let Some((field, _)) = written.iter().find(|(_, written)| *written) {
                let problem = Diagnostic::error(format!("`{field}` does not go with `recorded_file`"));
                let help = "it goes with `event`; what a file cannot say itself stands in `recorded_file: {file: ..., time: ...}`";
                reader.problem(place, problem.help(help));
                return Vec::new();
            }
            recorded(doc, &file.fields(), &labels, figure, day, files, reader).unwrap_or_default()
        }
        (None, Some(event)) => {
            if let Some(OneOrMany(within)) = &doc.within {
                let problem = Diagnostic::error("`within` goes with `recorded_file`");
                let place = within.first().map_or(place, |span| span.span);
                reader.problem(place, problem.help("lines that an event writes come when it does"));
                return Vec::new();
            }
            if labels.is_empty() {
                no_labels(place, reader);
                return Vec::new();
            }
            let lines = written_lines::resolve(doc, event, place, day, reader).map(LogLines::Written);
            lines.map(|lines| LogStream { labels, lines, figure }).into_iter().collect()
        }
        _ => {
            let problem = Diagnostic::error("a stream needs either an `event` or a `recorded_file`");
            reader.problem(
                place,
                problem.help("write `event: NAME` and `line: ...`, or `recorded_file: {file: ..., time: ...}`"),
            );
            Vec::new()
        }
    }
}

/// Whether all names are those of labels in Loki; those that are not are noted.
fn loki_names(entries: &Entries<Text>, reader: &Reader<'_>) -> bool {
    let named = |(name, _): &(Text, _)| reader.keep(name.span, label_name::check(&name.text)).is_some();
    entries.0.iter().filter(|entry| !named(entry)).count() == 0
}

/// A stream without labels, which Loki refuses.
fn no_labels(place: Span, reader: &Reader<'_>) {
    let problem = Diagnostic::error("a stream without labels").help("write at least one: `stream: {app: shop}`");
    reader.problem(place, problem);
}

fn recorded(
    doc: &LogDoc,
    file: &LinesFileDoc,
    wanted: &Labels,
    said: Option<Figure>,
    day: &Day,
    files: &Files<'_>,
    reader: &Reader<'_>,
) -> Option<Vec<LogStream>> {
    let time = |text: &Text| day.time(text).map(Some).map_err(|problem| reader.extend([problem])).ok();
    let found = files.lines(file, (day.calendar, &time), reader)?;
    let within: Option<Vec<&TimeSpan>> = match &doc.within {
        Some(OneOrMany(spans)) => {
            let named = |name: &Text| {
                let known = day.spans.iter().map(|span| span.name.as_str());
                let unknown = || {
                    Diagnostic::error(format!("unknown span `{}`", name.text)).help(names::hint(
                        &name.text,
                        "the spans are",
                        known,
                    ))
                };
                reader.keep(name.span, day.span(&name.text).ok_or_else(unknown))
            };
            Some(spans.iter().map(named).collect::<Option<_>>()?)
        }
        None => None,
    };
    let mut streams: BTreeMap<Labels, Vec<Entry>> = BTreeMap::new();
    let (mut others, count) = (0, found.entries.len());
    for entry in found.entries {
        let own = entry.stream.clone().unwrap_or_else(|| wanted.clone());
        if own.is_empty() {
            no_labels(file.file.span, reader);
            return None;
        }
        if !wanted.iter().all(|(name, value)| own.get(name) == value) {
            others += 1;
            continue;
        }
        if within.as_ref().is_none_or(|spans| spans.iter().any(|span| span.contains(millisecond(entry.time)))) {
            streams.entry(own).or_default().push(entry);
        }
    }
    if others == count && count > 0 {
        let problem = Diagnostic::error(format!("no stream {wanted} in {}", file.file.text));
        reader
            .problem(file.file.span, problem.help("a saved answer has streams of its own: name labels that they have"));
        return None;
    }
    let figure = said.unwrap_or_else(|| Figure {
        what: "logs".to_owned(),
        kind: Kind::Recorded,
        text: found.share,
        place: file.file.span,
    });
    // A stream without lines on this day is still one that the replay has.
    if streams.is_empty() && !wanted.is_empty() {
        streams.insert(wanted.clone(), Vec::new());
    }
    let stream = |(labels, entries): (Labels, Vec<Entry>)| LogStream {
        labels,
        lines: LogLines::Recorded(entries.into()),
        figure: Some(figure.clone()),
    };
    Some(streams.into_iter().map(stream).collect())
}

impl Day {
    /// The lines of a stream in order of time, from all `logs` with its labels; of one time those of the earlier `logs` first. Equal lines
    /// of one time are a nanosecond apart.
    pub fn log_entries(&self, stream: &LogStream) -> Vec<LogEntry> {
        let mut entries = Vec::new();
        for part in self.logs.iter().filter(|part| part.labels == stream.labels) {
            match &part.lines {
                LogLines::Recorded(recorded) => entries.extend(recorded.iter().map(|entry| LogEntry {
                    time: entry.time,
                    line: entry.line.clone(),
                    metadata: entry.metadata.clone(),
                })),
                LogLines::Written(lines) => lines.write(self, &part.labels, &mut entries),
            }
        }
        entries.sort_by_key(|entry| entry.time);
        tell_apart(&mut entries);
        entries
    }

    /// All log lines of the day.
    ///
    /// # Errors
    /// A line that is too long to be kept.
    pub fn log_store(&self) -> Result<Arc<LogStore>, LineTooLong> {
        self.lines.get_or_init(|| self.write_store().map(Arc::new)).clone()
    }

    /// One part of each stream.
    fn streams(&self) -> impl Iterator<Item = &LogStream> {
        let first = |at: usize| !self.logs[..at].iter().any(|earlier| earlier.labels == self.logs[at].labels);
        self.logs.iter().enumerate().filter(move |(at, _)| first(*at)).map(|(_, stream)| stream)
    }

    /// Whether the lines of the streams that rules read are those of another day.
    pub(super) fn has_lines_of(&self, other: &Day, is_read: &dyn Fn(&Labels) -> bool) -> bool {
        let read = |day: &'_ Day| -> Vec<(Labels, Vec<LogEntry>)> {
            let streams = day.streams().filter(|stream| is_read(&stream.labels));
            streams.map(|stream| (stream.labels.clone(), day.log_entries(stream))).collect()
        };
        read(self) == read(other)
    }

    /// What each stream rests on: the weakest of what it says itself and of the events that write it.
    pub fn stream_provenance(&self) -> Vec<SeriesProvenance> {
        let of = |stream: &LogStream| {
            let parts = self.logs.iter().filter(|part| part.labels == stream.labels);
            let figures: Vec<Figure> = parts
                .flat_map(|part| {
                    let event = match &part.lines {
                        LogLines::Written(lines) => self.event(lines.event()),
                        LogLines::Recorded(_) => None,
                    };
                    part.figure.iter().chain(event.into_iter().flat_map(|event| &event.figures)).cloned()
                })
                .collect();
            let kind = provenance::overall(None, &figures);
            SeriesProvenance { labels: stream.labels.clone(), kind, figures, implied: false }
        };
        self.streams().map(of).collect()
    }

    fn write_store(&self) -> Result<LogStore, LineTooLong> {
        let mut logs = LogStore::default();
        for stream in self.streams() {
            for entry in self.log_entries(stream) {
                logs.append(&stream.labels, entry.time, entry.line.as_bytes(), entry.metadata)?;
            }
        }
        Ok(logs)
    }
}

/// Of equal lines of one time Loki keeps one, and all of them were written: the later ones move on by a nanosecond each.
fn tell_apart(entries: &mut [LogEntry]) {
    let mut seen: HashSet<(Nanoseconds, &str)> = HashSet::new();
    let mut moved = false;
    for LogEntry { time, line, .. } in entries.iter_mut() {
        while !seen.insert((*time, line)) {
            *time = Nanoseconds(time.0.saturating_add(1));
            moved = true;
        }
    }
    if moved {
        entries.sort_by_key(|entry| entry.time);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{LogEntry, read};
    use crate::text::Source;

    fn replay(logs: &str) -> String {
        format!(
            "firedrill: replay/1\ntitle: t\nstart: 2026-01-01T00:00:00Z\nend: 2026-01-01T00:05:00Z\n\
             spans:\n  bad: {{from: \"00:01:00\", to: \"00:02:00\"}}\n  all: {{from: start, to: end}}\n\
             events:\n  a: {{retry: {{while: bad, takes: 10s, waits: [2s, 4.5s]}}}}\n  b: {{at: [\"00:01:10\", \"00:03:00.250\"]}}\n\
             \x20 c: {{every: {{interval: 100ms, within: all}}}}\nlogs:\n{logs}"
        )
    }

    fn read_logs(logs: &str) -> Result<Vec<String>, String> {
        let text = replay(logs);
        let replay = read(&Source::new("r.yaml", text), Path::new(".")).map_err(|problems| problems[0].to_string())?;
        let day = replay.variant(None).unwrap();
        let entries = day.log_entries(&day.logs[0]);
        let since = |entry: &LogEntry| (entry.time.0 - day.start().0 * 1_000_000) / 1_000_000;
        Ok(entries.into_iter().map(|entry| format!("{} {}", since(&entry), entry.line)).collect())
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
    fn fields_come_in_turn_or_by_their_weights_and_lines_so_long_after_the_event() {
        let many = "  - {stream: {job: a}, event: c, delay: 1.5s, fields: {user: [ada, bob, eve], status: {\"200\": 3, \"500\": 1, \"404\": 0}},\
                    \x20   line: \"${n} ${user} ${status} ${time}\"}\n";
        let lines = read_logs(many).unwrap();
        // Every 100 ms from the start on; the last 14 would be written after the end.
        assert_eq!(lines.len(), 3000 - 14);
        assert!(lines[0].starts_with("1500 1 ada ") && lines[0].ends_with(" 2026-01-01T00:00:01.500Z"), "{}", lines[0]);
        assert!(lines[4].contains(" 5 bob "), "{}", lines[4]);
        let with = |status: &str| lines.iter().filter(|line| line.contains(status)).count();
        let (ok, failed) = (with(" 200 2026"), with(" 500 2026"));
        assert_eq!((ok + failed, with(" 404 2026")), (lines.len(), 0));
        // A quarter of 2,986 is 747, and three standard deviations are 71.
        assert!((676..=818).contains(&failed), "{failed}");
        // Another stream of the same event says the same.
        let again = read_logs(&many.replace("{job: a}", "{job: b}")).unwrap();
        assert_eq!(lines, again);
    }

    #[test]
    fn one_of_several_lines_is_drawn_by_their_weights() {
        let lines =
            read_logs("  - {stream: {job: a}, event: c, line: [ok, \"failed ${n}\"], weights: [9, 1]}\n").unwrap();
        let failed = lines.iter().filter(|line| line.contains("failed")).count();
        // A tenth of 3,000 is 300, and three standard deviations are 49.
        assert!(lines.len() == 3000 && (251..=349).contains(&failed), "{failed} of {}", lines.len());
    }

    #[test]
    fn structured_metadata_is_filled_in_and_equal_lines_of_one_time_are_both_there() {
        let text = replay(
            "  - {stream: {job: a}, event: b, line: [x, x], metadata: {trace_id: \"t${n}\", user: \"${user}\"}, fields: {user: [ada]}}\n",
        );
        let replay = read(&Source::new("r.yaml", text), Path::new(".")).unwrap();
        let store = replay.variant(None).unwrap().log_store().unwrap();
        let stream = store.streams()[0];
        let told = |at: usize| {
            let entry = stream.entry(at);
            format!("{} {}", entry.time.0 % 1_000_000_000, entry.metadata.map(ToString::to_string).unwrap_or_default())
        };
        assert_eq!(stream.len(), 4);
        assert_eq!([told(0), told(1)], ["0", "1"].map(|time| format!("{time} {{trace_id=\"t1\", user=\"ada\"}}")));
        assert_eq!(told(2), "250000000 {trace_id=\"t2\", user=\"ada\"}");
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        for (logs, message) in [
            ("  - {stream: {job: a}, event: b, line: \"${wait}\"}\n", "unknown substitution `${wait}`"),
            ("  - {stream: {job: a}, event: b, line: [ok, \"${nn}\"]}\n", "unknown substitution `${nn}`"),
            ("  - {stream: {job: a}, event: b, time: \"%Q\", line: x}\n", "`%Q` is no way to write a time"),
            ("  - {stream: {job: a}, event: d, line: x}\n", "unknown event `d`"),
            ("  - {stream: {job: a}, event: b, line: \"${u}\", fields: {user: [x]}}\n", "unknown substitution `${u}`"),
            ("  - {stream: {job: a}, event: b, line: x, metadata: {t: \"${u}\"}}\n", "unknown substitution `${u}`"),
            ("  - {stream: {job: a}, event: b, line: x, fields: {time: [x]}}\n", "`time` stands for something else"),
            ("  - {stream: {job: a}, event: b, line: x, fields: {user: []}}\n", "`user` has no values"),
            ("  - {stream: {job: a}, event: b, line: x, fields: {user: {ada: -1}}}\n", "`-1` is no weight"),
            ("  - {stream: {job: a}, event: b, line: x, fields: {user: {ada: 0}}}\n", "all weights are 0"),
            ("  - {stream: {job: a}, event: b, line: [x, y], weights: [1]}\n", "1 weights for 2 lines"),
            ("  - {stream: {job: a}, event: b, line: x, delay: soon}\n", "`soon` is not a duration"),
            ("  - {stream: {my-job: a}, event: b, line: x}\n", "`my-job` is no name of a label in Loki"),
            ("  - {stream: {1job: a}, event: b, line: x}\n", "`1job` is no name of a label in Loki"),
            (
                "  - {stream: {job: a}, event: b, line: x, metadata: {trace.id: x}}\n",
                "`trace.id` is no name of a label in Loki",
            ),
            ("  - {stream: {}, event: b, line: x}\n", "a stream without labels"),
            ("  - {stream: {job: \"\"}, event: b, line: x}\n", "a stream without labels"),
            ("  - {stream: {job: a, job: b}, event: b, line: x}\n", "`job` is given twice"),
        ] {
            let problem = read_logs(logs).unwrap_err();
            assert!(problem.contains(message), "{problem}");
        }
        let (start, line) = ("  - {stream: {job: a}, event: b, line: ", "\"a ${n} ${nope}\", fields: {user: [x]}}\n");
        let text = replay(&format!("{start}{line}"));
        let problem = read(&Source::new("r.yaml", text.clone()), Path::new(".")).unwrap_err().remove(0);
        let (_, span) = problem.place.unwrap();
        assert_eq!(&text[span.start..span.end], "${nope}");
        assert!(problem.help.unwrap().contains("a line knows `${n}`, `${time}`, `${user}`, and"));
    }
}
