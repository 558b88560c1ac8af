//! Logarithms, as FreeBSD's msun computes them (`e_log.c`, `s_log1p.c`), in the form that Go uses.

use super::{EXPONENT_BIAS, FRACTION, FRACTION_BITS, split};
use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E, LOG10_E, SQRT_2};

/// ln 2 in two parts, the first with its lower bits zero.
const LN2_HIGH: f64 = 6.93147180369123816490e-01;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

/// The polynomial of both functions, lowest power first.
const L1: f64 = 6.666666666666735130e-01;
const L2: f64 = 3.999999999940941908e-01;
const L3: f64 = 2.857142874366239149e-01;
const L4: f64 = 2.222219843214978396e-01;
const L5: f64 = 1.818357216161805012e-01;
const L6: f64 = 1.531383769920937332e-01;
const L7: f64 = 1.479819860511658591e-01;

/// The natural logarithm.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    // Go's assembly takes the fraction of a subnormal number for that of a normal one.
    let (mut fraction, mut exponent) = match x < f64::MIN_POSITIVE {
        true => (f64::from_bits(x.to_bits() | 0.5f64.to_bits()), 1 - EXPONENT_BIAS),
        false => split(x),
    };
    if fraction < FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let f = fraction - 1.0;
    let k = exponent as f64;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
    let even = s4 * (L2 + s4 * (L4 + s4 * L6));
    let r = odd + even;
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f)
}

/// The logarithm to base 2; exact for powers of two.
pub fn log2(x: f64) -> f64 {
    let (fraction, exponent) = split(x);
    if fraction == 0.5 { (exponent - 1) as f64 } else { ln(fraction) * LOG2_E + exponent as f64 }
}

/// The logarithm to base 10.
pub fn log10(x: f64) -> f64 {
    ln(x) * LOG10_E
}

/// `ln(1 + x)`, exact also where x is small.
pub fn log1p(x: f64) -> f64 {
    if x < -1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let size = x.abs();
    if size < 1.0 / (1u64 << 54) as f64 {
        return x;
    }
    if size < 1.0 / (1u64 << 29) as f64 {
        return x - x * x * 0.5;
    }
    // 1 + x = 2^k * (1 + f), and what rounding 1 + x has lost.
    let (k, f, lost, f_is_tiny) =
        if size < SQRT_2_LESS_1 && x > SQRT_HALF_LESS_1 { (0, x, 0.0, false) } else { reduce(x, size) };
    let half_square = 0.5 * f * f;
    let exponent = k as f64;
    if f_is_tiny {
        if f == 0.0 {
            return exponent * LN2_HIGH + (lost + exponent * LN2_LOW);
        }
        let r = half_square * (1.0 - 0.66666666666666666 * f);
        return exponent * LN2_HIGH - ((r - (exponent * LN2_LOW + lost)) - f);
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))));
    if k == 0 {
        f - (half_square - s * (half_square + r))
    } else {
        exponent * LN2_HIGH - ((half_square - (s * (half_square + r) + (exponent * LN2_LOW + lost))) - f)
    }
}

const SQRT_2_LESS_1: f64 = 4.142135623730950488017e-01;
const SQRT_HALF_LESS_1: f64 = -2.928932188134524755992e-01;

fn reduce(x: f64, size: f64) -> (i64, f64, f64, bool) {
    let exact = size >= (1u64 << 53) as f64;
    let u = if exact { x } else { 1.0 + x };
    let bits = u.to_bits();
    let mut k = (bits >> FRACTION_BITS) as i64 - EXPONENT_BIAS;
    let lost = match () {
        () if exact => 0.0,
        () if k > 0 => (1.0 - (u - x)) / u,
        () => (x - (u - 1.0)) / u,
    };
    let mut fraction = bits & FRACTION;
    let normal = if fraction < SQRT_2.to_bits() & FRACTION {
        f64::from_bits(fraction | 0x3ff0_0000_0000_0000)
    } else {
        k += 1;
        let halved = f64::from_bits(fraction | 0x3fe0_0000_0000_0000);
        fraction = ((1 << FRACTION_BITS) - fraction) >> 2;
        halved
    };
    (k, normal - 1.0, lost, fraction == 0)
}
