//! Numbers, times and durations as Go prints them, and Prometheus' forms for people.

use chrono::{DateTime, Datelike, Timelike, Utc};
use gotmpl::Value;

/// A float as `%v` prints it: the shortest digits that read back as the same number, with an exponent below 1e-4 and
/// from 1e6 on.
pub(super) fn shortest(value: f64) -> String {
    special(value).unwrap_or_else(|| {
        let text = format!("{value:e}");
        let (digits, exponent) = split(&text);
        layout(&digits, exponent, 6, value.is_sign_negative())
    })
}

/// A float as `%.Ng` prints it: so many significant digits, without zeros at the end.
pub(super) fn significant(value: f64, precision: usize) -> String {
    special(value).unwrap_or_else(|| {
        let text = format!("{value:.*e}", precision.saturating_sub(1));
        let (digits, exponent) = split(&text);
        let digits = digits.trim_end_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        layout(digits, exponent, precision as i32, value.is_sign_negative())
    })
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        return Some("NaN".to_owned());
    }
    value.is_infinite().then(|| if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
}

/// Digits and exponent of Rust's `1.25e-7`.
fn split(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (digits, exponent.parse().unwrap_or_default())
}

/// Digits with a decimal point, or with an exponent where it is below -4 or not below `limit`.
fn layout(digits: &str, exponent: i32, limit: i32, negative: bool) -> String {
    let sign = if negative { "-" } else { "" };
    if exponent < -4 || exponent >= limit {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        let point = if rest.is_empty() { "" } else { "." };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{direction}{:02}", exponent.abs());
    }
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

/// A number with a prefix for thousands, or thousandths.
pub fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return significant(value, 4);
    }
    if value.abs() >= 1.0 {
        return scaled_down(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"]);
    }
    scaled_up(value)
}

/// A number with a prefix for powers of 1024.
pub(super) fn humanize1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return significant(value, 4);
    }
    scaled_down(value, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
}

fn scaled_down(mut value: f64, base: f64, prefixes: &[&str]) -> String {
    let mut used = "";
    for prefix in prefixes {
        if value.abs() < base {
            break;
        }
        used = prefix;
        value /= base;
    }
    format!("{}{used}", significant(value, 4))
}

fn scaled_up(mut value: f64) -> String {
    let mut used = "";
    for prefix in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        used = prefix;
        value *= 1000.0;
    }
    format!("{}{used}", significant(value, 4))
}

/// Seconds as `1d 2h 3m 4s`; below a minute with four digits, below a second in ms, us, ns.
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return significant(value, 4);
    }
    if value == 0.0 {
        return format!("{}s", significant(value, 4));
    }
    if value.abs() < 1.0 {
        return format!("{}s", scaled_up(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // A float that an int64 cannot hold becomes the smallest one on amd64.
    let whole = if value.abs() < i64::MAX as f64 { value.abs() as i64 } else { i64::MIN };
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", significant(value.abs(), 4))
    }
}

/// Seconds since the epoch in milliseconds, cut.
///
/// # Errors
/// What is no number, and what nanoseconds in 64 bits cannot hold.
pub(super) fn time_of(seconds: f64) -> Result<i64, String> {
    if !seconds.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    let nanos = seconds * 1e9;
    if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
        let text = shortest(seconds);
        return Err(format!("{text} cannot be represented as a nanoseconds timestamp since it overflows int64"));
    }
    Ok(nanos as i64 / 1_000_000)
}

fn calendar(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// A time as Go prints it: `2025-11-14 15:09:00.123 +0000 UTC`.
pub(super) fn time(millis: i64) -> String {
    let time = calendar(millis);
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    if time.nanosecond() > 0 {
        let fraction = format!(".{:03}", time.timestamp_subsec_millis());
        text.push_str(fraction.trim_end_matches('0'));
    }
    text + " +0000 UTC"
}

/// A method of a time that takes no argument.
pub(super) fn time_method(millis: i64, name: &str) -> Option<Value> {
    let time = calendar(millis);
    let int = |number: i64| Some(Value::Int(number));
    match name {
        "Unix" => int(time.timestamp()),
        "UnixMilli" => int(millis),
        "UnixNano" => int(millis.saturating_mul(1_000_000)),
        "Year" => int(i64::from(time.year())),
        "Day" => int(i64::from(time.day())),
        "YearDay" => int(i64::from(time.ordinal())),
        "Hour" => int(i64::from(time.hour())),
        "Minute" => int(i64::from(time.minute())),
        "Second" => int(i64::from(time.second())),
        "Month" => Some(Value::String(time.format("%B").to_string().into())),
        "Weekday" => Some(Value::String(time.format("%A").to_string().into())),
        "UTC" => Some(super::value::time(millis)),
        "String" => Some(Value::String(self::time(millis).into())),
        _ => None,
    }
}

/// A time in a layout of Go, whose example is 2006-01-02 15:04:05.
pub(super) fn time_layout(millis: i64, layout: &str) -> String {
    const PARTS: [(&str, &str); 17] = [
        ("2006", "%Y"),
        ("January", "%B"),
        ("Jan", "%b"),
        ("Monday", "%A"),
        ("Mon", "%a"),
        ("MST", "UTC"),
        ("Z07:00", "Z"),
        ("-0700", "+0000"),
        ("-07:00", "+00:00"),
        ("01", "%m"),
        ("02", "%d"),
        ("03", "%I"),
        ("04", "%M"),
        ("05", "%S"),
        ("06", "%y"),
        ("15", "%H"),
        ("PM", "%p"),
    ];
    let time = calendar(millis);
    let mut out = String::new();
    let mut rest = layout;
    while let Some(next) = rest.chars().next() {
        if let Some((part, format)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) {
            out.push_str(&time.format(format).to_string());
            rest = &rest[part.len()..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// A duration as Go prints it: `1h2m3.5s`, `1.5ms`, `0s`.
pub(super) fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let scaled = |unit: u64, name: &str| {
        let fraction = format!("{:0width$}", total % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}{name}", total / unit)
    };
    match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{total}ns"),
        1_000..1_000_000 => scaled(1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "ms"),
        _ => {
            let (minutes, below) = (total / 60_000_000_000, total % 60_000_000_000);
            let fraction = format!("{:09}", below % 1_000_000_000);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            let seconds = format!("{}{point}{fraction}s", below / 1_000_000_000);
            match minutes {
                0 => format!("{sign}{seconds}"),
                1..60 => format!("{sign}{minutes}m{seconds}"),
                _ => format!("{sign}{}h{}m{seconds}", minutes / 60, minutes % 60),
            }
        }
    }
}

/// A method of a duration.
pub(super) fn duration_method(nanos: i64, name: &str) -> Option<Value> {
    let seconds = nanos as f64 / 1e9;
    match name {
        "Seconds" => Some(Value::Float(seconds)),
        "Minutes" => Some(Value::Float(seconds / 60.0)),
        "Hours" => Some(Value::Float(seconds / 3600.0)),
        "Milliseconds" => Some(Value::Int(nanos / 1_000_000)),
        "Microseconds" => Some(Value::Int(nanos / 1000)),
        "Nanoseconds" => Some(Value::Int(nanos)),
        "String" => Some(Value::String(duration(nanos).into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_go_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (99.95, "99.95"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1e20, "1e+20"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(shortest(value), text);
        }
        assert_eq!(significant(1234.5, 4), "1234");
        assert_eq!(significant(12345.0, 4), "1.234e+04");
        assert_eq!(significant(0.5, 4), "0.5");
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (-1_500_000_000, "-1.5s"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn times_print_as_go_prints_them() {
        assert_eq!(time(1_763_132_940_123), "2025-11-14 15:09:00.123 +0000 UTC");
        assert_eq!(time(0), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(time_layout(1_763_132_940_123, "2006-01-02T15:04:05Z07:00"), "2025-11-14T15:09:00Z");
    }
}
