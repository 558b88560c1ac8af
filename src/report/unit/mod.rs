//! Unit tests for people: a line for each file, an explanation for each case that failed, a summary.

mod case;
mod contrast;
mod items;
pub mod json;
pub mod rewrite;
mod ticks;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use super::RunFacts;
use super::human::{Look, badge, grouped, plural};
use super::words::plain;
use crate::drill::verdict::Verdict;
use crate::unit_test::{Failure, GroupResult};

/// So many files that pass have a line each; of more, one line tells all.
const LISTED: usize = 20;

/// How many blind cases of a file are shown.
const BLIND_SHOWN: usize = 10;

/// A line for each file, and under it a line for each case that is blind. Where many pass, only those that failed or are blind
/// have one, below a line for all others.
pub fn headlines(out: &mut String, groups: &[GroupResult], look: Look) {
    let by_file = || groups.chunk_by(|a, b| a.file.name() == b.file.name());
    let passes = |groups: &&[GroupResult]| groups.iter().all(|group| group.passed() && group.blind.is_empty());
    let passed: Vec<&[GroupResult]> = by_file().filter(passes).collect();
    let in_one_line = passed.len() > LISTED;
    let cases = |groups: &[GroupResult]| groups.iter().map(|group| group.cases).sum::<usize>();
    if in_one_line {
        let groups = counted(passed.iter().map(|groups| groups.len()).sum(), "group");
        let cases = counted(passed.iter().map(|groups| cases(groups)).sum(), "case");
        let _ = writeln!(out, " {}  {}: {groups}, {cases}", badge(Verdict::Pass, look), counted(passed.len(), "file"));
    }
    let listed: Vec<&[GroupResult]> = by_file().filter(|groups| !in_one_line || !passes(groups)).collect();
    let width = listed.iter().map(|groups| plain(groups[0].file.name()).chars().count()).max().unwrap_or(0);
    for groups in listed {
        let failed = groups.iter().filter(|group| !group.passed()).count();
        let verdict = if failed == 0 { Verdict::Pass } else { Verdict::Fail };
        let mut told = match failed {
            0 => format!("{}, {}", counted(groups.len(), "group"), counted(cases(groups), "case")),
            failed => {
                let failures =
                    groups.iter().flat_map(|group| &group.failures).filter(|failure| failure.is_case()).count();
                let told = format!("{failed} of {} failed", counted(groups.len(), "group"));
                if failures > 0 { format!("{told}, {failures} of {}", counted(cases(groups), "case")) } else { told }
            }
        };
        let blind: usize = groups.iter().map(|group| group.blind.len()).sum();
        if blind > 0 {
            let _ = write!(told, ", {blind} blind");
        }
        let _ = writeln!(out, " {}  {:width$}  {told}", badge(verdict, look), plain(groups[0].file.name()));
        let cases = groups.iter().flat_map(|group| group.blind.iter().map(move |case| (group, case)));
        for (group, case) in cases.take(BLIND_SHOWN) {
            let spot = group.file.place(case.span.start);
            let place = format!("{}:{}:{}", plain(group.file.name()), spot.line, spot.column);
            let _ = writeln!(out, "        {place}  {}: {}", plain(&case.subject), plain(&case.reason.text));
        }
        if blind > BLIND_SHOWN {
            let _ = writeln!(out, "        and {} more that had nothing to look at", blind - BLIND_SHOWN);
        }
    }
}

/// `1 group`, `1,242 groups`.
fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// Everything that fell short. What keeps several groups of a file from being run is told once.
pub fn explain(out: &mut String, groups: &[GroupResult], look: Look) {
    let mut told: HashMap<(&str, String), &str> = HashMap::new();
    for group in groups {
        for failure in &group.failures {
            let spot = group.file.place(failure.span.start);
            let badge = badge(Verdict::Fail, look);
            let file = plain(group.file.name());
            let _ =
                writeln!(out, "\n{file}:{}:{}  {}  {}", spot.line, spot.column, badge.trim_end(), plain(&group.name));
            let text = case::failure(failure, look);
            match told.get(&(group.file.name(), text.clone())) {
                Some(first) if !failure.is_case() => {
                    let _ = writeln!(out, "  {}: as in {}", plain(&failure.subject), plain(first));
                }
                _ => {
                    out.push_str(&text);
                    told.insert((group.file.name(), text), &group.name);
                }
            }
        }
    }
}

/// All that fell short in a group, without colours.
pub fn explanation(group: &GroupResult) -> String {
    let told = |failed: &Failure| {
        let spot = group.file.place(failed.span.start);
        format!("{}:{}:{}\n{}", plain(group.file.name()), spot.line, spot.column, failure(failed))
    };
    group.failures.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// What fell short, without colours.
pub fn failure(failure: &Failure) -> String {
    case::failure(failure, Look { color: false, width: 100, bounded: false })
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
    let blind: usize = groups.iter().map(|group| group.blind.len()).sum();
    if blind > 0 {
        let _ = write!(line, ", {} blind", counted(blind, "case"));
    }
    let not_run: usize = groups.iter().map(|group| group.not_run).sum();
    if not_run > 0 {
        let _ = write!(line, ", {} not run", plural(not_run, "case"));
    }
    let _ = write!(line, " ({}, {}, {seconds:.2} s)", counted(groups.len(), "group"), counted(cases, "case"));
    line
}
