//! Functions over range vectors, for all windows of a series at once. The order of operations inside of each window is that
//! of the functions over single windows; what is taken over from one window to the next is exact.

use super::rate::{Kind, Lie, Stretch, share};
use super::{over_time, trend};
use crate::engine::bits;
use crate::labels::Labels;
use crate::number::{KahanSum, kahan_sum};
use crate::time::{Duration, Timestamp};

/// A series of numbers, none of them NaN, and its windows.
#[derive(Clone, Copy)]
pub struct Track<'a> {
    /// Strictly increasing.
    pub times: &'a [Timestamp],
    /// One value a time.
    pub values: &'a [f64],
    pub labels: &'a Labels,
    /// The distance of all times, where it is the same.
    pub spacing: Option<Duration>,
    /// The first sample of each window and the one behind its last; neither decreases. A window may be empty.
    pub bounds: &'a [(u32, u32)],
    /// Where each window ends.
    pub ends: &'a [Timestamp],
    /// The width of the windows.
    pub range: Duration,
}

/// A column of results.
pub struct Results<'a> {
    pub values: &'a mut [f64],
    /// One bit a step, 64 to a word.
    pub present: &'a mut [u64],
}

/// A function over all windows of a series.
pub type ColumnFn = fn(&Track<'_>, parameters: &Parameters<'_>, out: &mut Results<'_>);

/// What else a function looks at.
pub struct Parameters<'a> {
    /// The time of each step.
    pub at: &'a [Timestamp],
    /// The first scalar parameter at each step; empty where there is none.
    pub first: &'a [f64],
}

/// The function of that name, where there is one that is better than going from window to window.
pub fn column_function(name: &str) -> Option<ColumnFn> {
    Some(match name {
        "rate" => |track, _, out| difference(track, Kind::Rate, out),
        "increase" => |track, _, out| difference(track, Kind::Increase, out),
        "delta" => |track, _, out| difference(track, Kind::Delta, out),
        "sum_over_time" => |track, _, out| sums(track, out, |sum, _| sum, kahan_sum),
        "avg_over_time" => |track, _, out| {
            sums(track, out, |sum, count| sum / count, |values| over_time::mean(values).unwrap_or(f64::NAN));
        },
        "count_over_time" => |track, _, out| track.each(out, |values| values.len() as f64),
        "present_over_time" => |track, _, out| track.each(out, |_| 1.0),
        "max_over_time" => |track, _, out| track.each(out, |values| extreme(values, |value, most| value > most)),
        "min_over_time" => |track, _, out| track.each(out, |values| extreme(values, |value, least| value < least)),
        "predict_linear" => predictions,
        "deriv" => slopes,
        _ => return None,
    })
}

impl Results<'_> {
    fn set(&mut self, step: usize, value: f64) {
        self.values[step] = value;
        bits::insert(self.present, step);
    }
}

impl<'a> Track<'a> {
    /// The steps whose windows hold samples, with first and last index.
    fn windows(&self) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
        let bounds = self.bounds.iter().enumerate().map(|(step, (from, to))| (step, *from as usize, *to as usize));
        bounds.filter(|(_, from, to)| from < to)
    }

    fn each(&self, out: &mut Results<'_>, f: impl Fn(&[f64]) -> f64) {
        for (step, from, to) in self.windows() {
            out.set(step, f(&self.values[from..to]));
        }
    }

    /// The samples that any window holds.
    fn covered(&self) -> std::ops::Range<usize> {
        let (from, to) = match (self.bounds.first(), self.bounds.last()) {
            (Some((from, _)), Some((_, to))) => (*from as usize, *to as usize),
            _ => (0, 0),
        };
        from.min(to)..to
    }
}

/// The first of the values before which none of the others comes.
fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> f64 {
    let mut found = values[0];
    for value in &values[1..] {
        found = if better(*value, found) { *value } else { found };
    }
    found
}

/// `rate`, `increase`, `delta`: only where a counter falls is there something to add up.
fn difference(track: &Track<'_>, kind: Kind, out: &mut Results<'_>) {
    let covered = track.covered();
    let mut falls: Vec<usize> = Vec::new();
    if kind != Kind::Delta {
        let pairs = track.values[covered.clone()].windows(2).enumerate();
        falls.extend(pairs.filter(|(_, pair)| pair[1] < pair[0]).map(|(at, _)| covered.start + at + 1));
    }
    let mut next = 0;
    // The samples of one window mostly lie in it as those of the last one did.
    let mut stretched: Option<(Lie, Stretch)> = None;
    for (step, from, to) in track.windows() {
        if to - from < 2 {
            continue;
        }
        while falls.get(next).is_some_and(|fall| *fall <= from) {
            next += 1;
        }
        let first = track.values[from];
        let mut difference = track.values[to - 1] - first;
        for fall in falls[next..].iter().take_while(|fall| **fall < to) {
            difference += track.values[fall - 1];
        }
        let (first_time, last_time, end) = (track.times[from], track.times[to - 1], track.ends[step]);
        let lie = Lie {
            sampled: last_time - first_time,
            count: to - from,
            before: first_time - (end - track.range),
            after: end - last_time,
        };
        let stretch = match stretched {
            Some((known, stretch)) if known == lie => stretch,
            _ => Stretch::new(lie, kind, track.range),
        };
        stretched = Some((lie, stretch));
        out.set(step, difference * stretch.factor(share(kind, first, difference)));
    }
}

/// Sums of all values up to each, one more than there are values, where no sum has to be rounded: all are whole and small
/// enough. Then sums of windows are differences of these, with nothing to compensate (which adds a zero, so no sum is minus
/// zero).
fn whole_sums(values: &[f64]) -> Option<Vec<f64>> {
    /// Every whole number up to here is a float.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let mut total = 0.0;
    let mut size = 0.0;
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for value in values {
        if value.trunc() != *value {
            return None;
        }
        size += value.abs();
        total += value;
        sums.push(total);
    }
    (size < WHOLE).then_some(sums)
}

/// What becomes of the sum of each window, and of how many values that is; or of the values, where sums are rounded.
fn sums(
    track: &Track<'_>,
    out: &mut Results<'_>,
    of_whole: impl Fn(f64, f64) -> f64,
    otherwise: impl Fn(&[f64]) -> f64,
) {
    let covered = track.covered();
    match whole_sums(&track.values[covered.clone()]) {
        Some(sums) => {
            for (step, from, to) in track.windows() {
                let sum = sums[to - covered.start] - sums[from - covered.start];
                out.set(step, of_whole(sum, (to - from) as f64));
            }
        }
        None => track.each(out, otherwise),
    }
}

/// Windows whose lines are fitted side by side, so that none waits for the sum of another.
const LANES: usize = 4;

/// The values of a series, and the sums of those from `first` on where they are whole.
struct Values<'a> {
    all: &'a [f64],
    first: usize,
    whole: Option<Vec<f64>>,
}

/// Windows with samples at the same distances from their origins, which have the sums of those in common.
#[derive(Default)]
struct Alike {
    /// Of the first sample from the origin, and how many samples there are.
    offset: Duration,
    /// Distances of all samples, in seconds.
    x: Vec<f64>,
    x_sum: KahanSum,
    xx_sum: KahanSum,
    /// Steps and first samples of windows that are still to be fitted.
    waiting: Vec<(usize, usize)>,
}

impl Alike {
    fn new(offset: Duration, spacing: Duration, count: usize) -> Alike {
        let x = (0..count as i64).map(|at| Duration(offset.0 + at * spacing.0).seconds()).collect();
        let mut alike = Alike { offset, x, ..Alike::default() };
        for x in &alike.x {
            alike.x_sum.add(*x);
            alike.xx_sum.add(x * x);
        }
        alike
    }

    /// Slope and intercept of each of the windows that begin at these samples.
    fn lines<const N: usize>(&self, values: &Values<'_>, starts: [usize; N]) -> [(f64, f64); N] {
        let count = self.x.len();
        let lanes = starts.map(|start| &values.all[start..start + count]);
        let mut y_sums = [KahanSum::default(); N];
        let mut xy_sums = [KahanSum::default(); N];
        for (at, x) in self.x.iter().enumerate() {
            (0..N).for_each(|lane| xy_sums[lane].add(x * lanes[lane][at]));
        }
        match &values.whole {
            Some(sums) => {
                for (sum, start) in y_sums.iter_mut().zip(starts.map(|start| start - values.first)) {
                    sum.sum = sums[start + count] - sums[start];
                }
            }
            None => {
                for (at, _) in self.x.iter().enumerate() {
                    (0..N).for_each(|lane| y_sums[lane].add(lanes[lane][at]));
                }
            }
        }
        std::array::from_fn(|lane| trend::line(count, self.x_sum, self.xx_sum, y_sums[lane], xy_sums[lane]))
    }

    /// Fits what waits, in full lanes or to the last.
    fn flush(&mut self, values: &Values<'_>, to_the_last: bool, mut found: impl FnMut(usize, (f64, f64))) {
        if let [a, b, c, d] = self.waiting[..] {
            let lines = self.lines::<LANES>(values, [a.1, b.1, c.1, d.1]);
            [a, b, c, d].iter().zip(lines).for_each(|((step, _), line)| found(*step, line));
            self.waiting.clear();
        } else if to_the_last {
            for (step, start) in std::mem::take(&mut self.waiting) {
                let [line] = self.lines(values, [start]);
                found(step, line);
            }
        }
    }
}

/// The straight line through each window: slope per second, and value at `origin` of a step and its first sample.
fn lines(track: &Track<'_>, origin: impl Fn(usize, usize) -> Timestamp, mut found: impl FnMut(usize, (f64, f64))) {
    let covered = track.covered();
    let whole = whole_sums(&track.values[covered.clone()]);
    let values = Values { all: track.values, first: covered.start, whole };
    let mut alike = Alike::default();
    for (step, from, to) in track.windows() {
        if let Some(line) = trend::level(&track.values[from..to]) {
            found(step, line);
            continue;
        }
        let origin = origin(step, from);
        let Some(spacing) = track.spacing else {
            if let Some(line) = trend::fit(&track.times[from..to], &track.values[from..to], origin) {
                found(step, line);
            }
            continue;
        };
        let (offset, count) = (track.times[from] - origin, to - from);
        if count < 2 {
            continue;
        }
        if (alike.offset, alike.x.len()) != (offset, count) {
            alike.flush(&values, true, &mut found);
            alike = Alike::new(offset, spacing, count);
        }
        alike.waiting.push((step, from));
        alike.flush(&values, false, &mut found);
    }
    alike.flush(&values, true, found);
}

fn slopes(track: &Track<'_>, _: &Parameters<'_>, out: &mut Results<'_>) {
    lines(track, |_, from| track.times[from], |step, (slope, _)| out.set(step, slope));
}

fn predictions(track: &Track<'_>, parameters: &Parameters<'_>, out: &mut Results<'_>) {
    let ahead = parameters.first;
    lines(
        track,
        |step, _| parameters.at[step],
        |step, (slope, intercept)| {
            out.set(step, slope * ahead[step] + intercept);
        },
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::labels::Labels;
    use crate::promql::functions::{Window, all, range_function};

    /// Counters that fall, whole numbers, fractions, numbers whose sums overflow, zeros of both signs.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => (0i32..50).prop_map(f64::from),
            2 => -1e3..1e3,
            1 => prop::sample::select(vec![0.0, -0.0, 1e16, -1e16, f64::MAX, f64::MIN, 5e-324, f64::INFINITY]),
        ]
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let whole = (0i32..4).prop_map(f64::from);
        prop_oneof![
            prop::collection::vec(value(), 1..40),
            prop::collection::vec(-1e3..1e3, 1..40),
            prop::collection::vec(whole, 1..40),
            (value(), 1usize..40).prop_map(|(value, count)| vec![value; count]),
        ]
    }

    /// Values and whether a result is there, as windows one by one yield them and as a column does; all NaN are one.
    fn both(
        name: &str,
        times: &[Timestamp],
        values: &[f64],
        range: i64,
        step: i64,
        offset: i64,
    ) -> [Vec<Option<u64>>; 2] {
        let ends: Vec<Timestamp> = (-2..12).map(|k| Timestamp(k * step)).collect();
        let at: Vec<Timestamp> = ends.iter().map(|end| Timestamp(end.0 + offset)).collect();
        let argument: Vec<f64> = (0..ends.len()).map(|k| k as f64 / 4.0).collect();
        let until = |time: Timestamp| times.partition_point(|sample| *sample <= time);
        let bounds: Vec<(u32, u32)> =
            ends.iter().map(|end| (until(*end - Duration(range)) as u32, until(*end) as u32)).collect();
        let shape =
            times.iter().zip(values).fold((crate::store::Shape::default(), None), |(mut shape, before), (t, v)| {
                shape.note(before, *t, *v);
                (shape, Some(*t))
            });
        let range = Duration(range);
        let (labels, spacing) = (&Labels::empty(), shape.0.spacing());
        let track = Track { times, values, labels, spacing, bounds: &bounds, ends: &ends, range };
        let bits = |value: f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
        let single = range_function(name).unwrap();
        let one_by_one = track.bounds.iter().enumerate().map(|(step, (from, to))| {
            let (samples, end) = (*from as usize..*to as usize, ends[step]);
            let found = (from < to).then(|| {
                let (times, values) = (&times[samples.clone()], &values[samples]);
                let (labels, start) = (&Labels::empty(), end - range);
                let window =
                    Window { times, values, histograms: &[], starts: &[], labels, start, end, range, at: at[step] };
                single(&window, &argument[step..=step])
            });
            found.flatten().map(bits)
        });
        let (mut column, mut present) = (vec![0.0; ends.len()], vec![0; bits::words(ends.len())]);
        let out = &mut Results { values: &mut column, present: &mut present };
        column_function(name).unwrap()(&track, &Parameters { at: &at, first: &argument }, out);
        let together = (0..ends.len()).map(|step| bits::has(&present, step).then(|| bits(column[step])));
        [one_by_one.collect(), together.collect()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_column_holds_what_its_windows_yield(
            values in values(),
            even in 1i64..4000,
            gaps in prop::collection::vec(1i64..90, 40),
            (uneven, range, step, offset) in (any::<bool>(), 1i64..30, 1i64..12, 0i64..5),
        ) {
            let mut time = -even * 3;
            let times: Vec<Timestamp> = (0..values.len()).map(|at| {
                time += if uneven { gaps[at] * even / 10 + 1 } else { even };
                Timestamp(time)
            }).collect();
            for name in all().iter().map(|function| function.name).filter(|name| column_function(name).is_some()) {
                let [one_by_one, together] = both(name, &times, &values, range * even, step * even, offset * even);
                prop_assert_eq!(one_by_one, together, "{}", name);
            }
        }
    }
}
