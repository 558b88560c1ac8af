//! Holds alerts and samples against what a test group expects (Prometheus `cmd/promtool/unittest.go`, `testGroup.test`).

use super::run::Played;
use super::traps;
use super::verdict::{AlertDifference, Explanation, Failure, FailureKind, ResultSample, StandingAlert};
use super::wanted::{WantedAlert, WantedText, all_matched};
use super::{AlertTest, ExpectedAlert, ExpectedSample, ExprTest, TestFile, TestGroup, explain, vmalert};
use crate::engine::{Mode, Step, Steps};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::promql;
use crate::promql::ast::ValueType;
use crate::promql::eval::Query;
use crate::promql::series_values::{SampleRun, parse_samples};
use crate::rules::{AlertState, AlertTrack, RuleError};
use crate::store::Moment;
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Located};

/// Alert tests without a name, which promtool refuses.
pub fn nameless<'a>(file: &'a TestFile, group: &'a TestGroup) -> impl Iterator<Item = Diagnostic> + 'a {
    group.alert_tests.iter().filter(|test| test.alertname.is_none()).map(|test| {
        let problem = Diagnostic::error(format!(
            "an item under alert_rule_test misses required attribute alertname at eval_time {}",
            test.eval_time
        ));
        problem.at(&file.source, test.span).help("write `alertname: ...`, the name of one alert")
    })
}

/// The alert tests that do not hold. Those at or after a tick at which a rule failed are not looked at. What is odd about the
/// alerts is added to `warnings`.
pub fn alerts(played: &Played<'_>, warnings: &mut Vec<Diagnostic>) -> Vec<Failure> {
    let aborted = played.aborted().map(|error| error.tick);
    let reached = |test: &&AlertTest| aborted.is_none_or(|tick| played.tick(test.eval_time) < tick);
    let told = |test: &&AlertTest| vmalert::foreign_rule(played, test).is_none();
    let mut tests: Vec<&AlertTest> = played.group.alert_tests.iter().filter(reached).filter(told).collect();
    tests.sort_by_key(|test| test.eval_time);
    tests.into_iter().filter_map(|test| alert(played, test, warnings)).collect()
}

fn alert(played: &Played<'_>, test: &AlertTest, warnings: &mut Vec<Diagnostic>) -> Option<Failure> {
    let name = test.alertname.as_ref()?;
    let mut expected: Vec<WantedAlert> = test.expected.iter().map(|alert| wanted(test, name, alert)).collect();
    let pending = expected.iter().any(|alert| alert.state == AlertState::Pending);
    let mut got = standing(played, test, pending, warnings);
    expected.sort_by(|a, b| a.labels.cmp(&b.labels));
    got.sort_by(|a, b| (&a.labels, &a.annotations).cmp(&(&b.labels, &b.annotations)));
    let fuzzy = played.file.fuzzy_compare;
    let fits = |w: usize, a: usize| expected[w].accepts(&got[a], |wanted, value| same_value(wanted, value, fuzzy));
    if all_matched(expected.len(), got.len(), fits) {
        return None;
    }
    let (mismatches, explanation) = explain::alerts(played, test, &expected, &got, &fits);
    Some(Failure {
        subject: format!("{} at {}", name.value, test.eval_time),
        span: test.span,
        kind: FailureKind::Alerts(AlertDifference { eval_time: test.eval_time, expected, got, mismatches }),
        explanation,
    })
}

/// What an item of `exp_alerts` wants.
fn wanted(test: &AlertTest, name: &Located, alert: &ExpectedAlert) -> WantedAlert {
    let mut labels: Vec<(String, String)> =
        alert.labels.iter().map(|(label, value)| (label.value.clone(), value.value.clone())).collect();
    // The case names the alert; what the item says of that is not looked at.
    let names = [("alertname", Some(name)), ("alertgroup", test.groupname.as_ref())];
    for (label, value) in names.into_iter().filter_map(|(label, value)| Some((label, value?))) {
        labels.retain(|(other, _)| other != label);
        labels.push((label.to_owned(), value.value.clone()));
    }
    labels.sort();
    let mut annotations: Vec<(String, WantedText)> =
        alert.annotations.iter().map(|(name, text)| (name.value.clone(), text.clone())).collect();
    annotations.sort_by(|a, b| a.0.cmp(&b.0));
    WantedAlert {
        span: alert.span,
        labels,
        more_labels: alert.more_labels,
        annotations,
        more_annotations: alert.more_annotations,
        state: alert.state,
        value: alert.value,
        active_at: alert.active_at,
    }
}

/// The alerts of a test's name that fire at its time, and those that are pending if they are asked for.
fn standing(
    played: &Played<'_>,
    test: &AlertTest,
    pending: bool,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<StandingAlert> {
    let at = |alert: &AlertTrack| played.tick_of(alert.rule, test.eval_time);
    let named = |alert: &AlertTrack| {
        let group = &played.rules[alert.rule.group];
        test.names(group, &group.rules[alert.rule.rule])
    };
    let standing = played.run.alerts.iter().filter_map(|alert| Some((alert, alert.state(at(alert))?)));
    let asked = standing.filter(|(alert, state)| (pending || *state == AlertState::Firing) && named(alert));
    let found = asked.map(|(alert, state)| {
        let at = at(alert);
        let standing = StandingAlert {
            labels: alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            annotations: played.run.annotations(&played.rules, &played.store, alert, at),
            state,
            value: alert.sighting(at).and_then(|sighting| match &sighting.value {
                Sample::Float(value) => Some(*value),
                Sample::Histogram(_) => None,
            }),
            active_at: alert.active_at - played.group.start,
        };
        let rule = &played.rules[alert.rule.group].rules[alert.rule.rule];
        warnings.extend(traps::template_error(rule, &standing));
        standing
    });
    found.collect()
}

/// A rule that failed ends the test.
pub fn failed_rule(played: &Played<'_>, error: &RuleError) -> Failure {
    let rule = &played.rules[error.rule.group].rules[error.rule.rule];
    let at = error.tick - played.group.start;
    let problem = Diagnostic::error(format!("the rule {} fails at {at}: {}", rule.name.value, error.error));
    Failure {
        subject: format!("rule {} at {at}", rule.name.value),
        span: played.group.span,
        kind: FailureKind::Rule { at: error.tick, error: rule.expr.diagnose_all(problem) },
        explanation: explain::failed_rule(played, error),
    }
}

/// The expression tests that do not hold.
pub fn expressions(played: &Played<'_>) -> Vec<Failure> {
    let told = |test: &&ExprTest| vmalert::foreign_expression(played, test).is_none();
    played.group.expr_tests.iter().filter(told).filter_map(|test| expression(played, test)).collect()
}

fn expression(played: &Played<'_>, test: &ExprTest) -> Option<Failure> {
    let mut explanation = Explanation::default();
    let kind = match outcome(played, test) {
        Err(problem) => FailureKind::Expression(problem),
        Ok((expected, got)) => {
            let fuzzy = played.file.fuzzy_compare;
            let equal = |(expected, got): (&ResultSample, &ResultSample)| {
                expected.labels == got.labels
                    && same_value(expected.value, got.value, fuzzy)
                    && expected.histogram == got.histogram
            };
            if expected.len() == got.len() && expected.iter().zip(&got).all(equal) {
                return None;
            }
            let (difference, why) = explain::samples(played, test, expected, got, &|a, b| equal((a, b)));
            explanation = why;
            FailureKind::Samples(difference)
        }
    };
    Some(Failure { subject: format!("{} at {}", test.expr.value, test.eval_time), span: test.span, kind, explanation })
}

/// Equal, or one float apart where the file is fuzzy. NaN equals nothing.
pub fn same_value(expected: f64, got: f64, fuzzy: bool) -> bool {
    expected == got || (fuzzy && (expected.next_down() == got || expected.next_up() == got))
}

/// What was expected and what the expression yields, each sorted by labels.
fn outcome(played: &Played<'_>, test: &ExprTest) -> Result<(Vec<ResultSample>, Vec<ResultSample>), Diagnostic> {
    let got = yielded(played, test, played.frontier())?;
    let mut expected = test.expected.iter().map(expected_sample).collect::<Result<Vec<_>, _>>()?;
    expected.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok((expected, got))
}

/// What the expression yields for a reader at `frontier`, sorted by labels.
///
/// # Errors
/// An expression that cannot be evaluated, with its place.
pub fn yielded(played: &Played<'_>, test: &ExprTest, frontier: Moment) -> Result<Vec<ResultSample>, Diagnostic> {
    let at = |error: ParseError| located(&test.expr, error);
    let expr = promql::parse_with(&test.expr, played.profile.features).map_err(at)?;
    let mut query = Query::compile(&expr, &played.profile).map_err(at)?;
    if matches!(expr.value_type(), ValueType::Matrix | ValueType::String) {
        let problem = Diagnostic::error("rule result is not a vector or scalar");
        return Err(test
            .expr
            .diagnose_all(problem.help("compare vectors or scalars, such as `last_over_time(x[5m])`")));
    }
    let step = Step { time: played.group.start + test.eval_time, frontier };
    let failed = |error: crate::engine::EvalError| test.expr.diagnose(error.span, Diagnostic::error(error.message));
    let matrix = query.run(&played.store, &Steps(vec![step]), Mode::Instants).map_err(failed)?;
    let mut got: Vec<ResultSample> = matrix.sample_result(0).map_err(failed)?.into_iter().map(result_sample).collect();
    got.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(got)
}

pub fn expected_sample(sample: &ExpectedSample) -> Result<ResultSample, Diagnostic> {
    let labels = match &sample.labels {
        Some(text) => promql::parse_series(text).map_err(|error| located(text, error))?,
        None => Labels::empty(),
    };
    let histogram = sample.histogram.as_ref().map(expected_histogram).transpose()?;
    Ok(ResultSample { labels, value: sample.value, histogram })
}

/// A native histogram in the notation of values, as it is compared.
fn expected_histogram(text: &Located) -> Result<String, Diagnostic> {
    let runs = parse_samples(text).map_err(|error| located(text, error))?;
    match runs.as_slice() {
        [SampleRun::Histograms(run)] if run.count == 1 => Ok(run.first.test_expression()),
        _ => {
            let problem = Diagnostic::error("this is not one native histogram");
            Err(text.diagnose_all(problem.help("write one, such as {{schema:0 count:3 sum:5 buckets:[1 2]}}")))
        }
    }
}

/// An element of a result, as it is compared: of a histogram the value is 0.
fn result_sample((labels, sample): (Labels, Sample)) -> ResultSample {
    match sample {
        Sample::Float(value) => ResultSample { labels, value, histogram: None },
        Sample::Histogram(histogram) => {
            ResultSample { labels, value: 0.0, histogram: Some(histogram.test_expression()) }
        }
    }
}

/// An error in an expression, at its place in the file.
fn located(text: &Located, error: ParseError) -> Diagnostic {
    text.diagnose(error.span, error.diagnostic())
}
