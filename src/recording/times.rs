//! Times as tables and JSON write them: RFC 3339, a date with a time, or a number since 1970 in some unit.

use chrono::{DateTime, NaiveDateTime};

use super::pattern::Zone;
use crate::time::{Nanoseconds, Timestamp};

/// A time that stands alone; without a zone of its own it is in `zone`. Exact to the nanosecond.
pub fn time(text: &str, zone: Zone) -> Option<Nanoseconds> {
    let text = text.trim();
    if text.bytes().next()?.is_ascii_digit() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return since_1970(text);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return time.timestamp_nanos_opt().map(Nanoseconds);
    }
    let (text, zone) = match text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")) {
        Some(text) => (text, Zone::UTC),
        None => (text, zone),
    };
    const ZONED: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M:%S%.f%z"];
    if let Some(time) = ZONED.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return time.timestamp_nanos_opt().map(Nanoseconds);
    }
    const LOCAL: [&str; 5] =
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S%.f"];
    LOCAL.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).and_then(|time| zone.instant(time))
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970: its size shows which, for years from 1973
/// to 5138.
fn since_1970(text: &str) -> Option<Nanoseconds> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    let unit: i64 = match number.checked_ilog10().unwrap_or(0) {
        0..11 => 1_000_000_000,
        11..14 => 1_000_000,
        14..17 => 1000,
        _ => 1,
    };
    let mut nanoseconds = number.checked_mul(unit)?;
    let mut digit = unit;
    for byte in rest.bytes() {
        digit /= 10;
        let value = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        nanoseconds = nanoseconds.checked_add(i64::from(value) * digit)?;
    }
    Some(Nanoseconds(nanoseconds))
}

/// The millisecond in which a time lies.
pub fn millisecond(time: Nanoseconds) -> Timestamp {
    Timestamp(time.0.div_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_shapes_that_tables_have() {
        let expected = Some(Nanoseconds(1_763_132_805_250_000_000));
        for text in [
            "2025-11-14T15:06:45.250Z",
            "2025-11-14T16:06:45.25+01:00",
            "2025-11-14 15:06:45.250",
            "2025-11-14 15:06:45.250 UTC",
            "2025-11-14 10:06:45.250 -0500",
            "1763132805.250",
            "1763132805250",
            "1763132805250000",
            "1763132805250000000",
        ] {
            assert_eq!(time(text, Zone::UTC), expected, "{text}");
        }
        assert_eq!(time("2025-11-14 16:06:45.250", "+01:00".parse().unwrap()), expected);
        assert_eq!(time("1763132805.000000001", Zone::UTC), Some(Nanoseconds(1_763_132_805_000_000_001)));
        for text in ["", "9223372036.999999999", "15:06:45", "14/11/2025", "1.2.3", "99999999999999999999"] {
            assert_eq!(time(text, Zone::UTC), None, "{text}");
        }
        assert_eq!(millisecond(Nanoseconds(-1)), Timestamp(-1));
    }
}
