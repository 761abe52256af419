//! The record of one call: what the journal holds, what the shipper posts, what the ledger in PostgreSQL keeps.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeploymentId, EventId, KeyId, OrganizationId, TeamId, UserId},
    money::NanoUsd,
    pricing::{ModelPrices, PriceState, Usage, UsageSource},
    routing::RouteTrace,
    time_text::Timestamp,
};

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer went out.
    Completed,
    /// We refused it: limits, rights, bad input.
    Refused,
    /// The provider failed, before or in the answer.
    UpstreamError,
    /// The client left before the end.
    ClientClosed,
    /// This process stopped, or was killed, before the end.
    #[default]
    Interrupted,
    /// Our mistake.
    GatewayError,
}

/// What an event is about. All but calls are the operator's own cost: they name no key, team or user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A call of a client.
    #[default]
    Call,
    /// An attempt of a call that cost something and answered nobody: it failed in the middle, and another one was made.
    FailedAttempt,
    /// The slower one of a hedged pair.
    HedgeLoser,
    /// A copy for a shadow.
    Mirror,
    /// An active check by a real call.
    Probe,
}

impl EventKind {
    /// Every kind with its name in API and database.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::Call, "call"),
        (Self::FailedAttempt, "failed_attempt"),
        (Self::HedgeLoser, "hedge_loser"),
        (Self::Mirror, "mirror"),
        (Self::Probe, "probe"),
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// Whether a client made it.
    pub const fn is_call(&self) -> bool {
        matches!(self, Self::Call)
    }
}

/// One call, as it is recorded exactly once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendEvent {
    /// Makes its delivery idempotent.
    pub event_id: EventId,
    /// What the caller knows the call by (`x-request-id`).
    pub request_id: String,
    /// When its header had been read.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that the client was given; 499 where it left before any.
    pub status: u16,
    /// The stable error code, where there was an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// `chat_completions`, `embeddings` …
    pub endpoint: String,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// The public model name that was asked for.
    pub model: String,
    /// Who served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What the provider calls the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_model: Option<String>,
    /// Which deployment served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<DeploymentId>,
    /// The virtual key; `None` for the master key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// The key's team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// The key's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The team's organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The body's `user`: the caller's own customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<String>,
    /// What was consumed.
    #[serde(default)]
    pub usage: Usage,
    /// Where those figures are from.
    #[serde(default)]
    pub usage_source: UsageSource,
    /// What it cost; `None` where the price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// The tier that served it, where the provider named one with prices of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// How the price is known.
    #[serde(default)]
    pub price_state: PriceState,
    /// The unit prices that were used, so that the cost can be computed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<ModelPrices>,
    /// The version of the price catalogue.
    #[serde(default)]
    pub price_version: String,
    /// How many upstream attempts there were.
    #[serde(default)]
    pub attempts: u32,
    /// What was decided on the way, where there was something to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<RouteTrace>>,
    /// What the event is about.
    #[serde(default, skip_serializing_if = "EventKind::is_call")]
    pub kind: EventKind,
    /// Of the operator's own cost: the call that it was paid for. The request id does not say, because callers choose theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<EventId>,
    /// From the start to the first byte for the client, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_first_byte_us: Option<u64>,
    /// From the start to the end, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
    /// The share of it that this gateway took before the upstream was called, in microseconds.
    #[serde(default)]
    pub overhead_us: u64,
}

/// What a shipper posts to `/internal/v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// At most [`EventBatch::MAX_EVENTS`].
    pub events: Vec<SpendEvent>,
}

impl EventBatch {
    /// How many events one post may hold.
    pub const MAX_EVENTS: usize = 1000;
}

/// What the admin service says to a batch: each event is in one of the lists, and need not be sent again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventAck {
    /// Stored, now or by an earlier post.
    pub accepted: Vec<EventId>,
    /// Put aside, because they cannot be stored as they are.
    #[serde(default)]
    pub rejected: Vec<RejectedEvent>,
}

/// An event that was put aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedEvent {
    /// Which.
    pub event_id: EventId,
    /// Why.
    pub reason: String,
}
