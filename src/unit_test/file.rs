//! Reads unit test files. What is accepted and refused follows promtool; all that is wrong with a file is reported at once.

use chrono::DateTime;

use super::WantedText;
use super::streams::{self, InputStream, LogTest};
use crate::labels::anchored_regex;
use crate::number;
use crate::rules::{AlertState, Group, Rule};
use crate::text::yaml::{self, Kind, Mapping, Node, Problems};
use crate::text::{Diagnostic, Located, Source, Span};
use crate::time::{Duration, Timestamp};

/// A unit test file, as read.
#[derive(Clone, Debug)]
pub struct TestFile {
    pub source: Source,
    /// Patterns for paths, from the folder of the file.
    pub rule_files: Vec<Located>,
    /// Between ticks, for all groups of rules; also the step of subqueries that write none.
    pub evaluation_interval: Duration,
    /// Names of groups of rules: those that come first are evaluated first.
    pub group_eval_order: Vec<Located>,
    /// Whether values of expressions may be one float apart.
    pub fuzzy_compare: bool,
    pub dialect: Dialect,
    pub groups: Vec<TestGroup>,
    /// Where a second YAML document begins, which nobody reads.
    pub second_document: Option<Span>,
}

/// Whose test file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Promtool,
    /// vmalert-tool, which evaluates MetricsQL; expressions that are PromQL too are evaluated as that.
    VmalertTool {
        /// Whether alerts have a label with the name of their group: so it is where cases name groups.
        group_label: bool,
    },
}

/// Series and what has to come out of them: one item of `tests`.
#[derive(Clone, Debug)]
pub struct TestGroup {
    /// As written, else `unnamed#` and the position in the file.
    pub name: String,
    /// Whether the name is written; otherwise `--run` sees an empty one, as in promtool.
    pub is_named: bool,
    pub span: Span,
    /// Between the samples of a series.
    pub interval: Duration,
    /// The time of the first sample and of the first tick.
    pub start: Timestamp,
    pub input_series: Vec<InputSeries>,
    /// What Loki holds.
    pub streams: Vec<InputStream>,
    pub alert_tests: Vec<AlertTest>,
    pub expr_tests: Vec<ExprTest>,
    /// Expressions in LogQL.
    pub log_tests: Vec<LogTest>,
    pub external_labels: Vec<(Located, Located)>,
    pub external_url: String,
    /// Whether the nth value of `a+bxn` is a + b*n, as in vmalert-tool; in promtool b is added n times.
    pub multiplied: bool,
}

/// A series in promtool's notation. Files may have very many and long ones, so that their texts stay where they are.
#[derive(Clone, Debug)]
pub struct InputSeries {
    /// A text, or nothing.
    pub series: Node,
    /// A text, or nothing.
    pub values: Node,
}

/// Which alerts of a name have to fire at a time.
#[derive(Clone, Debug)]
pub struct AlertTest {
    pub span: Span,
    /// After the start.
    pub eval_time: Duration,
    /// The name of the group of the rule; only vmalert-tool has it.
    pub groupname: Option<Located>,
    /// `None` where it is missing, which fails the whole group.
    pub alertname: Option<Located>,
    pub expected: Vec<ExpectedAlert>,
}

/// One alert that has to fire, or to be pending.
#[derive(Clone, Debug)]
pub struct ExpectedAlert {
    pub span: Span,
    /// Without `alertname`, in the order of the file; empty values count.
    pub labels: Vec<(Located, Located)>,
    /// Whether it may have other labels too.
    pub more_labels: bool,
    pub annotations: Vec<(Located, WantedText)>,
    /// Whether it may have other annotations too.
    pub more_annotations: bool,
    pub state: AlertState,
    pub value: Option<f64>,
    /// When its condition began to hold, after the start.
    pub active_at: Option<Duration>,
}

/// What an expression has to yield at a time.
#[derive(Clone, Debug)]
pub struct ExprTest {
    pub span: Span,
    pub expr: Located,
    /// After the start.
    pub eval_time: Duration,
    pub expected: Vec<ExpectedSample>,
}

/// A sample that an expression has to yield.
#[derive(Clone, Debug)]
pub struct ExpectedSample {
    pub span: Span,
    /// A metric, `up{job="node"}`; nothing stands for no labels.
    pub labels: Option<Located>,
    pub value: f64,
    /// A native histogram, in the notation of values.
    pub histogram: Option<Located>,
}

impl TestFile {
    /// Whether it tests rules of Loki.
    pub fn is_of_loki(&self) -> bool {
        self.groups.iter().any(TestGroup::is_of_loki)
    }

    /// The last tick of a group that is not after a time, counted from the group's start.
    pub fn tick(&self, group: &TestGroup, after: Duration) -> Timestamp {
        group.start + Duration(after.0 - after.0.rem_euclid(self.evaluation_interval.0))
    }
}

impl TestGroup {
    pub fn is_of_loki(&self) -> bool {
        !self.streams.is_empty() || !self.log_tests.is_empty()
    }

    /// The largest time of all cases: there is no later tick.
    pub fn longest(&self) -> Duration {
        let alerts = self.alert_tests.iter().map(|test| test.eval_time);
        let expressions = self.expr_tests.iter().map(|test| test.eval_time);
        let logs = self.log_tests.iter().map(|test| test.eval_time);
        alerts.chain(expressions).chain(logs).max().unwrap_or_default()
    }

    /// How many cases it has.
    pub fn cases(&self) -> usize {
        self.alert_tests.len() + self.expr_tests.len() + self.log_tests.len()
    }
}

impl ExpectedAlert {
    /// Whether it says what promtool has no word for.
    pub fn is_partial(&self) -> bool {
        self.more_labels
            || self.more_annotations
            || self.state != AlertState::Firing
            || self.value.is_some()
            || self.active_at.is_some()
    }
}

impl AlertTest {
    /// Whether it asks for the alerts of a rule.
    pub fn names(&self, group: &Group, rule: &Rule) -> bool {
        self.alertname.as_ref().is_some_and(|name| rule.name == *name)
            && self.groupname.as_ref().is_none_or(|name| group.name == *name)
    }
}

/// Reads a unit test file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the places.
pub fn read(source: &Source) -> Result<TestFile, Vec<Diagnostic>> {
    let (document, next) = yaml::read_first(source).map_err(|problem| vec![problem])?;
    let problems = Problems::new(source);
    let file = document.as_ref().and_then(|document| Reader { problems: &problems }.file(document));
    let found = problems.into_inner();
    match file {
        Some(file) if found.is_empty() => Ok(TestFile { second_document: next, ..file }),
        None if found.is_empty() => Err(vec![
            Diagnostic::error(format!("{} is empty", source.name()))
                .help("a unit test file has `rule_files:` and `tests:`"),
        ]),
        _ => Err(found),
    }
}

struct Reader<'a> {
    problems: &'a Problems<'a>,
}

impl<'a> Reader<'a> {
    fn file(&self, document: &'a Node) -> Option<TestFile> {
        let top = Mapping::of(document, "a unit test file", self.problems)?;
        let rule_files = top.strings("rule_files");
        let evaluation_interval = positive(top.duration("evaluation_interval")).unwrap_or(Duration::MINUTE);
        let group_eval_order = top.strings("group_eval_order");
        self.no_name_twice(&group_eval_order);
        let fuzzy_compare = top.boolean("fuzzy_compare").unwrap_or(false);
        let tests = top.items("tests");
        let dialect = dialect(&tests);
        let groups = tests.iter().enumerate().filter_map(|(i, node)| self.group(i, node, evaluation_interval, dialect));
        let groups = groups.collect();
        top.finish();
        let source = self.problems.source.clone();
        Some(TestFile {
            source,
            rule_files,
            evaluation_interval,
            group_eval_order,
            fuzzy_compare,
            dialect,
            groups,
            second_document: None,
        })
    }

    fn no_name_twice(&self, names: &[Located]) {
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                let problem = Diagnostic::error(format!("group name repeated in evaluation order: {}", name.value));
                self.problems.push(name.diagnose_all(problem.help("name each group once")));
            }
        }
    }

    fn group(
        &self,
        index: usize,
        node: &'a Node,
        evaluation_interval: Duration,
        dialect: Dialect,
    ) -> Option<TestGroup> {
        let vmalert = dialect != Dialect::Promtool;
        let fields = Mapping::of(node, "a test group", self.problems)?;
        let name = fields.string("name").map(|name| name.value).filter(|name| !name.is_empty());
        let interval = positive(fields.duration("interval")).unwrap_or(evaluation_interval);
        let start = match vmalert {
            true => VMALERT_START,
            false => fields.string("start_timestamp").and_then(|text| self.start(&text)).unwrap_or_default(),
        };
        let input_series = fields.items("input_series").into_iter().filter_map(|node| self.series(node)).collect();
        let alert_tests =
            fields.items("alert_rule_test").into_iter().filter_map(|node| self.alert_test(node, dialect)).collect();
        let expr_tests = fields.items(if vmalert { "metricsql_expr_test" } else { "promql_expr_test" });
        let expr_tests = expr_tests.into_iter().filter_map(|node| self.expr_test(node, dialect)).collect();
        let (streams, log_tests) = match vmalert {
            true => Default::default(),
            false => (streams::read_streams(&fields, self.problems), streams::read_tests(&fields, self.problems)),
        };
        let external_labels = fields.pairs("external_labels");
        let external_url = fields.string("external_url").map(|url| url.value).unwrap_or_default();
        fields.finish();
        Some(TestGroup {
            is_named: name.is_some(),
            name: name.unwrap_or_else(|| format!("unnamed#{index}")),
            span: node.span,
            interval,
            start,
            input_series,
            streams,
            alert_tests,
            expr_tests,
            log_tests,
            external_labels,
            external_url,
            multiplied: vmalert,
        })
    }

    /// Unix seconds or RFC 3339.
    fn start(&self, text: &Located) -> Option<Timestamp> {
        if text.is_empty() {
            return None;
        }
        let seconds = number::parse_go_float(text).filter(|seconds| seconds.is_finite());
        let millis = seconds.map(|seconds| (seconds * 1000.0).floor()).filter(|millis| millis.abs() < 9e15);
        let time = millis.map(|millis| Timestamp(millis as i64)).or_else(|| {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Some(Timestamp(time.timestamp_millis()))
        });
        if time.is_none() {
            let problem = Diagnostic::error(format!("`start_timestamp` is no time: {:?}", text.value));
            let problem = problem.help("write seconds since 1970, or a time such as 2025-11-14T15:06:45Z");
            self.problems.push(text.diagnose_all(problem));
        }
        time
    }

    fn series(&self, node: &'a Node) -> Option<InputSeries> {
        let fields = Mapping::of(node, "an input series", self.problems)?;
        let nothing = || Node { span: node.span, kind: Kind::Null };
        let series = fields.text("series").cloned().unwrap_or_else(nothing);
        let values = fields.text("values").cloned().unwrap_or_else(nothing);
        fields.finish();
        Some(InputSeries { series, values })
    }

    fn alert_test(&self, node: &'a Node, dialect: Dialect) -> Option<AlertTest> {
        let fields = Mapping::of(node, "an alert test", self.problems)?;
        let grouped = dialect == Dialect::VmalertTool { group_label: true };
        let groupname = if grouped { fields.string("groupname").filter(|name| !name.is_empty()) } else { None };
        if grouped && groupname.is_none() {
            let problem = Diagnostic::error("an alert test of vmalert-tool without `groupname`");
            self.problems.at(node, problem.help("write the name of the rule's group; other cases of this file do"));
        }
        let eval_time = self.eval_time(node, &fields, dialect);
        let alertname = fields.string("alertname").filter(|name| !name.is_empty());
        let expected = fields.items("exp_alerts").into_iter().filter_map(|node| self.expected_alert(node)).collect();
        fields.finish();
        Some(AlertTest { span: node.span, eval_time, groupname, alertname, expected })
    }

    /// promtool knows `exp_labels` and `exp_annotations`, which are all labels and annotations of the alert. An item that uses one of the
    /// other fields only says what it says: what it does not speak of is free.
    fn expected_alert(&self, node: &'a Node) -> Option<ExpectedAlert> {
        let fields = Mapping::of(node, "an expected alert", self.problems)?;
        let mut partial = false;
        let mut given = |name: &'static str| {
            let given = fields.get(name).is_some();
            partial |= given;
            given
        };
        let include = given("exp_labels_include");
        let matching = given("exp_annotations_match");
        for name in ["exp_value", "exp_state", "exp_active_at"] {
            given(name);
        }
        for (one, other) in [("exp_labels_include", "exp_labels"), ("exp_annotations_match", "exp_annotations")] {
            if let (Some(key), Some(_)) = (fields.key(one), fields.key(other)) {
                let problem = Diagnostic::error(format!("an expected alert has either `{one}` or `{other}`"));
                self.problems.at(key, problem.help(format!("`{other}` names all of them, `{one}` some")));
            }
        }
        let whole = |name| !partial || fields.key(name).is_some();
        let (more_labels, more_annotations) = (!whole("exp_labels"), !whole("exp_annotations"));
        let mut labels = fields.pairs("exp_labels");
        let texts = fields.pairs("exp_annotations");
        let mut annotations: Vec<(Located, WantedText)> =
            texts.into_iter().map(|(name, text)| (name, WantedText::Exactly(text.value))).collect();
        if include {
            labels = fields.pairs("exp_labels_include");
        }
        if matching {
            let patterns = fields.pairs("exp_annotations_match").into_iter();
            annotations = patterns.filter_map(|(name, pattern)| Some((name, self.pattern(pattern)?))).collect();
        }
        let state = fields.string("exp_state").map_or(Some(AlertState::Firing), |state| self.state(&state));
        let value = fields.float("exp_value");
        let active_at = fields.duration("exp_active_at");
        fields.finish();
        Some(ExpectedAlert {
            span: node.span,
            labels,
            more_labels,
            annotations,
            more_annotations,
            state: state?,
            value,
            active_at,
        })
    }

    /// A regular expression for a whole text.
    fn pattern(&self, pattern: Located) -> Option<WantedText> {
        match anchored_regex(&pattern) {
            Ok(regex) => Some(WantedText::Matching { pattern: pattern.value, regex }),
            Err(error) => {
                let problem = Diagnostic::error(format!("not a valid regular expression: {error}"));
                self.problems.push(pattern.diagnose_all(problem.help("write one in RE2 syntax; `.*` is any text")));
                None
            }
        }
    }

    fn state(&self, text: &Located) -> Option<AlertState> {
        let state = [AlertState::Pending, AlertState::Firing].into_iter().find(|state| state.as_str() == &**text);
        if state.is_none() {
            let problem = Diagnostic::error(format!("`exp_state` is no state of an alert: {:?}", text.value));
            self.problems.push(text.diagnose_all(problem.help("write pending or firing")));
        }
        state
    }

    /// vmalert-tool asks for it, promtool takes zero.
    fn eval_time(&self, node: &Node, fields: &Mapping<'a>, dialect: Dialect) -> Duration {
        if dialect != Dialect::Promtool && fields.get("eval_time").is_none() {
            let problem = Diagnostic::error("a case of vmalert-tool without `eval_time`");
            self.problems.at(node, problem.help("write how long after the start it is, such as `eval_time: 5m`"));
        }
        fields.duration("eval_time").unwrap_or_default()
    }

    fn expr_test(&self, node: &'a Node, dialect: Dialect) -> Option<ExprTest> {
        let fields = Mapping::of(node, "an expression test", self.problems)?;
        let expr = fields.string("expr");
        let expr = expr.unwrap_or_else(|| Located::new("", self.problems.source, node.span, Vec::new()));
        let eval_time = self.eval_time(node, &fields, dialect);
        let expected = fields.items("exp_samples").into_iter().filter_map(|node| self.expected_sample(node)).collect();
        fields.finish();
        Some(ExprTest { span: node.span, expr, eval_time, expected })
    }

    fn expected_sample(&self, node: &'a Node) -> Option<ExpectedSample> {
        let fields = Mapping::of(node, "an expected sample", self.problems)?;
        let labels = fields.string("labels").filter(|labels| !labels.is_empty());
        let value = fields.float("value").unwrap_or(0.0);
        let histogram = fields.string("histogram").filter(|histogram| !histogram.is_empty());
        fields.finish();
        Some(ExpectedSample { span: node.span, labels, value, histogram })
    }
}

/// When the tests of vmalert-tool begin: 2000-01-01T00:00:00Z.
const VMALERT_START: Timestamp = Timestamp(946_684_800_000);

/// vmalert-tool's fields tell its files from promtool's.
fn dialect(tests: &[&Node]) -> Dialect {
    let cases = |field| tests.iter().filter_map(move |test| test.get(field)).flat_map(Node::items);
    let group_label = cases("alert_rule_test").any(|case| case.get("groupname").is_some());
    match group_label || tests.iter().any(|test| test.get("metricsql_expr_test").is_some()) {
        true => Dialect::VmalertTool { group_label },
        false => Dialect::Promtool,
    }
}

/// Zero stands for nothing given, as in Go.
fn positive(duration: Option<Duration>) -> Option<Duration> {
    duration.filter(|duration| *duration > Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = "rule_file: [a]\ngroup_eval_order: [a, b, a]\ntests:\n- start_timestamp: soon\n  inputseries: []\n  promql_expr_test:\n  - {expr: up, exp_samples: [{value: '5'}]}\n";
        let found = read(&Source::new("t.yaml", text)).unwrap_err();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 5, "{found:#?}");
    }
}
