//! Causes and variants: what a runbook says on all days that ask it, and what in it none of them tests.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::evidence::Reason;
use crate::replay::{Day, Limits};
use crate::text::{Diagnostic, listed};
use crate::triage::{Cause, Condition, Runbook, Truth};

use super::load::Incident;
use super::triage::DayTriage;
use super::verdict::{Drill, Verdict};

/// A runbook and the days on which it was asked.
#[derive(Clone, Debug)]
pub struct CauseTable {
    pub runbook: Arc<Runbook>,
    /// By the names of the drills.
    pub days: Vec<(String, DayTriage)>,
    /// What the days do not test. Only where all days of all incidents that ask it were drilled, and say what is expected.
    pub notices: Vec<Diagnostic>,
}

impl CauseTable {
    /// The days that expect another cause than this, and on which a condition of it holds all the same: what they have in common with
    /// it decides nothing between them.
    pub fn held_elsewhere(&self, cause: usize, condition: &Condition) -> Vec<(&str, usize)> {
        let others = self.days.iter().filter_map(|(name, day)| {
            let other = day.expected.filter(|other| *other != cause)?;
            let found = &day.causes[cause];
            let of = &self.runbook.causes[cause];
            let when = of.when.iter().zip(found.when.iter().map(|(truth, _)| *truth));
            let signs = of.signs.iter().zip(found.signs.iter().copied());
            let holds = |(one, truth): (&Condition, Truth)| one.place == condition.place && truth == Truth::Holds;
            when.chain(signs).any(holds).then_some((name.as_str(), other))
        });
        others.collect()
    }
}

/// The runbooks that drills asked, each once; `whole` says of a replay, by its name, whether all of its days were drilled.
pub fn tables(drills: &[Drill], whole: &dyn Fn(&str) -> bool) -> Vec<CauseTable> {
    let mut tables: Vec<CauseTable> = Vec::new();
    for (drill, day) in drills.iter().flat_map(|drill| drill.triage.iter().map(move |day| (drill, day))) {
        let name = day.runbook.source.name();
        let row = (drill.name.clone(), day.clone());
        match tables.iter_mut().find(|table| table.runbook.source.name() == name) {
            Some(table) => table.days.push(row),
            None => {
                tables.push(CauseTable { runbook: day.runbook.clone(), days: vec![row], notices: Vec::new() });
            }
        }
    }
    for table in &mut tables {
        let name = table.runbook.source.name().to_owned();
        let is_its = |drill: &&Drill| drill.triage.iter().any(|day| day.runbook.source.name() == name);
        let replays: BTreeSet<&str> = drills.iter().filter(is_its).map(|drill| drill.replay.name()).collect();
        // A day that falls short says more than what it leaves untested.
        let holds = table.days.iter().all(|(_, day)| day.verdict == Verdict::Pass);
        if holds && replays.iter().all(|replay| whole(replay)) {
            table.notices = [unjudged(table, drills), unreached(table), undecided(table), undecisive(table)].concat();
        }
    }
    tables
}

/// What a runbook says on all days of those incidents that ask it.
///
/// # Errors
/// What cannot be used in them.
pub fn of_incidents(
    incidents: &[Incident],
    runbook: &Arc<Runbook>,
    limits: Limits,
) -> Result<CauseTable, Vec<Diagnostic>> {
    let file = |book: &Runbook| Path::new(book.source.name()).canonicalize().ok();
    let is_it = |other: &Runbook| file(other) == file(runbook);
    let asking = incidents.iter().filter(|incident| incident.runbooks.iter().any(|other| is_it(other)));
    let days: Vec<(&Incident, &Arc<Day>)> =
        asking.flat_map(|incident| incident.days().map(move |day| (incident, day))).collect();
    let ran: Vec<_> = days.par_iter().map(|(incident, day)| super::run(incident, day, limits)).collect();
    let (mut drills, mut problems) = (Vec::new(), Vec::new());
    for drill in ran {
        match drill {
            Ok(drill) => drills.push(drill),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let its = tables(&drills, &|_| true).into_iter().find(|table| is_it(&table.runbook));
    Ok(its.unwrap_or_else(|| CauseTable { runbook: runbook.clone(), days: Vec::new(), notices: Vec::new() }))
}

/// Days that page and say nothing of the cause.
fn unjudged(table: &CauseTable, drills: &[Drill]) -> Vec<Diagnostic> {
    let Runbook { name, source, .. } = &*table.runbook;
    let mut notices = Vec::new();
    for drill in drills {
        for unasked in drill.unasked.iter().filter(|unasked| unasked.runbook == source.name()) {
            let message = format!("{} pages at {}, and does not say which cause that is", drill.name, unasked.paged);
            let help = format!("write `triage: {{runbook: {name}, cause: NAME, within: 5m}}` under its `expect`");
            notices.push(Diagnostic::warning(message).at(&drill.replay, unasked.place).help(help));
        }
    }
    notices
}

/// Causes that no day reaches.
fn unreached(table: &CauseTable) -> Vec<Diagnostic> {
    let causes = table.runbook.causes.iter().enumerate();
    let unreached = causes.filter(|(at, _)| !table.days.iter().any(|(_, day)| day.causes[*at].named));
    let told = unreached.map(|(at, cause)| {
        let others: BTreeSet<usize> =
            table.days.iter().flat_map(|(_, day)| day.causes[at].together.iter().copied()).collect();
        let (message, help) = match others.is_empty() {
            true => (
                format!("no day reaches the cause `{}`", cause.name.text),
                "give a replay a variant in which it is the cause, and expect it there",
            ),
            false => (
                format!(
                    "no day reaches the cause `{}` alone: where it holds, so does {}",
                    cause.name.text,
                    listed(others.iter().map(|other| table.runbook.causes[*other].name.text.as_str()))
                ),
                "add to it what is not so under the other, or give a replay a variant in which it alone is the cause",
            ),
        };
        let problem = Diagnostic::warning(message);
        problem.at(&table.runbook.source, cause.name.span).help(help)
    });
    told.collect()
}

/// Conditions that have no data on any day, those of escalations and of success among them: they test nothing.
fn undecided(table: &CauseTable) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    let conditions = table.runbook.conditions().filter(|condition| told.insert(condition.place));
    let notices = conditions.filter_map(|condition| {
        let why = table.why_undecided(condition)?;
        let message = format!("nobody can say on any day whether \"{}\": {}", condition.that.text, why.text);
        let problem = Diagnostic::warning(message).help("mend the name, or give a replay such data");
        Some(match &why.place {
            Some(place) => problem.at(&place.source, place.span),
            None => problem.at(&table.runbook.source, condition.place),
        })
    });
    notices.collect()
}

/// Evidence that decides nothing: without it every day would have come out the same, and it never varies, or holds under two causes.
fn undecisive(table: &CauseTable) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, cause) in table.runbook.causes.iter().enumerate() {
        for (nth, condition) in cause.when.iter().enumerate() {
            let truth = |day: &DayTriage| day.causes[at].when[nth].0;
            let decides = table.days.iter().any(|(_, day)| day.causes[at].when[nth].1);
            let why = if decides { None } else { table.decides_nothing(&truth) };
            let why = why.filter(|_| table.why_undecided(condition).is_none());
            found.extend(why.map(|why| notice(table, cause, condition, "the evidence", &why)));
        }
        for (nth, condition) in cause.signs.iter().enumerate() {
            let truth = |day: &DayTriage| day.causes[at].signs[nth];
            let why = table.never_varies(&truth).filter(|_| table.why_undecided(condition).is_none());
            found.extend(why.map(|why| notice(table, cause, condition, "the sign", &why)));
        }
    }
    found
}

impl CauseTable {
    fn asked(&self) -> impl Iterator<Item = &DayTriage> {
        self.days.iter().map(|(_, day)| day).filter(|day| day.at.is_some())
    }

    /// Why a condition has no data on any day; `None` where it has on some, or waits for a rule that stayed silent.
    fn why_undecided(&self, condition: &Condition) -> Option<&Reason> {
        let found = |day: &'_ DayTriage| day.undecided.iter().any(|one| one.place == condition.place);
        let mut days = self.asked();
        if !days.all(found) {
            return None;
        }
        self.asked().flat_map(|day| &day.undecided).find(|one| one.place == condition.place)?.reason.as_ref()
    }

    /// Why a truth tells no two causes apart, if it does not.
    fn decides_nothing(&self, truth: &dyn Fn(&DayTriage) -> Truth) -> Option<String> {
        let holds_under: BTreeSet<usize> =
            self.asked().filter(|day| truth(day) == Truth::Holds).filter_map(|day| day.expected).collect();
        self.never_varies(truth).or_else(|| {
            let names = holds_under.iter().map(|at| self.runbook.causes[*at].name.text.as_str());
            (holds_under.len() > 1).then(|| format!("it holds under {} alike", listed(names)))
        })
    }

    fn never_varies(&self, truth: &dyn Fn(&DayTriage) -> Truth) -> Option<String> {
        let truths: Vec<Truth> = self.asked().map(truth).collect();
        let [first, rest @ ..] = &truths[..] else { return None };
        if rest.is_empty() || rest.iter().any(|other| other != first) {
            return None;
        }
        let always = match first {
            Truth::Holds => "holds",
            Truth::Fails => "does not hold",
            Truth::NoData => "has no data",
        };
        Some(format!("it {always} on all {} days", truths.len()))
    }
}

fn notice(table: &CauseTable, cause: &Cause, condition: &Condition, what: &str, why: &str) -> Diagnostic {
    let message = format!("{what} \"{}\" of `{}` decides nothing: {why}", condition.that.text, cause.name.text);
    let help = "leave it out, make it a sign (`signs`), or add the variant that it tells apart";
    Diagnostic::warning(message).at(&table.runbook.source, condition.place).help(help)
}
