//! Vector selectors that are `smoothed`: values between the samples around a step (Prometheus `smoothSeries`).

use super::bounds::Bounds;
use super::histogram_stats::window_of_totals;
use super::histogram_windows::text;
use super::run::{Run, State};
use super::samples::Samples;
use super::selector::{Selector, sees_all};
use crate::engine::{EvalError, Filling, Matrix, bits};
use crate::histogram::{FloatHistogram, MixedSchemas, ResetHint, Sample};
use crate::promql::functions::window_histograms::Remark;
use crate::promql::functions::{Window, interpolated, interpolated_histogram};
use crate::text::Span;
use crate::time::{Duration, Timestamp};

/// A vector selector that is `smoothed`.
pub struct SmoothedSelector {
    pub selector: Selector,
}

impl SmoothedSelector {
    pub fn eval(&mut self, span: Span, run: &Run<'_>, state: &mut State) -> Result<Matrix, EvalError> {
        self.selector.search(run.store);
        let times = self.selector.times(run);
        state.reserve(self.selector.ids.len(), times.len(), span)?;
        let mut matrix = Matrix::new(self.selector.head.clone(), times.len());
        let spread = self.selector.spread(Duration::ZERO, run);
        let latest = spread.latest(&times);
        let sees_all = sees_all(&latest, run.steps);
        let mut bounds = Bounds::default();
        let mut arena = Filling::default();
        let mut samples = Samples::default();
        let mut remarks = Vec::new();
        for (column, id) in self.selector.ids.iter().enumerate() {
            let series = run.store.series(*id);
            let (values, present) = matrix.column_mut(column);
            let found = bounds.of(series, &latest, spread.whole(), run.steps, sees_all);
            samples.slide(series, found, &times, Duration::ZERO, run.steps, |step, window| {
                let (values_of_totals, histograms);
                let mut window = *window;
                if self.selector.totals_only {
                    (values_of_totals, histograms) = window_of_totals(&window);
                    window = Window { values: &values_of_totals, histograms: &histograms, ..window };
                }
                if let Some(sample) = at(&window, times[step], &mut remarks) {
                    values[step] = arena.value(sample);
                    bits::insert(present, step);
                }
            });
            for remark in remarks.drain(..) {
                let (level, message) = text(remark, series.labels.name());
                state.annotate(level, span, message);
            }
        }
        matrix.set_arena(arena.finish());
        Ok(matrix)
    }
}

/// What a series is at a time, by the samples around it: the one of that time, a value between the two around it, or the
/// last one before it.
fn at(window: &Window<'_>, time: Timestamp, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let kinds = (0..window.values.len()).map(|at| window.sample(at).histogram().is_some());
    let (some, all) = kinds.fold((false, true), |(some, all), is| (some || is, all && is));
    if some && !all {
        remarks.push(Remark::MixedSamples);
        return None;
    }
    let next = window.times.partition_point(|sampled| *sampled < time);
    if window.times.get(next) == Some(&time) {
        return Some(window.sample(next));
    }
    let before = next.checked_sub(1)?;
    let after = window.times.get(next);
    Some(match (window.sample(before), after) {
        (Sample::Float(value), None) => Sample::Float(value),
        (Sample::Float(value), Some(after)) => {
            let after = (*after, window.values[next]);
            Sample::Float(interpolated((window.times[before], value), after, time, false))
        }
        // What is known of a reset is about two samples, not about a value.
        (Sample::Histogram(last), None) => {
            Sample::Histogram(FloatHistogram { hint: ResetHint::Unknown, ..FloatHistogram::clone(&last) }.into())
        }
        (Sample::Histogram(last), Some(after)) => {
            let following = window.sample(next);
            let following = following.histogram()?;
            if last.has_custom_buckets() != following.has_custom_buckets() {
                remarks.push(Remark::MixedSchemas);
                return None;
            }
            let counter = last.hint != ResetHint::Gauge || following.hint != ResetHint::Gauge;
            let (last, following) = ((window.times[before], &*last), (*after, following));
            match interpolated_histogram(last, following, time, counter, remarks) {
                Ok(histogram) => Sample::Histogram(histogram.into()),
                Err(MixedSchemas) => {
                    remarks.push(Remark::MixedSchemas);
                    return None;
                }
            }
        }
    })
}
