//! Text for terminals: no control characters, no line longer than wished.

use std::fmt::Write;

/// A text from outside (a name, a label, a message) without anything that a terminal obeys: control characters and those
/// that turn the direction of writing are written as Rust writes them, `\n`, `\u{1b}`.
pub fn plain(text: &str) -> String {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if obeyed(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// A text that is too long keeps its beginning and its end.
pub fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width || width < 8 {
        return text.chars().take(width).collect();
    }
    let head = width / 2;
    let tail = width - head - 2;
    text.chars().take(head).chain("..".chars()).chain(text.chars().skip(count - tail)).collect()
}

/// Words on lines of at most `width` characters: the first behind `lead`, the others under its end and `hang` to the right.
/// A word that is longer than a line has one of its own. Nothing where there are no words.
pub fn wrapped<'w>(lead: &str, hang: usize, words: impl IntoIterator<Item = &'w str>, width: usize) -> String {
    let indent = lead.chars().count() + hang;
    let mut out = String::new();
    let mut used = 0;
    for word in words {
        let length = word.chars().count();
        if out.is_empty() {
            let _ = write!(out, "{lead}{word}");
            used = indent - hang + length;
        } else if used + 1 + length <= width {
            let _ = write!(out, " {word}");
            used += 1 + length;
        } else {
            let _ = write!(out, "\n{:indent$}{word}", "");
            used = indent + length;
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// [`wrapped`] line by line: a text of several lines keeps them.
pub fn paragraph(lead: &str, hang: usize, text: &str, width: usize) -> String {
    let indent = " ".repeat(lead.chars().count());
    let mut out = String::new();
    for line in text.lines() {
        let line = plain(line);
        let lead = if out.is_empty() { lead } else { &indent };
        out += &wrapped(lead, hang, line.split(' ').filter(|word| !word.is_empty()), width);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(plain("a\u{1b}[2Jb\u{7}\n\u{9b}µ\u{202e}"), r"a\u{1b}[2Jb\u{7}\n\u{9b}µ\u{202e}");
    }

    #[test]
    fn words_fill_lines_under_the_end_of_the_lead() {
        assert_eq!(wrapped("ab  ", 0, ["one", "two", "three"], 11), "ab  one two\n    three\n");
        assert_eq!(wrapped("ab  ", 0, ["much-too-long", "x"], 8), "ab  much-too-long\n    x\n");
        assert_eq!(wrapped("- ", 2, ["one", "two"], 6), "- one\n    two\n");
        assert_eq!(wrapped("ab  ", 0, [], 8), "");
        assert_eq!(paragraph("- ", 0, "a b\n\nc\n", 80), "- a b\n  c\n");
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shortened("0123456789", 9), "0123..789");
        assert_eq!(shortened("0123", 9), "0123");
    }
}
