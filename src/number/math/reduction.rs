//! Bringing an angle into the eighth turn around a multiple of a quarter turn: Cody and Waite's method for small ones, that of
//! Payne and Hanek for large ones.

use super::{EXPONENT_BIAS, FRACTION, FRACTION_BITS};
use std::f64::consts::{FRAC_PI_4, PI};

/// From here on the three parts of pi / 4 are too short.
const LARGE: f64 = (1u64 << 29) as f64;

/// pi / 4 in three parts.
const PI_4_A: f64 = 7.85398125648498535156e-1;
const PI_4_B: f64 = 3.77489470793079817668e-8;
const PI_4_C: f64 = 2.69515142907905952645e-15;

/// The binary digits of 4 / pi, the integer part first.
const FOUR_OVER_PI: [u64; 20] = [
    0x0000_0000_0000_0001,
    0x45f3_06dc_9c88_2a53,
    0xf84e_afa3_ea69_bb81,
    0xb6c5_2b32_7887_2083,
    0xfca2_c757_bd77_8ac3,
    0x6e48_dc74_849b_a5c0,
    0x0c92_5dd4_13a3_2439,
    0xfc3b_d639_6253_4e7d,
    0xd104_6bea_5d76_8909,
    0xd338_e04d_68be_fc82,
    0x7323_ac73_06a6_73e9,
    0x3908_bf17_7bf2_5076,
    0x3ff1_2fff_bc0b_301f,
    0xde5e_2316_b414_da3e,
    0xda6c_fd9e_4f96_136e,
    0x9e8c_7ecd_3cbf_d45a,
    0xea4f_758f_d7cb_e2f6,
    0x7a0e_73ef_14a5_25d4,
    0xd7f6_bf62_3f1a_ba10,
    0xac06_608d_f8f6_d757,
];

/// The octant (0..8, made even upwards) that a finite angle >= 0 lies in, and the angle from there, in -pi/4..=pi/4.
pub(super) fn octant(x: f64) -> (u64, f64) {
    if x >= LARGE {
        return large(x);
    }
    let mut octant = (x * (4.0 / PI)) as u64;
    if octant & 1 == 1 {
        octant += 1;
    }
    let turned = octant as f64;
    (octant & 7, ((x - turned * PI_4_A) - turned * PI_4_B) - turned * PI_4_C)
}

/// Multiplies the mantissa with just those digits of 4 / pi that reach the three integer bits and the fraction.
fn large(x: f64) -> (u64, f64) {
    let bits = x.to_bits();
    let exponent = (bits >> FRACTION_BITS) as i64 - EXPONENT_BIAS - i64::from(FRACTION_BITS);
    let mantissa = u128::from((bits & FRACTION) | 1 << FRACTION_BITS);
    // A large and finite x has an exponent between -23 and 971, so all words lie inside of the table.
    let from = (exponent + 61).clamp(0, 64 * 17 - 1) as usize;
    let word = |at: usize| {
        let pair = u128::from(FOUR_OVER_PI[at]) << 64 | u128::from(FOUR_OVER_PI[at + 1]);
        (pair >> (64 - from % 64)) as u64
    };
    let [first, second, third] = [0, 1, 2].map(|k| u128::from(word(from / 64 + k)));
    // The product's two upper words; what is above them are whole turns.
    let product = ((first * mantissa) << 64).wrapping_add(second * mantissa).wrapping_add((third * mantissa) >> 64);
    let mut octant = (product >> 125) as u64;
    let fraction = product << 3;
    let mut z = to_fraction((fraction >> 64) as u64, fraction as u64);
    if octant & 1 == 1 {
        octant = (octant + 1) & 7;
        z -= 1.0;
    }
    (octant, z * FRAC_PI_4)
}

/// The number 0.high,low in binary, cut off (not rounded) to a float's 53 bits.
fn to_fraction(high: u64, low: u64) -> f64 {
    let digits = u128::from(high) << 64 | u128::from(low);
    let zeros = digits.leading_zeros();
    if zeros >= 64 {
        return 0.0;
    }
    // The leading one is implied.
    let fraction = (digits << zeros << 1 >> (128 - FRACTION_BITS)) as u64;
    let exponent = (EXPONENT_BIAS - 1 - i64::from(zeros)) as u64;
    f64::from_bits(exponent << FRACTION_BITS | fraction)
}
