//! Spans of time in nanoseconds, read and written as Go's `time.Duration`.

use std::fmt;
use std::str::FromStr;

use super::Timestamp;

/// A span of time, or a time since the Unix epoch, in nanoseconds. Logs are that exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanoseconds(pub i64);

impl Nanoseconds {
    pub const ZERO: Nanoseconds = Nanoseconds(0);

    /// A time that is known to the millisecond.
    pub fn at(time: Timestamp) -> Nanoseconds {
        Nanoseconds(time.0.saturating_mul(1_000_000))
    }

    /// The span in seconds (`time.Duration.Seconds`).
    pub fn seconds(self) -> f64 {
        let (whole, rest) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        whole as f64 + rest as f64 / 1e9
    }
}

/// Why a text is no span of time, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoDurationError {
    #[error("time: invalid duration {}", crate::syntax::strings::quoted(.0))]
    Invalid(String),
    #[error("time: missing unit in duration {}", crate::syntax::strings::quoted(.0))]
    MissingUnit(String),
    #[error(
        "time: unknown unit {} in duration {}",
        crate::syntax::strings::quoted(.unit),
        crate::syntax::strings::quoted(.text)
    )]
    UnknownUnit { unit: String, text: String },
}

/// What a unit is worth in nanoseconds.
fn unit_size(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// The smallest number, without its sign, that is too large.
const TOO_LARGE: u64 = 1 << 63;

impl FromStr for Nanoseconds {
    type Err = GoDurationError;

    /// Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-2ms`, `0`.
    fn from_str(text: &str) -> Result<Nanoseconds, GoDurationError> {
        let invalid = || GoDurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        if rest == "0" {
            return Ok(Nanoseconds::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (whole, behind) = digits(rest);
            let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), digits);
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = behind.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(behind.len());
            let (unit, behind) = behind.split_at(end);
            if unit.is_empty() {
                return Err(GoDurationError::MissingUnit(text.to_owned()));
            }
            let size = unit_size(unit)
                .ok_or_else(|| GoDurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() })?;
            let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
            let part = whole.checked_mul(size).filter(|part| *part <= TOO_LARGE).ok_or_else(invalid)?;
            total = total
                .checked_add(part + fraction_of(fraction, size))
                .filter(|total| *total <= TOO_LARGE)
                .ok_or_else(invalid)?;
            rest = behind;
        }
        if negative {
            return Ok(Nanoseconds(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Nanoseconds).map_err(|_| invalid())
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// What the digits behind a point are worth, rounded as Go does it: digits that would overflow are left out.
fn fraction_of(digits: &str, size: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes() {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next < TOO_LARGE) else { break };
        value = next;
        scale *= 10.0;
    }
    if value == 0 { 0 } else { (value as f64 * (size as f64 / scale)) as u64 }
}

impl fmt::Display for Nanoseconds {
    /// Go's `time.Duration.String`: `1h30m0s`, `1.5s`, `100µs`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let (unit, name) = match size {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{sign}{size}ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (mut whole, rest) = (size / unit, size % unit);
        f.write_str(sign)?;
        if name == "s" {
            let minutes = whole / 60;
            whole %= 60;
            if minutes >= 60 {
                write!(f, "{}h", minutes / 60)?;
            }
            if minutes > 0 {
                write!(f, "{}m", minutes % 60)?;
            }
        }
        write!(f, "{whole}")?;
        if rest > 0 {
            // As many digits as the unit has zeros, without those that say nothing.
            let fraction = format!("{:0width$}", rest, width = unit.ilog10() as usize);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Go's time package, `TestDurationString` and `TestParseDuration`.
    #[test]
    fn spans_print_as_go_prints_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (4 * 60_000_000_000 + 5_000_000_000, "4m5s"),
            (4 * 60_000_000_000 + 5_001_000_000, "4m5.001s"),
            (5 * 3_600_000_000_000 + 6 * 60_000_000_000 + 7_001_000_000, "5h6m7.001s"),
            (8 * 60_000_000_000 + 1, "8m0.000000001s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Nanoseconds(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Nanoseconds(nanos)), "{text}");
        }
    }

    #[test]
    fn spans_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("-5s", -5_000_000_000),
            ("+5s", 5_000_000_000),
            ("-.5s", -500_000_000),
            ("1.s", 1_000_000_000),
            ("1.0030s", 1_003_000_000),
            ("12µs", 12_000),
            ("12μs", 12_000),
            ("-2m3.4s", -123_400_000_000),
            ("39h9m14.425s", 140_954_425_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("0.830103483285477580700h", 2_988_372_539_827),
        ] {
            assert_eq!(text.parse(), Ok(Nanoseconds(nanos)), "{text}");
        }
        for text in [
            "",
            "3",
            "-",
            "s",
            ".",
            "-.",
            ".s",
            "+.s",
            "1d",
            "9223372036854775808ns",
            "9223372036854775.808us",
            "1e3s",
            "-0.1",
            "ms1",
        ] {
            assert!(text.parse::<Nanoseconds>().is_err(), "{text}");
        }
    }
}
