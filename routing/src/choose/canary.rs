//! The canary's share: of a hundred first choices so many go to the deployments on trial, and none of the others.
//!
//! A request that failed elsewhere does not go to one on trial: that would load a new deployment with the failures of the old ones.

use deltallm_shared::routing::{EffectiveRouting, SkipReason, Strategy};

use crate::{
    candidate::{Ask, Candidate},
    seed::{Seed, mix},
    strategies::strategy,
};

/// Chooses among those on trial if the request is in their share. Else they are marked, unless the others are nobody.
pub(super) fn choose(routing: &EffectiveRouting, candidates: &mut [Candidate], ask: &Ask) -> Option<usize> {
    super::close(candidates, SkipReason::CanaryReturned, |candidate| candidate.is_canary_returned);
    let percent = routing.canary.as_ref().map_or(0, |canary| canary.percent);
    if ask.is_first && is_in_share(routing.strategy, ask, percent) {
        // The others are closed only while the strategy looks: they were a choice.
        super::close(candidates, SkipReason::NotInCanary, |candidate| !candidate.is_canary);
        let chosen = strategy(routing.strategy).choose(candidates, ask);
        super::reopen(candidates, SkipReason::NotInCanary);
        if chosen.is_some() {
            return chosen;
        }
    }
    super::close(candidates, SkipReason::NotInCanary, |candidate| candidate.is_canary);
    None
}

/// Whether the request is in the share. A session is in it or out of it as a whole where sessions stay together.
fn is_in_share(strategy: Strategy, ask: &Ask, percent: u8) -> bool {
    let chance = match ask.session {
        Some(session) if strategy == Strategy::SessionAffinity => mix(session),
        _ => ask.seed,
    };
    Seed(chance ^ 0x6361_6e61_7279).below(100) < u64::from(percent)
}
