//! Samples in the notation of promtool's test files: positions of a grid, runs, gaps (`0x120`, `1+2x10`, `_x3`,
//! `stale`). The notation is read by `promql::series_values`.

use crate::histogram::{FloatHistogram, ResetHint, Sample};
use crate::number::{format_api, is_stale};
use crate::time::{Duration, Timestamp};

/// The widest grid from `start` on that has a position for each time; `None` where no time is another than `start`.
pub fn grid(start: Timestamp, times: impl Iterator<Item = Timestamp>) -> Option<Duration> {
    let width = times.map(|time| (time - start).0).fold(0, common_divisor);
    (width > 0).then_some(Duration(width))
}

fn common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The items that a series of samples is written with. Times stand on the grid, in order; adding a step again and again
/// yields each value to the last bit.
pub fn notation(start: Timestamp, grid: Duration, samples: &[(Timestamp, Sample)]) -> Vec<String> {
    let position = |time: Timestamp| (time - start).0 / grid.0;
    let mut items = Vec::new();
    let mut next = 0;
    let mut rest = samples;
    while let [(time, _), ..] = rest {
        match position(*time) - next {
            0 => {}
            1 => items.push("_".to_owned()),
            gap => items.push(format!("_x{gap}")),
        }
        next = position(*time);
        let adjacent = rest.iter().zip(next..).take_while(|((time, _), place)| position(*time) == *place).count();
        let mut values: &[(Timestamp, Sample)];
        (values, rest) = rest.split_at(adjacent);
        next += adjacent as i64;
        while !values.is_empty() {
            let (item, count) = run(values);
            items.push(item);
            values = &values[count..];
        }
    }
    items
}

/// The item that says as many of the first values as one can, and how many it says.
fn run(values: &[(Timestamp, Sample)]) -> (String, usize) {
    let first = match &values[0].1 {
        Sample::Float(value) => *value,
        Sample::Histogram(first) => {
            let same = |(_, sample): &&(Timestamp, Sample)| sample.histogram().is_some_and(|next| next.equals(first));
            let count = values.iter().take_while(same).count();
            // What is known of resets follows from the histograms before, as a server finds it.
            let written = FloatHistogram { hint: ResetHint::Unknown, ..FloatHistogram::clone(first) }.test_expression();
            return (if count > 1 { format!("{written}x{}", count - 1) } else { written }, count);
        }
    };
    let float = |(_, sample): &(Timestamp, Sample)| sample.float();
    if is_stale(first) {
        return ("stale".to_owned(), 1);
    }
    let written = format_api(first);
    if !first.is_finite() {
        return (written, 1);
    }
    let same = |value: f64| value.to_bits() == first.to_bits();
    let equal = values.iter().map_while(float).take_while(|value| same(*value)).count();
    if equal > 2 {
        return (format!("{written}x{}", equal - 1), equal);
    }
    let step = values.get(1).and_then(float).map_or(0.0, |second| second - first);
    if equal == 1 && step.is_finite() {
        let sums = std::iter::successors(Some(first), |sum| Some(sum + step));
        let rising = values
            .iter()
            .map_while(float)
            .zip(sums)
            .take_while(|(value, sum)| value.to_bits() == sum.to_bits())
            .count();
        if rising > 2 {
            let sign = if step < 0.0 { '-' } else { '+' };
            return (format!("{written}{sign}{}x{}", format_api(step.abs()), rising - 1), rising);
        }
    }
    (written, 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::stale_marker;
    use crate::promql::series_values::{SampleRun, parse_samples};

    fn written(values: &[Option<f64>]) -> String {
        let samples: Vec<(Timestamp, Sample)> = values
            .iter()
            .zip(0..)
            .filter_map(|(value, at)| Some((Timestamp(at * 1000), Sample::Float((*value)?))))
            .collect();
        notation(Timestamp(0), Duration(1000), &samples).join(" ")
    }

    #[test]
    fn the_grid_is_the_widest_that_holds_all_times() {
        let grid = |times: &[i64]| grid(Timestamp(1000), times.iter().map(|time| Timestamp(*time)));
        assert_eq!(grid(&[8000, 38_000, 68_000]), Some(Duration(1000)));
        assert_eq!(grid(&[1000, 31_000, 61_000]), Some(Duration(30_000)));
        assert_eq!(grid(&[1000, 31_500]), Some(Duration(30_500)));
        assert_eq!(grid(&[1000]), None);
    }

    #[test]
    fn runs_steps_and_gaps_are_short() {
        let some = |values: &[f64]| values.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        assert_eq!(written(&some(&[0.0; 121])), "0x120");
        assert_eq!(written(&some(&[1.0, 3.0, 5.0, 7.0, 7.0])), "1+2x3 7");
        assert_eq!(written(&some(&[1.5, 1.0, 0.5])), "1.5-0.5x2");
        assert_eq!(written(&some(&[1.0, 2.0, 2.0, 1e300])), format!("1 2 2 1e+300"));
        assert_eq!(written(&[Some(-0.0), None, Some(1.0), None, None, Some(stale_marker())]), "-0 _ 1 _x2 stale");
        assert_eq!(written(&[None, None, Some(f64::INFINITY), Some(f64::NAN)]), "_x2 +Inf NaN");
    }

    #[test]
    fn a_step_that_does_not_add_up_is_not_written() {
        // 0.1 + 0.1 + 0.1 is not 0.3.
        assert_eq!(written(&[Some(0.1), Some(0.2), Some(0.3)]), "0.1 0.2 0.3");
    }

    #[test]
    fn equal_histograms_in_a_row_are_one_item() {
        let one = FloatHistogram { count: 2.0, sum: 3.0, zero_count: 2.0, ..FloatHistogram::default() };
        let two = FloatHistogram { hint: ResetHint::NotReset, count: 3.0, ..one.clone() };
        let samples = [Some(&one), Some(&one), Some(&two), None, Some(&two)];
        let histogram = |histogram: &FloatHistogram| Sample::Histogram(std::sync::Arc::new(histogram.clone()));
        let samples: Vec<(Timestamp, Sample)> = (0..)
            .zip(samples)
            .map(|(at, sample)| (Timestamp(at), sample.map_or(Sample::Float(1.0), histogram)))
            .collect();
        assert_eq!(
            notation(Timestamp(0), Duration(1), &samples).join(" "),
            "{{count:2 sum:3 z_bucket:2}}x1 {{count:3 sum:3 z_bucket:2}} 1 {{count:3 sum:3 z_bucket:2}}"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_bit_by_bit(values in prop::collection::vec(prop_oneof![
            3 => Just(None),
            3 => (0..4i32).prop_map(|value| Some(f64::from(value))),
            3 => (0..4i32).prop_map(|value| Some(f64::from(value) / 10.0)),
            1 => any::<f64>().prop_map(Some),
            1 => Just(Some(stale_marker())),
        ], 0..40)) {
            let mut expected: Vec<Option<u64>> = values.iter().map(|value| value.map(f64::to_bits)).collect();
            while expected.last() == Some(&None) {
                expected.pop();
            }
            // All other NaN are one.
            let bits = |value: f64| if value.is_nan() && !is_stale(value) { f64::NAN.to_bits() } else { value.to_bits() };
            let expected: Vec<Option<u64>> = expected.into_iter().map(|v| v.map(|v| bits(f64::from_bits(v)))).collect();
            let read = parse_samples(&written(&values)).unwrap();
            let read = read.iter().flat_map(SampleRun::samples).map(|sample| sample.map(|sample| sample.float().unwrap()));
            prop_assert_eq!(read.map(|value| value.map(bits)).collect::<Vec<_>>(), expected);
        }
    }
}
