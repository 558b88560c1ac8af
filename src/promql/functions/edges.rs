//! `rate`, `increase`, `delta`, `changes` and `resets` over selectors that are `anchored` or `smoothed` (Prometheus
//! `promql/functions.go`, `extendedRate`).
//!
//! Their windows hold more samples than the range: those up to a lookback before it, and for `smoothed` behind it.

use std::sync::Arc;

use super::rate::Kind;
use super::window_histograms::{self as whole, HistogramRangeFn, Remark, add_remarked, histograms, sub_remarked};
use super::{RangeFn, Window, over_time};
use crate::histogram::{FloatHistogram, MixedSchemas, ResetHint, Sample};
use crate::promql::ast::Edge;
use crate::time::Timestamp;

/// The functions of that name over windows that are `anchored` or `smoothed`: over numbers, and over histograms.
///
/// Errors: that there are none, in Prometheus' words.
pub fn at_edges(name: &str, edge: Edge) -> Result<(RangeFn, HistogramRangeFn), String> {
    macro_rules! extended {
        ($kind:expr, $smoothed:expr) => {
            Ok((
                |window, _| extended(window, $kind, $smoothed),
                |window, _, _, remarks| extended_sample(window, $kind, $smoothed, remarks),
            ))
        };
    }
    match (edge, name) {
        (Edge::Smoothed, "rate") => extended!(Kind::Rate, true),
        (Edge::Smoothed, "increase") => extended!(Kind::Increase, true),
        (Edge::Smoothed, "delta") => extended!(Kind::Delta, true),
        (Edge::Smoothed, _) => {
            Err(format!("smoothed modifier can only be used with: delta, increase, rate - not with {name}"))
        }
        (_, "rate") => extended!(Kind::Rate, false),
        (_, "increase") => extended!(Kind::Increase, false),
        (_, "delta") => extended!(Kind::Delta, false),
        (_, "changes") => Ok((
            |window, _| over_time::changes(&anchored(window)?, &[]),
            |window, _, _, _| whole::changes(&anchored(window)?),
        )),
        (_, "resets") => Ok((
            |window, _| over_time::resets(&anchored(window)?, &[]),
            |window, _, _, _| whole::resets(&anchored(window)?),
        )),
        _ => Err(format!(
            "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with {name}"
        )),
    }
}

/// The window from the last sample on that is not after its start; `None` where no sample is after the start.
fn anchored<'a>(window: &Window<'a>) -> Option<Window<'a>> {
    let after = window.times.partition_point(|time| *time <= window.start);
    (after < window.times.len()).then(|| window.from(after.saturating_sub(1)))
}

/// The samples that a result is computed from, first and last included; `None` where the window holds too little.
fn ends(window: &Window<'_>, smoothed: bool) -> Option<(usize, usize)> {
    let times = window.times;
    let mut last = times.len().checked_sub(1)?;
    let first = times[..last].partition_point(|time| *time <= window.start).saturating_sub(1);
    if smoothed {
        last = times[..last].partition_point(|time| *time < window.end);
    }
    let outside = times[last] <= window.start || (smoothed && times[first] > window.end);
    (!outside).then_some((first, last))
}

/// The value at a time between two samples; a counter that was reset between them began from zero.
pub fn interpolated(before: (Timestamp, f64), after: (Timestamp, f64), at: Timestamp, counter: bool) -> f64 {
    let from = if counter && after.1 < before.1 { 0.0 } else { before.1 };
    from + (after.1 - from) * (at - before.0).0 as f64 / (after.0 - before.0).0 as f64
}

/// The values at both ends, interpolated where samples lie outside of a smoothed window.
fn edge_values(window: &Window<'_>, (first, last): (usize, usize), smoothed: bool, counter: bool) -> (f64, f64) {
    let sample = |at: usize| (window.times[at], window.values[at]);
    let left = if smoothed && window.times[first] < window.start {
        interpolated(sample(first), sample(first + 1), window.start, counter)
    } else {
        window.values[first]
    };
    let right = if smoothed && last > 0 && window.times[last] > window.end {
        interpolated(sample(last - 1), sample(last), window.end, counter)
    } else {
        window.values[last]
    };
    (left, right)
}

/// The samples inside of a window, between one at each of its edges; nothing where it holds too little.
pub fn with_edges(window: &Window<'_>, smoothed: bool) -> Vec<(Timestamp, Sample)> {
    let Some((first, last)) = ends(window, smoothed) else { return Vec::new() };
    let (left, right) = edge_values(window, (first, last), smoothed, false);
    let inside = (first..=last).map(|at| (window.times[at], window.values[at]));
    let inside = inside.filter(|(time, _)| *time > window.start && *time < window.end);
    let samples = std::iter::once((window.start, left)).chain(inside).chain([(window.end, right)]);
    samples.map(|(time, value)| (time, Sample::Float(value))).collect()
}

fn extended(window: &Window<'_>, kind: Kind, smoothed: bool) -> Option<f64> {
    let (mut first, last) = ends(window, smoothed)?;
    let counter = kind != Kind::Delta;
    let (left, right) = edge_values(window, (first, last), smoothed, counter);
    let mut grown = right - left;
    if counter {
        // What was lost in resets; those at the edges are taken care of.
        if window.times[first] <= window.start {
            first += 1;
        }
        let behind = if window.times[last] >= window.end { last } else { last + 1 };
        let mut lost = 0.0;
        let mut before = left;
        for value in window.values.get(first..behind).unwrap_or_default().iter().chain([&right]) {
            if *value < before {
                lost += before;
            }
            before = *value;
        }
        grown += lost;
    }
    Some(if kind == Kind::Rate { grown / window.range.go_seconds() } else { grown })
}

fn extended_sample(window: &Window<'_>, kind: Kind, smoothed: bool, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let (histograms, numbers) = histograms(window);
    if histograms.is_empty() {
        return extended(window, kind, smoothed).map(Sample::Float);
    }
    if numbers > 0 {
        remarks.push(Remark::MixedSamples);
        return None;
    }
    let (first, last) = ends(window, smoothed)?;
    let counter = kind != Kind::Delta;
    let custom = histograms[first].has_custom_buckets();
    for histogram in &histograms[first..=last] {
        if histogram.has_custom_buckets() != custom {
            remarks.push(Remark::MixedSchemas);
            return None;
        }
        if counter && histogram.hint == ResetHint::Gauge {
            remarks.push(Remark::NotCounter);
        }
    }
    let sample = |at: usize| (window.times[at], &*histograms[at]);
    let mut between = |before, after, at| {
        interpolated_histogram(before, after, at, counter, remarks).map_err(|MixedSchemas| {
            remarks.push(Remark::MixedSchemas);
        })
    };
    let left = if smoothed && window.times[first] < window.start {
        between(sample(first), sample(first + 1), window.start).ok()?
    } else {
        FloatHistogram::clone(&histograms[first])
    };
    let right = if smoothed && last > 0 && window.times[last] > window.end {
        between(sample(last - 1), sample(last), window.end).ok()?
    } else {
        FloatHistogram::clone(&histograms[last])
    };
    if !counter && (left.hint != ResetHint::Gauge || right.hint != ResetHint::Gauge) {
        remarks.push(Remark::NotGauge);
    }
    let mut grown = right.clone();
    sub_remarked(&mut grown, &left, remarks)?;
    if counter {
        let spanned = smoothed && window.times[first] < window.start;
        if let Some(lost) = lost_in_resets(&histograms[first..=last], &left, &right, spanned, remarks)? {
            add_remarked(&mut grown, &lost, remarks)?;
        }
    }
    if kind == Kind::Rate {
        grown.div(window.range.go_seconds());
    }
    grown.hint = ResetHint::Gauge;
    grown.compact();
    Some(Sample::Histogram(Arc::new(grown)))
}

/// The histogram at a time between two.
///
/// Errors: exponential and custom buckets.
pub fn interpolated_histogram(
    (before_time, before): (Timestamp, &FloatHistogram),
    (after_time, after): (Timestamp, &FloatHistogram),
    at: Timestamp,
    counter: bool,
    remarks: &mut Vec<Remark>,
) -> Result<FloatHistogram, MixedSchemas> {
    if at == before_time || at == after_time {
        return Ok(if at == before_time { before } else { after }.clone());
    }
    let share = (at - before_time).0 as f64 / (after_time - before_time).0 as f64;
    let mut result = after.clone();
    if counter && after.is_reset_after(before) {
        result.mul(share);
        return Ok(result);
    }
    if result.sub(before)?.bounds_reconciled {
        remarks.push(Remark::BoundsSubtracted);
    }
    result.mul(share);
    if result.add(before)?.bounds_reconciled {
        remarks.push(Remark::BoundsAdded);
    }
    Ok(result)
}

/// What a counter lost in resets, between its values at both ends; `Some(None)` for nothing, `None` where histograms do not
/// go together. `spanned` says that the left end lies between the first two samples.
fn lost_in_resets(
    histograms: &[Arc<FloatHistogram>],
    left: &FloatHistogram,
    right: &FloatHistogram,
    spanned: bool,
    remarks: &mut Vec<Remark>,
) -> Option<Option<FloatHistogram>> {
    let (mut first, mut before) = (1, left);
    // A reset that the left end has been interpolated over is counted already.
    if spanned
        && let [start, second, ..] = histograms
        && second.is_reset_after(start)
    {
        (first, before) = (2, second);
    }
    // The last one is the right end, or inherits its hint.
    let behind = histograms.len() - 1;
    if first > behind {
        return Some(None);
    }
    let mut lost: Option<FloatHistogram> = None;
    let inner = histograms[first..behind].iter().map(|histogram| &**histogram);
    for next in inner.chain([right]) {
        if next.is_reset_after(before) {
            match &mut lost {
                Some(lost) => add_remarked(lost, before, remarks)?,
                None => lost = Some(before.clone()),
            }
        }
        before = next;
    }
    Some(lost)
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Samples;
    use super::*;

    /// A window of samples every 10 s that reaches beyond its range on both sides.
    fn call(name: &str, edge: Edge, values: &[f64], (start, end): (i64, i64)) -> Option<f64> {
        let mut found = None;
        let last = 10 * (values.len() as i64 - 1);
        Samples::every(10, values).window(-10, last, |whole| {
            let (start, end) = (Timestamp(start * 1000), Timestamp(end * 1000));
            let window = Window { start, end, range: end - start, ..*whole };
            found = at_edges(name, edge).unwrap().0(&window, &[]);
        });
        found
    }

    #[test]
    fn an_anchored_window_begins_with_the_sample_before_it() {
        let values = [1.0, 3.0, 6.0, 2.0];
        assert_eq!(call("delta", Edge::Anchored, &values, (15, 30)), Some(-1.0));
        assert_eq!(call("increase", Edge::Anchored, &values, (15, 30)), Some(5.0));
        assert_eq!(call("rate", Edge::Anchored, &values, (10, 30)), Some(5.0 / 20.0));
        assert_eq!(call("changes", Edge::Anchored, &values, (15, 30)), Some(2.0));
        assert_eq!(call("resets", Edge::Anchored, &values, (15, 30)), Some(1.0));
        assert_eq!(call("changes", Edge::Anchored, &values, (30, 45)), None);
        assert_eq!(call("delta", Edge::Anchored, &values, (30, 45)), None);
    }

    #[test]
    fn a_smoothed_window_is_interpolated_at_both_ends() {
        let values = [0.0, 10.0, 20.0, 5.0];
        assert_eq!(call("delta", Edge::Smoothed, &values, (5, 15)), Some(10.0));
        // From 20 to 5 the counter began from zero, and stood at 2.5 in the middle.
        assert_eq!(call("increase", Edge::Smoothed, &values, (10, 25)), Some(2.5 - 10.0 + 20.0));
        assert_eq!(call("delta", Edge::Smoothed, &values, (35, 45)), None);
    }

    #[test]
    fn other_functions_take_no_edges() {
        let error = at_edges("sum_over_time", Edge::Smoothed).err();
        let message = "smoothed modifier can only be used with: delta, increase, rate - not with sum_over_time";
        assert_eq!(error.as_deref(), Some(message));
        assert!(at_edges("changes", Edge::Smoothed).is_err());
    }
}
