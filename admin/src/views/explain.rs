//! How a call found its deployment, as the API shows it: figures for programs, a sentence beside each for people.

use deltallm_shared::{
    ids::DeploymentId,
    money::NanoUsd,
    routing::{AttemptEnd, FallbackKind, Fault, SkipReason, Strategy},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{request::RequestView, routing::StrategyName};

/// Everything that was decided for a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainView {
    pub request: RequestView,
    /// What happened, in a few sentences.
    pub summary: String,
    /// Whether the decisions were recorded. Where there was nothing to decide, or before a version that records them, what is
    /// shown follows from the call itself.
    pub is_traced: bool,
    /// How long it waited for a place, in microseconds.
    pub queued_us: u64,
    /// The shadow group that a copy went to.
    #[schema(required)]
    pub mirrored_to: Option<String>,
    /// Each time that a deployment was chosen, in order.
    pub choices: Vec<ChoiceView>,
    /// Each time that a deployment was asked, in order.
    pub attempts: Vec<AttemptView>,
    /// What was paid beside it and billed to nobody: attempts that broke off, slower ones of a pair, copies.
    pub beside: Vec<RequestView>,
    /// What that came to, as far as prices are known. US dollars as decimal text.
    #[schema(value_type = String, example = "0.000123")]
    pub beside_cost_usd: NanoUsd,
}

/// A deployment by the names that people know it by.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeploymentName {
    #[schema(value_type = uuid::Uuid)]
    pub id: DeploymentId,
    /// Null where it is there no more.
    #[schema(required)]
    pub provider: Option<String>,
    /// Null where it is there no more.
    #[schema(required)]
    pub upstream_model: Option<String>,
    /// `openai/gpt-4o-mini`, or its id.
    pub label: String,
}

/// One choice among the deployments of a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceView {
    /// The group.
    pub model: String,
    #[schema(value_type = StrategyName)]
    pub strategy: Strategy,
    /// The list of fallbacks that led here: `general`, `context_window` or `content_policy`; null: the group that was asked for.
    #[schema(value_type = Option<String>, required)]
    pub fallback: Option<FallbackKind>,
    /// Microseconds from the start of the request.
    pub at_us: u64,
    /// Null: nobody could be asked.
    #[schema(required)]
    pub chosen: Option<DeploymentName>,
    pub candidates: Vec<CandidateView>,
    /// How many more there were.
    pub omitted: u32,
    /// What the scores measure; lower is better. Null: the strategy compares by none.
    #[schema(required)]
    pub score_meaning: Option<&'static str>,
    pub sentence: String,
}

/// One deployment at the time of a choice.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateView {
    pub deployment: DeploymentName,
    pub is_chosen: bool,
    #[schema(required)]
    pub score: Option<i64>,
    /// Why it could not be chosen: `tried`, `cooling_down`, `rate_limited` …
    #[schema(value_type = Option<String>, required)]
    pub skipped: Option<SkipReason>,
    pub sentence: String,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    pub deployment: DeploymentName,
    /// The public name that it was asked by.
    pub model: String,
    /// Microseconds from the start of the request.
    pub at_us: u64,
    /// How long it was waited before, in microseconds.
    pub waited_us: u64,
    /// Until its first content, in microseconds from its start.
    #[schema(required)]
    pub first_token_us: Option<u64>,
    /// Until its end, in microseconds from its start.
    pub duration_us: u64,
    /// The provider's status.
    #[schema(required)]
    pub status: Option<u16>,
    /// `answered`, `failed`, `cancelled` or `interrupted`.
    #[schema(value_type = String)]
    pub end: AttemptEnd,
    /// The class of its failure: `connect`, `first_byte_timeout`, `rate_limit` …
    #[schema(value_type = Option<String>, required)]
    pub fault: Option<Fault>,
    /// Whether it was the second one of a hedged request.
    pub is_hedge: bool,
    pub sentence: String,
}
