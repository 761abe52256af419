//! `rate-limit-aware`: by weight among those that have room in their limits, ours and the provider's.
//!
//! A deployment with less than a tenth of its scarcest limit left is spared while others have more: what is left there is for the
//! moment when nobody has. Where nobody has a tenth, the one with the most is asked.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct RateLimitAware;

impl RateLimitAware {
    /// The part of a limit, in parts of a million, that is spared.
    const SPARED_PPM: u32 = 100_000;
}

impl Strategy for RateLimitAware {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::RateLimitAware
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        let mut seed = Seed(ask.seed);
        let has_enough =
            |candidate: &Candidate| candidate.stats.has_room && candidate.stats.headroom_ppm > Self::SPARED_PPM;
        draw::one_where(candidates, &mut seed, has_enough).or_else(|| {
            let left = |candidate: &Candidate| (candidate.stats.has_room, candidate.stats.headroom_ppm);
            draw::least(candidates, &mut seed, |a, b| left(b).cmp(&left(a)))
        })
    }

    /// What is used, in parts of a million.
    fn score(&self, candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        Some(1_000_000 - i64::from(candidate.stats.headroom_ppm))
    }
}
