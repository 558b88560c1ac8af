//! Sizes in bytes as `dustin/go-humanize` reads them.

use super::parse_go_float;
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

#[cfg(test)]
mod tests {
    use super::*;

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
