//! The quantile of a set of values, as `quantile` and `quantile_over_time` define it (Prometheus
//! `promql/quantile.go`).

use std::cmp::Ordering;

/// The quantile `q` in 0..=1, interpolated between neighbours; NaN sorts first. Without values or for a NaN `q` it is NaN,
/// below 0 it is -Inf, above 1 it is +Inf.
pub fn quantile(q: f64, values: &[f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(nan_first);
    let top = sorted.len() - 1;
    let rank = q * top as f64;
    let lower = (rank.floor() as usize).min(top);
    let upper = (lower + 1).min(top);
    let weight = rank - rank.floor();
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

/// Ascending order in which NaN is the least.
fn nan_first(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [3.0, 0.0, 1.0, 2.0];
        for (q, expected) in [(0.0, 0.0), (0.5, 1.5), (1.0, 3.0), (-0.1, f64::NEG_INFINITY), (1.1, f64::INFINITY)] {
            assert_eq!(quantile(q, &values), expected, "{q}");
        }
        assert_eq!(quantile(1.0, &[f64::NAN, 1.0]), 1.0);
        assert!(quantile(0.0, &[1.0, f64::NAN]).is_nan());
        assert!(quantile(0.5, &[]).is_nan());
        assert!(quantile(f64::NAN, &values).is_nan());
    }
}
