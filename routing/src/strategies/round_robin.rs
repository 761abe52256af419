//! `round-robin`: in turn, so that a deployment of twice the weight has two turns.
//!
//! After as many turns as all weights together (by their greatest common divisor) everybody had exactly their share. The turns of
//! one deployment do not come in a row: the turn is multiplied by a step near the golden section of the whole that has no divisor
//! in common with it, which visits every place once and neighbouring places far apart in time.

use deltallm_shared::routing;

use super::Strategy;
use crate::candidate::{Ask, Candidate};

/// See the module.
pub struct RoundRobin;

impl Strategy for RoundRobin {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::RoundRobin
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        let open = || candidates.iter().enumerate().filter(|(_, candidate)| candidate.is_open());
        let (mut total, mut unit, mut count) = (0_u64, 0, 0_u64);
        for (_, candidate) in open() {
            let weight = u64::from(candidate.weight);
            total += weight;
            unit = if unit == 1 || weight == unit { unit } else { common_divisor(unit, weight) };
            count += 1;
        }
        let is_even = total == 0;
        let (total, unit) = if is_even { (count, 1) } else { (total / unit, unit) };
        let mut place = place(ask.turn, total)?;
        for (index, candidate) in open() {
            let share = if is_even { 1 } else { u64::from(candidate.weight) / unit };
            if place < share {
                return Some(index);
            }
            place -= share;
        }
        None
    }

    fn score(&self, _candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        None
    }
}

/// Where a turn falls; `None` where there is no place.
fn place(turn: u64, total: u64) -> Option<u64> {
    // 2^64 divided by the golden section.
    const GOLDEN: u128 = 0x9e37_79b9_7f4a_7c15;
    let mut step = u64::try_from((u128::from(total) * GOLDEN) >> 64).unwrap_or(1).max(1);
    while common_divisor(step, total) > 1 {
        step += 1;
    }
    let turn = turn.checked_rem(total)?;
    u64::try_from(u128::from(turn) * u128::from(step) % u128::from(total)).ok()
}

const fn common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
