//! A stream of numbers to decide by: random ones from a seed, the same on every machine, or the bytes of a fuzzer.

/// Where the numbers come from.
pub enum Dice {
    /// SplitMix64.
    Random(u64),
    Bytes(std::vec::IntoIter<u8>),
}

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice::Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// Decisions from bytes, one or several a decision; where they end, all others are 0.
    #[allow(dead_code, reason = "each test binary uses its part of this module")]
    pub fn of(bytes: Vec<u8>) -> Dice {
        Dice::Bytes(bytes.into_iter())
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        match self {
            Dice::Random(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (z ^ (z >> 31)) % bound
            }
            Dice::Bytes(bytes) => {
                let mut number = 0;
                let mut most = bound - 1;
                while most > 0 {
                    number = number << 8 | u64::from(bytes.next().unwrap_or(0));
                    most >>= 8;
                }
                number % bound
            }
        }
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}
