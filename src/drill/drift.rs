//! Drift: what the documents of an incident say, and its rules and replay do not.
//!
//! Each day answers the documents' queries and looks for the samples that they show; what no day of the incident answers or
//! reproduces is drift, and an expression that is not the rule file's.

use std::sync::atomic::Ordering;

use crate::engine::Steps;
use crate::evidence;
use crate::incident::{Confidence, Finding, FoundRule, Language, Sample};
use crate::labels::{MatchOp, Matcher};
use crate::logql;
use crate::number;
use crate::promql;
use crate::promql::ast::Expr;
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Timestamp};

use super::load::Incident;
use super::log_queries;
use super::playback::Playback;
use super::verdict::Drill;

/// Times of a day at which each query is tried before it is tried at all of them.
const TRIED: i64 = 48;
/// How old a sample may be that somebody sees at a time (`--query.lookback-delta`).
const LOOKBACK: Duration = Duration(5 * 60_000);

/// What a day says to the documents of its incident.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// For each query.
    queries: Vec<Answer>,
    /// For each sample, the value that comes nearest to it.
    samples: Vec<Option<f64>>,
}

/// What a day answers to a query.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It yields something at some time.
    Something,
    Nothing,
    /// A selector without which it yields nothing, and that matches no series; what there is instead.
    Missing(Span, Option<String>),
    Error(String),
}

impl Answer {
    pub fn is_something(&self) -> bool {
        matches!(self, Answer::Something)
    }
}

/// Asks a day what the documents of its incident ask.
pub fn answers(playback: &Playback) -> Answers {
    let told = playback.documents.told();
    let queries = told.queries().zip(&told.answered).map(|((finding, language), answered)| {
        let answer = ask(playback, &finding.text, language, || answered.load(Ordering::Relaxed));
        if answer.is_something() {
            answered.store(true, Ordering::Relaxed);
        }
        answer
    });
    let queries = queries.collect();
    let samples = told.samples().map(|(_, _, sample)| nearest(playback, sample)).collect();
    Answers { queries, samples }
}

/// Asks a day a query at a few of its times, and then at all of them unless `answered` says that another day has an answer.
pub fn ask(playback: &Playback, text: &str, language: Language, answered: impl Fn() -> bool) -> Answer {
    match language {
        Language::Promql => answer(playback, text, answered),
        Language::Logql => log_answer(playback, text, answered),
    }
}

fn answer(playback: &Playback, text: &str, answered: impl Fn() -> bool) -> Answer {
    let expr = match promql::parse_with(text, playback.profile().features) {
        Ok(expr) => expr,
        Err(error) => return Answer::Error(error.message),
    };
    if let Some(missing) = evidence::missing(&expr, &|selector| playback.matches(selector)) {
        return Answer::Missing(missing.span, evidence::instead(&playback.generated.store, missing.selector));
    }
    let (start, end) = (playback.day.start(), playback.day.end());
    for step in tries(playback) {
        let times = Steps::range(start, end, step).0.into_iter().map(|step| Playback::seen_at(step.time));
        match playback.evaluate(&expr, &Steps(times.collect())) {
            Err(error) => return Answer::Error(error.message),
            Ok(matrix) => {
                if matrix.valued().next().is_some() {
                    return Answer::Something;
                }
                if let Some(error) = matrix.errors.values().next() {
                    return Answer::Error(error.to_string());
                }
            }
        }
        // Another day has an answer: whether this one has it too decides nothing.
        if answered() {
            return Answer::Something;
        }
    }
    Answer::Nothing
}

/// How far apart the times are at which a query is tried: first few of them, then all.
fn tries(playback: &Playback) -> Vec<Duration> {
    let (start, end, interval) = (playback.day.start(), playback.day.end(), playback.day.interval);
    let mut steps = vec![Duration(((end - start).0 / TRIED).max(interval.0)), interval];
    steps.dedup();
    steps
}

fn log_answer(playback: &Playback, text: &str, answered: impl Fn() -> bool) -> Answer {
    let query = match logql::parse(text) {
        Ok(query) => query,
        Err(error) => return Answer::Error(error.message),
    };
    if let Some(selector) = evidence::unmet_selector(&query, &|selector| playback.has_stream(selector)) {
        let streams = playback.day.logs.iter().map(|stream| &stream.labels);
        return Answer::Missing(selector.span, evidence::streams_near(streams, selector));
    }
    for step in tries(playback) {
        match log_queries::says_something(playback, &query, step) {
            Err(error) => return Answer::Error(error.message),
            Ok(true) => return Answer::Something,
            Ok(false) if answered() => return Answer::Something,
            Ok(false) => {}
        }
    }
    Answer::Nothing
}

/// The value nearest to a sample: at its time, where the day has that, else at any.
fn nearest(playback: &Playback, sample: &Sample) -> Option<f64> {
    let store = &playback.generated.store;
    let at = sample.at.filter(|at| (playback.day.start()..=playback.day.end()).contains(at));
    let mut nearest: Option<f64> = None;
    for id in store.select(&matchers(sample)) {
        let series = store.series(id);
        let last = at.map_or(series.times.len(), |at| series.times.partition_point(|time| *time <= at));
        let first = match at {
            Some(at) if last > 0 && at - series.times[last - 1] > LOOKBACK => last,
            Some(_) => last.saturating_sub(1),
            None => 0,
        };
        for value in series.values[first..last].iter().filter(|value| !number::is_stale(**value)) {
            let off = |value: f64| (value - sample.value).abs();
            if nearest.is_none_or(|best| off(*value) < off(best)) {
                nearest = Some(*value);
            }
        }
    }
    nearest
}

fn matchers(sample: &Sample) -> Vec<Matcher> {
    let equal = |(name, value): (&str, &str)| Matcher::new(name, MatchOp::Equal, value).ok();
    sample.labels.iter().filter_map(equal).collect()
}

/// What drifted, each thing at its place in a document; `drills` are those of this incident that ran.
pub fn drift(incident: &Incident, drills: &[&Drill]) -> Vec<Diagnostic> {
    let told = incident.documents.told();
    let mut drift: Vec<Diagnostic> = told.problems.iter().map(|(_, problem)| problem.clone()).collect();
    for (_, document) in &told.documents {
        let sure = document.rules().filter(|(finding, _)| finding.confidence > Confidence::Low);
        drift.extend(sure.filter_map(|(finding, rule)| expression(incident, finding, rule)));
    }
    // What no variant does can only be said of all of them.
    if drills.is_empty() || drills.len() < incident.days().len() {
        return warnings(drift);
    }
    for (at, (finding, _)) in told.queries().enumerate() {
        let answers: Vec<&Answer> = drills.iter().filter_map(|drill| drill.answers.queries.get(at)).collect();
        drift.extend(unanswered(finding, &answers));
    }
    for (at, (_, finding, sample)) in told.samples().enumerate() {
        let nearest = drills.iter().filter_map(|drill| Some((*drill, (*drill.answers.samples.get(at)?)?)));
        drift.extend(unseen(finding, sample, nearest.collect()));
    }
    warnings(drift)
}

fn warnings(drift: Vec<Diagnostic>) -> Vec<Diagnostic> {
    drift.into_iter().map(|found| Diagnostic { severity: crate::text::Severity::Warning, ..found }).collect()
}

/// An alert whose expression is another one than in the rule files.
fn expression(incident: &Incident, finding: &Finding, found: &FoundRule) -> Option<Diagnostic> {
    let rules = || incident.groups.iter().flat_map(|group| &group.rules);
    let same_name = || rules().filter(|rule| rule.is_alert() == found.is_alert && rule.name.value == found.name.value);
    let first = same_name().next()?;
    let written = Written::of(&found.expr)?;
    if same_name().any(|rule| Written::of(&rule.expr).as_ref() == Some(&written)) {
        return None;
    }
    let place = first.expr.source.place(first.expr.file_span(Span::new(0, 0)).start);
    let (name, file) = (&found.name.value, first.expr.source.name());
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let problem = Diagnostic::warning(format!("{name} has another expression in the rules")).help(format!(
        "{file}:{}:{} says `{}`",
        place.line,
        place.column,
        one_line(&first.expr)
    ));
    Some(problem.at(&finding.text.source, found.expr.file_span(Span::new(0, found.expr.trim_end().len()))))
}

/// An expression with what makes no difference left out.
#[derive(PartialEq)]
enum Written {
    Promql(Box<Expr>),
    /// As LogQL prints it.
    Logql(String),
}

impl Written {
    fn of(text: &str) -> Option<Written> {
        match promql::parse_with(text, promql::Features::ALL) {
            Ok(expr) => Some(Written::Promql(Box::new(expr.normalised()))),
            Err(_) => match logql::parse(text).ok()? {
                logql::ast::Query::Metric(expr) => Some(Written::Logql(expr.to_string())),
                logql::ast::Query::Log(_) => None,
            },
        }
    }
}

/// A query that no day answers.
fn unanswered(finding: &Finding, answers: &[&Answer]) -> Option<Diagnostic> {
    if answers.iter().any(|answer| answer.is_something()) {
        return None;
    }
    let text = &finding.text;
    let error = answers.iter().find_map(|answer| match answer {
        Answer::Error(error) => Some(error),
        _ => None,
    });
    if let Some(error) = error {
        return Some(text.diagnose_all(Diagnostic::warning(format!("this query has no answer: {error}"))));
    }
    let missing = answers.iter().map(|answer| match answer {
        Answer::Missing(span, instead) => Some((*span, instead)),
        _ => None,
    });
    let Some(missing) = missing.collect::<Option<Vec<_>>>() else {
        let problem = Diagnostic::warning("this query yields nothing at any time of any variant");
        return Some(text.diagnose_all(problem.help("a variant in which it does would show that it works")));
    };
    let (span, _) = *missing.first()?;
    let selector = text.get(span.start..span.end).unwrap_or_default();
    let problem = Diagnostic::warning(format!("no variant of the replay produces {selector}"));
    let instead = missing.iter().find_map(|(_, instead)| instead.as_ref());
    let problem = match instead {
        Some(instead) => problem.help(format!("there is {instead}")),
        None => problem,
    };
    Some(text.diagnose(span, problem))
}

/// A sample that no day comes to; `nearest` are the values that come nearest.
fn unseen(finding: &Finding, sample: &Sample, nearest: Vec<(&Drill, f64)>) -> Option<Diagnostic> {
    // A value half a unit away still rounds to what is printed; the sum of both may be off by a bit.
    let off = |value: f64| if value == sample.value { 0.0 } else { (value - sample.value).abs() };
    let near = |value: f64| off(value) <= sample.precision * (1.0 + 1e-9) || (value.is_nan() && sample.value.is_nan());
    if nearest.iter().any(|(_, value)| near(*value)) {
        return None;
    }
    let series = sample.labels.as_metric();
    let text = &finding.text;
    let Some((drill, value)) = nearest.into_iter().min_by(|a, b| off(a.1).total_cmp(&off(b.1))) else {
        let problem = Diagnostic::warning(format!("no variant of the replay produces {series}"));
        return Some(text.diagnose_all(problem));
    };
    let when = sample.at.map_or_else(|| "at any time".to_owned(), |at: Timestamp| format!("at {at}"));
    let problem =
        Diagnostic::warning(format!("no variant of the replay comes to {} {when}", number::format_f(sample.value)));
    let help = format!("the nearest is {} in {}", number::format_f(value), drill.name);
    Some(text.diagnose_all(problem.help(help)))
}
