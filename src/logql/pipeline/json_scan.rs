//! The tokens of JSON, as tolerant as the parser that Loki reads lines with (`grafana/jsonparser`): ends are looked for, what stands between is
//! checked no more than it has to be.

use memchr::{memchr, memchr2, memchr3};

/// What makes a line unreadable, in the words of that parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

pub(super) const JSON: Malformed = Malformed("Malformed JSON error");
pub(super) const STRING: Malformed = Malformed("Value is string, but can't find closing '\"' symbol");
pub(super) const ARRAY: Malformed = Malformed("Value is array, but can't find closing ']' symbol");
pub(super) const OBJECT: Malformed = Malformed("Value looks like object, but can't find closing '}' symbol");
pub(super) const VALUE_TYPE: Malformed = Malformed("Unknown value type");
pub(super) const ESCAPE: Malformed = Malformed("Encountered an invalid escape sequence in a string");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Object,
    Array,
    Boolean,
    Null,
}

/// A value: where it is, without the quotes of a string, and where what follows it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub kind: Type,
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

impl Value {
    pub fn bytes(self, data: &[u8]) -> &[u8] {
        &data[self.start..self.end]
    }
}

/// The next byte that is no blank.
pub(super) fn next_token(data: &[u8], from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    rest.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).map(|at| from + at)
}

/// Behind the closing quote of a string whose text begins at `from`, and whether it holds backslashes.
pub(super) fn string_end(data: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut at = from;
    let mut escaped = false;
    loop {
        at += memchr2(b'"', b'\\', data.get(at..)?)?;
        if data[at] == b'"' {
            return Some((at + 1, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// Behind the bracket that closes the one at `from`; brackets of other kinds are not looked at.
pub(super) fn block_end(data: &[u8], from: usize, open: u8, close: u8) -> Option<usize> {
    let mut level = 0_usize;
    let mut at = from;
    loop {
        at += memchr3(b'"', open, close, data.get(at..)?)?;
        match data[at] {
            b'"' => at = string_end(data, at + 1)?.0,
            byte if byte == open => {
                level += 1;
                at += 1;
            }
            _ => {
                level = level.checked_sub(1)?;
                at += 1;
                if level == 0 {
                    return Some(at);
                }
            }
        }
    }
}

/// Where objects end, found for an object and all inside of it at once, so that nesting costs no more than length.
#[derive(Clone, Default)]
pub(super) struct ObjectEnds {
    /// Start and end of objects, in the order of their starts.
    found: Vec<(usize, usize)>,
    open: Vec<usize>,
}

impl ObjectEnds {
    pub fn clear(&mut self) {
        self.found.clear();
    }

    /// Behind the brace that closes the one at `from`, within the first `end` bytes.
    fn end(&mut self, data: &[u8], from: usize, end: usize) -> Option<usize> {
        if let Ok(at) = self.found.binary_search_by_key(&from, |(start, _)| *start) {
            return Some(self.found[at].1).filter(|found| *found <= end);
        }
        self.found.clear();
        self.open.clear();
        let data = data.get(..end)?;
        let mut at = from;
        loop {
            at += memchr3(b'"', b'{', b'}', data.get(at..)?)?;
            match data[at] {
                b'"' => at = string_end(data, at + 1)?.0,
                b'{' => {
                    self.open.push(self.found.len());
                    self.found.push((at, usize::MAX));
                    at += 1;
                }
                _ => {
                    at += 1;
                    let opened = self.open.pop()?;
                    self.found[opened].1 = at;
                    if self.open.is_empty() {
                        return Some(at);
                    }
                }
            }
        }
    }
}

/// The value at or behind `from`, within the first `end` bytes.
pub(super) fn value(data: &[u8], from: usize, end: usize, ends: &mut ObjectEnds) -> Result<Value, Malformed> {
    let data = &data[..end];
    let start = next_token(data, from).ok_or(JSON)?;
    let block = |kind, end: Option<usize>, error| end.map(|end| Value { kind, start, end, next: end }).ok_or(error);
    match data[start] {
        b'"' => {
            let (next, _) = string_end(data, start + 1).ok_or(STRING)?;
            Ok(Value { kind: Type::String, start: start + 1, end: next - 1, next })
        }
        b'[' => block(Type::Array, block_end(data, start, b'[', b']'), ARRAY),
        b'{' => block(Type::Object, ends.end(data, start, end), OBJECT),
        first => {
            let ends = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b'}' | b']');
            let end = data[start..].iter().position(ends).map_or(data.len(), |at| start + at);
            let kind = match (first, &data[start..end]) {
                (b't' | b'f', b"true" | b"false") => Type::Boolean,
                (b'u' | b'n', b"null") => Type::Null,
                (b'0'..=b'9' | b'-', _) => Type::Number,
                _ => return Err(VALUE_TYPE),
            };
            Ok(Value { kind, start, end, next: end })
        }
    }
}

/// Appends a string's text with its escapes resolved.
///
/// # Errors
/// An escape that is none; what is appended then is of no use.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let plain = match rest.get(1).ok_or(ESCAPE)? {
            byte @ (b'"' | b'\\' | b'/') => *byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (c, length) = unicode(rest).ok_or(ESCAPE)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[length..];
                continue;
            }
            _ => return Err(ESCAPE),
        };
        out.push(plain);
        rest = &rest[2..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The character of `\u00e4` or of a pair, and how long it is written.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(text)?;
    if !(0xD800..=0xDFFF).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    // The second one is not looked at for being part of a pair.
    let second = code_unit(&text[6..])?;
    if second < 0xDC00 {
        return None;
    }
    let joined = 0x10000 + ((i64::from(first) - 0xD800) << 10) + (i64::from(second) - 0xDC00);
    let joined = u32::try_from(joined).ok().and_then(char::from_u32);
    Some((joined.unwrap_or(char::REPLACEMENT_CHARACTER), 12))
}

fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.get(2..6)?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> Option<String> {
        let mut out = Vec::new();
        unescape(text.as_bytes(), &mut out).ok().map(|()| String::from_utf8(out).unwrap())
    }

    // Expected values: `escape_test.go` of the parser.
    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescaped(r#"a\"\\\/\b\n\u00e4\ud83d\ude00z"#).as_deref(), Some("a\"\\/\u{8}\nä😀z"));
        for broken in ["\\", "\\x", "\\u12", "\\u123g", "\\ud800", "\\ud800x", "\\ud800\\u0020"] {
            assert_eq!(unescaped(broken), None, "{broken}");
        }
    }

    #[test]
    fn ends_are_found_past_strings() {
        assert_eq!(string_end(br#"a\\" x"#, 0), Some((4, true)));
        assert_eq!(string_end(br#"a\" x"#, 0), None);
        assert_eq!(block_end(br#"[1,"]",[2]] x"#, 0, b'[', b']'), Some(11));
        assert_eq!(block_end(b"[1,[2]", 0, b'[', b']'), None);
        let data = br#"{"a":{"b":"}"},"c":[{}]}"#;
        let mut ends = ObjectEnds::default();
        assert_eq!(ends.end(data, 0, data.len()), Some(data.len()));
        assert_eq!(ends.end(data, 5, data.len()), Some(14));
        let kind = |text: &str| value(text.as_bytes(), 0, text.len(), &mut ObjectEnds::default()).map(|v| v.kind);
        assert_eq!(kind(" 00x"), Ok(Type::Number));
        assert_eq!(kind("nul"), Err(VALUE_TYPE));
        assert_eq!(kind("  "), Err(JSON));
    }
}
