//! Test groups of promtool as replays: series that are pushed, and what has to fire and to be answered at single times.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::values;
use super::yaml::{scalar, words};
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::number::format_api;
use crate::promql;
use crate::rules::Group;
use crate::syntax::strings::quoted;
use crate::text::{Diagnostic, Source};
use crate::time::{Duration, Timestamp};
use crate::unit_test::{self, ExpectedAlert, ExprTest, Rules, TestFile, TestGroup};

/// The replay of a test group.
pub struct ConvertedReplay {
    pub text: String,
    /// What it does not say of the group.
    pub warnings: Vec<Diagnostic>,
}

/// Writes a test group as a replay that names its rule files by the given paths.
///
/// # Errors
/// Series and values that cannot be read, with their places; too many samples.
pub fn replay_of(
    file: &TestFile,
    group: &TestGroup,
    rules: &Rules,
    rule_files: &[String],
    max_samples: u64,
) -> Result<ConvertedReplay, Vec<Diagnostic>> {
    if group.is_of_loki() {
        let problem = Diagnostic::error(format!("{:?} tests rules of Loki, which is not converted", group.name));
        let help = "write the lines under `logs` of a replay; README.md says how events write them";
        return Err(vec![problem.at(&file.source, group.span).help(help)]);
    }
    let input = unit_test::load_series(file, group, max_samples)?;
    let mut warnings = input.warnings;
    warnings.extend(unsaid(file, group, &rules.groups));
    let span = Span { start: group.start, end: group.start + group.longest().max(file.evaluation_interval) };
    let mut out = format!("firedrill: replay/1\ntitle: {}\n", scalar(&group.name));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "start: {}\nend: {}", span.start, span.end);
    let _ = writeln!(out, "interval: {}", file.evaluation_interval);
    out += "rules:\n";
    for path in rule_files {
        let _ = writeln!(out, "  - {}", scalar(path));
    }
    if !group.external_labels.is_empty() {
        let labels = group.external_labels.iter().map(|(name, value)| (&**name, &**value));
        let _ = writeln!(out, "external_labels: {}", flow(labels));
    }
    let _ = writeln!(out, "targets:\n  input: {{labels: {{}}, scrape: {}, pushed: true}}", group.interval);
    let series: Vec<_> = input.store.iter().filter(|series| !series.times.is_empty()).collect();
    out += if series.is_empty() { "metrics: []\n" } else { "metrics:\n" };
    for series in series {
        let samples: Vec<(Timestamp, Sample)> =
            series.times.iter().enumerate().map(|(at, time)| (*time, series.sample(at))).collect();
        let items = values::notation(group.start, group.interval, &samples);
        let _ = writeln!(out, "  - series: {}", scalar(&series.labels.as_metric()));
        out += &words("    values:", items.iter().map(String::as_str));
    }
    out += "expect:\n";
    warnings.extend(alerts(&mut out, &file.source, group, &rules.groups, span));
    warnings.extend(queries(&mut out, file, group, span));
    Ok(ConvertedReplay { text: out, warnings })
}

/// The first and the last moment of a replay.
#[derive(Clone, Copy)]
struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    /// A time after the start, with its date where the replay spans midnight.
    fn time(self, after: Duration) -> String {
        let time = self.start + after;
        let date = |time: Timestamp| time.calendar().map(|time| time.date_naive());
        match time.calendar() {
            Some(calendar) if date(self.start) == date(self.end - Duration(1)) && date(time) == date(self.start) => {
                let seconds = if time.0 % 1000 == 0 { "%H:%M:%S" } else { "%H:%M:%S%.3f" };
                format!("'{}'", calendar.format(seconds))
            }
            _ => format!("'{time}'"),
        }
    }
}

/// What of a group no replay says.
fn unsaid(file: &TestFile, group: &TestGroup, rules: &[Group]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let here = |message: String| Diagnostic::warning(message).at(&file.source, group.span);
    if !group.external_url.is_empty() {
        found.push(here("`external_url` is not taken over: a replay has none".to_owned()));
    }
    let place = |group: &Group| {
        let file = rules.iter().position(|other| other.file.name() == group.file.name());
        (file, group.span.start)
    };
    if !rules.is_sorted_by_key(place) {
        let order: Vec<&str> = rules.iter().map(|group| group.name.value.as_str()).collect();
        let message = format!("`group_eval_order` is not taken over: it asks for {}", order.join(", "));
        found.push(here(message).help("a replay evaluates groups in the order of their files"));
    }
    for group in rules {
        if let Some(interval) = group.interval.filter(|interval| *interval != file.evaluation_interval) {
            let message = format!(
                "the group {:?} is evaluated every {interval}, where promtool does so every {}",
                group.name.value, file.evaluation_interval
            );
            found.push(group.name.diagnose_all(Diagnostic::warning(message)));
        }
    }
    found
}

/// Writes what has to fire: for each alert one entry with all its times.
fn alerts(out: &mut String, source: &Source, group: &TestGroup, rules: &[Group], span: Span) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut times: BTreeMap<(&str, Duration), &[ExpectedAlert]> = BTreeMap::new();
    for test in &group.alert_tests {
        let Some(name) = &test.alertname else { continue };
        let known = rules.iter().flat_map(|group| &group.rules).any(|rule| rule.is_alert() && rule.name == *name);
        if !known {
            let problem = Diagnostic::warning(format!("no rule has the alert `{}`", name.value));
            warnings
                .push(name.diagnose_all(problem.help("its tests are left out: firedrill refuses what no rule has")));
            continue;
        }
        if test.expected.iter().any(ExpectedAlert::is_partial) {
            let problem = Diagnostic::warning("this test is left out: it expects a part of an alert");
            warnings.push(problem.at(source, test.span).help("a replay says with `firing` all labels of an alert"));
            continue;
        }
        if !names.contains(&&**name) {
            names.push(name);
        }
        if times.insert((name, test.eval_time), &test.expected).is_some() {
            let problem = format!("`{}` is tested twice at {}, and the last test is taken", name.value, test.eval_time);
            warnings.push(name.diagnose_all(Diagnostic::warning(problem)));
        }
    }
    if !names.is_empty() {
        *out += "  alerts:\n";
    }
    for name in names {
        let selector = if promql::parse_selector(name).is_ok() {
            name.to_owned()
        } else {
            format!("{{alertname={}}}", quoted(name))
        };
        let _ = writeln!(out, "    - {}:\n        firing:", scalar(&selector));
        for ((_, after), expected) in times.range((name, Duration(i64::MIN))..=(name, Duration(i64::MAX))) {
            let empty = if expected.is_empty() { " []" } else { "" };
            let _ = writeln!(out, "          {}:{empty}", span.time(*after));
            for alert in *expected {
                let labels = alert.labels.iter().filter(|(label, _)| &**label != "alertname");
                let pairs = labels.map(|(name, value)| (&**name, &**value));
                let _ = writeln!(out, "            - labels: {}", flow(pairs));
                let pairs = alert.annotations.iter().map(|(name, text)| (&**name, text.written()));
                let _ = writeln!(out, "              annotations: {}", flow(pairs));
            }
        }
    }
    warnings
}

/// Writes what expressions have to yield.
fn queries(out: &mut String, file: &TestFile, group: &TestGroup, span: Span) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut written = String::new();
    for test in &group.expr_tests {
        let rows = match rows(test) {
            Ok(rows) => rows,
            Err(why) => {
                let problem = Diagnostic::warning("this test is left out").help(why);
                warnings.push(problem.at(&file.source, test.span));
                continue;
            }
        };
        let _ = writeln!(written, "    - promql: {}", scalar(&test.expr.value));
        let _ = writeln!(written, "      at: {}", span.time(test.eval_time));
        if file.fuzzy_compare {
            // One float apart, as `fuzzy_compare` allows.
            written += "      tolerance: 2.3e-14%\n";
        }
        if rows.is_empty() {
            written += "      returns: []\n";
            continue;
        }
        written += "      returns:\n";
        for (labels, value) in rows {
            let labels: String =
                labels.iter().map(|(name, value)| format!("{}: {}, ", scalar(name), scalar(value))).collect();
            let _ = writeln!(written, "        - {{{labels}value: {}}}", format_api(value));
        }
    }
    if !written.is_empty() {
        *out += "  queries:\n";
        *out += &written;
    }
    warnings
}

/// The samples that an expression has to yield; else why a replay cannot say them.
fn rows(test: &ExprTest) -> Result<Vec<(Labels, f64)>, &'static str> {
    let row = |sample: &unit_test::ExpectedSample| {
        if sample.histogram.is_some() {
            return Err("what a query of a replay returns are numbers: ask histogram_count() or histogram_quantile()");
        }
        let labels = match &sample.labels {
            Some(text) => promql::parse_series(text).map_err(|_| "its labels cannot be read")?,
            None => Labels::empty(),
        };
        if labels.has("value") || labels.has("values") {
            return Err("`value` and `values` are no labels in what a query of a replay returns");
        }
        Ok((labels, sample.value))
    };
    test.expected.iter().map(row).collect()
}

/// A mapping on one line.
fn flow<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{}: {}", scalar(name), scalar(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}
