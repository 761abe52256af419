//! `priority-based-routing`: the lowest `priority` that can serve, by weight within it.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct PriorityBased;

impl Strategy for PriorityBased {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::PriorityBased
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::least(candidates, &mut Seed(ask.seed), |a, b| a.priority.cmp(&b.priority))
    }

    /// The tier.
    fn score(&self, candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        Some(i64::from(candidate.priority))
    }
}
