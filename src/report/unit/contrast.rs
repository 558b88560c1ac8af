//! Two texts one above the other, with what differs marked: carets below, or colour on a terminal.

use owo_colors::{OwoColorize, Style};
use similar::{ChangeTag, TextDiff};

use crate::report::human::Look;

/// No line is wider, also where nobody knows the width: carets under a line that was broken elsewhere say nothing.
const WIDEST: usize = 100;

/// Texts that have less than this in common are not compared word by word.
const ALIKE: f32 = 0.4;

/// Longer texts are not compared word by word.
const COMPARED: usize = 20_000;

/// A text, the parts of which that the other one does not have are marked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marked(Vec<(char, bool)>);

impl Marked {
    pub fn plain(text: &str) -> Marked {
        let mut marked = Marked::default();
        marked.push(text, false);
        marked
    }

    /// Appends a text; what a terminal obeys is escaped.
    pub fn push(&mut self, text: &str, mark: bool) {
        for character in text.chars() {
            let seen = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{a0}' | '\u{feff}');
            if character.is_control() || seen {
                self.0.extend(character.escape_default().map(|part| (part, mark)));
            } else {
                self.0.push((character, mark));
            }
        }
    }

    pub fn is_marked(&self) -> bool {
        self.0.iter().any(|(_, mark)| *mark)
    }

    /// The same text with nothing marked where everything is: a mark tells a part from the rest.
    fn where_it_tells(mut self) -> Marked {
        if self.0.iter().all(|(character, mark)| *mark || *character == '"') {
            self.0.iter_mut().for_each(|(_, mark)| *mark = false);
        }
        self
    }

    /// The text behind `lead`, broken at blanks, with carets under what is marked.
    pub fn lines(&self, lead: &str, style: Style, look: Look) -> String {
        let indent = lead.chars().count();
        let width = look.width.min(WIDEST).saturating_sub(indent).max(20);
        let mut out = String::new();
        for (at, line) in self.broken(width).iter().enumerate() {
            if at == 0 {
                out += lead;
            } else {
                out += &" ".repeat(indent);
            }
            for (character, mark) in *line {
                if *mark && look.color {
                    out += &character.style(style).to_string();
                } else {
                    out.push(*character);
                }
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            if !look.color && line.iter().any(|(_, mark)| *mark) {
                let carets: String = line.iter().map(|(_, mark)| if *mark { '^' } else { ' ' }).collect();
                out += &" ".repeat(indent);
                out += carets.trim_end();
                out.push('\n');
            }
        }
        out
    }

    fn broken(&self, width: usize) -> Vec<&[(char, bool)]> {
        let mut lines = Vec::new();
        let mut rest = &self.0[..];
        while rest.len() > width {
            let blank =
                rest[..=width].iter().rposition(|(character, _)| *character == ' ').filter(|at| *at > width / 3);
            let (line, next) = rest.split_at(blank.map_or(width, |at| at + 1));
            lines.push(line);
            rest = next;
        }
        lines.push(rest);
        lines
    }
}

/// Two texts word by word. Those that are empty, or begin or end with a blank, or hold characters that cannot be seen,
/// stand between quotes.
pub fn words(expected: &str, got: &str) -> (Marked, Marked) {
    let unseen = |text: &str| {
        let edge = |character: Option<char>| character.is_none_or(char::is_whitespace);
        edge(text.chars().next()) || edge(text.chars().last()) || text.chars().any(char::is_control)
    };
    let quote = if unseen(expected) || unseen(got) { "\"" } else { "" };
    let (mut a, mut b) = (Marked::plain(quote), Marked::plain(quote));
    let diff = (expected.len() + got.len() <= COMPARED).then(|| TextDiff::from_unicode_words(expected, got));
    match diff.filter(|diff| diff.ratio() >= ALIKE) {
        Some(diff) => {
            for change in diff.iter_all_changes() {
                match change.tag() {
                    ChangeTag::Equal => {
                        a.push(change.value(), false);
                        b.push(change.value(), false);
                    }
                    ChangeTag::Delete => a.push(change.value(), true),
                    ChangeTag::Insert => b.push(change.value(), true),
                }
            }
        }
        None => {
            a.push(expected, true);
            b.push(got, true);
        }
    }
    a.push(quote, false);
    b.push(quote, false);
    (a.where_it_tells(), b.where_it_tells())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { color: false, width: 60, bounded: false };

    fn told(expected: &str, got: &str) -> String {
        let (a, b) = words(expected, got);
        a.lines("expected  ", Style::new(), LOOK) + &b.lines("happened  ", Style::new(), LOOK)
    }

    #[test]
    fn words_that_differ_have_carets() {
        assert_eq!(
            told("Disk /data is 91% full", "Disk /data is 90.5% full"),
            "expected  Disk /data is 91% full\n                        ^^\n\
             happened  Disk /data is 90.5% full\n                        ^^^^\n"
        );
    }

    #[test]
    fn blanks_and_line_breaks_are_seen() {
        assert_eq!(
            told("two\nlines", "two\nlines "),
            "expected  \"two\\nlines\"\nhappened  \"two\\nlines \"\n                     ^\n"
        );
        assert_eq!(told("", "x"), "expected  \"\"\nhappened  \"x\"\n");
    }

    #[test]
    fn texts_that_have_nothing_in_common_have_no_marks() {
        assert_eq!(told("page", "warning"), "expected  page\nhappened  warning\n");
    }

    #[test]
    fn long_texts_are_broken_and_carets_stay_under_their_words() {
        let text = |word: &str| format!("{}{word} at the end", "some words ".repeat(6));
        let shown = told(&text("one"), &text("two"));
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines.iter().position(|line| line.contains("one")).unwrap();
        assert_eq!(lines[at].find("one"), lines[at + 1].find("^^^"), "{shown}");
    }

    #[test]
    fn a_terminal_shows_colours_instead() {
        let (a, _) = words("91% full", "90% full");
        let shown = a.lines("", Style::new().green(), Look { color: true, ..LOOK });
        assert!(shown.contains("\u{1b}[32m9\u{1b}") && !shown.contains('^'), "{shown:?}");
    }
}
