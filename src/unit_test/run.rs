//! Runs the groups of a test file: loads series, evaluates rules tick by tick, holds alerts and samples against what was
//! expected.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::blind::{self, Silence};
use super::input::{self, Input};
use super::verdict::{Explanation, Failure, FailureKind, GroupResult};
use super::{Dialect, Rules, TestFile, TestGroup, checks, streams, traps, vmalert};
use crate::labels::Labels;
use crate::promql::eval::Profile;
use crate::rules::{self, EvaluateOptions, Group, Language, RuleError, RuleRef, Run};
use crate::store::{LogStore, MetricStore, Moment, SeriesId};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// How test files are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine; the step of subqueries is that of the test file.
    pub profile: Profile,
    /// The most samples that the input series of a group may have, and the most evaluations of rules.
    pub max_samples: u64,
    /// Whether warnings and blind cases are failures.
    pub strict: bool,
}

/// A group after its evaluation.
pub(super) struct Played<'a> {
    pub file: &'a TestFile,
    pub group: &'a TestGroup,
    pub rules: Cow<'a, [Group]>,
    pub store: MetricStore,
    /// The entries of the input streams.
    pub logs: Arc<LogStore>,
    /// The time of the last value that is written for each series.
    pub ends: HashMap<SeriesId, Timestamp>,
    odd_input: Vec<Diagnostic>,
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

    /// The last tick of a rule at or before a time after the start: groups in LogQL have intervals of their own.
    pub fn tick_of(&self, rule: RuleRef, after: Duration) -> Timestamp {
        let own = &self.rules[rule.group];
        match own.interval.filter(|_| own.language == Language::Logql) {
            Some(interval) => self.group.start + Duration(after.0 - after.0.rem_euclid(interval.0.max(1))),
            None => self.tick(after),
        }
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
    let mut result = GroupResult {
        file: file.source.clone(),
        name: group.name.clone(),
        span: group.span,
        cases: group.cases(),
        not_run: 0,
        failures: Vec::new(),
        blind: Vec::new(),
        warnings: traps::of_cases(file, group),
        seen: Vec::new(),
        elapsed: began.elapsed(),
    };
    result.failures = run_group(rules, options, (file, group), &mut result);
    if options.strict {
        result.make_strict();
    }
    result.elapsed = began.elapsed();
    result
}

fn run_group(
    rules: &Rules,
    options: &Options,
    (file, group): (&TestFile, &TestGroup),
    result: &mut GroupResult,
) -> Vec<Failure> {
    let mut played = match play(file, group, rules, &rules.groups, options) {
        Ok(played) => played,
        Err(failure) => return vec![*failure],
    };
    result.warnings.append(&mut played.odd_input);
    let foreign = vmalert::not_run(&played);
    result.not_run = foreign.len();
    result.warnings.extend(foreign);
    let failures = judge(&played, &mut result.warnings);
    if let Some(tied) = &rules.tied
        && let Ok(other) = play(file, group, rules, &tied.reversed, options)
    {
        let reversed = judge(&other, &mut Vec::new());
        result.warnings.extend(traps::depends_on_order(file, tied, &failures, &reversed));
    }
    let Silence { blind, warnings } = blind::silence(&played);
    result.blind = blind;
    result.warnings.extend(warnings);
    result.warnings.extend(traps::between_ticks(&played));
    let (warnings, seen) = traps::of_lines(&played, &result.blind.iter().map(|case| case.span).collect::<Vec<_>>());
    result.warnings.extend(warnings);
    result.seen = seen;
    result.warnings.extend(traps::late_samples(&mut played));
    failures
}

/// Loads the series of a group and evaluates the rules over them, in the order of `groups`.
fn play<'a>(
    file: &'a TestFile,
    group: &'a TestGroup,
    rules: &Rules,
    groups: &'a [Group],
    options: &Options,
) -> Result<Played<'a>, Box<Failure>> {
    let unusable = |subject: &str, problems: Vec<Diagnostic>| {
        let (subject, kind) = (subject.to_owned(), FailureKind::Unusable(problems));
        Box::new(Failure { subject, span: group.span, kind, explanation: Explanation::default() })
    };
    let last = file.tick(group, group.longest());
    let Input { mut store, ends, warnings: odd_input } = input::load(&file.source, group, last, options.max_samples)
        .map_err(|problems| unusable("input_series", problems))?;
    if !rules.errors.is_empty() {
        return Err(unusable("rule_files", rules.errors.clone()));
    }
    let nameless: Vec<Diagnostic> = checks::nameless(file, group).collect();
    if !nameless.is_empty() {
        return Err(unusable("alert_rule_test", nameless));
    }
    if let Some(problem) = too_many_evaluations(file, group, groups, options.max_samples) {
        return Err(unusable("eval_time", vec![problem]));
    }
    let logs = streams::load(group, options.max_samples).map_err(|problems| unusable("input_streams", problems))?;
    let profile = Profile { default_step: file.evaluation_interval, ..options.profile.clone() };
    let evaluation = EvaluateOptions {
        group_intervals: false,
        external_labels: Labels::from_pairs(group.external_labels.iter().map(|(name, value)| (&**name, &**value))),
        external_url: group.external_url.clone(),
        serves: file.dialect != Dialect::Promtool,
        export_replaced_labels: file.dialect != Dialect::Promtool,
        profile: profile.clone(),
        logs: Arc::new(logs),
        // Ticks of Loki's groups may lie behind the last one of the others.
        ..EvaluateOptions::new(group.start, group.start + group.longest(), file.evaluation_interval)
    };
    let rules = vmalert::labelled(file, group, groups).map_or(Cow::Borrowed(groups), Cow::Owned);
    let run = rules::evaluate(&rules, &mut store, &evaluation).map_err(|problems| unusable("rule_files", problems))?;
    Ok(Played { file, group, rules, store, logs: evaluation.logs, ends, odd_input, run, profile, last })
}

/// The cases that do not hold.
fn judge(played: &Played<'_>, warnings: &mut Vec<Diagnostic>) -> Vec<Failure> {
    let mut failures = checks::alerts(played, warnings);
    match played.aborted() {
        Some(error) => failures.push(checks::failed_rule(played, error)),
        None => {
            failures.extend(checks::expressions(played));
            failures.extend(streams::failures(played));
        }
    }
    failures
}

/// Rules times ticks, where that is more than samples may be.
fn too_many_evaluations(file: &TestFile, group: &TestGroup, groups: &[Group], most: u64) -> Option<Diagnostic> {
    let longest = group.longest();
    let ticks = u64::try_from(longest.0 / file.evaluation_interval.0).unwrap_or(0).saturating_add(1);
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    let evaluations = ticks.saturating_mul(rules.max(1) as u64);
    if evaluations <= most {
        return None;
    }
    let alerts = group.alert_tests.iter().map(|test| (test.eval_time, test.span));
    let logs = group.log_tests.iter().map(|test| (test.eval_time, test.span));
    let cases = alerts.chain(group.expr_tests.iter().map(|test| (test.eval_time, test.span))).chain(logs);
    let span = cases.max_by_key(|(time, _)| *time).map_or(group.span, |(_, span)| span);
    let every = file.evaluation_interval;
    let problem = Diagnostic::error(format!("{ticks} ticks, one every {every} up to {longest}, are too many"));
    let help = format!(
        "write an earlier eval_time or a longer evaluation_interval; ticks times rules may be {most} (--max-samples, or `limits` in firedrill.yaml)"
    );
    Some(problem.at(&file.source, span).help(help))
}
