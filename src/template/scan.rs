//! Finds what Go refuses in a template and `gotmpl` lets pass: blocks that do not end, ends and elses without a block, and
//! words of an action without a space between them.

use crate::text::Span;

/// The first thing that is misplaced: a message and its place.
pub(super) fn misplaced(text: &str) -> Option<(String, Span)> {
    // Blocks that are open, with whether they had their `else`.
    let mut open: Vec<(&str, Span, bool)> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        let body = start + 2;
        let length = action_length(&text[body..])?;
        let span = Span::new(start, body + length);
        at = body + length;
        let inside = text[body..at].trim_end_matches("}}").trim_end_matches('-');
        let inside = inside.strip_prefix('-').unwrap_or(inside).trim();
        if inside.starts_with("/*") {
            continue;
        }
        if let Some(problem) = adjacent(inside) {
            return Some((problem, span));
        }
        let word_end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
        let (word, rest) = inside.split_at(word_end);
        let rest = rest.trim();
        match word {
            "if" | "range" | "with" | "define" | "block" => open.push((word, span, false)),
            "else" => {
                let chained = rest.split_whitespace().next();
                if !matches!(chained, None | Some("if" | "with")) {
                    return Some((format!("unexpected {rest:?} in else"), span));
                }
                match open.last_mut() {
                    Some(("if" | "range" | "with", _, done)) if !*done => *done = chained.is_none(),
                    _ => return Some(("unexpected {{else}}".to_owned(), span)),
                }
            }
            "end" if !rest.is_empty() => return Some((format!("unexpected {rest:?} in end"), span)),
            "end" if open.pop().is_none() => return Some(("unexpected {{end}}".to_owned(), span)),
            _ => {}
        }
    }
    open.pop().map(|(word, span, _)| (format!("unexpected EOF: `{word}` without {{{{end}}}}"), span))
}

/// Operands of an action that follow each other without a space, or names that run into a character that ends none.
fn adjacent(action: &str) -> Option<String> {
    let mut rest = action;
    while let Some(next) = rest.chars().next() {
        let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (length, named) = match next {
            '"' | '\'' | '`' => (literal_length(rest)?, false),
            '$' => (1 + word(&rest[1..]), true),
            '.' if rest[1..].starts_with('.') => return Some("unexpected <.> in operand".to_owned()),
            '.' => (1 + word(&rest[1..]), true),
            c if c.is_ascii_digit() => {
                (rest.find(|c: char| !c.is_alphanumeric() && !"_.+-".contains(c)).unwrap_or(rest.len()), false)
            }
            c if c.is_alphabetic() || c == '_' => (word(rest), true),
            other => {
                rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        rest = &rest[length..];
        match rest.chars().next() {
            None => {}
            Some(c) if c.is_whitespace() || matches!(c, '|' | ')' | '.' | ',' | ':' | '=' | '(') => {}
            Some(c) if named => return Some(format!("bad character U+{:04X} '{c}'", c as u32)),
            Some(c) => return Some(format!("unexpected '{c}' in operand")),
        }
    }
    None
}

/// Bytes of a literal in quotes; `None` where it does not end.
fn literal_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.first()?;
    let mut at = 1;
    while *bytes.get(at)? != quote {
        at += if bytes[at] == b'\\' && quote != b'`' { 2 } else { 1 };
    }
    Some(at + 1)
}

/// Bytes of an action up to and with its `}}`; `None` where it does not end, which the parser reports.
fn action_length(inside: &str) -> Option<usize> {
    let body = inside.strip_prefix("- ").unwrap_or(inside).trim_start();
    if body.starts_with("/*") {
        let end = inside.find("*/")? + 2;
        return inside[end..].find("}}").map(|at| end + at + 2);
    }
    let bytes = inside.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' | b'`' => at += literal_length(&inside[at..])? - 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at + 2),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_ends_are_counted() {
        for text in
            ["", "x }} y", "{{ if true }}{{ end }}", "{{- range .X -}}a{{- end -}}", "{{/* if */}}", "{{ \"}}\" }}"]
        {
            assert_eq!(misplaced(text), None, "{text}");
        }
        assert_eq!(misplaced("a {{ end }}").map(|(_, span)| span), Some(Span::new(2, 11)));
        assert_eq!(misplaced("{{ if true }}x").map(|(_, span)| span), Some(Span::new(0, 13)));
    }
}
