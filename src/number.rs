//! Numbers as Go and Prometheus treat them: the stale marker, formatting, parsing, and the math functions
//! whose last digit differs between Go and the C library.

mod almost;
mod format;
pub mod math;
mod parse;
mod size;
mod sum;

pub use almost::almost_equal;
pub use format::{format_api, format_f, format_g, format_v};
pub use parse::{parse_go_float, parse_go_integer, parse_go_number};
pub use size::{format_size, parse_size};
pub use sum::{KahanSum, kahan_sum};

/// The bit pattern of Prometheus' stale marker (`value.StaleNaN`), a NaN of its own.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The sample value that says "this series ended here".
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a sample value is the stale marker, not any other NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}
