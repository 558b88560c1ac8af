//! What verdicts rest on: the series that rules read, and where the figures behind them come from.

use std::collections::HashSet;

use crate::labels::Labels;
use crate::logql::ast::Selector;
use crate::replay::{Generated, Kind, SeriesProvenance};
use crate::rules::{self, Expression};

use super::playback::Playback;
use super::verdict::{Calibration, Check, Footing, Part, Rest, Verdict};

/// How many series of a day rest on what. An `up` that nobody wrote counts where `read` has it.
pub fn of_all(generated: &Generated, read: &[Rest]) -> Footing {
    let is_read = |labels: &Labels| read.iter().any(|rest| rest.series == *labels);
    let counted = generated.provenance.iter().filter(|series| !series.implied || is_read(&series.labels));
    Footing::of(counted.map(|series| series.kind))
}

/// The series and the streams of the day that expressions read, through rules that write what they read, in the order of the
/// replay.
pub fn of_exprs<'a, E: Into<Expression<'a>>>(playback: &'a Playback, exprs: impl IntoIterator<Item = E>) -> Vec<Rest> {
    let read = rules::sources(&playback.groups, exprs.into_iter().map(Into::into));
    let series = playback.generated.provenance.iter().filter(|series| read.reads_series(&series.labels));
    let streams = playback.generated.streams.iter().filter(|stream| read.reads_stream(&stream.labels));
    series.chain(streams).map(rest).collect()
}

/// The streams of the day that a selector selects.
pub fn of_streams(playback: &Playback, selector: &Selector) -> Vec<Rest> {
    let meets = |labels: &Labels| selector.matchers.iter().all(|m| m.matches(labels.get(&m.name)));
    playback.generated.streams.iter().filter(|stream| meets(&stream.labels)).map(rest).collect()
}

/// The series and the streams that any check rests on, in the order of the replay.
pub fn of_checks(playback: &Playback, checks: &[Check]) -> Vec<Rest> {
    let decisive: HashSet<&Labels> = checks.iter().flat_map(|check| &check.rests_on).map(|rest| &rest.series).collect();
    let all = playback.generated.provenance.iter().chain(&playback.generated.streams);
    all.filter(|one| decisive.contains(&one.labels)).map(rest).collect()
}

fn rest(provenance: &SeriesProvenance) -> Rest {
    Rest { series: provenance.labels.clone(), kind: provenance.kind }
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
