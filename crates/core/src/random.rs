//! A small generator whose numbers never change, so that a session resumed
//! with another release of a library goes on identically.

/// `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014; constants as in Vigna's public-domain C code).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream for one seed and one position, unrelated to its neighbours'.
    pub fn new(seed: u64, position: u64) -> Random {
        let mut outer = Random(seed);
        let base = outer.bits();
        let mut inner = Random(base ^ position.wrapping_mul(0xD1B5_4A32_D192_ED03));
        inner.bits();
        inner
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    #[expect(clippy::cast_possible_truncation, reason = "below `n`")]
    pub fn below(&mut self, n: usize) -> usize {
        // The high half of a 128-bit product (Lemire 2019, without the
        // rejection step: its bias is below 2^-40 for any space of ours).
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponential of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs of Vigna's splitmix64.c for the state 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(1, 2);
        let n = 20_000;
        let uniform: f64 = (0..n).map(|_| random.unit()).sum::<f64>() / f64::from(n);
        let square: f64 = (0..n).map(|_| random.normal().powi(2)).sum::<f64>() / f64::from(n);
        let wait: f64 = (0..n).map(|_| random.exponential()).sum::<f64>() / f64::from(n);
        let often = (0..n).filter(|_| random.chance(0.2)).count() as f64 / f64::from(n);
        assert!((uniform - 0.5).abs() < 0.01, "{uniform}");
        assert!((square - 1.0).abs() < 0.05, "{square}");
        assert!((wait - 1.0).abs() < 0.05, "{wait}");
        assert!((often - 0.2).abs() < 0.02, "{often}");
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
