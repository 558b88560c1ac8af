//! Distributions of observations, and how many of them lie below a bound.
//!
//! The functions come from `libm`, which computes the same digits on every machine.

use super::units;
use crate::text::Diagnostic;

/// How observations are distributed.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    Constant(f64),
    Uniform {
        from: f64,
        to: f64,
    },
    Normal {
        mean: f64,
        deviation: f64,
    },
    /// The median, and the deviation of the logarithm.
    LogNormal {
        median: f64,
        sigma: f64,
    },
    Exponential {
        mean: f64,
    },
    /// (part, value) in order, first part 0 and last part 1, straight between them.
    Quantiles(Vec<(f64, f64)>),
}

impl Distribution {
    /// The part of observations that are at most `bound`.
    pub fn below(&self, bound: f64) -> f64 {
        match self {
            Distribution::Constant(value) => f64::from(u8::from(*value <= bound)),
            Distribution::Uniform { from, to } => ((bound - from) / (to - from)).clamp(0.0, 1.0),
            Distribution::Normal { mean, deviation } => normal((bound - mean) / deviation),
            Distribution::LogNormal { median, sigma } if bound > 0.0 => normal(libm::log(bound / median) / sigma),
            Distribution::LogNormal { .. } => 0.0,
            Distribution::Exponential { mean } => (-libm::expm1(-bound / mean)).max(0.0),
            Distribution::Quantiles(points) => {
                let after = points.partition_point(|(_, value)| *value <= bound);
                match (after.checked_sub(1).and_then(|at| points.get(at)), points.get(after)) {
                    (None, _) => 0.0,
                    (Some(_), None) => 1.0,
                    (Some((p, v)), Some((q, w))) => p + (q - p) * (bound - v) / (w - v),
                }
            }
        }
    }

    /// The part of observations that are less than `bound`.
    pub fn strictly_below(&self, bound: f64) -> f64 {
        match self {
            Distribution::Constant(value) => f64::from(u8::from(*value < bound)),
            // No single value has a part of its own.
            _ => self.below(bound),
        }
    }

    pub fn mean(&self) -> f64 {
        match self {
            Distribution::Constant(value) => *value,
            Distribution::Uniform { from, to } => (from + to) / 2.0,
            Distribution::Normal { mean, .. } | Distribution::Exponential { mean } => *mean,
            Distribution::LogNormal { median, sigma } => median * libm::exp(sigma * sigma / 2.0),
            Distribution::Quantiles(points) => {
                points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
            }
        }
    }
}

/// The standard normal distribution.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Reads `uniform(0.1, 0.3)` or `p0=0.01 p50=0.2 p100=3`.
pub fn distribution(text: &str) -> Result<Distribution, Diagnostic> {
    let wrong = |message: String| {
        Diagnostic::error(message).help(
            "write constant(x), uniform(from, to), normal(mean, deviation), lognormal(median, sigma), \
             exponential(mean), or quantiles `p0=0.01 p50=0.2 p100=3`",
        )
    };
    let text = text.trim();
    if text.starts_with('p') {
        return quantiles(text).map_err(wrong);
    }
    let unknown = || wrong(format!("`{text}` is not a distribution"));
    let (name, rest) = text.split_once('(').ok_or_else(unknown)?;
    let arguments = rest.strip_suffix(')').ok_or_else(unknown)?;
    let arguments: Vec<f64> = arguments.split(',').map(units::amount).collect::<Result<_, _>>()?;
    let positive = |value: f64, what: &str| match value > 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(wrong(format!("the {what} of `{text}` is not above 0"))),
    };
    match (name.trim(), arguments.as_slice()) {
        ("constant", [value]) => Ok(Distribution::Constant(*value)),
        ("uniform", [from, to]) if from < to => Ok(Distribution::Uniform { from: *from, to: *to }),
        ("uniform", [_, _]) => Err(wrong(format!("`{text}` ends before it begins"))),
        ("normal", [mean, deviation]) => {
            Ok(Distribution::Normal { mean: *mean, deviation: positive(*deviation, "deviation")? })
        }
        ("lognormal", [median, sigma]) => {
            Ok(Distribution::LogNormal { median: positive(*median, "median")?, sigma: positive(*sigma, "sigma")? })
        }
        ("exponential", [mean]) => Ok(Distribution::Exponential { mean: positive(*mean, "mean")? }),
        _ => Err(unknown()),
    }
}

fn quantiles(text: &str) -> Result<Distribution, String> {
    let mut points = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let wrong = || format!("`{word}` is not a quantile such as p99=1.5");
        let (part, value) = word.strip_prefix('p').and_then(|word| word.split_once('=')).ok_or_else(wrong)?;
        let part: f64 = part.parse().map_err(|_| wrong())?;
        points.push((part / 100.0, units::amount(value).map_err(|_| wrong())?));
    }
    let increasing = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
    let whole =
        matches!((points.first(), points.last()), (Some((first, _)), Some((last, _))) if *first == 0.0 && *last == 1.0);
    if increasing && whole {
        Ok(Distribution::Quantiles(points))
    } else {
        Err(format!("the quantiles `{text}` do not rise from p0 to p100"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_everything_lies_below_the_median() {
        for text in ["uniform(0, 2)", "normal(1, 0.3)", "lognormal(1, 0.5)", "p0=0 p50=1 p100=10"] {
            assert_eq!(distribution(text).unwrap().below(1.0), 0.5, "{text}");
        }
        // 1 - 1/e below the mean.
        assert!((distribution("exponential(2s)").unwrap().below(2.0) - 0.632_120_558_8).abs() < 1e-9);
        assert_eq!(distribution("constant(20ms)").unwrap().below(0.02), 1.0);
        assert_eq!(distribution("constant(20ms)").unwrap().below(0.019), 0.0);
        // 1.959964 deviations: 97.5 %.
        assert!((distribution("normal(0, 1)").unwrap().below(1.959_964) - 0.975).abs() < 1e-6);
    }

    #[test]
    fn means_follow_from_the_parameters() {
        assert_eq!(distribution("uniform(1, 3)").unwrap().mean(), 2.0);
        assert_eq!(distribution("p0=0 p50=1 p100=3").unwrap().mean(), 0.25 + 1.0);
    }

    #[test]
    fn broken_distributions_are_refused() {
        for text in [
            "",
            "uniform(1)",
            "uniform(3, 1)",
            "normal(1, 0)",
            "zipf(1)",
            "p50=1",
            "p0=1 p100=0",
            "normal(1, 2",
            "p0=a p100=b",
        ] {
            assert!(distribution(text).is_err(), "{text}");
        }
    }
}
