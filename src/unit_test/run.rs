//! Runs the groups of a test file: loads series, evaluates rules tick by tick, holds alerts and samples against what was
//! expected.

use std::time::Instant;

use super::input::{self, Input};
use super::verdict::{Explanation, Failure, FailureKind, GroupResult};
use super::{Dialect, Rules, TestFile, TestGroup, checks, vmalert};
use crate::labels::Labels;
use crate::promql::eval::Profile;
use crate::rules::{self, EvaluateOptions, Group, RuleError, Run};
use crate::store::{MetricStore, Moment};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// How test files are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine; the step of subqueries is that of the test file.
    pub profile: Profile,
    /// The most samples that the input series of a group may have.
    pub max_samples: u64,
}

/// A group after its evaluation.
pub(super) struct Played<'a> {
    pub file: &'a TestFile,
    pub group: &'a TestGroup,
    pub rules: &'a [Group],
    pub store: MetricStore,
    pub run: Run,
    pub profile: Profile,
    /// The last tick.
    pub last: Timestamp,
}

impl Played<'_> {
    /// The last tick at or before a time after the start.
    pub fn tick(&self, after: Duration) -> Timestamp {
        self.file.tick(self.group, after)
    }

    /// What a query after the last tick can see: samples that were loaded by then, and all that rules wrote.
    pub fn frontier(&self) -> Moment {
        Moment { at: self.last, position: u32::MAX }
    }

    /// The first error of a rule that ended the test.
    pub fn aborted(&self) -> Option<&RuleError> {
        self.run.errors.first()
    }
}

/// Runs one group of a file over its rules.
pub fn run(file: &TestFile, group: &TestGroup, rules: &Rules, options: &Options) -> GroupResult {
    let began = Instant::now();
    let mut warnings = Vec::new();
    let mut not_run = 0;
    let failures = run_group(file, group, rules, options, &mut warnings, &mut not_run);
    GroupResult {
        file: file.source.clone(),
        name: group.name.clone(),
        span: group.span,
        cases: group.cases(),
        not_run,
        failures,
        warnings,
        elapsed: began.elapsed(),
    }
}

fn run_group(
    file: &TestFile,
    group: &TestGroup,
    rules: &Rules,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
    not_run: &mut usize,
) -> Vec<Failure> {
    let unusable = |subject: &str, problems: Vec<Diagnostic>| {
        let (subject, kind) = (subject.to_owned(), FailureKind::Unusable(problems));
        vec![Failure { subject, span: group.span, kind, explanation: Explanation::default() }]
    };
    let last = file.tick(group, group.longest());
    let Input { mut store, warnings: found } = match input::load(&file.source, group, last, options.max_samples) {
        Ok(input) => input,
        Err(problems) => return unusable("input_series", problems),
    };
    warnings.extend(found);
    if !rules.errors.is_empty() {
        return unusable("rule_files", rules.errors.clone());
    }
    let nameless: Vec<Diagnostic> = checks::nameless(file, group).collect();
    if !nameless.is_empty() {
        return unusable("alert_rule_test", nameless);
    }
    let profile = Profile { default_step: file.evaluation_interval, ..options.profile.clone() };
    let evaluation = EvaluateOptions {
        group_intervals: false,
        external_labels: Labels::from_pairs(group.external_labels.iter().map(|(name, value)| (&**name, &**value))),
        external_url: group.external_url.clone(),
        export_replaced_labels: file.dialect != Dialect::Promtool,
        profile: profile.clone(),
        ..EvaluateOptions::new(group.start, last, file.evaluation_interval)
    };
    let labelled = vmalert::labelled(file, group, &rules.groups);
    let groups = labelled.as_deref().unwrap_or(&rules.groups);
    let run = match rules::evaluate(groups, &mut store, &evaluation) {
        Ok(run) => run,
        Err(problems) => return unusable("rule_files", problems),
    };
    let played = Played { file, group, rules: groups, store, run, profile, last };
    let foreign = vmalert::not_run(&played);
    *not_run = foreign.len();
    warnings.extend(foreign);
    let mut failures = checks::alerts(&played);
    match played.aborted() {
        Some(error) => failures.push(checks::failed_rule(&played, error)),
        None => failures.extend(checks::expressions(&played)),
    }
    failures
}
