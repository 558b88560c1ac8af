//! Times in a document, with their values where those are certain.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use regex::{Captures, Match, Regex};

use super::page::Page;
use super::{Confidence, Finding, Kind, pattern};
use crate::text::{Located, Span};
use crate::time::Timestamp;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The hour and the minute of a clock, with `AM` or `PM`.
const CLOCK: &str = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\ ?[AaPp]\.?[Mm]\b\.?)?";
/// Zones by their names.
const ZONE_NAME: &str = concat!(
    r"(?: (?:UTC|GMT)(?:[+-]\d{1,2}(?::?\d{2})?)?\b",
    r"  | (?:CEST|CET|EEST|EET|WEST|WET|MSK|EST|EDT|CST|CDT|MST|MDT|PST|PDT|BST|IST|JST|SGT|AEST|AEDT|NZST|NZDT|ET|CT|MT|PT)\b )",
);

/// A date with a time, or either of them, and a zone. A range has its end as well.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    let until = |nth: &str| format!(r"(?:\s?(?:-|–|—|to|until)\s?(?<until{nth}>{CLOCK}))?");
    pattern(&format!(
        concat!(
            r"(?x)",
            r"(?: (?<date>\d{{4}}-\d{{2}}-\d{{2}}) | (?<month>[A-Z][a-z]{{2,8}})\.?\ (?<day>\d{{1,2}})(?:st|nd|rd|th)?,?\ (?<year>\d{{4}})",
            r"  | (?<day2>\d{{1,2}})\.?\ (?<month2>[A-Z][a-z]{{2,8}})\ (?<year2>\d{{4}}) )",
            r"  (?: (?:T|\ at\ |,?\ {{1,2}}) (?<clock>{clock}) {until1} (?<zone>\ ?{zone})? )?",
            r"| (?<clock2>{clock}) {until2} (?<zone2>\ ?{zone})",
            r"| ^[\s|*_`>~\-+(\[]* (?:\d{{1,3}}[.)]\s+[*_`(\[]*)? (?<clock3>{clock}) {until3} (?<zone3>\ ?{zone})? [*_`:)\],.;]* (?:[\s|–—-]|$)",
            r"| (?<clock4>\d{{1,2}}:\d{{2}}(?::\d{{2}})?\ ?[AaPp]\.?[Mm]\b\.?) {until4}",
        ),
        clock = CLOCK,
        zone = format_args!(r"(?:Z\b|[+-]\d{{2}}:?\d{{2}}\b|{ZONE_NAME})"),
        until1 = until(""),
        until2 = until("2"),
        until3 = until("3"),
        until4 = until("4"),
    ))
});
const CLOCKS: [&str; 4] = ["clock", "clock2", "clock3", "clock4"];
const UNTILS: [&str; 4] = ["until", "until2", "until3", "until4"];
const ZONES: [&str; 3] = ["zone", "zone2", "zone3"];

/// `All times are in UTC`, `Time (CEST)`.
static SAYS_ZONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"(?x)(?i:\b(?:times?|timestamps?|timelines?)\b)[^.\n\d]{{0,24}}?\b(?<zone>{ZONE_NAME})"))
});

fn named<'t>(captures: &Captures<'t>, names: &[&str]) -> Option<Match<'t>> {
    names.iter().find_map(|name| captures.name(name))
}

/// What a document says of its times as a whole.
pub struct Times {
    /// How far times without a zone are ahead of UTC, in minutes.
    zone: Option<i64>,
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
        let mut zones: Vec<Option<i64>> = SAYS_ZONE
            .captures_iter(text)
            .filter_map(|captures| Some(offset(captures.name("zone")?.as_str())))
            .collect();
        zones.dedup();
        let zone = match zones[..] {
            [zone] => zone,
            _ => None,
        };
        Times { zone, date }
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
        let cells: Vec<Span> = page.tables.iter().flat_map(|table| table.rows.iter().flatten()).copied().collect();
        let is_row = |line: &Span| {
            let next = cells.partition_point(|cell| cell.start < line.start);
            cells.get(next).is_some_and(|cell| cell.start < line.end)
        };
        // A cell begins as a line does.
        let lines = page.lines.iter().filter(|line| !is_row(line)).chain(&cells);
        let prose: Vec<Located> = lines.map(|line| page.verbatim(*line)).collect();
        let mut parts: Vec<Located> = Vec::new();
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
        for (part, is_prose) in prose.iter().map(|part| (part, true)).chain(parts.iter().map(|part| (part, false))) {
            for time in self.in_line(part, is_prose) {
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
        self.in_line(line, true).into_iter().find(|time| !time.day).and_then(|time| time.at)
    }

    /// The time that a line begins with, if it begins with one: where it ends, and its value.
    pub fn leading(&self, line: &str) -> Option<(usize, Option<Timestamp>)> {
        let lead = line.trim_start_matches(['[', ' ', '"', '`']);
        let skipped = line.len() - lead.len();
        let captures = TIME.captures(lead)?;
        let whole = captures.get(0).filter(|whole| whole.start() == 0)?;
        let clock = captures.name("clock")?;
        Some((skipped + whole.end(), self.value(&captures, Some(clock)).0))
    }

    /// The times of a line. A line of prose may begin with one that has neither a date nor a zone.
    fn in_line(&self, line: &str, prose: bool) -> Vec<Found> {
        let mut found = Vec::new();
        for captures in TIME.captures_iter(line) {
            let clock = named(&captures, &CLOCKS);
            let until = named(&captures, &UNTILS);
            let zone = named(&captures, &ZONES);
            let leading = captures.name("clock3");
            let Some(whole) = captures.get(0) else { continue };
            let whole = match leading {
                Some(clock) => Span::new(clock.start(), zone.or(until).unwrap_or(clock).end()),
                None => Span::new(whole.start(), whole.end()),
            };
            if !stands_alone(line, whole.start, whole.end) {
                continue;
            }
            // Without a date and a zone it may be a ratio, or a part of some program's output.
            let told = self.zone.is_some() && self.date.is_some();
            let bare = leading.filter(|_| zone.is_none() && !told);
            if bare.is_some_and(|clock| !(prose && is_written_out(clock.as_str()))) {
                continue;
            }
            let (at, reason) = self.value(&captures, clock);
            let span = match (until, clock) {
                (Some(until), Some(clock)) => {
                    let (at, _) = self.value(&captures, Some(until));
                    let span = Span::new(until.start(), zone.map_or(until.end(), |zone| zone.end()));
                    found.push(Found { span, at, day: false, reason: "the end of a stretch of time" });
                    Span::new(whole.start, clock.end())
                }
                _ => whole,
            };
            if clock.is_some() || date(&captures).is_some() {
                found.push(Found { span, at, day: clock.is_none(), reason });
            }
        }
        found
    }

    /// The value of a clock with the date and the zone around it, and how it is known or why not.
    fn value(&self, captures: &Captures<'_>, clock: Option<Match<'_>>) -> (Option<Timestamp>, &'static str) {
        let Some(clock) = clock else { return (None, "a date") };
        let own = date(captures);
        let Some(date) = own.or(self.date) else { return (None, "a time whose date is not certain") };
        let zone = named(captures, &ZONES);
        let ahead = match zone {
            Some(zone) => offset(zone.as_str()),
            None => self.zone,
        };
        let Some(ahead) = ahead else {
            return (
                None,
                if zone.is_some() { "a time in a zone that several places have" } else { "a time without a zone" },
            );
        };
        let Some(clock) = time_of_day(clock.as_str()) else { return (None, "no time of a day") };
        let at = NaiveDateTime::new(date, clock) - TimeDelta::minutes(ahead);
        let reason = match (own, zone) {
            (Some(_), Some(_)) => "a date, a time and a zone",
            (Some(_), None) => "a date and a time; the document says in which zone its times are",
            (None, _) => "a time; the document names one date only",
        };
        (Some(Timestamp(at.and_utc().timestamp_millis())), reason)
    }
}

/// Whether nothing else than a time of a day is written so: `09:15`, `2:15 PM`, and not `3:15`.
fn is_written_out(clock: &str) -> bool {
    (clock.find(':') == Some(2) || clock.ends_with(|c: char| c.is_alphabetic() || c == '.'))
        && time_of_day(clock).is_some()
}

/// `14:03:10.5`, `2:03 PM`.
fn time_of_day(clock: &str) -> Option<NaiveTime> {
    let digits = clock.trim_end_matches(|c: char| c.is_alphabetic() || matches!(c, '.' | ' '));
    let time = digits.replace(',', ".");
    let time = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(&time, format).ok())?;
    let half = clock[digits.len()..].trim_start().chars().next().map(|c| c.to_ascii_lowercase());
    match (half, time.hour()) {
        (None, _) => Some(time),
        (Some('p'), 1..12) => time.with_hour(time.hour() + 12),
        (Some('a'), 12) => time.with_hour(0),
        (Some(_), 1..=12) => Some(time),
        _ => None,
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

/// How far a zone is ahead of UTC, in minutes; `None` where its name is that of several.
fn offset(zone: &str) -> Option<i64> {
    let zone = zone.trim();
    let hours = match zone.to_uppercase().as_str() {
        "Z" | "UTC" | "GMT" | "WET" => 0,
        "CET" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "SGT" => 8,
        "JST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return minutes(zone.trim_start_matches(|c: char| c.is_ascii_alphabetic())),
    };
    Some(hours * 60)
}

/// `+02:00`, `+0200` or `+2` in minutes.
fn minutes(offset: &str) -> Option<i64> {
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at(if digits.len() > 2 { digits.len() - 2 } else { digits.len() });
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let sum = hours.parse::<i64>().ok()? * 60 + minutes;
    Some(if offset.starts_with('-') { -sum } else { sum })
}
