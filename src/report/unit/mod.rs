//! Unit tests for people: a line for each file, an explanation for each case that failed, a summary.

mod case;
mod contrast;
mod ticks;

use std::collections::BTreeSet;
use std::fmt::Write;

use super::RunFacts;
use super::human::{Look, badge, grouped, plural};
use super::words::plain;
use crate::drill::verdict::Verdict;
use crate::unit_test::{Failure, GroupResult};

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
            failed => {
                let failures =
                    groups.iter().flat_map(|group| &group.failures).filter(|failure| failure.is_case()).count();
                let groups = format!("{failed} of {} failed", plural(groups.len(), "group"));
                if failures > 0 { format!("{groups}, {failures} of {}", plural(cases, "case")) } else { groups }
            }
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
            out.push_str(&case::failure(failure, look));
        }
    }
}

/// All that fell short in a group, without colours.
pub fn explanation(group: &GroupResult) -> String {
    group.failures.iter().map(failure).collect()
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
    let not_run: usize = groups.iter().map(|group| group.not_run).sum();
    if not_run > 0 {
        let _ = write!(line, ", {} not run", plural(not_run, "case"));
    }
    let counted =
        |count: usize, noun: &str| format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" });
    let _ = write!(line, " ({}, {}, {seconds:.2} s)", counted(groups.len(), "group"), counted(cases, "case"));
    line
}
