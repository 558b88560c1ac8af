//! How the lines of a file write their times: a pattern of chrono, found anywhere in a line.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{Datelike, Days, FixedOffset, NaiveDateTime, Offset, Utc};
use regex::Regex;

use crate::text::Diagnostic;
use crate::time::{Nanoseconds, Timestamp};

/// The zone of times that do not say theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(FixedOffset);

impl Zone {
    pub const UTC: Zone = Zone(match FixedOffset::east_opt(0) {
        Some(offset) => offset,
        None => panic!("zero is an offset"),
    });

    /// The moment of a local time.
    pub fn instant(self, local: NaiveDateTime) -> Option<Nanoseconds> {
        local.and_local_timezone(self.0).single()?.timestamp_nanos_opt().map(Nanoseconds)
    }
}

impl FromStr for Zone {
    type Err = Diagnostic;

    /// `UTC`, `+01:00`, `-0500`.
    fn from_str(text: &str) -> Result<Zone, Diagnostic> {
        if matches!(text, "UTC" | "Z" | "GMT") {
            return Ok(Zone(Utc.fix()));
        }
        text.parse::<FixedOffset>().map(Zone).map_err(|_| {
            Diagnostic::error(format!("`{text}` is no zone"))
                .help("write its distance from UTC at that time, such as \"+01:00\" or \"-05:00\", or UTC")
        })
    }
}

/// A pattern, ready to be looked for.
#[derive(Clone, Debug)]
pub struct TimePattern {
    written: String,
    items: Vec<Item<'static>>,
    regex: Regex,
    zone: Zone,
    /// `%s` counts seconds from here, not from 1970.
    zero: Option<Nanoseconds>,
    /// The times between which a time is looked for that says no year or no date.
    near: (Nanoseconds, Nanoseconds),
    lacks: Lacks,
}

/// What the pattern does not say of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lacks {
    Nothing,
    Year,
    Date,
}

/// Patterns that are proposed where none is written and one of them fits: that of most programs first.
const PROPOSED: [&str; 15] = [
    "[%Y-%m-%d %H:%M:%S%.3f]",
    "%+",
    "%Y-%m-%d %H:%M:%S,%3f",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "[%d/%b/%Y:%H:%M:%S %z]",
    "%a %b %e %H:%M:%S %Y",
    "%b %e %H:%M:%S%.f",
    "%m%d %H:%M:%S%.f",
    "[%s%.f]",
    "%H:%M:%S%.f",
    "%s%.3f",
    "%s",
];

impl TimePattern {
    /// Reads a pattern. `near` are the first and the last moment in which the lines are of interest.
    ///
    /// # Errors
    /// What is no pattern, or says no time.
    pub fn new(
        written: &str,
        zone: Zone,
        zero: Option<Timestamp>,
        near: (Timestamp, Timestamp),
    ) -> Result<TimePattern, Diagnostic> {
        let wrong = |what: &str| Err(Diagnostic::error(format!("`{written}` {what}")).help(HELP));
        let mut items = Vec::new();
        for item in StrftimeItems::new(written) {
            match item {
                Item::Error => return wrong("is no way to write a time"),
                // So that `Z` is a zone as well.
                Item::Fixed(Fixed::TimezoneOffset) => items.push(Item::Fixed(Fixed::TimezoneOffsetZ)),
                Item::Fixed(Fixed::TimezoneOffsetColon) => items.push(Item::Fixed(Fixed::TimezoneOffsetColonZ)),
                item => items.push(item.to_owned()),
            }
        }
        let has = |wanted: &[Numeric]| {
            items.iter().any(|item| matches!(item, Item::Numeric(found, _) if wanted.contains(found)))
        };
        let complete = items.iter().any(|item| matches!(item, Item::Fixed(Fixed::RFC3339)));
        let epoch = complete || has(&[Numeric::Timestamp]);
        let hour = has(&[Numeric::Hour, Numeric::Hour12]);
        if !epoch && !hour {
            return wrong("says no time of the day");
        }
        if !epoch
            && has(&[Numeric::Hour12])
            && !items.iter().any(|item| matches!(item, Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm)))
        {
            return wrong("does not say whether it is morning");
        }
        if !epoch && !has(&[Numeric::Minute]) {
            return wrong("says no minutes");
        }
        if zero.is_some() && (complete || !epoch) {
            return wrong("counts no seconds, so that they cannot count from `zero`");
        }
        let named_month =
            items.iter().any(|item| matches!(item, Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName)));
        let day = has(&[Numeric::Ordinal]) || (has(&[Numeric::Day]) && (named_month || has(&[Numeric::Month])));
        let lacks = match (epoch || (day && has(&[Numeric::Year, Numeric::YearMod100])), day) {
            (true, _) => Lacks::Nothing,
            (false, true) => Lacks::Year,
            (false, false) => Lacks::Date,
        };
        let Ok(regex) = Regex::new(&expression(&items)) else { return wrong("is too long") };
        let zero = zero.map(nanoseconds);
        let near = (nanoseconds(near.0), nanoseconds(near.1));
        Ok(TimePattern { written: written.to_owned(), items, regex, zone, zero, near, lacks })
    }

    /// The pattern of those that most programs use that fits a line.
    pub fn propose(line: &str) -> Option<&'static str> {
        static PATTERNS: LazyLock<Vec<(&str, TimePattern)>> = LazyLock::new(|| {
            let epoch = (Timestamp(0), Timestamp(0));
            let read = |written| Some((written, TimePattern::new(written, Zone::UTC, None, epoch).ok()?));
            PROPOSED.into_iter().filter_map(read).collect()
        });
        let fits = |(written, pattern): &&(&'static str, TimePattern)| {
            // The most general ones fit any number.
            let anywhere = !matches!(*written, "%s" | "%s%.3f");
            let found = pattern.regex.find(line);
            found.is_some_and(|found| anywhere || (found.start() == 0 && found.len() >= 10))
                && pattern.find(line, None).is_some()
        };
        PATTERNS.iter().find(fits).map(|(written, _)| *written)
    }

    pub fn written(&self) -> &str {
        &self.written
    }

    /// The first time in a line. Where the pattern says no year or no date, it is the one that is nearest to `after`, the time of
    /// the line before, or else to the times of interest.
    pub fn find(&self, line: &str, after: Option<Nanoseconds>) -> Option<Nanoseconds> {
        self.regex.find_iter(line).find_map(|found| {
            let mut parsed = Parsed::new();
            parse(&mut parsed, found.as_str(), self.items.iter()).ok()?;
            self.complete(&parsed, after)
        })
    }

    fn complete(&self, parsed: &Parsed, after: Option<Nanoseconds>) -> Option<Nanoseconds> {
        if let Some(seconds) = parsed.timestamp() {
            let since = seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(parsed.nanosecond().unwrap_or(0)))?;
            return self.zero.map_or(Some(0), |zero| Some(zero.0))?.checked_add(since).map(Nanoseconds);
        }
        let zone = match parsed.offset() {
            Some(seconds) => Zone(FixedOffset::east_opt(seconds)?),
            None => self.zone,
        };
        // A time without seconds is the beginning of its minute.
        let mut parsed = parsed.clone();
        if parsed.second().is_none() {
            parsed.set_second(0).ok()?;
        }
        let (from, to) = after.map_or(self.near, |after| (after, after));
        let middle = chrono::DateTime::from_timestamp_nanos(from.0).with_timezone(&zone.0).naive_local();
        let candidates: Vec<Option<NaiveDateTime>> = match self.lacks {
            Lacks::Nothing => vec![local(&parsed)],
            Lacks::Year => [0, -1, 1]
                .iter()
                .map(|more| {
                    let mut dated = parsed.clone();
                    dated.set_year(i64::from(middle.year() + more)).ok()?;
                    local(&dated)
                })
                .collect(),
            Lacks::Date => {
                let time = parsed.to_naive_time().ok()?;
                let date = middle.date();
                // A replay of several days: the first one, unless the line before was later.
                [Some(date), date.checked_sub_days(Days::new(1)), date.checked_add_days(Days::new(1))]
                    .iter()
                    .map(|date| Some(date.as_ref()?.and_time(time)))
                    .collect()
            }
        };
        let instants = candidates.into_iter().flatten().filter_map(|local| zone.instant(local));
        let away = |time: &Nanoseconds| from.0.saturating_sub(time.0).max(time.0.saturating_sub(to.0)).max(0);
        instants.min_by_key(away)
    }
}

const HELP: &str = "write it as strftime and chrono do: `%Y-%m-%d %H:%M:%S%.3f`, `%b %e %H:%M:%S`, `%s` for seconds";

fn nanoseconds(time: Timestamp) -> Nanoseconds {
    Nanoseconds(time.0.saturating_mul(1_000_000))
}

/// Date and time, whatever the zone.
fn local(parsed: &Parsed) -> Option<NaiveDateTime> {
    Some(parsed.to_naive_date().ok()?.and_time(parsed.to_naive_time().ok()?))
}

/// What a time looks like: a little more than chrono reads, so that what looks alike and is none is asked and refused.
fn expression(items: &[Item<'static>]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for item in items {
        let _ = match item {
            Item::Literal(text) => write!(out, "{}", regex::escape(text)),
            Item::OwnedLiteral(text) => write!(out, "{}", regex::escape(text)),
            Item::Space(_) | Item::OwnedSpace(_) => write!(out, r"\s+"),
            Item::Numeric(numeric, _) => match numeric {
                Numeric::Year | Numeric::IsoYear => write!(out, r"\d{{4}}"),
                Numeric::Ordinal => write!(out, r"\s*\d{{1,3}}"),
                Numeric::Nanosecond => write!(out, r"\d{{1,9}}"),
                // dmesg fills up with blanks.
                Numeric::Timestamp => write!(out, r"\s*\d{{1,12}}"),
                _ => write!(out, r"\s*\d{{1,2}}"),
            },
            Item::Fixed(fixed) => match fixed {
                Fixed::ShortMonthName | Fixed::ShortWeekdayName => write!(out, "[A-Za-z]{{3}}"),
                Fixed::LongMonthName | Fixed::LongWeekdayName => write!(out, "[A-Za-z]{{3,9}}"),
                Fixed::LowerAmPm | Fixed::UpperAmPm => write!(out, "[AaPp][Mm]"),
                Fixed::Nanosecond => write!(out, r"(?:\.\d{{1,9}})?"),
                Fixed::Nanosecond3 => write!(out, r"\.\d{{3}}"),
                Fixed::Nanosecond6 => write!(out, r"\.\d{{6}}"),
                Fixed::Nanosecond9 => write!(out, r"\.\d{{9}}"),
                Fixed::TimezoneName => write!(out, "[A-Za-z]{{1,6}}"),
                Fixed::RFC3339 => {
                    let (time, fraction) = (r"\d{2}:\d{2}:\d{2}", r"(?:\.\d{1,9})?");
                    write!(out, r"\d{{4}}-\d{{2}}-\d{{2}}[Tt ]{time}{fraction}(?:[Zz]|[+-]\d{{2}}:\d{{2}})")
                }
                Fixed::TimezoneOffsetZ | Fixed::TimezoneOffsetColonZ => write!(out, r"(?:[Zz]|[+-]\d{{2}}:?\d{{2}})"),
                // Fractions without their dot, `%3f`.
                _ => write!(out, r"\d{{3,9}}"),
            },
            Item::Error => Ok(()),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    /// The time of a line, for a replay of an hour in November.
    fn find(pattern: &str, zone: &str, line: &str) -> Option<String> {
        let near = (at("2025-11-14T14:30:00Z"), at("2025-11-14T16:30:00Z"));
        let pattern = TimePattern::new(pattern, zone.parse().unwrap(), None, near).unwrap();
        let time = pattern.find(line, None)?;
        Some(chrono::DateTime::from_timestamp_nanos(time.0).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn times_are_found_where_programs_write_them() {
        for (pattern, line, time) in [
            ("[%Y-%m-%d %H:%M:%S%.3f]", "[2022-03-23 12:04:08.123][14][debug][pool] x", "2022-03-23T12:04:08.123Z"),
            (
                "[%d/%b/%Y:%H:%M:%S %z]",
                r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /" 200 5"#,
                "2000-10-10T20:55:36Z",
            ),
            ("%b %e %H:%M:%S", "Nov  4 15:06:45 node kernel: x", "2025-11-04T15:06:45Z"),
            ("%b %e %H:%M:%S", "Nov 14 15:06:45 node kernel: x", "2025-11-14T15:06:45Z"),
            ("%a %b %e %H:%M:%S %Y", "[Fri Nov 14 15:06:45 2025] eth0: x", "2025-11-14T15:06:45Z"),
            ("%Y-%m-%d %H:%M:%S,%3f", "2025-11-14 15:06:45,017 INFO x", "2025-11-14T15:06:45.017Z"),
            ("%+", "x 2025-11-14T15:06:45.123456789+01:00 y", "2025-11-14T14:06:45.123456789Z"),
            ("%+", "x 2025-11-14T15:06:45Z", "2025-11-14T15:06:45Z"),
            ("%Y-%m-%d %H:%M:%S%z", "2025-11-14 15:06:45Z", "2025-11-14T15:06:45Z"),
            ("%s%.f", "1763132805.000000017 x", "2025-11-14T15:06:45.000000017Z"),
            ("%I:%M:%S %p", "03:06:45 PM x", "2025-11-14T15:06:45Z"),
            ("%H:%M", "at 15:06 x", "2025-11-14T15:06:00Z"),
            // What looks like a time and is none is passed over.
            ("%H:%M:%S", "99:99:99 15:06:45 x", "2025-11-14T15:06:45Z"),
        ] {
            assert_eq!(find(pattern, "UTC", line).as_deref(), Some(time), "{pattern} in {line}");
        }
        assert_eq!(find("[%Y-%m-%d %H:%M:%S%.3f]", "UTC", "\tat java.base/x"), None);
    }

    #[test]
    fn a_zone_holds_for_times_that_say_none() {
        assert_eq!(find("%Y-%m-%d %H:%M:%S", "+01:00", "2025-11-14 16:06:45").unwrap(), "2025-11-14T15:06:45Z");
        assert_eq!(
            find("%Y-%m-%d %H:%M:%S %z", "+01:00", "2025-11-14 16:06:45 +0000").unwrap(),
            "2025-11-14T16:06:45Z"
        );
        assert_eq!(find("%H:%M:%S", "-05:00", "10:06:45").unwrap(), "2025-11-14T15:06:45Z");
        assert!("Europe/Berlin".parse::<Zone>().unwrap_err().message.contains("is no zone"));
    }

    #[test]
    fn a_missing_year_or_date_is_the_nearest_one() {
        let near = (at("2025-12-31T23:00:00Z"), at("2026-01-01T01:00:00Z"));
        let find = |written: &str, lines: &[&str]| {
            let pattern = TimePattern::new(written, Zone::UTC, None, near).unwrap();
            let mut last = None;
            for line in lines {
                last = pattern.find(line, last);
            }
            chrono::DateTime::from_timestamp_nanos(last.unwrap().0).to_rfc3339()
        };
        assert_eq!(find("%b %e %H:%M:%S", &["Dec 31 23:59:00"]), "2025-12-31T23:59:00+00:00");
        assert_eq!(find("%b %e %H:%M:%S", &["Jan  1 00:30:00"]), "2026-01-01T00:30:00+00:00");
        assert_eq!(find("%H:%M:%S", &["23:30:00"]), "2025-12-31T23:30:00+00:00");
        assert_eq!(find("%H:%M:%S", &["00:30:00"]), "2026-01-01T00:30:00+00:00");
        // From day to day.
        assert_eq!(find("%H:%M:%S", &["23:30:00", "08:00:00", "18:00:00", "02:00:00"]), "2026-01-02T02:00:00+00:00");
        assert_eq!(
            find("%b %e %H:%M:%S", &["Feb 28 12:00:00", "Nov 30 12:00:00", "Jan  2 00:00:00"]),
            "2026-01-02T00:00:00+00:00"
        );
    }

    #[test]
    fn seconds_count_from_zero_where_it_is_given() {
        let near = (at("2025-11-14T14:30:00Z"), at("2025-11-14T16:30:00Z"));
        let pattern = TimePattern::new("[%s%.f]", Zone::UTC, Some(near.0), near).unwrap();
        for (line, nanoseconds) in [("[    5.123456] eth0: x", 5_123_456_000), ("[12345.000001] x", 12_345_000_001_000)]
        {
            assert_eq!(pattern.find(line, None), Some(Nanoseconds(near.0.0 * 1_000_000 + nanoseconds)), "{line}");
        }
        assert!(
            TimePattern::new("%H:%M", Zone::UTC, Some(near.0), near).unwrap_err().message.contains("counts no seconds")
        );
    }

    #[test]
    fn what_says_no_time_is_refused() {
        let near = (Timestamp(0), Timestamp(0));
        for (written, says) in [
            ("%Q", "no way to write a time"),
            ("%Y-%m-%d", "no time of the day"),
            ("text", "no time of the day"),
            ("%I:%M", "whether it is morning"),
            ("%H", "no minutes"),
        ] {
            let problem = TimePattern::new(written, Zone::UTC, None, near).unwrap_err();
            assert!(problem.message.contains(says), "{}", problem.message);
        }
    }

    #[test]
    fn the_pattern_that_fits_a_line_is_proposed() {
        for (line, pattern) in [
            ("[2022-03-23 12:04:08.123][14][debug] x", Some("[%Y-%m-%d %H:%M:%S%.3f]")),
            ("2025-11-14T15:06:45.1Z x", Some("%+")),
            ("2025-11-14T15:06:45+01:00 x", Some("%+")),
            ("Nov 14 15:06:45 node x", Some("%b %e %H:%M:%S%.f")),
            (r#"::1 - - [10/Oct/2000:13:55:36 -0700] "GET /""#, Some("[%d/%b/%Y:%H:%M:%S %z]")),
            ("[    5.123456] x", Some("[%s%.f]")),
            ("E1114 15:06:45.123456       1 x.go:1] x", Some("%m%d %H:%M:%S%.f")),
            ("302 drops at enqueue_to_backlog+9c (0xffffffff8156e95c)", None),
        ] {
            assert_eq!(TimePattern::propose(line), pattern, "{line}");
        }
    }
}
