//! A simulation as the API takes it and tells its outcome.

use deltallm_routing::simulate::{Failures, Pause, Quantiles, SyntheticTraffic, Times};
use deltallm_shared::{
    ids::DeploymentId,
    money::NanoUsd,
    routing::{Fault, RoutingSettings},
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    explain::{ChoiceView, DeploymentName},
    routing::RoutingSettingsView,
};

/// A policy to be tried, without a request to anybody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationDraft {
    /// A group: its settings and its deployments, which answer as they did on record.
    pub model_name: Option<String>,
    /// In the place of the group's; needed where no `model_name` is given.
    pub deployments: Option<Vec<SimulatedDeploymentDraft>>,
    /// What is to be tried: laid over the settings that hold for the group now.
    #[serde(default)]
    #[schema(value_type = Option<RoutingSettingsView>)]
    pub settings: RoutingSettings,
    pub traffic: TrafficDraft,
    /// Chance: the same seed has the same outcome.
    #[serde(default)]
    pub seed: u64,
    /// How many choices are told with all that was weighed; 20 if absent.
    pub samples: Option<usize>,
}

/// Requests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrafficDraft {
    /// Made up.
    Synthetic(SyntheticTrafficDraft),
    /// As the group's requests came.
    Recorded(RecordedTrafficDraft),
}

/// Requests that come by chance, independently of each other.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyntheticTrafficDraft {
    /// How many in a minute, in the mean.
    pub requests_per_minute: u64,
    /// For how long.
    pub duration_ms: u64,
    /// Of a hundred, those that want a stream.
    #[serde(default)]
    pub stream_percent: u8,
    /// How many sessions they belong to; 0: to none.
    #[serde(default)]
    pub sessions: u64,
    /// Tokens of a request, in and out, in the mean.
    #[serde(default)]
    pub tokens: u64,
    /// Of a hundred, those that have `tags`.
    #[serde(default)]
    pub tagged_percent: u8,
    #[serde(default)]
    pub tags: Vec<String>,
}

impl From<SyntheticTrafficDraft> for SyntheticTraffic {
    fn from(draft: SyntheticTrafficDraft) -> Self {
        let SyntheticTrafficDraft {
            requests_per_minute,
            duration_ms,
            stream_percent,
            sessions,
            tokens,
            tagged_percent,
            tags,
        } = draft;
        Self { requests_per_minute, duration_ms, stream_percent, sessions, tokens, tagged_percent, tags }
    }
}

/// Requests on record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedTrafficDraft {
    /// A day before `until` if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Now if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The newest so many; 5,000 if absent, 50,000 at most.
    pub limit: Option<u64>,
}

/// A deployment. One that exists is named by its id, and what is left out is as it is; one without an id is made up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedDeploymentDraft {
    pub id: Option<Uuid>,
    pub name: Option<String>,
    pub weight: Option<u32>,
    pub priority: Option<u32>,
    pub tags: Option<Vec<String>>,
    pub rpm: Option<u64>,
    pub tpm: Option<u64>,
    pub max_parallel_requests: Option<u32>,
    /// Until the first content of a stream.
    #[schema(value_type = Option<TimesView>)]
    pub first_token: Option<Times>,
    /// Until the end of an answer.
    #[schema(value_type = Option<TimesView>)]
    pub total: Option<Times>,
    #[schema(value_type = Option<Vec<FailuresView>>)]
    pub failures: Option<Vec<Failures>>,
    /// What an answer costs: US dollars as decimal text.
    #[schema(value_type = Option<String>)]
    pub price_usd: Option<NanoUsd>,
}

/// How long something takes.
#[derive(ToSchema)]
#[schema(as = Times)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct TimesView {
    mean_ms: u64,
    /// What 95 of a hundred keep.
    p95_ms: u64,
}

/// A share of attempts that fail.
#[derive(ToSchema)]
#[schema(as = Failures)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct FailuresView {
    /// `connect`, `rate_limit`, `overloaded`, `server`, `first_byte_timeout` …
    #[schema(value_type = String)]
    fault: Fault,
    /// Of a hundred.
    percent: u8,
    /// How long it takes to fail.
    #[schema(required = false)]
    after_ms: u64,
    /// For how long the provider wants to be left alone.
    retry_after_ms: Option<u64>,
    /// From then on; from the start, if absent.
    #[schema(required = false)]
    from_ms: u64,
    /// Until then; to the end, if absent.
    until_ms: Option<u64>,
}

/// What came of it. One group is simulated: fallback groups, hedging, mirroring and the queue are not.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulationView {
    /// The settings that were tried, with everything that they leave to others.
    #[schema(value_type = RoutingSettingsView)]
    pub settings: RoutingSettings,
    pub requests: u64,
    pub answered: u64,
    /// Requests whose client saw an error.
    pub client_errors: u64,
    /// What they saw, the most frequent first.
    pub errors: Vec<ErrorCountView>,
    /// How many requests took one attempt, two and so on; those without any are at the first place.
    pub attempts: Vec<u64>,
    /// From the arrival to the end of the answer.
    #[schema(value_type = QuantilesView)]
    pub total: Quantiles,
    /// From the arrival to the first content, of streams.
    #[schema(value_type = QuantilesView)]
    pub first_content: Quantiles,
    /// US dollars as decimal text.
    #[schema(value_type = String, example = "0.000123")]
    pub spend_usd: NanoUsd,
    /// Answers without a known price, which are not in it.
    pub unpriced: u64,
    pub deployments: Vec<SimulatedDeploymentView>,
    /// Some choices, with all that was weighed.
    pub choices: Vec<SampledChoiceView>,
}

/// How often clients saw an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorCountView {
    /// The class of the last failure; `at_capacity`, `nobody` or `deadline`.
    pub reason: String,
    pub count: u64,
}

/// Times that so many of a hundred keep, in microseconds.
#[derive(ToSchema)]
#[schema(as = Quantiles)]
#[expect(clippy::struct_field_names, reason = "the names of the other crate")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct QuantilesView {
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
}

/// What became of one deployment, and how it was taken to answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedDeploymentView {
    pub deployment: DeploymentName,
    /// Where its times and failures are from: `given`, `record`, or `default` where nothing is on record.
    pub source: &'static str,
    #[schema(value_type = TimesView)]
    pub first_token: Times,
    #[schema(value_type = TimesView)]
    pub total: Times,
    #[schema(value_type = Vec<FailuresView>)]
    pub failures: Vec<Failures>,
    /// Requests that came to it first.
    pub first_choices: u64,
    /// Requests that it was asked.
    pub attempts: u64,
    pub answered: u64,
    pub failed: u64,
    /// Its part of all answers, in parts of a million.
    pub share_ppm: u64,
    /// US dollars as decimal text.
    #[schema(value_type = String)]
    pub spend_usd: NanoUsd,
    /// When it was set aside or limited; the first hundred.
    #[schema(value_type = Vec<PauseView>)]
    pub pauses: Vec<Pause>,
    pub pause_count: u64,
    /// Whether it was on trial and failed it.
    pub is_canary_returned: bool,
}

/// A time without requests.
#[derive(ToSchema)]
#[schema(as = Pause)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct PauseView {
    from_ms: u64,
    until_ms: u64,
    #[schema(value_type = String)]
    fault: Fault,
}

/// A choice of one request.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampledChoiceView {
    /// Which request, in the order of time.
    pub request: u64,
    pub choice: ChoiceView,
}

/// The identity of a deployment that is made up.
pub fn made_up(index: usize) -> DeploymentId {
    DeploymentId::from_text(&format!("simulated {index}"))
}
