//! Functions over windows in which samples are histograms, or some of them (Prometheus `promql/functions.go`).

use std::sync::Arc;

use super::rate::{Kind, stretch};
use super::{RangeFn, Window, started};
use crate::histogram::{CUSTOM_BUCKETS, Combined, FloatHistogram, MixedSchemas, ResetHint, Running, Sample};
use crate::time::Timestamp;

/// What is to be said of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Numbers and histograms, where only one kind can be.
    MixedSamples,
    /// Exponential and custom buckets.
    MixedSchemas,
    NotCounter,
    NotGauge,
    /// Histograms were left out.
    Ignored,
    /// Custom bounds were brought to those in common, in a sum, a difference, an aggregation.
    BoundsAdded,
    BoundsSubtracted,
    BoundsAggregated,
    HintsCollide,
    /// A sample began to count before the one before it was taken.
    StartsOverlap,
}

/// A function over a window that holds a histogram, given the parameters of the call and the function over numbers of the
/// same name.
pub type HistogramRangeFn = fn(&Window<'_>, args: &[f64], RangeFn, &mut Vec<Remark>) -> Option<Sample>;

/// The function over windows of that name.
pub fn over_histograms(name: &str) -> HistogramRangeFn {
    match name {
        "rate" => |window, _, float, remarks| grown(window, Kind::Rate, float, remarks),
        "increase" => |window, _, float, remarks| grown(window, Kind::Increase, float, remarks),
        "delta" => |window, _, _, remarks| extrapolated(window, Kind::Delta, remarks),
        "irate" => |window, _, float, remarks| last_two(window, float, true, remarks),
        "idelta" => |window, _, float, remarks| last_two(window, float, false, remarks),
        "sum_over_time" => |window, _, _, remarks| total(window, false, remarks),
        "avg_over_time" => |window, _, _, remarks| total(window, true, remarks),
        "count_over_time" | "present_over_time" | "ts_of_first_over_time" | "ts_of_last_over_time" => {
            |window, args, float, _| float(window, args).map(Sample::Float)
        }
        "first_over_time" => |window, _, _, _| Some(window.sample(0)),
        "last_over_time" => |window, _, _, _| Some(window.sample(window.values.len() - 1)),
        "changes" => |window, _, _, _| changes(window),
        "resets" => |window, _, _, _| resets(window),
        _ => numbers_only,
    }
}

/// How often a sample differs from the one before it.
pub(super) fn changes(window: &Window<'_>) -> Option<Sample> {
    count_pairs(window, is_change)
}

/// How often a counter was reset.
pub(super) fn resets(window: &Window<'_>) -> Option<Sample> {
    count_pairs(window, is_reset)
}

/// Adds a histogram; `None` where the two do not go together.
pub(super) fn add_remarked(sum: &mut FloatHistogram, other: &FloatHistogram, remarks: &mut Vec<Remark>) -> Option<()> {
    let added = sum.add(other);
    remarked(added, Remark::BoundsAdded, remarks)
}

/// Subtracts a histogram; `None` where the two do not go together.
pub(super) fn sub_remarked(
    difference: &mut FloatHistogram,
    other: &FloatHistogram,
    remarks: &mut Vec<Remark>,
) -> Option<()> {
    let subtracted = difference.sub(other);
    remarked(subtracted, Remark::BoundsSubtracted, remarks)
}

fn remarked(combined: Result<Combined, MixedSchemas>, reconciled: Remark, remarks: &mut Vec<Remark>) -> Option<()> {
    match combined {
        Ok(combined) if combined.bounds_reconciled => remarks.push(reconciled),
        Ok(_) => {}
        Err(MixedSchemas) => {
            remarks.push(Remark::MixedSchemas);
            return None;
        }
    }
    Some(())
}

/// The histograms of a window, and how many numbers there are beside them.
pub(super) fn histograms(window: &Window<'_>) -> (Vec<Arc<FloatHistogram>>, usize) {
    let mut found = Vec::with_capacity(window.values.len());
    let mut numbers = 0;
    for at in 0..window.values.len() {
        match window.sample(at) {
            Sample::Histogram(histogram) => found.push(histogram),
            Sample::Float(_) => numbers += 1,
        }
    }
    (found, numbers)
}

/// What a function yields that leaves histograms out.
fn numbers_only(window: &Window<'_>, args: &[f64], float: RangeFn, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let numbers = (0..window.values.len()).filter_map(|at| Some((window.times[at], window.sample(at).float()?)));
    let (times, values): (Vec<Timestamp>, Vec<f64>) = numbers.unzip();
    if values.is_empty() {
        return None;
    }
    remarks.push(Remark::Ignored);
    float(&Window { times: &times, values: &values, histograms: &[], starts: &[], ..*window }, args).map(Sample::Float)
}

fn total(window: &Window<'_>, mean: bool, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let (histograms, numbers) = histograms(window);
    if numbers > 0 {
        remarks.push(Remark::MixedSamples);
        return None;
    }
    let (first, rest) = histograms.split_first()?;
    let mut running = Running::new(first);
    for next in rest {
        let added = if mean { running.average(next) } else { running.add(next) };
        if added.is_err() {
            remarks.push(Remark::MixedSchemas);
            return None;
        }
    }
    if running.hints_collide() {
        remarks.push(Remark::HintsCollide);
    }
    if running.bounds_reconciled() {
        remarks.push(Remark::BoundsAggregated);
    }
    let total = if mean { running.mean() } else { running.sum() };
    Some(Sample::Histogram(Arc::new(total)))
}

fn is_change(before: &Sample, after: &Sample) -> bool {
    match (before, after) {
        (Sample::Float(before), Sample::Float(after)) => before != after && !(before.is_nan() && after.is_nan()),
        (Sample::Histogram(before), Sample::Histogram(after)) => !after.equals(before),
        _ => true,
    }
}

fn is_reset(before: &Sample, after: &Sample) -> bool {
    match (before, after) {
        (Sample::Float(before), Sample::Float(after)) => after < before,
        (Sample::Histogram(before), Sample::Histogram(after)) => after.is_reset_after(before),
        _ => true,
    }
}

fn count_pairs(window: &Window<'_>, counts: fn(&Sample, &Sample) -> bool) -> Option<Sample> {
    let samples: Vec<Sample> = (0..window.values.len()).map(|at| window.sample(at)).collect();
    let counted = |(at, pair): &(usize, &[Sample])| counts(&pair[0], &pair[1]) || window.starts_anew(at + 1);
    Some(Sample::Float(samples.windows(2).enumerate().filter(counted).count() as f64))
}

/// `irate` and `idelta`.
fn last_two(window: &Window<'_>, float: RangeFn, rate: bool, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let last = window.values.len().checked_sub(1)?;
    let before = last.checked_sub(1)?;
    let elapsed = (window.times[last] - window.times[before]).seconds();
    let (before, after) = match (window.sample(before), window.sample(last)) {
        (Sample::Histogram(before), Sample::Histogram(after)) => (before, after),
        (Sample::Float(_), Sample::Float(_)) => return float(window, &[]).map(Sample::Float),
        _ => {
            remarks.push(Remark::MixedSamples);
            return None;
        }
    };
    remark_kind(&[&before, &after], rate, remarks);
    let mut result = FloatHistogram::clone(&after);
    if !rate || !(window.starts_anew(last) || after.is_reset_after(&before)) {
        sub_remarked(&mut result, &before, remarks)?;
    }
    result.hint = ResetHint::Gauge;
    result.compact();
    if rate {
        result.div(elapsed);
    }
    Some(Sample::Histogram(Arc::new(result)))
}

/// Counters are not for what is made for gauges, and the other way round.
fn remark_kind(histograms: &[&FloatHistogram], counter: bool, remarks: &mut Vec<Remark>) {
    let gauges = histograms.iter().filter(|histogram| histogram.hint == ResetHint::Gauge).count();
    if counter && gauges > 0 {
        remarks.push(Remark::NotCounter);
    } else if !counter && gauges < histograms.len() {
        remarks.push(Remark::NotGauge);
    }
}

/// `rate` and `increase`, also of numbers that have start timestamps.
fn grown(window: &Window<'_>, kind: Kind, float: RangeFn, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let (histograms, numbers) = histograms(window);
    if histograms.is_empty() || numbers > 0 || window.starts.is_empty() {
        if histograms.is_empty() && window.starts_overlap() {
            remarks.push(Remark::StartsOverlap);
        }
        return if histograms.is_empty() {
            float(window, &[]).map(Sample::Float)
        } else {
            extrapolated(window, kind, remarks)
        };
    }
    let first = histograms.first()?;
    let mut difference = None;
    if histograms.len() > 1 {
        match growth(window, &histograms, true, remarks) {
            Ok(grown) => difference = Some(grown),
            Err(MixedSchemas) => {
                remarks.clear();
                remarks.push(Remark::MixedSchemas);
                return None;
            }
        }
    }
    let grows = difference.as_ref().is_some_and(|difference| difference.count > 0.0 && first.count >= 0.0);
    let share = difference.as_ref().filter(|_| grows).map(|difference| first.count / difference.count);
    let stretch = started::Stretch::of(window, kind, share)?;
    let mut result = match difference {
        Some(mut difference) => {
            if window.begun_inside().is_some() {
                add_remarked(&mut difference, first, remarks)?;
            }
            difference
        }
        None => FloatHistogram::clone(first),
    };
    result.mul(stretch.factor());
    Some(Sample::Histogram(Arc::new(result)))
}

fn extrapolated(window: &Window<'_>, kind: Kind, remarks: &mut Vec<Remark>) -> Option<Sample> {
    let (histograms, numbers) = histograms(window);
    if numbers > 0 {
        remarks.push(Remark::MixedSamples);
        return None;
    }
    let (first, [.., _]) = histograms.split_first()? else { return None };
    let ([first_time, .., last_time], counter) = (window.times, kind != Kind::Delta) else { return None };
    let mut difference = match growth(window, &histograms, counter, remarks) {
        Ok(difference) => difference,
        Err(MixedSchemas) => {
            // What was said before is not said any more.
            remarks.clear();
            remarks.push(Remark::MixedSchemas);
            return None;
        }
    };
    let share = (counter && difference.count > 0.0 && first.count >= 0.0).then(|| first.count / difference.count);
    difference.mul(stretch(window, *first_time, *last_time, kind, share));
    Some(Sample::Histogram(Arc::new(difference)))
}

/// The difference between first and last histogram; of a counter, with what was lost in resets.
fn growth(
    window: &Window<'_>,
    histograms: &[Arc<FloatHistogram>],
    counter: bool,
    remarks: &mut Vec<Remark>,
) -> Result<FloatHistogram, MixedSchemas> {
    let (Some(first), Some(last)) = (histograms.first(), histograms.last()) else {
        return Ok(FloatHistogram::default());
    };
    if counter {
        remark_kind(&[first, last], true, remarks);
    }
    let mut first = first.clone();
    if counter
        && let Some(second) = histograms.get(1)
        && (window.starts_anew(1) || second.is_reset_after(&first))
    {
        // It does not matter, whatever its buckets are.
        let custom_values = second.custom_values.clone();
        first = Arc::new(FloatHistogram { schema: second.schema, custom_values, ..FloatHistogram::default() });
    }
    let custom = first.has_custom_buckets();
    if last.has_custom_buckets() != custom {
        return Err(MixedSchemas);
    }
    let mut schema = last.schema.min(first.schema);
    for between in &histograms[1..histograms.len() - 1] {
        if !counter {
            break;
        }
        remark_kind(&[between], true, remarks);
        if between.has_custom_buckets() != custom {
            return Err(MixedSchemas);
        }
        schema = schema.min(between.schema);
    }
    debug_assert!(!custom || schema == CUSTOM_BUCKETS);
    let mut difference = last.at_schema(schema);
    if difference.sub(&first)?.bounds_reconciled {
        remarks.push(Remark::BoundsSubtracted);
    }
    if counter {
        if window.starts_overlap() {
            remarks.push(Remark::StartsOverlap);
        }
        let mut before = &first;
        for (at, next) in histograms.iter().enumerate().skip(1) {
            if (window.starts_anew(at) || next.is_reset_after(before)) && difference.add(before)?.bounds_reconciled {
                remarks.push(Remark::BoundsAdded);
            }
            before = next;
        }
    } else {
        let (Some(first), Some(last)) = (histograms.first(), histograms.last()) else { return Ok(difference) };
        remark_kind(&[first, last], false, remarks);
    }
    difference.hint = ResetHint::Gauge;
    difference.compact();
    Ok(difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{Bucket, handle};
    use crate::labels::Labels;

    /// A histogram of one bucket, or a number below zero.
    fn call(name: &str, samples: &[f64]) -> (Option<Sample>, Vec<Remark>) {
        let mut histograms = Vec::new();
        let mut values = Vec::new();
        for count in samples {
            if *count < 0.0 {
                values.push(*count);
                continue;
            }
            values.push(handle(histograms.len()));
            let positive = vec![Bucket { index: 1, count: *count }];
            histograms.push(Arc::new(FloatHistogram { count: *count, positive, ..FloatHistogram::default() }));
        }
        let times: Vec<Timestamp> = (1..=values.len() as i64).map(|k| Timestamp(k * 15_000)).collect();
        let (start, end) = (Timestamp(0), Timestamp(values.len() as i64 * 15_000));
        let labels = &Labels::empty();
        let range = end - start;
        let window = Window {
            times: &times,
            values: &values,
            histograms: &histograms,
            starts: &[],
            labels,
            start,
            end,
            range,
            at: end,
        };
        let mut remarks = Vec::new();
        let float = super::super::range_function(name).unwrap();
        (over_histograms(name)(&window, &[], float, &mut remarks), remarks)
    }

    fn count(name: &str, samples: &[f64]) -> f64 {
        match call(name, samples).0.unwrap() {
            Sample::Float(value) => value,
            Sample::Histogram(histogram) => {
                assert_eq!(histogram.positive.iter().map(|bucket| bucket.count).sum::<f64>(), histogram.count);
                histogram.count
            }
        }
    }

    #[test]
    fn histograms_grow_as_counters_do() {
        // Three intervals in a window of four: stretched by 4/3.
        assert_eq!(count("increase", &[30.0, 40.0, 50.0, 60.0]), 40.0);
        assert_eq!(count("increase", &[30.0, 60.0, 10.0, 20.0]), 50.0 * (60.0 / 45.0));
        assert_eq!(count("delta", &[30.0, 60.0, 10.0, 0.0]), -40.0);
        assert_eq!(count("irate", &[1.0, 31.0]), 2.0);
        assert_eq!(count("irate", &[31.0, 15.0]), 1.0);
        assert_eq!(count("idelta", &[31.0, 1.0]), -30.0);
        assert_eq!(call("rate", &[1.0]).0, None);
        assert_eq!(call("delta", &[1.0, 2.0]).1, [Remark::NotGauge]);
    }

    #[test]
    fn windows_of_both_kinds_are_refused_or_divided() {
        for name in ["rate", "delta", "sum_over_time", "avg_over_time", "irate"] {
            assert_eq!(call(name, &[1.0, -2.0]), (None, vec![Remark::MixedSamples]), "{name}");
        }
        assert_eq!(call("max_over_time", &[1.0, -2.0]), (Some(Sample::Float(-2.0)), vec![Remark::Ignored]));
        assert_eq!(call("max_over_time", &[1.0]), (None, vec![]));
        assert_eq!(call("deriv", &[1.0, -2.0]), (None, vec![Remark::Ignored]));
        assert_eq!(count("count_over_time", &[1.0, -2.0, 3.0]), 3.0);
        assert_eq!(count("changes", &[1.0, 1.0, -2.0, -2.0, 3.0]), 2.0);
        assert_eq!(count("resets", &[1.0, -2.0, -3.0, 5.0, 4.0]), 4.0);
        assert_eq!(count("last_over_time", &[-1.0, 2.0]), 2.0);
        assert_eq!(count("avg_over_time", &[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(count("sum_over_time", &[1.0, 2.0, 6.0]), 9.0);
    }
}
