//! Sets of steps: one bit a step, 64 to a word; bits behind the last step are zero.

/// Words that hold so many steps.
pub const fn words(steps: usize) -> usize {
    steps.div_ceil(64)
}

/// All steps.
pub fn all(steps: usize) -> Vec<u64> {
    let mut bits = vec![!0; words(steps)];
    if let Some(last) = bits.last_mut()
        && !steps.is_multiple_of(64)
    {
        *last = (1 << (steps % 64)) - 1;
    }
    bits
}

/// Whether a step is in the set.
pub fn has(bits: &[u64], step: usize) -> bool {
    bits.get(step / 64).is_some_and(|word| word >> (step % 64) & 1 == 1)
}

/// Puts a step into the set.
pub fn insert(bits: &mut [u64], step: usize) {
    bits[step / 64] |= 1 << (step % 64);
}

/// Takes a step out of the set.
pub fn remove(bits: &mut [u64], step: usize) {
    bits[step / 64] &= !(1 << (step % 64));
}

/// How many steps there are.
pub fn count(bits: &[u64]) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum()
}

/// Whether the set is empty.
pub fn none(bits: &[u64]) -> bool {
    bits.iter().all(|word| *word == 0)
}

/// The steps of the set, in order.
pub fn steps(bits: &[u64]) -> impl Iterator<Item = usize> + '_ {
    bits.iter().enumerate().flat_map(|(at, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(at * 64 + bit)
        })
    })
}

/// Adds the steps of another set of the same size.
pub fn join(bits: &mut [u64], other: &[u64]) {
    for (word, other) in bits.iter_mut().zip(other) {
        *word |= other;
    }
}

/// Copies the steps `from..from + count`, which become those from 0 on, into an empty set of that size.
pub fn copy_range(bits: &[u64], from: usize, count: usize, out: &mut [u64]) {
    for (at, word) in out.iter_mut().enumerate() {
        let start = from + at * 64;
        let low = bits.get(start / 64).map_or(0, |word| word >> (start % 64));
        let high = match (start % 64, bits.get(start / 64 + 1)) {
            (0, _) | (_, None) => 0,
            (shift, Some(next)) => next << (64 - shift),
        };
        let wanted = count - at * 64;
        *word = (low | high) & if wanted >= 64 { !0 } else { (1 << wanted) - 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_steps_across_words() {
        let mut bits = vec![0; words(130)];
        for step in [0, 63, 64, 129] {
            insert(&mut bits, step);
        }
        remove(&mut bits, 63);
        assert_eq!(steps(&bits).collect::<Vec<_>>(), [0, 64, 129]);
        assert!(has(&bits, 129) && !has(&bits, 1) && !has(&bits, 1000));
        assert_eq!(steps(&all(65)).count(), 65);
        assert_eq!(all(64), [!0]);
        assert!(none(&all(0)));
    }

    #[test]
    fn a_range_is_copied_across_words() {
        let steps_of = |bits: &[u64]| steps(bits).collect::<Vec<_>>();
        let mut bits = vec![0; words(200)];
        [3, 64, 65, 127, 130, 199].into_iter().for_each(|step| insert(&mut bits, step));
        let range = |from, count| {
            let mut out = vec![0; words(count)];
            copy_range(&bits, from, count, &mut out);
            steps_of(&out)
        };
        assert_eq!(range(0, 200), [3, 64, 65, 127, 130, 199]);
        assert_eq!(range(3, 62), [0, 61]);
        assert_eq!(range(64, 64), [0, 1, 63]);
        assert_eq!(range(65, 135), [0, 62, 65, 134]);
        assert_eq!(range(199, 1), [0]);
    }
}
