//! Reading numbers as Go's `strconv` reads them.

/// `strconv.ParseInt(text, 0, 64)`, else `strconv.ParseFloat(text, 64)`: `0x1F`, `017`, `0b101`, `1_000`, and all that
/// [`parse_go_float`] reads. Prometheus reads values in test files so.
pub fn parse_go_number(text: &str) -> Option<f64> {
    parse_int(text).map(|whole| whole as f64).or_else(|| parse_go_float(text))
}

/// `strconv.ParseFloat(text, 64)`: decimal and hexadecimal floats, underscores between digits, `inf`, `infinity` and `nan` in
/// any case. `None` where Go reports an error, also for what is too large.
pub fn parse_go_float(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if !underscores_separate(unsigned) {
        return None;
    }
    let plain = unsigned.replace('_', "");
    let value = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(digits) => hexadecimal(digits)?,
        None => {
            let decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
            if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !plain.bytes().all(decimal) {
                return None;
            }
            plain.parse().ok()?
        }
    };
    value.is_finite().then_some(sign * value)
}

fn parse_int(text: &str) -> Option<i64> {
    parse_go_integer(text).and_then(|whole| i64::try_from(whole).ok())
}

/// A whole number of at most 64 bits and a sign, in any base (`strconv.ParseInt` and `ParseUint` with base 0).
pub fn parse_go_integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !underscores_separate(unsigned) {
        return None;
    }
    let (digits, base) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', b'o' | b'O', ..] => (&unsigned[2..], 8),
        [b'0', b'b' | b'B', ..] => (&unsigned[2..], 2),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(&digits, base).ok()?);
    Some(if negative { -value } else { value })
}

/// Whether every underscore stands between digits, or between a base's prefix and a digit.
fn underscores_separate(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (prefix, hexadecimal) = match bytes {
        [b'0', b'x' | b'X', ..] => (2, true),
        [b'0', b'o' | b'O' | b'b' | b'B', ..] => (2, false),
        _ => (0, false),
    };
    let digit =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()));
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| {
        let before = at == prefix && prefix > 0 || (at > 0 && digit(bytes.get(at - 1)));
        before && digit(bytes.get(at + 1))
    })
}

/// `1.8p3` without its `0x`; the exponent is required.
fn hexadecimal(digits: &str) -> Option<f64> {
    let at = digits.find(['p', 'P'])?;
    let (mantissa, exponent) = (&digits[..at], &digits[at + 1..]);
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Beyond this, only zero stays finite.
    let mut exponent: i64 = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -99_999 } else { 99_999 });
    exponent = exponent.clamp(-99_999, 99_999);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut value: u64 = 0;
    let mut lost = false;
    for (place, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = u64::from(char::from(byte).to_digit(16)?);
        let in_fraction = place >= whole.len();
        if value >> 59 == 0 {
            value = value << 4 | digit;
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            lost |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    // What was cut off only decides ties, for which one bit below is enough.
    let joined = u128::from(value) << 2 | u128::from(lost);
    Some(scale(joined, exponent - 2))
}

/// `value * 2^exponent`, rounded once to the nearest, ties to even.
fn scale(value: u128, exponent: i64) -> f64 {
    if value == 0 {
        return 0.0;
    }
    let size = 128 - i64::from(value.leading_zeros());
    // How many bits a float at this size holds; fewer where it is subnormal.
    let least = (exponent + size - 53).max(-1074);
    let shift = least - exponent;
    if shift > 127 {
        return 0.0;
    }
    let (mut kept, rest, half) = if shift > 0 {
        (value >> shift, value & ((1 << shift) - 1), 1u128 << (shift - 1))
    } else {
        (value << -shift, 0, 1)
    };
    if rest > half || (rest == half && kept & 1 == 1) {
        kept += 1;
    }
    // At most 2^53, and a power of two that is applied in two steps, both exact.
    let power = least.clamp(-1074, 1100) as i32;
    let half_power = power / 2;
    kept as f64 * 2f64.powi(half_power) * 2f64.powi(power - half_power)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Go's `strconv` documentation and its definition of literals.
    #[test]
    fn floats_are_read_as_go_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("-1.5e3", -1500.0),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1_000.5", 1000.5),
            ("0x1p-2", 0.25),
            ("0x1.8p1", 3.0),
            ("-0X_1FFp0", -511.0),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffff8p1023", f64::NAN),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x10000000000000000000000p-4", 2f64.powi(84)),
            ("Inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("1e-400", 0.0),
        ] {
            let expected = (!value.is_nan()).then_some(value);
            assert_eq!(parse_go_float(text), expected, "{text}");
        }
        assert!(parse_go_float("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "", "-", "1__0", "_1", "1_", "1_.5", "0x1", "0x", "0xp1", "1e", "e1", "+nan", "infin", "1e400", "1 ", "--1",
        ] {
            assert_eq!(parse_go_float(text), None, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_have_bases() {
        for (text, value) in
            [("017", 15.0), ("0x1F", 31.0), ("0b101", 5.0), ("-0o17", -15.0), ("1_000", 1000.0), ("09", 9.0)]
        {
            assert_eq!(parse_go_number(text), Some(value), "{text}");
        }
        assert_eq!(parse_go_number("0x"), None);
    }
}
