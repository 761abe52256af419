//! The names of the strategies. What each does is one file in the crate `deltallm-routing`.

use serde::{Deserialize, Serialize};

/// How one deployment of a group is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strategy {
    /// At random, by weight.
    #[default]
    #[serde(rename = "simple-shuffle", alias = "weighted")]
    SimpleShuffle,
    /// In turn, by weight.
    #[serde(rename = "round-robin")]
    RoundRobin,
    /// The one with the fewest requests under way, by weight.
    #[serde(rename = "least-busy")]
    LeastBusy,
    /// The quicker of two drawn at random: by time to first token for streams, by total time otherwise.
    #[serde(rename = "latency-based-routing", alias = "latency-based")]
    LatencyBased,
    /// The cheapest for this request.
    #[serde(rename = "cost-based-routing", alias = "cost-based")]
    CostBased,
    /// The one that has used the least of its limits.
    #[serde(rename = "usage-based-routing", alias = "usage-based", alias = "usage-based-routing-v2")]
    UsageBased,
    /// By weight among those that have room in their limits, ours and the provider's.
    #[serde(rename = "rate-limit-aware")]
    RateLimitAware,
    /// The lowest `priority` first, by weight within one.
    #[serde(rename = "priority-based-routing", alias = "priority-based")]
    PriorityBased,
    /// By weight among those that have the request's tags.
    #[serde(rename = "tag-based-routing", alias = "tag-based")]
    TagBased,
    /// The one whose prompt cache is warm for this prompt's beginning.
    #[serde(rename = "prefix-affinity")]
    PrefixAffinity,
    /// The same for all requests of a session.
    #[serde(rename = "session-affinity")]
    SessionAffinity,
}

impl Strategy {
    /// Every strategy with its name in configuration, API, headers and database.
    pub const NAMES: [(Self, &'static str); 11] = [
        (Self::SimpleShuffle, "simple-shuffle"),
        (Self::RoundRobin, "round-robin"),
        (Self::LeastBusy, "least-busy"),
        (Self::LatencyBased, "latency-based-routing"),
        (Self::CostBased, "cost-based-routing"),
        (Self::UsageBased, "usage-based-routing"),
        (Self::RateLimitAware, "rate-limit-aware"),
        (Self::PriorityBased, "priority-based-routing"),
        (Self::TagBased, "tag-based-routing"),
        (Self::PrefixAffinity, "prefix-affinity"),
        (Self::SessionAffinity, "session-affinity"),
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_has_one_name_everywhere() {
        for (strategy, name) in Strategy::NAMES {
            assert_eq!((strategy.name(), serde_json::to_value(strategy).unwrap()), (name, name.into()));
            assert_eq!(serde_json::from_value::<Strategy>(name.into()).unwrap(), strategy);
        }
    }
}
