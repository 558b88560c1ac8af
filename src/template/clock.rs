//! Times and durations as Go prints them (`time/format.go`).

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::moment::{Moment, Zone};
use super::value::{Value, Whole};

/// What Prometheus says of a number that is no time.
pub(super) const NO_TIME: &str = "value is NaN or Inf";

/// Seconds since the epoch as a time, cut to milliseconds.
///
/// # Errors
/// What is no number, and what nanoseconds in 64 bits cannot hold.
pub(super) fn time_of(seconds: f64) -> Result<DateTime<Utc>, String> {
    if !seconds.is_finite() {
        return Err(NO_TIME.to_owned());
    }
    let nanos = seconds * 1e9;
    if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
        let text = crate::number::format_v(seconds);
        return Err(format!("{text} cannot be represented as a nanoseconds timestamp since it overflows int64"));
    }
    let nanos = nanoseconds(nanos);
    // Go's division cuts towards zero.
    Ok(DateTime::from_timestamp_millis(nanos / 1_000_000).unwrap_or_default())
}

/// A float as an int64: on amd64, one that does not fit becomes the smallest.
pub(super) fn nanoseconds(nanos: f64) -> i64 {
    let fits = nanos >= i64::MIN as f64 && nanos < i64::MAX as f64;
    if fits { nanos as i64 } else { i64::MIN }
}

/// The text of a type that has one of its own (`String()`).
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Time(time) => Some(time_text(time)),
        Value::TimePointer(time) => Some(time_text(&(**time).into())),
        Value::DurationPointer(nanos) => Some(duration(**nanos)),
        Value::Int(nanos, Whole::Duration) => Some(duration(*nanos)),
        Value::Histogram(histogram) => Some(histogram.to_string()),
        Value::Int(month, Whole::Month) => {
            Some(named(&MONTHS, month - 1).map_or(format!("%!Month({month})"), str::to_owned))
        }
        Value::Int(day, Whole::Weekday) => {
            Some(named(&WEEKDAYS, *day).map_or(format!("%!Weekday({day})"), str::to_owned))
        }
        _ => None,
    }
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn named(names: &[&'static str], at: i64) -> Option<&'static str> {
    usize::try_from(at).ok().and_then(|at| names.get(at).copied())
}

/// `2025-11-14 15:09:00.123 +0000 UTC`
fn time_text(time: &Moment) -> String {
    layout(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// `time.Date(2025, time.November, 14, 15, 9, 0, 123000000, time.UTC)`: `%#v`.
pub(super) fn go_syntax(moment: &Moment) -> String {
    let time = moment.shown();
    let place = match &moment.zone {
        Zone::Utc => "time.UTC".to_owned(),
        Zone::Place(place) => format!("time.Location(\"{place}\")"),
        Zone::Fixed(name, _) => format!("time.Location(\"{name}\")"),
    };
    let month = named(&MONTHS, i64::from(time.month0())).unwrap_or_default();
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {place})",
        time.year(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.nanosecond()
    )
}

/// The fields of Go's struct: nanoseconds, seconds since the year 1, and a pointer to the location, which is nil for UTC.
pub(super) fn fields(time: &DateTime<Utc>, verb: char) -> [(&'static str, Value); 3] {
    const YEAR_1: i64 = -62_135_596_800;
    [
        ("wall", Value::Int(i64::from(time.nanosecond()), Whole::Int64)),
        ("ext", Value::Int(time.timestamp() - YEAR_1, Whole::Int64)),
        ("loc", if verb == 'v' { Value::Nil } else { Value::Int(0, Whole::Int64) }),
    ]
}

/// A duration: `1h2m3.5s`, `1.5ms`, `0s`.
pub(super) fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let scaled = |amount: u64, unit: u64, name: &str| {
        let fraction = format!("{:0width$}", amount % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{}{point}{fraction}{name}", amount / unit)
    };
    let text = match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{total}ns"),
        1_000..1_000_000 => scaled(total, 1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(total, 1_000_000, "ms"),
        _ => {
            let seconds = scaled(total % 60_000_000_000, 1_000_000_000, "s");
            match total / 60_000_000_000 {
                0 => seconds,
                minutes @ 1..60 => format!("{minutes}m{seconds}"),
                minutes => format!("{}h{}m{seconds}", minutes / 60, minutes % 60),
            }
        }
    };
    format!("{sign}{text}")
}

/// Pieces of a layout, longer ones before those that they begin with, and what they stand for in `piece`.
pub(super) const PIECES: [&str; 35] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "1",
    "2",
    "3",
    "4",
    "5",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "_2006",
    "",
];

/// A time in a layout, whose example is `Mon Jan 2 15:04:05 2006`.
pub(super) fn layout(moment: &Moment, layout: &str) -> String {
    let time = &moment.shown();
    let mut out = String::new();
    let mut rest = layout;
    while let Some(next) = rest.chars().next() {
        if let Some(length) = fraction(rest) {
            out.push_str(&fraction_text(time, &rest[..length]));
            rest = &rest[length..];
            continue;
        }
        // `_2006` is an underscore and a year.
        let found =
            PIECES.iter().find(|piece| !piece.is_empty() && rest.starts_with(**piece) && stands_alone(piece, rest));
        match found.filter(|_| !rest.starts_with("_2006")) {
            Some(piece) => {
                match piece.strip_prefix('Z').or(piece.strip_prefix('-')) {
                    Some(_) => out.push_str(&zone_text(moment.offset(), piece)),
                    None if *piece == "MST" => out.push_str(&zone_name(moment)),
                    None => out.push_str(&piece_text(time, piece)),
                }
                rest = &rest[piece.len()..];
            }
            None => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// Short names of months and days stand for themselves where small letters go on.
pub(super) fn stands_alone(piece: &str, rest: &str) -> bool {
    !matches!(piece, "Jan" | "Mon") || !rest[3..].starts_with(|c: char| c.is_ascii_lowercase())
}

fn piece_text(time: &DateTime<Utc>, piece: &str) -> String {
    let month = named(&MONTHS, i64::from(time.month0())).unwrap_or_default();
    let weekday = named(&WEEKDAYS, i64::from(time.weekday().num_days_from_sunday())).unwrap_or_default();
    let (pm, hour) = time.hour12();
    match piece {
        "January" => month.to_owned(),
        "Jan" => month[..3].to_owned(),
        "Monday" => weekday.to_owned(),
        "Mon" => weekday[..3].to_owned(),
        "2006" => match time.year() {
            year @ 0.. => format!("{year:04}"),
            year => format!("-{:04}", year.unsigned_abs()),
        },
        "06" => format!("{:02}", time.year().rem_euclid(100)),
        "002" => format!("{:03}", time.ordinal()),
        "__2" => format!("{:3}", time.ordinal()),
        "01" => format!("{:02}", time.month()),
        "1" => time.month().to_string(),
        "02" => format!("{:02}", time.day()),
        "_2" => format!("{:2}", time.day()),
        "2" => time.day().to_string(),
        "15" => format!("{:02}", time.hour()),
        "03" => format!("{hour:02}"),
        "3" => hour.to_string(),
        "04" => format!("{:02}", time.minute()),
        "4" => time.minute().to_string(),
        "05" => format!("{:02}", time.second()),
        "5" => time.second().to_string(),
        "PM" => if pm { "PM" } else { "AM" }.to_owned(),
        // `pm`; zones are not told here.
        _ => if pm { "pm" } else { "am" }.to_owned(),
    }
}

/// The distance of a zone from UTC: `Z07:00`, `-0700` and the like.
fn zone_text(offset: i64, piece: &str) -> String {
    if offset == 0 && piece.starts_with('Z') {
        return "Z".to_owned();
    }
    let colon = if piece.contains(':') { ":" } else { "" };
    // Less than a minute has no sign.
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let mut out = format!("{sign}{:02}", seconds / 3600);
    for unit in
        [seconds / 60 % 60, seconds % 60].into_iter().take(piece.bytes().filter(u8::is_ascii_digit).count() / 2 - 1)
    {
        out += &format!("{colon}{unit:02}");
    }
    out
}

/// What a zone is called; its distance from UTC where it has no name.
fn zone_name(moment: &Moment) -> String {
    match moment.zone_name() {
        name if name.is_empty() => zone_text(moment.offset(), "-0700"),
        name => name,
    }
}

/// The length of `.000` or `,999`, behind which no digit may stand.
pub(super) fn fraction(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let digit = *bytes.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let end = 1 + bytes[1..].iter().take_while(|byte| **byte == digit).count();
    let ends = bytes.get(end).is_none_or(|byte| !byte.is_ascii_digit());
    (matches!(bytes[0], b'.' | b',') && ends).then_some(end)
}

/// Zeros keep their digits, nines drop the zeros at the end.
fn fraction_text(time: &DateTime<Utc>, written: &str) -> String {
    let digits = format!("{:09}", time.nanosecond());
    let digits = digits.get(..written.len() - 1).unwrap_or(&digits);
    let separator = &written[..1];
    if written.ends_with('0') {
        return format!("{separator}{digits:0<width$}", width = written.len() - 1);
    }
    match digits.trim_end_matches('0') {
        "" => String::new(),
        digits => format!("{separator}{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    // Expected values: Go's `time.Time.Format` for this moment.
    #[test]
    fn times_print_in_any_layout() {
        let time = Moment::from(DateTime::from_timestamp_millis(1_763_132_940_120).unwrap());
        assert_eq!(time_text(&time), "2025-11-14 15:09:00.12 +0000 UTC");
        assert_eq!(time_text(&DateTime::<Utc>::default().into()), "1970-01-01 00:00:00 +0000 UTC");
        for (written, text) in [
            ("2006-01-02T15:04:05Z07:00", "2025-11-14T15:09:00Z"),
            ("Mon Jan _2 3:04PM 06", "Fri Nov 14 3:09PM 25"),
            ("Monday, January 2 (002)", "Friday, November 14 (318)"),
            ("Month Janet", "Month Janet"),
            ("05.000,999 .05", "00.120,12 .00"),
            ("-07:00 -0700 MST", "+00:00 +0000 UTC"),
            ("1/2 03:4:5 pm", "11/14 03:9:0 pm"),
        ] {
            assert_eq!(layout(&time, written), text, "{written}");
        }
    }
}
