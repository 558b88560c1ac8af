//! Log lines and what LogQL makes of them: `input_streams` and `logql_expr_test`, as Loki's proposal for `lokitool rules test` has
//! them. What is more than that: an item of `lines` may be a mapping, and files may have series beside streams.

use super::run::Played;
use super::verdict::{Explanation, Failure, FailureKind, LineDifference, ResultLine, ResultSample};
use super::{ExpectedSample, TestGroup, checks, explain};
use crate::labels::Labels;
use crate::logql::ast::{Expr, LogQuery, Query};
use crate::logql::log_query::{self, Bounds, Direction};
use crate::logql::{self, answer, label_name};
use crate::promql;
use crate::store::LogStore;
use crate::text::yaml::{Mapping, Node, Problems};
use crate::text::{Diagnostic, Located, Span};
use crate::time::{Duration, Nanoseconds};

/// A stream of log lines.
#[derive(Clone, Debug)]
pub struct InputStream {
    /// `{job="app"}`
    pub labels: Located,
    /// The structured metadata of its entries.
    pub metadata: Vec<(Located, Located)>,
    /// Never empty.
    pub lines: Vec<InputLine>,
}

/// A line of a stream, one interval after the one before.
#[derive(Clone, Debug)]
pub struct InputLine {
    pub line: Located,
    /// Its own time after the start; the next line follows it.
    pub at: Option<Duration>,
    /// How often it is written, an interval apart.
    pub repeat: u64,
    /// Beside that of the stream.
    pub metadata: Vec<(Located, Located)>,
}

/// What a LogQL expression has to yield at a time: samples, or the lines from the start up to then.
#[derive(Clone, Debug)]
pub struct LogTest {
    pub span: Span,
    pub expr: Located,
    /// After the start.
    pub eval_time: Duration,
    pub samples: Vec<ExpectedSample>,
    pub lines: Vec<ExpectedLine>,
}

/// A line that a log query has to yield.
#[derive(Clone, Debug)]
pub struct ExpectedLine {
    /// Nothing stands for no labels.
    pub labels: Option<Located>,
    pub line: String,
    /// Since 1970; `None` where any time will do.
    pub time: Option<Nanoseconds>,
}

/// Reads the streams of a test group.
pub fn read_streams<'a>(fields: &Mapping<'a>, problems: &'a Problems<'a>) -> Vec<InputStream> {
    fields.items("input_streams").into_iter().filter_map(|node| stream(node, problems)).collect()
}

fn stream<'a>(node: &'a Node, problems: &'a Problems<'a>) -> Option<InputStream> {
    let fields = Mapping::of(node, "an input stream", problems)?;
    let labels = label_text(&fields, problems);
    if let Some(Err(problem)) = labels.as_ref().map(input_labels) {
        problems.push(problem);
    }
    if fields.key("labels").is_none() {
        let problem = Diagnostic::error("an input stream without `labels`");
        problems.at(node, problem.help("write `labels: '{job=\"app\"}'`"));
    }
    let metadata = metadata(&fields, problems);
    let items = fields.items("lines");
    let lines: Vec<InputLine> = items.iter().filter_map(|node| line(node, problems)).collect();
    if items.is_empty() {
        let problem = Diagnostic::error("an input stream without `lines`");
        problems.at(node, problem.help("write its lines as a list; each comes one interval after the one before"));
    }
    fields.finish();
    Some(InputStream { labels: labels?, metadata, lines })
}

/// The labels of a stream, which are one text, as Loki's push API has them.
fn label_text<'a>(fields: &Mapping<'a>, problems: &'a Problems<'a>) -> Option<Located> {
    let node = fields.get("labels")?;
    if let Some(text) = node.located(problems.source) {
        return Some(text);
    }
    let pairs = node.entries().iter().filter_map(|(name, value)| Some((name.text()?, value.text()?)));
    let labels = Labels::from_pairs(pairs);
    let labels = if labels.is_empty() { "{job=\"app\"}".to_owned() } else { labels.to_string() };
    let problem = Diagnostic::error(format!("labels are written as a text, not as {}", node.describe()));
    problems.at(node, problem.help(format!("write `labels: '{labels}'`")));
    None
}

/// Structured metadata, with names that Loki has.
fn metadata<'a>(fields: &Mapping<'a>, problems: &'a Problems<'a>) -> Vec<(Located, Located)> {
    let pairs = fields.pairs("structured_metadata");
    for (name, _) in &pairs {
        if let Err(problem) = label_name::check(name) {
            problems.push(name.diagnose_all(problem));
        }
    }
    pairs
}

fn line<'a>(node: &'a Node, problems: &'a Problems<'a>) -> Option<InputLine> {
    if let Some(line) = node.located(problems.source) {
        return Some(InputLine { line, at: None, repeat: 1, metadata: Vec::new() });
    }
    if node.entries().is_empty() {
        let problem = Diagnostic::error(format!("a line is written as a text, not as {}", node.describe()));
        let help = "put it in quotes; `{line: TEXT, at: 5m, repeat: 3}` says when it comes and how often";
        problems.at(node, problem.help(help));
        return None;
    }
    let fields = Mapping::of(node, "a line", problems)?;
    let (line, at, repeat) = (fields.string("line"), fields.duration("at"), fields.limit("repeat"));
    let metadata = metadata(&fields, problems);
    fields.finish();
    if line.is_none() {
        problems
            .at(node, Diagnostic::error("a line without its text").help("write `line: TEXT`; JSON goes into quotes"));
    }
    Some(InputLine { line: line?, at, repeat: repeat.unwrap_or(1), metadata })
}

/// Reads the LogQL expressions of a test group.
pub fn read_tests<'a>(fields: &Mapping<'a>, problems: &'a Problems<'a>) -> Vec<LogTest> {
    let test = |node: &'a Node| {
        let fields = Mapping::of(node, "a LogQL expression test", problems)?;
        let expr = fields.string("expr").unwrap_or_else(|| Located::new("", problems.source, node.span, Vec::new()));
        let eval_time = fields.duration("eval_time").unwrap_or_default();
        other_kind(&fields, &expr, problems);
        let samples = fields.items("exp_samples").into_iter().filter_map(|node| sample(node, problems)).collect();
        let lines = fields.items("exp_logs").into_iter().filter_map(|node| expected_line(node, problems)).collect();
        fields.finish();
        Some(LogTest { span: node.span, expr, eval_time, samples, lines })
    };
    fields.items("logql_expr_test").into_iter().filter_map(test).collect()
}

/// What is expected of a query that yields the other kind, also where it is nothing.
fn other_kind<'a>(fields: &Mapping<'a>, expr: &Located, problems: &'a Problems<'a>) {
    // What cannot be parsed fails the test.
    let (field, problem, help) = match logql::parse(expr) {
        Ok(Query::Metric(_)) => ("exp_logs", "`exp_logs` of a metric query: it yields samples", "write `exp_samples`"),
        Ok(Query::Log(_)) => {
            let help = "write `exp_logs`, or count the lines: count_over_time(... [5m])";
            ("exp_samples", "`exp_samples` of a log query: it yields lines", help)
        }
        Err(_) => return,
    };
    if let Some(key) = fields.key(field) {
        problems.at(key, Diagnostic::error(problem).help(help));
    }
}

fn sample<'a>(node: &'a Node, problems: &'a Problems<'a>) -> Option<ExpectedSample> {
    let fields = Mapping::of(node, "an expected sample", problems)?;
    let labels = label_text(&fields, problems).filter(|labels| !labels.is_empty());
    let value = fields.float("value").unwrap_or(0.0);
    fields.finish();
    Some(ExpectedSample { span: node.span, labels, value, histogram: None })
}

fn expected_line<'a>(node: &'a Node, problems: &'a Problems<'a>) -> Option<ExpectedLine> {
    let fields = Mapping::of(node, "an expected line", problems)?;
    let labels = label_text(&fields, problems).filter(|labels| !labels.is_empty());
    let line = fields.string("line").map(|line| line.value).unwrap_or_default();
    let time = fields.integer("timestamp").filter(|time| *time != 0).map(Nanoseconds);
    fields.finish();
    Some(ExpectedLine { labels, line, time })
}

/// Loads the entries of the streams of a group, at most `most`.
///
/// # Errors
/// Labels that are none, and too many entries, each with its place.
pub fn load(group: &TestGroup, most: u64) -> Result<LogStore, Vec<Diagnostic>> {
    let (mut logs, mut problems, mut room) = (LogStore::default(), Vec::new(), most);
    for stream in &group.streams {
        let labels = match input_labels(&stream.labels) {
            Ok(labels) => labels,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let mut time = group.start;
        for line in &stream.lines {
            time = line.at.map_or(time, |at| group.start + at);
            let pairs = stream.metadata.iter().chain(&line.metadata);
            let mut metadata = Labels::empty().builder();
            for (name, value) in pairs {
                metadata.set(name, value);
            }
            let metadata = metadata.build();
            let Some(left) = room.checked_sub(line.repeat) else {
                let problem = Diagnostic::error(format!("the input streams have more than {most} lines"));
                let help = "write fewer, or allow more with --max-samples or `limits` in firedrill.yaml";
                return Err(vec![line.line.diagnose_all(problem.help(help))]);
            };
            room = left;
            for _ in 0..line.repeat {
                let appended = logs.append(&labels, Nanoseconds::at(time), line.line.as_bytes(), metadata.clone());
                if let Err(error) = appended {
                    problems.push(line.line.diagnose_all(Diagnostic::error(error.to_string())));
                }
                time = time + group.interval;
            }
        }
    }
    if problems.is_empty() { Ok(logs) } else { Err(problems) }
}

/// The labels of a stream that Loki takes: at least one, each once.
fn input_labels(text: &Located) -> Result<Labels, Diagnostic> {
    let labels = stream_labels(text)?;
    if labels.is_empty() {
        let problem = Diagnostic::error("a stream without labels");
        return Err(text.diagnose_all(problem.help("write at least one: {job=\"app\"}")));
    }
    // Read as a selector, names come as often as they are written.
    let matchers = promql::parse_selector(text).map(|selector| selector.matchers).unwrap_or_default();
    for (at, matcher) in matchers.iter().enumerate() {
        label_name::check(&matcher.name).map_err(|problem| text.diagnose_all(problem))?;
        if matchers[..at].iter().any(|earlier| earlier.name == matcher.name) {
            let problem = Diagnostic::error(format!("the label `{}` is given twice in one stream", matcher.name));
            return Err(text.diagnose_all(problem.help("leave one of them out: Loki refuses such a stream")));
        }
    }
    Ok(labels)
}

/// The labels of a stream, each with `=`.
fn stream_labels(text: &Located) -> Result<Labels, Diagnostic> {
    let help = "write names and values: {job=\"app\", env=\"prod\"}";
    if text.contains('=') && !text.contains('{') {
        let problem = Diagnostic::error("labels of a stream stand in braces");
        return Err(text.diagnose_all(problem.help(format!("write '{{{}}}'", text.value.trim()))));
    }
    if let Some((span, problem)) = odd_name(text) {
        return Err(text.diagnose(span, problem));
    }
    let labels =
        promql::parse_series(text).map_err(|error| text.diagnose(error.span, error.diagnostic().or_help(help)))?;
    if labels.name().is_empty() {
        Ok(labels)
    } else {
        Err(text.diagnose_all(Diagnostic::error("a stream has no name, only labels").help(help)))
    }
}

/// The first name before a `=` that labels in Loki do not have.
fn odd_name(text: &str) -> Option<(Span, Diagnostic)> {
    let mut quote = None;
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if matches!(quote, Some('"' | '\'')) => escaped = true,
            _ if quote.is_some() => quote = quote.filter(|open| *open != c),
            '"' | '`' | '\'' => quote = Some(c),
            '{' | ',' => start = at + 1,
            '=' => {
                let written = text[start..at].trim_end_matches(['!', '~']);
                let name = written.trim();
                let from = start + written.len() - written.trim_start().len();
                let problem = label_name::check(name).err().filter(|_| !name.is_empty() && !name.contains('"'));
                if let Some(problem) = problem {
                    return Some((Span::new(from, from + name.len()), problem));
                }
            }
            _ => {}
        }
    }
    None
}

/// The LogQL expression tests that do not hold.
pub fn failures(played: &Played<'_>) -> Vec<Failure> {
    played.group.log_tests.iter().filter_map(|test| failure(played, test)).collect()
}

fn failure(played: &Played<'_>, test: &LogTest) -> Option<Failure> {
    let judged = match logql::parse(&test.expr) {
        Err(error) => Err(test.expr.diagnose(error.span, error.diagnostic())),
        Ok(Query::Metric(expr)) => of_samples(played, test, &expr),
        Ok(Query::Log(query)) => of_lines(played, test, &query),
    };
    let (kind, explanation) =
        judged.unwrap_or_else(|problem| Some((FailureKind::Expression(problem), Explanation::default())))?;
    Some(Failure { subject: format!("{} at {}", test.expr.value, test.eval_time), span: test.span, kind, explanation })
}

type Judged = Result<Option<(FailureKind, Explanation)>, Diagnostic>;

fn of_samples(played: &Played<'_>, test: &LogTest, expr: &Expr) -> Judged {
    let time = Nanoseconds::at(played.group.start + test.eval_time);
    let answered = answer::instant(expr, &played.logs, time)
        .map_err(|error| test.expr.diagnose(error.span, Diagnostic::error(error.message)))?;
    let elements = match answered {
        answer::Samples::Scalar(_, value) => vec![(Labels::empty(), value)],
        answer::Samples::Vector(_, elements) => elements,
        answer::Samples::Matrix(_) => Vec::new(),
    };
    let mut got: Vec<ResultSample> =
        elements.into_iter().map(|(labels, value)| ResultSample { labels, value, histogram: None }).collect();
    got.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut expected = test.samples.iter().map(checks::expected_sample).collect::<Result<Vec<_>, _>>()?;
    expected.sort_by(|a, b| a.labels.cmp(&b.labels));
    let fuzzy = played.file.fuzzy_compare;
    let equal =
        |a: &ResultSample, b: &ResultSample| a.labels == b.labels && checks::same_value(a.value, b.value, fuzzy);
    if expected.len() == got.len() && expected.iter().zip(&got).all(|(a, b)| equal(a, b)) {
        return Ok(None);
    }
    let (difference, explanation) = explain::log_samples(played, test, expr, (expected, got), &equal);
    Ok(Some((FailureKind::Samples(difference), explanation)))
}

/// The lines from the start up to the time of the case, both included.
fn of_lines(played: &Played<'_>, test: &LogTest, query: &LogQuery) -> Judged {
    let (start, at) = (Nanoseconds::at(played.group.start), Nanoseconds::at(played.group.start + test.eval_time));
    let end = Nanoseconds(at.0.saturating_add(1));
    let bounds = Bounds { start, end, direction: Direction::Forward, limit: usize::MAX };
    let streams = log_query::run(query, &played.logs, bounds, at)
        .map_err(|error| test.expr.diagnose(error.span, Diagnostic::error(error.message)))?;
    let mut got: Vec<ResultLine> = Vec::new();
    for stream in streams {
        let labels = stream.labels.without_empty();
        got.extend(stream.entries.into_iter().map(|entry| ResultLine {
            labels: labels.clone(),
            line: entry.line,
            time: Some(Nanoseconds(entry.time.0 - start.0)),
        }));
    }
    got.sort_by(|a, b| (a.time, &a.labels, &a.line).cmp(&(b.time, &b.labels, &b.line)));
    let wanted = |line: &ExpectedLine| -> Result<ResultLine, Diagnostic> {
        let labels = line.labels.as_ref().map(stream_labels).transpose()?.unwrap_or_default();
        let time = line.time.map(|time| Nanoseconds(time.0.saturating_sub(start.0)));
        Ok(ResultLine { labels, line: line.line.clone(), time })
    };
    let expected = test.lines.iter().map(wanted).collect::<Result<Vec<ResultLine>, _>>()?;
    let (mut missing, mut surplus) = (Vec::new(), got.clone());
    // Those that say their time take it first.
    let (timed, untimed): (Vec<_>, Vec<_>) = expected.iter().partition(|line| line.time.is_some());
    for line in timed.into_iter().chain(untimed) {
        match surplus.iter().position(|other| line.accepts(other)) {
            Some(place) => drop(surplus.remove(place)),
            None => missing.push(line.clone()),
        }
    }
    if missing.is_empty() && surplus.is_empty() {
        return Ok(None);
    }
    let explanation = match got.is_empty() {
        true => explain::no_lines(played, test, query),
        false => Explanation::default(),
    };
    let difference = LineDifference { eval_time: test.eval_time, expected, got, missing, surplus };
    Ok(Some((FailureKind::Lines(difference), explanation)))
}
