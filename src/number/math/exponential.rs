//! The exponential function, as Go computes it on amd64 with fused multiply-add: N. Shibata, "Efficient evaluation
//! methods of elementary functions suitable for SIMD computation", ISC'10.

use super::join;

/// ln 2 in two parts, the first with its lower bits zero.
const LN2_UPPER: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
const LN2_LOWER: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;

/// 1/8!, 1/7!, ... 1/3!, as that method rounds them.
const TAYLOR: [f64; 6] = [
    2.4801587301587301587e-5,
    1.9841269841269841270e-4,
    1.3888888888888888889e-3,
    8.3333333333333333333e-3,
    4.1666666666666666667e-2,
    1.6666666666666666667e-1,
];

/// e to the x.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    // Far beyond both ends of the range.
    if x.abs() > 800.0 {
        return if x > 0.0 { f64::INFINITY } else { 0.0 };
    }
    // x = exponent * ln 2 + rest; a sixteenth of the rest is small enough for eight terms of Taylor's series for
    // e^r - 1, which is then squared back four times: (e^r - 1)(e^r - 1 + 2) = e^2r - 1.
    let exponent = (x * std::f64::consts::LOG2_E).round_ties_even();
    let rest = (-LN2_LOWER).mul_add(exponent, (-LN2_UPPER).mul_add(exponent, x)) * 0.0625;
    let mut series = TAYLOR[0];
    for coefficient in &TAYLOR[1..] {
        series = series.mul_add(rest, *coefficient);
    }
    series = series.mul_add(rest, 0.5);
    series = series.mul_add(rest, 1.0);
    let mut power = rest * series;
    for _ in 0..3 {
        power *= power + 2.0;
    }
    // Go's assembly puts the exponent into the bits, where 1024 has no place, even if the fraction is below 1.
    if exponent >= 1024.0 {
        return f64::INFINITY;
    }
    join(power.mul_add(power + 2.0, 1.0), exponent as i64)
}

/// ln 2 in two parts, as FreeBSD's `e_exp.c` divides it.
const LN2_HIGH: f64 = 6.93147180369123816490e-01;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

/// The coefficients of `e_exp.c`.
const REMEZ: [f64; 5] = [
    4.13813679705723846039e-08,
    -1.65339022054652515390e-06,
    6.61375632143793436117e-05,
    -2.77777777770155933842e-03,
    1.66666666666666657415e-01,
];

/// 2 to the x, which Go computes in Go on every machine: FreeBSD's `e_exp.c` with another reduction of the argument.
pub fn exp2(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x > 1.0239999999999999e+03 {
        return f64::INFINITY;
    }
    if x < -1.0740e+03 {
        return 0.0;
    }
    let exponent = if x > 0.0 { (x + 0.5).trunc() } else { (x - 0.5).trunc() };
    let rest = x - exponent;
    let (high, low) = (rest * LN2_HIGH, -rest * LN2_LOW);
    let reduced = high - low;
    let square = reduced * reduced;
    let c = reduced - square * super::horner(square, &REMEZ);
    let y = 1.0 - ((low - (reduced * c) / (2.0 - c)) - high);
    join(y, exponent as i64)
}
