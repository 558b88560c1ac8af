//! Sizes in bytes as the Go library that Loki uses reads and prints them (`github.com/dustin/go-humanize`): `10KB` is 10,000
//! bytes, `10KiB` is 10,240.

use crate::number::{math, parse_go_float};

/// Why a text is no size, in the library's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeError {
    #[error("strconv.ParseFloat: parsing {}: invalid syntax", crate::syntax::strings::quoted(.0))]
    Number(String),
    #[error("too large: {0}")]
    TooLarge(String),
    #[error("unhandled size name: {0}")]
    Unit(String),
}

/// Bytes of `1.5KB`, `10 MiB`, `7`; letters of any case, also a single one for a unit (`humanize.ParseBytes`).
pub fn parse(text: &str) -> Result<u64, ByteSizeError> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let number = text[..end].replace(',', "");
    let number = parse_go_float(&number).ok_or(ByteSizeError::Number(number))?;
    let unit = text[end..].trim().to_lowercase();
    let size = unit_size(&unit).ok_or(ByteSizeError::Unit(unit))?;
    let bytes = number * size as f64;
    // The largest number of 64 bits is rounded up as a float.
    if bytes >= u64::MAX as f64 { Err(ByteSizeError::TooLarge(text.to_owned())) } else { Ok(bytes as u64) }
}

fn unit_size(unit: &str) -> Option<u64> {
    let power = |base: u64, unit: &str| {
        let exponent = ["k", "m", "g", "t", "p", "e"].iter().position(|name| *name == unit)?;
        Some(base.pow(exponent as u32 + 1))
    };
    if unit.is_empty() || unit == "b" {
        return Some(1);
    }
    let unit = unit.strip_suffix('b').unwrap_or(unit);
    match unit.strip_suffix('i') {
        Some(unit) => power(1024, unit),
        None => power(1000, unit),
    }
}

/// The size in the largest unit that it fills, in powers of 1,000, rounded to a tenth below ten: `12kB`, `1.5MB`
/// (`humanize.Bytes` without its blank).
pub fn format(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10 {
        return format!("{bytes}B");
    }
    let power = (math::ln(bytes as f64) / math::ln(1000.0)).floor();
    let value = (bytes as f64 / math::pow(1000.0, power) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS.get(power as usize).copied().unwrap_or("EB");
    if value < 10.0 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: go-humanize's tests.
    #[test]
    fn sizes_are_read_as_the_library_reads_them() {
        for (text, bytes) in [
            ("42", 42),
            ("42MB", 42_000_000),
            ("42MiB", 44_040_192),
            ("42mib", 44_040_192),
            ("42M", 42_000_000),
            ("42 Mi", 44_040_192),
            ("42.5 MB", 42_500_000),
            ("1,005.03 MB", 1_005_030_000),
            ("12.5 EB", 12_500_000_000_000_000_000),
            ("0B", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "JB", "1 foo", "16 EiB", "5 kib b", "-1B", "bib"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_as_the_library_prints_them() {
        for (bytes, text) in [
            (0, "0B"),
            (1, "1B"),
            (803, "803B"),
            (999, "999B"),
            (1024, "1.0kB"),
            (9999, "10kB"),
            (999_999, "1000kB"),
            (1_048_576, "1.0MB"),
            (5_368_709_120, "5.4GB"),
            (12_288, "12kB"),
        ] {
            assert_eq!(format(bytes), text);
        }
    }
}
