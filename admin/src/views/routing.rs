//! Settings of routing as the API shows and takes them.

use deltallm_shared::{
    ids::DeploymentId,
    routing::{EffectiveRouting, RoutingSettings, Strategy},
    time_text::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// How requests find their deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingView {
    /// What holds where no group says otherwise.
    pub router: RoutingPolicyView,
    /// Every group by its public name.
    pub groups: Vec<RoutingPolicyView>,
    /// What `strategy` may be.
    pub strategies: Vec<StrategyView>,
}

/// The settings of the router or of one group, and where they are from.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingPolicyView {
    /// The group; null: the router.
    #[schema(required)]
    pub model_name: Option<String>,
    /// How many deployments the group has; of the router: how many there are.
    pub deployments: usize,
    /// Where the nearest settings of its own are from: `database`, `config`, or `default` where it has none.
    pub source: &'static str,
    /// Its own settings: those of the database above those of `config.yaml`.
    #[schema(value_type = RoutingSettingsView)]
    pub settings: RoutingSettings,
    /// Those of `config.yaml`.
    #[schema(value_type = RoutingSettingsView)]
    pub config: RoutingSettings,
    /// Those of the database; null where there are none.
    #[schema(value_type = Option<RoutingSettingsView>, required)]
    pub database: Option<RoutingSettings>,
    /// What holds in the end, with every level and every default.
    #[schema(value_type = RoutingSettingsView)]
    pub effective: RoutingSettings,
    /// When those of the database were set.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub updated_at: Option<Timestamp>,
    /// What looks wrong and is allowed: a group that nobody serves yet.
    pub warnings: Vec<String>,
}

/// Fills the gaps, for a reader who wants to know what holds.
pub fn filled(settings: &RoutingSettings) -> RoutingSettings {
    let effective = EffectiveRouting::of(settings);
    let ms = |duration: std::time::Duration| Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    RoutingSettings {
        strategy: Some(effective.strategy),
        num_retries: Some(effective.retry.num_retries),
        timeout_ms: ms(effective.timers.total),
        connect_timeout_ms: ms(effective.timers.connect),
        first_byte_timeout_ms: effective.timers.first_byte.and_then(ms),
        chunk_timeout_ms: effective.timers.chunk.and_then(ms),
        retry_after_ms: ms(effective.retry.base_wait),
        max_retry_wait_ms: ms(effective.retry.max_wait),
        allowed_fails: Some(effective.circuit.allowed_fails),
        cooldown_time_ms: ms(effective.circuit.cooldown),
        max_error_percent: Some(effective.circuit.max_error_percent),
        error_window_ms: ms(effective.circuit.window),
        min_requests: Some(effective.circuit.min_requests),
        fallbacks: Some(effective.general_fallbacks),
        context_window_fallbacks: Some(effective.context_window_fallbacks),
        content_policy_fallbacks: Some(effective.content_policy_fallbacks),
        default_fallbacks: None,
        enable_tag_filtering: Some(effective.filters_tags),
        tag_match: Some(effective.tag_match),
        hedge: effective.hedge,
        mirror: effective.mirror,
        canary: effective.canary,
        queue: effective.queue,
        active_check: effective.active_check,
    }
}

/// A strategy in a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct StrategyView {
    pub name: &'static str,
    pub description: &'static str,
    /// What the scores of its candidates measure; lower is better. Null: it compares by none.
    #[schema(required)]
    pub score: Option<&'static str>,
}

/// All of them.
pub fn strategies() -> Vec<StrategyView> {
    Strategy::NAMES
        .map(|(strategy, name)| StrategyView { name, description: description(strategy), score: score(strategy) })
        .into()
}

/// What a strategy does.
pub const fn description(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::SimpleShuffle => "At random, by weight.",
        Strategy::RoundRobin => "In turn, by weight.",
        Strategy::LeastBusy => "The one with the fewest requests under way for its weight.",
        Strategy::LatencyBased => {
            "The quicker of two drawn by weight: by time to first token for streams, by total time otherwise."
        }
        Strategy::CostBased => "The cheapest for this request.",
        Strategy::UsageBased => "The one that has used the least of its limits.",
        Strategy::RateLimitAware => "By weight among those that have room in their limits, ours and the provider's.",
        Strategy::PriorityBased => "The lowest priority that can serve, by weight within it.",
        Strategy::TagBased => "By weight among those that have the request's tags.",
        Strategy::PrefixAffinity => {
            "The one whose prompt cache is warm for this prompt's beginning, unless it is overloaded."
        }
        Strategy::SessionAffinity => "The same one for all requests of a session, unless it is overloaded.",
    }
}

/// What its scores measure.
pub const fn score(strategy: Strategy) -> Option<&'static str> {
    match strategy {
        Strategy::SimpleShuffle | Strategy::RoundRobin | Strategy::TagBased => None,
        Strategy::LeastBusy => Some("requests under way, in thousandths of one for each part of its weight"),
        Strategy::LatencyBased => Some("microseconds that this request would take, with what is under way"),
        Strategy::CostBased => Some("nano-dollars that this request would cost"),
        Strategy::UsageBased | Strategy::RateLimitAware => {
            Some("parts of a million of its scarcest limit that are used")
        }
        Strategy::PriorityBased => Some("its priority"),
        Strategy::PrefixAffinity => Some("0 where its cache is warm, else one more than its requests under way"),
        Strategy::SessionAffinity => Some("its place in the line for this session"),
    }
}

/// The settings of a router or of a group. Each may be left out: then the next level says.
#[derive(ToSchema)]
#[schema(as = RoutingSettings)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct RoutingSettingsView {
    strategy: Option<StrategyName>,
    /// Attempts after the first one, within the group; 2 by default.
    num_retries: Option<u32>,
    /// The whole request, all attempts together; ten minutes by default.
    timeout_ms: Option<u64>,
    /// Until a connection stands.
    connect_timeout_ms: Option<u64>,
    /// Until the first content of one attempt, where its deployment does not say.
    first_byte_timeout_ms: Option<u64>,
    /// Between two pieces of a streamed answer, where its deployment does not say.
    chunk_timeout_ms: Option<u64>,
    /// Before the same deployment is asked again, where the provider names no time.
    retry_after_ms: Option<u64>,
    /// The longest such wait.
    max_retry_wait_ms: Option<u64>,
    /// Failures in a row after which a deployment is set aside.
    allowed_fails: Option<u32>,
    /// For how long.
    cooldown_time_ms: Option<u64>,
    /// Failures of a hundred requests in the window, from which on a deployment is set aside.
    max_error_percent: Option<u8>,
    error_window_ms: Option<u64>,
    /// Requests in the window without which the share says nothing.
    min_requests: Option<u32>,
    /// Other groups to go to when this one fails, in order.
    fallbacks: Option<Vec<String>>,
    /// Where a prompt goes that does not fit.
    context_window_fallbacks: Option<Vec<String>>,
    /// Where content goes that a provider refuses.
    content_policy_fallbacks: Option<Vec<String>>,
    /// Where every group goes that has no `fallbacks` of its own. Of the router only.
    default_fallbacks: Option<Vec<String>>,
    /// Whether tags of a request narrow the choice under every strategy.
    enable_tag_filtering: Option<bool>,
    tag_match: Option<TagMatchName>,
    hedge: Option<HedgeView>,
    mirror: Option<MirrorView>,
    canary: Option<CanaryView>,
    queue: Option<QueueView>,
    active_check: Option<ActiveCheckView>,
}

/// How one deployment of a group is chosen.
#[derive(ToSchema)]
#[schema(as = RoutingStrategy)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum StrategyName {
    #[schema(rename = "simple-shuffle")]
    SimpleShuffle,
    #[schema(rename = "round-robin")]
    RoundRobin,
    #[schema(rename = "least-busy")]
    LeastBusy,
    #[schema(rename = "latency-based-routing")]
    LatencyBased,
    #[schema(rename = "cost-based-routing")]
    CostBased,
    #[schema(rename = "usage-based-routing")]
    UsageBased,
    #[schema(rename = "rate-limit-aware")]
    RateLimitAware,
    #[schema(rename = "priority-based-routing")]
    PriorityBased,
    #[schema(rename = "tag-based-routing")]
    TagBased,
    #[schema(rename = "prefix-affinity")]
    PrefixAffinity,
    #[schema(rename = "session-affinity")]
    SessionAffinity,
}

/// Whether a deployment needs all tags of the request or one.
#[derive(ToSchema)]
#[schema(as = TagMatch, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum TagMatchName {
    All,
    Any,
}

/// A second attempt while the first one is slow.
#[derive(ToSchema)]
#[schema(as = Hedge)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct HedgeView {
    #[schema(required = false)]
    enabled: bool,
    /// Of the time to first token; 95 if absent.
    #[schema(required = false)]
    percentile: u8,
    /// Never sooner; 100 if absent.
    #[schema(required = false)]
    min_delay_ms: u64,
    /// The most of a hundred requests that get a second attempt; 5 if absent.
    #[schema(required = false)]
    max_share_percent: u8,
}

/// A copy of a share of requests for a shadow group: never billed to the caller, never seen.
#[derive(ToSchema)]
#[schema(as = Mirror)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct MirrorView {
    model: String,
    percent: u8,
}

/// A deployment on trial.
#[derive(ToSchema)]
#[schema(as = Canary)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct CanaryView {
    /// Either this one …
    #[schema(value_type = Option<uuid::Uuid>)]
    deployment_id: Option<DeploymentId>,
    /// … or every deployment of the group with this tag.
    tag: Option<String>,
    /// Its share of the first attempts, in a hundred.
    percent: u8,
    /// Failures of a hundred from which on it gets no share any more; 20 if absent.
    #[schema(required = false)]
    max_error_percent: u8,
    /// Requests without which the failures say nothing; 20 if absent.
    #[schema(required = false)]
    min_requests: u32,
}

/// Waiting in the place of a 429.
#[derive(ToSchema)]
#[schema(as = Queue)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct QueueView {
    max_wait_ms: u64,
    /// How many may wait in a group; 100 if absent.
    #[schema(required = false)]
    max_waiting: u32,
}

/// Looking after deployments that are set aside or that nobody asks.
#[derive(ToSchema)]
#[schema(as = ActiveCheck)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct ActiveCheckView {
    #[schema(required = false)]
    kind: ActiveCheckKindName,
    /// Five minutes if absent.
    #[schema(required = false)]
    interval_ms: u64,
}

/// The provider's list of models, which costs nothing, or a real call of one token.
#[derive(ToSchema)]
#[schema(as = ActiveCheckKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum ActiveCheckKindName {
    Models,
    Call,
}
