//! The samples of stored series, window by window.

use crate::engine::Step;
use crate::number::is_stale;
use crate::promql::functions::Window;
use crate::store::Series;
use crate::time::{Duration, Timestamp};

/// What is read for a window: the samples in it, and beside it those up to some way before and behind it.
#[derive(Clone, Copy)]
pub struct Spread {
    pub range: Duration,
    pub before: Duration,
    pub after: Duration,
}

impl Spread {
    pub fn is_window(self) -> bool {
        self.before == Duration::ZERO && self.after == Duration::ZERO
    }

    /// How long a stretch is read.
    pub fn whole(self) -> Duration {
        self.range + self.before + self.after
    }

    /// The latest times that are read for windows that end at these times.
    pub fn latest(self, ends: &[Timestamp]) -> Vec<Timestamp> {
        ends.iter().map(|end| *end + self.after).collect()
    }
}

/// Room for the samples of a series that has stale markers, without them.
#[derive(Default)]
pub struct Samples {
    /// Start timestamps are wanted.
    pub with_starts: bool,
    times: Vec<Timestamp>,
    values: Vec<f64>,
    starts: Vec<Timestamp>,
    /// How many of the samples before an index are kept.
    kept: Vec<usize>,
}

impl Samples {
    /// Calls `f` at each step whose window `(end - range, end]` is to be looked at: visible samples are in it or, as [`Bounds`]
    /// found them for another stretch, beside it.
    pub fn slide(
        &mut self,
        series: &Series,
        bounds: &[(u32, u32)],
        ends: &[Timestamp],
        range: Duration,
        steps: &[Step],
        mut f: impl FnMut(usize, &Window<'_>),
    ) {
        let (Some((base, _)), Some((_, end))) = (bounds.first(), bounds.last()) else { return };
        let (base, end) = (*base as usize, *end as usize);
        if base >= end {
            return;
        }
        let has_stale = series.values[base..end].iter().any(|value| is_stale(*value));
        if has_stale {
            self.fill(series, base, end);
        }
        let times = &series.times;
        let histograms = series.histograms.as_ref().map_or(&[][..], |histograms| &histograms.arena);
        for (step, (end, (from, to))) in ends.iter().zip(bounds).enumerate() {
            let (start, from, to) = (*end - range, *from as usize, *to as usize);
            if from >= to {
                continue;
            }
            let (times, values, starts) = if has_stale {
                let kept = self.kept[from - base]..self.kept[to - base];
                let starts = self.starts.get(kept.clone()).unwrap_or_default();
                (&self.times[kept.clone()], &self.values[kept], starts)
            } else {
                let starts = series.starts.as_ref().filter(|_| self.with_starts);
                (&times[from..to], &series.values[from..to], starts.map_or(&[][..], |starts| &starts[from..to]))
            };
            if !times.is_empty() {
                let (labels, at) = (&series.labels, steps[step].time);
                f(step, &Window { times, values, histograms, starts, labels, start, end: *end, range, at });
            }
        }
    }

    fn fill(&mut self, series: &Series, base: usize, end: usize) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
        self.kept.clear();
        for at in base..end {
            let (time, value) = (series.times[at], series.values[at]);
            self.kept.push(self.times.len());
            if !is_stale(value) {
                self.times.push(time);
                self.values.push(value);
                if self.with_starts {
                    self.starts.push(series.start(at));
                }
            }
        }
        self.kept.push(self.times.len());
    }
}
