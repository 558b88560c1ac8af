//! What a range aggregation makes of the samples of each window (Loki `pkg/logql/range_vector.go`). A window ends at its step and holds it,
//! and begins right behind the time that lies the range before.

use super::sliding::{Extremes, Ranked, WholeSums};
use crate::engine::{bits, quantile};
use crate::logql::ast::RangeOp;
use crate::time::{Duration, Nanoseconds};

/// The samples of one series in order of time.
#[derive(Clone, Debug, Default)]
pub struct Series {
    pub times: Vec<Nanoseconds>,
    pub values: Vec<f64>,
}

impl Series {
    pub fn push(&mut self, time: Nanoseconds, value: f64) {
        self.times.push(time);
        self.values.push(value);
    }

    /// Adds samples of other streams.
    pub fn append(&mut self, mut other: Series) {
        self.times.append(&mut other.times);
        self.values.append(&mut other.values);
    }

    /// The samples in order of time, those of one time in the order in which they came.
    pub fn in_order(self) -> Series {
        if self.times.is_sorted() {
            return self;
        }
        let mut samples: Vec<(Nanoseconds, f64)> = self.times.into_iter().zip(self.values).collect();
        samples.sort_by_key(|(time, _)| *time);
        let (times, values) = samples.into_iter().unzip();
        Series { times, values }
    }
}

/// A range aggregation without its input.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub op: RangeOp,
    /// The quantile of `quantile_over_time`.
    pub param: f64,
    pub range: Duration,
    /// Whether the samples are the values of a label.
    pub unwrapped: bool,
}

/// The samples of the window of each step: the first one, and the one behind the last.
fn bounds<'a>(
    series: &'a Series,
    ends: &'a [Nanoseconds],
    range: Duration,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let range = range.0.saturating_mul(1_000_000);
    let first = ends.first().map_or(0, |end| end.0.saturating_sub(range));
    let mut from = series.times.partition_point(|time| time.0 <= first);
    let mut to = from;
    ends.iter().map(move |end| {
        let start = end.0.saturating_sub(range);
        while series.times.get(from).is_some_and(|time| time.0 <= start) {
            from += 1;
        }
        to = to.max(from);
        while series.times.get(to).is_some_and(|time| *time <= *end) {
            to += 1;
        }
        (from, to)
    })
}

impl Window {
    /// The value at each step whose window holds samples. The ends ascend.
    pub fn slide(&self, series: &Series, ends: &[Nanoseconds], values: &mut [f64], present: &mut [u64]) {
        let bounds: Vec<(usize, usize)> = bounds(series, ends, self.range).collect();
        let all = &series.values;
        match self.op {
            RangeOp::MinOverTime => {
                let mut least = Extremes::new(all, |a, b| a < b);
                each(&bounds, values, present, |from, to| least.of(from, to));
            }
            RangeOp::MaxOverTime => {
                let mut most = Extremes::new(all, |a, b| a > b);
                each(&bounds, values, present, |from, to| most.of(from, to));
            }
            RangeOp::QuantileOverTime => self.quantiles(all, &bounds, values, present),
            _ => {
                let whole = self.adds_up().then(|| WholeSums::of(all)).flatten();
                each(&bounds, values, present, |from, to| self.value(series, whole.as_ref(), from, to));
            }
        }
    }

    /// The value of a window that is not empty.
    fn value(&self, series: &Series, whole: Option<&WholeSums>, from: usize, to: usize) -> f64 {
        let seconds = self.range.seconds();
        let samples = &series.values[from..to];
        let sum = || whole.map_or_else(|| samples.iter().sum(), |sums| sums.between(from, to));
        match self.op {
            RangeOp::CountOverTime => samples.len() as f64,
            RangeOp::Rate if !self.unwrapped => samples.len() as f64 / seconds,
            RangeOp::Rate | RangeOp::BytesRate => sum() / seconds,
            RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
            RangeOp::RateCounter => rate_counter(&series.times[from..to], samples, self.range),
            RangeOp::AvgOverTime => mean(samples),
            RangeOp::StdvarOverTime => variance(samples),
            RangeOp::StddevOverTime => variance(samples).sqrt(),
            RangeOp::FirstOverTime => samples[0],
            RangeOp::LastOverTime => samples[samples.len() - 1],
            // The others slide.
            RangeOp::AbsentOverTime | RangeOp::MinOverTime | RangeOp::MaxOverTime | RangeOp::QuantileOverTime => 1.0,
        }
    }

    /// Windows that overlap much are ranked together, others sorted one by one; `NaN` stands before all numbers.
    fn quantiles(&self, all: &[f64], bounds: &[(usize, usize)], values: &mut [f64], present: &mut [u64]) {
        let (Some((first, _)), Some((_, last))) = (bounds.first(), bounds.last()) else { return };
        let total: usize = bounds.iter().map(|(from, to)| to - from).sum();
        if total > 4 * (last - first) {
            let mut ranked = Ranked::new(all, *first, *last);
            return each(bounds, values, present, |from, to| ranked.quantile(self.param, from, to));
        }
        let mut scratch = Vec::new();
        each(bounds, values, present, |from, to| {
            scratch.clear();
            scratch.extend_from_slice(&all[from..to]);
            quantile(self.param, &mut scratch)
        });
    }

    fn adds_up(&self) -> bool {
        matches!(self.op, RangeOp::Rate | RangeOp::BytesRate | RangeOp::BytesOverTime | RangeOp::SumOverTime)
    }
}

/// Sets the value of each window that is not empty.
fn each(
    bounds: &[(usize, usize)],
    values: &mut [f64],
    present: &mut [u64],
    mut value: impl FnMut(usize, usize) -> f64,
) {
    for (step, (from, to)) in bounds.iter().enumerate().filter(|(_, (from, to))| from < to) {
        values[step] = value(*from, *to);
        bits::insert(present, step);
    }
}

/// The mean of the values so far, moved by each of them. Once infinite it stays so, until a value contradicts it.
fn mean(values: &[f64]) -> f64 {
    let (mut mean, mut count) = (0.0_f64, 0.0);
    for value in values {
        count += 1.0;
        if mean.is_infinite() && !value.is_nan() && (!value.is_infinite() || (mean > 0.0) == (*value > 0.0)) {
            continue;
        }
        mean += value / count - mean / count;
    }
    mean
}

/// Welford's variance of a population.
fn variance(values: &[f64]) -> f64 {
    let (mut squares, mut count, mut mean) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// Prometheus' extrapolated rate of a counter, whose nanoseconds Loki takes for milliseconds: the range that it extrapolates
/// to is a millionth of what it should be (`extrapolatedRate`).
fn rate_counter(times: &[Nanoseconds], values: &[f64], range: Duration) -> f64 {
    let (Some((first, last)), true) = (times.first().zip(times.last()), values.len() > 1) else { return 0.0 };
    let mut increase = values[values.len() - 1] - values[0];
    let mut before = 0.0;
    for value in values {
        if *value < before {
            increase += before;
        }
        before = *value;
    }
    let sampled = (last.0 - first.0) as f64 / 1000.0;
    let average = sampled / (values.len() - 1) as f64;
    let mut to_start = range.0 as f64 / 1000.0;
    if increase > 0.0 && values[0] >= 0.0 {
        let to_zero = sampled * (values[0] / increase);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    let threshold = average * 1.1;
    let mut reach = sampled;
    reach += if to_start < threshold { to_start } else { average / 2.0 };
    // The range ends with the last sample.
    reach += if 0.0 < threshold { 0.0 } else { average / 2.0 };
    increase * (reach / sampled) / range.seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slide(op: RangeOp, param: f64, samples: &[(i64, f64)], ends: &[i64]) -> Vec<Option<f64>> {
        let nanos = |seconds: i64| Nanoseconds(seconds * 1_000_000_000);
        let series = Series {
            times: samples.iter().map(|(time, _)| nanos(*time)).collect(),
            values: samples.iter().map(|(_, value)| *value).collect(),
        };
        let ends: Vec<Nanoseconds> = ends.iter().map(|end| nanos(*end)).collect();
        let window = Window { op, param, range: Duration(10_000), unwrapped: true };
        let (mut values, mut present) = (vec![0.0; ends.len()], vec![0; bits::words(ends.len())]);
        window.slide(&series, &ends, &mut values, &mut present);
        (0..ends.len()).map(|step| bits::has(&present, step).then(|| values[step])).collect()
    }

    #[test]
    fn a_window_holds_its_end_and_not_its_start() {
        let samples = [(0, 1.0), (10, 2.0), (10, 4.0), (20, 8.0)];
        let sums = slide(RangeOp::SumOverTime, 0.0, &samples, &[-1, 0, 9, 10, 19, 20, 30, 31]);
        assert_eq!(sums, [None, Some(1.0), Some(1.0), Some(6.0), Some(6.0), Some(8.0), None, None]);
        let counts = slide(RangeOp::CountOverTime, 0.0, &samples, &[0, 10, 25]);
        assert_eq!(counts, [Some(1.0), Some(2.0), Some(1.0)]);
    }

    // Expected values: arithmetic.
    #[test]
    fn functions_over_a_window_are_those_of_loki() {
        let samples = [(1, 4.0), (2, 1.0), (3, 7.0)];
        let at = |op, param| slide(op, param, &samples, &[5])[0].unwrap();
        assert_eq!(at(RangeOp::AvgOverTime, 0.0), 4.0);
        assert_eq!(at(RangeOp::MinOverTime, 0.0), 1.0);
        assert_eq!(at(RangeOp::MaxOverTime, 0.0), 7.0);
        assert_eq!(at(RangeOp::StdvarOverTime, 0.0), 6.0);
        assert_eq!(at(RangeOp::QuantileOverTime, 0.75), 5.5);
        assert_eq!(at(RangeOp::QuantileOverTime, 1.5), f64::INFINITY);
        assert_eq!((at(RangeOp::FirstOverTime, 0.0), at(RangeOp::LastOverTime, 0.0)), (4.0, 7.0));
        assert_eq!(at(RangeOp::Rate, 0.0), 1.2);
        // A reset: 3 + 4 over two seconds, which are two million of Loki's milliseconds; the range of ten of them is added.
        let rate = at(RangeOp::RateCounter, 0.0);
        assert!((rate - 7.0 * (2e6 + 10.0) / 2e6 / 10.0).abs() < 1e-15, "{rate}");
    }

    #[test]
    fn a_mean_that_became_infinite_stays_so() {
        assert_eq!(mean(&[f64::INFINITY, 1.0, f64::INFINITY]), f64::INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(mean(&[1.0, f64::NAN, 2.0]).is_nan());
    }
}
