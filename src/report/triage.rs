//! What a runbook says: at a time, with its evidence; and on all days, as a table of causes and variants.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};
use serde::Serialize;
use serde_json::{Value, json};

use super::human::{Look, plural};
use super::json::{NoticeOut, labels, notice};
use super::words::{paragraph, plain, shortened};
use crate::drill::causes::CauseTable;
use crate::drill::triage::DayTriage;
use crate::drill::verdict::Verdict;
use crate::time::Timestamp;
use crate::triage::{CauseAt, Conclusion, ConditionAt, Evaluation, Runbook, Status, Tests, Truth};

/// The columns that the lead of a line takes, with what stands in front of and behind it.
const LEAD: usize = 12;

/// A line: what kind of evidence, in words, what was found.
struct Line {
    lead: &'static str,
    text: String,
    found: String,
}

/// What a runbook says at one time of a day, and on what evidence. `table` has what it says on the other days.
pub fn at(found: &Evaluation<'_>, table: &CauseTable, look: Look) -> String {
    let book = found.runbook;
    let conclusion = found.conclusion(0);
    let bold = |text: String| if look.color { text.style(Style::new().bold()).to_string() } else { text };
    let mut lines = Vec::new();
    let named = match &conclusion {
        Conclusion::Cause(cause) => vec![*cause],
        Conclusion::Several(causes) => causes.clone(),
        Conclusion::Nothing { .. } => Vec::new(),
    };
    let mut out = bold(plain(&headline(book, &conclusion))) + "\n";
    for at in &named {
        if named.len() > 1 {
            lines.push(Line { lead: "cause", text: book.causes[*at].title.text.clone(), found: String::new() });
        }
        of_cause(&mut lines, found, *at, table);
    }
    for (at, _) in book.causes.iter().enumerate().filter(|(at, _)| !named.contains(at)) {
        let cause = found.cause_at(at, 0);
        match cause.status {
            Status::Exonerated => lines.push(against(book, &cause)),
            _ => lines.push(unknown(book, &cause)),
        }
    }
    for (escalation, condition) in found.escalations(0) {
        let lead = if condition.truth == Truth::Holds { "escalate" } else { "escalate?" };
        let text = format!("{}: {}", escalation.condition.that.text, escalation.then.text);
        lines.push(Line { lead, text, found: measured(book, &condition) });
    }
    for condition in found.success(0) {
        let lead = match condition.truth {
            Truth::Holds => "well",
            Truth::Fails => "not well",
            Truth::NoData => "well?",
        };
        lines.push(Line { lead, text: condition.condition.that.text.clone(), found: measured(book, &condition) });
    }
    for at in &named {
        let next = book.causes[*at].next.iter().map(|next| &next.text);
        lines.extend(next.map(|next| Line { lead: "next", text: next.clone(), found: String::new() }));
    }
    if named.is_empty() {
        let escalate = book.escalate.iter().map(|escalate| &escalate.text);
        lines.extend(escalate.map(|text| Line { lead: "next", text: text.clone(), found: String::new() }));
    }
    lay_out(&mut out, &lines, look);
    out
}

fn headline(book: &Runbook, conclusion: &Conclusion) -> String {
    match conclusion {
        Conclusion::Cause(cause) => format!("cause: {}", book.causes[*cause].title.text),
        Conclusion::Several(causes) => format!("undecided: {} causes hold", causes.len()),
        Conclusion::Nothing { unknown } if unknown.is_empty() => {
            "no cause: the data speak against all of them".to_owned()
        }
        Conclusion::Nothing { unknown } => {
            format!("no cause, and no data for {} of {}", unknown.len(), plural(book.causes.len(), "cause"))
        }
    }
}

/// What a cause that holds rests on. What holds under others too has no say, unless all of it does.
fn of_cause(lines: &mut Vec<Line>, found: &Evaluation<'_>, at: usize, table: &CauseTable) {
    let book = found.runbook;
    let cause = found.cause_at(at, 0);
    let line = |lead, condition: &ConditionAt<'_>, more: &str| Line {
        lead,
        text: condition.condition.that.text.clone(),
        found: measured(book, condition) + more,
    };
    lines.extend(cause.requires.iter().map(|condition| line("requires", condition, "")));
    // Evidence of another cause too decides nothing between the two; it does together with the rest.
    let (shared, own): (Vec<_>, Vec<_>) = cause.when.iter().partition(|condition| !condition.shared.is_empty());
    let (shared, own) = if own.is_empty() { (own, shared) } else { (shared, own) };
    lines.extend(own.into_iter().map(|condition| line("for", condition, "")));
    let signs = cause.signs.iter().filter(|condition| condition.truth == Truth::Holds);
    for condition in shared.into_iter().chain(signs) {
        match elsewhere(book, at, condition, table) {
            Some(others) => lines.push(line("no say", condition, &format!("; {others}"))),
            None => lines.push(line("goes with", condition, "")),
        }
    }
}

/// Under which other causes a condition holds too: those that have it among theirs, and those on whose days it held.
fn elsewhere(book: &Runbook, at: usize, condition: &ConditionAt<'_>, table: &CauseTable) -> Option<String> {
    let mut others: Vec<&str> = condition.shared.iter().map(|other| book.causes[*other].name.text.as_str()).collect();
    for (_, other) in table.held_elsewhere(at, condition.condition) {
        let name = book.causes[other].name.text.as_str();
        if !others.contains(&name) {
            others.push(name);
        }
    }
    (!others.is_empty()).then(|| format!("so it is under {}", others.join(", ")))
}

/// Why a cause is exonerated: the first of its evidence that is not there.
fn against(book: &Runbook, cause: &CauseAt<'_>) -> Line {
    let lacking = cause.when.iter().find(|condition| condition.truth == Truth::Fails);
    let found =
        |lacking: &ConditionAt<'_>| format!("not so: {}; {}", lacking.condition.that.text, measured(book, lacking));
    Line { lead: "against", text: cause.cause.title.text.clone(), found: lacking.map_or_else(String::new, found) }
}

/// Why nobody can say anything about a cause.
fn unknown(book: &Runbook, cause: &CauseAt<'_>) -> Line {
    let required = cause.requires.iter().find(|condition| condition.truth != Truth::Holds);
    let open = || cause.when.iter().find(|condition| condition.truth == Truth::NoData);
    let found = match (required, open()) {
        (Some(lacking), _) => format!("requires: {}; {}", lacking.condition.that.text, measured(book, lacking)),
        (None, Some(lacking)) => format!("{}; {}", lacking.condition.that.text, measured(book, lacking)),
        (None, None) => String::new(),
    };
    Line { lead: "unknown", text: cause.cause.title.text.clone(), found }
}

/// `0 (3 series) = increase(drops[1h]) (none: value > 0)`.
fn measured(book: &Runbook, condition: &ConditionAt<'_>) -> String {
    let asked = match condition.asked() {
        asked if asked.is_empty() => asked,
        asked => format!(" ({asked})"),
    };
    format!("{} = {}{asked}", condition.found(book), book.asks(condition.condition).one_line())
}

/// What was found stands behind the words where there is room, else under them.
fn lay_out(out: &mut String, lines: &[Line], look: Look) {
    let count = |text: &str| text.chars().count();
    let column = lines.iter().filter(|line| !line.found.is_empty()).map(|line| count(&line.text)).max().unwrap_or(0);
    let column = column.min(look.width.saturating_sub(LEAD + 2) / 2);
    for line in lines {
        let lead = format!("  {:10}", line.lead);
        let (text, found) = (plain(&line.text), plain(&line.found));
        if count(&text) <= column && LEAD + column + 2 + count(&found) <= look.width {
            let _ = writeln!(out, "{}", format!("{lead}{text:column$}  {found}").trim_end());
            continue;
        }
        out.push_str(&paragraph(&lead, 0, &text, look.width));
        out.push_str(&paragraph(&" ".repeat(LEAD + 2), 0, &found, look.width));
    }
}

/// A runbook's causes and the days on which it was asked: a line for each day, a column for each cause.
pub fn table(table: &CauseTable, look: Look) -> String {
    let book = &table.runbook;
    let mut out = format!(
        "{}  {}, {}\n",
        plain(book.source.name()),
        plural(book.causes.len(), "cause"),
        plural(table.days.len(), "day")
    );
    let names = table.days.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let width = book.causes.len().to_string().len();
    let numbers: Vec<String> = (1..=book.causes.len()).map(|n| format!("{n:width$}")).collect();
    let _ = writeln!(out, "  {:names$}  {}", "", numbers.join(" "));
    for (name, day) in &table.days {
        let cells: Vec<String> = (0..book.causes.len()).map(|at| format!("{:width$}", mark(day, at))).collect();
        let said = match (day.at, &day.conclusion) {
            (None, _) => "nobody was paged".to_owned(),
            // No cause was named at any time.
            (Some(_), said) if day.expected.is_none() && day.verdict != Verdict::Fail => book.told(said),
            (Some(at), said) => format!("{} at {}", book.told(said), clock(at)),
        };
        let expected = day.expected.map_or("no cause", |at| book.causes[at].name.text.as_str());
        let verdict = match day.verdict {
            Verdict::Pass => String::new(),
            Verdict::Blind => "  BLIND".to_owned(),
            Verdict::Fail => format!("  FAIL, expected {expected}"),
        };
        let line = format!("  {name:names$}  {}  {said}{verdict}", cells.join(" "));
        let _ = writeln!(out, "{}", shortened(&plain(&line), look.width.max(60)).trim_end());
    }
    for (number, cause) in numbers.iter().zip(&book.causes) {
        out.push_str(&paragraph(
            &format!("  {number}  "),
            0,
            &format!("{}: {}", cause.name.text, cause.title.text),
            look.width,
        ));
    }
    out.push_str("  # named   + holds, and so do others   . exonerated   ? no data\n");
    out
}

fn mark(day: &DayTriage, at: usize) -> char {
    match day.causes[at].status {
        Status::Holds if day.conclusion == Conclusion::Cause(at) => '#',
        Status::Holds => '+',
        Status::Exonerated => '.',
        Status::Unknown => '?',
    }
}

fn clock(time: Timestamp) -> String {
    time.calendar().map_or_else(|| time.to_string(), |time| time.format("%H:%M:%S").to_string())
}

/// What a runbook says at one time, for machines: `triage/1`.
///
/// # Errors
/// Only those of the JSON writer.
pub fn at_json(found: &Evaluation<'_>, drill: &str, table: &CauseTable) -> serde_json::Result<String> {
    let book = found.runbook;
    let causes = (0..book.causes.len()).map(|at| {
        let cause = found.cause_at(at, 0);
        let told = |conditions: &[ConditionAt<'_>]| -> Vec<Value> {
            conditions.iter().map(|condition| condition_json(book, condition, at, table)).collect()
        };
        json!({
            "name": cause.cause.name.text,
            "title": cause.cause.title.text,
            "status": cause.status,
            "requires": told(&cause.requires),
            "when": told(&cause.when),
            "signs": told(&cause.signs),
            "next": cause.cause.next.as_ref().map(|next| &next.text),
        })
    });
    let alone = |condition: &ConditionAt<'_>| condition_json(book, condition, usize::MAX, table);
    let escalate = found
        .escalations(0)
        .into_iter()
        .map(|(escalation, condition)| json!({"then": escalation.then.text, "condition": alone(&condition)}));
    let told = json!({
        "firedrill": "triage/1",
        "runbook": book.source.name(),
        "title": book.title.text,
        "drill": drill,
        "at": found.times.first().map(ToString::to_string),
        "conclusion": conclusion_json(book, &found.conclusion(0)),
        "causes": causes.collect::<Vec<_>>(),
        "escalate": escalate.collect::<Vec<_>>(),
        "success": found.success(0).iter().map(alone).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

/// `{"kind": "cause", "causes": ["write-path-stuck"]}`; of `none`, the causes are those without data.
fn conclusion_json(book: &Runbook, conclusion: &Conclusion) -> Value {
    let names =
        |causes: &[usize]| -> Vec<&str> { causes.iter().map(|at| book.causes[*at].name.text.as_str()).collect() };
    match conclusion {
        Conclusion::Cause(cause) => json!({"kind": "cause", "causes": names(&[*cause])}),
        Conclusion::Several(causes) => json!({"kind": "several", "causes": names(causes)}),
        Conclusion::Nothing { unknown } => json!({"kind": "none", "causes": [], "unknown": names(unknown)}),
    }
}

fn condition_json(book: &Runbook, told: &ConditionAt<'_>, of: usize, table: &CauseTable) -> Value {
    let asks = book.asks(told.condition);
    let values: Vec<Value> = told
        .values
        .iter()
        .map(|(series, value)| json!({"labels": labels(series), "value": crate::number::format_f(*value)}))
        .collect();
    let shared: Vec<&str> = told.shared.iter().map(|at| book.causes[*at].name.text.as_str()).collect();
    let elsewhere = if of < book.causes.len() { table.held_elsewhere(of, told.condition) } else { Vec::new() };
    let elsewhere: Vec<Value> = elsewhere
        .iter()
        .map(|(drill, cause)| json!({"drill": drill, "cause": book.causes[*cause].name.text}))
        .collect();
    let spot = book.source.place(told.condition.place.start);
    let mut out = json!({
        "that": told.condition.that.text,
        "truth": told.truth,
        "language": asks.language(),
        "query": asks.one_line(),
        "values": values,
        "place": {"file": book.source.name(), "line": spot.line, "column": spot.column},
    });
    if let Tests::Compares(comparison) = &told.condition.tests {
        out["name"] = json!(book.queries[comparison.query].name.text);
        out["asked"] = json!(told.asked());
    }
    if let Some(failed) = &told.failed {
        out["failed"] = json!(failed);
    }
    // Evidence that holds under other causes too has no say.
    if !shared.is_empty() {
        out["also_of"] = json!(shared);
    }
    if !elsewhere.is_empty() {
        out["also_held"] = json!(elsewhere);
    }
    out
}

/// A table of causes and days.
#[derive(Serialize)]
pub struct TableOut<'a> {
    runbook: &'a str,
    title: &'a str,
    causes: Vec<&'a str>,
    days: Vec<DayOut<'a>>,
    /// What the days do not test.
    notices: Vec<NoticeOut<'a>>,
}

#[derive(Serialize)]
struct DayOut<'a> {
    drill: &'a str,
    /// Whether it says what is expected of it.
    verdict: Verdict,
    /// The cause that is expected; null where none is.
    expected: Option<&'a str>,
    /// The moment that is told; null where nobody was paged.
    at: Option<String>,
    conclusion: Value,
    /// What can be said of each cause: `holds`, `exonerated` or `unknown`.
    causes: Vec<Status>,
}

/// A table for machines.
pub fn table_out(table: &CauseTable) -> TableOut<'_> {
    let book = &table.runbook;
    TableOut {
        runbook: book.source.name(),
        title: &book.title.text,
        causes: book.causes.iter().map(|cause| cause.name.text.as_str()).collect(),
        days: table
            .days
            .iter()
            .map(|(drill, day)| DayOut {
                drill,
                verdict: day.verdict,
                expected: day.expected.map(|at| book.causes[at].name.text.as_str()),
                at: day.at.map(|at| at.to_string()),
                conclusion: conclusion_json(book, &day.conclusion),
                causes: day.causes.iter().map(|cause| cause.status).collect(),
            })
            .collect(),
        notices: table.notices.iter().map(notice).collect(),
    }
}

/// Tables for machines: `causes/1`.
///
/// # Errors
/// Only those of the JSON writer.
pub fn tables_json(tables: &[CauseTable]) -> serde_json::Result<String> {
    let tables: Vec<TableOut<'_>> = tables.iter().map(table_out).collect();
    Ok(serde_json::to_string_pretty(&json!({"firedrill": "causes/1", "runbooks": tables}))? + "\n")
}
