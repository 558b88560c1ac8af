//! Number literals as Go's `text/scanner` cuts them out, with what it refuses. Whether the text then has a value is for its
//! reader to say: `0x10` is cut out as a number, and no float that Go reads.

use crate::syntax::Cursor;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    None,
    /// A zero in front.
    Zero,
    /// `0x`
    Hexadecimal,
    /// `0o`
    Octal,
    /// `0b`
    Binary,
}

impl Prefix {
    fn literal(self) -> &'static str {
        match self {
            Prefix::None => "decimal literal",
            Prefix::Zero | Prefix::Octal => "octal literal",
            Prefix::Hexadecimal => "hexadecimal literal",
            Prefix::Binary => "binary literal",
        }
    }
}

/// Reads a number; the cursor stands on its first digit, or on the point before one. An error is in Go's words. `adjacent` says
/// that no blank stands before it: only there does Loki's scanner find binary literals.
pub(super) fn scan(cursor: &mut Cursor<'_>, adjacent: bool) -> Result<(), String> {
    let start = cursor.at();
    let mut digits = Digits::default();
    let mut prefix = Prefix::None;
    if cursor.eat('0') {
        prefix = prefix_of(cursor, adjacent);
        match prefix {
            Prefix::Zero => digits.seen = true,
            Prefix::Hexadecimal | Prefix::Octal | Prefix::Binary => drop(cursor.bump()),
            Prefix::None => {}
        }
    }
    digits.read(cursor, prefix);
    let mut is_float = cursor.eat('.');
    if is_float {
        if matches!(prefix, Prefix::Octal | Prefix::Binary) {
            return Err(format!("invalid radix point in {}", prefix.literal()));
        }
        digits.read(cursor, prefix);
    }
    if !digits.seen {
        return Err(format!("{} has no digits", prefix.literal()));
    }
    let is_hexadecimal = prefix == Prefix::Hexadecimal;
    if let sign @ (b'e' | b'E' | b'p' | b'P') = cursor.peek_byte() {
        let is_e = matches!(sign, b'e' | b'E');
        if is_e && matches!(prefix, Prefix::Octal | Prefix::Binary) {
            return Err(format!("'{}' exponent requires decimal mantissa", sign as char));
        }
        if !is_e && !is_hexadecimal {
            return Err(format!("'{}' exponent requires hexadecimal mantissa", sign as char));
        }
        cursor.bump();
        is_float = true;
        cursor.eat_if(|byte| matches!(byte, b'+' | b'-'));
        let mut exponent = Digits::default();
        exponent.read(cursor, Prefix::None);
        if !exponent.seen {
            return Err("exponent has no digits".to_owned());
        }
        digits.separated |= exponent.separated;
    } else if is_hexadecimal && is_float {
        return Err("hexadecimal mantissa requires a 'p' exponent".to_owned());
    }
    if let Some(digit) = digits.invalid.filter(|_| !is_float) {
        return Err(format!("invalid digit '{digit}' in {}", prefix.literal()));
    }
    if digits.separated && !separators_are_between_digits(cursor.since(start)) {
        return Err("'_' must separate successive digits".to_owned());
    }
    Ok(())
}

/// What a zero, which was read, begins.
fn prefix_of(cursor: &Cursor<'_>, adjacent: bool) -> Prefix {
    match cursor.peek_byte() {
        b'x' | b'X' => Prefix::Hexadecimal,
        b'o' | b'O' => Prefix::Octal,
        b'b' | b'B' if adjacent => Prefix::Binary,
        // The zero is then no digit at all.
        b'b' | b'B' => Prefix::None,
        _ => Prefix::Zero,
    }
}

#[derive(Default)]
struct Digits {
    seen: bool,
    separated: bool,
    /// The first digit that is too large for the base.
    invalid: Option<char>,
}

impl Digits {
    fn read(&mut self, cursor: &mut Cursor<'_>, prefix: Prefix) {
        let largest = match prefix {
            Prefix::Zero | Prefix::Octal => b'7',
            Prefix::Binary => b'1',
            Prefix::None | Prefix::Hexadecimal => b'9',
        };
        loop {
            let byte = cursor.peek_byte();
            let is_digit = byte.is_ascii_digit() || (prefix == Prefix::Hexadecimal && byte.is_ascii_hexdigit());
            if !is_digit && byte != b'_' {
                return;
            }
            self.separated |= byte == b'_';
            self.seen |= is_digit;
            if byte.is_ascii_digit() && byte > largest {
                self.invalid.get_or_insert(char::from(byte));
            }
            cursor.bump();
        }
    }
}

/// Whether every underscore stands between two digits, or between a prefix and a digit.
fn separators_are_between_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let prefixed = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let is_digit = |byte: u8| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
    (0..bytes.len()).filter(|at| bytes[*at] == b'_').all(|at| {
        let before = at > 0 && (is_digit(bytes[at - 1]) || (prefixed && at == 2));
        before && bytes.get(at + 1).copied().is_some_and(is_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Go's text/scanner, as Loki 3.7 has it.
    #[test]
    fn numbers_end_where_go_ends_them() {
        for (text, rest) in [
            ("5m", "m"),
            (".5", ""),
            ("5.", ""),
            ("1_000", ""),
            ("007", ""),
            ("08.5", ""),
            ("1e5s", "s"),
            ("0x1F", ""),
            ("0x1.8p3", ""),
            ("0o17", ""),
            ("0b11", ""),
            ("1.2.3", ".3"),
            ("10kB", "kB"),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(scan(&mut cursor, true), Ok(()), "{text}");
            assert_eq!(cursor.rest(), rest, "{text}");
        }
    }

    #[test]
    fn malformed_numbers_are_refused() {
        for text in ["08", "1PB", "1EB", "1e", "1__0", "1_", "0x", "0x1.8", "0b2", "0o1.5", "0b1e3", "1_.5"] {
            assert!(scan(&mut Cursor::new(text), true).is_err(), "{text}");
        }
        assert!(scan(&mut Cursor::new("0b1"), false).is_err());
    }
}
