//! A text with a name, and spans of bytes in it.

use std::sync::{Arc, OnceLock};

/// A half-open range of byte offsets in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place for people: both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

/// A text and the name that people know it by (a path as given, `<expr>`), cheap to clone.
#[derive(Clone, Debug)]
pub struct Source(Arc<SourceText>);

#[derive(Debug)]
struct SourceText {
    name: String,
    text: String,
    /// Byte offset at which each line starts; known from the first question for a place on.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source(Arc::new(SourceText { name: name.into(), text: text.into(), lines: OnceLock::new() }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    fn lines(&self) -> &[usize] {
        let behind_breaks = || self.text().match_indices('\n').map(|(at, _)| at + 1);
        self.0.lines.get_or_init(|| std::iter::once(0).chain(behind_breaks()).collect())
    }

    /// The line of a byte offset, from 1; cheaper than its column where lines are long.
    pub fn line(&self, offset: usize) -> usize {
        self.lines().partition_point(|start| *start <= offset.min(self.0.text.len()))
    }

    /// Line and column of a byte offset; an offset behind the end is the end.
    pub fn place(&self, offset: usize) -> LineColumn {
        let offset = offset.min(self.0.text.len());
        let lines = self.lines();
        let line = lines.partition_point(|start| *start <= offset);
        let before = &self.0.text.as_bytes()[lines[line - 1]..offset];
        // Count the bytes that begin a character, so that an offset inside one does no harm.
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        LineColumn { line, column }
    }

    /// Byte offset of a line and a column, both counted from 1; behind the end of a line is its end.
    pub fn offset(&self, place: LineColumn) -> usize {
        let Some(start) = self.lines().get(place.line.saturating_sub(1)) else { return self.0.text.len() };
        let line = self.0.text[*start..].split('\n').next().unwrap_or_default();
        start + line.char_indices().nth(place.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_lines_from_one() {
        let source = Source::new("x", "ab\nµcd\n");
        assert_eq!(source.place(0), LineColumn { line: 1, column: 1 });
        assert_eq!(source.place(5), LineColumn { line: 2, column: 2 });
        assert_eq!(source.place(99), LineColumn { line: 3, column: 1 });
        assert_eq!(source.offset(LineColumn { line: 2, column: 2 }), 5);
    }
}
