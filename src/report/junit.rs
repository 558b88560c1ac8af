//! A run of drills as JUnit XML: a suite for each replay, a case for each drill.

use std::fmt::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::drill::verdict::{Drill, Verdict};

/// The whole report.
///
/// # Errors
/// Only those of the XML writer.
pub fn render(drills: &[Drill]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("firedrill");
    let mut suite: Option<TestSuite> = None;
    for drill in drills {
        if suite.as_ref().is_none_or(|open| open.name.as_str() != drill.replay.name()) {
            if let Some(done) = suite.take() {
                report.add_test_suite(done);
            }
            suite = Some(TestSuite::new(drill.replay.name()));
        }
        if let Some(open) = &mut suite {
            open.add_test_case(case(drill));
        }
    }
    if let Some(done) = suite {
        report.add_test_suite(done);
    }
    report.to_string()
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
