//! Sizes in bytes as `dustin/go-humanize` reads and prints them.

use super::{math, parse_go_float};
use crate::syntax::strings::quoted;

/// `humanize.ParseBytes`: a number, then a unit in any case, with or without its `B`; `KB` is 1000, `KiB` is 1024.
///
/// # Errors
/// What is no size, in its words.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let digits = digits.replace(',', "");
    let value = parse_go_float(&digits)
        .ok_or_else(|| format!("strconv.ParseFloat: parsing {}: invalid syntax", quoted(&digits)))?;
    let unit = unit.trim().to_lowercase();
    let size = unit_size(&unit).ok_or_else(|| format!("unhandled size name: {unit}"))?;
    let value = value * size as f64;
    if value >= u64::MAX as f64 {
        return Err(format!("too large: {text}"));
    }
    Ok(value as u64)
}

fn unit_size(unit: &str) -> Option<u64> {
    let unit = unit.strip_suffix('b').unwrap_or(unit);
    let (prefix, base) = match unit.strip_suffix('i') {
        Some(prefix) if !prefix.is_empty() => (prefix, 1024_u64),
        _ => (unit, 1000),
    };
    let power = match prefix {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    Some(base.pow(power))
}

/// `humanize.Bytes` without its blank: the size in the largest unit that it fills, in powers of 1,000, rounded to a tenth below ten.
pub fn format_size(bytes: u64) -> String {
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

    // Expected values: `bytes_test.go` of `dustin/go-humanize`, and arithmetic.
    #[test]
    fn sizes_print_in_the_largest_unit_that_they_fill() {
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
            assert_eq!(format_size(bytes), text);
        }
    }

    // Expected values: `bytes_test.go` of `dustin/go-humanize`.
    #[test]
    fn sizes_have_units_in_any_case() {
        for (text, size) in [
            ("42", 42),
            ("42MB", 42_000_000),
            ("42MiB", 44_040_192),
            ("42 mib", 44_040_192),
            ("42 M", 42_000_000),
            ("42mi", 44_040_192),
            ("42.5MB", 42_500_000),
            ("1,005.03 MB", 1_005_030_000),
            ("12.5 EB", 12_500_000_000_000_000_000),
            ("0 b", 0),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for bad in ["", "B", "42 X", "42 i", "42 ib", "-1", "16 EiB", "1.2.3", "84 JB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
