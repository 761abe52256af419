//! Chance, passed in.

/// A source of chance that gives the same figures for the same seed. SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good
/// enough to spread load.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next figure.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so there is no `None` to speak of")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next figure below a bound; 0 for the bound 0. By multiplication instead of division (Lemire 2016).
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }
}

/// Scatters the bits of a figure.
pub const fn mix(figure: u64) -> u64 {
    let mut z = figure;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
