//! Timestamps and durations, in milliseconds, as Prometheus counts them, and spans in nanoseconds, as Go does.

mod nanoseconds;

pub use nanoseconds::{GoDurationError, Nanoseconds};

use std::fmt;
use std::ops::{Add, Neg, Sub};

use chrono::{DateTime, SecondsFormat, Utc};

/// The most steps of one range query, as in Prometheus and Loki.
pub const MAX_STEPS: usize = 11_001;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A span of time in milliseconds; negative where an offset looks ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

impl Timestamp {
    /// Earlier than every sample.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// Later than every sample.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The time in seconds, as `time()` returns it.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The calendar time, or `None` where it is outside of what a calendar holds.
    pub fn calendar(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calendar() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{}ms", self.0),
        }
    }
}

impl Duration {
    pub const ZERO: Duration = Duration(0);
    pub const SECOND: Duration = Duration(1000);
    pub const MINUTE: Duration = Duration(60_000);

    /// The duration in seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The duration as Go's `Duration.Seconds` counts it: whole seconds and the rest apart, which can round differently
    /// from a single division.
    pub fn go_seconds(self) -> f64 {
        (self.0 / 1000) as f64 + (self.0 % 1000 * 1_000_000) as f64 / 1e9
    }
}

/// Units of Prometheus' notation, largest first, in milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl fmt::Display for Duration {
    /// Prometheus' notation (`model.Duration.String`): `1h30m`, `0s`; years and weeks only where they divide the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, size) in UNITS {
            let size = size as u64;
            let whole_only = matches!(unit, "y" | "w");
            if whole_only && !rest.is_multiple_of(size) {
                continue;
            }
            let count = rest / size;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                rest -= count * size;
            }
        }
        Ok(())
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("empty duration")]
    Empty,
    #[error("not a valid duration: {0:?}; write a number and a unit, largest unit first, as in 90s, 15m or 1h30m")]
    Malformed(String),
    #[error("duration out of range: {0:?}")]
    OutOfRange(String),
}

impl std::str::FromStr for Duration {
    type Err = DurationError;

    /// Prometheus' notation (`model.ParseDuration`): each unit at most once, largest first; `0` needs no unit.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let malformed = || DurationError::Malformed(text.to_owned());
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Duration::ZERO),
            _ => {}
        }
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            if digits == 0 || letters == 0 {
                return Err(malformed());
            }
            let unit = &rest[digits..digits + letters];
            let (_, size) = units.find(|(name, _)| *name == unit).ok_or_else(malformed)?;
            let out_of_range = || DurationError::OutOfRange(text.to_owned());
            let count: i64 = rest[..digits].parse().map_err(|_| out_of_range())?;
            // Prometheus counts nanoseconds in an int64, so that is where its range ends.
            total = count
                .checked_mul(*size)
                .and_then(|ms| ms.checked_add(total))
                .filter(|ms| *ms <= i64::MAX / 1_000_000)
                .ok_or_else(out_of_range)?;
            rest = &rest[digits + letters..];
        }
        Ok(Duration(total))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, d: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(d.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, d: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(d.0))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    fn sub(self, other: Timestamp) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Duration;
    fn sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl Neg for Duration {
    type Output = Duration;
    fn neg(self) -> Duration {
        Duration(self.0.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_prometheus_prints_them() {
        for (ms, text) in [
            (0, "0s"),
            (90_000, "1m30s"),
            (86_400_000, "1d"),
            (90_000_000, "1d1h"),
            (1_500, "1s500ms"),
            (604_800_000, "1w"),
        ] {
            assert_eq!(Duration(ms).to_string(), text);
            assert_eq!(text.parse::<Duration>().unwrap(), Duration(ms));
        }
    }

    #[test]
    fn durations_out_of_order_or_without_a_unit_are_refused() {
        for text in ["", "5", "5m1h", "1m1m", "-5m", "5 m", "1.5h", "m", "300y"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
