//! What was decided for one request, so that it can be explained afterwards. Part of the spend event; bounded in size.

use serde::{Deserialize, Serialize};

use super::{FallbackKind, Fault, Strategy};
use crate::ids::DeploymentId;

/// Everything that was decided for one request, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteTrace {
    /// Each time that a deployment was chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Each time that a deployment was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptTrace>,
    /// How long the request waited for a place, in microseconds; 0: not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub queued_us: u64,
    /// The shadow group that a copy went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored_to: Option<String>,
}

impl RouteTrace {
    /// The most choices and attempts that are kept.
    pub const MAX_STEPS: usize = 20;
    /// The most candidates that are kept of one choice: the chosen, those that were skipped, then those that came near.
    pub const MAX_CANDIDATES: usize = 16;
}

/// One choice among the deployments of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The group.
    pub model: String,
    /// How it was chosen.
    pub strategy: Strategy,
    /// The list of fallbacks that led here; `None`: the group that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackKind>,
    /// Who could have been chosen.
    #[serde(default)]
    pub candidates: Vec<CandidateTrace>,
    /// How many more there were.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub omitted: u32,
    /// Who was; `None`: nobody could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<DeploymentId>,
    /// When, in microseconds from the start of the request.
    #[serde(default)]
    pub at_us: u64,
}

/// One deployment at the time of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateTrace {
    /// Which.
    pub deployment_id: DeploymentId,
    /// The strategy's figure: lower is better. What it measures depends on the strategy; see `docs/routing.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
    /// Why it could not be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
}

/// Why a deployment was not a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// This request asked it already.
    Tried,
    /// It failed too often and is set aside for a while.
    CoolingDown,
    /// It was set aside and its first probe is under way.
    Probing,
    /// Its provider limits us, for a time that it named.
    RateLimited,
    /// Its own limits of requests, tokens or parallel requests are used up.
    AtCapacity,
    /// None of its credentials can be used now.
    NoCredential,
    /// It lacks the request's tags.
    TagsDiffer,
    /// A tier before it can serve.
    LowerPriority,
    /// On trial, and this request is not in its share.
    NotInCanary,
    /// On trial, and it failed too often.
    CanaryReturned,
    /// It cannot do what is asked.
    CannotServe,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptTrace {
    /// Who was asked.
    pub deployment_id: DeploymentId,
    /// By which public name.
    pub model: String,
    /// When, in microseconds from the start of the request.
    pub at_us: u64,
    /// How long it was waited before, in microseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited_us: u64,
    /// Until its first content, in microseconds from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_us: Option<u64>,
    /// Until its end, in microseconds from its start.
    #[serde(default)]
    pub duration_us: u64,
    /// The provider's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it ended.
    pub end: AttemptEnd,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Whether it was the second one of a hedged request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hedge: bool,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// Its answer went to the client.
    Answered,
    /// It failed; see its fault.
    Failed,
    /// Another one was quicker.
    Cancelled,
    /// The client left, or the process stopped.
    #[default]
    Interrupted,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(figure: &u64) -> bool {
    *figure == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_left(figure: &u32) -> bool {
    *figure == 0
}
