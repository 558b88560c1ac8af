//! The pairs of logfmt, as Loki reads them (`log/logfmt/decode.go`).

use memchr::memchr2;

use super::runes;

/// What is no pair, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadPair {
    /// Counted from 1.
    position: usize,
    what: String,
}

impl std::fmt::Display for BadPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "logfmt syntax error at pos {} : {}", self.position, self.what)
    }
}

/// The highest bit of each of eight bytes.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at once: the highest bit of the first one that is at most a blank, `=` or `"` is the lowest bit that is set.
fn word_ends(bytes: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A byte borrows from the one above it only where it is below the limit itself, so the first one is right.
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes & HIGH;
    below(bytes, u64::from(b' ') + 1)
        | below(bytes ^ (ONES * u64::from(b'=')), 1)
        | below(bytes ^ (ONES * u64::from(b'"')), 1)
}

/// Reads the pairs of a line.
pub(super) struct Pairs<'a> {
    line: &'a [u8],
    at: usize,
    /// The last one, kept to the end of the line.
    pub error: Option<BadPair>,
}

/// The text of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    Plain(&'a [u8]),
    /// With its quotes and escapes, which are valid.
    Quoted(&'a [u8]),
}

impl<'a> Pairs<'a> {
    pub fn new(line: &'a [u8]) -> Pairs<'a> {
        Pairs { line, at: 0, error: None }
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.line.len()
    }

    fn fail(&mut self, what: &str) {
        self.error = Some(BadPair { position: self.at + 1, what: what.to_owned() });
    }

    /// Past what is no pair, up to the next blank.
    fn skip(&mut self, unexpected: u8) {
        self.fail(&format!("unexpected '{}'", char::from(unexpected)));
        self.at = self.blank(self.at);
    }

    /// The next blank or control character.
    fn blank(&self, from: usize) -> usize {
        self.line[from..].iter().position(|byte| *byte <= b' ').map_or(self.line.len(), |at| from + at)
    }

    /// Past a key or a plain value: to the next blank, control character, `=` or `"`. Whether all up to there is ASCII.
    fn word(&mut self) -> bool {
        let mut ascii = true;
        loop {
            let rest = &self.line[self.at..];
            let chunk = rest.first_chunk::<8>().copied().unwrap_or_else(|| {
                // What is missing is zero, and ends the word.
                let mut padded = [0; 8];
                padded[..rest.len()].copy_from_slice(rest);
                padded
            });
            let chunk = u64::from_le_bytes(chunk);
            let ends = word_ends(chunk);
            if ends != 0 {
                let length = ends.trailing_zeros() / 8;
                self.at += length as usize;
                return ascii & (chunk & !(u64::MAX << (8 * length)) & HIGH == 0);
            }
            ascii &= chunk & HIGH == 0;
            self.at += 8;
        }
    }

    /// The next pair; `None` for what is none. A key without a value has an empty one.
    pub fn next_pair(&mut self) -> Option<(&'a [u8], Text<'a>)> {
        const EMPTY: Text<'static> = Text::Plain(b"");
        let line = self.line;
        let Some(skipped) = line[self.at..].iter().position(|byte| *byte > b' ') else {
            self.at = line.len();
            return None;
        };
        self.at += skipped;
        let start = self.at;
        let ascii = self.word();
        let key = &line[start..self.at];
        if self.at < line.len() && line[self.at] == b'"' {
            self.skip(b'"');
            return None;
        }
        let is_pair = self.at < line.len() && line[self.at] == b'=';
        if is_pair && key.is_empty() {
            self.skip(b'=');
            return None;
        }
        if !ascii && runes::is_broken(key) {
            self.fail("invalid key");
            if is_pair {
                self.at = self.blank(self.at);
            }
            return None;
        }
        if !is_pair {
            return Some((key, EMPTY));
        }
        self.at += 1;
        match line.get(self.at) {
            None | Some(0..=b' ') => Some((key, EMPTY)),
            Some(b'"') => self.quoted().map(|value| (key, value)),
            Some(_) => {
                let start = self.at;
                self.word();
                match line.get(self.at) {
                    Some(unexpected @ (b'=' | b'"')) => {
                        self.skip(*unexpected);
                        None
                    }
                    _ => Some((key, Text::Plain(&line[start..self.at]))),
                }
            }
        }
    }

    fn quoted(&mut self) -> Option<Text<'a>> {
        let start = self.at;
        let mut at = start + 1;
        let mut escaped = false;
        let end = loop {
            let Some(found) = self.line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
                self.at = self.line.len();
                self.fail("unterminated quoted value");
                return None;
            };
            at += found;
            if self.line[at] == b'"' {
                break at;
            }
            escaped = true;
            at += 2;
        };
        self.at = end + 1;
        let text = &self.line[start + 1..end];
        if !escaped {
            return Some(Text::Plain(text));
        }
        if unquote(text, &mut Vec::new()) {
            return Some(Text::Quoted(text));
        }
        self.fail("invalid quoted value");
        None
    }
}

/// Appends the text between quotes with its escapes resolved and what is no UTF-8 replaced; whether all escapes are some.
pub(super) fn unquote(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(runes::readable(&rest[..at]).as_bytes());
        rest = &rest[at..];
        let plain = match rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/' | b'\'')) => *byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let Some(first) = code_unit(rest) else { return false };
                rest = &rest[6..];
                let mut c = char::from_u32(first);
                if let (None, Some(second)) = (c, code_unit(rest)) {
                    c = char::decode_utf16([first as u16, second as u16]).next().and_then(Result::ok);
                    if c.is_some() {
                        rest = &rest[6..];
                    }
                }
                let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return false,
        };
        out.push(plain);
        rest = &rest[2..];
    }
    out.extend_from_slice(runes::readable(rest).as_bytes());
    true
}

/// The number of `\u00e4`.
fn code_unit(text: &[u8]) -> Option<u32> {
    if !text.starts_with(b"\\u") {
        return None;
    }
    // Go reads the digits with `strconv.ParseUint`, which takes no sign.
    let digits = text.get(2..6)?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(line: &str) -> (Vec<String>, Option<String>) {
        let mut pairs = Pairs::new(line.as_bytes());
        let mut found = Vec::new();
        while !pairs.is_at_end() {
            if let Some((key, value)) = pairs.next_pair() {
                let value = match value {
                    Text::Plain(text) => text.to_vec(),
                    Text::Quoted(text) => {
                        let mut out = Vec::new();
                        assert!(unquote(text, &mut out));
                        out
                    }
                };
                found.push(format!("{}:{}", String::from_utf8_lossy(key), String::from_utf8_lossy(&value)));
            }
        }
        (found, pairs.error.map(|error| error.to_string()))
    }

    // Expected values: Loki's `logfmt` tests and the rules of `go-logfmt`.
    #[test]
    fn pairs_are_read() {
        assert_eq!(
            pairs(r#"a=1 b="x y" c d= e="q\"\u00e4\n" "#),
            (["a:1", "b:x y", "c:", "d:", "e:q\"ä\n"].map(str::to_owned).to_vec(), None)
        );
        assert_eq!(pairs("").0, Vec::<String>::new());
    }

    #[test]
    fn words_end_where_they_do_byte_by_byte() {
        for end in [&b" "[..], b"=", b"\"", b"\n", b"\0", b""] {
            for length in 0..20 {
                for odd in [&b""[..], b"\xff", b"\x80", "\u{e4}".as_bytes(), b"!", b"<", b">", b"#"] {
                    let word = [&b"x".repeat(length), odd].concat();
                    let line = [&word, end, b"=\" rest of it"].concat();
                    let mut pairs = Pairs::new(if end.is_empty() { &word } else { &line });
                    assert_eq!((pairs.word(), pairs.at), (word.is_ascii(), word.len()), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn broken_pairs_are_passed_over_and_remembered() {
        for (line, found, error) in [
            ("a=1,b=2 c=3", vec!["c:3"], "logfmt syntax error at pos 6 : unexpected '='"),
            ("=x c=3", vec!["c:3"], "logfmt syntax error at pos 1 : unexpected '='"),
            ("a\"b c=3", vec!["c:3"], "logfmt syntax error at pos 2 : unexpected '\"'"),
            ("a=\"x c=3", vec![], "logfmt syntax error at pos 9 : unterminated quoted value"),
            ("a=\"\\x\" c=3", vec!["c:3"], "logfmt syntax error at pos 7 : invalid quoted value"),
        ] {
            let expected = found.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(pairs(line), (expected, Some(error.to_owned())), "{line}");
        }
    }
}
