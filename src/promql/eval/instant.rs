//! Vector selectors: the latest sample of each series, where it is not too old and not a stale marker.

use super::histogram_stats::move_totals;
use super::run::{Run, State};
use super::selector::{Reach, Selector, sees_all};
use crate::engine::{EvalError, Filling, Head, Matrix, Memo, bits};
use crate::number::is_stale;
use crate::store::Histograms;
use crate::text::Span;
use std::sync::Arc;

/// What is asked of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Yields {
    Value,
    /// `timestamp()`: when it was taken, in seconds.
    Time,
    /// `start_timestamp()`: when its counter began to count, in seconds; 0 where that is unknown.
    Start,
}

/// A vector selector, or `timestamp()` or `start_timestamp()` of one.
pub struct InstantSelector {
    pub selector: Selector,
    pub yields: Yields,
    /// The head without names.
    pub nameless: Memo<Arc<Head>>,
}

impl InstantSelector {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        self.selector.search(run.store);
        let times = self.selector.times(run);
        state.reserve(self.selector.ids.len(), times.len(), span)?;
        let mut matrix = Matrix::new(self.selector.head.clone(), times.len());
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(matrix) };
        let sees_all = sees_all(&times, run.steps);
        let lookback = run.profile.lookback;
        if self.yields == Yields::Start && !run.profile.use_start_timestamps {
            return Ok(matrix);
        }
        let mut arena = Filling::default();
        for (column, id) in self.selector.ids.iter().enumerate() {
            let series = run.store.series(*id);
            let (Some(from), Some(to)) = (series.times.first(), series.times.last()) else { continue };
            if *from > *last || *to <= *first - lookback {
                continue;
            }
            let (values, present) = matrix.column_mut(column);
            let mut reach = Reach::new(series, sees_all);
            for (step, time) in times.iter().enumerate() {
                let Some(latest) = reach.to(*time, run.steps[step].frontier).checked_sub(1) else { continue };
                let (sampled, value) = (series.times[latest], series.values[latest]);
                if sampled > *time - lookback && !is_stale(value) {
                    values[step] = match self.yields {
                        Yields::Value => value,
                        Yields::Time => sampled.seconds(),
                        Yields::Start => series.start(latest).seconds(),
                    };
                    present[step / 64] |= 1 << (step % 64);
                }
            }
            match &series.histograms {
                Some(_) if self.selector.totals_only && self.yields == Yields::Value => {
                    move_totals(series, &times, lookback, values, bits::steps(present), &mut arena);
                }
                Some(histograms) if self.yields == Yields::Value => {
                    move_handles(histograms, values, present, &mut arena)
                }
                _ => {}
            }
        }
        matrix.set_arena(arena.finish());
        if self.yields == Yields::Value {
            return Ok(matrix);
        }
        let late = run.profile.delayed_name_removal;
        let head = self.nameless.get(&[matrix.head()], || Arc::new(nameless(matrix.head(), late))).clone();
        Ok(run.settle(matrix.under(head), span))
    }
}

/// Makes values that stand for histograms of a series stand for the same ones in the arena of a matrix.
fn move_handles(histograms: &Histograms, values: &mut [f64], present: &[u64], arena: &mut Filling) {
    let mut last: Option<(u64, f64)> = None;
    for step in bits::steps(present) {
        let Some(histogram) = histograms.get(values[step]) else { continue };
        let known = last.filter(|(stored, _)| *stored == values[step].to_bits());
        let (_, moved) = *last.insert(known.unwrap_or_else(|| (values[step].to_bits(), arena.add(histogram.clone()))));
        values[step] = moved;
    }
}

/// The head of what a function yields that changes the meaning of a metric: names are dropped, now or late.
pub fn nameless(head: &Head, late: bool) -> Head {
    if late {
        return Head::new(head.labels.clone(), vec![true; head.len()]);
    }
    Head::new(head.labels.iter().map(|labels| labels.without_metadata()).collect(), vec![true; head.len()])
}
