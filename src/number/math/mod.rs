//! Go's math functions on amd64, to the bit: where glibc rounds better or worse, its last digit differs, and alert values
//! are compared and printed exactly. The formulas are those that Go documents (FreeBSD's msun, Cephes, and for
//! `exp` Shibata's SIMD method); `tests/go_math.rs` compares with what a running Prometheus answers.
// Constants stand here as their sources print them, so that they can be compared.
#![allow(clippy::excessive_precision)]

mod exponential;
mod hyperbolic;
mod logarithm;
mod power;
mod reduction;
mod trigonometric;

pub use exponential::{exp, exp2};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use logarithm::{ln, log1p, log2, log10};
pub use power::pow;
pub use trigonometric::{acos, asin, atan, atan2, cos, sin, tan};

/// The larger of two numbers; NaN if one is NaN (but +Inf wins), and 0 is larger than -0.
pub fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// The smaller of two numbers; NaN if one is NaN (but -Inf wins), and -0 is smaller than 0.
pub fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}

/// A polynomial from its highest coefficient on, by Horner's rule without fused operations.
fn horner(x: f64, coefficients: &[f64]) -> f64 {
    let mut value = 0.0;
    for (at, coefficient) in coefficients.iter().enumerate() {
        value = if at == 0 { *coefficient } else { value * x + coefficient };
    }
    value
}

/// Like [`horner`], with a leading coefficient of 1.
fn horner_monic(x: f64, coefficients: &[f64]) -> f64 {
    let mut value = 1.0;
    for (at, coefficient) in coefficients.iter().enumerate() {
        value = if at == 0 { x + coefficient } else { value * x + coefficient };
    }
    value
}

const FRACTION_BITS: u32 = 52;
const FRACTION: u64 = (1 << FRACTION_BITS) - 1;
const EXPONENT_BIAS: i64 = 1023;

/// A number as `fraction * 2^exponent` with the fraction's size in `[0.5, 1)`; zero, infinities and NaN as they are.
fn split(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // A subnormal number has no leading bit in its fraction: shift one in.
    let (normal, shifted) = if x.abs() < f64::MIN_POSITIVE { (x * (1u64 << 52) as f64, -52) } else { (x, 0) };
    let bits = normal.to_bits();
    let exponent = ((bits >> FRACTION_BITS) & 0x7ff) as i64;
    let half = (EXPONENT_BIAS - 1) as u64;
    let fraction = f64::from_bits((bits & !(0x7ff << FRACTION_BITS)) | half << FRACTION_BITS);
    (fraction, exponent - (EXPONENT_BIAS - 1) + shifted)
}

/// `number * 2^exponent`, rounded once where the result is subnormal.
pub fn ldexp(number: f64, exponent: i64) -> f64 {
    join(number, exponent)
}

/// `fraction * 2^exponent`, rounded once where the result is subnormal.
fn join(fraction: f64, exponent: i64) -> f64 {
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let (fraction, own) = split(fraction);
    let exponent = own + exponent.clamp(-5000, 5000);
    // The exponent as stored, for a fraction in [0.5, 1).
    let stored = exponent + EXPONENT_BIAS - 1;
    if stored < -52 {
        return 0f64.copysign(fraction);
    }
    if stored > 2046 {
        return f64::INFINITY.copysign(fraction);
    }
    let kept = fraction.to_bits() & !(0x7ff << FRACTION_BITS);
    if stored > 0 {
        return f64::from_bits(kept | (stored as u64) << FRACTION_BITS);
    }
    let up = f64::from_bits(kept | ((stored + 53) as u64) << FRACTION_BITS);
    up * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_split_and_join_again() {
        for x in [1.0, -0.75, 1e-320, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.0, -0.0, 3e-310] {
            let (fraction, exponent) = split(x);
            assert!(x == 0.0 || (0.5..1.0).contains(&fraction.abs()), "{x}");
            assert_eq!(join(fraction, exponent).to_bits(), x.to_bits(), "{x}");
        }
        assert_eq!(join(0.5, 2000), f64::INFINITY);
        assert_eq!(join(-0.5, -2000).to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn min_and_max_propagate_nan_and_know_signed_zero() {
        assert!(max(f64::NAN, 1.0).is_nan() && min(1.0, f64::NAN).is_nan());
        assert_eq!(max(f64::NAN, f64::INFINITY), f64::INFINITY);
        assert_eq!(min(f64::NEG_INFINITY, f64::NAN), f64::NEG_INFINITY);
        assert!(max(-0.0, 0.0).is_sign_positive() && min(0.0, -0.0).is_sign_negative());
        assert_eq!((max(1.0, 2.0), min(1.0, 2.0)), (2.0, 1.0));
    }
}
