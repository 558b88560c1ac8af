//! Text as YAML that every reader takes for the same text, also one that follows YAML 1.1.

use crate::syntax::strings::quoted;

/// The width at which lists of words are broken.
const WIDTH: usize = 110;

/// A string as a scalar: plain where it is a word, else in single quotes, else in double quotes with escapes.
pub fn scalar(text: &str) -> String {
    if is_word(text) {
        text.to_owned()
    } else if text.chars().all(|c| matches!(c, ' '..='~') || (!c.is_ascii() && c.is_alphanumeric())) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        // Go's escapes are YAML's, too.
        quoted(text)
    }
}

/// Whether a text is a string without quotes: no number, and none of YAML 1.1's names of booleans and null.
fn is_word(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !TAKEN.iter().any(|taken| text.eq_ignore_ascii_case(taken))
}

/// Words in lines that all begin with `lead`, none longer than [`WIDTH`] where words allow it; each ends with a line break.
pub fn lines<'w>(lead: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in words {
        let length = word.chars().count();
        if out.is_empty() || used + 1 + length > WIDTH {
            if !out.is_empty() {
                out.push('\n');
            }
            out += lead;
            used = lead.chars().count();
        } else {
            out.push(' ');
            used += 1;
        }
        out += word;
        used += length;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Words below a key as one text, on one line where they fit. They need no quotes but for what looks like a number.
pub fn words<'w>(key: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let indent = " ".repeat(key.find(|c| c != ' ').unwrap_or_default() + 2);
    let lines = lines(&indent, words);
    match lines.trim_end().contains('\n') {
        true => format!("{key} >-\n{lines}"),
        false => format!("{key} '{}'\n", lines.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;
    use crate::text::yaml::read_documents;

    #[test]
    fn strings_come_back_as_they_were() {
        for text in [
            "page",
            "yes",
            "No",
            "1",
            "1e3",
            "0x1f",
            "",
            " a",
            "a: b # c",
            "it's",
            "- x",
            "{{ $value }}",
            "two\nlines\n",
            "tab\tand \u{7f} and \u{2028}",
            "µ größer – \u{1f525}",
            "back\\slash \"quoted\"",
            "null",
            "~",
        ] {
            let source = Source::new("x", format!("a: {}\n", scalar(text)));
            let documents = read_documents(&source).unwrap();
            assert_eq!(documents[0].get("a").unwrap().text(), Some(text), "{}", source.text());
        }
        assert_eq!((scalar("page"), scalar("yes"), scalar("it's")), ("page".into(), "'yes'".into(), "'it''s'".into()));
    }

    #[test]
    fn words_fill_lines_that_begin_alike() {
        let word = "x".repeat(54);
        assert_eq!(lines("# ", [&*word, "y", &*word, "z"]), format!("# {word} y\n# {word} z\n"));
        assert_eq!(lines("# ", [&*"x".repeat(120), "y"]), format!("# {}\n# y\n", "x".repeat(120)));
        assert_eq!(lines("# ", []), "");
        assert_eq!(words("  a:", ["0x3", "_"]), "  a: '0x3 _'\n");
        assert_eq!(words("  a:", [&*word, &*word]), format!("  a: >-\n    {word}\n    {word}\n"));
    }
}
