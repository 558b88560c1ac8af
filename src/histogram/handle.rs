//! Histograms in columns of numbers: a value whose bits are no number that arises otherwise stands for a place in an
//! arena beside the column.

/// A NaN with a payload that no arithmetic yields and no text is read as; the low half is the place.
const HANDLE: u64 = 0xfff9_4853_0000_0000;

/// The value that stands for a histogram at a place in an arena.
pub fn handle(index: usize) -> f64 {
    debug_assert!(u32::try_from(index).is_ok(), "an arena holds fewer than 2^32 histograms");
    f64::from_bits(HANDLE | index as u64)
}

/// The place that a value stands for; `None` for a number.
pub fn index_of(value: f64) -> Option<usize> {
    let bits = value.to_bits();
    (bits >> 32 == HANDLE >> 32).then_some((bits & u64::from(u32::MAX)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_told_from_every_number() {
        assert_eq!(index_of(handle(0)), Some(0));
        assert_eq!(index_of(handle(4_000_000_000)), Some(4_000_000_000));
        for number in [0.0, -1.0, f64::NAN, -f64::NAN, f64::INFINITY, crate::number::stale_marker()] {
            assert_eq!(index_of(number), None, "{number}");
        }
    }
}
