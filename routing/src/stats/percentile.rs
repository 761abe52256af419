//! How the times to first token are spread: a histogram of fixed size whose buckets grow with the time they stand for.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::tick::Tick;

/// Eight buckets from each power of two to the next: an answer is known within an eighth.
const STEPS: u32 = 3;
/// Times below about a millisecond are one.
const FLOOR_BITS: u32 = 10;
/// Times above about an hour are one.
const CEILING_BITS: u32 = 32;
const BUCKETS: usize = ((CEILING_BITS - FLOOR_BITS) << STEPS) as usize;
/// In this time what was counted loses half of its weight.
const HALF_LIFE_US: u64 = 300_000_000;
/// What one answer weighs at first, so that it can be halved a few times.
const WEIGHT: u32 = 16;
/// Answers without which nothing is said.
const ENOUGH: u64 = 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Spread {
    buckets: [AtomicU32; BUCKETS],
    /// How many half-lives of the clock had passed when it was last halved.
    halvings: AtomicU64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { buckets: [const { AtomicU32::new(0) }; BUCKETS], halvings: AtomicU64::new(0) }
    }
}

impl Spread {
    pub(super) fn record(&self, now: Tick, sample: Duration) {
        self.forget(now);
        if let Some(bucket) = self.buckets.get(bucket_of(sample)) {
            let _ =
                bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_add(WEIGHT)));
        }
    }

    /// The time that this many of a hundred answers keep; `None`: too few are known. At the newest moment that was recorded: whoever
    /// asks has no clock, and an old figure is better than none.
    pub(super) fn percentile(&self, percentile: u8) -> Option<Duration> {
        let counts = || self.buckets.iter().map(|bucket| u64::from(bucket.load(Ordering::Relaxed)));
        let all: u64 = counts().sum();
        if all < ENOUGH * u64::from(WEIGHT) {
            return None;
        }
        let wanted = (all * u64::from(percentile.min(100))).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in counts().enumerate() {
            seen += count;
            if seen >= wanted {
                return Some(end_of(index));
            }
        }
        Some(end_of(BUCKETS - 1))
    }

    fn forget(&self, now: Tick) {
        let due = now.0 / HALF_LIFE_US;
        let done = self.halvings.load(Ordering::Relaxed);
        // Only one thread does it; what others record meanwhile is halved or not, which is all the same.
        if due > done && self.halvings.compare_exchange(done, due, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let times = u32::try_from(due - done).unwrap_or(u32::MAX);
            for bucket in &self.buckets {
                let halve = |count: u32| Some(count.checked_shr(times).unwrap_or(0));
                let _ = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, halve);
            }
        }
    }
}

fn bucket_of(sample: Duration) -> usize {
    let us = u64::try_from(sample.as_micros()).unwrap_or(u64::MAX).clamp(1 << FLOOR_BITS, (1 << CEILING_BITS) - 1);
    let power = us.ilog2();
    let step = (us >> (power - STEPS)) & ((1 << STEPS) - 1);
    usize::try_from((u64::from(power - FLOOR_BITS) << STEPS) | step).unwrap_or(0)
}

/// Where a bucket ends.
fn end_of(bucket: usize) -> Duration {
    let (power, step) = (bucket >> STEPS, bucket & ((1 << STEPS) - 1));
    let power = u32::try_from(power).unwrap_or(0) + FLOOR_BITS;
    Duration::from_micros((step as u64 + 1 + (1 << STEPS)) << (power - STEPS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_slow_tenth_is_seen() {
        let spread = Spread::default();
        for turn in 0..100 {
            spread.record(Tick(turn), ms(if turn % 10 == 0 { 2000 } else { 100 }));
        }
        let (half, most) = (spread.percentile(50).unwrap(), spread.percentile(95).unwrap());
        assert!((ms(100)..ms(113)).contains(&half), "{half:?}");
        assert!((ms(2000)..ms(2250)).contains(&most), "{most:?}");
    }

    #[test]
    fn a_few_answers_say_nothing_and_old_ones_fade() {
        let spread = Spread::default();
        for _ in 0..9 {
            spread.record(Tick(0), ms(5));
        }
        assert_eq!(spread.percentile(95), None);
        for _ in 0..991 {
            spread.record(Tick(0), ms(5));
        }
        let hour = 3_600_000_000;
        for _ in 0..20 {
            spread.record(Tick(hour), ms(800));
        }
        assert!(spread.percentile(50).unwrap() > ms(700), "{:?}", spread.percentile(50));
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_times(us in 1024_u64..4_000_000_000) {
            let sample = Duration::from_micros(us);
            let end = end_of(bucket_of(sample));
            prop_assert!(end > sample && end <= sample + sample / 8 + Duration::from_micros(1));
        }

        #[test]
        fn any_time_has_a_bucket(us: u64, percentile: u8) {
            let spread = Spread::default();
            for _ in 0..10 {
                spread.record(Tick(us), Duration::from_micros(us));
            }
            prop_assert!(spread.percentile(percentile).is_some());
        }
    }
}
