//! The series that matchers select, and how far into each of them a step may look.

use std::sync::Arc;

use super::run::Run;
use super::samples::Spread;
use crate::engine::{Head, Step};
use crate::labels::Matcher;
use crate::promql::ast::{AtModifier, Edge};
use crate::store::{MetricStore, Moment, Series, SeriesId, StoreId};
use crate::time::{Duration, Timestamp};

/// A selector and the series that it has found so far.
pub struct Selector {
    matchers: Vec<Matcher>,
    pub at: Option<AtModifier>,
    pub offset: Duration,
    pub edge: Edge,
    pub ids: Vec<SeriesId>,
    pub head: Arc<Head>,
    /// Of histograms, only count and sum are wanted.
    pub totals_only: bool,
    /// The store that was searched, and how many series it had.
    searched: Option<(StoreId, usize)>,
}

impl Selector {
    pub fn new(matchers: Vec<Matcher>, at: Option<AtModifier>, offset: Duration) -> Selector {
        let (edge, head) = (Edge::None, Arc::default());
        Selector { matchers, at, offset, edge, ids: Vec::new(), head, totals_only: false, searched: None }
    }

    /// What is read for a window of that range: also samples beside it, for `anchored` and `smoothed`.
    pub fn spread(&self, range: Duration, run: &Run<'_>) -> Spread {
        let lookback = run.profile.lookback;
        let before = if self.edge == Edge::None { Duration::ZERO } else { lookback };
        let after = if self.edge == Edge::Smoothed { lookback } else { Duration::ZERO };
        Spread { range, before, after }
    }

    /// Finds the series that have appeared since the last time.
    pub fn search(&mut self, store: &MetricStore) {
        let searched = Some((store.store_id(), store.len()));
        if self.searched == searched {
            return;
        }
        let ids = store.select(&self.matchers);
        // A store only grows: as many series as before are the same series.
        let same_store = self.searched.is_some_and(|(id, _)| id == store.store_id());
        if !same_store || ids.len() != self.ids.len() {
            self.head = Arc::new(Head::distinct(ids.iter().map(|id| store.series(*id).labels.clone()).collect()));
            self.ids = ids;
        }
        self.searched = searched;
    }

    /// The latest time of a sample that each step may read.
    pub fn times(&self, run: &Run<'_>) -> Vec<Timestamp> {
        let mut times = run.times(self.at);
        times.iter_mut().for_each(|time| *time = *time - self.offset);
        times
    }
}

/// Whether at every step all samples up to its time are visible as far as they arrived at their own time, so that
/// only series with moments of their own need a look at the frontier.
pub fn sees_all(times: &[Timestamp], steps: &[Step]) -> bool {
    times.iter().zip(steps).all(|(time, step)| Moment::arrival(*time) < step.frontier)
}

/// Walks along a series and tells how many samples, from the first, are within reach of a step.
pub struct Reach<'a> {
    times: &'a [Timestamp],
    /// Samples at or before the time asked for last.
    until: usize,
    /// Samples visible at the frontier asked for last; all where the frontier does not matter.
    visible: usize,
    frontier: Option<&'a Series>,
    started: bool,
}

impl<'a> Reach<'a> {
    /// `sees_all` as the function of that name tells for these steps.
    pub fn new(series: &'a Series, sees_all: bool) -> Reach<'a> {
        let frontier = (series.moments.is_some() || !sees_all).then_some(series);
        Reach { times: &series.times, until: 0, visible: usize::MAX, frontier, started: false }
    }

    /// How many samples are at or before `time` and visible at `frontier`. Neither decreases from call to call.
    pub fn to(&mut self, time: Timestamp, frontier: Moment) -> usize {
        if !self.started {
            self.started = true;
            self.until = self.times.partition_point(|sample| *sample <= time);
            if let Some(series) = self.frontier {
                self.visible = series.visible(frontier);
            }
            return self.until.min(self.visible);
        }
        while self.until < self.times.len() && self.times[self.until] <= time {
            self.until += 1;
        }
        if let Some(series) = self.frontier {
            while self.visible < self.times.len() && series.moment(self.visible) < frontier {
                self.visible += 1;
            }
        }
        self.until.min(self.visible)
    }

    /// Whether the last answer was less because of the frontier.
    pub fn is_cut(&self) -> bool {
        self.visible < self.until
    }
}
