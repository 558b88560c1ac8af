//! A run of drills for people: a line for each drill, an explanation for each shortfall, a summary.

use std::collections::BTreeSet;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::words::{paragraph, plain, shortened};
use super::{RunFacts, chart, shake, triage, unit};
use crate::drill::verdict::{Calibration, Check, Drill, Footing, Life, Part, Rest, Verdict};
use crate::evidence::{Place, Reason};
use crate::replay::{Dialect, Kind};
use crate::suite::Outcome;
use crate::time::Timestamp;

/// How wide and how colourful.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub color: bool,
    pub width: usize,
    /// Whether the width is that of a terminal, not a guess: then no line may be longer.
    pub bounded: bool,
}

/// The most series of one kind that are named.
const RESTS: usize = 4;

/// The most warnings whose places the summary names.
const WARNINGS: usize = 5;

/// What is told on request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// What would have to be changed in unit test files for them to hold.
    pub diff: bool,
    /// Which causes runbooks name on which days.
    pub causes: bool,
}

/// The first part of the report: what came out, and why.
pub fn results(outcome: &Outcome, look: Look) -> String {
    let mut out = String::new();
    let drills = &outcome.drills;
    headlines(&mut out, drills, look);
    for skipped in &outcome.skipped {
        let (name, reason) = (plain(&skipped.name), plain(&skipped.reason));
        let _ = writeln!(out, " SKIP   {name}  {reason} (until {})", skipped.until);
    }
    unit::headlines(&mut out, &outcome.groups, look);
    for drill in drills {
        for check in drill.checks.iter().filter(|check| check.verdict != Verdict::Pass) {
            out.push('\n');
            explain(&mut out, drill, check, look);
        }
    }
    unit::explain(&mut out, &outcome.groups, look);
    out
}

/// The last part, behind the lines of drills that were shaken: what flips, and the summary.
pub fn ending(outcome: &Outcome, facts: RunFacts, look: Look, extras: Extras) -> String {
    let mut out = shake::flips(outcome, look);
    let drills = &outcome.drills;
    for table in outcome.triage.iter().filter(|_| extras.causes) {
        out.push('\n');
        out.push_str(&triage::table(table, look));
    }
    if extras.diff {
        out.push_str(&unit::rewrite::diff(&outcome.groups));
    }
    let foreign: BTreeSet<&str> =
        drills.iter().filter(|drill| drill.dialect == Dialect::MetricsQl).map(|drill| drill.replay.name()).collect();
    if !foreign.is_empty() {
        let names = foreign.into_iter().map(plain).collect::<Vec<_>>().join(", ");
        let _ =
            write!(out, "\nnote: the engine of that day was MetricsQL; its rules are evaluated as PromQL: {names}\n");
    }
    out.push('\n');
    if !outcome.left_out.is_empty() {
        let _ = writeln!(out, "{} not run after the first that fell short (--fail-fast)", outcome.left_out.len());
    }
    if !outcome.skipped.is_empty() {
        let _ = writeln!(out, "{} left out, as `skip` says", plural(outcome.skipped.len(), "drill"));
    }
    if facts.skipped > 0 {
        let files = plural(facts.skipped, "YAML file");
        let _ =
            writeln!(out, "{files} in the searched folders: neither replays, unit tests nor runbooks (--list-skipped)");
    }
    if !outcome.problems.is_empty() {
        let files = outcome.problems.iter().filter_map(|problem| Some(problem.place.as_ref()?.0.name()));
        let files = files.collect::<BTreeSet<_>>().len().max(1);
        let _ = writeln!(out, "{} cannot be used: what needs it was not tested", plural(files, "file"));
    }
    // Last, for people to quote.
    if !drills.is_empty() {
        let _ = writeln!(out, "{}", summary(drills, facts));
        if !outcome.shaken.is_empty() {
            let _ = writeln!(out, "{}", shake::summary(outcome));
        }
    }
    if !outcome.groups.is_empty() {
        let _ = writeln!(out, "{}", unit::summary(&outcome.groups, facts));
    }
    if !outcome.held_against.is_empty() {
        let held = &outcome.held_against;
        let places = held.iter().filter_map(|warning| warning.place.as_ref());
        let places = places.map(|(source, span)| at(&Place { source: source.clone(), span: *span }));
        let mut places: Vec<String> = places.collect();
        let more = places.len().saturating_sub(WARNINGS);
        places.truncate(WARNINGS);
        let behind = if places.is_empty() { String::new() } else { format!(": {}", places.join(", ")) };
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "FAILED for {} (--strict){behind}{more}", plural(held.len(), "warning"));
    }
    out
}

/// A line for each drill. What its series rest on stands behind it where there is room on every line.
fn headlines(out: &mut String, drills: &[Drill], look: Look) {
    let count = |text: &String| text.chars().count();
    let lines: Vec<(String, String, String)> =
        drills.iter().map(|drill| (plain(&drill.name), plain(&headline(drill)), standing(drill))).collect();
    let names = lines.iter().map(|(name, ..)| count(name)).max().unwrap_or(0);
    let told = lines.iter().map(|(_, told, _)| count(told)).max().unwrap_or(0).min(110);
    // The verdict takes 8 columns.
    let widest =
        lines.iter().map(|(_, headline, footing)| 8 + names + 2 + told.max(count(headline)) + 2 + count(footing));
    let room = if look.bounded { look.width } else { usize::MAX };
    let footed = widest.max().is_some_and(|widest| widest <= room);
    for (drill, (name, headline, footing)) in drills.iter().zip(&lines) {
        let left = room.saturating_sub(8 + names + 2).max(20);
        let behind = if footed { format!("{headline:told$}  {footing}") } else { shortened(headline, left) };
        let line = format!(" {}  {name:names$}  {behind}", badge(drill.verdict(), look));
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// PASS, FAIL or BLIND, padded and coloured.
pub fn badge(verdict: Verdict, look: Look) -> String {
    let (text, style) = match verdict {
        Verdict::Pass => ("PASS ", Style::new().green()),
        Verdict::Fail => ("FAIL ", Style::new().red().bold()),
        Verdict::Blind => ("BLIND", Style::new().yellow().bold()),
    };
    if look.color { text.style(style).to_string() } else { text.to_owned() }
}

/// What is told of a drill on its line: the first shortfall, or the first alert that is expected and fired.
fn headline(drill: &Drill) -> String {
    let worst = drill.verdict();
    if worst != Verdict::Pass {
        let told = told_worst(drill, worst);
        return if drill.calibration == Calibration::Off { format!("NOT CALIBRATED: {told}") } else { told };
    }
    let lives = |part| drill.checks.iter().filter(move |check| check.part == part).flat_map(|check| &check.lives);
    let lives = lives(Part::Expect).chain(lives(Part::Happened));
    let fired: Vec<&Life> = lives.filter(|life| life.fired.is_some()).collect();
    let names: BTreeSet<&str> = fired.iter().map(|life| life.labels.get("alertname")).collect();
    match fired.first() {
        None if drill.fired > 0 => format!("{} firing, of which nothing is said", plural(drill.fired, "alert")),
        None => "silent".to_owned(),
        Some(life) => {
            let (active, name) = (clock(life.active), life.labels.get("alertname"));
            let told = match life.fired.filter(|fired| *fired != life.active) {
                Some(fired) => format!("{name} active {active}, firing {}", clock(fired)),
                None => format!("{name} active and firing {active}"),
            };
            and_more(told, names.len() - 1)
        }
    }
}

/// The first check that is as bad as the drill.
fn told_worst(drill: &Drill, worst: Verdict) -> String {
    let mut bad = drill.checks.iter().filter(|check| check.verdict == worst);
    let first = bad.next().map(|check| check.summary.clone()).unwrap_or_default();
    and_more(first, bad.count())
}

fn and_more(first: String, more: usize) -> String {
    if more > 0 { format!("{first}, and {more} more") } else { first }
}

/// Hours, minutes and seconds.
fn clock(time: Timestamp) -> String {
    time.calendar().map_or_else(|| time.to_string(), |time| time.format("%H:%M:%S").to_string())
}

/// `9 series: 6 documented, 2 assumed, 1 fitted; rests on 1 documented, 1 fitted; calibrated`.
fn standing(drill: &Drill) -> String {
    let mut parts = vec![series(drill.footing)];
    // A day may have nothing but log lines.
    if drill.footing == Footing::default() && !drill.rests_on.is_empty() {
        parts.clear();
    }
    if !drill.rests_on.is_empty() {
        parts.push(format!("rests on {}", by_kind(Footing::of(drill.rests_on.iter().map(|rest| rest.kind)))));
    }
    match drill.calibration {
        Calibration::Unknown | Calibration::Off => {}
        Calibration::Calibrated => parts.push("calibrated".to_owned()),
        Calibration::Fitted => parts.push("fitted to what happened".to_owned()),
    }
    parts.join("; ")
}

/// `9 series: 6 documented, 2 assumed, 1 fitted`.
pub fn series(footing: Footing) -> String {
    let Footing { documented, assumed, fitted, recorded } = footing;
    let count = documented + assumed + fitted + recorded;
    let detail = if count == 0 { String::new() } else { format!(": {}", by_kind(footing)) };
    format!("{count} series{detail}")
}

/// `6 documented, 2 assumed, 1 fitted`.
pub fn by_kind(footing: Footing) -> String {
    let parts = [
        (footing.documented, "documented"),
        (footing.recorded, "recorded"),
        (footing.fitted, "fitted"),
        (footing.assumed, "assumed"),
    ];
    let told = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// A line for each kind of figure: which of the series that decide a verdict count as such.
pub fn named_rests(lead: &str, rests: &[Rest], width: usize) -> String {
    let mut out = String::new();
    for kind in [Kind::Documented, Kind::Recorded, Kind::Fitted, Kind::Assumed] {
        let mut names: Vec<String> =
            rests.iter().filter(|rest| rest.kind == kind).map(|rest| plain(&rest.series.as_metric())).collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(RESTS);
        names.truncate(RESTS);
        let mut told = names.join(", ");
        if more > 0 {
            let _ = write!(told, ", and {more} more");
        }
        let lead = if out.is_empty() { lead.to_owned() } else { " ".repeat(lead.len()) };
        out.push_str(&paragraph(&lead, 2, &format!("{}: {told}", kind.as_str()), width));
    }
    out
}

fn explain(out: &mut String, drill: &Drill, check: &Check, look: Look) {
    let head = match &check.place {
        Some(place) => at(place),
        None => plain(drill.replay.name()),
    };
    let part = match check.part {
        Part::Happened => ", what happened that day",
        Part::Expect | Part::Rules => "",
    };
    let _ = writeln!(out, "{head}  {} {}{part}", badge(check.verdict, look).trim_end(), plain(&drill.name));
    let _ = writeln!(out, "  {}", plain(&check.subject));
    let width = if look.bounded { look.width } else { usize::MAX };
    out.push_str(&paragraph("  expected  ", 0, &check.expected, width));
    for (i, line) in check.happened.iter().enumerate() {
        let lead = if i == 0 { "  happened  " } else { "            " };
        out.push_str(&paragraph(lead, 0, line, width));
    }
    if let Some(timeline) = &check.timeline {
        out.push('\n');
        out.push_str(&chart::draw_alone(timeline, look));
    }
    for Reason { place, text } in &check.reasons {
        let lead = place.as_ref().map_or_else(|| "  ".to_owned(), |place| format!("  {}  ", at(place)));
        out.push_str(&paragraph(&lead, 0, text, width));
    }
    out.push_str(&named_rests("  rests on  ", &check.rests_on, width));
    if check.part == Part::Happened {
        out.push_str(&paragraph("  ", 0, NOT_CALIBRATED, width));
    }
}

/// What it means that `happened` does not hold.
const NOT_CALIBRATED: &str = "not calibrated: the replay does not bring about what happened that day, so what else comes out \
    of it proves nothing. Either its figures are off, or the rule has changed since; then say under `happened` only what the \
    rule of today would have done as well";

pub fn at(place: &Place) -> String {
    let spot = place.source.place(place.span.start);
    format!("{}:{}:{}", plain(place.source.name()), spot.line, spot.column)
}

/// `17 drills: 15 passed, 1 failed, 1 blind (5 incidents, 31 rules, 212,400 evaluations, 0.04 s)`.
pub fn summary(drills: &[Drill], facts: RunFacts) -> String {
    let count = |verdict| drills.iter().filter(|drill| drill.verdict() == verdict).count();
    let mut line = format!("{}: {} passed", plural(drills.len(), "drill"), count(Verdict::Pass));
    for (verdict, word) in [(Verdict::Fail, "failed"), (Verdict::Blind, "blind")] {
        if count(verdict) > 0 {
            let _ = write!(line, ", {} {word}", count(verdict));
        }
    }
    let incidents: BTreeSet<&str> = drills.iter().map(|drill| drill.replay.name()).collect();
    let rules: BTreeSet<&str> = drills.iter().flat_map(|drill| &drill.rules).map(String::as_str).collect();
    let evaluations: u64 = drills.iter().map(|drill| drill.evaluations).sum();
    let _ = write!(
        line,
        " ({}, {}, {} evaluations, {:.2} s)",
        plural(incidents.len(), "incident"),
        plural(rules.len(), "rule"),
        grouped(evaluations),
        facts.elapsed.as_secs_f64()
    );
    let untested: BTreeSet<&str> = drills.iter().flat_map(|drill| &drill.untested).map(String::as_str).collect();
    if !untested.is_empty() {
        let _ = write!(line, "\n{} not tested, in a language that is not evaluated", plural(untested.len(), "rule"));
    }
    line
}

/// `1 drill`, `2 drills`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `212,400`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(212_400), "212,400");
    }
}
