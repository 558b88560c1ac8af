//! Strings and characters of templates, as Go's `strconv.Unquote` reads them.

/// The bytes of a string with its quotes; `None` where it is malformed.
pub(super) fn unquote(text: &str) -> Option<Vec<u8>> {
    let inner = text.get(1..text.len() - 1)?;
    if text.starts_with('`') {
        return Some(inner.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (part, behind) = part(rest, '"')?;
        match part {
            Part::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Part::Byte(byte) => bytes.push(byte),
        }
        rest = behind;
    }
    Some(bytes)
}

/// The code of `'a'`.
pub(super) fn character(text: &str) -> Option<u32> {
    let (part, rest) = part(&text[1..], '\'')?;
    let code = match part {
        Part::Char(c) => u32::from(c),
        Part::Byte(byte) => u32::from(byte),
    };
    (rest == "'").then_some(code)
}

/// What one character of a literal stands for.
enum Part {
    Char(char),
    /// `\xff`, which may be a piece of a character.
    Byte(u8),
}

fn part(text: &str, quote: char) -> Option<(Part, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c == quote {
        return None;
    }
    if c != '\\' {
        return Some((Part::Char(c), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let simple = match escape {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0C',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0B',
        '\\' => '\\',
        _ if escape == quote => quote,
        _ => {
            let (digits, base, rest) = match escape {
                'x' => (2, 16, rest),
                'u' => (4, 16, rest),
                'U' => (8, 16, rest),
                '0'..='7' => (3, 8, &text[1..]),
                _ => return None,
            };
            let written = rest.get(..digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            let code = u32::from_str_radix(written, base).ok()?;
            let part = match escape {
                'u' | 'U' => Part::Char(char::from_u32(code)?),
                _ => Part::Byte(u8::try_from(code).ok()?),
            };
            return Some((part, &rest[digits..]));
        }
    };
    Some((Part::Char(simple), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(
            unquote(r#""a\t\"\\\x41\101\u00e9\U0001F525\xff""#),
            Some(b"a\t\"\\AA\xc3\xa9\xf0\x9f\x94\xa5\xff".to_vec())
        );
        assert_eq!(unquote("`a\\n\r\n`"), Some(b"a\\n\n".to_vec()));
        for malformed in [r#""\'""#, r#""\8""#, r#""\400""#, r#""\ud800""#, r#""\x4""#, r#""\q""#] {
            assert_eq!(unquote(malformed), None, "{malformed}");
        }
        assert_eq!(character("'é'"), Some(0xe9));
        assert_eq!(character(r"'\''"), Some(0x27));
        assert_eq!((character("'ab'"), character("''"), character(r#"'\"'"#)), (None, None, None));
    }
}
