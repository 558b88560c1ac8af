//! A string that was read from a file, and the way from a place in the string back to the place in the file.

use std::fmt;
use std::ops::Deref;
use std::slice;
use std::sync::Arc;

use super::{Diagnostic, Source, Span};

/// A run of bytes of a value and the bytes of the file that it was read from. Of equal length where the text stands
/// in the file as it is; otherwise (an escape, a folded line) the whole run belongs to the whole place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub value: Span,
    pub file: Span,
}

/// A string read from a file. Bytes of `value` map back to bytes of `source`, also where the file writes the string
/// with quotes and escapes, or over several lines (YAML's folded and literal blocks).
#[derive(Clone)]
pub struct Located {
    pub value: String,
    pub source: Source,
    /// The whole notation in the file, quotes and block indicators included.
    pub span: Span,
    pieces: Pieces,
}

/// In order, without gaps in the value.
#[derive(Clone)]
enum Pieces {
    /// Most values stand in the file as they are.
    One(Piece),
    Some(Arc<[Piece]>),
}

impl Deref for Pieces {
    type Target = [Piece];

    fn deref(&self) -> &[Piece] {
        match self {
            Pieces::One(piece) => slice::from_ref(piece),
            Pieces::Some(pieces) => pieces,
        }
    }
}

impl Located {
    /// A value and its pieces, in the order of the value.
    pub fn new(value: impl Into<String>, source: &Source, span: Span, pieces: Vec<Piece>) -> Located {
        let pieces = match pieces[..] {
            [piece] => Pieces::One(piece),
            _ => Pieces::Some(pieces.into()),
        };
        Located { value: value.into(), source: source.clone(), span, pieces }
    }

    /// A value that stands in the file byte by byte, from `start` on.
    pub fn verbatim(value: impl Into<String>, source: &Source, start: usize) -> Located {
        let value = value.into();
        let span = Span::new(start, start + value.len());
        let piece = Piece { value: Span::new(0, value.len()), file: span };
        Located::new(value, source, span, vec![piece])
    }

    /// A text that is its own file: expressions of the command line, and tests.
    pub fn text(name: &str, value: impl Into<String>) -> Located {
        let value = value.into();
        Located::verbatim(value.clone(), &Source::new(name, value), 0)
    }

    /// The same value in the file that `outer` was read from, where this one was read from the value of `outer`.
    pub fn through(&self, outer: &Located) -> Located {
        let pieces = self.pieces.iter().map(|piece| Piece { value: piece.value, file: outer.file_span(piece.file) });
        Located::new(self.value.clone(), &outer.source, outer.file_span(self.span), pieces.collect())
    }

    /// A part of the value, with its places.
    pub fn part(&self, part: Span) -> Located {
        let mut pieces = Vec::new();
        let first = self.pieces.partition_point(|piece| piece.value.end <= part.start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.value.start < part.end) {
            let (start, end) = (piece.value.start.max(part.start), piece.value.end.min(part.end));
            if start < end {
                let value = Span::new(start - part.start, end - part.start);
                pieces.push(Piece { value, file: self.file_span(Span::new(start, end)) });
            }
        }
        let value = self.value.get(part.start..part.end).unwrap_or_default();
        Located::new(value, &self.source, self.file_span(part), pieces)
    }

    /// The place in the file of a part of the value. What lies outside of the value is its end.
    pub fn file_span(&self, part: Span) -> Span {
        let start = self.file_offset(part.start, false);
        let end = if part.end <= part.start { start } else { self.file_offset(part.end, true) };
        Span::new(start, end.max(start))
    }

    /// Where a byte of the value stands; with `behind`, where the byte before it ends.
    fn file_offset(&self, at: usize, behind: bool) -> usize {
        let found = match behind {
            true => self.pieces.partition_point(|piece| piece.value.end < at),
            false => self.pieces.partition_point(|piece| piece.value.end <= at),
        };
        let Some(piece) = self.pieces.get(found) else {
            return self.pieces.last().map_or(self.span.end, |piece| piece.file.end);
        };
        let inside = at.saturating_sub(piece.value.start);
        if piece.value.end - piece.value.start == piece.file.end - piece.file.start {
            piece.file.start + inside
        } else if behind {
            piece.file.end
        } else {
            piece.file.start
        }
    }

    /// A diagnostic at a part of the value.
    pub fn diagnose(&self, part: Span, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.at(&self.source, self.file_span(part))
    }

    /// A diagnostic at the whole value.
    pub fn diagnose_all(&self, diagnostic: Diagnostic) -> Diagnostic {
        let part = Span::new(0, self.value.len());
        if self.value.is_empty() { diagnostic.at(&self.source, self.span) } else { self.diagnose(part, diagnostic) }
    }
}

impl Deref for Located {
    type Target = str;

    fn deref(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

impl fmt::Debug for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.source.place(self.span.start);
        write!(f, "{:?} at {}:{}:{}", self.value, self.source.name(), place.line, place.column)
    }
}

impl PartialEq for Located {
    /// Equal texts; the place does not count.
    fn eq(&self, other: &Located) -> bool {
        self.value == other.value
    }
}

impl Eq for Located {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_value_map_back_through_escapes_and_folds() {
        // The value `a"b c`, written as `"a\"b` and, folded, `c"` on the next line.
        let source = Source::new("f", "\"a\\\"b\n  c\"");
        let piece = |value: (usize, usize), file: (usize, usize)| Piece {
            value: Span::new(value.0, value.1),
            file: Span::new(file.0, file.1),
        };
        let pieces = vec![
            piece((0, 1), (1, 2)),
            piece((1, 2), (2, 4)),
            piece((2, 3), (4, 5)),
            piece((3, 4), (5, 8)),
            piece((4, 5), (8, 9)),
        ];
        let located = Located::new("a\"b c", &source, Span::new(0, 10), pieces);
        assert_eq!(located.file_span(Span::new(0, 1)), Span::new(1, 2));
        assert_eq!(located.file_span(Span::new(1, 2)), Span::new(2, 4));
        assert_eq!(located.file_span(Span::new(2, 5)), Span::new(4, 9));
        assert_eq!(located.file_span(Span::new(5, 5)), Span::new(9, 9));
        assert_eq!(located.file_span(Span::new(70, 90)), Span::new(9, 9));
    }

    #[test]
    fn a_text_is_its_own_file() {
        let located = Located::text("<expr>", "up == 0");
        assert_eq!(located.file_span(Span::new(3, 5)), Span::new(3, 5));
        assert_eq!(&*located, "up == 0");
    }
}
