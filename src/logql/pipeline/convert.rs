//! Values of labels as numbers, spans of time and sizes, with Go's words for those that are none.

use crate::number::{parse_go_float, parse_size};
use crate::syntax::strings::quoted;
use crate::time::Nanoseconds;

use super::runes;

/// `strconv.ParseFloat`
pub(super) fn number(text: &[u8]) -> Result<f64, String> {
    // Most are short and whole.
    if (1..=15).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Ok(text.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0')) as f64);
    }
    let text = runes::readable(text);
    parse_go_float(&text).ok_or_else(|| format!("strconv.ParseFloat: parsing {}: invalid syntax", quoted(&text)))
}

/// `time.ParseDuration`
pub(super) fn duration(text: &[u8]) -> Result<Nanoseconds, String> {
    runes::readable(text).parse().map_err(|error: crate::time::GoDurationError| error.to_string())
}

/// `humanize.ParseBytes`
pub(super) fn bytes(text: &[u8]) -> Result<u64, String> {
    parse_size(&runes::readable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_go_s() {
        assert_eq!(number(b"007"), Ok(7.0));
        assert_eq!(number(b"0x1p-2"), Ok(0.25));
        assert_eq!(number(b"1 "), Err("strconv.ParseFloat: parsing \"1 \": invalid syntax".to_owned()));
        assert_eq!(duration(b"1.5s"), Ok(Nanoseconds(1_500_000_000)));
        assert!(duration(b"1d").is_err());
        assert_eq!(bytes(b"1.5KiB"), Ok(1536));
        assert!(bytes(b"\xff").is_err());
    }
}
