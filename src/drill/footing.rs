//! What verdicts rest on: the series that rules read, and where the figures behind them come from.

use std::collections::HashSet;

use crate::labels::Labels;
use crate::promql::ast::Expr;
use crate::replay::{Generated, Kind};
use crate::rules;

use super::playback::Playback;
use super::verdict::{Calibration, Check, Footing, Part, Rest, Verdict};

/// How many series of a day rest on what. An `up` that nobody wrote counts where `read` has it.
pub fn of_all(generated: &Generated, read: &[Rest]) -> Footing {
    let is_read = |labels: &Labels| read.iter().any(|rest| rest.series == *labels);
    let counted = generated.provenance.iter().filter(|series| !series.implied || is_read(&series.labels));
    Footing::of(counted.map(|series| series.kind))
}

/// The series of the day that expressions read, through rules that write what they read, in the order of the replay.
pub fn of_exprs<'a>(playback: &'a Playback, exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<Rest> {
    let mut read: Vec<_> = exprs.into_iter().flat_map(|expr| rules::sources(&playback.groups, expr)).collect();
    // Rules have many selectors in common.
    read.sort_by_key(|matchers| (matchers.as_ptr(), matchers.len()));
    read.dedup_by_key(|matchers| (matchers.as_ptr(), matchers.len()));
    let is_read = |labels: &Labels| {
        read.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name))))
    };
    let series = playback.generated.provenance.iter().filter(|series| is_read(&series.labels));
    series.map(|series| Rest { series: series.labels.clone(), kind: series.kind }).collect()
}

/// The series that any check rests on, in the order of the replay.
pub fn of_checks(playback: &Playback, checks: &[Check]) -> Vec<Rest> {
    let decisive: HashSet<&Labels> = checks.iter().flat_map(|check| &check.rests_on).map(|rest| &rest.series).collect();
    let series = playback.generated.provenance.iter().filter(|series| decisive.contains(&series.labels));
    series.map(|series| Rest { series: series.labels.clone(), kind: series.kind }).collect()
}

/// Whether the day brings about what alerting did: what was fitted to it proves nothing of it.
pub fn calibration(checks: &[Check]) -> Calibration {
    let happened = || checks.iter().filter(|check| check.part == Part::Happened);
    match () {
        () if happened().next().is_none() => Calibration::Unknown,
        () if happened().any(|check| check.verdict != Verdict::Pass) => Calibration::Off,
        () if happened().any(|check| check.rests_on.iter().any(|rest| rest.kind == Kind::Fitted)) => {
            Calibration::Fitted
        }
        () => Calibration::Calibrated,
    }
}
