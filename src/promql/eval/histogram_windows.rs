//! Calls over windows that hold histograms: what they yield, and what is to be said of them.

use std::sync::Arc;

use super::annotation::Level;
use super::histogram_stats::window_of_totals;
use super::run::State;
use crate::engine::{Arena, Filling, Matrix};
use crate::histogram::{FloatHistogram, ResetHint};
use crate::promql::functions::window_histograms::{HistogramRangeFn, Remark};
use crate::promql::functions::{RangeFn, Window};
use crate::text::Span;

/// The calls of one function over windows with histograms.
#[derive(Default)]
pub struct HistogramCalls {
    /// Of histograms, only count and sum are wanted.
    totals_only: bool,
    arena: Filling,
    /// The metric's name and what was said, once each.
    remarks: Vec<(String, Remark)>,
    room: Vec<Remark>,
}

impl HistogramCalls {
    pub fn new(totals_only: bool) -> HistogramCalls {
        HistogramCalls { totals_only, ..HistogramCalls::default() }
    }

    /// Calls the function; the value that stands for its result.
    pub fn call(
        &mut self,
        function: HistogramRangeFn,
        over_numbers: RangeFn,
        window: &Window<'_>,
        args: &[f64],
    ) -> Option<f64> {
        // The series has histograms, but they may be elsewhere.
        let has_histogram = (0..window.values.len()).any(|at| window.sample(at).histogram().is_some());
        if !has_histogram && window.starts.is_empty() {
            return over_numbers(window, args);
        }
        let found = if self.totals_only {
            let (values, histograms) = window_of_totals(window);
            let window = Window { values: &values, histograms: &histograms, ..*window };
            function(&window, args, over_numbers, &mut self.room)
        } else {
            function(window, args, over_numbers, &mut self.room)
        };
        for remark in self.room.drain(..) {
            let remark = (window.labels.name().to_owned(), remark);
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        found.map(|sample| self.arena.value(sample))
    }

    /// Hands over the histograms that came out, and says what there is to say.
    pub fn finish(self, out: &mut Matrix, place: Span, state: &mut State) {
        out.set_arena(self.arena.finish());
        for (name, remark) in self.remarks {
            let (level, text) = text(remark, &name);
            state.annotate(level, place, text);
        }
    }
}

/// What Prometheus says.
pub fn text(remark: Remark, name: &str) -> (Level, String) {
    let reconciled = |what: &str| (Level::Info, format!("mismatched custom buckets were reconciled during {what}"));
    match remark {
        Remark::MixedSamples => {
            (Level::Warning, format!("encountered a mix of histograms and floats for metric name {name:?}"))
        }
        Remark::MixedSchemas => (Level::Warning, mixed_schemas(name)),
        Remark::NotCounter => (Level::Warning, format!("this native histogram metric is not a counter: {name:?}")),
        Remark::NotGauge => (Level::Warning, format!("this native histogram metric is not a gauge: {name:?}")),
        Remark::Ignored => (
            Level::Info,
            format!("ignored histograms in a range containing both floats and histograms for metric name {name:?}"),
        ),
        Remark::BoundsAdded => reconciled("addition"),
        Remark::BoundsSubtracted => reconciled("subtraction"),
        Remark::BoundsAggregated => reconciled("aggregation"),
        Remark::StartsOverlap => (
            Level::Warning,
            format!("sample has start time that overlaps with previous sample timestamp for metric {name:?}"),
        ),
        Remark::HintsCollide => (Level::Warning, "conflicting counter resets during histogram aggregation".to_owned()),
    }
}

/// What Prometheus says of exponential and custom buckets in one operation.
pub fn mixed_schemas(name: &str) -> String {
    format!("vector contains a mix of histograms with exponential and custom buckets schemas for metric name {name:?}")
}

/// Histograms as a subquery hands them on: it may miss resets, or see one twice, so what is known of them is forgotten.
pub fn without_hints(arena: Option<&Arena>) -> Vec<Arc<FloatHistogram>> {
    let forget = |histogram: &Arc<FloatHistogram>| match histogram.hint {
        ResetHint::Unknown | ResetHint::Gauge => histogram.clone(),
        ResetHint::Reset | ResetHint::NotReset => {
            Arc::new(FloatHistogram { hint: ResetHint::Unknown, ..FloatHistogram::clone(histogram) })
        }
    };
    arena.map_or_else(Vec::new, |arena| arena.iter().map(forget).collect())
}
