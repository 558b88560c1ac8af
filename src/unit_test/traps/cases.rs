//! Cases that cannot hold, say what nobody reads, or compare with a text that stands for an error.

use super::super::verdict::StandingAlert;
use super::super::{AlertTest, ExprTest, TestFile, TestGroup};
use crate::rules::{Rule, RuleKind};
use crate::text::Diagnostic;

/// What is odd about the cases of a group as they are written.
pub fn of_cases(file: &TestFile, group: &TestGroup) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if group.cases() == 0 {
        let problem = Diagnostic::warning(format!("`{}` tests nothing: it has no cases", group.name));
        let expressions = if group.is_of_loki() { "logql_expr_test" } else { "promql_expr_test" };
        let help = format!("write cases under `alert_rule_test` or `{expressions}`");
        found.push(problem.at(&file.source, group.span).help(help));
    }
    found.extend(group.alert_tests.iter().flat_map(of_alerts));
    found.extend(group.expr_tests.iter().flat_map(|test| of_samples(file, test)));
    found
}

fn of_alerts(test: &AlertTest) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in &test.expected {
        for (name, value) in &alert.labels {
            if value.is_empty() && !alert.more_labels && **name != *"alertname" {
                let problem = Diagnostic::warning(format!(
                    "no alert has a label with an empty value: one with `{}: \"\"` is never found",
                    name.value
                ));
                found.push(name.diagnose_all(problem.help("leave the label out: that is how its absence is written")));
            }
            if **name == *"alertname" && test.alertname.as_ref().is_some_and(|other| other != value) {
                let problem = Diagnostic::warning("`alertname` among the labels is not looked at");
                found.push(value.diagnose_all(problem.help("the alert is the one that `alertname` of the case names")));
            }
        }
    }
    found
}

fn of_samples<'a>(file: &'a TestFile, test: &'a ExprTest) -> impl Iterator<Item = Diagnostic> + 'a {
    let nan = test.expected.iter().filter(|sample| sample.value.is_nan() && sample.histogram.is_none());
    nan.map(|sample| {
        let problem = Diagnostic::warning("NaN equals nothing, not even NaN: this case cannot hold");
        let help = "ask for `x != bool x`, which is 1 where x is NaN";
        problem.at(&file.source, sample.span).help(help)
    })
}

/// What stands where a template should have been expanded.
const FAILED: &str = "<error expanding template: ";

/// A label or an annotation of an alert that is the text of an error.
pub fn template_error(rule: &Rule, alert: &StandingAlert) -> Option<Diagnostic> {
    let RuleKind::Alert { annotations, .. } = &rule.kind else { return None };
    let parts = [("annotation", annotations, &alert.annotations), ("label", &rule.labels, &alert.labels)];
    parts.into_iter().find_map(|(what, templates, texts)| {
        let (name, text) = texts.iter().find(|(_, text)| text.starts_with(FAILED))?;
        let (_, template) = templates.iter().find(|(other, _)| other == name)?;
        let error = text.trim_start_matches(FAILED).trim_end_matches('>');
        let problem = Diagnostic::warning(format!("the template of the {what} `{name}` fails: {error}"));
        Some(template.diagnose_all(problem.help("promtool takes the text of the error for the text of the alert")))
    })
}
