//! Where the bytes of a scalar stand in the file: through quotes, escapes, folded lines and blocks.
//!
//! The YAML library gives the value and the place of its notation; here both are walked side by side. Where they do
//! not agree (which would be an error of this walk), the whole value belongs to the whole place.

use crate::text::{Piece, Source, Span};

/// The pieces of `value`, whose notation stands at `span`.
pub(super) fn pieces(source: &Source, span: Span, value: &str) -> Vec<Piece> {
    let whole = || vec![Piece { value: Span::new(0, value.len()), file: span }];
    let Some(content) = source.text().get(span.start..span.end) else { return whole() };
    let mut walk = Walk { value, at: 0, written: content, start: span.start, pieces: Vec::new() };
    let done = match content.as_bytes().first() {
        Some(b'|') => walk.literal(),
        Some(b'>') => walk.folded(),
        Some(quote @ (b'"' | b'\'')) => walk.flow(Some(*quote)),
        _ => walk.flow(None),
    };
    // Line breaks at the end of a block are no part of the notation's place.
    let rest = walk.rest();
    if done.is_some() && rest.trim_matches(['\n', ' ', '\t']).is_empty() {
        let (length, end) = (rest.len(), content.len());
        if length > 0 {
            walk.put(length, end, end);
        }
        walk.pieces
    } else {
        whole()
    }
}

/// Where the header (`|`, `>-`) of a block stands whose content starts at `content`; `None` for what is no block.
pub(super) fn block_header(text: &str, content: usize) -> Option<usize> {
    let before = text.get(..content)?.trim_end_matches([' ', '\t', '\n', '\r']);
    if !text.get(before.len()..content)?.contains('\n') {
        return None;
    }
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let line_text = &before[line..];
    let line_text = line_text.find(" #").map_or(line_text, |comment| &line_text[..comment]).trim_end();
    let header = line_text.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let mut characters = line_text[header..].chars();
    let block = matches!(characters.next(), Some('|' | '>')) && characters.all(|c| matches!(c, '0'..='9' | '+' | '-'));
    block.then_some(line + header)
}

struct Walk<'a> {
    value: &'a str,
    /// How much of the value has been placed.
    at: usize,
    written: &'a str,
    /// Where `written` starts in the file.
    start: usize,
    pieces: Vec<Piece>,
}

impl<'a> Walk<'a> {
    /// Places `value_bytes` of the value at a part of the notation.
    fn put(&mut self, value_bytes: usize, from: usize, to: usize) {
        let value = Span::new(self.at, self.at + value_bytes);
        let file = Span::new(self.start + from, self.start + to);
        self.at = value.end;
        let verbatim = value.end - value.start == file.end - file.start;
        match self.pieces.last_mut() {
            Some(last)
                if verbatim
                    && last.file.end == file.start
                    && last.value.end - last.value.start == last.file.end - last.file.start =>
            {
                last.value.end = value.end;
                last.file.end = file.end;
            }
            _ => self.pieces.push(Piece { value, file }),
        }
    }

    fn rest(&self) -> &str {
        self.value.get(self.at..).unwrap_or_default()
    }

    /// A plain or quoted scalar. `None` where the value is not what the notation says.
    fn flow(&mut self, quote: Option<u8>) -> Option<()> {
        let mut from = usize::from(quote.is_some());
        while from < self.written.len() {
            let rest = self.written.get(from..)?;
            let next = rest.chars().next()?;
            if quote.is_some_and(|quote| next as u32 == u32::from(quote)) && !(next == '\'' && rest.starts_with("''")) {
                return Some(());
            }
            let (to, bytes) = match next {
                '\'' if quote == Some(b'\'') => (from + 2, 1),
                '\\' if quote == Some(b'"') => {
                    let length = escape_length(rest)?;
                    // A line break behind a backslash yields nothing.
                    let bytes = match rest.as_bytes().get(1)? {
                        b'\n' | b'\r' => 0,
                        _ => self.rest().chars().next()?.len_utf8(),
                    };
                    (from + length, bytes)
                }
                ' ' | '\t' | '\n' | '\r' => {
                    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
                    let breaks = rest[..blank].bytes().filter(|byte| *byte == b'\n').count();
                    match breaks {
                        0 => (from + blank, blank),
                        1 => (from + blank, 1),
                        _ => (from + blank, breaks - 1),
                    }
                }
                other => (from + other.len_utf8(), other.len_utf8()),
            };
            if self.rest().len() < bytes || !self.value.is_char_boundary(self.at + bytes) {
                return None;
            }
            if bytes > 0 {
                self.put(bytes, from, to);
            }
            from = to;
        }
        Some(())
    }

    /// A literal block (`|`): a line of the value is a line of the file, without its indentation.
    fn literal(&mut self) -> Option<()> {
        let value = self.value;
        for ((start, line), wanted) in self.lines()?.into_iter().zip(value.split_inclusive('\n')) {
            let text = wanted.trim_end_matches('\n');
            // Spaces at the end of the last line are no part of the notation's place.
            let text = if line.ends_with(text) { text } else { text.trim_end() };
            if !line.ends_with(text) {
                return None;
            }
            let end = start + line.len();
            self.put(text.len(), end - text.len(), end);
            if wanted.len() > text.len() {
                self.put(wanted.len() - text.len(), end, (end + 1).min(self.written.len()));
            }
        }
        Some(())
    }

    /// A folded block (`>`): a line break between lines became a space, or as many breaks as there are empty lines.
    fn folded(&mut self) -> Option<()> {
        let lines = self.lines()?;
        let leading = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let written = || lines.iter().filter(|(_, line)| !line.trim().is_empty());
        let indent = written().map(|(_, line)| leading(line)).min()?;
        let mut behind = lines.first()?.0;
        for (start, line) in written() {
            let content = line.get(indent..)?;
            let at = start + indent;
            let breaks = self.rest().len() - self.rest().trim_start_matches('\n').len();
            let between = if breaks == 0 && self.at > 0 { 1 } else { breaks };
            if between > 0 {
                self.rest().starts_with(['\n', ' ']).then_some(())?;
                self.put(between, behind, at);
            }
            self.rest().starts_with(content).then_some(())?;
            self.put(content.len(), at, at + content.len());
            behind = at + content.len();
        }
        Some(())
    }

    /// The lines of a block behind its header, each with the place where it starts, without line breaks.
    fn lines(&self) -> Option<Vec<(usize, &'a str)>> {
        let written = self.written;
        let mut from = written.find('\n')? + 1;
        let mut lines = Vec::new();
        for line in written[from..].split_inclusive('\n') {
            lines.push((from, line.trim_end_matches(['\n', '\r'])));
            from += line.len();
        }
        Some(lines)
    }
}

/// Bytes of an escape of a double quoted scalar, the backslash included.
fn escape_length(rest: &str) -> Option<usize> {
    let next = rest.get(1..)?.chars().next()?;
    Some(match next {
        'x' => 4,
        'u' => {
            // JSON writes characters outside of the basic plane as two escapes.
            let unit = u32::from_str_radix(rest.get(2..6)?, 16).ok()?;
            if (0xD800..0xDC00).contains(&unit) { 12 } else { 6 }
        }
        'U' => 10,
        '\r' | '\n' => 1 + rest.get(1..)?.len() - rest.get(1..)?.trim_start_matches([' ', '\t', '\n', '\r']).len(),
        other => 1 + other.len_utf8(),
    })
}

#[cfg(test)]
mod tests {
    use crate::text::yaml::read_documents;
    use crate::text::{Source, Span};

    /// Every word of the value of `k` is found at its own place in the file.
    fn words_map_back(text: &str, words: &[&str]) {
        let source = Source::new("f.yaml", text);
        let documents = read_documents(&source).unwrap();
        let node = documents[0].get("k").unwrap();
        let located = node.located(&source).unwrap();
        for word in words {
            let at = located.value.find(word).unwrap_or_else(|| panic!("{word} in {:?}", located.value));
            let span = located.file_span(Span::new(at, at + word.len()));
            assert_eq!(&text[span.start..span.end], *word, "value {:?} of {text:?}", located.value);
        }
    }

    #[test]
    fn words_of_plain_and_quoted_scalars_map_back() {
        words_map_back("k: up == 0 # note\n", &["up", "==", "0"]);
        words_map_back("k: up\n  == 0\n\n  and x\n", &["up", "== 0", "and", "x"]);
        words_map_back("k: 'it''s here'\n", &["it", "s here"]);
        words_map_back("k: \"a\\\"b \\u00e4 \\U0001F600 \\ud83d\\ude00 here\"\n", &["a", "b", "here"]);
        words_map_back("k: \"one \\\n    two\n   three\\tfour\"\n", &["one", "two", "three", "four"]);
        words_map_back("k: !!str  12\n", &["12"]);
        words_map_back("k: &anchor text\n", &["text"]);
    }

    #[test]
    fn words_of_blocks_map_back() {
        words_map_back("k: |\n  up\n    == 0\n\n  and x\n", &["up", "== 0", "and", "x", "up\n"]);
        words_map_back("k: |2-\n    up\n  x\nz: 1\n", &["up", "x"]);
        words_map_back("k: |+\n\n  up\n  x\n\n\nz: 1\n", &["up", "x"]);
        words_map_back("k: >\n  up\n  == 0\n\n\n  and x\n    more\n  end\n", &["up", "== 0", "and x", "  more", "end"]);
        words_map_back("k: >-\n\n  up\n  x\nz: 1\n", &["up", "x"]);
        words_map_back("k: | # note\r\n  up\r\n  down\r\n", &["up", "down"]);
    }

    #[test]
    fn a_space_that_was_a_line_break_belongs_to_the_break() {
        let source = Source::new("f.yaml", "k: >\n  a\n  b\n");
        let located = read_documents(&source).unwrap()[0].get("k").unwrap().located(&source).unwrap();
        assert_eq!(located.value, "a b\n");
        assert_eq!(located.file_span(Span::new(1, 2)), Span::new(8, 11));
    }
}
