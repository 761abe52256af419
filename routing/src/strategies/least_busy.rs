//! `least-busy`: the one with the fewest requests under way for its weight; one of several equals is drawn by weight.

use deltallm_shared::routing;

use super::{Strategy, draw};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct LeastBusy;

impl Strategy for LeastBusy {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::LeastBusy
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        draw::least(candidates, &mut Seed(ask.seed), Candidate::cmp_load)
    }

    /// Requests under way, in thousandths of one for each part of its weight.
    fn score(&self, candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        Some(i64::from(candidate.stats.in_flight) * 1000 / i64::from(candidate.weight.max(1)))
    }
}
