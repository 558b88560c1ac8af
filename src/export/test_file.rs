//! A test file of promtool as text (Prometheus, "Unit testing for rules").

use std::fmt::Write;

use super::stretch::Input;
use super::values;
use super::yaml::{lines, scalar, words};
use crate::drill::explain::clock;
use crate::labels::Labels;
use crate::number::format_api;
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

/// What a test file says, but for the paths of its rule files.
pub struct TestFile {
    /// What it was made from, for the comment at the top.
    pub origin: String,
    pub evaluation_interval: Duration,
    /// Names of the groups of rules in the order in which they are evaluated.
    pub group_order: Vec<String>,
    pub external_labels: Labels,
    pub groups: Vec<TestGroup>,
    /// What the file does not say of the day, and what else people have to know.
    pub warnings: Vec<Diagnostic>,
}

/// One of its tests: series, and alerts that are expected of them.
pub struct TestGroup {
    pub name: String,
    /// The first tick, from which times are counted.
    pub start: Timestamp,
    /// Whether promtool is told, or counts from 1970.
    pub dated: bool,
    /// The distance between the values of a series.
    pub grid: Duration,
    pub inputs: Vec<Input>,
    pub tests: Vec<AlertTest>,
    pub expressions: Vec<ExprTest>,
}

/// What an expression yields at a time.
pub struct ExprTest {
    pub at: Timestamp,
    pub expr: String,
    /// Sorted by labels.
    pub samples: Vec<(Labels, f64)>,
}

/// What of an alert is firing at a tick.
pub struct AlertTest {
    pub tick: Timestamp,
    pub alertname: String,
    pub firing: Vec<Alert>,
}

/// One instance of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The final labels, `alertname` included.
    pub labels: Labels,
    /// Sorted by name.
    pub annotations: Vec<(String, String)>,
}

impl TestFile {
    /// The file, which names its rule files by the given paths, relative to its own folder.
    pub fn render(&self, rule_files: &[String]) -> String {
        let mut out = self.comment();
        // Writing to a string cannot fail.
        out += "rule_files:\n";
        for path in rule_files {
            let _ = writeln!(out, "  - {}", scalar(&as_pattern(path)));
        }
        let _ = writeln!(out, "evaluation_interval: {}", self.evaluation_interval);
        out += "group_eval_order:\n";
        for name in &self.group_order {
            let _ = writeln!(out, "  - {}", scalar(name));
        }
        out += "tests:\n";
        for group in &self.groups {
            out.push('\n');
            self.group(&mut out, group);
        }
        out
    }

    fn comment(&self) -> String {
        let mut out = lines("# ", self.origin.split(' '));
        for warning in &self.warnings {
            out += "#\n";
            out += &lines("# ", format!("Warning: {}", warning.message).split(' '));
            out += &lines("#   ", warning.help.iter().flat_map(|help| help.split(' ')));
        }
        out
    }

    fn group(&self, out: &mut String, group: &TestGroup) {
        let _ = writeln!(out, "  - name: {}", scalar(&group.name));
        if group.dated {
            let _ = writeln!(out, "    start_timestamp: {}", group.start);
        }
        let _ = writeln!(out, "    interval: {}", group.grid);
        let external: Vec<(&str, &str)> = self.external_labels.iter().collect();
        if !external.is_empty() {
            mapping(out, "    external_labels:", &external);
        }
        *out += if group.inputs.is_empty() { "    input_series: []\n" } else { "    input_series:\n" };
        for input in &group.inputs {
            let _ = writeln!(out, "      - series: {}", scalar(&input.labels.as_metric()));
            let items = values::notation(group.start, group.grid, &input.samples);
            *out += &words("        values:", items.iter().map(String::as_str));
        }
        if !group.tests.is_empty() {
            *out += "    alert_rule_test:\n";
        }
        for test in &group.tests {
            let _ = writeln!(out, "      # {}", clock(test.tick, group.start));
            let _ = writeln!(out, "      - eval_time: {}", test.tick - group.start);
            let _ = writeln!(out, "        alertname: {}", scalar(&test.alertname));
            *out += if test.firing.is_empty() { "        exp_alerts: []\n" } else { "        exp_alerts:\n" };
            for alert in &test.firing {
                let own = alert.labels.iter().filter(|(name, _)| *name != "alertname");
                mapping(out, "          - exp_labels:", &own.collect::<Vec<_>>());
                let annotations = alert.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str()));
                mapping(out, "            exp_annotations:", &annotations.collect::<Vec<_>>());
            }
        }
        if !group.expressions.is_empty() {
            *out += "    promql_expr_test:\n";
        }
        for test in &group.expressions {
            let _ = writeln!(out, "      # {}", clock(test.at, group.start));
            let _ = writeln!(out, "      - expr: {}", scalar(&test.expr));
            let _ = writeln!(out, "        eval_time: {}", test.at - group.start);
            *out += if test.samples.is_empty() { "        exp_samples: []\n" } else { "        exp_samples:\n" };
            for (labels, value) in &test.samples {
                let value = match value.is_infinite() {
                    true => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
                    false => format_api(*value),
                };
                let _ = writeln!(out, "          - labels: {}", scalar(&labels.as_metric()));
                let _ = writeln!(out, "            value: {value}");
            }
        }
    }
}

/// Entries below a key, which may follow the dash of a list.
fn mapping(out: &mut String, key: &str, entries: &[(&str, &str)]) {
    out.push_str(key);
    if entries.is_empty() {
        out.push_str(" {}\n");
        return;
    }
    let indent = key.find(|c| !matches!(c, ' ' | '-')).unwrap_or_default() + 2;
    out.push('\n');
    for (name, text) in entries {
        let _ = writeln!(out, "{:indent$}{}: {}", "", scalar(name), scalar(text));
    }
}

/// A path in which nothing is a pattern: promtool looks for all files that match.
fn as_pattern(path: &str) -> String {
    path.chars().fold(String::with_capacity(path.len()), |mut pattern, c| {
        if matches!(c, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
        pattern
    })
}
