//! A table of causes with the values that its queries had: on a healthy day, and when each cause was named.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::drill::answers::DayAnswers;
use crate::drill::explain::clock;
use crate::drill::triage::judge;
use crate::drill::verdict::{Part, Verdict};
use crate::drill::{Incident, Playback};
use crate::replay::{Day, TriageExpectation};
use crate::runbook::Replays;
use crate::text::{Diagnostic, Span};
use crate::time::Timestamp;
use crate::triage::{self, Asks, Comparison, Condition, ConditionAt, Expression, Query, Runbook, Tests, Truth};

use super::alerts::firing;
use super::{
    AnswerFacts, CauseFacts, ConditionFacts, EscalationFacts, FiringFacts, LinkFacts, QueryFacts, ReplayFacts,
    RunbookFacts, Seen, history,
};

/// What the base day of a replay is called.
const DAY: &str = "day";

/// What the days say that a runbook is asked on.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// For each cause, the first day that names it as it should.
    causes: BTreeMap<usize, Snapshot>,
    healthy: Option<Snapshot>,
    /// The base days, told.
    pub replays: Vec<ReplayFacts>,
    /// For each alert of the runbook, where it fires first.
    pub fires: BTreeMap<String, FiringFacts>,
}

/// What every condition and every query had at one time of one day.
#[derive(Clone, Debug, Default)]
struct Snapshot {
    seen: Seen,
    /// By the place in the file.
    conditions: BTreeMap<Span, String>,
    queries: Vec<String>,
}

/// A day that asks a runbook.
type Asking<'r> = (&'r Incident, &'r Arc<Day>, &'r TriageExpectation);

impl Examples {
    /// Plays the days back that a runbook is asked on, as far as they are needed.
    ///
    /// # Errors
    /// Days that cannot be played back, queries that have no answer.
    pub fn find(book: &Runbook, replays: &Replays, page_folder: &Path) -> Result<Examples, Vec<Diagnostic>> {
        let mut examples = Examples::default();
        let mut calm: Option<Asking<'_>> = None;
        let mut first: Option<Timestamp> = None;
        for (incident, day, expected) in asking(book, replays) {
            let Some(cause) = expected.cause.as_ref().and_then(|cause| book.cause(&cause.text)) else {
                let is_control = |day: &Day| day.name.as_deref() == Some("control");
                if calm.is_none_or(|(_, other, _)| is_control(day) && !is_control(other)) {
                    calm = Some((incident, day, expected));
                }
                continue;
            };
            if examples.causes.contains_key(&cause) && day.name.is_some() {
                continue;
            }
            let playback = replays.play(incident, day)?;
            if day.name.is_none() {
                examples.replays.push(history::of_day(incident, &playback, page_folder));
            }
            for alert in &book.alerts {
                if let Some(fired) = firing(incident, day, &playback, &alert.text) {
                    examples.fires.entry(alert.text.clone()).or_insert(fired);
                }
            }
            // A day that says something else than it should is for `firedrill test` to report.
            let judged = judge(&playback, Part::Expect, expected).filter(|judged| judged.day.verdict == Verdict::Pass);
            let Some(at) = judged.and_then(|judged| judged.day.at) else { continue };
            first.get_or_insert(at);
            examples.causes.entry(cause).or_insert(snapshot(book, incident, &playback, at)?);
        }
        examples.look_further(book, replays)?;
        if let Some((incident, day, _)) = calm {
            let playback = replays.play(incident, day)?;
            // The time of day at which something was wrong on the other one, so that load is the same.
            let at = first.filter(|at| (day.start()..=day.end()).contains(at)).unwrap_or(day.end());
            examples.healthy = Some(snapshot(book, incident, &playback, at)?);
        }
        Ok(examples)
    }
}

impl Examples {
    /// Looks on the other days, those too on which nobody asks the runbook, for alerts that fire on none of the examples.
    fn look_further(&mut self, book: &Runbook, replays: &Replays) -> Result<(), Vec<Diagnostic>> {
        for (incident, day) in replays.days() {
            let silent: Vec<&str> = book.alerts.iter().map(|alert| alert.text.as_str()).collect();
            let silent: Vec<&str> = silent.into_iter().filter(|alert| !self.fires.contains_key(*alert)).collect();
            if silent.is_empty() {
                break;
            }
            let playback = replays.play(incident, day)?;
            for alert in silent {
                if let Some(fired) = firing(incident, day, &playback, alert) {
                    self.fires.insert(alert.to_owned(), fired);
                }
            }
        }
        Ok(())
    }
}

fn asking<'r>(book: &Runbook, replays: &'r Replays) -> Vec<Asking<'r>> {
    let file = |book: &Runbook| Path::new(book.source.name()).canonicalize().ok();
    let own = file(book);
    let mut asking = Vec::new();
    for (incident, day) in replays.days() {
        let Some(expected) = day.expect.as_ref().and_then(|expect| expect.triage.as_ref()) else { continue };
        if incident.runbooks.get(&expected.runbook.text).is_some_and(|other| file(other) == own) {
            asking.push((incident, day, expected));
        }
    }
    asking
}

fn snapshot(
    book: &Runbook,
    incident: &Incident,
    playback: &Playback,
    at: Timestamp,
) -> Result<Snapshot, Vec<Diagnostic>> {
    let answers = DayAnswers(playback);
    let times = [at];
    let found = triage::evaluate(book, &answers, &times)?;
    let mut conditions = BTreeMap::new();
    let mut keep = |told: &ConditionAt<'_>| _ = conditions.insert(told.condition.place, shown(book, told));
    for cause in 0..book.causes.len() {
        let cause = found.cause_at(cause, 0);
        cause.requires.iter().chain(&cause.when).chain(&cause.signs).for_each(&mut keep);
    }
    found.success(0).iter().for_each(&mut keep);
    found.escalations(0).iter().for_each(|(_, told)| keep(told));
    // Of what is no reason to escalate, only that much is told.
    for escalation in &book.escalate_when {
        conditions.entry(escalation.condition.place).or_insert_with(|| "no".to_owned());
    }
    let queries = book.queries.iter().map(|query| triage::values(&found.values(query, 0), unit(query)));
    let queries = queries.collect();
    let day = &playback.day;
    let variant = day.name.clone().unwrap_or_else(|| DAY.to_owned());
    let seen = Seen { replay: incident.drill_name(day), variant, at: clock(at, day.start()) };
    Ok(Snapshot { seen, conditions, queries })
}

fn unit(query: &Query) -> Option<&str> {
    let lines = matches!(query.asks.expression, Expression::Logql { lines: true, .. });
    query.unit.as_ref().map(|unit| unit.text.as_str()).or(lines.then_some("lines"))
}

/// A comparison shows its values, an expression whether it holds.
fn shown(book: &Runbook, told: &ConditionAt<'_>) -> String {
    let found = told.found(book);
    let Tests::Selects(_) = told.condition.tests else { return found };
    match told.truth {
        Truth::NoData => found,
        Truth::Holds => "yes".to_owned(),
        Truth::Fails => "no".to_owned(),
    }
}

/// The runbook, with the values of the examples.
pub fn of_runbook(book: &Runbook, examples: &Examples) -> RunbookFacts {
    let healthy = examples.healthy.as_ref();
    // The day itself says more than a variant of it.
    let of_day = examples.causes.values().find(|snapshot| snapshot.seen.variant == DAY);
    let incident = of_day.or(examples.causes.values().next());
    let conditions = |conditions: &[Condition], snapshot: Option<&Snapshot>| -> Vec<ConditionFacts> {
        conditions.iter().map(|one| condition(book, one, healthy, snapshot)).collect()
    };
    let texts = |texts: &[crate::replay::Text]| texts.iter().map(|text| text.text.clone()).collect::<Vec<_>>();
    let text = |text: &Option<crate::replay::Text>| text.as_ref().map(|text| text.text.clone()).unwrap_or_default();
    let causes = book.causes.iter().enumerate().map(|(at, cause)| {
        let own = examples.causes.get(&at);
        CauseFacts {
            name: cause.name.text.clone(),
            title: cause.title.text.clone(),
            requires: conditions(&cause.requires, own),
            when: conditions(&cause.when, own),
            signs: conditions(&cause.signs, own),
            fix: texts(&cause.fix),
            undo: texts(&cause.undo),
            verify: texts(&cause.verify),
            next: text(&cause.next),
            seen: own.map(|snapshot| snapshot.seen.clone()),
        }
    });
    let escalations = book.escalate_when.iter().map(|escalation| EscalationFacts {
        condition: condition(book, &escalation.condition, healthy, incident),
        then: escalation.then.text.clone(),
    });
    RunbookFacts {
        name: book.name.clone(),
        file: book.source.name().to_owned(),
        title: book.title.text.clone(),
        owner: book.owner.text.clone(),
        about: text(&book.about),
        escalate: text(&book.escalate),
        do_first: texts(&book.do_first),
        causes: causes.collect(),
        queries: (0..book.queries.len()).map(|at| query(book, at, examples)).collect(),
        escalate_when: escalations.collect(),
        success: conditions(&book.success, incident),
        links: book
            .links
            .iter()
            .map(|link| LinkFacts { title: link.title.text.clone(), url: link.url.text.clone() })
            .collect(),
        healthy: healthy.map(|snapshot| snapshot.seen.clone()),
        incident: incident.map(|snapshot| snapshot.seen.clone()),
    }
}

fn condition(
    book: &Runbook,
    condition: &Condition,
    healthy: Option<&Snapshot>,
    incident: Option<&Snapshot>,
) -> ConditionFacts {
    let asks: &Asks = book.asks(condition);
    let (query, asked) = match &condition.tests {
        Tests::Selects(_) => (String::new(), String::new()),
        Tests::Compares(comparison) => (book.queries[comparison.query].name.text.clone(), asked(comparison)),
    };
    let at = |snapshot: Option<&Snapshot>| {
        snapshot.and_then(|snapshot| snapshot.conditions.get(&condition.place)).cloned().unwrap_or_default()
    };
    ConditionFacts {
        that: condition.that.text.clone(),
        query,
        asked,
        language: asks.language().to_owned(),
        text: asks.text.trim().to_owned(),
        healthy: at(healthy),
        incident: at(incident),
    }
}

/// What a condition asks of the values of a named query: `any of {leg="internal"}: value > 12`.
fn asked(comparison: &Comparison) -> String {
    let of: Vec<String> = comparison.of.iter().map(ToString::to_string).collect();
    let of = if of.is_empty() { String::new() } else { format!(" of {{{}}}", of.join(",")) };
    format!("{}{of}: {}", comparison.quantifier.as_str(), comparison.written.text)
}

/// A query with its answers: on the healthy day, and where a cause was named that it has a say in.
fn query(book: &Runbook, at: usize, examples: &Examples) -> QueryFacts {
    let query = &book.queries[at];
    let asks =
        |condition: &Condition| matches!(&condition.tests, Tests::Compares(comparison) if comparison.query == at);
    // Success and escalation are shown with the values of the first.
    let at_the_end = book.escalate_when.iter().map(|escalation| &escalation.condition).chain(&book.success).any(asks);
    let of_day = examples.causes.iter().find(|(_, snapshot)| snapshot.seen.variant == DAY);
    let first = of_day.or(examples.causes.iter().next()).map(|(cause, _)| cause);
    let has_a_say = |cause: usize| book.causes[cause].conditions().any(asks) || (at_the_end && first == Some(&cause));
    let named: Vec<_> = examples.causes.iter().filter(|(cause, _)| has_a_say(**cause)).collect();
    let all: Vec<_> = examples.causes.iter().collect();
    let shown = if named.is_empty() { all } else { named };
    let fact = |snapshot: &Snapshot, cause: &str| AnswerFacts {
        seen: snapshot.seen.clone(),
        answer: snapshot.queries.get(at).cloned().unwrap_or_default(),
        cause: cause.to_owned(),
    };
    let answers = examples.healthy.iter().map(|snapshot| fact(snapshot, ""));
    let answers =
        answers.chain(shown.into_iter().map(|(cause, snapshot)| fact(snapshot, &book.causes[*cause].name.text)));
    let text = |text: &Option<crate::replay::Text>| text.as_ref().map(|text| text.text.clone()).unwrap_or_default();
    QueryFacts {
        name: query.name.text.clone(),
        language: query.asks.language().to_owned(),
        text: query.asks.text.trim().to_owned(),
        shows: text(&query.shows),
        unit: text(&query.unit),
        answers: answers.collect(),
    }
}
