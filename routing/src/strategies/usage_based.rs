//! `usage-based-routing`: the one that has used the least of its limits; one of several equals is drawn by weight.
//!
//! What counts is the scarcest of its limits, ours or the provider's, as a share: a deployment of ten times the limit may have used
//! ten times as much.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct UsageBased;

impl Strategy for UsageBased {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::UsageBased
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::least(candidates, &mut Seed(ask.seed), |a, b| b.stats.headroom_ppm.cmp(&a.stats.headroom_ppm))
    }

    /// What is used, in parts of a million.
    fn score(&self, candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        Some(1_000_000 - i64::from(candidate.stats.headroom_ppm))
    }
}
