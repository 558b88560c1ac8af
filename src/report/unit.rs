//! Unit tests for people: a line for each file, an explanation for each case that failed, a summary.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::RunFacts;
use super::human::{Look, badge, grouped, plural};
use super::words::plain;
use crate::drill::verdict::Verdict;
use crate::number;
use crate::rules::AlertState;
use crate::time::Duration;
use crate::unit_test::{Failure, FailureKind, GroupResult, ResultSample, StandingAlert, WantedAlert, WantedText};

/// A line for each file.
pub fn headlines(out: &mut String, groups: &[GroupResult], look: Look) {
    let by_file: Vec<&[GroupResult]> = groups.chunk_by(|a, b| a.file.name() == b.file.name()).collect();
    let width = by_file.iter().map(|groups| groups[0].file.name().chars().count()).max().unwrap_or(0);
    for groups in by_file {
        let failed = groups.iter().filter(|group| !group.passed()).count();
        let cases: usize = groups.iter().map(|group| group.cases).sum();
        let verdict = if failed == 0 { Verdict::Pass } else { Verdict::Fail };
        let told = match failed {
            0 => format!("{}, {}", plural(groups.len(), "group"), plural(cases, "case")),
            failed => format!("{failed} of {} failed", plural(groups.len(), "group")),
        };
        let _ = writeln!(out, " {}  {:width$}  {told}", badge(verdict, look), plain(groups[0].file.name()));
    }
}

/// Everything that fell short.
pub fn explain(out: &mut String, groups: &[GroupResult], look: Look) {
    for group in groups {
        for failure in &group.failures {
            let spot = group.file.place(failure.span.start);
            let badge = badge(Verdict::Fail, look);
            let file = plain(group.file.name());
            let _ =
                writeln!(out, "\n{file}:{}:{}  {}  {}", spot.line, spot.column, badge.trim_end(), plain(&group.name));
            out.push_str(&self::failure(failure));
        }
    }
}

/// All that fell short in a group, without colours.
pub fn explanation(group: &GroupResult) -> String {
    group.failures.iter().map(failure).collect()
}

/// What fell short, line by line.
pub fn failure(failure: &Failure) -> String {
    let mut out = format!("  {}\n", plain(&failure.subject));
    match &failure.kind {
        FailureKind::Unusable(problems) => {
            for problem in problems {
                let _ = writeln!(out, "{}", problem.render(false));
            }
        }
        FailureKind::Rule { error, .. } | FailureKind::Expression(error) => {
            let _ = writeln!(out, "{}", error.render(false));
        }
        FailureKind::Alerts(difference) => {
            // Only a case that asks for more than firing alerts is told more.
            let partial = difference
                .expected
                .iter()
                .any(|alert| alert.state != AlertState::Firing || alert.value.is_some() || alert.active_at.is_some());
            let got = difference.got.iter().map(|alert| standing(alert, partial)).collect();
            both(&mut out, difference.expected.iter().map(wanted).collect(), got);
        }
        FailureKind::Samples { expected, got } => {
            let line = |sample: &ResultSample| {
                let value = sample.histogram.clone().unwrap_or_else(|| number::format_f(sample.value));
                format!("{} {value}", sample.labels.as_metric())
            };
            both(&mut out, expected.iter().map(line).collect(), got.iter().map(line).collect());
        }
    }
    out
}

/// `{alertname="A", severity="page", ..} summary="x" pending with value 5`: two dots stand for what is free.
fn wanted(alert: &WantedAlert) -> String {
    let mut labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    labels.extend(alert.more_labels.then(|| "..".to_owned()));
    let mut line = format!("{{{}}}", labels.join(", "));
    for (name, text) in &alert.annotations {
        let _ = match text {
            WantedText::Exactly(text) => write!(line, " {name}={text:?}"),
            WantedText::Matching { pattern, .. } => write!(line, " {name}=~{pattern:?}"),
        };
    }
    line.push_str(if alert.more_annotations { " .." } else { "" });
    facts(&mut line, (alert.state != AlertState::Firing).then_some(alert.state), alert.value, alert.active_at);
    line
}

fn standing(alert: &StandingAlert, whole: bool) -> String {
    let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let mut line = format!("{{{}}}", labels.join(", "));
    for (name, text) in &alert.annotations {
        let _ = write!(line, " {name}={text:?}");
    }
    if whole {
        facts(&mut line, Some(alert.state), alert.value, Some(alert.active_at));
    }
    line
}

fn facts(line: &mut String, state: Option<AlertState>, value: Option<f64>, active_at: Option<Duration>) {
    let _ = state.map(|state| write!(line, " {}", state.as_str()));
    let _ = value.map(|value| write!(line, " with value {}", number::format_f(value)));
    let _ = active_at.map(|time| write!(line, " active at {time}"));
}

fn both(out: &mut String, expected: Vec<String>, got: Vec<String>) {
    for (word, lines) in [("expected", expected), ("happened", got)] {
        let lines = if lines.is_empty() { vec!["nothing".to_owned()] } else { lines };
        for (at, line) in lines.iter().enumerate() {
            let _ = writeln!(out, "  {:8}  {}", if at == 0 { word } else { "" }, plain(line));
        }
    }
}

/// `96 unit test files: 83 passed, 13 failed (242 groups, 765 cases, 0.31 s)`.
pub fn summary(groups: &[GroupResult], facts: RunFacts) -> String {
    let files = |passed: bool| {
        let failed: BTreeSet<&str> =
            groups.iter().filter(|group| !group.passed()).map(|group| group.file.name()).collect();
        let all: BTreeSet<&str> = groups.iter().map(|group| group.file.name()).collect();
        if passed { all.len() - failed.len() } else { failed.len() }
    };
    let (passed, failed) = (files(true), files(false));
    let mut line = format!("{}: {passed} passed", plural(passed + failed, "unit test file"));
    if failed > 0 {
        let _ = write!(line, ", {failed} failed");
    }
    let cases: usize = groups.iter().map(|group| group.cases).sum();
    let seconds = facts.elapsed.as_secs_f64();
    let not_run: usize = groups.iter().map(|group| group.not_run).sum();
    if not_run > 0 {
        let _ = write!(line, ", {} not run", plural(not_run, "case"));
    }
    let _ = write!(line, " ({} groups, {} cases, {seconds:.2} s)", grouped(groups.len() as u64), grouped(cases as u64));
    line
}
