//! Queries that a replay expects an answer to.

use crate::engine::Steps;
use crate::evidence::{self, Place, Reason};
use crate::histogram;
use crate::incident::Language;
use crate::labels::Labels;
use crate::logql;
use crate::number;
use crate::promql::ast::ValueType;
use crate::promql::{self, eval};
use crate::replay::{Query, QueryExpectation, QueryTime, Returns};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Located, Source};

use super::explain::clock;
use super::footing;
use super::log_queries;
use super::playback::Playback;
use super::verdict::{Check, Part, Verdict};

/// The labels of a series, and a value for each step at which it has one.
pub type SeriesValues = (Labels, Vec<Option<f64>>);

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Each series with a value for each step at which it has one.
    Series(Vec<SeriesValues>),
    /// Log lines, oldest first.
    Lines(Vec<String>),
}

impl Answer {
    fn is_empty(&self) -> bool {
        match self {
            Answer::Series(series) => series.is_empty(),
            Answer::Lines(lines) => lines.is_empty(),
        }
    }
}

/// Runs the query, or all queries at a place of a document, as somebody would have seen their answers then, and compares.
pub fn checks(playback: &Playback, part: Part, expected: &QueryExpectation) -> Vec<Check> {
    match &expected.query {
        Query::PromQl(text) => vec![check(playback, part, expected, &text.text, Language::Promql)],
        Query::LogQl(text) => vec![check(playback, part, expected, &text.text, Language::Logql)],
        Query::Document(place) => {
            // A place without queries is unusable, and was refused.
            let queries = playback.documents.told().at(&place.text).unwrap_or_default();
            let checks = queries.into_iter().map(|(finding, language)| {
                let written = Place { source: finding.text.source.clone(), span: finding.place() };
                let mut check = check(playback, part, expected, &finding.text, language);
                if check.verdict != Verdict::Pass {
                    check.reasons.push(Reason { place: Some(written), text: "it is written here".to_owned() });
                }
                check
            });
            checks.collect()
        }
    }
}

fn check(playback: &Playback, part: Part, expected: &QueryExpectation, text: &str, language: Language) -> Check {
    let start = playback.day.start();
    let when = match expected.when {
        QueryTime::At(at) => format!("at {}", clock(at, start)),
        QueryTime::Range { from, to, step } => {
            let lines = language == Language::Logql && matches!(logql::parse(text), Ok(logql::ast::Query::Log(_)));
            let every = if lines { String::new() } else { format!(" every {step}") };
            format!("from {} to {}{every}", clock(from, start), clock(to, start))
        }
    };
    let place = Some(Place { source: playback.day.source.clone(), span: expected.place });
    let mut check = Check {
        part,
        verdict: Verdict::Pass,
        subject: format!("query {text}"),
        place,
        summary: format!("query {text} {when}"),
        expected: format!("{when}: {}", wanted(expected)),
        happened: Vec::new(),
        reasons: Vec::new(),
        lives: Vec::new(),
        timeline: None,
        rests_on: match language {
            Language::Promql => promql::parse_with(text, playback.profile().features)
                .map(|expr| footing::of_exprs(playback, [&expr]))
                .unwrap_or_default(),
            Language::Logql => logql::parse(text).map(|query| log_queries::rests(playback, &query)).unwrap_or_default(),
        },
    };
    let undecided = || playback.undecided(&promql::parse_with(text, playback.profile().features).ok()?);
    if let Some(file) = (language == Language::Promql).then(undecided).flatten() {
        let reason = file.reason(&check.subject);
        check.verdict = Verdict::Blind;
        check.summary.clone_from(&reason.text);
        check.reasons = vec![reason];
        return check;
    }
    let answer = match language {
        Language::Promql => {
            answer(playback, text, &steps(expected.when)).and_then(|answer| comparable(expected, answer))
        }
        Language::Logql => log_queries::answer(playback, text, expected.when),
    };
    match answer {
        Ok(answer) => {
            check.happened = tell(&answer);
            if !meets(expected, &answer) {
                check.verdict = Verdict::Fail;
                check.summary = format!("query {text}: another answer {when}");
            } else if let Some(what) = unmatched(playback, text, language).filter(|_| answer.is_empty()) {
                check.verdict = Verdict::Blind;
                check.summary = format!("query {text}: no {what}");
                check.reasons = vec![Reason { place: None, text: check.summary.clone() }];
            }
        }
        Err(error) => {
            check.verdict = Verdict::Fail;
            check.summary = format!("query {text}: {}", error.message);
            check.happened = vec![error.message];
            check.reasons.extend(error.help.map(|help| Reason { place: None, text: help }));
        }
    }
    check
}

/// What is wrong with the expected queries themselves: not in their language, nothing that has an answer at a time, or none of the
/// kind that is expected.
pub fn unusable(playback: &Playback, expected: &QueryExpectation) -> Option<Diagnostic> {
    let source = &playback.day.source;
    let problem = |text: &Located, language| match language {
        Language::Promql => unusable_query(playback, text).or_else(|| expects_lines(expected, source)),
        Language::Logql => unusable_log_query(text, expected, source),
    };
    match &expected.query {
        Query::PromQl(text) => problem(&text.located(source), Language::Promql),
        Query::LogQl(text) => problem(&text.located(source), Language::Logql),
        Query::Document(place) => match playback.documents.told().at(&place.text) {
            Ok(queries) => queries.into_iter().find_map(|(finding, language)| problem(&finding.text, language)),
            Err(problem) => Some(place.located(source).diagnose_all(problem)),
        },
    }
}

fn unusable_log_query(located: &Located, expected: &QueryExpectation, source: &Source) -> Option<Diagnostic> {
    match (logql::parse(located), &expected.returns) {
        (Err(error), _) => Some(located.diagnose(error.span, error.diagnostic())),
        (Ok(logql::ast::Query::Metric(_)), _) => expects_lines(expected, source),
        (Ok(logql::ast::Query::Log(_)), Some(Returns::Rows(rows))) => {
            let problem = Diagnostic::error("this query returns lines, and no values");
            let help = "write how many lines there are, or the lines: `returns: [one line, another]`";
            rows.first().map(|row| problem.at(source, row.place).help(help))
        }
        (Ok(logql::ast::Query::Log(_)), _) => None,
    }
}

fn expects_lines(expected: &QueryExpectation, source: &Source) -> Option<Diagnostic> {
    let Some(Returns::Lines(_, place)) = &expected.returns else { return None };
    let problem = Diagnostic::error("this query returns values, and no lines");
    Some(problem.at(source, *place).help("write `returns: [{job: node, value: 2}]`"))
}

fn unusable_query(playback: &Playback, located: &Located) -> Option<Diagnostic> {
    let expr = match promql::parse_with(located, playback.profile().features) {
        Ok(expr) => expr,
        Err(error) => return Some(located.diagnose(error.span, error.diagnostic())),
    };
    if matches!(expr.value_type(), ValueType::Matrix | ValueType::String) {
        let problem = Diagnostic::error("a query that yields a range or a text has no values to compare");
        return Some(located.diagnose(expr.span, problem.help("wrap a range in a function: `last_over_time(up[1m])`")));
    }
    let error = eval::Query::compile(&expr, playback.profile()).err()?;
    Some(located.diagnose(error.span, Diagnostic::error(error.message)))
}

/// What a query needs and the day has not: `series of this day matches up{job="x"}`.
fn unmatched(playback: &Playback, text: &str, language: Language) -> Option<String> {
    let (what, span) = match language {
        Language::Promql => {
            let expr = promql::parse_with(text, playback.profile().features).ok()?;
            ("series", evidence::missing(&expr, &|selector| playback.matches(selector))?.span)
        }
        Language::Logql => {
            let query = logql::parse(text).ok()?;
            ("stream", evidence::unmet_selector(&query, &|selector| playback.has_stream(selector))?.span)
        }
    };
    Some(format!("{what} of this day matches {}", text.get(span.start..span.end)?))
}

fn steps(when: QueryTime) -> Steps {
    match when {
        QueryTime::At(at) => Steps(vec![Playback::seen_at(at)]),
        QueryTime::Range { from, to, step } => {
            let mut steps = Steps::range(from, to, step);
            let seen = Playback::seen_at(to).frontier;
            steps.0.iter_mut().for_each(|step| step.frontier = seen);
            steps
        }
    }
}

fn answer(playback: &Playback, text: &str, steps: &Steps) -> Result<Answer, Diagnostic> {
    let expr = promql::parse_with(text, playback.profile().features).map_err(ParseError::diagnostic)?;
    let matrix = playback.evaluate(&expr, steps)?;
    if let Some(error) = matrix.errors.values().next() {
        return Err(Diagnostic::error(error.to_string()));
    }
    let values =
        |column: crate::engine::Column<'_>| (0..matrix.steps()).map(|step| column.at(step)).collect::<Vec<_>>();
    let mut series: Vec<_> = matrix.columns().map(|column| (column.labels.clone(), values(column))).collect();
    series.retain(|(_, values)| values.iter().any(Option::is_some));
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Answer::Series(series))
}

/// An answer that is to be compared has numbers only.
fn comparable(expected: &QueryExpectation, answer: Answer) -> Result<Answer, Diagnostic> {
    let histogram = |value: &f64| histogram::index_of(*value).is_some();
    match &answer {
        Answer::Series(series)
            if expected.returns.is_some() && series.iter().flat_map(|(_, values)| values).flatten().any(histogram) =>
        {
            let problem = Diagnostic::error("it yields native histograms, and no `value` is one");
            let help = "ask for numbers: histogram_count(...), histogram_sum(...), histogram_quantile(0.9, ...)";
            Err(problem.help(help))
        }
        _ => Ok(answer),
    }
}

fn meets(expected: &QueryExpectation, answer: &Answer) -> bool {
    if expected.selects.is_some_and(|something| something == answer.is_empty()) {
        return false;
    }
    let near = |wanted: &[f64], found: &[Option<f64>]| {
        let present: Vec<f64> = found.iter().flatten().copied().collect();
        wanted.len() == present.len() && wanted.iter().zip(&present).all(|(w, f)| expected.tolerance.allows(*w, *f))
    };
    match (&expected.returns, answer) {
        (None, _) => true,
        (Some(Returns::Number(number, _)), Answer::Series(series)) => {
            matches!(&series[..], [(_, values)] if near(&[*number], values))
        }
        (Some(Returns::Number(number, _)), Answer::Lines(lines)) => {
            expected.tolerance.allows(*number, lines.len() as f64)
        }
        (Some(Returns::Rows(rows)), Answer::Series(series)) => {
            let mut rows: Vec<_> = rows.iter().collect();
            rows.sort_by(|a, b| a.labels.cmp(&b.labels));
            rows.len() == series.len()
                && rows
                    .iter()
                    .zip(series)
                    .all(|(row, (labels, values))| row.labels == *labels && near(&row.values, values))
        }
        (Some(Returns::Rows(rows)), Answer::Lines(lines)) => rows.is_empty() && lines.is_empty(),
        (Some(Returns::Lines(wanted, _)), Answer::Lines(lines)) => wanted == lines,
        (Some(Returns::Lines(..)), Answer::Series(_)) => false,
    }
}

fn wanted(expected: &QueryExpectation) -> String {
    let mut parts = Vec::new();
    match &expected.returns {
        None => {}
        Some(Returns::Number(number, _)) => parts.push(number::format_f(*number)),
        Some(Returns::Rows(rows)) if rows.is_empty() => parts.push("no series".to_owned()),
        Some(Returns::Lines(lines, _)) => parts.extend(lines.iter().cloned()),
        Some(Returns::Rows(rows)) => {
            parts.extend(
                rows.iter().map(|row| format!("{} {}", row.labels.as_metric(), numbers(row.values.iter().copied()))),
            );
        }
    }
    match expected.selects {
        Some(true) => parts.push("something".to_owned()),
        Some(false) => parts.push("nothing".to_owned()),
        None => {}
    }
    parts.join("; ")
}

/// How many series of an answer are told, and how many lines.
const TOLD: (usize, usize) = (6, 3);

fn tell(answer: &Answer) -> Vec<String> {
    let (told, more, what): (Vec<String>, usize, &str) = match answer {
        Answer::Series(series) => {
            let one = |(labels, values): &(Labels, Vec<Option<f64>>)| {
                format!("{} {}", labels.as_metric(), numbers(values.iter().flatten().copied()))
            };
            (series.iter().take(TOLD.0).map(one).collect(), series.len().saturating_sub(TOLD.0), "series")
        }
        Answer::Lines(lines) => {
            let count = Some(format!("{} lines", lines.len())).filter(|_| lines.len() > 1).into_iter();
            let told = count.chain(lines.iter().take(TOLD.1).cloned());
            (told.collect(), lines.len().saturating_sub(TOLD.1), "lines")
        }
    };
    match (told.len(), more) {
        (0, _) => vec![format!("no {what}")],
        (_, 0) => told,
        _ => told.into_iter().chain([format!("and {more} more {what}")]).collect(),
    }
}

fn numbers(values: impl Iterator<Item = f64>) -> String {
    let told = |value: f64| match histogram::index_of(value) {
        Some(_) => "a histogram".to_owned(),
        None => number::format_f(value),
    };
    values.map(told).collect::<Vec<_>>().join(" ")
}
