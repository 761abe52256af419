//! Which share of a group's requests gets a second attempt.
//!
//! Every request that could be hedged earns its share of a second attempt, every second attempt costs a whole one. So of any run of
//! requests at most the share, and [`MOST`] more, are hedged; it needs no clock, and a group that is seldom asked is treated as one
//! that is often asked.

use std::sync::atomic::{AtomicU32, Ordering};

/// A second attempt, in the unit of what is earned.
const ONE: u32 = 100;
/// Second attempts that may be saved up.
pub const MOST: u32 = 2;

/// See the module.
#[derive(Debug)]
pub struct HedgeShare {
    earned: AtomicU32,
}

impl Default for HedgeShare {
    fn default() -> Self {
        // The first slow request need not wait until others have earned it a second attempt.
        Self { earned: AtomicU32::new(ONE) }
    }
}

impl HedgeShare {
    /// A request that could be hedged. `percent`: the share.
    pub fn earn(&self, percent: u8) {
        let more = |earned: u32| Some(earned.saturating_add(u32::from(percent.min(100))).min(ONE * MOST));
        let _ = self.earned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes what a second attempt costs. False: the share is used up.
    pub fn take(&self) -> bool {
        self.earned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |earned| earned.checked_sub(ONE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_run_of_requests_is_hedged_more_often(percent in 0_u8..=100, slow in proptest::collection::vec(any::<bool>(), 1..400)) {
            let share = HedgeShare::default();
            let hedged: Vec<bool> = slow.iter().map(|slow| { share.earn(percent); *slow && share.take() }).collect();
            for from in 0..hedged.len() {
                for to in from + 1..=hedged.len() {
                    let count = hedged[from..to].iter().filter(|hedged| **hedged).count();
                    prop_assert!(count <= (to - from) * usize::from(percent) / 100 + usize::try_from(MOST).unwrap());
                }
            }
        }

        #[test]
        fn the_share_is_used_where_everything_is_slow(percent in 1_u8..=100) {
            let share = HedgeShare::default();
            let hedged = (0..1000).filter(|_| { share.earn(percent); share.take() }).count();
            prop_assert!(hedged >= usize::from(percent) * 10);
        }
    }
}
