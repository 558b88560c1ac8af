//! Quotes and escapes: Go literals, HTML, JavaScript, queries of URLs.

use super::printf::decode;
use crate::syntax::strings::is_printable;

/// The quotes of a literal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Single,
    Double,
}

/// Bytes as a Go literal (`strconv.Quote`, `QuoteRune`), on request in ASCII alone.
pub(super) fn quote(text: &[u8], quote: Quote, ascii: bool) -> Vec<u8> {
    let mark = if quote == Quote::Double { '"' } else { '\'' };
    let mut out = String::from(mark);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0C' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x0B' => out.push_str("\\v"),
                _ if c == mark => out.extend(['\\', c]),
                ' '..='~' => out.push(c),
                _ if !ascii && is_printable(c) => out.push(c),
                '\0'..='\x7F' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                '\u{80}'..='\u{FFFF}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push(mark);
    out.into_bytes()
}

/// `template.HTMLEscapeString`
pub(super) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'\0' => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    out
}

/// `template.JSEscapeString`
pub(super) fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((c, length)) = decode(rest) {
        match c {
            '\\' | '\'' | '"' => out.extend_from_slice(&[b'\\', rest[0]]),
            '\0'..=' ' if c != ' ' => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
            '<' | '>' | '&' | '=' => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
            _ if c.is_ascii() || is_printable(c) => out.extend_from_slice(&rest[..length]),
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
        }
        rest = &rest[length..];
    }
    out
}

/// `url.QueryEscape`
pub(super) fn query(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// `url.QueryUnescape`
///
/// # Errors
/// The first escape that is none.
pub(super) fn unescape_query(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
                let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) else {
                    let shown = String::from_utf8_lossy(&rest[..rest.len().min(3)]).into_owned();
                    return Err(format!("invalid URL escape {}", crate::syntax::strings::quoted(&shown)));
                };
                out.push(byte);
                rest = &after[2..];
                continue;
            }
            other => out.push(*other),
        }
        rest = after;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_keep_what_can_be_printed() {
        let text = "a\"b'\\\n\t\x07\x00é\u{200b}🔥".as_bytes();
        let double = String::from_utf8(quote(text, Quote::Double, false)).unwrap();
        assert_eq!(double, r#""a\"b'\\\n\t\a\x00é\u200b🔥""#);
        let ascii = String::from_utf8(quote("é🔥'".as_bytes(), Quote::Single, true)).unwrap();
        assert_eq!(ascii, r"'\u00e9\U0001f525\''");
        assert_eq!(quote(b"\xff", Quote::Double, false), br#""\xff""#);
    }

    #[test]
    fn each_language_has_its_escapes() {
        assert_eq!(html(b"<a href='x'>\"&\"</a>"), b"&lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt;");
        assert_eq!(
            js("'\\\"<=>&\n é\u{200b}".as_bytes()),
            "\\'\\\\\\\"\\u003C\\u003D\\u003E\\u0026\\u000A é\\u200B".as_bytes()
        );
        assert_eq!(query("a b/é?~".as_bytes()), "a+b%2F%C3%A9%3F~");
    }
}
