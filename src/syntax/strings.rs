//! Quoted strings as Prometheus reads them (`util/strutil`, `promql/parser/lex.go`) and as Go prints them
//! (`strconv.Quote`).
//!
//! A Go string may hold any bytes, and `"\xff"` makes use of that. Here a byte that is part of no character is kept
//! as a character of a private plane, U+10FF80 to U+10FFFF, and printed as `\xff` again.

use std::fmt::{self, Write};

use super::{Cursor, ParseError};

const RAW_BYTES: u32 = 0x10_FF00;

/// Whether a string holds bytes that are no UTF-8, which Prometheus accepts in an expression but not in a label.
pub fn has_raw_bytes(text: &str) -> bool {
    text.chars().any(|c| raw_byte(c).is_some())
}

/// The byte that a character stands for, where it stands for one.
fn raw_byte(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).wrapping_sub(RAW_BYTES)).ok().filter(|byte| *byte >= 0x80)
}

/// The bytes that a string stands for.
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match raw_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Reads a string of PromQL, its quotes included, and returns its value. The cursor stands on the opening quote.
pub fn scan(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    let start = cursor.at();
    let value = scan_any(cursor)?;
    if cursor.since(start).contains('\u{FFFD}') {
        return Err(ParseError::new(cursor.span(start), "the string holds a character that is no valid UTF-8"));
    }
    Ok(value)
}

/// As `scan`, for LogQL, which also accepts the character that stands for what is no valid UTF-8.
pub fn scan_any(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    let start = cursor.at();
    let quote = cursor.bump().unwrap_or('"');
    let fail = |cursor: &Cursor<'_>, message: String| ParseError::new(cursor.span(start), message);
    let mut value = Vec::new();
    loop {
        let Some(c) = cursor.bump() else {
            return Err(fail(cursor, "the string is not closed".to_owned())
                .hint(format!("it begins here and needs a closing {quote}")));
        };
        match c {
            _ if c == quote => break,
            _ if quote == '`' => push(&mut value, c),
            '\n' => {
                return Err(fail(cursor, "the string is not closed in its line".to_owned())
                    .hint(format!("close it with {quote}, or write `...`, which may span lines")));
            }
            '\\' => escape(cursor, quote, &mut value).map_err(|problem| {
                fail(cursor, problem)
                    .hint(r"write a backslash as \\, or the whole string in backticks, where it stands for itself")
            })?,
            _ => push(&mut value, c),
        }
    }
    Ok(match String::from_utf8(value) {
        Ok(text) => text,
        Err(error) => with_raw_bytes(error.as_bytes()),
    })
}

fn push(value: &mut Vec<u8>, c: char) {
    value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn with_raw_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(RAW_BYTES + u32::from(*byte))));
    }
    text
}

/// Reads what follows a backslash.
fn escape(cursor: &mut Cursor<'_>, quote: char, value: &mut Vec<u8>) -> Result<(), String> {
    const UNFINISHED: &str = "the escape sequence is not finished";
    let c = cursor.bump().ok_or(UNFINISHED)?;
    let simple = match c {
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0C'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0B'),
        _ if c == '\\' || c == quote => Some(c),
        _ => None,
    };
    if let Some(simple) = simple {
        push(value, simple);
        return Ok(());
    }
    let (digits, base) = match c {
        '0'..='7' => (2, 8),
        'x' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        _ => return Err(format!(r"there is no escape sequence \{c}")),
    };
    let mut code = if base == 8 { c.to_digit(8).unwrap_or(0) } else { 0 };
    for _ in 0..digits {
        let c = cursor.bump().ok_or(UNFINISHED)?;
        let digit = c.to_digit(base).ok_or_else(|| format!("{c:?} is no digit of an escape sequence"))?;
        code = code.wrapping_mul(base).wrapping_add(digit);
    }
    if matches!(c, 'u' | 'U') {
        push(value, char::from_u32(code).ok_or("the escape sequence is no Unicode character")?);
    } else {
        value.push(u8::try_from(code).map_err(|_| r"an octal escape sequence ends at \377")?);
    }
    Ok(())
}

/// Writes a string as Go's `strconv.Quote` does.
pub fn write_quoted(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            ' '..='~' => f.write_char(c)?,
            '\x07' => f.write_str("\\a")?,
            '\x08' => f.write_str("\\b")?,
            '\x0C' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x0B' => f.write_str("\\v")?,
            '\0'..='\x7F' => write!(f, "\\x{:02x}", u32::from(c))?,
            _ => match raw_byte(c) {
                Some(byte) => write!(f, "\\x{byte:02x}")?,
                None if is_printable(c) => f.write_char(c)?,
                None if u32::from(c) < 0x1_0000 => write!(f, "\\u{:04x}", u32::from(c))?,
                None => write!(f, "\\U{:08x}", u32::from(c))?,
            },
        }
    }
    f.write_char('"')
}

/// A string as Go's `strconv.Quote` prints it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // Writing to a string cannot fail.
    let _ = write_quoted(&mut out, text);
    out
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation and symbols, and of spaces the one in ASCII.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // The standard library's escapes follow the same categories, but for a combining mark at the start of a string.
    let mut pair = String::from("a");
    pair.push(c);
    pair.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unquoted(text: &str) -> Result<String, String> {
        scan(&mut Cursor::new(text)).map_err(|error| error.message)
    }

    #[test]
    fn all_three_quotes_and_all_escapes_are_read() {
        assert_eq!(unquoted(r#""a\tb\"c'\\""#).unwrap(), "a\tb\"c'\\");
        assert_eq!(unquoted(r#"'it\'s "x"'"#).unwrap(), "it's \"x\"");
        assert_eq!(unquoted("`a\\d\n\"'`").unwrap(), "a\\d\n\"'");
        assert_eq!(unquoted(r#""\x41\101\u00e9\U0001F525\a\b\f\n\r\v""#).unwrap(), "AAé🔥\x07\x08\x0c\n\r\x0b");
        assert_eq!(unquoted(r#""\xc3\xa9""#).unwrap(), "é");
    }

    #[test]
    fn malformed_strings_are_refused() {
        for text in [r#""a"#, "\"a\nb\"", r#""\d""#, r#""\'""#, r#""\x4""#, r#""\400""#, r#""\ud800""#, "`a", "\"\\"] {
            assert!(unquoted(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_character_survive_printing() {
        let value = unquoted(r#""a\xc5z""#).unwrap();
        assert!(has_raw_bytes(&value));
        assert_eq!(quoted(&value), r#""a\xc5z""#);
    }

    #[test]
    fn strings_print_as_go_quotes_them() {
        assert_eq!(quoted("a\"b\\\n\t\x07\x00\x7f"), r#""a\"b\\\n\t\a\x00\x7f""#);
        assert_eq!(quoted("é☺🔥e\u{301}"), "\"é☺🔥e\u{301}\"");
        assert_eq!(quoted("\u{a0}\u{200b}\u{feff}\u{e0001}"), r#""\u00a0\u200b\ufeff\U000e0001""#);
    }
}
