//! Times in a document, with their values where those are certain.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use regex::{Captures, Regex};

use super::page::Page;
use super::{Confidence, Finding, Kind};
use crate::text::{Located, Span};
use crate::time::Timestamp;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date with a time, or either of them, and a zone. A range has its end as well.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?x)",
        r"(?: (?<date>\d{4}-\d{2}-\d{2}) | (?<month>[A-Z][a-z]{2,8})\.?\ (?<day>\d{1,2})(?:st|nd|rd|th)?,?\ (?<year>\d{4})",
        r"  | (?<day2>\d{1,2})\.?\ (?<month2>[A-Z][a-z]{2,8})\ (?<year2>\d{4}) )",
        r"(?: (?:T|\ at\ |,?\ {1,2}) (?<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)",
        r"  (?:\s?(?:-|–|to)\s?(?<until>\d{1,2}:\d{2}(?::\d{2})?))? (?<zone>\ ?(?:Z\b|UTC\b|GMT\b|CEST\b|CET\b|[+-]\d{2}:?\d{2}\b))? )?",
        r"| (?<clock2>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) (?<zone2>\ ?(?:Z\b|UTC\b|GMT\b|CEST\b|CET\b))",
        r"| ^[\s|*`\-]* (?<clock3>\d{1,2}:\d{2}(?::\d{2})?) (?<zone3>\ (?:UTC|GMT|CEST|CET)\b)? [*`:]* (?:[\s|]|$)",
    ))
});
static SAYS_UTC: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(times?|timestamps?)\b[^.\n]{0,24}\b(in |are )?(UTC|GMT)\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are tested")
}

/// What a document says of its times as a whole.
pub struct Times {
    /// Times without a zone are UTC.
    utc: bool,
    /// The only date that the document names.
    date: Option<NaiveDate>,
}

/// One time.
struct Found {
    span: Span,
    at: Option<Timestamp>,
    /// A date alone.
    day: bool,
    reason: &'static str,
}

impl Times {
    pub fn of(page: &Page) -> Times {
        let text = page.source.text();
        let mut dates: Vec<NaiveDate> = TIME
            .captures_iter(text)
            .filter(|captures| captures.get(0).is_some_and(|whole| stands_alone(text, whole.start(), whole.end())))
            .filter_map(|captures| date(&captures))
            .collect();
        dates.sort_unstable();
        dates.dedup();
        let date = match dates[..] {
            [date] => Some(date),
            _ => None,
        };
        Times { utc: SAYS_UTC.is_match(text), date }
    }

    /// All times of a page but those of log lines, which have their own.
    pub fn find(&self, page: &Page, lines: &[Finding]) -> Vec<Finding> {
        let logs = lines.iter().filter(|finding| matches!(finding.kind, Kind::LogLine(_)));
        let mut logs: Vec<Span> = logs.map(Finding::place).collect();
        logs.sort_unstable();
        let code = page
            .code
            .iter()
            .filter(|code| !matches!(code.language.as_str(), "yaml" | "yml" | "json" | "promql" | "logql"));
        let mut parts: Vec<Located> = page.lines.iter().map(|line| page.verbatim(*line)).collect();
        for code in code {
            let mut start = 0;
            for line in code.text.split_inclusive('\n') {
                if !line.trim_start().starts_with('#') {
                    parts.push(code.text.part(Span::new(start, start + line.trim_end().len())));
                }
                start += line.len();
            }
        }
        let mut found = Vec::new();
        for part in &parts {
            for time in self.in_line(part) {
                let text = part.part(time.span);
                if super::page::is_in(&logs, text.file_span(Span::new(0, 1)).start) {
                    continue;
                }
                let confidence = if time.at.is_some() || time.day { Confidence::High } else { Confidence::Medium };
                found.push(Finding::new(Kind::Time(time.at), text, confidence, time.reason));
            }
        }
        found
    }

    /// The first time of a line that has a value, with the place of what tells it.
    pub fn first(&self, line: &str) -> Option<Timestamp> {
        self.in_line(line).into_iter().find(|time| !time.day).and_then(|time| time.at)
    }

    /// The time that a line begins with, if it begins with one: where it ends, and its value.
    pub fn leading(&self, line: &str) -> Option<(usize, Option<Timestamp>)> {
        let lead = line.trim_start_matches(['[', ' ', '"', '`']);
        let skipped = line.len() - lead.len();
        let captures = TIME.captures(lead)?;
        let whole = captures.get(0).filter(|whole| whole.start() == 0)?;
        captures.name("clock")?;
        Some((skipped + whole.end(), self.value(&captures, false).0))
    }

    fn in_line(&self, line: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for captures in TIME.captures_iter(line) {
            let (leading, zone) = (captures.name("clock3"), captures.name("zone3"));
            let bare = leading.filter(|_| zone.is_none());
            let Some(whole) = leading.or_else(|| captures.get(0)) else { continue };
            let whole = Span::new(whole.start(), zone.map_or(whole.end(), |zone| zone.end()));
            if !stands_alone(line, whole.start, whole.end) {
                continue;
            }
            // Without a date and a zone, only where the document tells both.
            if bare.is_some() && !(self.utc && self.date.is_some()) {
                continue;
            }
            let (at, reason) = self.value(&captures, false);
            let span = match captures.name("until") {
                Some(until) => {
                    let from = captures.name("clock").map_or(until.start(), |clock| clock.end());
                    let (at, _) = self.value(&captures, true);
                    let end = captures.name("zone").map_or(until.end(), |zone| zone.end());
                    found.push(Found {
                        span: Span::new(until.start(), end),
                        at,
                        day: false,
                        reason: "the end of a stretch of time",
                    });
                    Span::new(whole.start, from)
                }
                None => whole,
            };
            let day = captures.name("clock").is_none() && captures.name("clock2").is_none() && leading.is_none();
            if !day || date(&captures).is_some() {
                found.push(Found { span, at, day, reason });
            }
        }
        found
    }

    /// The value of a time, or of the end of a stretch, and how it is known or why not.
    fn value(&self, captures: &Captures<'_>, until: bool) -> (Option<Timestamp>, &'static str) {
        let clock = if until {
            captures.name("until")
        } else {
            captures.name("clock").or_else(|| captures.name("clock2")).or_else(|| captures.name("clock3"))
        };
        let Some(clock) = clock else { return (None, "a date") };
        let own = date(captures);
        let Some(date) = own.or(self.date) else { return (None, "a time whose date is not certain") };
        let zone =
            ["zone", "zone2", "zone3"].iter().find_map(|zone| captures.name(zone)).map(|zone| zone.as_str().trim());
        let offset = match zone {
            Some("Z" | "UTC" | "GMT") => Some(0),
            Some("CET") => Some(60),
            Some("CEST") => Some(120),
            Some(offset) => minutes(offset),
            None if self.utc => Some(0),
            None => None,
        };
        let Some(offset) = offset else { return (None, "a time without a zone") };
        let clock = clock.as_str().replace(',', ".");
        let parsed = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(&clock, format).ok());
        let Some(clock) = parsed else { return (None, "no time of a day") };
        let at = NaiveDateTime::new(date, clock) - TimeDelta::minutes(offset);
        let reason = match (own, zone) {
            (Some(_), Some(_)) => "a date, a time and a zone",
            (Some(_), None) => "a date and a time; the document says that its times are UTC",
            (None, _) => "a time; the document names one date only",
        };
        (Some(Timestamp(at.and_utc().timestamp_millis())), reason)
    }
}

/// Whether what stands at a place is no part of a longer word, a path or a number.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '-');
    let goes_on = matches!(after, Some(':' | '.')) && text[end + 1..].starts_with(|c: char| c.is_ascii_digit());
    !before.is_some_and(|c| joins(c) || matches!(c, '.' | ':')) && !after.is_some_and(joins) && !goes_on
}

fn date(captures: &Captures<'_>) -> Option<NaiveDate> {
    if let Some(date) = captures.name("date") {
        return date.as_str().parse().ok();
    }
    let month = captures.name("month").or_else(|| captures.name("month2"))?.as_str().to_lowercase();
    let month = MONTHS.iter().position(|name| month.starts_with(name))?;
    let day = captures.name("day").or_else(|| captures.name("day2"))?.as_str().parse().ok()?;
    let year = captures.name("year").or_else(|| captures.name("year2"))?.as_str().parse().ok()?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()? + 1, day)
}

/// `+02:00` in minutes.
fn minutes(offset: &str) -> Option<i64> {
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..4)?.parse::<i64>().ok()?);
    let sum = hours * 60 + minutes;
    Some(if offset.starts_with('-') { -sum } else { sum })
}
