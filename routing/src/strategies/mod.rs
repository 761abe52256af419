//! The strategies: one file each, and the list of them.
//!
//! A strategy sees the candidates that may be chosen and says which one. It is a pure function: the same candidates, request and
//! seed give the same answer. Who may be chosen at all is decided before, in [`crate::choose`].

mod cost_based;
mod draw;
mod latency_based;
mod least_busy;
mod overload;
mod prefix_affinity;
mod priority_based;
#[cfg(test)]
mod properties;
mod rate_limit_aware;
mod round_robin;
mod session_affinity;
mod simple_shuffle;
mod tag_based;
mod usage_based;
pub(crate) mod waiting_time;

use deltallm_shared::routing;

use crate::candidate::{Ask, Candidate};

/// One way to choose.
pub trait Strategy: Sync {
    /// Which it is.
    fn name(&self) -> routing::Strategy;

    /// The index of the candidate to ask; candidates with a `skip` are not looked at. `None` where all have one.
    fn choose(&self, candidates: &[Candidate], ask: &Ask) -> Option<usize>;

    /// The figure that it compares by, for explanations: lower is better. `None` where it compares by none.
    fn score(&self, candidate: &Candidate, ask: &Ask) -> Option<i64>;
}

/// All of them, in the order of [`routing::Strategy::NAMES`].
pub static STRATEGIES: [&dyn Strategy; 11] = [
    &simple_shuffle::SimpleShuffle,
    &round_robin::RoundRobin,
    &least_busy::LeastBusy,
    &latency_based::LatencyBased,
    &cost_based::CostBased,
    &usage_based::UsageBased,
    &rate_limit_aware::RateLimitAware,
    &priority_based::PriorityBased,
    &tag_based::TagBased,
    &prefix_affinity::PrefixAffinity,
    &session_affinity::SessionAffinity,
];

/// The strategy of a name.
pub fn strategy(name: routing::Strategy) -> &'static dyn Strategy {
    STRATEGIES.get(name as usize).copied().unwrap_or(&simple_shuffle::SimpleShuffle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_strategy() {
        let missing: Vec<_> = routing::Strategy::NAMES
            .into_iter()
            .filter(|(name, _)| strategy(*name).name() != *name)
            .map(|(_, name)| name)
            .collect();
        assert!(missing.is_empty(), "no strategy for {missing:?}");
        assert_eq!(STRATEGIES.len(), routing::Strategy::NAMES.len());
    }
}
