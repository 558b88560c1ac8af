//! Queries that a replay expects an answer to.

use crate::engine::Steps;
use crate::evidence::{self, Place, Reason};
use crate::incident::Language;
use crate::labels::Labels;
use crate::number;
use crate::promql::ast::ValueType;
use crate::promql::{self, eval};
use crate::replay::{Query, QueryExpectation, QueryTime, Returns};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Located};

use super::explain::clock;
use super::footing;
use super::playback::Playback;
use super::verdict::{Check, Part, Verdict};

/// An answer: each series with a value for each step at which it has one.
type Answer = Vec<(Labels, Vec<Option<f64>>)>;

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
    let (steps, when) = (
        steps(expected.when),
        match expected.when {
            QueryTime::At(at) => format!("at {}", clock(at, start)),
            QueryTime::Range { from, to, step } => {
                format!("from {} to {} every {step}", clock(from, start), clock(to, start))
            }
        },
    );
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
        rests_on: promql::parse(text).map(|expr| footing::of_exprs(playback, [&expr])).unwrap_or_default(),
    };
    if language == Language::Logql {
        check.verdict = Verdict::Blind;
        check.summary = format!("query {text}: LogQL queries are not evaluated yet");
        check.happened = vec!["LogQL queries are not evaluated yet".to_owned()];
        return check;
    }
    if let Some(file) = promql::parse(text).ok().and_then(|expr| playback.undecided(&expr)) {
        let reason = file.reason(&check.subject);
        check.verdict = Verdict::Blind;
        check.summary.clone_from(&reason.text);
        check.reasons = vec![reason];
        return check;
    }
    match answer(playback, text, &steps) {
        Ok(answer) => {
            check.happened = tell(&answer);
            if !meets(expected, &answer) {
                check.verdict = Verdict::Fail;
                check.summary = format!("query {text}: another answer {when}");
            } else if let Some(selector) = unmatched(playback, text).filter(|_| answer.is_empty()) {
                check.verdict = Verdict::Blind;
                check.summary = format!("query {text}: no series of this day matches {selector}");
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

/// What is wrong with the expected queries themselves: no PromQL, or nothing that has an answer at a time.
pub fn unusable(playback: &Playback, expected: &QueryExpectation) -> Option<Diagnostic> {
    let located = match &expected.query {
        Query::PromQl(text) => text.located(&playback.day.source),
        Query::LogQl(_) => return None,
        Query::Document(place) => {
            let located = place.located(&playback.day.source);
            return match playback.documents.told().at(&place.text) {
                Ok(queries) => queries
                    .into_iter()
                    .filter(|(_, language)| *language == Language::Promql)
                    .find_map(|(finding, _)| unusable_query(playback, &finding.text)),
                Err(problem) => Some(located.diagnose_all(problem)),
            };
        }
    };
    unusable_query(playback, &located)
}

fn unusable_query(playback: &Playback, located: &Located) -> Option<Diagnostic> {
    let expr = match promql::parse(located) {
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

/// The first selector that a query needs and that no series of the day matches.
fn unmatched(playback: &Playback, text: &str) -> Option<String> {
    let expr = promql::parse(text).ok()?;
    let missing = evidence::missing(&expr, &|selector| playback.matches(selector))?;
    text.get(missing.span.start..missing.span.end).map(str::to_owned)
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
    let expr = promql::parse(text).map_err(ParseError::diagnostic)?;
    let matrix = playback.evaluate(&expr, steps)?;
    if let Some(error) = matrix.errors.values().next() {
        return Err(Diagnostic::error(error.to_string()));
    }
    let values =
        |column: crate::engine::Column<'_>| (0..matrix.steps()).map(|step| column.at(step)).collect::<Vec<_>>();
    let mut answer: Answer = matrix.columns().map(|column| (column.labels.clone(), values(column))).collect();
    answer.retain(|(_, values)| values.iter().any(Option::is_some));
    answer.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(answer)
}

fn meets(expected: &QueryExpectation, answer: &Answer) -> bool {
    if expected.selects.is_some_and(|something| something == answer.is_empty()) {
        return false;
    }
    let near = |wanted: &[f64], found: &[Option<f64>]| {
        let present: Vec<f64> = found.iter().flatten().copied().collect();
        wanted.len() == present.len() && wanted.iter().zip(&present).all(|(w, f)| expected.tolerance.allows(*w, *f))
    };
    match &expected.returns {
        None => true,
        Some(Returns::Number(number, _)) => matches!(&answer[..], [(_, values)] if near(&[*number], values)),
        Some(Returns::Rows(rows)) => {
            let mut rows: Vec<_> = rows.iter().collect();
            rows.sort_by(|a, b| a.labels.cmp(&b.labels));
            rows.len() == answer.len()
                && rows
                    .iter()
                    .zip(answer)
                    .all(|(row, (labels, values))| row.labels == *labels && near(&row.values, values))
        }
    }
}

fn wanted(expected: &QueryExpectation) -> String {
    let mut parts = Vec::new();
    match &expected.returns {
        None => {}
        Some(Returns::Number(number, _)) => parts.push(number::format_f(*number)),
        Some(Returns::Rows(rows)) if rows.is_empty() => parts.push("no series".to_owned()),
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

fn tell(answer: &Answer) -> Vec<String> {
    if answer.is_empty() {
        return vec!["no series".to_owned()];
    }
    let mut lines: Vec<String> = answer
        .iter()
        .take(6)
        .map(|(labels, values)| format!("{} {}", labels.as_metric(), numbers(values.iter().flatten().copied())))
        .collect();
    if answer.len() > 6 {
        lines.push(format!("and {} more series", answer.len() - 6));
    }
    lines
}

fn numbers(values: impl Iterator<Item = f64>) -> String {
    values.map(number::format_f).collect::<Vec<_>>().join(" ")
}
