//! Powers, by repeated squaring of the fraction, as Go computes them.

use super::{exp, join, ln, split};

/// x to the y.
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 1.0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 {
        let odd = is_odd(y);
        return match y < 0.0 {
            true if odd => f64::INFINITY.copysign(x),
            true => f64::INFINITY,
            false if odd => x,
            false => 0.0,
        };
    }
    if y.is_infinite() {
        return if x == -1.0 { 1.0 } else { extreme(x, y) };
    }
    if x == f64::NEG_INFINITY {
        // As of -0 to the -y.
        return pow(-0.0, -y);
    }
    if x == f64::INFINITY {
        return if y < 0.0 { 0.0 } else { f64::INFINITY };
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    finite(x, y)
}

/// Whether a number is an odd integer; beyond 2^53 all are even.
fn is_odd(y: f64) -> bool {
    y.abs() < (1u64 << 53) as f64 && y.trunc() == y && (y as i64) & 1 == 1
}

/// x to a y so large that only the sizes matter.
fn extreme(x: f64, y: f64) -> f64 {
    if (x.abs() < 1.0) == (y > 0.0) { 0.0 } else { f64::INFINITY }
}

fn finite(x: f64, y: f64) -> f64 {
    let mut whole = y.abs().trunc();
    let mut part = y.abs() - whole;
    if part != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    if whole >= (1u64 << 63) as f64 {
        return if x == -1.0 { 1.0 } else { extreme(x, y) };
    }
    let (mut result, mut result_exponent) = (1.0, 0i64);
    if part != 0.0 {
        if part > 0.5 {
            part -= 1.0;
            whole += 1.0;
        }
        result = exp(part * ln(x));
    }
    let (mut square, mut exponent) = split(x);
    let mut rest = whole as u64;
    while rest != 0 {
        if exponent.abs() > 1 << 12 {
            // Out of range whatever follows.
            result_exponent += exponent;
            break;
        }
        if rest & 1 == 1 {
            result *= square;
            result_exponent += exponent;
        }
        square *= square;
        exponent *= 2;
        if square < 0.5 {
            square += square;
            exponent -= 1;
        }
        rest >>= 1;
    }
    if y < 0.0 { join(1.0 / result, -result_exponent) } else { join(result, result_exponent) }
}
