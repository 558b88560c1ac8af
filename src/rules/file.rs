//! Reads rule files: those of Prometheus, Loki, Thanos, Mimir and VictoriaMetrics, and Kubernetes manifests that hold
//! rules. What is accepted and refused follows Prometheus' `model/rulefmt`; more fields are known (Loki's, Thanos' and
//! VictoriaMetrics' extras), and all that is wrong with a file is reported at once.

use std::collections::HashMap;

use super::language::{looks_like_helm, looks_like_logql, reads_streams};
use super::model::{Group, Language, Query, Rule, RuleFile, RuleKind};
use super::rule::{RuleReader, merge_labels};
use crate::logql;
use crate::promql::{self, Features};
use crate::text::yaml::{self, Mapping, Node, Problems};
use crate::text::{Diagnostic, Located, Source, Span};

/// Fields of groups that other systems than Prometheus know, and that do not change what is evaluated here: Thanos,
/// Loki and Mimir, VictoriaMetrics.
const EXTRA_GROUP_FIELDS: &[&str] = &[
    "partial_response_strategy",
    "remote_write",
    "source_tenants",
    "align_evaluation_time_on_interval",
    "evaluation_delay",
    "concurrency",
    "params",
    "headers",
    "notifier_headers",
    "debug",
    "eval_offset",
    "eval_delay",
    "eval_alignment",
    "extra_filter_labels",
    "tenant",
];

/// Reads a file of rules: PromQL, and LogQL in the groups whose expressions are that.
///
/// # Errors
/// Everything that is wrong with the file, in the order of the places.
pub fn read(source: &Source) -> Result<RuleFile, Vec<Diagnostic>> {
    read_with(source, &ReadOptions::default())
}

/// How a file of rules is read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// What it is written in; `None`: found out from each group.
    pub language: Option<Language>,
    /// The parts of PromQL that its expressions may use.
    pub features: Features,
    /// Whether fields that nobody knows are allowed.
    pub ignore_unknown_fields: bool,
    /// What groups are read as that both languages understand (`rate({job="a"}[5m])`) in a file that does not show which it
    /// is; PromQL unless this says LogQL.
    pub logql_in_doubt: bool,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            language: None,
            features: Features::PROMETHEUS,
            ignore_unknown_fields: false,
            logql_in_doubt: false,
        }
    }
}

/// Reads a file of rules as the options say.
///
/// # Errors
/// As `read`.
pub fn read_with(source: &Source, options: &ReadOptions) -> Result<RuleFile, Vec<Diagnostic>> {
    read_rules(source, options).map_err(|problems| match looks_like_helm(source.text()) {
        // What YAML makes of a template helps nobody.
        true => vec![
            Diagnostic::error("this looks like a Helm template, not like a rule file")
                .at(source, Span::default())
                .help("let firedrill.yaml render it: `render: {command: helm template CHART --output-dir build, output: build}`, and name the file in build"),
        ],
        false => problems,
    })
}

fn read_rules(source: &Source, options: &ReadOptions) -> Result<RuleFile, Vec<Diagnostic>> {
    let documents = yaml::read_documents(source).map_err(|problem| vec![problem])?;
    let problems = Problems::new(source).allow_unknown_fields(options.ignore_unknown_fields);
    let mut file = RuleFile { source: source.clone(), groups: Vec::new(), skipped_documents: 0, warnings: Vec::new() };
    let (language, features) = (options.language.as_ref(), options.features);
    let mut reader = Reader { problems: &problems, language, features, file: &mut file, plain: 0 };
    for document in &documents {
        reader.document(document);
    }
    if options.language.is_none() {
        settle_doubts(&mut file, options.logql_in_doubt, &problems);
    }
    let duplicates = duplicate_rules(&file.groups);
    file.warnings.extend(duplicates);
    let found = problems.into_inner();
    if found.is_empty() { Ok(file) } else { Err(found) }
}

/// Whether a document of YAML is one that `read` understands: groups of rules, or a manifest that holds some.
pub fn is_rule_document(document: &Node) -> bool {
    match document.get("kind").and_then(Node::text) {
        Some("PrometheusRule" | "VMRule" | "PrometheusRuleList" | "VMRuleList" | "AlertingRule" | "RecordingRule") => {
            true
        }
        Some("List") => match document.get("items").map(|items| &items.kind) {
            Some(yaml::Kind::List(items)) => items.iter().any(is_rule_document),
            _ => false,
        },
        _ => document.get("groups").is_some(),
    }
}

struct Reader<'a> {
    problems: &'a Problems<'a>,
    language: Option<&'a Language>,
    features: Features,
    file: &'a mut RuleFile,
    /// Documents so far that are rule files and no manifests.
    plain: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self, document: &'a Node) {
        let kind = document.get("kind").and_then(Node::text);
        match kind {
            Some("PrometheusRule" | "VMRule") => self.manifest(document),
            Some("AlertingRule" | "RecordingRule") => {
                // Those of Loki's operator, whatever the file is said to be.
                let language = self.language.replace(&Language::Logql);
                self.manifest(document);
                self.language = language;
            }
            Some("List" | "PrometheusRuleList" | "VMRuleList") => {
                let Some(list) = Mapping::of(document, "a list of manifests", self.problems) else { return };
                for item in list.list("items") {
                    self.document(item);
                }
            }
            Some(kind) if document.get("groups").is_none() => {
                if let Some(groups) = hidden_groups(document) {
                    let problem = Diagnostic::error(format!(
                        "a document of kind {kind} is not read, and this one holds groups of rules"
                    ));
                    let help = "write them into a rule file, or into a PrometheusRule, a VMRule or Loki's AlertingRule";
                    self.problems.at(groups, problem.help(help));
                }
                self.file.skipped_documents += 1;
            }
            _ => {
                self.plain += 1;
                if self.plain > 1 {
                    let warning =
                        Diagnostic::warning("this document is not read: Prometheus reads the first one of a file")
                            .help("put all groups into one `groups:` list");
                    self.file.warnings.push(warning.at(self.problems.source, document.span));
                    return;
                }
                let Some(top) = Mapping::of(document, "a rule file", self.problems) else { return };
                // The namespace of Mimir's rule files.
                top.ignore(&["groups", "namespace"]);
                self.groups(&top);
                top.finish();
            }
        }
    }

    /// The rules of a Kubernetes manifest are its `spec`.
    fn manifest(&mut self, document: &'a Node) {
        let Some(manifest) = Mapping::of(document, "a manifest", self.problems) else { return };
        let Some(spec) = manifest.get("spec") else {
            self.problems.at(
                document,
                Diagnostic::error("a manifest of rules without `spec`").help("write `spec:` and `groups:` in it"),
            );
            return;
        };
        let Some(spec) = Mapping::of(spec, "`spec`", self.problems) else { return };
        // Of Loki's kinds.
        spec.ignore(&["tenantID"]);
        self.groups(&spec);
        spec.finish();
    }

    fn groups(&mut self, parent: &Mapping<'a>) {
        let mut names: HashMap<String, usize> = HashMap::new();
        for node in parent.list("groups") {
            let Some(group) = self.group(node) else { continue };
            if !group.name.is_empty() {
                let line = self.problems.source.place(group.name.span.start).line;
                if let Some(first) = names.get(&group.name.value) {
                    let problem =
                        Diagnostic::error(format!("the group name {:?} is used twice in this file", group.name.value))
                            .help(format!("give it another name; the first one is in line {first}"));
                    self.problems.push(group.name.diagnose_all(problem));
                }
                names.entry(group.name.value.clone()).or_insert(line);
            }
            self.file.groups.push(group);
        }
    }

    fn group(&mut self, node: &'a Node) -> Option<Group> {
        let source = self.problems.source;
        let fields = Mapping::of(node, "a rule group", self.problems)?;
        let name = fields.string("name");
        if name.as_ref().is_none_or(|name| name.is_empty()) {
            let place = fields.get("name").unwrap_or(node);
            self.problems.at(place, Diagnostic::error("a rule group without a name").help("write `name: ...`"));
        }
        let interval = fields.duration("interval").filter(|interval| interval.0 != 0);
        let query_offset = fields.duration("query_offset");
        let limit = fields.integer("limit").and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
        let labels = RuleReader { problems: self.problems }.labels(&fields, "a group's labels");
        let language = match fields.string("type") {
            Some(kind) if matches!(&*kind, "vlogs" | "graphite") => {
                Language::Skipped(format!("its expressions are of type {}", kind.value))
            }
            Some(kind) if !kind.is_empty() && &*kind != "prometheus" => {
                let problem = Diagnostic::error(format!("unknown type of a rule group: {:?}", kind.value))
                    .help("VictoriaMetrics knows prometheus, graphite and vlogs");
                self.problems.push(kind.diagnose_all(problem));
                Language::Promql
            }
            _ => self.language.cloned().unwrap_or(Language::Promql),
        };
        let nodes = fields.list("rules");
        fields.ignore(EXTRA_GROUP_FIELDS);
        fields.finish();
        let name = name.unwrap_or_else(|| Located::new("", source, node.span, Vec::new()));
        let written = nodes.len();
        let (language, rules) = self.rules(&nodes, language, &labels);
        Some(Group {
            name,
            file: source.clone(),
            span: node.span,
            interval,
            query_offset,
            limit,
            labels,
            unread: if let Language::Skipped(_) = language { written } else { 0 },
            language,
            rules,
        })
    }

    /// The rules of a group, and the language that they turned out to be in.
    fn rules(
        &mut self,
        nodes: &[&'a Node],
        language: Language,
        group_labels: &[(String, Located)],
    ) -> (Language, Vec<Rule>) {
        if let Language::Skipped(_) = language {
            return (language, Vec::new());
        }
        let features = self.features;
        let reader = RuleReader { problems: self.problems };
        let drafts: Vec<_> = nodes.iter().filter_map(|node| reader.read(node)).collect();
        let mut parsed: Vec<_> =
            drafts.iter().map(|draft| draft.expr.as_ref().map(|expr| promql::parse_with(expr, features))).collect();
        let foreign = drafts.iter().zip(&parsed).any(|(draft, parsed)| {
            matches!(parsed, Some(Err(_)))
                && draft.expr.as_ref().is_some_and(|expr| looks_like_logql(expr) || is_logql(expr))
        });
        let logql = language == Language::Logql || (self.language.is_none() && foreign);
        let mut rules = Vec::with_capacity(drafts.len());
        for (draft, parsed) in drafts.into_iter().zip(parsed.drain(..)) {
            let (Some(expr), Some(parsed)) = (draft.expr, parsed) else { continue };
            let query = match parsed {
                parsed if logql => match logql_query(&expr, parsed.is_ok()) {
                    Ok(query) => query,
                    Err(problem) => {
                        self.problems.push(problem);
                        continue;
                    }
                },
                Ok(tree) => Query::Promql(tree),
                Err(_) if language == Language::Metricsql => Query::Metricsql,
                Err(error) if looks_like_logql(&expr) => {
                    let span = error.span;
                    let help = "this is LogQL: a unit test of it has `input_streams`, and firedrill.yaml says which files are (`languages`)";
                    self.problems.push(expr.diagnose(span, error.diagnostic().help(help)));
                    continue;
                }
                Err(error) => {
                    self.problems.push(expr.diagnose(error.span, error.diagnostic()));
                    continue;
                }
            };
            let Some((kind, name)) = draft.kind else { continue };
            let labels = merge_labels(group_labels, draft.labels);
            if logql && let Some(problem) = odd_name(&kind, &name, &labels) {
                self.problems.push(problem);
            }
            let readable = !matches!(query, Query::Logql(_));
            rules.push(Rule { kind, name, query, expr, labels, readable, span: draft.span });
        }
        (if logql { Language::Logql } else { language }, rules)
    }
}

/// Groups of rules within a document of another kind: a list with rules, or a text that is a rule file.
fn hidden_groups(document: &Node) -> Option<&Node> {
    document.entries().iter().find_map(|(name, value)| match &value.kind {
        yaml::Kind::List(groups) if name.text() == Some("groups") => {
            groups.iter().any(|group| group.get("rules").is_some()).then_some(value)
        }
        yaml::Kind::Scalar { text, .. } => {
            let has = |key: &str| text.lines().any(|line| line.trim_start_matches([' ', '-']).starts_with(key));
            (text.lines().any(|line| line.starts_with("groups:")) && has("rules:")).then_some(value)
        }
        _ => hidden_groups(value),
    })
}

/// The query of a rule in LogQL.
///
/// # Errors
/// What Loki refuses, and what it can evaluate for no rule.
fn logql_query(expr: &Located, is_promql: bool) -> Result<Query, Diagnostic> {
    match logql::parse(expr) {
        Ok(logql::ast::Query::Metric(metric)) => Ok(Query::Logql(metric)),
        Ok(logql::ast::Query::Log(query)) => {
            let problem =
                Diagnostic::error("a rule cannot be a log query: it yields lines, and Loki's ruler takes samples");
            let written = expr.get(query.span.start..query.span.end).unwrap_or_default().trim();
            let help = match written.contains('\n') {
                true => "count the lines: `sum(count_over_time(... [5m])) > 0`".to_owned(),
                false => format!("count the lines: `sum(count_over_time({written} [5m])) > 0`"),
            };
            Err(expr.diagnose(query.span, problem.help(help)))
        }
        Err(_) if is_promql => {
            let problem = Diagnostic::error("a rule in PromQL in a group of LogQL");
            let help =
                "one server evaluates a group: put rules for Prometheus and rules for Loki into groups of their own";
            Err(expr.diagnose_all(problem.help(help)))
        }
        Err(error) => Err(expr.diagnose(error.span, error.diagnostic())),
    }
}

/// Whether a text is LogQL that asks for log lines.
fn is_logql(expr: &str) -> bool {
    matches!(logql::parse(expr), Ok(logql::ast::Query::Metric(metric)) if reads_streams(&metric))
}

/// A name of a rule of Loki that its ruler refuses, though Prometheus takes it (`pkg/ruler/compat.go`, `validateRule`).
fn odd_name(kind: &RuleKind, name: &Located, labels: &[(String, Located)]) -> Option<Diagnostic> {
    let is_plain = |name: &str, colon: bool| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
        name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let help = "Loki takes letters, digits and `_`, and no digit in front";
    if matches!(kind, RuleKind::Record) && !is_plain(name, true) {
        let problem = Diagnostic::error(format!("not a name that Loki can record: {:?}", name.value));
        return Some(name.diagnose_all(problem.help(format!("{help}; `:` in names of series"))));
    }
    let annotations = match kind {
        RuleKind::Alert { annotations, .. } => annotations.as_slice(),
        RuleKind::Record => &[],
    };
    let (name, text) = labels.iter().chain(annotations).find(|(name, _)| !is_plain(name, false))?;
    let problem = Diagnostic::error(format!("a name of a label or an annotation that Loki refuses: {name:?}"));
    Some(text.diagnose_all(problem.help(help)))
}

/// Reads as LogQL the groups that both languages understand and that are to be LogQL: because another group of the file is,
/// or because the caller says so. What then only PromQL understands, and names no metric, is an error.
fn settle_doubts(file: &mut RuleFile, in_doubt: bool, problems: &Problems<'_>) {
    if !in_doubt && !file.groups.iter().any(|group| group.language == Language::Logql) {
        return;
    }
    for group in file.groups.iter_mut().filter(|group| group.language == Language::Promql) {
        let parsed: Vec<Option<logql::ast::Expr>> = group
            .rules
            .iter()
            .map(|rule| match logql::parse(&rule.expr) {
                Ok(logql::ast::Query::Metric(expr)) => Some(expr),
                _ => None,
            })
            .collect();
        group.rules.iter().filter_map(nameless).for_each(|problem| problems.push(problem));
        if !parsed.iter().all(Option::is_some) || !parsed.iter().flatten().any(reads_streams) {
            continue;
        }
        group.language = Language::Logql;
        for (rule, expr) in group.rules.iter_mut().zip(parsed.into_iter().flatten()) {
            rule.query = Query::Logql(expr);
            rule.readable = false;
        }
    }
}

/// That a rule is PromQL of streams: LogQL refuses it, and all that it selects has no name.
fn nameless(rule: &Rule) -> Option<Diagnostic> {
    let (tree, error) = (rule.promql()?, logql::parse(&rule.expr).err()?);
    let selectors = tree.selectors();
    let named = selectors.iter().any(|(selector, _)| selector.matchers.iter().any(|m| &*m.name == "__name__"));
    if selectors.is_empty() || named {
        return None;
    }
    let span = error.span;
    let known = error.hint.map_or_else(String::new, |hint| format!("{hint}; "));
    let problem = Diagnostic::error(format!("a rule of Loki that only PromQL can read: {}", error.message));
    let help = format!("{known}if it is PromQL, `languages` in firedrill.yaml says so");
    Some(rule.expr.diagnose(span, problem.help(help)))
}

/// Rules of equal names and labels, as `promtool check rules` reports them.
fn duplicate_rules(groups: &[Group]) -> Vec<Diagnostic> {
    let mut seen: HashMap<_, &Located> = HashMap::new();
    let mut found = Vec::new();
    for rule in groups.iter().flat_map(|group| &group.rules) {
        let labels: Vec<_> = rule.labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str())).collect();
        let key = (matches!(rule.kind, RuleKind::Record), rule.name.value.as_str(), labels);
        match seen.get(&key) {
            Some(first) => {
                let line = first.source.place(first.span.start).line;
                let warning = Diagnostic::warning(format!("a second rule {:?} with the same labels", rule.name.value))
                    .help(format!("the first one is in line {line}; a label tells them apart"));
                found.push(rule.name.diagnose_all(warning));
            }
            None => {
                seen.insert(key, &rule.name);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn problems(text: &str) -> Vec<String> {
        match read(&Source::new("f.yaml", text)) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(ToString::to_string).collect(),
        }
    }

    fn accepted(text: &str) -> RuleFile {
        read(&Source::new("f.yaml", text)).unwrap_or_else(|found| panic!("{found:#?}"))
    }

    #[test]
    fn a_rule_file_of_prometheus_is_read_with_all_its_fields() {
        let file = accepted(
            "groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: infra, severity: page}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: |
      up
        == 0
    for: 5m
    keep_firing_for: 1h
    labels: {severity: 1}
    annotations: {summary: 'It is {{ $value }}', b: yes}
",
        );
        let group = &file.groups[0];
        assert_eq!((group.interval, group.query_offset), (Some(Duration(30_000)), Some(Duration::MINUTE)));
        assert_eq!((group.limit, &group.language, group.rules.len()), (Some(5), &Language::Promql, 2));
        assert!(matches!(group.rules[0].kind, RuleKind::Record));
        let alert = &group.rules[1];
        let labels: Vec<_> = alert.labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str())).collect();
        assert_eq!(labels, [("severity", "1"), ("team", "infra")]);
        assert_eq!(&*alert.expr, "up\n  == 0\n");
        let RuleKind::Alert { for_, keep_firing_for, annotations } = &alert.kind else { panic!("no alert") };
        assert_eq!((*for_, *keep_firing_for), (Duration(300_000), Duration(3_600_000)));
        assert_eq!((annotations[0].0.as_str(), &*annotations[0].1), ("b", "yes"));
        assert!(file.warnings.is_empty());
    }

    #[test]
    fn an_error_inside_a_block_points_into_the_block() {
        let found = problems("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      1 +\n        rate(up)\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("f.yaml:7:14: "), "{}", found[0]);
    }

    #[test]
    fn all_errors_of_a_file_are_reported_at_once() {
        let found = problems(
            "groups:
- name: g
  intervall: 1m
  rules:
  - alert: A
    record: b
    expr: up
  - expr: up
  - alert: C
  - record: 'd{x=\"y\"}'
    expr: 1
    for: 5m
    annotations: {a: b}
  - alert: E
    expr: up ==
    for: 5
    labels: {__name__: x, '': y}
- name: g
  rules: []
- rules: []
",
        );
        let places: Vec<&str> = found.iter().map(|text| text.split(": ").next().unwrap()).collect();
        let expected = [
            "f.yaml:3:3",
            "f.yaml:6:13",
            "f.yaml:8:5",
            "f.yaml:9:5",
            "f.yaml:10:15",
            "f.yaml:12:5",
            "f.yaml:13:5",
            "f.yaml:15:16",
            "f.yaml:16:10",
            "f.yaml:17:14",
            "f.yaml:17:27",
            "f.yaml:18:9",
            "f.yaml:20:3",
        ];
        assert_eq!(places, expected, "{found:#?}");
    }

    #[test]
    fn manifests_are_read_and_other_kinds_skipped() {
        let file = accepted(
            "apiVersion: v1
kind: ConfigMap
data: {a: b}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: x}
spec:
  groups:
  - name: a
    partial_response_strategy: warn
    rules: [{alert: A, expr: up == 0}]
---
kind: List
items:
- kind: VMRule
  spec:
    groups:
    - {name: a, type: prometheus, concurrency: 2, params: {nocache: ['1']}, rules: [{record: r, expr: up, debug: true}]}
    - {name: b, type: vlogs, rules: [{alert: L, expr: '* | stats count()'}]}
- kind: Service
",
        );
        assert_eq!(file.skipped_documents, 2);
        assert_eq!(file.groups.iter().map(|group| group.rules.len()).collect::<Vec<_>>(), [1, 1, 0]);
        assert!(matches!(file.groups[2].language, Language::Skipped(_)));
        assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    }

    #[test]
    fn rules_of_loki_are_read_in_logql() {
        let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'sum(rate({a=\"b\"} |= \"x\" [5m])) > 1'\n";
        let file = accepted(text);
        assert_eq!(file.groups[0].language, Language::Logql);
        let rule = &file.groups[0].rules[0];
        assert!(rule.logql().is_some() && rule.promql().is_none() && !rule.readable);
        let file = read_with(
            &Source::new("f", "groups: [{name: g, rules: [{alert: A, expr: 'vector(1)'}]}]"),
            &ReadOptions { language: Some(Language::Logql), ..ReadOptions::default() },
        );
        assert!(matches!(file.unwrap().groups[0].rules[0].query, Query::Logql(_)));
    }

    #[test]
    fn what_both_languages_understand_follows_the_rest_of_the_file() {
        let both =
            "- name: b\n  rules: [{alert: B, expr: 'sum(rate({a=\"b\"}[5m])) > 1'}, {alert: C, expr: vector(1)}]\n";
        let logs = "- name: l\n  rules: [{alert: L, expr: 'sum(rate({a=\"b\"} |= \"x\" [5m])) > 1'}]\n";
        let promql = "- name: p\n  rules: [{alert: P, expr: 'sum(rate(up{a=\"b\"}[5m])) > 1'}]\n";
        let languages = |groups: &[&str], logql_in_doubt| {
            let source = Source::new("f", format!("groups:\n{}", groups.concat()));
            let file = read_with(&source, &ReadOptions { logql_in_doubt, ..ReadOptions::default() }).unwrap();
            file.groups.iter().map(|group| group.language == Language::Logql).collect::<Vec<_>>()
        };
        assert_eq!(languages(&[both, promql], false), [false, false]);
        assert_eq!(languages(&[both, promql, logs], false), [true, false, true]);
        assert_eq!(languages(&[both, promql], true), [true, false]);
        let lone = "- name: a\n  rules: [{alert: A, expr: 'approx_topk(2, rate({a=\"b\"}[5m]))'}]\n";
        assert_eq!(languages(&[lone, both], false), [true, true]);
    }

    #[test]
    fn promql_of_streams_among_rules_of_loki_is_an_error() {
        let logs = "- name: l\n  rules: [{alert: L, expr: 'sum(rate({a=\"b\"} |= \"x\" [5m])) > 1'}]\n";
        let read = |expr: &str, first: &str, options: ReadOptions| {
            let group = format!("groups:\n{first}- name: p\n  rules: [{{alert: P, expr: '{expr}'}}]\n");
            let found = read_with(&Source::new("f.yaml", group), &options).err().unwrap_or_default();
            found.iter().map(|problem| problem.render(false)).collect::<String>()
        };
        let in_doubt = || ReadOptions { logql_in_doubt: true, ..ReadOptions::default() };
        for (expr, place, help) in [
            ("absent(sum(count_over_time({a=\"b\"}[5m])))", "29", "LogQL has no `absent`: absent_over_time"),
            ("sum(increase({a=\"b\"}[5m])) > 1", "33", "LogQL has no `increase`: count_over_time"),
        ] {
            for told in [read(expr, logs, ReadOptions::default()), read(expr, "", in_doubt())] {
                assert!(told.contains("only PromQL can read") && told.contains(help), "{told}");
                assert!(
                    told.contains(&format!(":{place}\n")) && told.contains("`languages` in firedrill.yaml"),
                    "{told}"
                );
            }
            assert_eq!(read(expr, "", ReadOptions::default()), "");
        }
        assert_eq!(read("absent(up{a=\"b\"})", logs, ReadOptions::default()), "");
        assert_eq!(read("vector(1) > 0", logs, in_doubt()), "");
    }

    #[test]
    fn manifests_of_lokis_operator_are_read_in_logql() {
        let text = "apiVersion: loki.grafana.com/v1\nkind: AlertingRule\nmetadata: {name: x}\nspec:\n  tenantID: application\n  \
                    groups:\n  - name: g\n    rules: [{alert: A, expr: 'sum(rate({a=\"b\"}[5m])) > 0'}]\n";
        let recording = "---\nkind: RecordingRule\nspec:\n  groups:\n  - {name: h, rules: [{record: r, expr: 'rate({a=\"b\"}[5m])'}]}\n";
        for language in [None, Some(Language::Promql)] {
            let source = Source::new("f", format!("{text}{recording}"));
            let file = read_with(&source, &ReadOptions { language, ..ReadOptions::default() }).unwrap();
            assert_eq!((file.groups.len(), file.skipped_documents), (2, 0));
            assert!(file.groups.iter().all(|group| group.rules[0].logql().is_some()));
        }
    }

    #[test]
    fn rules_in_a_document_that_is_not_read_are_an_error() {
        let map = "kind: ConfigMap\ndata:\n  a.yaml: |\n    groups:\n    - name: g\n      rules: []\n";
        assert_eq!(
            problems(map),
            ["f.yaml:3:11: a document of kind ConfigMap is not read, and this one holds groups of rules"]
        );
        let other = "kind: Other\nspec:\n  groups: [{name: g, rules: []}]\n";
        assert_eq!(
            problems(other),
            ["f.yaml:3:11: a document of kind Other is not read, and this one holds groups of rules"]
        );
        for text in ["kind: ConfigMap\ndata: {a: 'groups: of people'}\n", "kind: Other\nspec: {groups: [a, b]}\n"] {
            assert_eq!(accepted(text).skipped_documents, 1, "{text}");
        }
    }

    #[test]
    fn what_loki_cannot_evaluate_for_a_rule_is_refused() {
        let group = |rules: &str| format!("groups: [{{name: g, rules: [{rules}]}}]\n");
        let logs = "{alert: A, expr: '{a=\"b\"} |= \"x\"'}";
        let found = problems(&group(logs));
        assert_eq!(
            found,
            ["f.yaml:1:46: a rule cannot be a log query: it yields lines, and Loki's ruler takes samples"]
        );
        let found =
            problems(&group("{alert: A, expr: 'rate({a=\"b\"} |= \"x\" [5m]) > 1'}, {alert: B, expr: up == 0}"));
        assert_eq!(found, ["f.yaml:1:96: a rule in PromQL in a group of LogQL"]);
        let metric = "expr: 'rate({a=\"b\"} |= \"x\" [5m])'";
        let found = problems(&group(&format!("{{record: 1a, {metric}}}, {{alert: A, {metric}, labels: {{a-b: c}}}}")));
        let expected = [
            "f.yaml:1:37: not a name that Loki can record: \"1a\"",
            "f.yaml:1:137: a name of a label or an annotation",
        ];
        assert!(found.len() == 2 && expected.iter().zip(&found).all(|(e, f)| f.starts_with(e)), "{found:?}");
        let found = problems(&group("{alert: A, expr: 'rate({a=\"b\"} |= \"x\" [5m]) > > 1'}"));
        assert!(found.len() == 1 && found[0].starts_with("f.yaml:1:"), "{found:?}");
    }

    #[test]
    fn an_empty_file_holds_no_groups() {
        for text in ["", "# nothing\n", "groups:\n", "groups: []\n", "{}"] {
            assert_eq!(accepted(text).groups.len(), 0, "{text:?}");
        }
    }

    #[test]
    fn rules_that_cannot_be_told_apart_are_warned_about() {
        let file = accepted(
            "groups: [{name: g, rules: [{alert: A, expr: up}, {alert: A, expr: down}, {record: A, expr: up}]}]",
        );
        assert_eq!(file.warnings.len(), 1);
        assert!(file.warnings[0].to_string().starts_with("f.yaml:1:58: "), "{}", file.warnings[0]);
    }

    #[test]
    fn what_is_no_rule_file_says_so() {
        for (text, message) in [
            ("a: 1\n", "f.yaml:1:1: unknown field `a` in a rule file"),
            ("- a\n", "f.yaml:1:1: a rule file is written as a mapping, not as a list"),
            ("text", "f.yaml:1:1: a rule file is written as a mapping, not as a single value"),
            ("groups: {a: b}\n", "f.yaml:1:9: `groups` of a rule file is a list, not a mapping"),
            ("groups: [{name: a, rules: [x]}]\n", "f.yaml:1:28: a rule is written as a mapping, not as a single value"),
        ] {
            assert_eq!(problems(text), [message], "{text}");
        }
    }
}
