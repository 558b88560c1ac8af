//! Hyperbolic functions and their inverses (Cephes; FreeBSD's msun), in the form that Go uses.

use super::{exp, horner, horner_monic, ln, log1p};
use std::f64::consts::LN_2;

/// Beyond this size, `1 + x * x` is `x * x`, and `sqrt(x * x + 1)` is x.
const LARGE: f64 = (1u64 << 28) as f64;

const SINH_P: [f64; 4] = [
    -0.2630563213397497062819489e+2,
    -0.2894211355989563807284660366e+4,
    -0.8991272022039509355398013511e+5,
    -0.6307673640497716991184787251e+6,
];
const SINH_Q: [f64; 3] =
    [-0.173678953558233699533450911e+3, 0.1521517378790019070696485176e+5, -0.6307673640497716991212077277e+6];

pub fn sinh(x: f64) -> f64 {
    let size = if x < 0.0 { -x } else { x };
    let value = if size > 21.0 {
        exp(size) * 0.5
    } else if size > 0.5 {
        let e = exp(size);
        (e - 1.0 / e) * 0.5
    } else {
        let square = size * size;
        horner(square, &SINH_P) * size / horner_monic(square, &SINH_Q)
    };
    if x < 0.0 { -value } else { value }
}

pub fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size > 21.0 {
        return exp(size) * 0.5;
    }
    let e = exp(size);
    (e + 1.0 / e) * 0.5
}

const TANH_P: [f64; 3] = [-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3];
const TANH_Q: [f64; 3] = [1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3];
/// ln of 2^127, from where on it is 1.
const TANH_END: f64 = 8.8029691931113054295988e+01;

pub fn tanh(x: f64) -> f64 {
    let size = x.abs();
    if size > 0.5 * TANH_END {
        return 1f64.copysign(x);
    }
    if size >= 0.625 {
        let value = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
        return if x < 0.0 { -value } else { value };
    }
    if x == 0.0 {
        return x;
    }
    let square = x * x;
    x + x * square * horner(square, &TANH_P) / horner_monic(square, &TANH_Q)
}

pub fn asinh(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let size = x.abs();
    let value = if size > LARGE {
        ln(size) + LN_2
    } else if size > 2.0 {
        ln(2.0 * size + 1.0 / ((size * size + 1.0).sqrt() + size))
    } else if size < 1.0 / LARGE {
        size
    } else {
        log1p(size + size * size / (1.0 + (1.0 + size * size).sqrt()))
    };
    if x.is_sign_negative() { -value } else { value }
}

pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == 1.0 {
        return 0.0;
    }
    if x >= LARGE {
        return ln(x) + LN_2;
    }
    if x > 2.0 {
        return ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()));
    }
    let t = x - 1.0;
    log1p(t + (2.0 * t + t * t).sqrt())
}

pub fn atanh(x: f64) -> f64 {
    let size = x.abs();
    if size > 1.0 || x.is_nan() {
        return f64::NAN;
    }
    let value = if size == 1.0 {
        f64::INFINITY
    } else if size < 1.0 / LARGE {
        size
    } else if size < 0.5 {
        let twice = size + size;
        0.5 * log1p(twice + twice * size / (1.0 - size))
    } else {
        0.5 * log1p((size + size) / (1.0 - size))
    };
    if x.is_sign_negative() { -value } else { value }
}
