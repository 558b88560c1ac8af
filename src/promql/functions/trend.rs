//! `deriv` and `predict_linear`: the straight line through a window (Prometheus `promql/functions.go`,
//! `linearRegression`).

use super::Window;
use crate::number::KahanSum;
use crate::time::Timestamp;

/// The slope per second.
pub(super) fn deriv(window: &Window<'_>, _: &[f64]) -> Option<f64> {
    let origin = *window.times.first()?;
    fit(window.times, window.values, origin).map(|(slope, _)| slope)
}

/// `predict_linear(range, seconds)`: where the line is `seconds` after the step's own time.
pub(super) fn predict_linear(window: &Window<'_>, args: &[f64]) -> Option<f64> {
    let ahead = *args.first()?;
    fit(window.times, window.values, window.at).map(|(slope, intercept)| slope * ahead + intercept)
}

/// Slope and intercept through values that are all the same; `None` where they are not, and below two values.
pub(super) fn level(values: &[f64]) -> Option<(f64, f64)> {
    let (first, rest) = values.split_first()?;
    if rest.is_empty() || rest.iter().any(|value| value != first) {
        return None;
    }
    Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, *first) })
}

/// Slope per second and value at `origin` of the least-squares line; `None` below two samples.
pub(super) fn fit(times: &[Timestamp], values: &[f64], origin: Timestamp) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    if let Some(level) = level(values) {
        return Some(level);
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [KahanSum::default(); 4];
    for (time, y) in times.iter().zip(values) {
        let x = (*time - origin).seconds();
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    Some(line(values.len(), x_sum, xx_sum, y_sum, xy_sum))
}

/// Slope and intercept from the sums over `count` samples.
pub(super) fn line(count: usize, x_sum: KahanSum, xx_sum: KahanSum, y_sum: KahanSum, xy_sum: KahanSum) -> (f64, f64) {
    let n = count as f64;
    let (x, y) = (x_sum.total(), y_sum.total());
    let covariance = xy_sum.total() - x * y / n;
    let variance = xx_sum.total() - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Samples;
    use super::*;

    #[test]
    fn a_straight_line_goes_on() {
        let samples = Samples::every(10, &[0.0, 5.0, 10.0, 15.0, 20.0]);
        samples.window(-10, 40, |window| {
            assert_eq!(deriv(window, &[]), Some(0.5));
            assert_eq!(predict_linear(window, &[60.0]), Some(50.0));
        });
    }

    #[test]
    fn a_constant_has_no_slope_and_infinity_has_no_line() {
        Samples::every(10, &[3.0, 3.0, 3.0]).window(-10, 20, |window| {
            assert_eq!(deriv(window, &[]), Some(0.0));
            assert_eq!(predict_linear(window, &[1e9]), Some(3.0));
        });
        Samples::every(10, &[f64::INFINITY, f64::INFINITY]).window(-10, 20, |window| {
            assert!(deriv(window, &[]).unwrap().is_nan());
        });
        Samples::every(10, &[1.0]).window(-10, 20, |window| assert_eq!(deriv(window, &[]), None));
    }
}
