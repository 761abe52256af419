//! `prefix-affinity`: the deployment whose prompt cache is warm for this prompt's beginning, as long as it is not overloaded.
//!
//! Providers bill and compute a beginning that they know at a fraction. That is worth staying for, not waiting for: a warm deployment
//! with more under way than [`Overload`] allows is treated as any other, by the less busy of two.

use deltallm_shared::routing;

use super::{Strategy, draw, overload::Overload};
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct PrefixAffinity;

impl Strategy for PrefixAffinity {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::PrefixAffinity
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        ask.warm
            .and_then(|warm| {
                let is_warm = |candidate: &Candidate| candidate.is_open() && candidate.identity == warm;
                let (index, candidate) = candidates.iter().enumerate().find(|(_, candidate)| is_warm(candidate))?;
                (!Overload::of(candidates).is_over(candidate)).then_some(index)
            })
            .or_else(|| draw::less_busy_of_two(candidates, &mut Seed(ask.seed)))
    }

    /// 0 where it is warm, else 1 and the requests under way.
    fn score(&self, candidate: &Candidate, ask: &Ask) -> Option<i64> {
        Some(if ask.warm == Some(candidate.identity) { 0 } else { 1 + i64::from(candidate.stats.in_flight) })
    }
}
