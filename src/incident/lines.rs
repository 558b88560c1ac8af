//! Samples that somebody saw, and log lines.

use std::sync::LazyLock;

use regex::Regex;

use super::page::{Code, Page};
use super::times::Times;
use super::{Confidence, Finding, Kind, Sample, pattern, section};
use crate::labels::METRIC_NAME;
use crate::number::parse_go_float;
use crate::promql::parse_series_prefix;
use crate::text::{Located, Span};
use crate::time::Timestamp;

/// How a line of a log begins, other than with a date: syslog, klog, logfmt, JSON.
static LOG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"^(?:[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \S+ \S+:? "#,
        r#"|[IWEF]\d{4} \d{2}:\d{2}:\d{2}\.\d+ "#,
        r#"|(?:ts|time|level|lvl|caller|msg)=\S+ \w+="#,
        r#"|\{"(?:ts|time|timestamp|level|msg|message)":)"#,
    ))
});
/// What calls a block a log.
static CALLED_LOG: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\blogs?\b"));

/// How many lines above a sample a time may stand that tells when it was seen.
const NEAR: usize = 3;

/// All samples and log lines of a page.
pub fn find(page: &Page, times: &Times) -> Vec<Finding> {
    let mut found = Vec::new();
    for code in &page.code {
        found.extend(in_code(page, code, times));
    }
    for line in &page.lines {
        let line = page.verbatim(*line);
        if let Some(sample) = sample(&line, false) {
            found.push(sample);
        } else if let Some(log) = log_line(&line, times) {
            found.push(log);
        }
    }
    for inline in &page.inline {
        found.extend(sample(&inline.text, false));
    }
    for finding in &mut found {
        let at = finding.place().start;
        if let Kind::Sample(sample) = &mut finding.kind {
            sample.at = sample.at.or_else(|| time_above(page, times, at));
        }
    }
    found
}

fn in_code(page: &Page, code: &Code, times: &Times) -> Vec<Finding> {
    let shell = super::shell::is_shell(&code.language);
    let open = matches!(
        code.language.as_str(),
        "" | "txt"
            | "text"
            | "plain"
            | "plaintext"
            | "log"
            | "logs"
            | "prometheus"
            | "prom"
            | "openmetrics"
            | "metrics"
    );
    if !open && !shell {
        return Vec::new();
    }
    let lines = lines_of(&code.text);
    // Names without braces are samples only among others.
    let exposition = lines.iter().any(|line| line.starts_with("# TYPE ") || sample(line, false).is_some());
    let mut found: Vec<Finding> = lines.iter().filter_map(|line| sample(line, exposition)).collect();
    let logs: Vec<Finding> = lines.iter().filter_map(|line| log_line(line, times)).collect();
    if found.is_empty() && logs.is_empty() && !shell && called_log(page, code) {
        let text = code.text.part(Span::new(0, code.text.trim_end().len()));
        if !text.is_empty() {
            found.push(Finding::new(Kind::LogLine(None), text, Confidence::Medium, "a block that is called a log"));
        }
    }
    found.extend(logs);
    found
}

/// Whether the heading above a block, the line before it or its own language calls it a log.
fn called_log(page: &Page, code: &Code) -> bool {
    if code.language.starts_with("log") {
        return true;
    }
    let heading = section::path(&page.headings, code.span.start).pop();
    let above = page.lines.partition_point(|line| line.start < code.span.start);
    let before = page.lines[..above].iter().rev().map(|line| page.text(*line).trim()).find(|line| !line.is_empty());
    let before = before.filter(|line| line.ends_with(':') && !line.starts_with('#'));
    match before {
        Some(line) => CALLED_LOG.is_match(line),
        None => heading.is_some_and(|heading| CALLED_LOG.is_match(&heading)),
    }
}

fn lines_of(text: &Located) -> Vec<Located> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start().len();
        let end = line.trim_end().len();
        if lead < end {
            lines.push(text.part(Span::new(start + lead, start + end)));
        }
        start += line.len();
    }
    lines
}

fn log_line(line: &Located, times: &Times) -> Option<Finding> {
    let lead = line.len() - line.trim_start().len();
    let text = line.part(Span::new(lead, line.trim_end().len().max(lead)));
    if LOG.is_match(&text) {
        return Some(Finding::new(Kind::LogLine(None), text, Confidence::High, "begins as lines of a log do"));
    }
    let (end, at) = times.leading(&text)?;
    // A date in prose or a title is no log line: its time is followed by a level, a component, or in brackets.
    let rest = text[end..].trim_start_matches(|c: char| c == ']' || c == ':' || c.is_whitespace());
    let bracket = text.starts_with('[');
    let level =
        ["info", "warn", "error", "err", "debug", "trace", "fatal", "panic", "notice", "critical", "[", "level="];
    let lower = rest.to_lowercase();
    if rest.len() < 4 || !(bracket || level.iter().any(|level| lower.starts_with(level))) {
        return None;
    }
    Some(Finding::new(Kind::LogLine(at), text, Confidence::High, "begins with a time, as lines of a log do"))
}

/// The sample that a line is: a series, a value, and maybe a timestamp in milliseconds.
fn sample(line: &Located, bare: bool) -> Option<Finding> {
    let lead = line.len() - line.trim_start().len();
    let text = line.part(Span::new(lead, line.trim_end().len().max(lead)));
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':')) {
        return None;
    }
    let (labels, end) = parse_series_prefix(&text).ok()?;
    let braces = text[..end].ends_with('}');
    let mut words = text[end..].split_whitespace();
    let (number, time, rest) = (words.next()?, words.next(), words.next());
    if rest.is_some() || !text[end..].starts_with([' ', '\t']) || labels.get(METRIC_NAME).is_empty() {
        return None;
    }
    let named = bare && labels.name().contains('_');
    if !braces && !named {
        return None;
    }
    let value = parse_go_float(number).filter(|_| !number.contains(['x', 'X']))?;
    let at = match time {
        Some(time) if time.len() >= 12 => Some(Timestamp(time.parse().ok()?)),
        Some(_) => return None,
        None => None,
    };
    let sample = Sample { labels, value, precision: precision(number), at };
    let reason = if braces { "a series with labels and a value" } else { "a series and a value among others" };
    let confidence = if braces { Confidence::High } else { Confidence::Medium };
    Some(Finding::new(Kind::Sample(sample), text, confidence, reason))
}

/// Half a unit of the last digit that is written.
fn precision(number: &str) -> f64 {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (number, 0),
    };
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    0.5 * 10f64.powi(exponent - i32::try_from(decimals).unwrap_or(i32::MAX))
}

/// The last time that stands right above a place, in its section.
fn time_above(page: &Page, times: &Times, at: usize) -> Option<Timestamp> {
    let above = page.lines.partition_point(|line| line.start < at);
    let lines = page.lines[..above].iter().rev().map(|line| page.text(*line)).filter(|line| !line.trim().is_empty());
    lines.take(NEAR).take_while(|line| !line.starts_with('#')).find_map(|line| times.first(line))
}
