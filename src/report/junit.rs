//! A run as JUnit XML: a suite for each replay and each unit test file, a case for each drill and each test group; one for
//! each problem of a file that cannot be used, for what was not started, and for each warning that a strict run fails for.

use std::collections::HashMap;
use std::fmt::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::unit;
use crate::drill::shake::Shaken;
use crate::drill::verdict::{Drill, Verdict};
use crate::suite::{LeftOut, Outcome, Skipped};
use crate::text::Diagnostic;
use crate::unit_test::GroupResult;

/// The whole report.
///
/// # Errors
/// Only those of the XML writer.
pub fn render(outcome: &Outcome) -> Result<String, quick_junit::SerializeError> {
    let drills = outcome.drills.iter().map(|drill| (drill.replay.name(), case(drill)));
    let shaken = outcome.shaken.iter().map(|shaken| (shaken.replay.name(), shaken_case(shaken)));
    let groups = outcome.groups.iter().map(|group| (group.file.name(), group_case(group)));
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut by_file: HashMap<String, usize> = HashMap::new();
    let left_out = outcome.left_out.iter().map(|unit| (unit.file.as_str(), case_left_out(unit)));
    let file = |problem: &'_ Diagnostic| {
        problem.place.as_ref().map_or_else(|| "firedrill".to_owned(), |(source, _)| source.name().to_owned())
    };
    let problems = outcome.problems.iter().map(|problem| (file(problem), problem_case(problem)));
    let warnings = outcome.held_against.iter().map(|warning| (file(warning), warning_case(warning)));
    let skipped = outcome.skipped.iter().map(|unit| (unit.file.as_str(), case_skipped(unit)));
    let ran = drills.chain(shaken).chain(skipped).chain(groups).chain(left_out);
    let ran = ran.map(|(file, case)| (file.to_owned(), case));
    for (file, case) in ran.chain(problems).chain(warnings) {
        let at = *by_file.entry(file.clone()).or_insert_with(|| {
            suites.push(TestSuite::new(file));
            suites.len() - 1
        });
        suites[at].add_test_case(case);
    }
    let mut report = Report::new("firedrill");
    report.add_test_suites(suites);
    report.to_string()
}

fn group_case(group: &GroupResult) -> TestCase {
    let status = match group.passed() {
        true => TestCaseStatus::success(),
        false => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let subjects: Vec<&str> = group.failures.iter().map(|failure| failure.subject.as_str()).collect();
            status.set_type("fail").set_message(subjects.join("; "));
            status.set_description(unit::explanation(group));
            status
        }
    };
    let mut case = TestCase::new(group.name.clone(), status);
    if !group.blind.is_empty() {
        let blind = group.blind.iter().map(|case| format!("BLIND {}: {}\n", case.subject, case.reason.text));
        case.set_system_out(blind.collect::<String>());
    }
    case.set_time(group.elapsed);
    case
}

fn case_skipped(unit: &Skipped) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("{} (until {})", unit.reason, unit.until));
    TestCase::new(unit.name.clone(), status)
}

/// A drill that was shaken is a case of its own.
fn shaken_case(shaken: &Shaken) -> TestCase {
    let mut status = TestCaseStatus::success();
    if !shaken.holds() {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let flips = || shaken.flips.iter().filter(|flip| flip.accepted.is_none());
        let mut details = String::new();
        for flip in flips() {
            let _ = writeln!(details, "{}", flip.shake);
            for flipped in &flip.verdicts {
                let _ = writeln!(details, "  {}: {}", flipped.subject, flipped.told);
            }
        }
        let message: Vec<&str> = flips().map(|flip| flip.shake.as_str()).collect();
        status.set_type("shake").set_message(message.join("; ")).set_description(details);
    }
    let mut case = TestCase::new(format!("{} (shaken)", shaken.drill), status);
    case.set_time(shaken.elapsed);
    case
}

fn case_left_out(unit: &LeftOut) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message("not run after the first that fell short (--fail-fast)");
    TestCase::new(unit.name.clone(), status)
}

fn problem_case(problem: &Diagnostic) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("unusable").set_message(problem.message.clone());
    status.set_description(problem.render(false));
    TestCase::new("can be used", status)
}

fn warning_case(warning: &Diagnostic) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("strict").set_message(warning.message.clone());
    status.set_description(warning.render(false));
    TestCase::new("warned of, which fails with --strict", status)
}

fn case(drill: &Drill) -> TestCase {
    let verdict = drill.verdict();
    let status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Blind | Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let bad = || drill.checks.iter().filter(|check| check.verdict != Verdict::Pass);
            let mut messages: Vec<&str> = bad().map(|check| check.summary.as_str()).collect();
            messages.dedup();
            let message = messages.join("; ");
            let mut details = String::new();
            for check in bad() {
                let _ = writeln!(details, "{}\n  expected  {}", check.subject, check.expected);
                for line in &check.happened {
                    let _ = writeln!(details, "  happened  {line}");
                }
                for reason in &check.reasons {
                    let _ = writeln!(details, "  {}", reason.text);
                }
            }
            status.set_type(if verdict == Verdict::Blind { "blind" } else { "fail" }).set_message(message);
            status.set_description(details);
            status
        }
    };
    let mut case = TestCase::new(drill.name.clone(), status);
    case.set_time(drill.elapsed);
    case
}
