//! Equality up to a relative error (Prometheus `util/almost`).

/// Whether two numbers differ by less than `epsilon` times the sum of their sizes; near zero, by less than `epsilon` times the
/// least normal number. The stale marker equals only itself, any other NaN every other NaN.
pub fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
    if super::is_stale(a) || super::is_stale(b) {
        return super::is_stale(a) && super::is_stale(b);
    }
    if a.is_nan() && b.is_nan() {
        return true;
    }
    if a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < epsilon * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < epsilon
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_up_to_a_relative_error() {
        assert!(almost_equal(1e9, 1e9 + 1.0, 1e-6));
        assert!(!almost_equal(1.0, 1.001, 1e-6));
        assert!(!almost_equal(0.0, 1e-9, 1e-6));
        assert!(almost_equal(f64::NAN, f64::NAN, 0.0));
        assert!(!almost_equal(f64::NAN, 1.0, 1.0));
        assert!(almost_equal(f64::INFINITY, f64::INFINITY, 0.0));
        assert!(!almost_equal(f64::INFINITY, f64::MAX, 1e-6));
        assert!(!almost_equal(super::super::stale_marker(), f64::NAN, 1.0));
    }
}
