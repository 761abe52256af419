//! A count over a sliding time: of requests, tokens, failures.
//!
//! Six slots of a sixth of the window each, and the one that is being filled. All seven count, so the window is up to a sixth longer
//! than it says: in no stretch of its length can more than the count have happened, and there is no edge at which it starts anew.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::tick::Tick;

/// Slots of a whole window; one more is being filled.
pub(super) const PARTS: u64 = 6;
const SLOTS: u64 = PARTS + 1;
const COUNT_BITS: u32 = 40;
const MOST: u64 = (1 << COUNT_BITS) - 1;
const TURNS: u64 = (1 << (64 - COUNT_BITS)) - 1;

/// Each slot holds its turn (24 bits, which may wrap after years) and its count in one word: a slot of an earlier round is
/// recognised and begins at nothing.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: [AtomicU64; 7],
}

impl Window {
    /// `width_us`: the width of one slot. Whoever changes it begins anew, more or less.
    pub(super) fn add(&self, now: Tick, width_us: u64, count: u64) {
        let turn = now.0 / width_us.max(1);
        self.change(turn, |_, before| Some(before.saturating_add(count).min(MOST)));
    }

    /// Takes back what was counted at an earlier moment; nothing where the window has moved past it.
    pub(super) fn take_back(&self, counted_at: Tick, width_us: u64, count: u64) {
        let turn = counted_at.0 / width_us.max(1);
        self.change(turn, |is_same_turn, before| is_same_turn.then(|| before.saturating_sub(count)));
    }

    /// What was counted in the window, in turns after the one of `after`.
    pub(super) fn sum(&self, now: Tick, width_us: u64, after: Option<Tick>) -> u64 {
        let turn = now.0 / width_us.max(1);
        let reach = after.map_or(SLOTS, |after| turn.saturating_sub(after.0 / width_us.max(1)).min(SLOTS));
        let counts = self.slots.iter().map(|slot| {
            let word = slot.load(Ordering::Relaxed);
            let age = turn.wrapping_sub(word >> COUNT_BITS) & TURNS;
            if age < reach { word & MOST } else { 0 }
        });
        counts.sum()
    }

    /// When no more than `most` are left, if nothing is added.
    pub(super) fn falls_to(&self, most: u64, now: Tick, width_us: u64) -> Tick {
        let turn = now.0 / width_us.max(1);
        // What is older leaves first.
        let mut moment = now;
        for age in (0..SLOTS).rev() {
            if self.sum(moment, width_us, None) <= most {
                break;
            }
            moment = Tick((turn + SLOTS).saturating_sub(age).saturating_mul(width_us.max(1)));
        }
        moment
    }

    fn change(&self, turn: u64, to: impl Fn(bool, u64) -> Option<u64>) {
        let index = usize::try_from(turn % SLOTS).unwrap_or(0);
        let Some(slot) = self.slots.get(index) else { return };
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            let is_same_turn = word >> COUNT_BITS == turn & TURNS;
            let count = to(is_same_turn, if is_same_turn { word & MOST } else { 0 })?;
            Some((turn & TURNS) << COUNT_BITS | count)
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDTH: u64 = 10_000_000;

    fn at(seconds: u64) -> Tick {
        Tick(seconds * 1_000_000)
    }

    #[test]
    fn what_was_counted_leaves_after_a_minute() {
        let window = Window::default();
        window.add(at(9), WIDTH, 5);
        window.add(at(30), WIDTH, 7);
        assert_eq!(window.sum(at(30), WIDTH, None), 12);
        assert_eq!(window.sum(at(69), WIDTH, None), 12);
        assert_eq!(window.sum(at(70), WIDTH, None), 7);
        assert_eq!(window.sum(at(500), WIDTH, None), 0);
        assert_eq!(window.sum(at(35), WIDTH, Some(at(12))), 7);
    }

    #[test]
    fn it_is_known_when_it_has_emptied() {
        let window = Window::default();
        window.add(at(9), WIDTH, 5);
        window.add(at(30), WIDTH, 7);
        assert_eq!(window.falls_to(12, at(35), WIDTH), at(35));
        assert_eq!(window.falls_to(11, at(35), WIDTH), at(70));
        assert_eq!(window.falls_to(7, at(69), WIDTH), at(70));
        assert_eq!(window.falls_to(6, at(35), WIDTH), at(100));
        assert_eq!(window.falls_to(0, at(39), WIDTH), at(100));
        for (most, seconds) in [(11, 70), (6, 100)] {
            assert!(
                window.sum(Tick(at(seconds).0 - 1), WIDTH, None) > most && window.sum(at(seconds), WIDTH, None) <= most
            );
        }
    }

    #[test]
    fn an_expectation_is_taken_back_where_it_was_counted() {
        let window = Window::default();
        window.add(at(5), WIDTH, 100);
        window.add(at(25), WIDTH, 10);
        window.take_back(at(5), WIDTH, 90);
        assert_eq!(window.sum(at(25), WIDTH, None), 20);
        // Seven turns later the slot belongs to another turn.
        window.add(at(75), WIDTH, 3);
        window.take_back(at(5), WIDTH, 10);
        assert_eq!(window.sum(at(75), WIDTH, None), 13);
    }

    proptest! {
        #[test]
        fn no_stretch_of_a_minute_is_missed(steps in proptest::collection::vec((0_u64..30_000_000, 0_u64..1000), 1..80)) {
            let (window, mut now, mut all) = (Window::default(), 0, Vec::new());
            for (pause, count) in steps {
                now += pause;
                window.add(Tick(now), WIDTH, count);
                all.push((now, count));
                let within = |reach: u64| all.iter().filter(|(at, _)| at + reach > now).map(|(_, count)| count).sum::<u64>();
                let sum = window.sum(Tick(now), WIDTH, None);
                prop_assert!(sum >= within(60_000_000) && sum <= within(70_000_000));
            }
        }
    }
}
