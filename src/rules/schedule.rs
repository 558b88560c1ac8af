//! When rules are evaluated: options of a run, and the ticks of each group.

use std::sync::Arc;

use crate::engine::Step;
use crate::labels::Labels;
use crate::promql::eval::Profile;
use crate::store::{LogStore, Moment};
use crate::time::{Duration, Timestamp};

use super::{Group, Language};

/// How rules are evaluated.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// The first tick.
    pub start: Timestamp,
    /// No tick is later.
    pub end: Timestamp,
    /// Between ticks, for groups that do not say.
    pub interval: Duration,
    /// Whether groups may say; promtool ignores their intervals. Groups in LogQL always may.
    pub group_intervals: bool,
    /// How far back queries ask, for groups that do not say.
    pub query_offset: Duration,
    /// How much later than `start` the ticks of each group come, by the index of the group; zero where there is none.
    pub phases: Vec<Duration>,
    pub external_labels: Labels,
    /// Whether a label of a result that the rule sets to something else lives on as `exported_NAME`, as in vmalert;
    /// in Prometheus it is gone.
    pub export_replaced_labels: bool,
    pub external_url: String,
    /// Whether templates run in a server, whose address `externalURL` and `pathPrefix` tell; promtool's is none.
    pub serves: bool,
    /// The engine; a query may hold at most its `max_samples` values.
    pub profile: Profile,
    /// What rules in LogQL read.
    pub logs: Arc<LogStore>,
    /// How many ticks of the shortest interval are evaluated at once: more need more memory. The result does not
    /// depend on it.
    pub block: usize,
}

impl EvaluateOptions {
    /// Ticks from `start` to `end` (included), everything else as Prometheus has it by default.
    pub fn new(start: Timestamp, end: Timestamp, interval: Duration) -> EvaluateOptions {
        EvaluateOptions {
            start,
            end,
            interval,
            group_intervals: true,
            query_offset: Duration::ZERO,
            phases: Vec::new(),
            external_labels: Labels::empty(),
            export_replaced_labels: false,
            external_url: String::new(),
            serves: true,
            profile: Profile::prometheus(),
            logs: Arc::default(),
            block: 1024,
        }
    }
}

/// The ticks of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    first: Timestamp,
    pub interval: Duration,
    /// Queries ask so far back of the tick; samples are stamped with the time that was asked for.
    pub offset: Duration,
    pub count: usize,
}

impl Schedule {
    pub fn of(index: usize, group: &Group, options: &EvaluateOptions) -> Schedule {
        let own = group.interval.filter(|_| options.group_intervals || group.language == Language::Logql);
        let positive = |interval: &Duration| *interval > Duration::ZERO;
        let interval = own.filter(positive).or(Some(options.interval).filter(positive)).unwrap_or(Duration::MINUTE);
        let first = options.start + options.phases.get(index).copied().unwrap_or_default();
        let count = match options.end - first {
            Duration(length) if length < 0 => 0,
            Duration(length) => usize::try_from(length / interval.0).map_or(usize::MAX, |n| n.saturating_add(1)),
        };
        Schedule { first, interval, offset: group.query_offset.unwrap_or(options.query_offset), count }
    }

    pub fn tick(&self, index: usize) -> Timestamp {
        let passed = i64::try_from(index).map_or(i64::MAX, |index| self.interval.0.saturating_mul(index));
        self.first + Duration(passed)
    }

    /// The first tick that is not before a time.
    pub fn index_from(&self, time: Timestamp) -> usize {
        let after = (time - self.first).0.max(0);
        let whole = after / self.interval.0 + i64::from(after % self.interval.0 != 0);
        usize::try_from(whole).map_or(self.count, |index| index.min(self.count))
    }

    /// What the rule at a position asks at a tick.
    pub fn step(&self, index: usize, position: u32) -> Step {
        let tick = self.tick(index);
        Step { time: tick - self.offset, frontier: Moment { at: tick, position } }
    }
}
