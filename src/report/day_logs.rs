//! The log lines of a day: how many of each stream there were when, and those around a time.

use std::fmt::Write;

use super::chart::{self, Layout};
use super::human::{self, Look};
use super::logs::Level;
use super::words::{plain, shortened};
use crate::drill::explain::clock;
use crate::evidence::{Row, Timeline, distinguishing};
use crate::labels::Labels;
use crate::store::{LogEntry, LogStore, LogStream};
use crate::time::{Duration, Nanoseconds, Timestamp};

/// The most streams that are shown: those with the most lines, or with the nearest ones.
const STREAMS: usize = 8;

/// How far from a time lines are that belong to it.
const AROUND: Duration = Duration(5 * 60_000);

/// Lines of the streams of a day over the ticks of a chart.
#[derive(Default)]
pub struct Volumes {
    pub timeline: Timeline,
    pub notes: Vec<String>,
    /// The gravest level of the lines of each tick, for each row.
    levels: Vec<Vec<Option<Level>>>,
    left_out: usize,
}

impl Volumes {
    /// What was written since the tick before counts at a tick, and at the last one all that comes after it.
    pub fn new(logs: &LogStore, ticks: &[Timestamp]) -> Volumes {
        let mut streams: Vec<&LogStream> = logs.streams().into_iter().filter(|stream| !stream.is_empty()).collect();
        streams.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.labels().cmp(b.labels())));
        let mut volumes = Volumes { left_out: streams.len().saturating_sub(STREAMS), ..Volumes::default() };
        streams.truncate(STREAMS);
        volumes.timeline.ticks = ticks.to_vec();
        for stream in &streams {
            let mut counts = vec![0.0; ticks.len()];
            let mut levels = vec![None; ticks.len()];
            for entry in all(stream) {
                let tick = ticks.partition_point(|tick| nanoseconds(*tick) < entry.time);
                let Some(last) = ticks.len().checked_sub(1) else { continue };
                counts[tick.min(last)] += 1.0;
                levels[tick.min(last)] = levels[tick.min(last)].max(level(stream, &entry));
            }
            let label = format!("log lines {}", name(stream, &streams));
            volumes.timeline.rows.push(Row::Values { label, values: counts.into_iter().map(Some).collect() });
            volumes.notes.push(human::plural(stream.len(), "line"));
            volumes.levels.push(levels);
        }
        volumes
    }

    /// The chart of them; nothing where there are no lines.
    pub fn draw(&self, layout: Layout) -> String {
        if self.timeline.rows.is_empty() {
            return String::new();
        }
        let mut out = chart::draw_counts(&self.timeline, &self.notes, &self.levels, layout);
        if self.left_out > 0 {
            let _ = writeln!(out, "  and {} with fewer lines", human::plural(self.left_out, "stream"));
        }
        out
    }
}

/// For each stream the lines nearest to a time, at most so many, in the order in which they were written.
pub fn around(logs: &LogStore, at: Timestamp, most: usize, start: Timestamp, look: Look) -> String {
    let moment = nanoseconds(at);
    let distance = |entry: &LogEntry<'_>| (entry.time.0.saturating_sub(moment.0)).unsigned_abs();
    let within = Nanoseconds(AROUND.0 * 1_000_000);
    let from = Nanoseconds(moment.0.saturating_sub(within.0));
    let to = Nanoseconds(moment.0.saturating_add(within.0).saturating_add(1));
    let mut near: Vec<(u64, &LogStream)> = Vec::new();
    for stream in logs.streams() {
        near.extend(stream.between(from, to).map(|entry| distance(&entry)).min().map(|nearest| (nearest, stream)));
    }
    near.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.labels().cmp(b.1.labels())));
    if most == 0 || near.is_empty() {
        return String::new();
    }
    let mut out = format!("\nlog lines within {AROUND}\n");
    for (_, stream) in near.iter().take(STREAMS) {
        let mut entries: Vec<LogEntry<'_>> = stream.between(from, to).collect();
        let count = entries.len();
        // Stable: of two that are as near, the one that was written first.
        entries.sort_by_key(distance);
        entries.truncate(most);
        entries.sort_by_key(|entry| entry.time);
        let of = if count > entries.len() { format!("  {} of {count}", entries.len()) } else { String::new() };
        let _ = writeln!(out, "  {}{of}", plain(&stream.labels().to_string()));
        for entry in entries {
            let time = clock(Timestamp(entry.time.0.div_euclid(1_000_000)), start);
            let line = String::from_utf8_lossy(entry.line);
            let _ = writeln!(out, "{}", shortened(&format!("    {time}  {}", plain(line.trim_end())), look.width));
        }
    }
    if near.len() > STREAMS {
        let _ = writeln!(out, "  and {} more", human::plural(near.len() - STREAMS, "stream"));
    }
    out
}

/// The labels in which a stream differs from the others, all of them where it is alone.
fn name(stream: &LogStream, streams: &[&LogStream]) -> String {
    let all: Vec<&Labels> = streams.iter().map(|stream| stream.labels()).collect();
    let own = distinguishing(stream.labels(), &all);
    if own.is_empty() { stream.labels().to_string() } else { own }
}

fn level(stream: &LogStream, entry: &LogEntry<'_>) -> Option<Level> {
    let line = String::from_utf8_lossy(entry.line);
    let said = entry.metadata.and_then(|metadata| Level::of(metadata, ""));
    said.or_else(|| Level::of(stream.labels(), &line))
}

fn all(stream: &LogStream) -> impl Iterator<Item = LogEntry<'_>> {
    (0..stream.len()).map(|at| stream.entry(at))
}

fn nanoseconds(time: Timestamp) -> Nanoseconds {
    Nanoseconds(time.0.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { color: false, width: 60, bounded: true };

    fn logs(entries: &[(&str, i64, &str)]) -> LogStore {
        let mut logs = LogStore::default();
        for (job, second, line) in entries {
            let labels = Labels::from_pairs([("job", *job)]);
            logs.append(&labels, Nanoseconds(second * 1_000_000_000), line.as_bytes(), Labels::empty()).unwrap();
        }
        logs
    }

    fn drawn(logs: &LogStore, ticks: &[i64], width: usize, color: bool) -> String {
        let ticks: Vec<Timestamp> = ticks.iter().map(|second| Timestamp(second * 1000)).collect();
        let volumes = Volumes::new(logs, &ticks);
        let layout = Layout::of([(&volumes.timeline, &volumes.notes[..])], Look { width, color, ..LOOK });
        volumes.draw(layout)
    }

    #[test]
    fn lines_count_at_the_next_tick_and_those_behind_the_last_at_that() {
        // One before the first tick, two at 60 s, one just behind it, and one behind the last tick.
        let logs =
            logs(&[("a", -5, "x"), ("a", 30, "x"), ("a", 60, "y"), ("a", 61, "z"), ("a", 500, "w"), ("b", 60, "v")]);
        assert_eq!(
            drawn(&logs, &[0, 60, 120, 180], 60, false),
            "               00:00\n\
             \x20 log lines\n\
             \x20   {job=\"a\"}  ▄█▄▄  5 lines\n\
             \x20   {job=\"b\"}   █    1 line\n"
        );
        assert_eq!(drawn(&LogStore::default(), &[0, 60], 60, false), "");
    }

    #[test]
    fn ticks_that_share_a_column_add_up() {
        let entries: Vec<(&str, i64, String)> = (0..120).map(|k| ("a", k * 60, format!("{k}"))).collect();
        let entries: Vec<(&str, i64, &str)> =
            entries.iter().map(|(job, at, line)| (*job, *at, line.as_str())).collect();
        let ticks: Vec<i64> = (0..120).map(|k| k * 60).collect();
        // 120 ticks in 24 columns are 5 lines a column.
        let text = drawn(&logs(&entries), &ticks, 62, false);
        assert!(text.contains("████") && !text.contains('▁'), "{text}");
    }

    #[test]
    fn a_column_has_the_colour_of_its_gravest_line() {
        let logs = logs(&[
            ("a", 10, "level=info x"),
            ("a", 20, "level=error y"),
            ("a", 70, "level=warn z"),
            ("a", 130, "plain"),
        ]);
        let text = drawn(&logs, &[60, 120, 180], 60, true);
        assert!(text.contains("\u{1b}[31;1m█\u{1b}[0m\u{1b}[33m▄\u{1b}[0m▄"), "{text:?}");
    }

    #[test]
    fn the_lines_nearest_to_a_time_are_shown_for_each_stream() {
        let logs = logs(&[
            ("a", 0, "too far"),
            ("a", 400, "first"),
            ("a", 600, "second"),
            ("a", 610, "third"),
            ("a", 800, "fourth"),
            ("b", 599, "of b"),
            ("c", 901, "too late"),
        ]);
        let at = |most| around(&logs, Timestamp(600_000), most, Timestamp(0), LOOK);
        assert_eq!(
            at(2),
            "\nlog lines within 5m\n  {job=\"a\"}  2 of 4\n    00:10:00  second\n    00:10:10  third\n  {job=\"b\"}\n    00:09:59  of b\n"
        );
        assert!(at(9).contains("  {job=\"a\"}\n    00:06:40  first\n"), "{}", at(9));
        assert_eq!(at(0), "");
        assert_eq!(around(&logs, Timestamp(9_000_000), 3, Timestamp(0), LOOK), "");
    }
}
