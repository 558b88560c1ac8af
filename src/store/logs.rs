//! Log entries by stream, in order of time, their lines in one buffer a stream.

use std::collections::HashMap;

use crate::labels::Labels;
use crate::time::Nanoseconds;

/// Log entries, as a Loki that received them would hold them.
#[derive(Clone, Debug, Default)]
pub struct LogStore {
    streams: Vec<LogStream>,
    by_labels: HashMap<Labels, usize>,
}

/// The entries of one stream in order of time, those of one time in the order in which they came.
#[derive(Clone, Debug)]
pub struct LogStream {
    labels: Labels,
    times: Vec<Nanoseconds>,
    /// Where the line of each entry ends in `text`.
    ends: Vec<usize>,
    text: Vec<u8>,
    /// Structured metadata of the entries that have some, in their order.
    metadata: Vec<(usize, Labels)>,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    pub time: Nanoseconds,
    pub line: &'a [u8],
    /// Structured metadata, if it has any.
    pub metadata: Option<&'a Labels>,
}

impl LogStore {
    /// Adds an entry; where its stream has the same line at the same time already, nothing.
    pub fn append(&mut self, labels: &Labels, time: Nanoseconds, line: &[u8], metadata: Labels) {
        let at = match self.by_labels.get(labels) {
            Some(at) => *at,
            None => {
                self.by_labels.insert(labels.clone(), self.streams.len());
                self.streams.push(LogStream {
                    labels: labels.clone(),
                    times: Vec::new(),
                    ends: Vec::new(),
                    text: Vec::new(),
                    metadata: Vec::new(),
                });
                self.streams.len() - 1
            }
        };
        self.streams[at].append(time, line, metadata);
    }

    /// The streams in order of their labels as Loki prints them, which is its order of entries of one time.
    pub fn streams(&self) -> Vec<&LogStream> {
        let mut streams: Vec<&LogStream> = self.streams.iter().collect();
        streams.sort_by_cached_key(|stream| stream.labels.to_string());
        streams
    }
}

impl LogStream {
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Whether an entry has structured metadata.
    pub fn has_metadata(&self) -> bool {
        !self.metadata.is_empty()
    }

    fn line(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    fn append(&mut self, time: Nanoseconds, line: &[u8], metadata: Labels) {
        // Nearly always the end.
        let place = self.times.partition_point(|other| *other <= time);
        let same_time = (0..place).rev().take_while(|at| self.times[*at] == time);
        if same_time.into_iter().any(|at| self.line(at) == line) {
            return;
        }
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        if place == self.times.len() {
            self.text.extend_from_slice(line);
        } else {
            self.text.splice(start..start, line.iter().copied());
            self.ends[place..].iter_mut().for_each(|end| *end += line.len());
            self.metadata.iter_mut().filter(|(at, _)| *at >= place).for_each(|(at, _)| *at += 1);
        }
        self.times.insert(place, time);
        self.ends.insert(place, start + line.len());
        if !metadata.is_empty() {
            let at = self.metadata.partition_point(|(at, _)| *at < place);
            self.metadata.insert(at, (place, metadata));
        }
    }

    /// The entries from `from` on and before `to`.
    pub fn between(&self, from: Nanoseconds, to: Nanoseconds) -> impl DoubleEndedIterator<Item = LogEntry<'_>> {
        let first = self.times.partition_point(|time| *time < from);
        let last = self.times.partition_point(|time| *time < to).max(first);
        (first..last).map(|at| LogEntry { time: self.times[at], line: self.line(at), metadata: self.metadata(at) })
    }

    fn metadata(&self, entry: usize) -> Option<&Labels> {
        let at = self.metadata.binary_search_by_key(&entry, |(at, _)| *at).ok()?;
        Some(&self.metadata[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_of_time_and_the_same_line_once() {
        let mut store = LogStore::default();
        let labels = Labels::from_pairs([("job", "a")]);
        let metadata = |value: &str| Labels::from_pairs([("m", value)]);
        for (time, line, m) in
            [(5, "b", ""), (7, "c", "2"), (5, "a", "1"), (5, "b", "3"), (1, "first", ""), (7, "d", "")]
        {
            store.append(&labels, Nanoseconds(time), line.as_bytes(), metadata(m));
        }
        let entries = |from, to| -> Vec<(i64, String, String)> {
            let streams = store.streams();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let of = |entry: LogEntry<'_>| {
                (entry.time.0, text(entry.line), entry.metadata.map_or("", |labels| labels.get("m")).to_owned())
            };
            streams[0].between(Nanoseconds(from), Nanoseconds(to)).map(of).collect()
        };
        let expected = [(1, "first", ""), (5, "b", ""), (5, "a", "1"), (7, "c", "2"), (7, "d", "")];
        let owned = |(time, line, m): (i64, &str, &str)| (time, line.to_owned(), m.to_owned());
        assert_eq!(entries(0, 8), expected.map(owned));
        assert_eq!(entries(5, 7), expected[1..3].iter().copied().map(owned).collect::<Vec<_>>());
        assert_eq!(entries(9, 2), []);
    }
}
