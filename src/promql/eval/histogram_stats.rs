//! Selectors below `histogram_count`, `histogram_sum` and `histogram_avg`: buckets are not looked at there, and whether there
//! was a counter reset is found out while samples are read (Prometheus `HistogramStatsIterator`). It shows in warnings only.

use std::sync::Arc;

use super::range::Source;
use super::run::{Node, Op};
use crate::engine::Filling;
use crate::histogram::{FloatHistogram, ResetHint, Sample, handle, index_of};
use crate::promql::functions::Window;
use crate::store::Series;
use crate::time::{Duration, Timestamp};

/// Marks the selectors of which only count and sum are wanted: those below such a function, and below nothing that needs
/// the buckets.
pub fn mark(node: &mut Node, counted: bool) {
    let counted = match &mut node.op {
        Op::OfHistogram(call) => counted || call.of_totals,
        Op::Histogram(_) => return,
        Op::VectorScalar(binary) if binary.op.is_trim() => return,
        Op::VectorVector(binary) if binary.op.is_trim() => return,
        Op::Instant(instant) => {
            instant.selector.totals_only = counted;
            return;
        }
        Op::Smoothed(smoothed) => {
            smoothed.selector.totals_only = counted;
            return;
        }
        Op::RangeCall(call) => {
            if let Source::Series(selector) = &mut call.source {
                selector.totals_only = counted;
            }
            counted
        }
        _ => counted,
    };
    node.children_mut().into_iter().for_each(|child| mark(child, counted));
}

/// Count and sum of a histogram, and what is known of a reset when the one before it has been read.
fn totals(histogram: &FloatHistogram, before: Option<&FloatHistogram>) -> Arc<FloatHistogram> {
    let hint = match (histogram.hint, before) {
        (ResetHint::Unknown, Some(before)) if histogram.is_reset_after(before) => ResetHint::Reset,
        (ResetHint::Unknown, Some(_)) => ResetHint::NotReset,
        (hint, _) => hint,
    };
    let FloatHistogram { schema, count, sum, .. } = *histogram;
    Arc::new(FloatHistogram { hint, schema, count, sum, ..FloatHistogram::default() })
}

/// Replaces the histograms that the values of a series stand for; each has been read from a lookback before its step on.
pub fn move_totals(
    series: &Series,
    times: &[Timestamp],
    lookback: Duration,
    values: &mut [f64],
    steps: impl Iterator<Item = usize>,
    arena: &mut Filling,
) {
    let Some(histograms) = &series.histograms else { return };
    let taken = series.times.iter().zip(&series.values).filter(|(_, value)| index_of(**value).is_some());
    let taken: Vec<Timestamp> = taken.map(|(time, _)| *time).collect();
    for step in steps {
        let Some(place) = index_of(values[step]) else { continue };
        let before = place.checked_sub(1).filter(|before| taken[*before] >= times[step] - lookback);
        let before = before.map(|before| &*histograms.arena[before]);
        values[step] = arena.add(totals(&histograms.arena[place], before));
    }
}

/// Values and histograms of a window with totals only.
pub fn window_of_totals(window: &Window<'_>) -> (Vec<f64>, Vec<Arc<FloatHistogram>>) {
    let mut arena = Vec::new();
    let mut before: Option<Arc<FloatHistogram>> = None;
    let values = (0..window.values.len()).map(|at| match window.sample(at) {
        Sample::Float(value) => value,
        Sample::Histogram(histogram) => {
            arena.push(totals(&histogram, before.as_deref()));
            before = Some(histogram);
            handle(arena.len() - 1)
        }
    });
    (values.collect(), arena)
}
