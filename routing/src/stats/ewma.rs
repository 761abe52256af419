//! How long a deployment takes, by its latest answers: an average in which what is older weighs less.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::decay::{ONE, decayed};
use crate::tick::Tick;

/// In this time what was known loses half of its weight.
pub(super) const HALF_LIFE: Duration = Duration::from_secs(30);
/// The least weight of a new figure: one part of this many. Where answers come thick and fast, time alone would let none count.
const AT_LEAST_ONE_OF: u64 = 16;

/// Value (microseconds, upper half) and time (milliseconds, lower half, which may wrap) in one word, so that they always belong
/// together. A value of 0 is none.
#[derive(Debug, Default)]
pub(super) struct Ewma(AtomicU64);

impl Ewma {
    pub(super) fn record(&self, now: Tick, sample: Duration) {
        let sample = sample.as_micros().clamp(1, u128::from(u32::MAX));
        let sample = u64::try_from(sample).unwrap_or(u64::MAX);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            let old = word >> 32;
            let value = if old == 0 {
                sample
            } else {
                let kept = decayed(ONE, age(word, now), HALF_LIFE).min(ONE - ONE / AT_LEAST_ONE_OF);
                ((old * kept + sample * (ONE - kept)) >> 16).max(1)
            };
            Some(value << 32 | stamp(now))
        });
    }

    /// The average; 0: not known. What nobody has confirmed for a half-life fades: a deployment that was slow once, and is asked no
    /// more for that reason, gets another chance.
    pub(super) fn read(&self, now: Tick) -> u64 {
        let word = self.0.load(Ordering::Relaxed);
        let age = age(word, now);
        match age.checked_sub(HALF_LIFE) {
            Some(unconfirmed) => decayed(word >> 32, unconfirmed, HALF_LIFE),
            None => word >> 32,
        }
    }
}

const fn stamp(now: Tick) -> u64 {
    (now.0 / 1000) & u32::MAX as u64
}

/// Time since the word was written; nothing where the clocks of two threads disagree.
fn age(word: u64, now: Tick) -> Duration {
    let since = stamp(now).wrapping_sub(word) & u64::from(u32::MAX);
    Duration::from_millis(if since > u64::from(u32::MAX / 2) { 0 } else { since })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Tick {
        Tick(ms * 1000)
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_figure_stands_and_later_ones_move_it() {
        let ewma = Ewma::default();
        assert_eq!(ewma.read(at(5)), 0);
        ewma.record(at(0), ms(100));
        assert_eq!(ewma.read(at(0)), 100_000);
        ewma.record(at(30_000), ms(300));
        assert_eq!(ewma.read(at(30_000)), 200_000);
    }

    #[test]
    fn answers_at_the_same_moment_count_too() {
        let ewma = Ewma::default();
        for _ in 0..200 {
            ewma.record(at(1), ms(100));
        }
        for _ in 0..200 {
            ewma.record(at(1), ms(10));
        }
        assert!((9_000..11_000).contains(&ewma.read(at(1))), "{}", ewma.read(at(1)));
    }

    #[test]
    fn a_slow_figure_that_nobody_confirms_is_forgotten() {
        let ewma = Ewma::default();
        ewma.record(at(0), ms(8_000));
        assert_eq!(ewma.read(at(30_000)), 8_000_000);
        assert_eq!(ewma.read(at(60_000)), 4_000_000);
        assert_eq!(ewma.read(at(3_600_000)), 0);
    }

    proptest! {
        #[test]
        fn the_average_stays_between_its_figures(samples in proptest::collection::vec((1_u64..600_000, 0_u64..90_000), 1..60)) {
            let (ewma, mut now) = (Ewma::default(), 0);
            for (sample, pause) in &samples {
                now += pause;
                ewma.record(at(now), ms(*sample));
            }
            let least = samples.iter().map(|(sample, _)| *sample).min().unwrap() * 1000;
            let most = samples.iter().map(|(sample, _)| *sample).max().unwrap() * 1000;
            // Cut to whole microseconds each time.
            prop_assert!((least.saturating_sub(60)..=most).contains(&ewma.read(at(now))));
        }
    }
}
