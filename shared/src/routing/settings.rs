//! What an operator sets. Every field may be left out.

use serde::{Deserialize, Serialize};

use super::Strategy;
use crate::ids::{DeploymentId, RoutingPolicyId};

/// The settings of a router or of one group. `None`: as the next level says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSettings {
    /// How a deployment is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Attempts after the first one, within the group. A fallback group adds one attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_retries: Option<u32>,
    /// From the first byte of the request to the last of the answer, all attempts together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Until a connection stands, TLS included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// Until the first byte of one attempt, where the deployment does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_timeout_ms: Option<u64>,
    /// Between two pieces of a streamed answer, where the deployment does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_timeout_ms: Option<u64>,
    /// Before the same deployment is asked again, where the provider names no time: doubled each time, and scattered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The longest that a request waits for such a moment; if the provider wants more, the client is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry_wait_ms: Option<u64>,
    /// Failures in a row after which a deployment is set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_fails: Option<u32>,
    /// For how long; doubled with each probe that fails, up to sixteen times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_time_ms: Option<u64>,
    /// Failures of a hundred requests in the window, from which on a deployment is set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_error_percent: Option<u8>,
    /// The window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_window_ms: Option<u64>,
    /// Requests in the window without which the share says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u32>,
    /// Other groups to go to when this one fails, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallbacks: Option<Vec<String>>,
    /// Where a prompt goes that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window_fallbacks: Option<Vec<String>>,
    /// Where content goes that a provider refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_policy_fallbacks: Option<Vec<String>>,
    /// Where every group goes that has no `fallbacks` of its own. Of the router only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_fallbacks: Option<Vec<String>>,
    /// Whether tags of a request narrow the choice under every strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_tag_filtering: Option<bool>,
    /// Whether a deployment needs all tags of the request or one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_match: Option<TagMatch>,
    /// A second attempt while the first one is slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<Hedge>,
    /// A copy of a share of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// A new deployment on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Waiting in the place of a 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// Looking after deployments that nobody asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_check: Option<ActiveCheck>,
}

/// What a request's tags ask of a deployment's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagMatch {
    /// All of them.
    #[default]
    All,
    /// One of them.
    Any,
}

/// A second attempt while the first one is slow: the first content wins, the loser is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// Whether it is done.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Of the time to first token of the deployment that was asked first: 95.
    #[serde(default = "ninety_five")]
    pub percentile: u8,
    /// Never sooner than this.
    #[serde(default = "min_delay")]
    pub min_delay_ms: u64,
    /// The most of a hundred requests that get a second attempt: 5.
    #[serde(default = "five")]
    pub max_share_percent: u8,
}

/// A copy of a share of requests for a shadow group: never billed to the caller, never seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// The public name of the shadow's group.
    pub model: String,
    /// The share in a hundred.
    pub percent: u8,
}

/// A deployment on trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Which. Of `config.yaml`: the first deployment with the tag; through the API: by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<DeploymentId>,
    /// Every deployment of the group with this tag is on trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its share of the first attempts, in a hundred.
    pub percent: u8,
    /// Failures of a hundred from which on it gets no share any more, until an operator sets the policy anew: 20.
    #[serde(default = "twenty")]
    pub max_error_percent: u8,
    /// Requests without which the failures say nothing: 20.
    #[serde(default = "twenty_requests")]
    pub min_requests: u32,
}

/// Waiting in the place of a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The longest wait.
    pub max_wait_ms: u64,
    /// How many may wait in a group; the next one gets its 429 at once: 100.
    #[serde(default = "hundred")]
    pub max_waiting: u32,
}

/// Looking after deployments that are set aside or that nobody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveCheck {
    /// What is asked.
    #[serde(default)]
    pub kind: ActiveCheckKind,
    /// How often.
    #[serde(default = "five_minutes")]
    pub interval_ms: u64,
}

/// What an active check asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveCheckKind {
    /// The provider's list of models, which costs nothing; nothing where the provider has none.
    #[default]
    Models,
    /// A real call of one token, which is on record as a probe of nobody.
    Call,
}

/// Settings with the place that they are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoutingPolicyRecord {
    /// Its id.
    pub id: RoutingPolicyId,
    /// The group; `None`: the router.
    #[serde(default)]
    pub model_name: Option<String>,
    /// The settings.
    #[serde(default)]
    pub settings: RoutingSettings,
}

macro_rules! nearer {
    ($near:ident, $far:ident, $($field:ident),+ $(,)?) => {
        RoutingSettings { $($field: $near.$field.clone().or_else(|| $far.$field.clone())),+ }
    };
}

impl RoutingSettings {
    /// These settings, and where they say nothing, the others.
    pub fn over(&self, far: &Self) -> Self {
        nearer!(
            self,
            far,
            strategy,
            num_retries,
            timeout_ms,
            connect_timeout_ms,
            first_byte_timeout_ms,
            chunk_timeout_ms,
            retry_after_ms,
            max_retry_wait_ms,
            allowed_fails,
            cooldown_time_ms,
            max_error_percent,
            error_window_ms,
            min_requests,
            fallbacks,
            context_window_fallbacks,
            content_policy_fallbacks,
            default_fallbacks,
            enable_tag_filtering,
            tag_match,
            hedge,
            mirror,
            canary,
            queue,
            active_check,
        )
    }
}

const fn yes() -> bool {
    true
}
const fn ninety_five() -> u8 {
    95
}
const fn min_delay() -> u64 {
    100
}
const fn five() -> u8 {
    5
}
const fn twenty() -> u8 {
    20
}
const fn twenty_requests() -> u32 {
    20
}
const fn hundred() -> u32 {
    100
}
const fn five_minutes() -> u64 {
    300_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_level_wins_field_by_field() {
        let group = RoutingSettings { num_retries: Some(0), ..RoutingSettings::default() };
        let router =
            RoutingSettings { num_retries: Some(4), strategy: Some(Strategy::LeastBusy), ..RoutingSettings::default() };
        let both = group.over(&router);
        assert_eq!((both.num_retries, both.strategy), (Some(0), Some(Strategy::LeastBusy)));
    }

    #[test]
    fn a_short_policy_is_enough() {
        let settings: RoutingSettings = serde_json::from_str(r#"{"hedge":{},"queue":{"max_wait_ms":500}}"#).unwrap();
        assert_eq!(settings.hedge.map(|hedge| (hedge.enabled, hedge.percentile)), Some((true, 95)));
        assert_eq!(settings.queue.map(|queue| queue.max_waiting), Some(100));
        assert!(serde_json::from_str::<RoutingSettings>(r#"{"fallback":[]}"#).is_err());
    }
}
