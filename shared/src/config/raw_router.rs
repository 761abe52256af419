//! The grammar of `router_settings` and of its `group_settings`. The names are LiteLLM's where it has one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::scalar::{Text, Texts};

/// A list of fallbacks as a router writes it: `[{ model: [other, another] }, …]`.
pub(super) type RawFallbacks = Vec<BTreeMap<String, Texts>>;

/// What a router and a group can both say, wherever it stands.
#[derive(Default)]
pub(super) struct RawRouting<'a> {
    pub routing_strategy: Option<&'a Text>,
    pub num_retries: Option<&'a Text>,
    pub timeout: Option<&'a Text>,
    pub stream_timeout: Option<&'a Text>,
    pub connect_timeout: Option<&'a Text>,
    pub first_byte_timeout: Option<&'a Text>,
    pub chunk_timeout: Option<&'a Text>,
    pub retry_after: Option<&'a Text>,
    pub max_retry_wait: Option<&'a Text>,
    pub allowed_fails: Option<&'a Text>,
    pub cooldown_time: Option<&'a Text>,
    pub max_error_percent: Option<&'a Text>,
    pub error_window: Option<&'a Text>,
    pub min_requests: Option<&'a Text>,
    pub enable_tag_filtering: Option<bool>,
    pub tag_filtering_match_any: Option<bool>,
    pub hedge: Option<&'a RawHedge>,
    pub mirror: Option<&'a RawMirror>,
    pub canary: Option<&'a RawCanary>,
    pub queue: Option<&'a RawQueue>,
    pub active_check: Option<&'a RawActiveCheck>,
}

// serde cannot both flatten and refuse unknown keys; so the shared fields are written once, here.
macro_rules! routing_section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $of:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            pub routing_strategy: Option<Text>,
            pub num_retries: Option<Text>,
            pub timeout: Option<Text>,
            pub stream_timeout: Option<Text>,
            pub connect_timeout: Option<Text>,
            pub first_byte_timeout: Option<Text>,
            pub chunk_timeout: Option<Text>,
            pub retry_after: Option<Text>,
            pub max_retry_wait: Option<Text>,
            pub allowed_fails: Option<Text>,
            pub cooldown_time: Option<Text>,
            pub max_error_percent: Option<Text>,
            pub error_window: Option<Text>,
            pub min_requests: Option<Text>,
            pub enable_tag_filtering: Option<bool>,
            pub tag_filtering_match_any: Option<bool>,
            pub hedge: Option<RawHedge>,
            pub mirror: Option<RawMirror>,
            pub canary: Option<RawCanary>,
            pub queue: Option<RawQueue>,
            pub active_check: Option<RawActiveCheck>,
            $(pub $field: $of),*
        }

        impl $name {
            /// What of it a router and a group can both say.
            pub(super) fn common(&self) -> RawRouting<'_> {
                RawRouting {
                    routing_strategy: self.routing_strategy.as_ref(),
                    num_retries: self.num_retries.as_ref(),
                    timeout: self.timeout.as_ref(),
                    stream_timeout: self.stream_timeout.as_ref(),
                    connect_timeout: self.connect_timeout.as_ref(),
                    first_byte_timeout: self.first_byte_timeout.as_ref(),
                    chunk_timeout: self.chunk_timeout.as_ref(),
                    retry_after: self.retry_after.as_ref(),
                    max_retry_wait: self.max_retry_wait.as_ref(),
                    allowed_fails: self.allowed_fails.as_ref(),
                    cooldown_time: self.cooldown_time.as_ref(),
                    max_error_percent: self.max_error_percent.as_ref(),
                    error_window: self.error_window.as_ref(),
                    min_requests: self.min_requests.as_ref(),
                    enable_tag_filtering: self.enable_tag_filtering,
                    tag_filtering_match_any: self.tag_filtering_match_any,
                    hedge: self.hedge.as_ref(),
                    mirror: self.mirror.as_ref(),
                    canary: self.canary.as_ref(),
                    queue: self.queue.as_ref(),
                    active_check: self.active_check.as_ref(),
                }
            }
        }
    };
}

routing_section!(
    /// `router_settings`.
    RawRouter {
        model_group_alias: BTreeMap<String, Text>,
        group_settings: BTreeMap<String, RawGroup>,
        fallbacks: RawFallbacks,
        context_window_fallbacks: RawFallbacks,
        content_policy_fallbacks: RawFallbacks,
        default_fallbacks: Option<Texts>,
    }
);

routing_section!(
    /// One entry of `group_settings`: its fallbacks are its own, so that their lists name other groups only.
    RawGroup {
        fallbacks: Option<Texts>,
        context_window_fallbacks: Option<Texts>,
        content_policy_fallbacks: Option<Texts>,
    }
);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawHedge {
    pub enabled: Option<bool>,
    pub percentile: Option<Text>,
    pub min_delay: Option<Text>,
    pub max_share_percent: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMirror {
    pub model: Text,
    pub percent: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCanary {
    pub tag: Text,
    pub percent: Text,
    pub max_error_percent: Option<Text>,
    pub min_requests: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQueue {
    pub max_wait: Text,
    pub max_waiting: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawActiveCheck {
    pub kind: Option<Text>,
    pub interval: Option<Text>,
}
