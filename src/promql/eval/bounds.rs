//! Where the windows of a series begin and end, found once for all series that were sampled at the same times.

use super::selector::Reach;
use crate::engine::Step;
use crate::store::Series;
use crate::time::{Duration, Timestamp};

/// The windows of all steps, as indices of samples.
#[derive(Default)]
pub struct Bounds {
    /// The first sample of each window and the one behind its last; neither decreases.
    found: Vec<(u32, u32)>,
    /// How many samples the longest window holds, and the last one.
    longest_and_last: [usize; 2],
    /// First sample, spacing and number of samples of the series that these were found for; `None` where that would not
    /// suffice to know its times.
    grid: Option<(Timestamp, Duration, usize)>,
}

impl Bounds {
    /// The samples in `(end - range, end]` that each step sees.
    pub fn of(
        &mut self,
        series: &Series,
        ends: &[Timestamp],
        range: Duration,
        steps: &[Step],
        sees_all: bool,
    ) -> &[(u32, u32)] {
        let times = &series.times;
        let even = series.shape.spacing().filter(|_| sees_all && series.moments.is_none());
        let grid = even.zip(times.first()).map(|(spacing, first)| (*first, spacing, times.len()));
        if grid.is_some() && grid == self.grid {
            return &self.found;
        }
        self.grid = grid;
        self.found.clear();
        if let Some((first, spacing, count)) = grid {
            let until = |time: Timestamp| {
                let index = (time.0.saturating_sub(first.0)).div_euclid(spacing.0).saturating_add(1);
                u32::try_from(index.max(0)).unwrap_or(u32::MAX).min(count as u32)
            };
            self.found.extend(ends.iter().map(|end| (until(*end - range), until(*end))));
            self.measure();
            return &self.found;
        }
        let mut reach = Reach::new(series, sees_all);
        let mut from = ends.first().map_or(0, |end| times.partition_point(|time| *time <= *end - range));
        for (end, step) in ends.iter().zip(steps) {
            while from < times.len() && times[from] <= *end - range {
                from += 1;
            }
            self.found.push((from as u32, reach.to(*end, step.frontier) as u32));
        }
        self.measure();
        &self.found
    }

    fn measure(&mut self) {
        let mut lengths = self.found.iter().map(|(from, to)| to.saturating_sub(*from) as usize);
        self.longest_and_last = [lengths.clone().max().unwrap_or(0), lengths.next_back().unwrap_or(0)];
    }

    /// How many samples the longest window holds, and the last one.
    pub fn longest_and_last(&self) -> [usize; 2] {
        self.longest_and_last
    }
}
