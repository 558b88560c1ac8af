//! Times read in a layout, as Go's `time.Parse` reads them.

use chrono::NaiveDate;

use super::clock::{MONTHS, PIECES, WEEKDAYS, fraction, stands_alone};
use super::moment::{Moment, Zone};

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
    utc: bool,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
    /// What the zone is called.
    zone: String,
}

/// The time that a text means at a place (`time.ParseInLocation`); `None` for what does not fit the layout.
pub(super) fn read(layout: &str, text: &str, place: &Zone) -> Option<Moment> {
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
        utc: false,
        offset: None,
        zone: String::new(),
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
    text.is_empty().then(|| fields.time(place)).flatten()
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
                let length = if text.starts_with("UTC") { 3 } else { zone_name(text)? };
                self.utc |= text.starts_with("UTC");
                (self.zone, rest) = (text[..length].to_owned(), &text[length..]);
            }
            zone => {
                if let Some(after) = text.strip_prefix('Z').filter(|_| zone.starts_with('Z')) {
                    self.utc = true;
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

    fn time(self, place: &Zone) -> Option<Moment> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(self.year, day)?,
            None => NaiveDate::from_ymd_opt(self.year, self.month, self.day)?,
        };
        let local = date.and_hms_nano_opt(hour, self.minute, self.second, self.nanosecond)?;
        match self.offset {
            _ if self.utc => Zone::Utc.at(local),
            Some(offset) => place.at_offset(local, offset, &self.zone),
            None if self.zone.is_empty() => place.at(local),
            None => place.at_name(local, &self.zone),
        }
    }
}

/// The length of a zone's name at the start of a text (`parseTimeZone`): three to five capitals, the longer ones of a form of their own, or
/// hours with a sign.
fn zone_name(text: &str) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(hours) = text.strip_prefix("GMT") {
        return Some(3 + signed_hours(hours));
    }
    if text.starts_with(['+', '-']) {
        return Some(signed_hours(text)).filter(|length| *length > 0);
    }
    let capitals = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let fits = match capitals {
        3 => true,
        4 => text[..4].ends_with('T') || text.starts_with("WITA"),
        5 => text[..5].ends_with('T'),
        _ => false,
    };
    fits.then_some(capitals)
}

/// The length of `+3` or `-11`; 0 for what is beyond 23 hours, or no number.
fn signed_hours(text: &str) -> usize {
    let Some(hours) = text.strip_prefix(['+', '-']) else { return 0 };
    let length = hours.bytes().take_while(u8::is_ascii_digit).count();
    match hours[..length].parse::<u8>() {
        Ok(0..=23) => 1 + length,
        _ => 0,
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
            let read = read(layout, text, &Zone::Utc);
            let read = read.map(|read| read.utc.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            assert_eq!(read.as_deref(), time, "{layout} {text}");
        }
    }

    // Expected values: the rules of Go's `time.ParseInLocation`, and the clocks of these places.
    #[test]
    fn times_are_told_where_their_text_or_else_the_place_says() {
        const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
        const NAMED: &str = "2006-01-02 15:04 MST";
        for (place, layout, text, told) in [
            ("Europe/Berlin", "2006-01-02", "2021-11-02", "2021-11-02 00:00:00 +0100 CET"),
            ("Europe/Berlin", "2006-01-02", "2021-07-02", "2021-07-02 00:00:00 +0200 CEST"),
            ("Asia/Kathmandu", "2006-01-02", "2021-07-02", "2021-07-02 00:00:00 +0545 +0545"),
            ("Nowhere/Land", "2006-01-02", "2021-07-02", "2021-07-02 00:00:00 +0000 UTC"),
            ("Europe/Berlin", RFC3339, "2021-11-02T03:04:05+01:00", "2021-11-02 03:04:05 +0100 CET"),
            ("Europe/Berlin", RFC3339, "2021-07-02T03:04:05+01:00", "2021-07-02 03:04:05 +0100 +0100"),
            ("Europe/Berlin", RFC3339, "2021-11-02T03:04:05-03:30", "2021-11-02 03:04:05 -0330 -0330"),
            ("Europe/Berlin", RFC3339, "2021-11-02T03:04:05Z", "2021-11-02 03:04:05 +0000 UTC"),
            ("UTC", RFC3339, "2021-11-02T03:04:05+01:00", "2021-11-02 03:04:05 +0100 +0100"),
            ("UTC", RFC3339, "2021-11-02T03:04:05+00:00", "2021-11-02 03:04:05 +0000 UTC"),
            ("Europe/Berlin", NAMED, "2021-11-02 03:04 CET", "2021-11-02 03:04:00 +0100 CET"),
            ("Europe/Berlin", NAMED, "2021-11-02 03:04 CEST", "2021-11-02 02:04:00 +0100 CET"),
            ("Europe/Berlin", NAMED, "2021-11-02 03:04 UTC", "2021-11-02 03:04:00 +0000 UTC"),
            ("Europe/Berlin", NAMED, "2021-11-02 03:04 PST", "2021-11-02 03:04:00 +0000 PST"),
            ("UTC", NAMED, "2021-11-02 03:04 GMT+3", "2021-11-02 03:04:00 +0300 GMT+3"),
        ] {
            let read = read(layout, text, &Zone::named(place));
            let read = read.map(|read| super::super::clock::layout(&read, "2006-01-02 15:04:05 -0700 MST"));
            assert_eq!(read.as_deref(), Some(told), "{layout} {text} in {place}");
        }
        assert_eq!(super::super::clock::layout(&read("MST", "PST", &Zone::Utc).unwrap(), "Z07:00 -07"), "Z +00");
        assert_eq!(read(NAMED, "2021-11-02 03:04 Pst", &Zone::Utc), None);
    }
}
