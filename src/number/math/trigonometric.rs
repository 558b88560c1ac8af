//! Trigonometric functions and their inverses (Cephes), in the form that Go uses.

use super::reduction::octant;
use super::{horner, horner_monic};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const SIN: [f64; 6] = [
    1.58962301576546568060e-10,
    -2.50507477628578072866e-8,
    2.75573136213857245213e-6,
    -1.98412698295895385996e-4,
    8.33333333332211858878e-3,
    -1.66666666666666307295e-1,
];
const COS: [f64; 6] = [
    -1.13585365213876817300e-11,
    2.08757008419747316778e-9,
    -2.75573141792967388112e-7,
    2.48015872888517045348e-5,
    -1.38888888888730564116e-3,
    4.16666666666665929218e-2,
];

/// The sine of an angle within an eighth turn around 0.
fn sin_near_zero(z: f64) -> f64 {
    let square = z * z;
    z + z * square * horner(square, &SIN)
}

/// The cosine of an angle within an eighth turn around 0.
fn cos_near_zero(z: f64) -> f64 {
    let square = z * z;
    1.0 - 0.5 * square + square * square * horner(square, &COS)
}

pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = octant(x.abs());
    let value = if matches!(octant & 3, 1 | 2) { cos_near_zero(z) } else { sin_near_zero(z) };
    if (x < 0.0) != (octant > 3) { -value } else { value }
}

pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (octant, z) = octant(x.abs());
    let quarter = octant & 3;
    let value = if matches!(quarter, 1 | 2) { sin_near_zero(z) } else { cos_near_zero(z) };
    if (octant > 3) != (quarter > 1) { -value } else { value }
}

const TAN_P: [f64; 3] = [-1.30936939181383734205e4, 1.15351664838587416140e6, -1.79565251976484877988e7];
const TAN_Q: [f64; 4] =
    [1.36812963470692954678e4, -1.32089234440210967447e6, 2.50083801823357915839e7, -5.38695755929454629881e7];

pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = octant(x.abs());
    let square = z * z;
    let mut value =
        if square > 1e-14 { z + z * (square * horner(square, &TAN_P) / horner_monic(square, &TAN_Q)) } else { z };
    if octant & 2 == 2 {
        value = -1.0 / value;
    }
    if x < 0.0 { -value } else { value }
}

const ATAN_P: [f64; 5] = [
    -8.750608600031904122785e-01,
    -1.615753718733365076637e+01,
    -7.500855792314704667340e+01,
    -1.228866684490136173410e+02,
    -6.485021904942025371773e+01,
];
const ATAN_Q: [f64; 5] = [
    2.485846490142306297962e+01,
    1.650270098316988542046e+02,
    4.328810604912902668951e+02,
    4.853903996359136964868e+02,
    1.945506571482613964425e+02,
];
/// What pi / 2 as a float lacks.
const PI_2_REST: f64 = 6.123233995736765886130e-17;
/// tan(3 pi / 8)
const TAN_3_PI_8: f64 = 2.41421356237309504880;

fn atan_near_zero(x: f64) -> f64 {
    let square = x * x;
    let z = square * horner(square, &ATAN_P) / horner_monic(square, &ATAN_Q);
    x * z + x
}

fn atan_positive(x: f64) -> f64 {
    if x <= 0.66 {
        atan_near_zero(x)
    } else if x > TAN_3_PI_8 {
        FRAC_PI_2 - atan_near_zero(1.0 / x) + PI_2_REST
    } else {
        FRAC_PI_4 + atan_near_zero((x - 1.0) / (x + 1.0)) + 0.5 * PI_2_REST
    }
}

pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        x
    } else if x > 0.0 {
        atan_positive(x)
    } else {
        -atan_positive(-x)
    }
}

pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let size = x.abs();
    if size > 1.0 || x.is_nan() {
        return f64::NAN;
    }
    let other = (1.0 - size * size).sqrt();
    let value = if size > 0.7 { FRAC_PI_2 - atan_positive(other / size) } else { atan_positive(size / other) };
    if x < 0.0 { -value } else { value }
}

pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

/// The angle of the point (x, y), in -pi..=pi.
pub fn atan2(y: f64, x: f64) -> f64 {
    if y.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    if y == 0.0 {
        return if x >= 0.0 && x.is_sign_positive() { 0f64.copysign(y) } else { PI.copysign(y) };
    }
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    if x.is_infinite() {
        let size = match (x > 0.0, y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => 0.0,
            (false, true) => 3.0 * PI / 4.0,
            (false, false) => PI,
        };
        return size.copysign(y);
    }
    if y.is_infinite() {
        return FRAC_PI_2.copysign(y);
    }
    let angle = atan(y / x);
    match () {
        () if x >= 0.0 => angle,
        () if angle <= 0.0 => angle + PI,
        () => angle - PI,
    }
}
