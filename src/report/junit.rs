//! A run as JUnit XML: a suite for each replay and each unit test file, a case for each drill and each test group.

use std::fmt::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::unit;
use crate::drill::verdict::{Drill, Verdict};
use crate::suite::Outcome;
use crate::unit_test::GroupResult;

/// The whole report.
///
/// # Errors
/// Only those of the XML writer.
pub fn render(outcome: &Outcome) -> Result<String, quick_junit::SerializeError> {
    let drills = outcome.drills.iter().map(|drill| (drill.replay.name(), case(drill)));
    let groups = outcome.groups.iter().map(|group| (group.file.name(), group_case(group)));
    let mut suites: Vec<TestSuite> = Vec::new();
    for (file, case) in drills.chain(groups) {
        match suites.last_mut().filter(|suite| suite.name.as_str() == file) {
            Some(suite) => drop(suite.add_test_case(case)),
            None => {
                let mut suite = TestSuite::new(file);
                suite.add_test_case(case);
                suites.push(suite);
            }
        }
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
    case.set_time(group.elapsed);
    case
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
