//! Who is asked next.
//!
//! First who may be: not tried yet, healthy, with room, with the tags; then the canary's share; then the strategy. The last one is
//! never set aside: where health alone stands against every deployment, the one whose pause ends first is asked all the same.

use deltallm_shared::routing::{EffectiveRouting, SkipReason};

use crate::{
    candidate::{Ask, Candidate},
    strategies::strategy,
};

/// Marks in the candidates who may not be chosen and why, and says who is asked. `None`: everybody was asked already or cannot do
/// what is asked.
pub fn choose(routing: &EffectiveRouting, candidates: &mut [Candidate], ask: &Ask) -> Option<usize> {
    for candidate in candidates.iter_mut() {
        if candidate.skip.is_none() && candidate.stats.is_set_aside(ask.now) {
            candidate.skip = Some(SkipReason::CoolingDown);
        }
    }
    let chosen = strategy(routing.strategy).choose(candidates, ask).or_else(|| soonest(candidates));
    if let Some(chosen) = chosen.and_then(|index| candidates.get_mut(index)) {
        chosen.skip = None;
    }
    chosen
}

/// The one whose pause ends first, where health alone stands against everybody.
fn soonest(candidates: &[Candidate]) -> Option<usize> {
    let by_health = |skip: SkipReason| {
        matches!(
            skip,
            SkipReason::CoolingDown | SkipReason::Probing | SkipReason::RateLimited | SkipReason::NoCredential
        )
    };
    candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.skip.is_some_and(by_health))
        .min_by_key(|(_, candidate)| candidate.stats.set_aside_until)
        .map(|(index, _)| index)
}
