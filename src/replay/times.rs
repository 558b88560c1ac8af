//! Times as a replay writes them: `"15:09:00"`, a full date, or a mark with a distance (`stuck.from + 20m`).

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::deserialize::Text;
use super::units;
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// The first and the last moment of a replay, by which times without a date are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// A time, or a mark and a distance from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    Time(Timestamp),
    Mark { name: String, offset: Duration },
}

impl Calendar {
    /// The date of times that are written without one; `None` where the replay spans midnight.
    fn date(self) -> Option<NaiveDate> {
        let start = self.start.calendar()?.date_naive();
        // A day that ends at 24:00 still has one date.
        let last = (self.end - Duration(1)).calendar()?.date_naive();
        (start == last).then_some(start)
    }

    /// Reads a time or a mark.
    pub fn point(self, text: &Text) -> Result<Point, Diagnostic> {
        let written = text.text.trim();
        let bare_number =
            !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
        if text.plain && bare_number {
            let problem = Diagnostic::error("a time written as a number");
            return Err(if written.contains(':') {
                problem.help(format!("YAML reads `{written}` as a number; write \"{written}\" in quotes"))
            } else {
                problem.help("write a time in quotes, as in \"15:09:00\"")
            });
        }
        let (base, offset) = match split_offset(written) {
            Some((base, sign, distance)) => {
                let distance = units::duration(distance)?;
                (base, if sign == '-' { -distance } else { distance })
            }
            None => (written, Duration::ZERO),
        };
        if base.starts_with(|c: char| c.is_ascii_digit()) {
            return self.inside(self.literal(base)? + offset).map(Point::Time);
        }
        if base.is_empty() {
            return Err(
                Diagnostic::error("an empty time").help("write \"15:09:00\", or a mark as in `stuck.from + 20m`")
            );
        }
        Ok(Point::Mark { name: base.to_owned(), offset })
    }

    /// The time itself, where it lies in the replay.
    pub fn inside(self, time: Timestamp) -> Result<Timestamp, Diagnostic> {
        if time < self.start || time > self.end {
            return Err(Diagnostic::error(format!("{time} is outside of the replay"))
                .help(format!("the replay goes from {} to {}", self.start, self.end)));
        }
        Ok(time)
    }

    fn literal(self, text: &str) -> Result<Timestamp, Diagnostic> {
        if let Some(time) = date_time(text) {
            return Ok(time);
        }
        let wrong = || {
            Diagnostic::error(format!("`{text}` is not a time"))
                .help("write hours, minutes and seconds, \"15:09:00\", or a full date, 2025-11-14T15:09:00Z")
        };
        let time = ["%H:%M:%S%.f", "%H:%M"]
            .iter()
            .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
            .ok_or_else(wrong)?;
        let Some(date) = self.date() else {
            let start = self.start.calendar().map_or_else(String::new, |t| t.date_naive().to_string());
            return Err(Diagnostic::error(format!("`{text}` has no date, and the replay spans midnight"))
                .help(format!("write the date, as in \"{start}T{text}Z\"")));
        };
        Ok(Timestamp(date.and_time(time).and_utc().timestamp_millis()))
    }
}

/// A date with a time, RFC 3339 or without a zone (then UTC).
pub fn date_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(time.timestamp_millis()));
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| Timestamp(time.and_utc().timestamp_millis()))
}

/// `stuck.from + 20m` into its parts; the sign stands between spaces.
fn split_offset(text: &str) -> Option<(&str, char, &str)> {
    let spaced = [" + ", " - "].iter().find_map(|sign| {
        let (base, distance) = text.rsplit_once(sign)?;
        Some((base.trim(), sign.chars().nth(1)?, distance.trim()))
    });
    // `stuck.from+5m` is a mark as well; a date has its `+` before a zone, which is no duration.
    spaced.or_else(|| {
        let (base, distance) = text.rsplit_once('+')?;
        let duration = units::duration(distance.trim()).is_ok();
        (duration && base.contains(|c: char| c.is_ascii_alphabetic())).then(|| (base.trim(), '+', distance.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;

    fn text(text: &str, plain: bool) -> Text {
        Text { text: text.to_owned(), span: Span::default(), plain }
    }

    fn day() -> Calendar {
        Calendar { start: date_time("2025-11-14T14:30:00Z").unwrap(), end: date_time("2025-11-14T16:30:00Z").unwrap() }
    }

    #[test]
    fn times_take_the_date_of_the_replay() {
        let nine = Point::Time(date_time("2025-11-14T15:09:00Z").unwrap());
        for written in
            ["15:09:00", "15:09", "2025-11-14T15:09:00Z", "2025-11-14T16:09:00+01:00", "15:08:00 + 1m", "16:09 - 1h"]
        {
            assert_eq!(day().point(&text(written, false)).unwrap(), nine, "{written}");
        }
        assert_eq!(
            day().point(&text("stuck.from - 90s", true)).unwrap(),
            Point::Mark { name: "stuck.from".into(), offset: Duration(-90_000) }
        );
        assert_eq!(
            day().point(&text("stuck.from+5m", true)).unwrap(),
            Point::Mark { name: "stuck.from".into(), offset: Duration(300_000) }
        );
    }

    #[test]
    fn a_time_written_as_a_number_is_refused() {
        let problem = day().point(&text("15:42", true)).unwrap_err();
        assert_eq!(problem.message, "a time written as a number");
        assert_eq!(problem.help.unwrap(), "YAML reads `15:42` as a number; write \"15:42\" in quotes");
        assert!(day().point(&text("56520", true)).is_err());
    }

    #[test]
    fn times_outside_or_without_a_needed_date_are_refused() {
        assert!(day().point(&text("17:00:00", false)).unwrap_err().message.contains("outside of the replay"));
        assert!(day().point(&text("25:00", false)).is_err());
        let night = Calendar {
            start: date_time("2026-06-09T22:00:00Z").unwrap(),
            end: date_time("2026-06-10T04:00:00Z").unwrap(),
        };
        assert!(night.point(&text("03:14", false)).unwrap_err().message.contains("spans midnight"));
        assert!(night.point(&text("2026-06-10T03:14:00Z", false)).is_ok());
        let whole =
            Calendar { start: date_time("2026-06-09 00:00").unwrap(), end: date_time("2026-06-10 00:00").unwrap() };
        assert!(whole.point(&text("12:00", false)).is_ok());
    }
}
