//! `simple-shuffle`: at random, so that a deployment of twice the weight is asked twice as often.

use deltallm_shared::routing;

use super::Strategy;
use crate::{
    candidate::{Ask, Candidate},
    seed::Seed,
};

/// See the module.
pub struct SimpleShuffle;

impl Strategy for SimpleShuffle {
    fn name(&self) -> routing::Strategy {
        routing::Strategy::SimpleShuffle
    }

    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize> {
        by_weight(candidates, &mut Seed(ask.seed))
    }

    fn score(&self, _candidate: &Candidate, _ask: &Ask) -> Option<i64> {
        None
    }
}

/// Draws one by weight. Deployments of weight 0 are drawn only where nobody else is left.
pub(super) fn by_weight(candidates: &[Candidate], seed: &mut Seed) -> Option<usize> {
    let open = || candidates.iter().enumerate().filter(|(_, candidate)| candidate.skip.is_none());
    let total: u64 = open().map(|(_, candidate)| u64::from(candidate.weight)).sum();
    if total == 0 {
        let count = u64::try_from(open().count()).unwrap_or(0);
        return open().nth(usize::try_from(seed.below(count)).unwrap_or(0)).map(|(index, _)| index);
    }
    let mut ticket = seed.below(total);
    open()
        .find(|(_, candidate)| {
            let weight = u64::from(candidate.weight);
            let is_hit = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            is_hit
        })
        .map(|(index, _)| index)
}
