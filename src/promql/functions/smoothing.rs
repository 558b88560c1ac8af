//! `double_exponential_smoothing`: a level and a trend that forget the past (Prometheus `promql/functions.go`).

use super::Window;

/// What a sample counts in the level and a change of the level in the trend: `args` are the two factors.
pub(super) fn double_exponential(window: &Window<'_>, args: &[f64]) -> Option<f64> {
    let ([smoothing, trending], [first, second, ..]) = (args, window.values) else { return None };
    let (mut before, mut level, mut trend) = (0.0, *first, second - first);
    for (at, value) in window.values.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trending * (level - before) + (1.0 - trending) * trend;
        }
        let carried = (1.0 - smoothing) * (level + trend);
        (before, level) = (level, smoothing * value + carried);
    }
    Some(level)
}

/// Whether the scalar parameters of a function are such as it takes; why not.
pub type ParameterCheck = fn(&[f64]) -> Result<(), String>;

/// That both factors are between 0 and 1, in Prometheus' words where one is not.
pub fn check_factors(args: &[f64]) -> Result<(), String> {
    for (name, symbol, factor) in [("smoothing", "sf", args.first()), ("trend", "tf", args.get(1))] {
        if let Some(factor) = factor
            && (*factor <= 0.0 || *factor >= 1.0)
        {
            let shown = match *factor {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                factor => format!("{factor:.6}"),
            };
            return Err(format!("invalid {name} factor. Expected: 0 < {symbol} < 1, got: {shown}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Samples;
    use super::*;

    #[test]
    fn a_straight_line_is_followed() {
        Samples::every(10, &[1.0, 3.0, 5.0, 7.0]).window(-10, 30, |window| {
            assert_eq!(double_exponential(window, &[0.5, 0.5]), Some(7.0));
        });
        Samples::every(10, &[1.0]).window(-10, 30, |window| {
            assert_eq!(double_exponential(window, &[0.5, 0.5]), None);
        });
    }

    #[test]
    fn factors_are_between_0_and_1() {
        assert_eq!(check_factors(&[0.5, 0.1]), Ok(()));
        let error = check_factors(&[0.5, 1.0]).unwrap_err();
        assert_eq!(error, "invalid trend factor. Expected: 0 < tf < 1, got: 1.000000");
        assert_eq!(check_factors(&[f64::NAN, 0.5]), Ok(()));
    }
}
