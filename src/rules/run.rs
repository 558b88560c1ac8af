//! What rules did: lives of alerts, errors, and questions about them.

use std::sync::Arc;

use crate::engine::{EvalError, Steps};
use crate::labels::Labels;
use crate::promql::eval::Profile;
use crate::store::{AppendError, LogStore, MetricStore, Moment};
use crate::template::Template;
use crate::time::Timestamp;

use super::expand::{Expander, failed};
use super::lifecycle::{AlertState, AlertTrack, OverLimit};
use super::schedule::Schedule;
use super::{Group, RuleKind};

/// A rule by its place among the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    pub group: usize,
    pub rule: usize,
}

/// Why a rule failed at a tick, in Prometheus' words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFailure {
    /// Nothing was written: no samples and no stale markers, and alerts keep their state.
    #[error("{0}")]
    Query(EvalError),
    #[error("rule result is not a vector or scalar")]
    NoVector,
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    TwinSeries,
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    TwinAlerts,
    #[error("exceeded limit of {limit} with {series} series")]
    TooManySeries { limit: u64, series: u64 },
    /// All alerts of the rule are forgotten.
    #[error("exceeded limit of {} with {} alerts", .0.limit, .0.alerts)]
    TooManyAlerts(OverLimit),
    /// Samples were refused, since the series has others; the rest was written. promtool ends its test here,
    /// Prometheus logs it and goes on.
    #[error("{0}")]
    Refused(AppendError),
    /// A sample that was loaded was refused, since the rule had written to its series.
    #[error("{0}")]
    InputRefused(AppendError),
}

/// A rule that failed at a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleError {
    pub rule: RuleRef,
    pub tick: Timestamp,
    pub error: RuleFailure,
}

/// What rules did. The series that they wrote are in the store.
#[derive(Debug)]
pub struct Run {
    /// Rules times ticks.
    pub evaluations: u64,
    /// Lives of alert instances, in the order of the rules, then of activation.
    pub alerts: Vec<AlertTrack>,
    /// By tick, then in the order of the rules.
    pub errors: Vec<RuleError>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) positions: Vec<Vec<u32>>,
    pub(super) external_labels: Labels,
    pub(super) external_url: String,
    pub(super) serves: bool,
    pub(super) profile: Profile,
    pub(super) logs: Arc<LogStore>,
}

impl Run {
    /// The ticks of a rule, each seeing what the rule could see; none for a rule that does not exist.
    pub fn steps(&self, rule: RuleRef) -> Steps {
        let (Some(schedule), Some(position)) = (self.schedules.get(rule.group), self.position(rule)) else {
            return Steps::default();
        };
        Steps((0..schedule.count).map(|index| schedule.step(index, position)).collect())
    }

    /// The rule that wrote a sample, by the position of the sample's moment; `None` for samples that were loaded.
    pub fn writer(&self, position: u32) -> Option<RuleRef> {
        self.positions.iter().enumerate().find_map(|(group, own)| {
            let rule = own.iter().position(|other| *other == position)?;
            Some(RuleRef { group, rule })
        })
    }

    fn position(&self, rule: RuleRef) -> Option<u32> {
        self.positions.get(rule.group)?.get(rule.rule).copied()
    }

    /// The alerts that are pending or firing at a time, with the state of each: those of the last tick at or before it.
    pub fn alerts_at(&self, at: Timestamp) -> impl Iterator<Item = (&AlertTrack, AlertState)> {
        self.alerts.iter().filter_map(move |track| Some((track, track.state(at)?)))
    }

    /// Annotations of an alert at a time, as the last evaluation at which its condition held expanded them; sorted by
    /// name, those included that come out empty. `groups` and `store` are those of the evaluation.
    pub fn annotations(
        &self,
        groups: &[Group],
        store: &MetricStore,
        track: &AlertTrack,
        at: Timestamp,
    ) -> Vec<(String, String)> {
        let rule = groups.get(track.rule.group).and_then(|group| group.rules.get(track.rule.rule));
        let (Some(rule), Some(position), Some(sighting)) = (rule, self.position(track.rule), track.sighting(at)) else {
            return Vec::new();
        };
        let RuleKind::Alert { annotations, .. } = &rule.kind else { return Vec::new() };
        let frontier = Moment { at: sighting.tick, position };
        let expander = Expander {
            name: &rule.name.value,
            external_labels: &self.external_labels,
            external_url: &self.external_url,
            serves: self.serves,
            profile: &self.profile,
            logs: rule.logql().is_some().then_some(&*self.logs),
        };
        let expand = |text: &str| match Template::parse(&expander.template_name(), text) {
            Ok(template) => expander.expand(&template, sighting, frontier, store),
            Err(error) => failed(&error),
        };
        annotations.iter().map(|(name, text)| (name.clone(), expand(text))).collect()
    }
}
