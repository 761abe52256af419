//! What holds for a group in the end: its settings with every default filled in.

use std::time::Duration;

use super::{ActiveCheck, Canary, FallbackKind, Hedge, Mirror, Queue, RoutingSettings, Strategy, TagMatch};

/// The settings of a group without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRouting {
    /// How a deployment is chosen.
    pub strategy: Strategy,
    /// How often, and how soon again.
    pub retry: RetryPolicy,
    /// When an attempt is given up.
    pub timers: Timers,
    /// When a deployment is set aside.
    pub circuit: CircuitPolicy,
    /// Other groups, by the kind of fault that leads to them.
    pub general_fallbacks: Vec<String>,
    /// See [`FallbackKind::ContextWindow`].
    pub context_window_fallbacks: Vec<String>,
    /// See [`FallbackKind::ContentPolicy`].
    pub content_policy_fallbacks: Vec<String>,
    /// Whether tags of a request narrow the choice: set for the strategy `tag-based-routing` in any case.
    pub filters_tags: bool,
    /// Whether all tags have to be there or one.
    pub tag_match: TagMatch,
    /// A second attempt while the first one is slow; only where it is on.
    pub hedge: Option<Hedge>,
    /// A copy of a share of requests.
    pub mirror: Option<Mirror>,
    /// A deployment on trial.
    pub canary: Option<Canary>,
    /// Waiting in the place of a 429.
    pub queue: Option<Queue>,
    /// Looking after deployments.
    pub active_check: Option<ActiveCheck>,
}

/// How often, and how soon again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first one, within the group.
    pub num_retries: u32,
    /// The first wait before the same deployment is asked again.
    pub base_wait: Duration,
    /// The longest wait.
    pub max_wait: Duration,
}

/// When something is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// The whole request.
    pub total: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the first byte of one attempt, where the deployment does not say.
    pub first_byte: Option<Duration>,
    /// Between two pieces of an answer, where the deployment does not say.
    pub chunk: Option<Duration>,
}

/// When a deployment is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitPolicy {
    /// Failures in a row.
    pub allowed_fails: u32,
    /// For how long.
    pub cooldown: Duration,
    /// Failures of a hundred in the window.
    pub max_error_percent: u8,
    /// The window.
    pub window: Duration,
    /// Requests without which the share says nothing.
    pub min_requests: u32,
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self {
            allowed_fails: 3,
            cooldown: Duration::from_secs(30),
            max_error_percent: 50,
            window: Duration::from_mins(1),
            min_requests: 20,
        }
    }
}

impl Default for EffectiveRouting {
    fn default() -> Self {
        Self::of(&RoutingSettings::default())
    }
}

impl EffectiveRouting {
    /// How long a request may take, where nobody says.
    pub const TOTAL: Duration = Duration::from_mins(10);

    /// Fills the gaps.
    pub fn of(settings: &RoutingSettings) -> Self {
        let millis = |ms: Option<u64>| ms.filter(|ms| *ms > 0).map(Duration::from_millis);
        let strategy = settings.strategy.unwrap_or_default();
        let usual = CircuitPolicy::default();
        let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        Self {
            strategy,
            retry: RetryPolicy {
                num_retries: settings.num_retries.unwrap_or(2),
                base_wait: settings.retry_after_ms.map_or(Duration::from_millis(250), Duration::from_millis),
                max_wait: settings.max_retry_wait_ms.map_or(Duration::from_secs(5), Duration::from_millis),
            },
            timers: Timers {
                total: millis(settings.timeout_ms).unwrap_or(Self::TOTAL),
                connect: millis(settings.connect_timeout_ms).unwrap_or(Duration::from_secs(5)),
                first_byte: millis(settings.first_byte_timeout_ms),
                chunk: millis(settings.chunk_timeout_ms),
            },
            circuit: CircuitPolicy {
                allowed_fails: settings.allowed_fails.unwrap_or(usual.allowed_fails),
                cooldown: settings.cooldown_time_ms.map_or(usual.cooldown, Duration::from_millis),
                max_error_percent: settings.max_error_percent.unwrap_or(usual.max_error_percent),
                window: millis(settings.error_window_ms).unwrap_or(usual.window),
                min_requests: settings.min_requests.unwrap_or(usual.min_requests),
            },
            general_fallbacks: settings
                .fallbacks
                .clone()
                .or_else(|| settings.default_fallbacks.clone())
                .unwrap_or_default(),
            context_window_fallbacks: list(&settings.context_window_fallbacks),
            content_policy_fallbacks: list(&settings.content_policy_fallbacks),
            filters_tags: settings.enable_tag_filtering.unwrap_or(false) || strategy == Strategy::TagBased,
            tag_match: settings.tag_match.unwrap_or_default(),
            hedge: settings.hedge.filter(|hedge| hedge.enabled),
            mirror: settings.mirror.clone().filter(|mirror| mirror.percent > 0),
            canary: settings.canary.clone(),
            queue: settings.queue.filter(|queue| queue.max_wait_ms > 0),
            active_check: settings.active_check,
        }
    }

    /// Every group that may stand in.
    pub fn all_fallbacks(&self) -> impl Iterator<Item = &String> {
        [&self.general_fallbacks, &self.context_window_fallbacks, &self.content_policy_fallbacks].into_iter().flatten()
    }

    /// The groups that a fault leads to.
    pub fn fallbacks(&self, kind: FallbackKind) -> &[String] {
        match kind {
            FallbackKind::General => &self.general_fallbacks,
            FallbackKind::ContextWindow => &self.context_window_fallbacks,
            FallbackKind::ContentPolicy => &self.content_policy_fallbacks,
        }
    }
}
