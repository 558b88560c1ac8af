//! What vmalert-tool does otherwise than promtool: labels of the group and from outside are labels of alerts, and
//! expressions may be MetricsQL, of which only what is PromQL too is run (VictoriaMetrics `app/vmalert-tool/unittest`).

use std::collections::{BTreeMap, BTreeSet};

use super::run::Played;
use super::{AlertTest, Dialect, ExprTest, TestFile, TestGroup};
use crate::promql::ast::{Expr, ExprKind};
use crate::promql::{self, Features};
use crate::rules::{Group, Query, Rule};
use crate::text::{Diagnostic, Located};

/// The rules with the labels that vmalert adds to each: those from outside, which the rule's own replace, and for alerts
/// the name of the group. `None` for promtool, which adds none.
pub fn labelled(file: &TestFile, group: &TestGroup, rules: &[Group]) -> Option<Vec<Group>> {
    let Dialect::VmalertTool { group_label } = file.dialect else { return None };
    let mut groups = rules.to_vec();
    for rule_group in &mut groups {
        let name = rule_group.name.clone();
        for rule in &mut rule_group.rules {
            let outside = group.external_labels.iter().map(|(name, value)| (name.value.clone(), value.clone()));
            let mut labels: BTreeMap<String, Located> = outside.collect();
            labels.extend(std::mem::take(&mut rule.labels));
            if group_label && rule.is_alert() {
                labels.insert("alertgroup".to_owned(), name.clone());
            }
            rule.labels = labels.into_iter().collect();
        }
    }
    Some(groups)
}

/// Functions that MetricsQL computes otherwise than PromQL.
const DIFFERENT: [&str; 8] = ["changes", "delta", "deriv", "idelta", "increase", "irate", "rate", "resets"];

/// That the values of some functions may be others in vmalert-tool; `None` where the file's rules and cases use none.
pub fn note(file: &TestFile, rules: &[Group]) -> Option<Diagnostic> {
    if file.dialect == Dialect::Promtool {
        return None;
    }
    let cases = file.groups.iter().flat_map(|group| &group.expr_tests);
    let cases: Vec<Expr> = cases.filter_map(|test| promql::parse_with(&test.expr, Features::PROMETHEUS).ok()).collect();
    let mut found = BTreeSet::new();
    for expr in rules.iter().flat_map(|group| &group.rules).filter_map(Rule::promql).chain(&cases) {
        expr.walk(&mut |node| {
            if let ExprKind::Call(call) = &node.kind {
                found.extend(DIFFERENT.into_iter().filter(|name| *name == call.function.name));
            }
        });
    }
    let names: Vec<&str> = found.into_iter().collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        Diagnostic::warning(format!("{}: evaluated as PromQL; values of {names} may differ", file.source.name()))
            .help("MetricsQL looks at the sample before the window, counts from 0 and does not extrapolate")
    })
}

/// The cases that are not run, each with the reason.
pub fn not_run(played: &Played<'_>) -> Vec<Diagnostic> {
    let told = |text: &Located, what: &str| {
        let problem = Diagnostic::warning(format!("this case is not run: {what} is no PromQL"));
        text.diagnose_all(problem.help("MetricsQL is not evaluated; vmalert-tool runs it"))
    };
    let alerts = played.group.alert_tests.iter().filter_map(|test| {
        let rule = foreign_rule(played, test)?;
        Some(told(test.alertname.as_ref()?, &format!("the expression of {}", rule.name.value)))
    });
    let expressions = played.group.expr_tests.iter();
    let expressions = expressions.filter_map(|test| Some(told(foreign_expression(played, test)?, "the expression")));
    alerts.chain(expressions).collect()
}

/// The rule that a case asks for and that is not PromQL.
pub fn foreign_rule<'a>(played: &'a Played<'_>, test: &AlertTest) -> Option<&'a Rule> {
    if played.file.dialect == Dialect::Promtool {
        return None;
    }
    let rules = played.rules.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    let mut named = rules.filter(|(group, rule)| matches!(rule.query, Query::Metricsql) && test.names(group, rule));
    named.next().map(|(_, rule)| rule)
}

/// The expression of a case, if it is not PromQL and the file is one of MetricsQL.
pub fn foreign_expression<'t>(played: &Played<'_>, test: &'t ExprTest) -> Option<&'t Located> {
    let foreign =
        played.file.dialect != Dialect::Promtool && promql::parse_with(&test.expr, played.profile.features).is_err();
    foreign.then_some(&test.expr)
}
