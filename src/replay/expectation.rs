//! What alerting did or must do, with times resolved; the verdicts are the drill's.

use super::deserialize::{Entries, Reader, Text};
use super::document_expect::{AlertDoc, AlertEntryDoc, ExpectDoc, FiringDoc, OccursDoc, OthersDoc, QueryDoc, WhenDoc};
use super::expectation_triage::{self, TriageExpectation};
use super::model::Day;
use super::names;
use super::tree::{Kind, Node};
use super::units;
use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher};
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, MAX_STEPS, Timestamp};

/// Everything that alerting did or must do.
#[derive(Clone, Debug)]
pub struct Expectations {
    pub alerts: Vec<AlertExpectation>,
    pub others: Option<Others>,
    pub queries: Vec<QueryExpectation>,
    pub triage: Option<TriageExpectation>,
    pub place: Span,
}

/// What the alerts that a selector selects do: all that is `Some` must hold.
#[derive(Clone, Debug)]
pub struct AlertExpectation {
    /// The name that the selector pins, for "unknown alert"; empty where it pins none.
    pub alertname: String,
    /// Matchers of the alert's labels, `alertname` among them and `__name__` not.
    pub matchers: Vec<Matcher>,
    /// The selector as written.
    pub selector: Text,
    pub active: Option<Occurs>,
    pub fires: Option<Occurs>,
    pub resolves: Option<Occurs>,
    pub times: Option<u32>,
    /// It fires for at least this long.
    pub lasts: Option<Duration>,
    pub states: Vec<StateAt>,
    pub firing: Vec<FiringAt>,
    /// Why it is right that the replay has no series for it.
    pub blind: Option<Text>,
}

impl AlertExpectation {
    /// Whether something has to happen: silence alone does not meet it.
    pub fn is_positive(&self) -> bool {
        let within = |occurs: &Option<Occurs>| matches!(occurs, Some(Occurs::Within(_)));
        within(&self.active)
            || within(&self.fires)
            || within(&self.resolves)
            || self.times.is_some_and(|times| times > 0)
            || self.lasts.is_some()
            || self.states.iter().any(|state| state.state != ExpectedState::Inactive)
            || self.firing.iter().any(|firing| !firing.alerts.is_empty())
    }

    /// Whether it says of the alert's firings what they may be; if not, they are for `others` to judge.
    pub fn speaks_of_firing(&self) -> bool {
        self.is_positive() || matches!(self.fires, Some(Occurs::Never(_))) || self.times.is_some()
    }
}

/// Whether and when something happens.
#[derive(Clone, Debug)]
pub enum Occurs {
    Never(Span),
    Within(Window),
}

/// A stretch of time, both ends included, in which something must happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
    /// As it was written: `at 15:09:00`, `within 20m after stuck.from`.
    pub words: String,
    pub place: Span,
}

/// The state at a time.
#[derive(Clone, Debug)]
pub struct StateAt {
    pub at: Timestamp,
    pub state: ExpectedState,
    pub place: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedState {
    Inactive,
    Pending,
    Firing,
}

/// Exactly what fires at a time.
#[derive(Clone, Debug)]
pub struct FiringAt {
    pub at: Timestamp,
    pub alerts: Vec<FiringAlert>,
    pub place: Span,
}

/// An alert instance that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiringAlert {
    /// All labels, `alertname` included.
    pub labels: Labels,
    /// All annotations, sorted by name, empty ones included; `None`: not compared.
    pub annotations: Option<Vec<(String, String)>>,
}

/// All alerts and label sets that no selector selects.
#[derive(Clone, Debug)]
pub struct Others {
    /// Only those with these labels must be silent; empty for all.
    pub labels: Vec<Matcher>,
    pub place: Span,
}

/// A query and what it returns.
#[derive(Clone, Debug)]
pub struct QueryExpectation {
    pub query: Query,
    pub when: QueryTime,
    pub returns: Option<Returns>,
    /// `Some(true)` for something, `Some(false)` for nothing.
    pub selects: Option<bool>,
    pub tolerance: Tolerance,
    pub place: Span,
}

#[derive(Clone, Debug)]
pub enum Query {
    PromQl(Text),
    LogQl(Text),
    /// All queries at a place in a document.
    Document(Text),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryTime {
    At(Timestamp),
    Range { from: Timestamp, to: Timestamp, step: Duration },
}

/// How far a value may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    Absolute(f64),
    /// A part of the value.
    Relative(f64),
}

impl Tolerance {
    /// Whether `found` is near enough to `wanted`. NaN is near NaN.
    pub fn allows(self, wanted: f64, found: f64) -> bool {
        if wanted == found || (wanted.is_nan() && found.is_nan()) {
            return true;
        }
        let off = match self {
            Tolerance::Absolute(off) => off,
            Tolerance::Relative(part) => part * wanted.abs(),
        };
        (wanted - found).abs() <= off
    }
}

#[derive(Clone, Debug)]
pub enum Returns {
    /// The value of the only series, or how many lines there are.
    Number(f64, Span),
    Rows(Vec<Row>),
    /// Log lines, oldest first; at least one.
    Lines(Vec<String>, Span),
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub struct Row {
    /// All labels, `__name__` among them where it is written.
    pub labels: Labels,
    /// One value for an instant query, one for each step of a range query.
    pub values: Vec<f64>,
    pub place: Span,
}

/// Resolves what was written against a day.
pub fn resolve(doc: &ExpectDoc, place: Span, day: &Day, reader: &Reader<'_>) -> Expectations {
    let alerts = doc.alerts.iter().filter_map(|entry| alert(entry, day, reader)).collect();
    let others = doc.others.as_ref().map(|others| match others {
        OthersDoc::Silent(word) => Others { labels: Vec::new(), place: word.span },
        OthersDoc::Labels(labels) => Others {
            labels: labels
                .iter()
                .filter_map(|(name, value)| Matcher::new(name.text.as_str(), MatchOp::Equal, value.text.as_str()).ok())
                .collect(),
            place: labels.first().map_or(place, |(name, _)| name.span),
        },
    });
    let queries = doc.queries.iter().filter_map(|doc| query(doc, place, day, reader)).collect();
    let triage = doc.triage.as_ref().and_then(|doc| expectation_triage::resolve(doc, day, reader));
    Expectations { alerts, others, queries, triage, place }
}

fn alert(entry: &AlertEntryDoc, day: &Day, reader: &Reader<'_>) -> Option<AlertExpectation> {
    let selector = &entry.selector;
    // Alerts may have names that are words of PromQL: `On`, `Bool`.
    let bare = selector.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !selector.text.is_empty();
    let named = bare.then(|| Matcher::new(METRIC_NAME, MatchOp::Equal, selector.text.as_str()).ok()).flatten();
    let parsed = match named {
        Some(name) => Ok(vec![name]),
        None => crate::promql::parse_selector(&selector.text).map(|selector| selector.matchers),
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let otherwise = "write the alert's name and labels: HighLoad{job=\"node\"}";
            reader.syntax(selector, "not a selector of alerts", &error, otherwise);
            return None;
        }
    };
    let rename = |matcher: &Matcher| match matcher.name.as_ref() {
        METRIC_NAME => Matcher::new("alertname", matcher.op, matcher.value.clone()).ok(),
        _ => Some(matcher.clone()),
    };
    let matchers: Vec<Matcher> = parsed.iter().filter_map(rename).collect();
    let pinned = matchers.iter().find(|m| m.name.as_ref() == "alertname" && m.op == MatchOp::Equal);
    let AlertDoc { active, fires, resolves, times, lasts, state, firing, blind } = &entry.does;
    if active.is_none()
        && fires.is_none()
        && resolves.is_none()
        && times.is_none()
        && lasts.is_none()
        && state.0.is_empty()
        && firing.0.is_empty()
    {
        reader.problem(
            selector.span,
            Diagnostic::error("an alert of which nothing is expected")
                .help("write `never`, or one of active, fires, resolves, times, lasts, state, firing"),
        );
    }
    let occurs = |doc: &Option<OccursDoc>| doc.as_ref().and_then(|doc| occurs(doc, day, reader));
    Some(AlertExpectation {
        alertname: pinned.map(|m| m.value.to_string()).unwrap_or_default(),
        selector: selector.clone(),
        active: occurs(active),
        fires: occurs(fires),
        resolves: occurs(resolves),
        times: *times,
        lasts: lasts.as_ref().and_then(|text| reader.keep(text.span, units::duration(&text.text))),
        states: state
            .0
            .iter()
            .filter_map(|(at, state)| {
                let time = time(at, day, reader);
                let state: Text = state.read(reader)?;
                Some(StateAt { at: time?, state: expected_state(&state, reader)?, place: state.span })
            })
            .collect(),
        firing: firing
            .0
            .iter()
            .filter_map(|(at, alerts)| {
                let time = time(at, day, reader);
                let alerts = alerts.read(reader)?;
                let alerts = alerts.iter().map(|alert| firing_alert(alert, pinned, reader)).collect();
                Some(FiringAt { at: time?, alerts, place: at.span })
            })
            .collect(),
        blind: blind.clone(),
        matchers,
    })
}

fn firing_alert(doc: &FiringDoc, pinned: Option<&Matcher>, reader: &Reader<'_>) -> FiringAlert {
    let texts = |entries: &Entries<Text>| -> Vec<(String, String)> {
        let read = entries.0.iter().filter_map(|(name, text)| Some((name.text.clone(), text.read(reader)?.text)));
        read.collect()
    };
    let mut labels = Labels::from_pairs(texts(&doc.labels)).builder();
    if let Some(name) = pinned {
        labels.set("alertname", &name.value);
    }
    let annotations = doc.annotations.as_ref().map(|entries| {
        let mut annotations = texts(entries);
        annotations.sort();
        annotations
    });
    FiringAlert { labels: labels.build(), annotations }
}

fn expected_state(text: &Text, reader: &Reader<'_>) -> Option<ExpectedState> {
    match text.text.as_str() {
        "inactive" => Some(ExpectedState::Inactive),
        "pending" => Some(ExpectedState::Pending),
        "firing" => Some(ExpectedState::Firing),
        other => {
            let help = names::hint(other, "the states are", ["inactive", "pending", "firing"]);
            reader.problem(text.span, Diagnostic::error(format!("unknown state `{other}`")).help(help));
            None
        }
    }
}

fn time(text: &Text, day: &Day, reader: &Reader<'_>) -> Option<Timestamp> {
    day.time(text).map_err(|problem| reader.extend([problem])).ok()
}

fn occurs(doc: &OccursDoc, day: &Day, reader: &Reader<'_>) -> Option<Occurs> {
    match doc {
        OccursDoc::Never(word) => Some(Occurs::Never(word.span)),
        OccursDoc::When(when, place) => window(when, *place, day, reader).map(Occurs::Within),
    }
}

fn window(doc: &WhenDoc, place: Span, day: &Day, reader: &Reader<'_>) -> Option<Window> {
    let refuse = |message: &str| {
        let help =
            "write `at: \"15:09:00\"`, `within: 20m, after: stuck.from`, `before: \"15:30:00\"` or `after: stuck.to`";
        reader.problem(place, Diagnostic::error(message).help(help));
        None
    };
    let WhenDoc { at, within, after, before } = doc;
    if let Some(at) = at {
        if within.is_some() || after.is_some() || before.is_some() {
            return refuse("`at` is exact and stands alone");
        }
        let time = time(at, day, reader)?;
        return Some(Window { from: time, to: time, words: format!("at {}", at.text), place });
    }
    if within.is_some() && before.is_some() {
        return refuse("`within` and `before` both say the latest time");
    }
    if within.is_none() && before.is_none() && after.is_none() {
        return refuse("this says no time");
    }
    let from = match after {
        Some(after) => time(after, day, reader)?,
        None => day.start(),
    };
    let to = match (within, before) {
        (Some(within), _) => from + reader.keep(within.span, units::duration(&within.text))?,
        (None, Some(before)) => time(before, day, reader)?,
        (None, None) => day.end(),
    };
    if to < from {
        return refuse("the latest time is before the earliest");
    }
    let mut words = Vec::new();
    if let Some(within) = within {
        words.push(format!("within {}", within.text));
    }
    if let Some(after) = after {
        words.push(format!("after {}", after.text));
    }
    if let Some(before) = before {
        words.push(format!("before {}", before.text));
    }
    if within.is_some() && after.is_none() {
        words.push("of the start".to_owned());
    }
    Some(Window { from, to, words: words.join(" "), place })
}

fn query(doc: &QueryDoc, place: Span, day: &Day, reader: &Reader<'_>) -> Option<QueryExpectation> {
    let written: Vec<Query> = [
        doc.promql.clone().map(Query::PromQl),
        doc.logql.clone().map(Query::LogQl),
        doc.document.clone().map(Query::Document),
    ]
    .into_iter()
    .flatten()
    .collect();
    let place = match written.first() {
        Some(Query::PromQl(text) | Query::LogQl(text) | Query::Document(text)) => text.span,
        None => place,
    };
    let [query] = written
        .try_into()
        .unwrap_or_else(|_| [Query::Document(Text { text: String::new(), span: place, plain: true })]);
    if matches!(&query, Query::Document(text) if text.text.is_empty()) {
        reader.problem(place, Diagnostic::error("a query needs exactly one of promql, logql, document"));
        return None;
    }
    let when = match (&doc.at, &doc.from, &doc.to) {
        (Some(at), None, None) => QueryTime::At(time(at, day, reader)?),
        (None, Some(from), Some(to)) => {
            let (from, to) = (time(from, day, reader)?, time(to, day, reader)?);
            let step = match &doc.step {
                Some(step) => reader.keep(step.span, units::duration(&step.text))?,
                None => day.interval,
            };
            if step <= Duration::ZERO || to < from {
                reader.problem(
                    place,
                    Diagnostic::error("a range that never steps").help("`from` before `to`, and a step above 0s"),
                );
                return None;
            }
            let count = (to - from).0 / step.0 + 1;
            if count > MAX_STEPS as i64 {
                let problem = Diagnostic::error(format!("{count} steps are more than the {MAX_STEPS} of a query"));
                reader.problem(place, problem.help("a larger `step`, or a shorter range"));
                return None;
            }
            QueryTime::Range { from, to, step }
        }
        _ => {
            reader.problem(
                place,
                Diagnostic::error("a query without its time")
                    .help("write `at: \"15:32:00\"`, or `from`, `to` and `step`"),
            );
            return None;
        }
    };
    let returns = match &doc.returns {
        Some(node) => Some(returns(node, reader)?),
        None => None,
    };
    let selects = match &doc.selects {
        None => None,
        Some(word) => match word.text.as_str() {
            "something" => Some(true),
            "nothing" => Some(false),
            _ => {
                reader.problem(word.span, Diagnostic::error(format!("`{}`: write something or nothing", word.text)));
                return None;
            }
        },
    };
    if returns.is_none() && selects.is_none() {
        reader.problem(
            place,
            Diagnostic::error("a query of which nothing is expected")
                .help("write `returns: ...` or `selects: something`"),
        );
    }
    let tolerance = match &doc.tolerance {
        None => Tolerance::Absolute(0.0),
        Some(text) => {
            let amount = reader.keep(text.span, units::amount(&text.text))?;
            if text.text.trim_end().ends_with('%') { Tolerance::Relative(amount) } else { Tolerance::Absolute(amount) }
        }
    };
    Some(QueryExpectation { query, when, returns, selects, tolerance, place })
}

fn returns(node: &Node, reader: &Reader<'_>) -> Option<Returns> {
    match &node.kind {
        Kind::Scalar { text, .. } => {
            reader.keep(node.span, units::amount(text)).map(|value| Returns::Number(value, node.span))
        }
        Kind::List(items) if items.first().is_some_and(|item| matches!(item.kind, Kind::Scalar { .. })) => {
            let line = |item: &Node| match &item.kind {
                Kind::Scalar { text, .. } => Some(text.to_string()),
                _ => {
                    reader.problem(item.span, Diagnostic::error("lines and rows do not go together"));
                    None
                }
            };
            items.iter().map(line).collect::<Option<Vec<_>>>().map(|lines| Returns::Lines(lines, node.span))
        }
        Kind::List(items) => items.iter().map(|item| row(item, reader)).collect::<Option<Vec<_>>>().map(Returns::Rows),
        _ => {
            reader.problem(
                node.span,
                Diagnostic::error("expected a number or a list of rows")
                    .help("write `returns: [{job: node, value: 2}]`"),
            );
            None
        }
    }
}

fn row(node: &Node, reader: &Reader<'_>) -> Option<Row> {
    let mut labels = Labels::empty().builder();
    let mut values = Vec::new();
    for (key, value) in node.entries() {
        match (key.text(), &value.kind) {
            (Some("value"), Kind::Scalar { text, .. }) => values.push(reader.keep(value.span, units::amount(text))?),
            (Some("values"), Kind::List(items)) => {
                for item in items {
                    values.push(reader.keep(item.span, units::amount(item.text().unwrap_or_default()))?);
                }
            }
            (Some(name), Kind::Scalar { text, .. }) => {
                labels.set(name, text);
            }
            _ => {
                reader.problem(value.span, Diagnostic::error("expected the value of a label"));
                return None;
            }
        }
    }
    if values.is_empty() {
        reader.problem(node.span, Diagnostic::error("a row without a value").help("write `{job: node, value: 2}`"));
        return None;
    }
    Some(Row { labels: labels.build(), values, place: node.span })
}
