//! Whether a text is LogQL: a scan for stream selectors and what may stand around them.

use std::sync::LazyLock;

use regex::Regex;

use crate::syntax::ParseError;
use crate::text::Span;

/// A stream selector: `{job="api", level=~"error|warn"}`.
static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"^\{\s*[A-Za-z_]\w*\s*(=~|!=|!~|=)\s*("(\\.|[^"\\])*"|`[^`]*`)(\s*,\s*[A-Za-z_]\w*\s*(=~|!=|!~|=)\s*("(\\.|[^"\\])*"|`[^`]*`))*\s*,?\s*\}"#,
    )
});

/// Where an aggregation or a function begins.
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z][a-z_]*\s*((by|without)\s*)?\("));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are tested")
}

/// The place of the query in the text, comments around it left out.
///
/// # Errors
/// The place at which it stops being LogQL; the end of the text where something is still open.
pub fn parse(text: &str) -> Result<Span, ParseError> {
    let error = |at: usize| Err(ParseError::new(Span::new(at, at), "this is not LogQL"));
    let mut scan = Scan { text, at: 0 };
    scan.skip_blank();
    let start = scan.at;
    let rest = &text[start..];
    if !rest.starts_with(['{', '(']) && !CALL.is_match(rest) {
        return error(start);
    }
    let (mut open, mut selectors, mut end, mut before) = (Vec::new(), 0, start, ' ');
    loop {
        let broken = scan.skip_blank();
        let rest = &text[scan.at..];
        let Some(next) = rest.chars().next() else { break };
        if broken && open.is_empty() && before != '(' && !rest.starts_with(['|', '!', ')', '[', '*', '/', '>', '<']) {
            return error(scan.at);
        }
        let width = match next {
            '{' => match SELECTOR.find(rest).filter(|_| !before.is_alphanumeric()) {
                Some(selector) => {
                    selectors += 1;
                    selector.end()
                }
                None => return error(scan.at),
            },
            '"' | '`' => match behind_string(rest, next) {
                Some(width) => width,
                None => return error(text.len()),
            },
            '(' | '[' => {
                open.push(next);
                1
            }
            ')' | ']' => match open.pop() {
                Some('(') if next == ')' => 1,
                Some('[') if next == ']' => 1,
                _ => return error(scan.at),
            },
            '.' if before == '.' => return error(scan.at),
            c if c.is_ascii_alphanumeric() || "_.:-+*/%^=!~<>|,".contains(c) => 1,
            _ => return error(scan.at),
        };
        // What follows a selector is a pipeline, a range, an operator, or nothing.
        if before == '}' && !"|!)[,+-*/%^<>=".contains(next) {
            return error(scan.at);
        }
        before = text[scan.at..scan.at + width].chars().next_back().unwrap_or(' ');
        scan.at += width;
        end = scan.at;
    }
    match (open.is_empty(), selectors) {
        (false, _) => error(text.len()),
        (true, 0) => error(start),
        _ => Ok(Span::new(start, end)),
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    /// Skips blanks and comments; says whether there was a line break.
    fn skip_blank(&mut self) -> bool {
        let mut broken = false;
        while let Some(next) = self.text[self.at..].chars().next() {
            match next {
                '#' => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                c if c.is_whitespace() => {
                    broken |= c == '\n';
                    self.at += c.len_utf8();
                }
                _ => break,
            }
        }
        broken
    }
}

/// The length of the string literal that a text begins with.
fn behind_string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        match next {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn stream_selectors_with_pipelines_are_logql() {
        for text in [
            r#"{job="api"}"#,
            r#"{job="api", level=~"error|warn"} |= "x" != "y""#,
            "{job=\"api\"} |= \"ws close\"\n| regexp `dur=(?P<dur>[0-9]+)` | dur < 120000",
            r#"sum by (level) (count_over_time({app="django"} | json [1m])) > 10"#,
            "# a comment\n{a=\"b\"} # another",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn what_is_no_logql_ends_where_it_stops_being_it() {
        for (text, at) in [
            ("up{job=\"api\"}", 0),
            ("{job: api}", 0),
            ("{job=\"a\"}\n{job=\"b\"}", 10),
            ("{job=\"a\"} and", 10),
            ("rate({job=\"a\"}", 14),
            ("sum(up)", 0),
        ] {
            assert_eq!(parse(text).unwrap_err().span.start, at, "{text}");
        }
    }
}
