//! What came out of a drill: checks, each with its verdict, what was expected, what happened and why.

use super::drift::Answers;
use super::triage::{DayTriage, Unasked};
use crate::evidence::{AlertState, Place, Reason, Seen, Timeline};
use crate::labels::Labels;
use crate::replay::{Dialect, Kind};
use crate::text::Source;
use crate::time::Timestamp;

/// How a check or a drill ended, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    #[default]
    Pass,
    /// Nothing was tested: the alert could not have said anything.
    Blind,
    Fail,
}

/// One life of one alert instance, as it came out of the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// The final labels, `alertname` included.
    pub labels: Labels,
    /// When the condition began to hold.
    pub active: Timestamp,
    /// When `for` had passed; `None` if it never did.
    pub fired: Option<Timestamp>,
    /// The first tick at which it was neither pending nor firing; `None` where the replay ended first.
    pub ended: Option<Timestamp>,
}

impl Life {
    /// When a firing alert was resolved.
    pub fn resolved(&self) -> Option<Timestamp> {
        self.fired.and(self.ended)
    }

    /// Its state at a time; between two ticks, that of the first one.
    pub fn state(&self, at: Timestamp) -> AlertState {
        if at < self.active || self.ended.is_some_and(|ended| at >= ended) {
            AlertState::Inactive
        } else if self.fired.is_some_and(|fired| at >= fired) {
            AlertState::Firing
        } else {
            AlertState::Pending
        }
    }
}

/// Which part of the replay a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What alerting did that day: the calibration of the replay.
    Happened,
    /// What today's rules must do.
    Expect,
    /// What holds for every drill: rules evaluate without errors.
    Rules,
}

/// One expectation and what became of it.
#[derive(Clone, Debug)]
pub struct Check {
    pub part: Part,
    pub verdict: Verdict,
    /// The alert selector or the query, as written.
    pub subject: String,
    /// Where it is expected.
    pub place: Option<Place>,
    /// In a few words, for the line of the drill: `active 15:09:00, firing 15:24:00`.
    pub summary: String,
    pub expected: String,
    /// A line for each thing that happened.
    pub happened: Vec<String>,
    /// Why, and what would have made it pass.
    pub reasons: Vec<Reason>,
    /// The lives of the alert instances that the selector matched.
    pub lives: Vec<Life>,
    /// The values and states around the shortfall; only where there is one.
    pub timeline: Option<Timeline>,
    /// The series that decide it.
    pub rests_on: Vec<Rest>,
}

/// A series that decides a verdict, and what it counts as.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    pub series: Labels,
    pub kind: Kind,
}

/// Whether a day of a replay brings about what alerting did that day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Calibration {
    /// The replay does not say what happened.
    #[default]
    Unknown,
    /// It does, from figures that owe nothing to it.
    Calibrated,
    /// It does, and among the figures are some that were fitted: that they bring it about is no evidence.
    Fitted,
    /// It does not.
    Off,
}

/// How many series rest on what kind of figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Footing {
    pub documented: usize,
    pub assumed: usize,
    pub fitted: usize,
    pub recorded: usize,
}

impl Footing {
    /// Counts series by what they rest on.
    pub fn of(kinds: impl IntoIterator<Item = Kind>) -> Footing {
        let mut footing = Footing::default();
        for kind in kinds {
            match kind {
                Kind::Documented => footing.documented += 1,
                Kind::Assumed => footing.assumed += 1,
                Kind::Fitted => footing.fitted += 1,
                Kind::Recorded => footing.recorded += 1,
            }
        }
        footing
    }
}

/// One day of one replay, drilled.
#[derive(Clone, Debug)]
pub struct Drill {
    /// `incident/variant`, as people name it.
    pub name: String,
    pub replay: Source,
    pub title: String,
    pub variant: Option<String>,
    pub checks: Vec<Check>,
    /// All its series.
    pub footing: Footing,
    /// Those of them that decide the verdict: what the rules of its alerts and its queries read.
    pub rests_on: Vec<Rest>,
    pub calibration: Calibration,
    /// How many alert instances fired, expected or not.
    pub fired: usize,
    /// The language of the incident's own rules.
    pub dialect: Dialect,
    /// Rules evaluated, times ticks.
    pub evaluations: u64,
    /// Names of the files and places of the rules, to count them once over all drills.
    pub rules: Vec<String>,
    /// As `rules`, those in languages that are not evaluated.
    pub untested: Vec<String>,
    /// What runbooks say of the day.
    pub triage: Vec<DayTriage>,
    /// Runbooks of the incident that nobody asked on this day, though it pages.
    pub unasked: Vec<Unasked>,
    /// What the day says to the documents of the incident.
    pub answers: Answers,
    /// What the day shows of the LogQL that is asked.
    pub seen: Vec<Seen>,
    pub elapsed: std::time::Duration,
}

impl Drill {
    /// The worst of its checks.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or_default()
    }
}
