//! Log entries by stream, in order of time: lines in blocks of a size that is cheap to grow and to insert into. Ready for many millions of lines:
//! an entry costs its bytes and 16 more.

use std::collections::HashMap;
use std::ops::Range;

use crate::labels::{Labels, Matcher};
use crate::time::Nanoseconds;

/// Bytes of lines in one block, unless a single line is longer.
const BLOCK_BYTES: usize = 1 << 20;

/// Entries in one block.
const BLOCK_ENTRIES: usize = 1 << 16;

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
    hash: u64,
    blocks: Vec<Block>,
    metadata: Vec<Labels>,
    metadata_ids: HashMap<Labels, u32>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Entries in the blocks before.
    first: usize,
    times: Vec<i64>,
    /// Where lines end in `text`.
    ends: Vec<u32>,
    /// Places in the stream's metadata, plus one, and 0 for none; empty where no entry has any.
    metadata: Vec<u32>,
    text: Vec<u8>,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    pub time: Nanoseconds,
    pub line: &'a [u8],
    /// Structured metadata, if it has any.
    pub metadata: Option<&'a Labels>,
}

impl<'a> LogEntry<'a> {
    /// Names and values of the structured metadata.
    pub fn metadata_pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.metadata.into_iter().flat_map(Labels::iter)
    }
}

/// A line that is longer than a block can say: 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of {0} bytes is too long: at most 4 GiB are kept")]
pub struct LineTooLong(pub usize);

impl LogStore {
    /// Adds an entry; where its stream has the same line at the same time already, nothing.
    ///
    /// # Errors
    /// A line that is too long.
    pub fn append(
        &mut self,
        labels: &Labels,
        time: Nanoseconds,
        line: &[u8],
        metadata: Labels,
    ) -> Result<(), LineTooLong> {
        let at = match self.by_labels.get(labels) {
            Some(at) => *at,
            None => {
                self.by_labels.insert(labels.clone(), self.streams.len());
                self.streams.push(LogStream::new(labels.clone()));
                self.streams.len() - 1
            }
        };
        self.streams[at].append(time, line, metadata)
    }

    /// The streams in the order of their hashes, which is Loki's order of entries of one time.
    pub fn streams(&self) -> Vec<&LogStream> {
        let mut streams: Vec<&LogStream> = self.streams.iter().collect();
        streams.sort_by(|a, b| a.hash.cmp(&b.hash).then_with(|| a.labels.cmp(&b.labels)));
        streams
    }

    /// The streams whose labels meet all conditions, in the same order.
    pub fn select(&self, matchers: &[Matcher]) -> Vec<&LogStream> {
        let meets = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
        let mut streams = self.streams();
        streams.retain(|stream| meets(&stream.labels));
        streams
    }

    /// How many entries there are.
    pub fn entries(&self) -> usize {
        self.streams.iter().map(LogStream::len).sum()
    }
}

impl LogStream {
    fn new(labels: Labels) -> LogStream {
        let hash = hash(&labels);
        LogStream { labels, hash, blocks: Vec::new(), metadata: Vec::new(), metadata_ids: HashMap::new() }
    }

    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What Loki knows the stream by.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.first + block.times.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an entry has structured metadata.
    pub fn has_metadata(&self) -> bool {
        !self.metadata.is_empty()
    }

    fn append(&mut self, time: Nanoseconds, line: &[u8], metadata: Labels) -> Result<(), LineTooLong> {
        if u32::try_from(line.len()).is_err() {
            return Err(LineTooLong(line.len()));
        }
        // Nearly always the end.
        let in_order = self.blocks.last().and_then(|block| block.times.last()).is_none_or(|last| *last <= time.0);
        let place = if in_order { self.len() } else { self.first_at(Nanoseconds(time.0.saturating_add(1))) };
        let is_known = |entry: LogEntry<'_>| entry.line == line;
        if self.entries(0..place).rev().take_while(|entry| entry.time == time).any(is_known) {
            return Ok(());
        }
        let metadata = self.metadata_id(metadata);
        let at = match in_order {
            true => self.last_block(line.len()),
            false => {
                self.blocks.partition_point(|block| block.first + block.times.len() < place).min(self.blocks.len() - 1)
            }
        };
        let block = &mut self.blocks[at];
        block.insert(place - block.first, time.0, line, metadata);
        self.blocks[at + 1..].iter_mut().for_each(|block| block.first += 1);
        self.split(at);
        Ok(())
    }

    /// The block for another line at the end.
    fn last_block(&mut self, line: usize) -> usize {
        let full = |block: &Block| {
            block.times.len() >= BLOCK_ENTRIES || (!block.text.is_empty() && block.text.len() + line > BLOCK_BYTES)
        };
        if self.blocks.last().is_none_or(full) {
            let first = self.len();
            if let Some(block) = self.blocks.last_mut() {
                block.shrink();
            }
            self.blocks.push(Block { first, ..Block::default() });
        }
        self.blocks.len() - 1
    }

    /// Cuts a block in two that has grown too large.
    fn split(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        let middle = block.times.len() / 2;
        if middle == 0 || (block.text.len() <= 2 * BLOCK_BYTES && block.times.len() <= 2 * BLOCK_ENTRIES) {
            return;
        }
        let cut = block.ends[middle - 1];
        let second = Block {
            first: block.first + middle,
            times: block.times.split_off(middle),
            ends: block.ends.split_off(middle).into_iter().map(|end| end - cut).collect(),
            metadata: if block.metadata.is_empty() { Vec::new() } else { block.metadata.split_off(middle) },
            text: block.text.split_off(cut as usize),
        };
        block.shrink();
        self.blocks.insert(at + 1, second);
    }

    fn metadata_id(&mut self, metadata: Labels) -> u32 {
        if metadata.is_empty() {
            return 0;
        }
        if let Some(id) = self.metadata_ids.get(&metadata) {
            return *id;
        }
        self.metadata.push(metadata.clone());
        let id = self.metadata.len() as u32;
        self.metadata_ids.insert(metadata, id);
        id
    }

    /// An entry by its place.
    pub fn entry(&self, at: usize) -> LogEntry<'_> {
        let block = &self.blocks[self.blocks.partition_point(|block| block.first <= at) - 1];
        block.entry(at - block.first, &self.metadata)
    }

    /// The place of the first entry at a time or later.
    fn first_at(&self, time: Nanoseconds) -> usize {
        let before = |block: &Block| block.times.last().is_some_and(|last| *last < time.0);
        match self.blocks.get(self.blocks.partition_point(before)) {
            Some(block) => block.first + block.times.partition_point(|own| *own < time.0),
            None => self.len(),
        }
    }

    /// The entries from `from` on and before `to`.
    pub fn between(&self, from: Nanoseconds, to: Nanoseconds) -> impl DoubleEndedIterator<Item = LogEntry<'_>> {
        let first = self.first_at(from);
        self.entries(first..self.first_at(to).max(first))
    }

    /// The entries of a range of places.
    fn entries(&self, places: Range<usize>) -> impl DoubleEndedIterator<Item = LogEntry<'_>> {
        let from = self.blocks.partition_point(|block| block.first + block.times.len() <= places.start);
        let to = self.blocks.partition_point(|block| block.first < places.end).max(from);
        self.blocks[from..to].iter().flat_map(move |block| {
            let start = places.start.saturating_sub(block.first);
            let end = (places.end - block.first).min(block.times.len());
            (start..end).map(|place| block.entry(place, &self.metadata))
        })
    }
}

impl Block {
    fn insert(&mut self, place: usize, time: i64, line: &[u8], metadata: u32) {
        let start = if place > 0 { self.ends[place - 1] } else { 0 };
        if place == self.times.len() {
            self.text.extend_from_slice(line);
        } else {
            self.text.splice(start as usize..start as usize, line.iter().copied());
            self.ends[place..].iter_mut().for_each(|end| *end += line.len() as u32);
        }
        if metadata > 0 && self.metadata.is_empty() {
            self.metadata.resize(self.times.len(), 0);
        }
        if metadata > 0 || !self.metadata.is_empty() {
            self.metadata.insert(place, metadata);
        }
        self.times.insert(place, time);
        self.ends.insert(place, start + line.len() as u32);
    }

    fn shrink(&mut self) {
        self.times.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.text.shrink_to_fit();
        self.metadata.shrink_to_fit();
    }

    fn entry<'a>(&'a self, place: usize, metadata: &'a [Labels]) -> LogEntry<'a> {
        let start = if place > 0 { self.ends[place - 1] as usize } else { 0 };
        LogEntry {
            time: Nanoseconds(self.times[place]),
            line: &self.text[start..self.ends[place] as usize],
            metadata: self.metadata.get(place).filter(|id| **id > 0).map(|id| &metadata[*id as usize - 1]),
        }
    }
}

/// Prometheus' stable hash of labels (`labels.StableHash`).
fn hash(labels: &Labels) -> u64 {
    let mut text = Vec::new();
    for part in labels.iter().flat_map(|(name, value)| [name, value]) {
        text.extend_from_slice(part.as_bytes());
        text.push(0xFF);
    }
    xxhash_rust::xxh64::xxh64(&text, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::MatchOp;

    fn texts<'a>(entries: impl Iterator<Item = LogEntry<'a>>) -> Vec<(i64, String, String)> {
        let of = |entry: LogEntry<'_>| {
            let metadata: String = entry.metadata_pairs().map(|(_, value)| value).collect();
            (entry.time.0, String::from_utf8_lossy(entry.line).into_owned(), metadata)
        };
        entries.map(of).collect()
    }

    #[test]
    fn entries_come_in_order_of_time_and_the_same_line_once() {
        let mut store = LogStore::default();
        let labels = Labels::from_pairs([("job", "a")]);
        let metadata = |value: &str| Labels::from_pairs([("m", value)]);
        for (time, line, m) in
            [(5, "b", ""), (7, "c", "2"), (5, "a", "1"), (5, "b", "3"), (1, "first", ""), (7, "d", "")]
        {
            store.append(&labels, Nanoseconds(time), line.as_bytes(), metadata(m)).unwrap();
        }
        store.append(&Labels::from_pairs([("job", "b")]), Nanoseconds(1), b"other", Labels::empty()).unwrap();
        let matcher = [Matcher::new("job", MatchOp::Equal, "a").unwrap()];
        let streams = store.select(&matcher);
        let entries = |from, to| texts(streams[0].between(Nanoseconds(from), Nanoseconds(to)));
        let expected = [(1, "first", ""), (5, "b", ""), (5, "a", "1"), (7, "c", "2"), (7, "d", "")]
            .map(|(time, line, m)| (time, line.to_owned(), m.to_owned()));
        assert_eq!(entries(0, 8), expected);
        assert_eq!(entries(5, 7), expected[1..3]);
        assert_eq!(entries(9, 2), []);
        let back = texts(streams[0].between(Nanoseconds(0), Nanoseconds(8)).rev());
        assert_eq!(back, expected.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!((store.entries(), store.streams().len(), streams.len()), (6, 2, 1));
    }

    #[test]
    fn blocks_are_one_sequence_whatever_the_order() {
        let mut store = LogStore::default();
        let line = vec![b'x'; BLOCK_BYTES / 3];
        for at in 0..24_usize {
            let time = at * 7 % 24;
            store.append(&Labels::empty(), Nanoseconds(time as i64), &line[time..], Labels::empty()).unwrap();
        }
        store.append(&Labels::empty(), Nanoseconds(24), &vec![b'y'; 3 * BLOCK_BYTES], Labels::empty()).unwrap();
        let stream = &store.streams()[0];
        assert!(stream.blocks.len() > 4);
        let found: Vec<(i64, usize)> =
            stream.between(Nanoseconds(4), Nanoseconds(17)).map(|entry| (entry.time.0, entry.line.len())).collect();
        assert_eq!(found, (4..17).map(|time| (time as i64, line.len() - time)).collect::<Vec<_>>());
        assert_eq!((stream.entry(7).time.0, stream.entry(24).line.len(), stream.len()), (7, 3 * BLOCK_BYTES, 25));
    }

    // Expected value: xxHash's own test vector of the empty input.
    #[test]
    fn hashes_are_prometheus_own() {
        assert_eq!(hash(&Labels::empty()), 0xEF46_DB37_51D8_E999);
    }
}
