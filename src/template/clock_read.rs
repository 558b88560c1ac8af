//! Times read in a layout, as Go's `time.Parse` reads them.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::clock::{MONTHS, PIECES, WEEKDAYS, fraction, stands_alone};

/// What was read so far.
struct Fields {
    year: i32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    afternoon: Option<bool>,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

/// The time that a text means; `zone` is the seconds east of Greenwich that hold where the text names no zone.
/// `None` for what does not fit the layout.
pub(super) fn read(layout: &str, text: &str, zone: impl FnOnce(DateTime<Utc>) -> i64) -> Option<DateTime<Utc>> {
    let mut fields = Fields {
        year: 0,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        afternoon: None,
        offset: None,
    };
    let (mut layout, mut text) = (layout, text);
    while let Some(next) = layout.chars().next() {
        if let Some(length) = fraction(layout) {
            text = fields.fraction(&layout[..length], text)?;
            layout = &layout[length..];
            continue;
        }
        let year = layout.starts_with("_2006");
        let found =
            PIECES.iter().find(|piece| !piece.is_empty() && layout.starts_with(**piece) && stands_alone(piece, layout));
        match found.filter(|_| !year) {
            Some(piece) => {
                text = fields.piece(piece, text)?;
                layout = &layout[piece.len()..];
                // Seconds may have a fraction that the layout does not name.
                if matches!(*piece, "05" | "5") && fraction(layout).is_none() {
                    text = fields.spare_fraction(text);
                }
            }
            None if next == ' ' => {
                text = if text.is_empty() { text } else { text.strip_prefix(' ')?.trim_start_matches(' ') };
                layout = layout.trim_start_matches(' ');
            }
            None => {
                text = text.strip_prefix(next)?;
                layout = &layout[next.len_utf8()..];
            }
        }
    }
    text.is_empty().then(|| fields.time(zone)).flatten()
}

fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn named<'t>(names: &[&str], length: Option<usize>, text: &'t str) -> Option<(u32, &'t str)> {
    let starts = |name: &&str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let cut = |name: &str| length.map_or(name.len(), |length| length.min(name.len()));
    names
        .iter()
        .enumerate()
        .find(|(_, name)| starts(&&name[..cut(name)]))
        .map(|(at, name)| (at as u32, &text[cut(name)..]))
}

impl Fields {
    fn piece<'t>(&mut self, piece: &str, text: &'t str) -> Option<&'t str> {
        let rest;
        match piece {
            "January" | "Jan" => {
                (self.month, rest) =
                    named(&MONTHS, (piece == "Jan").then_some(3), text).map(|(at, rest)| (at + 1, rest))?
            }
            "Monday" | "Mon" => rest = named(&WEEKDAYS, (piece == "Mon").then_some(3), text)?.1,
            "2006" => {
                let (year, after) = digits(text, 4, 4)?;
                (self.year, rest) = (year as i32, after);
            }
            "06" => {
                let (year, after) = digits(text, 2, 2)?;
                (self.year, rest) = (year as i32 + if year >= 69 { 1900 } else { 2000 }, after);
            }
            "01" => (self.month, rest) = digits(text, 2, 2)?,
            "1" => (self.month, rest) = digits(text, 1, 2)?,
            "02" => (self.day, rest) = digits(text, 2, 2)?,
            "2" | "_2" => {
                (self.day, rest) = digits(text.strip_prefix(' ').filter(|_| piece == "_2").unwrap_or(text), 1, 2)?
            }
            "002" | "__2" => {
                let (day, after) = digits(if piece == "__2" { text.trim_start_matches(' ') } else { text }, 1, 3)?;
                (self.day_of_year, rest) = (Some(day), after);
            }
            "15" | "03" => (self.hour, rest) = digits(text, 2, 2)?,
            "3" => (self.hour, rest) = digits(text, 1, 2)?,
            "04" => (self.minute, rest) = digits(text, 2, 2)?,
            "4" => (self.minute, rest) = digits(text, 1, 2)?,
            "05" => (self.second, rest) = digits(text, 2, 2)?,
            "5" => (self.second, rest) = digits(text, 1, 2)?,
            "PM" | "pm" => {
                let [am, pm] = if piece == "PM" { ["AM", "PM"] } else { ["am", "pm"] };
                let afternoon = text.starts_with(pm);
                rest = text.strip_prefix(if afternoon { pm } else { am })?;
                self.afternoon = Some(afternoon);
            }
            "MST" => {
                // A name says where, not when, unless it is UTC.
                let length = text.bytes().take_while(u8::is_ascii_uppercase).count();
                if length < 3 {
                    return None;
                }
                if &text[..length] == "UTC" {
                    self.offset = Some(0);
                }
                rest = &text[length..];
            }
            zone => {
                if let Some(after) = text.strip_prefix('Z').filter(|_| zone.starts_with('Z')) {
                    self.offset = Some(0);
                    return Some(after);
                }
                let sign = match text.chars().next()? {
                    '+' => 1,
                    '-' => -1,
                    _ => return None,
                };
                let colon = zone.contains(':');
                let parts = zone.bytes().filter(u8::is_ascii_digit).count() / 2;
                let (mut seconds, mut after) = (0, &text[1..]);
                for (at, unit) in [3600, 60, 1].into_iter().enumerate().take(parts) {
                    if at > 0 && colon {
                        after = after.strip_prefix(':')?;
                    }
                    let (value, behind) = digits(after, 2, 2)?;
                    seconds += i64::from(value) * unit;
                    after = behind;
                }
                (self.offset, rest) = (Some(sign * seconds), after);
            }
        }
        Some(rest)
    }

    /// Zeros want as many digits, nines take any number.
    fn fraction<'t>(&mut self, written: &str, text: &'t str) -> Option<&'t str> {
        let separated = text.strip_prefix(['.', ',']);
        let Some(rest) = separated else { return written.ends_with('9').then_some(text) };
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let length = if written.ends_with('0') { written.len() - 1 } else { length };
        let digits = rest.get(..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.nanosecond = format!("{digits:0<9}").get(..9)?.parse().ok()?;
        Some(&rest[length..])
    }

    fn spare_fraction<'t>(&mut self, text: &'t str) -> &'t str {
        match text.as_bytes() {
            [b'.' | b',', digit, ..] if digit.is_ascii_digit() => self.fraction(".9", text).unwrap_or(text),
            _ => text,
        }
    }

    fn time(self, zone: impl FnOnce(DateTime<Utc>) -> i64) -> Option<DateTime<Utc>> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(self.year, day)?,
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day)?,
        };
        let local = date.and_hms_nano_opt(hour, self.minute, self.second, self.nanosecond)?.and_utc();
        let offset = self.offset.unwrap_or_else(|| zone(local));
        local.checked_sub_signed(Duration::try_seconds(offset)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Go's `time.Parse`.
    #[test]
    fn times_are_read_in_their_layout() {
        for (layout, text, time) in [
            ("2006-01-02", "2021-11-02", Some("2021-11-02T00:00:00Z")),
            ("2006-01-02T15:04:05Z07:00", "2021-11-02T03:04:05.678+01:00", Some("2021-11-02T02:04:05.678Z")),
            ("Jan _2 06 3:04PM", "Nov  2 21 3:04PM", Some("2021-11-02T15:04:00Z")),
            ("02/Jan/2006:15:04:05 -0700", "14/Nov/2025:15:00:01 +0000", Some("2025-11-14T15:00:01Z")),
            ("2006-01-02 15:04:05.000", "2021-11-02 01:02:03.004", Some("2021-11-02T01:02:03.004Z")),
            ("15:04", "25:00", None),
            ("2006-01-02", "2021-02-30", None),
            ("2006-01-02", "2021-11-02x", None),
        ] {
            let read = read(layout, text, |_| 0).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            assert_eq!(read.as_deref(), time, "{layout} {text}");
        }
    }
}
