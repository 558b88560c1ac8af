//! Does a runbook name the right cause soon enough, and never a wrong one before?

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::evidence::{Place, Reason};
use crate::replay::{TriageExpectation, TriageFrom};
use crate::text::{Diagnostic, Span, listed, nearest};
use crate::time::{Duration, Timestamp};
use crate::triage::{self, CauseAt, Conclusion, ConditionAt, Evaluation, Runbook, Status, Truth};

use super::answers::DayAnswers;
use super::explain::clock;
use super::footing;
use super::playback::Playback;
use super::undecided::{self, Undecided};
use super::verdict::{Check, Part, Verdict};

/// What the runbook of an expectation says on a day, and whether that is what is expected.
pub struct Triaged {
    pub check: Check,
    pub day: DayTriage,
}

/// What a runbook says on a day on which it was asked: a row of the matrix of causes and variants.
#[derive(Clone, Debug)]
pub struct DayTriage {
    pub runbook: Arc<Runbook>,
    pub verdict: Verdict,
    /// By its place; `None` where no cause is expected.
    pub expected: Option<usize>,
    /// The moment that is told: the first at which the cause is named that is expected; where it is not, the last that was asked; `None`
    /// where nothing was asked, since nobody was paged.
    pub at: Option<Timestamp>,
    /// What it says then. Where no cause is expected: the first cause that is named all the same.
    pub conclusion: Conclusion,
    /// Of each cause, then.
    pub causes: Vec<CauseTriage>,
    /// The conditions that had no data at any time.
    pub undecided: Vec<Undecided>,
}

/// A runbook that a day does not ask, though an alert fires that it is for.
#[derive(Clone, Debug)]
pub struct Unasked {
    /// The name of its file.
    pub runbook: String,
    /// When, for people.
    pub paged: String,
    /// The day's expectations.
    pub place: Span,
}

/// A cause on a day.
#[derive(Clone, Debug)]
pub struct CauseTriage {
    pub status: Status,
    /// Whether it was named, and no other with it, at some time.
    pub named: bool,
    /// Those that held with it at some time.
    pub together: BTreeSet<usize>,
    /// Of each condition of its evidence: what it was then, and whether without it something else had been said of the cause at any time.
    pub when: Vec<(Truth, bool)>,
    /// Of each of its signs.
    pub signs: Vec<Truth>,
}

/// What in an expectation, or in its runbook, this day cannot mean: an unknown cause, alerts that no rule has, queries that cannot be
/// evaluated.
pub fn unusable(playback: &Playback, expected: &TriageExpectation) -> Vec<Diagnostic> {
    let Some(runbook) = playback.runbooks.get(&expected.runbook.text) else { return Vec::new() };
    let mut problems = unusable_runbook(playback, runbook);
    if let Some(cause) = &expected.cause
        && runbook.cause(&cause.text).is_none()
    {
        let names = || runbook.causes.iter().map(|cause| cause.name.text.as_str());
        let help = crate::replay::hint(&cause.text, "its causes are", names().collect::<Vec<_>>());
        let problem = Diagnostic::error(format!("the runbook {} has no cause `{}`", runbook.name, cause.text));
        problems.push(problem.help(help).at(&playback.day.source, cause.span));
    }
    problems
}

/// What in a runbook this day cannot mean.
pub fn unusable_runbook(playback: &Playback, runbook: &Runbook) -> Vec<Diagnostic> {
    let known: BTreeSet<&str> = playback.alert_rules().map(|(_, rule)| rule.name.value.as_str()).collect();
    // A rule file that cannot be read may have it.
    let unknown = runbook.alerts.iter().filter(|alert| !known.contains(alert.text.as_str()));
    let unknown = unknown.filter(|_| playback.broken.is_empty()).map(|alert| {
        let help = match nearest(&alert.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the replay names no rules: `rules: [FILE]`".to_owned(),
            None => format!("the rules have {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        let replay = playback.day.source.name();
        Diagnostic::error(format!("no rule of {replay} has the alert `{}`", alert.text))
            .at(&runbook.source, alert.span)
            .help(help)
    });
    let mut problems: Vec<Diagnostic> = unknown.collect();
    let answers = DayAnswers(playback);
    problems.extend(triage::evaluate(runbook, &answers, &[playback.day.start()]).err().into_iter().flatten());
    problems
}

/// Asks the runbook, and judges what it says.
pub fn judge(playback: &Playback, part: Part, expected: &TriageExpectation) -> Option<Triaged> {
    let runbook = playback.runbooks.get(&expected.runbook.text)?;
    let asked = times(playback, runbook, expected, Duration::ZERO);
    let answers = DayAnswers(playback);
    // What cannot be evaluated was refused.
    let found = triage::evaluate(runbook, &answers, &asked.times).ok()?;
    let cause = expected.cause.as_ref().and_then(|cause| runbook.cause(&cause.text));
    let (seen, mut day) = (Seen::new(&found, cause), day(playback, runbook, cause, &found));
    let blind = blind(playback, runbook, expected, cause, &found, &day);
    let verdict = match () {
        () if asked.times.is_empty() => Verdict::Fail,
        () if seen.wrong.is_some() => Verdict::Fail,
        () if cause.is_some() && seen.right.is_none() => Verdict::Fail,
        // Nobody could have said anything else: that proves nothing.
        () if !blind.is_empty() && expected.blind.is_none() => Verdict::Blind,
        () => Verdict::Pass,
    };
    day.verdict = verdict;
    let start = playback.day.start();
    let told = |time: usize| clock(asked.times[time], start);
    let name = &runbook.name;
    let summary = match (verdict, seen.wrong, seen.right) {
        (_, _, _) if asked.times.is_empty() => format!("triage by {name}: none of its alerts fires"),
        (Verdict::Blind, _, right) => {
            let names = || blind.iter().map(|(at, _)| runbook.causes[*at].name.text.as_str());
            match right {
                Some(time) => format!(
                    "triage by {name}: {} at {}, and no data for {}",
                    runbook.told(&found.conclusion(time)),
                    told(time),
                    listed(names())
                ),
                None if blind.len() == runbook.causes.len() => format!("triage by {name}: no data for any cause"),
                None => format!("triage by {name}: no data for {}", listed(names())),
            }
        }
        (_, Some(time), _) => {
            format!("triage by {name}: {} at {}, which is wrong", runbook.told(&found.conclusion(time)), told(time))
        }
        (_, None, Some(time)) => {
            format!("triage by {name}: {} at {}", runbook.told(&found.conclusion(time)), told(time))
        }
        (Verdict::Pass, None, None) => format!("triage by {name}: no cause"),
        (_, None, None) => {
            let last = found.times.len() - 1;
            format!("triage by {name}: {} by {}", runbook.told(&found.conclusion(last)), told(last))
        }
    };
    let mut check = Check {
        part,
        verdict,
        subject: format!("triage by {name}"),
        place: Some(Place { source: playback.day.source.clone(), span: expected.place }),
        summary,
        expected: wanted(expected, &asked, start),
        happened: happened(runbook, &found, start),
        reasons: Vec::new(),
        lives: Vec::new(),
        timeline: None,
        rests_on: footing::of_exprs(playback, runbook.deciding()),
    };
    check.reasons = match verdict {
        Verdict::Pass => Vec::new(),
        Verdict::Fail if asked.times.is_empty() => vec![nobody_paged(runbook)],
        Verdict::Fail => reasons(&found, &seen, cause, &day.undecided),
        Verdict::Blind => {
            let lacking = blind.into_iter().flat_map(|(_, reasons)| reasons);
            let help = "give the replay such data, or say why there is none: `blind: \"reason\"`".to_owned();
            lacking.chain([Reason { place: None, text: help }]).collect()
        }
    };
    if verdict == Verdict::Fail && seen.wrong.is_none() {
        check.reasons.extend(later(playback, runbook, expected, cause, &asked));
    }
    Some(Triaged { check, day })
}

/// The causes that nobody could have named: where none is expected, at any time that was asked; else those that people think of before
/// the one that is expected, on the whole day. Each with what it lacks.
fn blind(
    playback: &Playback,
    runbook: &Arc<Runbook>,
    expected: &TriageExpectation,
    cause: Option<usize>,
    found: &Evaluation<'_>,
    day: &DayTriage,
) -> Vec<(usize, Vec<Reason>)> {
    if found.times.is_empty() {
        return Vec::new();
    }
    let lacking = |found: &Evaluation<'_>, at: usize, undecided: &[Undecided]| -> Vec<Reason> {
        let told = found.cause_at(at, found.times.len() - 1);
        let lacks =
            |one: &&ConditionAt<'_>| one.truth == Truth::NoData || undecided::of(undecided, one.condition).is_some();
        let all = || told.requires.iter().chain(&told.when);
        // Where nothing lacks data, what is required is away.
        let away = all().find(lacks).is_none();
        all()
            .filter(|one| if away { one.truth == Truth::Fails } else { lacks(one) })
            .map(|condition| reason(runbook, &told, condition, undecided))
            .collect()
    };
    let is_blind = |at: &usize| undecided::is_blind(found, &runbook.causes[*at], &day.undecided);
    let of_now = |at: usize| (at, lacking(found, at, &day.undecided));
    match cause {
        None if day.causes.iter().all(|cause| cause.status == Status::Unknown) => {
            // What is required may be away all day, and then nothing was tested either.
            (0..runbook.causes.len()).map(of_now).collect()
        }
        None => (0..runbook.causes.len()).filter(is_blind).map(of_now).collect(),
        Some(cause) => {
            let open: Vec<usize> = (0..cause).filter(is_blind).collect();
            if open.is_empty() {
                return Vec::new();
            }
            let whole = TriageExpectation { from: TriageFrom::Start, within: None, ..expected.clone() };
            let (all, answers) = (times(playback, runbook, &whole, Duration::ZERO), DayAnswers(playback));
            let Ok(found) = triage::evaluate(runbook, &answers, &all.times) else { return Vec::new() };
            let undecided = undecided::conditions(playback, &found);
            let open = open.into_iter().filter(|at| undecided::is_blind(&found, &runbook.causes[*at], &undecided));
            open.map(|at| (at, lacking(&found, at, &undecided))).collect()
        }
    }
}

/// What an expectation is not met by, in a few words; `None` where it is, or where nobody is paged. A cause may come so much later.
pub fn fell_short(playback: &Playback, expected: &TriageExpectation, late: Duration) -> Option<String> {
    let runbook = playback.runbooks.get(&expected.runbook.text)?;
    let asked = times(playback, runbook, expected, late);
    let answers = DayAnswers(playback);
    let found = triage::evaluate(runbook, &answers, &asked.times).ok().filter(|_| !asked.times.is_empty())?;
    let cause = expected.cause.as_ref().and_then(|cause| runbook.cause(&cause.text));
    let seen = Seen::new(&found, cause);
    match seen.wrong {
        Some(time) => {
            let at = clock(asked.times[time], playback.day.start());
            Some(format!("triage by {} says {} at {at}", runbook.name, runbook.told(&found.conclusion(time))))
        }
        None if cause.is_some() && seen.right.is_none() => {
            let said = runbook.told(&found.conclusion(found.times.len() - 1));
            Some(format!("triage by {} says {said} in the end", runbook.name))
        }
        None => None,
    }
}

/// The runbooks of the incident that a day does not ask, though it pages.
pub fn unasked(playback: &Playback) -> Vec<Unasked> {
    let day = &playback.day;
    let Some(expect) = &day.expect else { return Vec::new() };
    let asked = expect.triage.as_ref().and_then(|triage| playback.runbooks.get(&triage.runbook.text));
    let others =
        playback.runbooks.iter().filter(|one| asked.is_none_or(|asked| asked.source.name() != one.source.name()));
    let unasked = others.filter_map(|runbook| {
        let paged = clock(page(playback, runbook)?, day.start());
        Some(Unasked { runbook: runbook.source.name().to_owned(), paged, place: expect.place })
    });
    unasked.collect()
}

/// The times at which a runbook is asked: from the page or another moment on, as often as rules are evaluated.
struct Asked {
    times: Vec<Timestamp>,
    until: Option<Timestamp>,
}

fn times(playback: &Playback, runbook: &Runbook, expected: &TriageExpectation, late: Duration) -> Asked {
    let from = match expected.from {
        TriageFrom::At(time) => Some(time),
        TriageFrom::Start => Some(scraped(playback)),
        TriageFrom::Page => page(playback, runbook),
    };
    let Some(from) = from else { return Asked { times: Vec::new(), until: None } };
    let (end, step) = (playback.day.end(), playback.day.interval.0.max(1));
    let until = expected.within.map_or(end, |within| from + within + late).min(end).max(from);
    let times = (0..=(until - from).0 / step).map(|n| from + Duration(n * step)).collect();
    Asked { times, until: Some(until) }
}

/// The first evaluation after the first scrape of every target.
fn scraped(playback: &Playback) -> Timestamp {
    let day = &playback.day;
    let phase = day.targets.iter().map(|target| target.phase.0).max().unwrap_or(0);
    let step = day.interval.0.max(1);
    day.start() + Duration((phase + step - 1) / step * step)
}

/// When the first alert fires that a runbook is for.
pub fn page(playback: &Playback, runbook: &Runbook) -> Option<Timestamp> {
    let is_for = |name: &str| runbook.alerts.iter().any(|alert| alert.text == name);
    let fired = playback.run.alerts.iter().filter(|track| is_for(track.labels.get("alertname")));
    fired.filter_map(|track| track.fired_at).min()
}

/// What was said that counts.
struct Seen {
    /// The first time at which the cause was named that is expected.
    right: Option<usize>,
    /// The first time at which another was, or several where none is expected; not later than the right one.
    wrong: Option<usize>,
}

impl Seen {
    fn new(found: &Evaluation<'_>, expected: Option<usize>) -> Seen {
        for time in 0..found.times.len() {
            match found.conclusion(time) {
                Conclusion::Cause(cause) if Some(cause) == expected => return Seen { right: Some(time), wrong: None },
                Conclusion::Cause(_) => return Seen { right: None, wrong: Some(time) },
                Conclusion::Several(_) if expected.is_none() => return Seen { right: None, wrong: Some(time) },
                Conclusion::Several(_) | Conclusion::Nothing { .. } => {}
            }
        }
        Seen { right: None, wrong: None }
    }

    /// The time that is told.
    fn told(&self, found: &Evaluation<'_>) -> Option<usize> {
        self.right.or(self.wrong).or(found.times.len().checked_sub(1))
    }
}

fn day(playback: &Playback, runbook: &Arc<Runbook>, expected: Option<usize>, found: &Evaluation<'_>) -> DayTriage {
    let seen = Seen::new(found, expected);
    let told = seen.told(found);
    let times = || 0..found.times.len();
    // What is named after the right cause reaches nothing.
    let until_right = || times().take(seen.right.map_or(usize::MAX, |time| time + 1));
    let causes = runbook.causes.iter().enumerate().map(|(at, cause)| {
        let status = |time| found.status(cause, time);
        let truth = |condition| told.map_or(Truth::NoData, |time| found.truth(condition, time));
        let decides = |condition| times().any(|time| found.status_without(cause, condition, time) != status(time));
        CauseTriage {
            status: match (expected, told) {
                (_, None) => Status::Unknown,
                (Some(_), Some(time)) => status(time),
                // No cause may hold at any time.
                (None, Some(_)) => [Status::Holds, Status::Exonerated]
                    .into_iter()
                    .find(|wanted| times().any(|time| status(time) == *wanted))
                    .unwrap_or(Status::Unknown),
            },
            named: until_right().any(|time| found.conclusion(time) == Conclusion::Cause(at)),
            together: (times().filter_map(|time| match found.conclusion(time) {
                Conclusion::Several(several) if several.contains(&at) => Some(several),
                _ => None,
            }))
            .flatten()
            .filter(|other| *other != at)
            .collect(),
            when: cause.when.iter().map(|condition| (truth(condition), decides(condition))).collect(),
            signs: cause.signs.iter().map(truth).collect(),
        }
    });
    DayTriage {
        runbook: runbook.clone(),
        verdict: Verdict::Pass,
        expected,
        at: told.map(|time| found.times[time]),
        conclusion: told.map_or(Conclusion::Nothing { unknown: Vec::new() }, |time| found.conclusion(time)),
        causes: causes.collect(),
        undecided: undecided::conditions(playback, found),
    }
}

fn wanted(expected: &TriageExpectation, asked: &Asked, start: Timestamp) -> String {
    let cause = expected.cause.as_ref().map_or("no cause".to_owned(), |cause| format!("cause {}", cause.text));
    let after = match expected.from {
        TriageFrom::Page => "the page",
        TriageFrom::At(_) | TriageFrom::Start => "then",
    };
    let within = expected.within.map_or(String::new(), |within| format!(" within {within} of {after}"));
    match (asked.times.first(), asked.until) {
        (Some(first), Some(until)) => {
            format!("{cause}{within} ({} to {}), and no other before", clock(*first, start), clock(until, start))
        }
        _ => format!("{cause}{within}"),
    }
}

/// How many stretches of equal conclusions are told.
const STRETCHES: usize = 6;

/// What the runbook said, a line for each stretch of equal conclusions.
fn happened(runbook: &Runbook, found: &Evaluation<'_>, start: Timestamp) -> Vec<String> {
    if found.times.is_empty() {
        return vec!["none of its alerts fires".to_owned()];
    }
    let mut stretches: Vec<(usize, usize, Conclusion)> = Vec::new();
    for time in 0..found.times.len() {
        let conclusion = found.conclusion(time);
        match stretches.last_mut() {
            Some((_, last, same)) if *same == conclusion => *last = time,
            _ => stretches.push((time, time, conclusion)),
        }
    }
    let more = stretches.len().saturating_sub(STRETCHES);
    let told = stretches.iter().take(STRETCHES).map(|(first, last, conclusion)| {
        let first_at = clock(found.times[*first], start);
        let said = runbook.told(conclusion);
        match first == last {
            true => format!("{first_at}: {said}"),
            false => format!("{first_at} to {}: {said}", clock(found.times[*last], start)),
        }
    });
    let mut told: Vec<String> = told.collect();
    if more > 0 {
        told.push(format!("and {more} more changes"));
    }
    told
}

fn nobody_paged(runbook: &Runbook) -> Reason {
    let names: Vec<&str> = runbook.alerts.iter().map(|alert| alert.text.as_str()).collect();
    let text = format!("none of {} fires: ask it from another moment on (`after: stuck.from`)", names.join(", "));
    Reason {
        place: runbook.alerts.first().map(|alert| Place { source: runbook.source.clone(), span: alert.span }),
        text,
    }
}

/// Why the runbook said what it said: the evidence of the wrong cause, or what the right one lacks.
fn reasons(found: &Evaluation<'_>, seen: &Seen, expected: Option<usize>, undecided: &[Undecided]) -> Vec<Reason> {
    let Some(time) = seen.told(found) else { return Vec::new() };
    let mut reasons = Vec::new();
    let reason = |cause: &CauseAt<'_>, condition: &ConditionAt<'_>| reason(found.runbook, cause, condition, undecided);
    let wrong = match found.conclusion(time) {
        Conclusion::Cause(cause) if seen.wrong.is_some() => vec![cause],
        Conclusion::Several(causes) if seen.wrong.is_some() => causes,
        _ => Vec::new(),
    };
    for at in wrong {
        let cause = found.cause_at(at, time);
        reasons.extend(cause.when.iter().map(|condition| reason(&cause, condition)));
    }
    if let Some(expected) = expected {
        let cause = found.cause_at(expected, time);
        let conditions = cause.requires.iter().chain(&cause.when).filter(|condition| condition.truth != Truth::Holds);
        reasons.extend(conditions.map(|condition| reason(&cause, condition)));
    }
    if let (None, Conclusion::Several(causes)) = (seen.wrong, found.conclusion(time)) {
        for at in causes.into_iter().filter(|at| Some(*at) != expected) {
            let cause = found.cause_at(at, time);
            reasons.extend(cause.when.iter().map(|condition| reason(&cause, condition)));
        }
    }
    reasons
}

/// What was found of a condition; where there was no data at any time, why not.
fn reason(runbook: &Runbook, cause: &CauseAt<'_>, told: &ConditionAt<'_>, undecided: &[Undecided]) -> Reason {
    if let Some(why) = undecided::of(undecided, told.condition) {
        let that = &told.condition.that.text;
        let text = format!("{}: {that}: nobody can say: {}", cause.cause.name.text, why.text);
        return Reason { text, ..why.clone() };
    }
    let holds = match told.truth {
        Truth::Holds => "holds",
        Truth::Fails => "does not hold",
        Truth::NoData => "nobody can say",
    };
    let that = &told.condition.that.text;
    let asked = match told.asked() {
        asked if asked.is_empty() => String::new(),
        asked => format!(" ({asked})"),
    };
    let query = runbook.asks(told.condition).one_line();
    Reason {
        place: Some(Place { source: runbook.source.clone(), span: told.condition.place }),
        text: format!("{}: {that}: {holds}{asked}: {} = {query}", cause.cause.name.text, told.found(runbook)),
    }
}

/// When the right cause is named too late: from when on.
fn later(
    playback: &Playback,
    runbook: &Runbook,
    expected: &TriageExpectation,
    cause: Option<usize>,
    asked: &Asked,
) -> Option<Reason> {
    let (cause, first) = (cause?, asked.times.first()?);
    let to_the_end = TriageExpectation { within: None, ..expected.clone() };
    let all = times(playback, runbook, &to_the_end, Duration::ZERO);
    let answers = DayAnswers(playback);
    let found = triage::evaluate(runbook, &answers, &all.times).ok()?;
    let right = (0..all.times.len()).find(|time| found.conclusion(*time) == Conclusion::Cause(cause))?;
    let (at, after) = (clock(all.times[right], playback.day.start()), all.times[right] - *first);
    Some(Reason {
        place: None,
        text: format!("it names {} at {at}: `within: {after}` or more is met", runbook.causes[cause].name.text),
    })
}
