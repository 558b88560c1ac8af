//! A case that failed, for people: what was expected, what happened, where they differ, and why.

use std::collections::BTreeSet;
use std::fmt::Write;

use owo_colors::Style;

use super::contrast::{Marked, words};
use super::ticks;
use crate::evidence::{Place, Reason};
use crate::labels::{Labels, METRIC_NAME};
use crate::number;
use crate::report::human::Look;
use crate::report::words::{paragraph, plain};
use crate::rules::AlertState;
use crate::syntax::printer::write_label;
use crate::syntax::strings::quoted;
use crate::text::Diagnostic;
use crate::time::Duration;
use crate::unit_test::{
    AlertDifference, AlertMismatch, Failure, FailureKind, LineDifference, ResultLine, ResultSample, SampleDifference,
    StandingAlert, WantedAlert, WantedText,
};

/// At most so many differences of a case are told; the others are counted.
const TOLD: usize = 10;

const EXPECTED: &str = "  expected  ";
const HAPPENED: &str = "  happened  ";

/// What fell short, line by line.
pub fn failure(failure: &Failure, look: Look) -> String {
    let mut out = format!("  {}\n", plain(&one_line(&failure.subject)));
    match &failure.kind {
        FailureKind::Unusable(problems) => problems.iter().for_each(|problem| diagnostic(&mut out, problem, look)),
        FailureKind::Rule { error, .. } | FailureKind::Expression(error) | FailureKind::Trap(error) => {
            diagnostic(&mut out, error, look)
        }
        FailureKind::Alerts(difference) => alerts(&mut out, difference, look),
        FailureKind::Samples(difference) => samples(&mut out, difference, look),
        FailureKind::Lines(difference) => lines(&mut out, difference, look),
    }
    if let Some(around) = &failure.explanation.around {
        let table = ticks::table(around, look);
        if !table.is_empty() {
            out.push('\n');
            out += &table;
        }
    }
    let width = if look.bounded { look.width } else { usize::MAX };
    for Reason { place, text } in &failure.explanation.reasons {
        let lead = place.as_ref().map_or_else(|| "  ".to_owned(), |place| format!("  {}  ", at(place)));
        // Behind a long path there is no room for a paragraph.
        if lead.chars().count() > look.width / 2 && look.bounded {
            let _ = writeln!(out, "{}", lead.trim_end());
            out += &paragraph("    ", 0, text, width);
        } else {
            out += &paragraph(&lead, 0, text, width);
        }
    }
    out
}

/// `rules.yaml:5:9`.
pub fn at(place: &Place) -> String {
    let spot = place.source.place(place.span.start);
    format!("{}:{}:{}", plain(place.source.name()), spot.line, spot.column)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn diagnostic(out: &mut String, problem: &Diagnostic, look: Look) {
    let _ = writeln!(out, "{}", problem.render(look.color));
}

/// What is on the expected side only, on a terminal.
fn wanted() -> Style {
    Style::new().green()
}

/// What is on the other side only.
fn found() -> Style {
    Style::new().red()
}

fn alerts(out: &mut String, difference: &AlertDifference, look: Look) {
    let shown = &difference.mismatches[..difference.mismatches.len().min(TOLD)];
    let (wanted, surplus): (Vec<_>, Vec<_>) = shown.iter().partition(|mismatch| mismatch.expected.is_some());
    wanted.into_iter().for_each(|mismatch| alert(out, mismatch, look));
    if !surplus.is_empty() {
        let else_ = if difference.expected.is_empty() { "" } else { " else" };
        let _ = writeln!(out, "{EXPECTED}nothing{else_}");
    }
    surplus.into_iter().for_each(|mismatch| alert(out, mismatch, look));
    more(out, difference.mismatches.len());
    let agreeing =
        difference.expected.len() - difference.mismatches.iter().filter(|mismatch| mismatch.expected.is_some()).count();
    if agreeing > 0 {
        let _ = writeln!(out, "  and {agreeing} as expected");
    }
}

fn more(out: &mut String, count: usize) {
    if count > TOLD {
        let _ = writeln!(out, "  and {} more", count - TOLD);
    }
}

fn alert(out: &mut String, mismatch: &AlertMismatch, look: Look) {
    let width = if look.bounded { look.width } else { usize::MAX };
    let more = |out: &mut String| *out += &paragraph(&" ".repeat(HAPPENED.len()), 0, &mismatch.happened, width);
    match (&mismatch.expected, &mismatch.got) {
        (Some(expected), None) => {
            *out += &wanted_alert(expected, None).lines(EXPECTED, wanted(), look);
            *out += &paragraph(HAPPENED, 0, &mismatch.happened, width);
        }
        (None, Some(got)) => {
            *out += &standing_alert(got, None).lines(HAPPENED, found(), look);
            more(out);
        }
        (Some(expected), Some(got)) => {
            let (a, b) = (wanted_alert(expected, Some(got)), standing_alert(got, Some(expected)));
            if !a.is_marked() && !b.is_marked() {
                let mut line = b;
                line.push(" with other annotations", false);
                *out += &line.lines(HAPPENED, found(), look);
            } else {
                *out += &a.lines(EXPECTED, wanted(), look);
                *out += &b.lines(HAPPENED, found(), look);
            }
            more(out);
            annotations(out, expected, got, look);
        }
        (None, None) => {}
    }
}

/// The pairs of an alert in which its name is that of a metric, so that it stands in front.
fn metric(labels: &[(String, String)]) -> Vec<(String, String)> {
    let name = |name: &str| if name == "alertname" { METRIC_NAME.to_owned() } else { name.to_owned() };
    labels.iter().map(|(label, value)| (name(label), value.clone())).collect()
}

/// `DiskFull{instance="a", ..} pending with value 5`: two dots stand for labels that are free. Without another side, nothing is
/// marked.
fn wanted_alert(alert: &WantedAlert, other: Option<&StandingAlert>) -> Marked {
    let own = metric(&alert.labels);
    let theirs = other.map_or_else(|| own.clone(), |other| metric(&other.labels));
    let mut out = one_side(&own, &theirs, &|_| false, alert.more_labels);
    if alert.state == AlertState::Pending || other.is_some_and(|other| other.state != alert.state) {
        out.push(" ", false);
        out.push(alert.state.as_str(), other.is_some_and(|other| other.state != alert.state));
    }
    if let Some(value) = alert.value {
        out.push(" with value ", false);
        let same = |other: &StandingAlert| other.value.is_some_and(|theirs| theirs.to_bits() == value.to_bits());
        out.push(&number::format_f(value), other.is_some_and(|other| !same(other)));
    }
    if let Some(time) = alert.active_at {
        out.push(" active at ", false);
        out.push(&time.to_string(), other.is_some_and(|other| other.active_at != time));
    }
    out
}

/// As [`wanted_alert`]; of state, value and activation, what the other side speaks of.
fn standing_alert(alert: &StandingAlert, other: Option<&WantedAlert>) -> Marked {
    let own = metric(&alert.labels);
    let theirs = other.map_or_else(|| own.clone(), |other| metric(&other.labels));
    let free = |name: &str| other.is_some_and(|other| other.more_labels && theirs.iter().all(|(own, _)| own != name));
    let mut out = one_side(&own, &theirs, &free, false);
    if other.is_some_and(|other| other.state != alert.state || other.state == AlertState::Pending) {
        out.push(" ", false);
        out.push(alert.state.as_str(), other.is_some_and(|other| other.state != alert.state));
    }
    if let Some(value) = other.and_then(|other| other.value) {
        out.push(" with value ", false);
        let same = alert.value.is_some_and(|own| own.to_bits() == value.to_bits());
        out.push(&alert.value.map_or_else(|| "a histogram".to_owned(), number::format_f), !same);
    }
    if let Some(time) = other.and_then(|other| other.active_at) {
        out.push(" active at ", false);
        out.push(&alert.active_at.to_string(), time != alert.active_at);
    }
    out
}

/// Two label sets as metrics, with the labels in which they differ marked: values where both have one, else the whole.
fn labels(expected: &[(String, String)], got: &[(String, String)]) -> (Marked, Marked) {
    (one_side(expected, got, &|_| false, false), one_side(got, expected, &|_| false, false))
}

/// One of two label sets. `free` says of a label that it need not be on the other side.
fn one_side(own: &[(String, String)], other: &[(String, String)], free: &dyn Fn(&str) -> bool, more: bool) -> Marked {
    let of =
        |pairs: &[(String, String)], name: &str| pairs.iter().find(|(label, _)| label == name).map(|(_, v)| v.clone());
    let mut out = Marked::default();
    if let Some(name) = of(own, METRIC_NAME) {
        out.push(&name, of(other, METRIC_NAME).as_deref() != Some(&*name));
    }
    let mut parts = 0;
    for (name, value) in own.iter().filter(|(name, _)| name != METRIC_NAME) {
        let mut label = String::new();
        let _ = write_label(&mut label, name);
        let theirs = of(other, name);
        out.push(if parts == 0 { "{" } else { ", " }, false);
        out.push(&format!("{label}="), theirs.is_none() && !free(name) && !value.is_empty());
        out.push(
            &quoted(value),
            theirs.as_ref() != Some(value) && !free(name) && !(theirs.is_none() && value.is_empty()),
        );
        parts += 1;
    }
    if more {
        out.push(if parts == 0 { "{.." } else { ", .." }, false);
        parts += 1;
    }
    if parts > 0 {
        out.push("}", false);
    } else if of(own, METRIC_NAME).is_none() {
        out.push("{}", false);
    }
    out
}

fn annotations(out: &mut String, expected: &WantedAlert, got: &StandingAlert, look: Look) {
    let text = |name: &str| got.annotations.iter().find(|(label, _)| label == name).map(|(_, value)| value.clone());
    let wanted_text = |name: &str| expected.annotations.iter().find(|(label, _)| label == name).map(|(_, text)| text);
    let mut names: BTreeSet<&str> = expected.annotations.iter().map(|(name, _)| name.as_str()).collect();
    if !expected.more_annotations {
        names.extend(got.annotations.iter().map(|(name, _)| name.as_str()));
    }
    let holds = |name: &str| match (wanted_text(name), text(name)) {
        (Some(wanted), Some(text)) => wanted.accepts(&text),
        _ => false,
    };
    let differing: Vec<&str> = names.into_iter().filter(|name| !holds(name)).collect();
    let column = differing.iter().map(|name| plain(name).chars().count()).max().unwrap_or(0).min(24);
    for name in differing {
        let first = format!("    {:column$}  expected  ", plain(name));
        let second = format!("    {:indent$}  happened  ", "", indent = first.chars().count() - 16);
        let (a, b) = match (wanted_text(name), text(name)) {
            (Some(WantedText::Exactly(a)), Some(b)) => words(a, &b),
            (Some(WantedText::Exactly(a)), None) => (side(Some(a.clone())), side(None)),
            (Some(WantedText::Matching { pattern, .. }), b) => (Marked::plain(&format!("=~ {pattern}")), side(b)),
            (None, b) => (side(None), side(b)),
        };
        *out += &a.lines(&first, wanted(), look);
        *out += &b.lines(&second, found(), look);
    }
}

fn side(text: Option<String>) -> Marked {
    Marked::plain(
        &text
            .map_or_else(|| "no such annotation".to_owned(), |text| if text.is_empty() { "\"\"".into() } else { text }),
    )
}

fn samples(out: &mut String, difference: &SampleDifference, look: Look) {
    let same = |a: &Option<ResultSample>, b: &Option<ResultSample>| match (a, b) {
        (Some(a), Some(b)) => a.labels == b.labels,
        _ => false,
    };
    let (alike, unlike): (Vec<_>, Vec<_>) =
        difference.mismatches.iter().partition(|mismatch| same(&mismatch.expected, &mismatch.got));
    if !alike.is_empty() {
        let rows: Vec<[String; 3]> = alike
            .iter()
            .take(TOLD)
            .filter_map(|mismatch| {
                let (expected, got) = (mismatch.expected.as_ref()?, mismatch.got.as_ref()?);
                Some([plain(&expected.labels.as_metric()), value(expected), value(got)])
            })
            .collect();
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let (first, second, third) = (width(0), width(1).max(8), width(2).max(8));
        if first + second + third + 6 <= look.width {
            let _ = writeln!(out, "  {:first$}  {:>second$}  {:>third$}", "", "expected", "happened");
            for [labels, expected, got] in &rows {
                let _ = writeln!(out, "  {labels:first$}  {expected:>second$}  {got:>third$}");
            }
        } else {
            for [labels, expected, got] in &rows {
                let _ = writeln!(out, "  {labels}\n    expected  {expected}\n    happened  {got}");
            }
        }
        more(out, alike.len());
    }
    for mismatch in unlike.iter().take(TOLD) {
        let (a, b) = match (&mismatch.expected, &mismatch.got) {
            (Some(expected), Some(got)) => {
                let (mut a, mut b) = labels(&pairs(&expected.labels), &pairs(&got.labels));
                let differs = value(expected) != value(got);
                a.push(" ", false);
                a.push(&value(expected), differs);
                b.push(" ", false);
                b.push(&value(got), differs);
                (a, b)
            }
            (a, b) => (sample(a.as_ref()), sample(b.as_ref())),
        };
        *out += &a.lines(EXPECTED, wanted(), look);
        *out += &b.lines(HAPPENED, found(), look);
    }
    more(out, unlike.len());
    let expected = difference.mismatches.iter().filter(|mismatch| mismatch.expected.is_some()).count();
    let agreeing = difference.expected.len().saturating_sub(expected);
    if agreeing > 0 {
        let _ = writeln!(out, "  and {agreeing} as expected");
    }
}

fn lines(out: &mut String, difference: &LineDifference, look: Look) {
    let told = |line: &ResultLine| {
        let time = line.time.map_or_else(String::new, |time| format!("{}  ", Duration(time.0 / 1_000_000)));
        Marked::plain(&format!("{time}{}  {}", line.labels, line.line))
    };
    let nothing = |out: &mut String, lead: &str| *out += &Marked::plain("nothing").lines(lead, Style::new(), look);
    let sides = [
        (&difference.expected, &difference.missing, EXPECTED, wanted()),
        (&difference.got, &difference.surplus, HAPPENED, found()),
    ];
    for (all, side, lead, style) in sides {
        if all.is_empty() {
            nothing(out, lead);
        }
        side.iter().take(TOLD).for_each(|line| *out += &told(line).lines(lead, style, look));
        more(out, side.len());
    }
    let agreeing = difference.expected.len() - difference.missing.len();
    if agreeing > 0 {
        let _ = writeln!(out, "  and {agreeing} as expected");
    }
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn sample(sample: Option<&ResultSample>) -> Marked {
    let text = sample
        .map_or_else(|| "nothing".to_owned(), |sample| format!("{} {}", sample.labels.as_metric(), value(sample)));
    Marked::plain(&text)
}

/// The value of a sample, with all its digits.
fn value(sample: &ResultSample) -> String {
    sample.histogram.clone().unwrap_or_else(|| number::format_f(sample.value))
}
