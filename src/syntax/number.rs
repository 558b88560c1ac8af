//! Number and duration literals as Prometheus' lexer cuts them out and Go's `strconv` reads them.

use std::borrow::Cow;

use super::Cursor;

/// What a literal that begins with a digit or a point turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    Number,
    /// Digits with units; whether they are in order is for `Duration::from_str` to say.
    Duration,
}

/// Reads a number (`5`, `.5`, `1e3`, `1_000`, `0x1F`) or a duration (`1h30m`); `None` where the text is neither, with
/// the cursor behind what is wrong. Prometheus `promql/parser/lex.go`, `lexNumberOrDuration`.
pub fn scan(cursor: &mut Cursor<'_>) -> Option<Literal> {
    if scan_number(cursor, true) && !is_word(cursor.peek_byte()) {
        return Some(Literal::Number);
    }
    scan_units(cursor).then_some(Literal::Duration)
}

/// A letter, a digit or an underscore.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reads digits, one point, one exponent and underscores; false where they are malformed. The caller looks at what
/// follows. Hexadecimal numbers do not exist among the values of a series, where `0x3` is a repetition.
pub fn scan_number(cursor: &mut Cursor<'_>, hexadecimal: bool) -> bool {
    let start = cursor.at();
    let is_exponent = |byte: u8| matches!(byte, b'e' | b'E');
    let mut hex = false;
    if hexadecimal && cursor.eat('0') && cursor.eat_if(|byte| matches!(byte, b'x' | b'X')) {
        hex = true;
        cursor.eat('_');
    }
    let is_digit = |byte: u8| if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    cursor.eat('.');
    cursor.eat_if(is_digit);
    let (mut point, mut exponent) = (false, false);
    loop {
        let byte = cursor.peek_byte();
        if byte == b'.' {
            cursor.bump();
            if point || hex || matches!(cursor.peek_byte(), b'_' | b'.') {
                return false;
            }
            point = true;
        } else if is_exponent(byte) {
            cursor.bump();
            if exponent {
                return false;
            }
            cursor.eat_if(|byte| matches!(byte, b'+' | b'-'));
            if ends_badly(cursor) {
                return false;
            }
            exponent = true;
        } else if byte == b'_' {
            cursor.bump();
            if ends_badly(cursor) {
                return false;
            }
        } else if is_digit(byte) {
            cursor.eat_while(is_digit);
        } else {
            return cursor.at() > start;
        }
    }
}

/// What may not follow an underscore or an exponent.
fn ends_badly(cursor: &Cursor<'_>) -> bool {
    cursor.rest().is_empty() || matches!(cursor.peek_byte(), b'.' | b'_' | b'e' | b'E')
}

/// Reads the rest of a duration whose first digits were read.
fn scan_units(cursor: &mut Cursor<'_>) -> bool {
    let is_unit = |byte: u8| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w');
    if !cursor.eat_if(|byte| is_unit(byte) || byte == b'y') {
        return false;
    }
    cursor.eat('s');
    while cursor.eat_if(|byte| byte.is_ascii_digit()) {
        cursor.eat_while(|byte| byte.is_ascii_digit());
        if !cursor.eat_if(is_unit) {
            return false;
        }
        cursor.eat('s');
    }
    !is_word(cursor.peek_byte())
}

/// The value of a number as Go reads it: `strconv.ParseInt` with base 0 (so `017` is 15), else `strconv.ParseFloat`.
/// `None` where it is none or too large.
pub fn value(text: &str) -> Option<f64> {
    if let Some(whole) = short_whole(text) {
        return Some(whole as f64);
    }
    // Without underscores, exponents and bases, and no whole number in any of them.
    if text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return text.parse().ok().filter(|value: &f64| value.is_finite());
    }
    if text.eq_ignore_ascii_case("inf") {
        return Some(f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if !underscores_separate_digits(text) {
        return None;
    }
    if let Some(whole) = whole(text) {
        return Some(whole as f64);
    }
    let is_decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'e' | b'E' | b'+' | b'-');
    if !text.bytes().all(is_decimal) {
        return None;
    }
    let value: f64 = without_underscores(text).parse().ok()?;
    value.is_finite().then_some(value)
}

/// A decimal number of few digits, which most numbers are.
fn short_whole(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    // Eighteen digits do not overflow; a zero in front makes it octal.
    if bytes.is_empty() || bytes.len() > 18 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    bytes.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
}

/// Go's `strconv.ParseInt(text, 0, 64)` for unsigned text whose underscores are in place.
fn whole(text: &str) -> Option<i64> {
    let (digits, base) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let digits = without_underscores(digits);
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    i64::from_str_radix(&digits, base).ok()
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') { text.replace('_', "").into() } else { text.into() }
}

/// Whether every underscore stands between digits, or between the base's prefix and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let is_digit = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at)).copied().unwrap_or(0);
        byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit())
    };
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let after_prefix = hex && at == 2;
        (is_digit(at.checked_sub(1)) || after_prefix) && is_digit(Some(at + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("5", 5.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("1_000.5", 1000.5),
            ("1_23.50_0_0e+1_2", 1.235e14),
            ("017", 15.0),
            ("08", 8.0),
            ("0x1F", 31.0),
            ("0X_1f", 31.0),
            ("Inf", f64::INFINITY),
            ("99999999999999999999", 1e20),
            ("999999999999999999", 1e18),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("0", 0.0),
            ("017.5", 17.5),
            ("1e-400", 0.0),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        assert!(value("nAn").is_some_and(f64::is_nan));
        for text in ["1e400", "1.2.3", ".", "0xFFFFFFFFFFFFFFFFFF", "1__0", "1_", "0x", "1e", ".5.3", "infinity", ""] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn literals_end_where_prometheus_ends_them() {
        for (text, kind, rest) in [
            ("5m.5", Some(Literal::Duration), ".5"),
            ("5 m", Some(Literal::Number), " m"),
            ("1e+5)", Some(Literal::Number), ")"),
            ("1h30m]", Some(Literal::Duration), "]"),
            ("0x1e5,", Some(Literal::Number), ","),
            ("5m30", None, ""),
            ("1..2", None, ".2"),
            ("5foo", None, "foo"),
            ("1y2y", None, "y"),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!((scan(&mut cursor), cursor.rest()), (kind, rest), "{text}");
        }
    }
}
