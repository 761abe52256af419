//! `latency-based-routing`: the quicker of two drawn by weight; by time to first token for streams, by total time otherwise.
//!
//! Two, not all: with all, every caller would run to the quickest until it is the slowest. The time counts once for each request
//! under way and once for this one, so that a quick deployment with a queue is not taken for a quick one.
//!
//! A deployment whose time is not known yet is asked at once, but only with one request at a time; while that is under way it
//! loses. So a new one is known after one answer, and a new one that hangs holds up one caller. And since a slow one that is never
//! asked would stay slow on record for ever, one choice in fifty goes to the slower of the two.

use std::cmp::Ordering;

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct LatencyBased;

impl LatencyBased {
    /// One choice in this many goes to the slower one.
    const LOOKS_AGAIN: u64 = 50;

    /// How long this request may take there, in microseconds; `None`: not known yet.
    fn expected_us(candidate: &Candidate, ask: &Ask) -> Option<u64> {
        let stats = &candidate.stats;
        let time = if ask.streams { stats.first_token_us } else { stats.total_us };
        (time > 0).then(|| time.saturating_mul(u64::from(stats.in_flight) + 1))
    }

    fn compare(one: &Candidate, other: &Candidate, ask: &Ask) -> Ordering {
        let is_free = |candidate: &Candidate| candidate.stats.in_flight == 0;
        match (Self::expected_us(one, ask), Self::expected_us(other, ask)) {
            (Some(one), Some(other)) => one.cmp(&other),
            (None, None) => one.cmp_load(other),
            (None, Some(_)) => {
                if is_free(one) {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (Some(_), None) => {
                if is_free(other) {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        }
    }
}

impl Strategy for LatencyBased {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::LatencyBased
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        let mut seed = Seed(ask.seed);
        let (first, second) = draw::two(candidates, &mut seed)?;
        let Some((second, one, other)) =
            second.and_then(|second| Some((second, candidates.get(first)?, candidates.get(second)?)))
        else {
            return Some(first);
        };
        let looks_again = seed.below(Self::LOOKS_AGAIN) == 0
            && Self::expected_us(one, ask).is_some()
            && Self::expected_us(other, ask).is_some();
        let is_second = (Self::compare(other, one, ask) == Ordering::Less) != looks_again;
        Some(if is_second { second } else { first })
    }

    /// Microseconds, for all that is under way and this request.
    fn score(&self, candidate: &Candidate, ask: &Ask) -> Option<i64> {
        Self::expected_us(candidate, ask).map(|time| i64::try_from(time).unwrap_or(i64::MAX))
    }
}
