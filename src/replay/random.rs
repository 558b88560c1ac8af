//! Chance with a name: each generator draws from its own stream, so that a new one changes no other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers that depends on nothing but its name.
pub struct Random(ChaCha8Rng);

impl Random {
    pub fn named(name: &str) -> Random {
        let mut seed = [0; 32];
        for (lane, chunk) in seed.chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&fnv1a(name, lane as u64).to_le_bytes());
        }
        Random(ChaCha8Rng::from_seed(seed))
    }

    /// Evenly distributed, at least 0 and below 1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Exponentially distributed with mean 1. `libm` computes the same digits on every machine.
    pub fn exponential(&mut self) -> f64 {
        -libm::log1p(-self.unit())
    }
}

/// The FNV-1a hash of a name, begun anew for each lane.
fn fnv1a(name: &str, lane: u64) -> u64 {
    let begin = 0xcbf2_9ce4_8422_2325_u64 ^ lane.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    name.bytes().fold(begin, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_name_alone() {
        let draw =
            |name: &str| (0..4).map(|_| ()).scan(Random::named(name), |r, ()| Some(r.unit())).collect::<Vec<_>>();
        assert_eq!(draw("noise a"), draw("noise a"));
        assert_ne!(draw("noise a"), draw("noise b"));
    }

    #[test]
    fn draws_have_the_right_mean() {
        let mut random = Random::named("mean");
        let n = 20_000;
        let unit = (0..n).map(|_| random.unit()).sum::<f64>() / f64::from(n);
        let exponential = (0..n).map(|_| random.exponential()).sum::<f64>() / f64::from(n);
        assert!((unit - 0.5).abs() < 0.01 && (exponential - 1.0).abs() < 0.03, "{unit} {exponential}");
    }
}
