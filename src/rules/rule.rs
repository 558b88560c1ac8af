//! Reads one rule, and checks what Prometheus' `rulefmt.Rule.Validate` checks.

use std::collections::BTreeMap;

use super::model::RuleKind;
use crate::labels::METRIC_NAME;
use crate::template::{self, Template, TemplateError};
use crate::text::yaml::{Mapping, Node, Problems};
use crate::text::{Diagnostic, Located, Span};
use crate::time::Duration;

/// A rule whose expression has not been parsed. Parts that are wrong are missing, and have been reported.
pub(super) struct Draft {
    pub kind: Option<(RuleKind, Located)>,
    pub expr: Option<Located>,
    pub labels: Vec<(String, Located)>,
    pub span: Span,
}

pub(super) struct RuleReader<'a> {
    pub problems: &'a Problems<'a>,
}

impl<'a> RuleReader<'a> {
    /// Reads a rule; `None` where it is no mapping.
    pub fn read(&self, node: &'a Node) -> Option<Draft> {
        let fields = Mapping::of(node, "a rule", self.problems)?;
        let alert = fields.string("alert").filter(|name| !name.is_empty());
        let record = fields.string("record").filter(|name| !name.is_empty());
        let expr = fields.string("expr").filter(|expr| !expr.is_empty());
        if expr.is_none() {
            let place = fields.get("expr").unwrap_or(node);
            self.problems.at(place, Diagnostic::error("a rule without an expression").help("write `expr: ...`"));
        }
        let for_ = fields.duration("for").unwrap_or_default();
        let keep_firing_for = fields.duration("keep_firing_for").unwrap_or_default();
        let labels = self.labels(&fields, "a rule's labels");
        let annotations = self.annotations(&fields);
        // VictoriaMetrics' extras.
        fields.ignore(&["debug", "update_entries_limit"]);
        let kind = match (alert, record) {
            (Some(_), Some(record)) => {
                let problem =
                    Diagnostic::error("a rule has either `alert` or `record`, not both").help("make it two rules");
                self.problems.push(record.diagnose_all(problem));
                None
            }
            (None, None) => {
                let problem = Diagnostic::error("a rule without `alert` and `record`")
                    .help("write `alert: NAME` for an alert, `record: NAME` for a series to record");
                self.problems.at(node, problem);
                None
            }
            (Some(alert), None) => {
                self.check_templates(&alert, &labels);
                self.check_templates(&alert, &annotations);
                Some((RuleKind::Alert { for_, keep_firing_for, annotations }, alert))
            }
            (None, Some(record)) => {
                self.check_record(&fields, &record, for_, keep_firing_for);
                Some((RuleKind::Record, record))
            }
        };
        fields.finish();
        Some(Draft { kind, expr, labels, span: node.span })
    }

    /// Labels and annotations of an alert are templates.
    fn check_templates(&self, alert: &str, texts: &[(String, Located)]) {
        for (name, text) in texts.iter().filter(|(_, text)| template::has_actions(text)) {
            let Err(error) = Template::parse(&format!("__alert_{alert}"), text) else { continue };
            let part = match error {
                TemplateError::Parse { span, .. } => span,
                TemplateError::Expand(_) => Span::new(0, text.len()),
            };
            self.problems.push(text.diagnose(part, Diagnostic::error(format!("the template of `{name}`: {error}"))));
        }
    }

    fn check_record(&self, fields: &Mapping<'a>, record: &Located, for_: Duration, keep_firing_for: Duration) {
        let given = [
            ("for", for_ != Duration::ZERO),
            ("keep_firing_for", keep_firing_for != Duration::ZERO),
            ("annotations", fields.get("annotations").is_some_and(|node| !node.entries().is_empty())),
        ];
        for (name, _) in given.into_iter().filter(|(_, given)| *given) {
            if let Some(key) = fields.key(name) {
                let problem = Diagnostic::error(format!("a recording rule has no `{name}`"))
                    .help("remove it, or make the rule an alert");
                self.problems.at(key, problem);
            }
        }
        if let Some(brace) = record.find(['{', '}']) {
            let problem = Diagnostic::error("braces in the name of a recording rule")
                .help("the name stands alone; constant labels are given under `labels:`");
            self.problems.push(record.diagnose(Span::new(brace, brace + 1), problem));
        }
    }

    /// The labels of a rule or a group, in the order of the file.
    pub fn labels(&self, fields: &Mapping<'a>, what: &str) -> Vec<(String, Located)> {
        let mut labels = Vec::new();
        for (name, value) in fields.pairs("labels") {
            if name.is_empty() || &*name == METRIC_NAME {
                let problem = Diagnostic::error(format!("invalid name in {what}: {:?}", name.value));
                let problem = match name.is_empty() {
                    true => problem.help("a label's name has at least one character"),
                    false => problem.help("`record:` names the metric; an alert's name is the label alertname"),
                };
                self.problems.push(name.diagnose_all(problem));
                continue;
            }
            labels.push((name.value, value));
        }
        labels
    }

    fn annotations(&self, fields: &Mapping<'a>) -> Vec<(String, Located)> {
        let mut annotations = Vec::new();
        for (name, value) in fields.pairs("annotations") {
            if name.is_empty() {
                self.problems.push(name.diagnose_all(Diagnostic::error("an annotation without a name")));
                continue;
            }
            annotations.push((name.value, value));
        }
        annotations.sort_by(|a, b| a.0.cmp(&b.0));
        annotations
    }
}

/// A group's labels under those of a rule, sorted by name.
pub(super) fn merge_labels(group: &[(String, Located)], own: Vec<(String, Located)>) -> Vec<(String, Located)> {
    let mut merged: BTreeMap<String, Located> = group.iter().cloned().collect();
    merged.extend(own);
    merged.into_iter().collect()
}
