//! The parts of a document: headings, code, inline code, table cells, and the lines of everything else.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::section::{self, Heading};
use crate::text::{Located, Piece, Source, Span};

/// A document, taken apart.
pub struct Page {
    pub source: Source,
    pub headings: Vec<Heading>,
    /// Fenced and indented code, in order.
    pub code: Vec<Code>,
    /// Inline code, in order.
    pub inline: Vec<Inline>,
    /// Whole cells below the headers of tables, where they hold no inline code.
    pub cells: Vec<Inline>,
    pub tables: Vec<Table>,
    /// Items of lists with all that is in them, in the order in which they begin.
    pub items: Vec<Span>,
    /// The item that each of them stands in, by its position.
    above: Vec<Option<usize>>,
    /// What is neither code nor data at the head of the page: each line with its place, without line breaks.
    pub lines: Vec<Span>,
}

/// A block of code.
pub struct Code {
    /// The first word behind the fence, in lower case; empty for none, and for indented code.
    pub language: String,
    pub text: Located,
    /// With its fences.
    pub span: Span,
}

/// Inline code, or a cell.
pub struct Inline {
    /// Without backticks.
    pub text: Located,
    pub span: Span,
    /// The table, the row and the column that it stands in; rows count from the first below the header.
    pub cell: Option<(usize, usize, usize)>,
}

/// A table.
pub struct Table {
    /// The texts of the header, in lower case and without marks.
    pub header: Vec<String>,
    /// Places of cells below the header.
    pub rows: Vec<Vec<Span>>,
}

impl Page {
    pub fn read(source: &Source) -> Page {
        let mut page = Page {
            source: source.clone(),
            headings: Vec::new(),
            code: Vec::new(),
            inline: Vec::new(),
            cells: Vec::new(),
            tables: Vec::new(),
            items: Vec::new(),
            above: Vec::new(),
            lines: Vec::new(),
        };
        let mut apart: Vec<Span> = Vec::new();
        page.take_events(&mut apart);
        let mut open: Vec<usize> = Vec::new();
        for (at, item) in page.items.iter().enumerate() {
            while open.pop_if(|last| page.items[*last].end <= item.start).is_some() {}
            page.above.push(open.last().copied());
            open.push(at);
        }
        apart.extend(page.code.iter().map(|code| code.span));
        apart.sort();
        page.lines = lines_outside(source.text(), &apart);
        if page.headings.is_empty() {
            page.headings = section::plain_headings(source);
        }
        section::nest(&mut page.headings);
        page
    }

    fn take_events(&mut self, apart: &mut Vec<Span>) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let source = self.source.clone();
        let offset = begins(source.text());
        let text = &source.text()[offset..];
        let mut heading: Option<Heading> = None;
        let mut code: Option<(String, Span, String, Vec<Piece>)> = None;
        // The text of the cell that is open.
        let mut cell: Option<String> = None;
        let mut in_head = false;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let span = Span::new(range.start + offset, range.end + offset);
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    heading = Some(Heading { level: level as u8, text: String::new(), span, above: None });
                }
                Event::End(TagEnd::Heading(_)) => self.headings.extend(heading.take()),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(info) => first_word(&info),
                        CodeBlockKind::Indented => String::new(),
                    };
                    code = Some((language, span, String::new(), Vec::new()));
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((language, span, value, pieces)) = code.take() {
                        let text = Located::new(value, &source, span, pieces);
                        self.code.push(Code { language, text, span });
                    }
                }
                Event::Start(Tag::MetadataBlock(_)) => apart.push(span),
                Event::Start(Tag::Item) => self.items.push(span),
                Event::Start(Tag::Table(_)) => self.tables.push(Table { header: Vec::new(), rows: Vec::new() }),
                Event::Start(Tag::TableHead) => in_head = true,
                Event::End(TagEnd::TableHead) => in_head = false,
                Event::Start(Tag::TableRow) => {
                    if let Some(table) = self.tables.last_mut() {
                        table.rows.push(Vec::new());
                    }
                }
                Event::Start(Tag::TableCell) => {
                    cell = Some(String::new());
                    if let Some(row) = self.tables.last_mut().filter(|_| !in_head).and_then(|t| t.rows.last_mut()) {
                        row.push(span);
                    }
                }
                Event::End(TagEnd::TableCell) => {
                    let words = cell.take().unwrap_or_default();
                    if in_head {
                        self.tables.last_mut().into_iter().for_each(|t| t.header.push(words.trim().to_lowercase()));
                    } else if self.inline.last().is_none_or(|code| code.span.end <= span.start) {
                        let text = cell_without_marks(&source, span);
                        self.cells.push(Inline { text, span, cell: self.cell() });
                    }
                }
                Event::Text(words) => {
                    if let Some((_, _, value, pieces)) = &mut code {
                        let start = value.len();
                        value.push_str(&words);
                        pieces.push(Piece { value: Span::new(start, value.len()), file: span });
                    }
                    append(&mut heading, &mut cell, &words);
                }
                Event::Code(words) => {
                    append(&mut heading, &mut cell, &words);
                    if heading.is_none() {
                        let cell = cell.as_ref().filter(|_| !in_head).and_then(|_| self.cell());
                        self.inline.push(Inline { text: inline(&source, &words, span), span, cell });
                    }
                }
                Event::SoftBreak | Event::HardBreak => append(&mut heading, &mut cell, " "),
                _ => {}
            }
        }
    }

    /// The cell that was begun last.
    fn cell(&self) -> Option<(usize, usize, usize)> {
        let table = self.tables.last()?;
        let row = table.rows.last()?;
        Some((self.tables.len() - 1, table.rows.len() - 1, row.len().checked_sub(1)?))
    }

    /// What stands at a place.
    pub fn text(&self, span: Span) -> &str {
        self.source.text().get(span.start..span.end).unwrap_or_default()
    }

    /// A part of the document as it is written.
    pub fn verbatim(&self, span: Span) -> Located {
        Located::verbatim(self.text(span), &self.source, span.start)
    }

    /// The items of lists that a place stands in, the outermost first.
    pub fn items_at(&self, at: usize) -> Vec<Span> {
        let last = self.items.partition_point(|item| item.start <= at).checked_sub(1);
        let around = std::iter::successors(last, |item| self.above[*item]);
        let mut items: Vec<Span> = around.map(|item| self.items[item]).filter(|item| at < item.end).collect();
        items.reverse();
        items
    }

    /// What stands on the same line right before a place.
    pub fn before(&self, at: usize) -> &str {
        const MOST_BYTES: usize = 200;
        let text = self.source.text();
        let from = (at.saturating_sub(MOST_BYTES)..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
        let start = text[from..at].rfind('\n').map_or(from, |line| from + line + 1);
        &text[start..at]
    }

    /// The text of a cell, without marks around it.
    pub fn cell_text(&self, table: usize, row: usize, column: usize) -> Option<(Span, &str)> {
        let span = *self.tables.get(table)?.rows.get(row)?.get(column)?;
        let text = self.text(span);
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || "|*`_".contains(c));
        let start = span.start + text.find(trimmed).unwrap_or_default();
        Some((Span::new(start, start + trimmed.len()), trimmed))
    }
}

fn append(heading: &mut Option<Heading>, cell: &mut Option<String>, words: &str) {
    if let Some(heading) = heading {
        heading.text.push_str(words);
    }
    if let Some(cell) = cell {
        cell.push_str(words);
    }
}

/// `promql` of `promql title="x"` and of `{.promql}`.
fn first_word(info: &str) -> String {
    let word = info.split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}')).find(|word| !word.is_empty());
    word.unwrap_or_default().trim_start_matches('.').to_lowercase()
}

/// Inline code, each byte with its place: a table writes `|` as `\|`.
fn inline(source: &Source, value: &str, span: Span) -> Located {
    let written = source.text().get(span.start..span.end).unwrap_or_default();
    let ticks = written.bytes().take_while(|byte| *byte == b'`').count();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = span.start + ticks;
    // One blank on each side is taken away where both are there.
    if !value.starts_with(' ') && written[ticks..].starts_with(' ') {
        at += 1;
    }
    for (start, c) in value.char_indices() {
        let rest = source.text().get(at..span.end).unwrap_or_default();
        if c == '|' && rest.starts_with("\\|") {
            at += 1;
        }
        let width = source.text().get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        match pieces.last_mut() {
            Some(last) if last.file.end == at && width == c.len_utf8() => {
                last.value.end += width;
                last.file.end += width;
            }
            _ => pieces.push(Piece { value: Span::new(start, start + c.len_utf8()), file: Span::new(at, at + width) }),
        }
        at += width;
    }
    Located::new(value, source, span, pieces)
}

/// The text of a cell, each byte with its place, without the backslashes that markdown wants there.
fn cell_without_marks(source: &Source, span: Span) -> Located {
    let written = source.text().get(span.start..span.end).unwrap_or_default();
    let trimmed = written.trim_matches(|c: char| c.is_whitespace() || c == '|');
    let start = span.start + written.find(trimmed).unwrap_or_default();
    let (mut value, mut pieces, mut at) = (String::new(), Vec::new(), 0);
    for part in trimmed.split_inclusive('\\') {
        let escape = part.ends_with('\\') && trimmed[at + part.len()..].starts_with(['|', '_', '*', '<', '>']);
        let kept = &part[..part.len() - usize::from(escape)];
        let file = Span::new(start + at, start + at + kept.len());
        pieces.push(Piece { value: Span::new(value.len(), value.len() + kept.len()), file });
        value.push_str(kept);
        at += part.len();
    }
    pieces.retain(|piece| piece.value.start < piece.value.end);
    Located::new(value, source, Span::new(start, start + trimmed.len()), pieces)
}

/// Where a text begins: behind a mark of the byte order.
pub fn begins(text: &str) -> usize {
    text.len() - text.trim_start_matches('\u{feff}').len()
}

/// The lines of a text that lie outside of all `apart`, which are in order.
fn lines_outside(text: &str, apart: &[Span]) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut next = 0;
    let mut start = begins(text);
    let mut covered = 0;
    for line in text[start..].split('\n') {
        let end = start + line.len();
        while let Some(span) = apart.get(next).filter(|span| span.start <= end) {
            covered = covered.max(span.end);
            next += 1;
        }
        let inside = start < covered;
        // A fence in a list begins behind its indentation.
        let begins_inside = apart.get(next.wrapping_sub(1)).is_some_and(|span| (start..=end).contains(&span.start));
        if !inside && !begins_inside {
            lines.push(Span::new(start, start + line.trim_end_matches('\r').len()));
        }
        start = end + 1;
    }
    lines
}

/// Whether a place lies in one of some spans, which are in order and apart.
pub fn is_in(spans: &[Span], at: usize) -> bool {
    let next = spans.partition_point(|span| span.end <= at);
    spans.get(next).is_some_and(|span| span.start <= at)
}
