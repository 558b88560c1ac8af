//! A diagnostic: what is wrong, where, and what to write instead.

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Source, Span};

/// The most characters of a line that are shown on each side of a place.
const SHOWN: usize = 70;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One finding at a place in a source.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The headline: what is wrong.
    pub message: String,
    /// Where; `None` for a problem of a whole file that could not be read.
    pub place: Option<(Source, Span)>,
    /// What stands beside the caret; empty for none.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, message: message.into(), place: None, label: String::new(), help: None }
    }

    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message) }
    }

    pub fn at(mut self, source: &Source, span: Span) -> Diagnostic {
        self.place = Some((source.clone(), span));
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// This help, where there is none yet.
    pub fn or_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    /// The finding for people: headline, place, the line with a caret under the place, help. Without a line break at
    /// the end.
    pub fn render(&self, color: bool) -> String {
        self.render_named("", color)
    }

    /// As `render`, where findings of its kind have a name: `warning[dead-link]`.
    pub fn render_named(&self, name: &str, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str());
        let title = if name.is_empty() { title } else { title.id(name) };
        let mut report = title.elements(Vec::<Origin<'_>>::new());
        let excerpt = self.place.as_ref().map(|(source, span)| (source, Excerpt::of(source, *span)));
        if let Some((source, excerpt)) = &excerpt {
            let annotation = AnnotationKind::Primary.span(excerpt.marked.start..excerpt.marked.end);
            let annotation = match self.label.is_empty() {
                true => annotation,
                false => annotation.label(self.label.as_str()),
            };
            let snippet = Snippet::source(excerpt.text.as_str()).line_start(excerpt.line).annotation(annotation);
            report = if excerpt.cut {
                // The column is that of the whole line.
                let origin = Origin::path(source.name()).line(excerpt.line).char_column(excerpt.column);
                report.element(origin).element(snippet)
            } else {
                report.element(snippet.path(source.name()))
            };
        }
        if let Some(help) = &self.help {
            report = report.element(Level::HELP.message(help.as_str()));
        }
        renderer.decor_style(DecorStyle::Ascii).render(&[report])
    }
}

/// The part of a line that is shown.
struct Excerpt {
    text: String,
    line: usize,
    column: usize,
    /// The line goes on before the text.
    cut: bool,
    /// Bytes of `text` under which the carets stand.
    marked: Span,
}

impl Excerpt {
    fn of(source: &Source, span: Span) -> Excerpt {
        let text = source.text();
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        let place = source.place(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
        let end = floor(span.end).clamp(start, line_end);
        let from =
            text[line_start..start].char_indices().rev().nth(SHOWN).map_or(line_start, |(at, _)| line_start + at);
        let to = text[start..line_end].char_indices().nth(SHOWN).map_or(line_end, |(at, _)| start + at);
        let before = if from > line_start { "..." } else { "" };
        let after = if to < line_end { "..." } else { "" };
        let shift = |at: usize| before.len() + at.min(to) - from;
        let shown = format!("{before}{}{after}", &text[from..to]);
        // Nothing to point at has one caret behind the text.
        let marked = Span::new(shift(start), shift(end.max(start)));
        Excerpt { text: shown, line: place.line, column: place.column, cut: from > line_start, marked }
    }
}

impl fmt::Display for Diagnostic {
    /// One line, `file:line:column: message`; `report` renders the snippet with its caret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((source, span)) = &self.place {
            let place = source.place(span.start);
            write!(f, "{}:{}:{}: ", source.name(), place.line, place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_its_line_with_a_caret() {
        let source = Source::new("rules/a.yaml", "groups:\n  - name: x\n    for: 5\n");
        let problem = Diagnostic::error("not a valid duration").at(&source, Span::new(29, 30)).help("write 5s");
        let expected = "error: not a valid duration\n \
                         --> rules/a.yaml:3:10\n  \
                          |\n\
                        3 |     for: 5\n  \
                          |          ^\n  \
                          |\n  \
                          = help: write 5s";
        assert_eq!(problem.render(false), expected);
        assert!(problem.render(true).contains('\u{1b}'));
    }

    #[test]
    fn a_finding_without_a_place_is_a_headline() {
        assert_eq!(Diagnostic::warning("odd").render(false), "warning: odd");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}HERE{}", "µ".repeat(50_000), "x".repeat(50_000));
        let source = Source::new("f", line);
        let text = Diagnostic::error("m").at(&source, Span::new(100_000, 100_004)).label("this").render(false);
        assert!(text.contains("--> f:1:50001"), "{text}");
        assert!(text.contains("^^^^ this"), "{text}");
        assert!(text.chars().count() < 500, "{text}");
    }

    #[test]
    fn places_outside_of_the_text_do_no_harm() {
        let source = Source::new("f", "µ");
        for (start, end) in [(1, 1), (9, 20), (1, 2), (2, 0), (0, 99)] {
            assert!(Diagnostic::error("m").at(&source, Span::new(start, end)).render(false).contains("--> f:1:"));
        }
        assert!(Diagnostic::error("m").at(&Source::new("f", ""), Span::default()).render(false).contains("--> f:1:1"));
    }
}
