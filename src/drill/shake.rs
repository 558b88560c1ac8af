//! A drill again and again, each time with something a little different: do its verdicts hold, and by how much?
//!
//! What is moved: when scrapes and evaluations come, a single scrape that fails, and figures that are assumed or fitted.
//! What is asked each time is in `leeway`. Rules are parsed once, and a figure that no rule reads moves nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use crate::evidence::Place;
use crate::labels::Labels;
use crate::replay::{
    Accept, Bound, Day, EVALUATION_PHASES, Gap, GapKind, Limits, LooseFigure, MISSED_SCRAPES, SCRAPE_PHASES, Shift,
    Target,
};
use crate::rules;
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

use super::checks;
use super::footing;
use super::leeway::{self, Leeway};
use super::load::Incident;
use super::margin::{self, Margin};
use super::playback::Playback;
use super::triage;

/// What became of a drill that was shaken.
#[derive(Clone, Debug)]
pub struct Shaken {
    /// `incident/variant`.
    pub drill: String,
    pub replay: Source,
    /// How often the day was run anew.
    pub runs: usize,
    /// In the order of the shakes.
    pub flips: Vec<Flip>,
    /// By how much the verdicts hold that do not flip.
    pub margins: Vec<Margin>,
    /// What could not be moved, and why.
    pub immovable: Vec<(String, String)>,
    pub elapsed: std::time::Duration,
}

/// A shake that changes verdicts.
#[derive(Clone, Debug)]
pub struct Flip {
    /// `spans.stuck (51m15s) doubled`, `scrapes shifted by 1/4`.
    pub shake: String,
    /// Where the figure stands.
    pub place: Option<Place>,
    pub verdicts: Vec<Flipped>,
    /// What the replay says about it, where it lets it.
    pub accepted: Option<Accept>,
}

/// A verdict that does not hold any more.
#[derive(Clone, Debug)]
pub struct Flipped {
    /// The alert selector as written, the labels of an alert that nobody expected, or which runbook.
    pub subject: String,
    /// The name of the alert; empty where a selector has none, and for a runbook.
    pub alert: String,
    pub place: Option<Place>,
    /// `T3ProbeLegDown fired, and never should`.
    pub told: String,
}

impl Shaken {
    /// Whether nothing flips but what the replay accepts.
    pub fn holds(&self) -> bool {
        self.flips.iter().all(|flip| flip.accepted.is_some())
    }
}

/// Something a little different.
#[derive(Clone, Debug)]
enum Shake<'a> {
    /// Scrapes of all targets, later by so many quarters of their interval.
    Scrapes(i64),
    /// Those of every second target, later by half of their interval.
    ScrapesApart,
    /// Evaluations of all groups, later by so many quarters of their interval.
    Evaluations(i64),
    /// One scrape of every target fails at each of these moments, which are told in words.
    Missed(&'static str, BTreeSet<Timestamp>),
    Figure(&'a LooseFigure, Bound),
}

impl Shake<'_> {
    fn told(&self) -> String {
        match self {
            Shake::Scrapes(quarters) => format!("scrapes later by {quarters}/4 of their interval"),
            Shake::ScrapesApart => "scrapes of every second target later by half of their interval".to_owned(),
            Shake::Evaluations(quarters) => format!("evaluations later by {quarters}/4 of their interval"),
            Shake::Missed(when, _) => format!("a scrape missed {when}"),
            Shake::Figure(figure, bound) => figure.moved(*bound),
        }
    }

    fn accepted(&self, incident: &Incident, day: &Day) -> Option<Accept> {
        let called = |name: &str| match self {
            Shake::Scrapes(_) | Shake::ScrapesApart => name == SCRAPE_PHASES,
            Shake::Evaluations(_) => name == EVALUATION_PHASES,
            Shake::Missed(..) => name == MISSED_SCRAPES,
            Shake::Figure(figure, _) => figure.is_called(name),
        };
        day.accept.iter().chain(&incident.replay.accept).find(|accept| called(&accept.name.text)).cloned()
    }

    /// What is asked of the verdicts.
    fn leeway(&self, incident: &Incident, day: &Day) -> Leeway {
        match self {
            Shake::Scrapes(_) | Shake::ScrapesApart | Shake::Evaluations(_) => {
                let scrape = day.targets.iter().map(|target| target.scrape).max().unwrap_or_default();
                let intervals = incident.groups.iter().filter_map(|group| group.interval).chain([day.interval]);
                Leeway::Times(scrape + intervals.max().unwrap_or_default())
            }
            Shake::Missed(..) => Leeway::Count,
            Shake::Figure(..) => Leeway::Verdict,
        }
    }
}

/// Shakes a day that holds as it is.
///
/// # Errors
/// As [`super::run`].
pub fn run(incident: &Incident, day: &Arc<Day>, limits: Limits) -> Result<Shaken, Vec<Diagnostic>> {
    let began = Instant::now();
    let still = Playback::new(incident, day.clone(), limits)?;
    let read = read(incident);
    let shakes = shakes(incident, day, &still);
    let ran: Vec<Option<Ran>> = shakes.par_iter().map(|shake| once(shake, incident, day, limits, &read)).collect();
    let mut shaken = Shaken {
        drill: incident.drill_name(day),
        replay: incident.replay.source.clone(),
        runs: 0,
        flips: Vec::new(),
        margins: margin::of(&still),
        immovable: Vec::new(),
        elapsed: std::time::Duration::ZERO,
    };
    for (shake, ran) in shakes.iter().zip(ran) {
        match ran {
            None => {}
            Some(Ran::Immovable(why)) => shaken.immovable.push((shake.told(), why)),
            Some(Ran::Run(verdicts, margins, seen)) => {
                shaken.runs += 1;
                if verdicts.is_empty() {
                    margin::tighten(&mut shaken.margins, margins, &shake.told());
                    continue;
                }
                let place = match shake {
                    Shake::Figure(figure, _) => Some(Place { source: day.source.clone(), span: figure.place }),
                    _ => seen,
                };
                let accepted = shake.accepted(incident, day);
                shaken.flips.push(Flip { shake: shake.told(), place, verdicts, accepted });
            }
        }
    }
    shaken.elapsed = began.elapsed();
    Ok(shaken)
}

/// The places of the figures of a day on which a verdict hangs: moved by as much as they are loose, they flip it.
pub fn hanging(incident: &Incident, day: &Arc<Day>, limits: Limits) -> Vec<Span> {
    let read = read(incident);
    let flips = |figure: &&LooseFigure| {
        [Bound::Low, Bound::High].into_iter().any(|bound| {
            let ran = once(&Shake::Figure(figure, bound), incident, day, limits, &read);
            matches!(ran, Some(Ran::Run(verdicts, ..)) if !verdicts.is_empty())
        })
    };
    day.loose.par_iter().filter(flips).map(|figure| figure.place).collect()
}

/// What the rules read, and what decides between the causes of runbooks.
fn read(incident: &Incident) -> rules::Sources<'_> {
    let exprs = incident.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| rule.expression());
    let asked = incident.runbooks.iter().flat_map(|runbook| runbook.deciding());
    rules::sources(&incident.groups, exprs.chain(asked))
}

/// All shakes of a day, in the order in which they are told.
fn shakes<'a>(incident: &Incident, day: &'a Day, still: &Playback) -> Vec<Shake<'a>> {
    let mut shakes: Vec<Shake<'a>> = (1..4).map(Shake::Scrapes).collect();
    if day.targets.len() > 1 {
        shakes.push(Shake::ScrapesApart);
    }
    if !incident.groups.is_empty() {
        shakes.extend((1..4).map(Shake::Evaluations));
    }
    let lives: Vec<_> = still.lives().map(|(_, life)| life).collect();
    let between = |a: Timestamp, b: Timestamp| a + Duration((b - a).0 / 2);
    let hours = (1..=(day.end() - day.start()).0 / HOUR.0).map(|hour| day.start() + Duration(hour * HOUR.0));
    let pending = lives.iter().filter_map(|life| Some((life.active, life.fired?)));
    let pending = pending.filter(|(active, fired)| active < fired).map(|(active, fired)| between(active, fired));
    let missed: [(&str, BTreeSet<Timestamp>); 6] = [
        ("as a condition begins to hold", lives.iter().map(|life| life.active).collect()),
        ("while an alert is pending", pending.collect()),
        ("as an alert fires", lives.iter().filter_map(|life| life.fired).collect()),
        (
            "while an alert fires",
            lives.iter().filter_map(|life| Some(between(life.fired?, life.ended.unwrap_or(day.end())))).collect(),
        ),
        ("as an alert ends", lives.iter().filter_map(|life| life.ended).collect()),
        ("every hour", hours.collect()),
    ];
    let missed = missed.into_iter().filter(|(_, moments)| !moments.is_empty());
    shakes.extend(missed.map(|(when, moments)| Shake::Missed(when, moments)));
    for figure in &day.loose {
        shakes.extend([Bound::Low, Bound::High].map(|bound| Shake::Figure(figure, bound)));
    }
    shakes
}

const HOUR: Duration = Duration(3_600_000);

enum Ran {
    /// The verdicts that flip, the margins of the others, and the place of what flips is seen by: a target.
    Run(Vec<Flipped>, Vec<Margin>, Option<Place>),
    /// The figure cannot be moved: why.
    Immovable(String),
}

/// Runs a day with something different; `None` where no rule would see it.
fn once(
    shake: &Shake<'_>,
    incident: &Incident,
    day: &Arc<Day>,
    limits: Limits,
    read: &rules::Sources<'_>,
) -> Option<Ran> {
    let mut phases = Vec::new();
    let mut shaken = Cow::Borrowed(day.as_ref());
    let why = |problems: Vec<Diagnostic>| problems.into_iter().next().map_or_else(String::new, |first| first.message);
    match shake {
        Shake::Scrapes(quarters) => {
            let shifted = |scrape: Duration| Duration(scrape.0 * quarters / 4);
            let targets = shaken.to_mut().targets.iter_mut();
            targets.for_each(|target| target.phase = later(target.phase, target.scrape, shifted));
            phases = after_scrapes(incident, &shaken);
        }
        Shake::ScrapesApart => {
            let half = |scrape: Duration| Duration(scrape.0 / 2);
            let targets = shaken.to_mut().targets.iter_mut().skip(1).step_by(2);
            targets.for_each(|target| target.phase = later(target.phase, target.scrape, half));
            phases = after_scrapes(incident, &shaken);
        }
        Shake::Evaluations(quarters) => {
            let interval = |group: &rules::Group| group.interval.unwrap_or(day.interval);
            phases = incident.groups.iter().map(|group| Duration(interval(group).0 * quarters / 4)).collect();
        }
        Shake::Missed(_, moments) => {
            let gaps = moments.iter().flat_map(|moment| missed(day, *moment));
            shaken.to_mut().gaps.extend(gaps);
        }
        Shake::Figure(figure, bound) => {
            match incident.replay.shaken(day, Shift { place: figure.place, bound: *bound }) {
                Ok(moved)
                    if moved.has_input_of(day, &|series| read.reads_series(series), &|stream| {
                        read.reads_stream(stream)
                    }) =>
                {
                    return None;
                }
                Ok(moved) => shaken = Cow::Owned(moved),
                Err(problems) => return Some(Ran::Immovable(why(problems))),
            }
        }
    }
    let leeway = shake.leeway(incident, day);
    let playback = match Playback::shifted(incident, Arc::new(shaken.into_owned()), limits, phases) {
        Ok(playback) => playback,
        Err(problems) => return Some(Ran::Immovable(why(problems))),
    };
    let verdicts = flipped(&playback, leeway);
    let margins = margin::of_times(&playback);
    let seen = match shake {
        Shake::Scrapes(_) | Shake::ScrapesApart | Shake::Missed(..) if !verdicts.is_empty() => {
            target_of(&playback, &verdicts)
        }
        _ => None,
    };
    Some(Ran::Run(verdicts, margins, seen))
}

/// The first target of which the rules of the verdicts read series.
fn target_of(playback: &Playback, verdicts: &[Flipped]) -> Option<Place> {
    let day = &playback.day;
    let rules = playback.alert_rules().filter(|(_, rule)| verdicts.iter().any(|flip| flip.alert == rule.name.value));
    let read = footing::of_exprs(playback, rules.filter_map(|(_, rule)| rule.expression()));
    let exposes = |target: &Target| {
        let its = |labels: &Labels| target.labels.iter().all(|(name, value)| labels.get(name) == value);
        read.iter().any(|rest| its(&rest.series))
    };
    let target = day.targets.iter().find(|target| exposes(target))?;
    Some(Place { source: day.source.clone(), span: target.place })
}

fn later(phase: Duration, scrape: Duration, by: impl Fn(Duration) -> Duration) -> Duration {
    Duration((phase.0 + by(scrape).0) % scrape.0.max(1))
}

/// The first evaluation of each group that comes after the first scrape of every target: that nothing is there before it says
/// nothing about a rule.
fn after_scrapes(incident: &Incident, day: &Day) -> Vec<Duration> {
    let first = day.targets.iter().map(|target| target.phase).max().unwrap_or_default();
    let interval = |group: &rules::Group| group.interval.unwrap_or(day.interval).0.max(1);
    incident
        .groups
        .iter()
        .map(|group| Duration((first.0 + interval(group) - 1) / interval(group) * interval(group)))
        .collect()
}

/// A scrape of every target that fails: the last one at or before a moment.
fn missed(day: &Day, moment: Timestamp) -> impl Iterator<Item = Gap> {
    let last = move |target: &crate::replay::Target| {
        let since = moment - day.start() - target.phase;
        let first = day.start() + target.phase;
        (since >= Duration::ZERO && target.scrape > Duration::ZERO)
            .then(|| first + Duration(since.0 / target.scrape.0 * target.scrape.0))
    };
    day.targets.iter().enumerate().filter_map(move |(at, target)| {
        let from = last(target)?;
        Some(Gap {
            name: None,
            kind: GapKind::Down,
            target: at,
            matchers: Vec::new(),
            from,
            to: from + Duration(1),
            figures: Vec::new(),
            place: Span::default(),
        })
    })
}

/// The verdicts on alerts and on causes that a shaken day does not meet.
fn flipped(playback: &Playback, leeway: Leeway) -> Vec<Flipped> {
    let day = &playback.day;
    let Some(expect) = &day.expect else { return Vec::new() };
    let place = |span: Span| Some(Place { source: day.source.clone(), span });
    let alerts = expect.alerts.iter().filter_map(|expected| {
        let told = checks::fell_short(playback, &leeway::asked(expected, day, leeway))?;
        let (subject, alert) = (expected.selector.text.clone(), expected.alertname.clone());
        Some(Flipped { subject, alert, place: place(expected.selector.span), told })
    });
    let others = expect.others.iter().flat_map(|others| {
        checks::unexpected(playback, others, &expect.alerts).map(move |(rule, life)| {
            let alert = playback.rule(rule).name.value.clone();
            let told = format!("{alert} fired, and nobody expected it");
            Flipped { subject: life.labels.to_string(), alert, place: place(others.place), told }
        })
    });
    let late = match leeway {
        Leeway::Times(off) => off,
        // Whether it says so, not when.
        Leeway::Count | Leeway::Verdict => day.end() - day.start(),
    };
    let triage = expect.triage.iter().filter_map(|expected| {
        let told = triage::fell_short(playback, expected, late)?;
        let (subject, alert) = (format!("triage by {}", expected.runbook.text), String::new());
        Some(Flipped { subject, alert, place: place(expected.place), told })
    });
    alerts.chain(others).chain(triage).collect()
}
