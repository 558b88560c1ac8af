//! LogQL: text, words, the stages of pipelines, metric queries.

use std::sync::LazyLock;

use firedrill::engine::Matrix;
use firedrill::labels::Labels;
use firedrill::logql::ast::Query;
use firedrill::logql::eval::{Grid, Plan};
use firedrill::logql::parse;
use firedrill::logql::pipeline::Pipeline;
use firedrill::store::LogStore;
use firedrill::time::Nanoseconds;

use super::common::dice::Dice;
use super::log_queries::LogQueries;
use super::words;

const SECOND: i64 = 1_000_000_000;

static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| words::dictionary(include_str!("../logql.dict")));

/// Any text is refused at a place inside of it, or printed so that it is read and printed the same again.
pub fn lexer(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            match parse(&printed) {
                // A negative zero, which is a number where letters follow it that make no unit, is printed as what Loki reads as a duration.
                Ok(again) => {
                    assert!(again.to_string() == printed || printed.contains("-0"), "{again}, not {printed} of {text}")
                }
                // Loki takes any character for a name and prints it in quotes, computes numbers that it prints as `Inf`, `NaN` and `-0`, and
                // prints sizes as `0B` and in units above TB; it reads none of them.
                Err(error) => assert!(
                    !text.chars().all(has_meaning)
                        || error.message.contains("where a label's name should stand")
                        || ["Inf", "NaN", "-0", "0B", "PB", "EB"].iter().any(|unread| printed.contains(unread)),
                    "{printed}: {error}"
                ),
            }
        }
        Err(error) => {
            let span = error.span;
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {text}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?} of {text}");
        }
    }
}

/// Whether LogQL knows what to do with a character outside of texts.
fn has_meaning(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "_.{}()[],=!~<>|\"`+-*/%^#\\".contains(c)
}

/// The same of a text made of LogQL's words.
pub fn parser(input: &[u8]) {
    lexer(words::text(&WORDS, input).as_bytes());
}

/// A query and its entries: as text, a line each, or as decisions, of which the first byte decides.
fn question(input: &[u8], by_dice: impl Fn(&mut LogQueries<'_>) -> String) -> Option<(String, Vec<Vec<u8>>)> {
    let (kind, rest) = input.split_first()?;
    if kind & 1 == 0 {
        let mut dice = Dice::of(rest.to_vec());
        let mut queries = LogQueries(&mut dice);
        let query = by_dice(&mut queries);
        let lines = (0..12).map(|_| queries.line()).collect();
        return Some((query, lines));
    }
    let mut lines = rest.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    let query = String::from_utf8(lines.next()?).ok()?;
    Some((query, lines.collect()))
}

/// No stage panics, and what was parsed of one line is not seen in the next one.
pub fn stages(input: &[u8]) {
    let Some((query, lines)) = question(input, |queries| queries.log_query()) else { return };
    let Ok(Query::Log(query)) = parse(&query) else { return };
    let Ok(mut pipeline) = Pipeline::compile(&query.stages, Nanoseconds(0)) else { return };
    let stream = Labels::from_pairs([("app", "a"), ("a", "s")]);
    pipeline.set_stream(&stream);
    let fresh = pipeline.clone();
    for (time, line) in (0..).zip(&lines) {
        let mut alone = fresh.clone();
        let [after, alone] = [&mut pipeline, &mut alone].map(|pipeline| {
            let kept = pipeline.process(Nanoseconds(time), line, [("m", "1"), ("b", "x")])?;
            Some((kept.text().into_owned(), kept.labels().to_string()))
        });
        assert_eq!(after, alone, "{query}");
    }
}

/// No metric query panics, and many steps are as each of them alone.
pub fn metrics(input: &[u8]) {
    let Some((query, lines)) = question(input, |queries| queries.metric_query(2)) else { return };
    let Ok(Query::Metric(expr)) = parse(&query) else { return };
    let mut logs = LogStore::default();
    for (at, line) in (0_i64..).zip(lines.iter().take(40)) {
        let labels = Labels::from_pairs([("app", ["a", "b", "c"][at as usize % 3])]);
        logs.append(&labels, Nanoseconds(at / 2 * SECOND), line, Labels::empty()).expect("a short line");
    }
    let grid = Grid::range(Nanoseconds(0), Nanoseconds(9 * SECOND), Nanoseconds(SECOND));
    let shown = |grid: Grid| {
        let mut plan = Plan::new(&expr, &logs, grid).ok()?;
        let steps =
            plan.blocks().flat_map(|(_, block)| (0..block.steps()).map(|at| shown(&block, at)).collect::<Vec<_>>());
        Some(steps.collect::<Vec<_>>())
    };
    let Some(together) = shown(grid) else { return };
    // What templates take for the time is that of the last step.
    if query.contains("now") {
        return;
    }
    for (at, together) in together.into_iter().enumerate() {
        let alone = shown(Grid::instant(grid.time(at))).and_then(|mut steps| steps.pop());
        assert_eq!(Some(together), alone, "{query} at step {at}");
    }
}

/// What there is at a step, in the order of the labels; an error as such.
fn shown(matrix: &Matrix, step: usize) -> Result<Vec<String>, ()> {
    let elements = matrix.result(step).map_err(|_| ())?;
    let mut shown: Vec<String> = elements.into_iter().map(|(labels, value)| format!("{labels} {value:?}")).collect();
    shown.sort();
    Ok(shown)
}
