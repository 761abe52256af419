//! Deployments and providers as the API shows and takes them. A provider's key goes in and never comes out.

use deltallm_shared::{
    control::{DeploymentRecord, DeploymentSource, MockOptions, ModelMode},
    credential::CredentialKind,
    ids::{CredentialId, DeploymentId},
    money::UnitPrice,
    pricing::{AppliedPrices, PriceState},
    providers::{Provider, Wire},
    secret::Secret,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::credential::CredentialKindView;
use crate::patch::Patch;

/// A way to serve a model. Several with one `model_name` form a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeploymentView {
    #[schema(value_type = uuid::Uuid)]
    pub id: DeploymentId,
    /// The name that callers use.
    pub model_name: String,
    pub provider: String,
    /// What the provider calls the model.
    pub upstream_model: String,
    /// Null: the provider's usual address.
    #[schema(required)]
    pub api_base: Option<String>,
    /// Whether it has a credential of its own.
    pub has_api_key: bool,
    /// The named credentials that it signs in with, in turn.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub credential_ids: Vec<CredentialId>,
    /// The version of the vendor's API, where addresses hold one.
    #[schema(required)]
    pub api_version: Option<String>,
    /// The vendor's region or location.
    #[schema(required)]
    pub region: Option<String>,
    /// The vendor's project.
    #[schema(required)]
    pub project: Option<String>,
    /// Whether parameters that the vendor does not know are dropped instead of refused; null: as the installation says.
    #[schema(required)]
    pub drop_params: Option<bool>,
    /// Only those in the database can be changed here.
    #[schema(value_type = SourceView)]
    pub source: DeploymentSource,
    #[schema(value_type = ModeView)]
    pub mode: ModelMode,
    /// US dollars as decimal text; null where the price is not known.
    #[schema(value_type = Option<String>, required, example = "0.00000015")]
    pub input_cost_per_token: Option<UnitPrice>,
    /// US dollars as decimal text; null where the price is not known.
    #[schema(value_type = Option<String>, required, example = "0.0000006")]
    pub output_cost_per_token: Option<UnitPrice>,
    /// Where the prices are from.
    #[schema(value_type = PriceStateView)]
    pub price_state: PriceState,
    #[schema(required)]
    pub timeout_ms: Option<u64>,
    #[schema(required)]
    pub stream_timeout_ms: Option<u64>,
    pub weight: u32,
    /// Its tier: the lowest serves first, under `priority-based-routing`.
    pub priority: u32,
    /// Requests in a minute that it can take; null: no limit is known.
    #[schema(required)]
    pub rpm: Option<u64>,
    /// Tokens in a minute that it can take.
    #[schema(required)]
    pub tpm: Option<u64>,
    /// Requests at a time that it can take.
    #[schema(required)]
    pub max_parallel_requests: Option<u32>,
    pub tags: Vec<String>,
    #[schema(value_type = MockView)]
    pub mock: MockOptions,
    pub blocked: bool,
    /// Null for those that are not in the database.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub created_at: Option<Timestamp>,
}

impl DeploymentView {
    /// What a record looks like from outside.
    pub fn new(record: DeploymentRecord, has_api_key: bool, created_at: Option<Timestamp>) -> Self {
        let applied = AppliedPrices::resolve(&record.provider, &record.upstream_model, record.prices);
        Self {
            id: record.id,
            model_name: record.model_name,
            provider: record.provider,
            upstream_model: record.upstream_model,
            api_base: record.api_base,
            has_api_key,
            credential_ids: record.credential_ids,
            api_version: record.api_version,
            region: record.region,
            project: record.project,
            drop_params: record.drop_params,
            source: record.source,
            mode: record.mode,
            input_cost_per_token: applied.prices.map(|prices| prices.input),
            output_cost_per_token: applied.prices.map(|prices| prices.output),
            price_state: applied.state,
            timeout_ms: record.timeout_ms,
            stream_timeout_ms: record.stream_timeout_ms,
            weight: record.weight,
            priority: record.priority,
            rpm: record.rpm,
            tpm: record.tpm,
            max_parallel_requests: record.max_parallel_requests,
            tags: record.tags,
            mock: record.mock,
            blocked: record.blocked,
            created_at,
        }
    }
}

/// Where a deployment is defined.
#[derive(ToSchema)]
#[schema(as = DeploymentSource, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum SourceView {
    Database,
    Config,
    BuiltIn,
}

/// What a model does.
#[derive(ToSchema)]
#[schema(as = ModelMode, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum ModeView {
    Chat,
    Embedding,
    Responses,
    Completion,
    ImageGeneration,
    AudioSpeech,
    AudioTranscription,
    Realtime,
    Rerank,
    Moderation,
}

/// How sure a price is.
#[derive(ToSchema)]
#[schema(as = PriceState, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum PriceStateView {
    Catalog,
    Override,
    Free,
    Unpriced,
}

/// How the mock provider behaves.
#[derive(ToSchema)]
#[schema(as = MockOptions)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct MockView {
    /// Until the first byte.
    #[schema(required = false)]
    delay_ms: u64,
    /// Between two chunks of a stream.
    #[schema(required = false)]
    chunk_gap_ms: u64,
    /// How many of a hundred calls fail.
    #[schema(required = false)]
    failure_percent: u8,
}

/// A deployment to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentDraft {
    /// The name that callers use.
    pub model_name: String,
    /// One of `GET /api/v1/providers`.
    pub provider: String,
    /// What the provider calls the model.
    pub upstream_model: String,
    /// Absent: the provider's usual address. Private addresses need the operator's permission in `config.yaml`.
    pub api_base: Option<String>,
    /// The provider's key. It is stored sealed and never shown.
    #[schema(value_type = Option<String>)]
    pub api_key: Option<Secret<String>>,
    /// Named credentials that are used in turn; the deployment's own key stands before them.
    pub credential_ids: Option<Vec<Uuid>>,
    /// The version of the vendor's API (Azure's `api-version`).
    pub api_version: Option<String>,
    /// The vendor's region (AWS Bedrock) or location (Vertex AI).
    pub region: Option<String>,
    /// The vendor's project (Vertex AI); absent: the one that the credential names.
    pub project: Option<String>,
    /// Whether parameters that the vendor does not know are dropped instead of refused; absent: as the installation says.
    pub drop_params: Option<bool>,
    pub timeout_ms: Option<u64>,
    pub stream_timeout_ms: Option<u64>,
    /// Its share in its group; 1 if absent.
    pub weight: Option<u32>,
    /// Its tier: the lowest serves first, under `priority-based-routing`; 0 if absent.
    pub priority: Option<u32>,
    /// Requests in a minute that it can take.
    pub rpm: Option<u64>,
    /// Tokens in a minute that it can take.
    pub tpm: Option<u64>,
    /// Requests at a time that it can take.
    pub max_parallel_requests: Option<u32>,
    pub tags: Option<Vec<String>>,
    #[schema(value_type = Option<ModeView>)]
    pub mode: Option<ModelMode>,
    /// US dollars as decimal text. Both prices or none; none: the catalogue's.
    #[schema(value_type = Option<String>)]
    pub input_cost_per_token: Option<UnitPrice>,
    /// US dollars as decimal text.
    #[schema(value_type = Option<String>)]
    pub output_cost_per_token: Option<UnitPrice>,
    /// Only for the provider `mock`.
    #[schema(value_type = Option<MockView>)]
    pub mock: Option<MockOptions>,
}

/// Changes to a deployment: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentPatch {
    pub model_name: Option<String>,
    pub provider: Option<String>,
    pub upstream_model: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_base: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_key: Patch<Secret<String>>,
    /// The whole pool in its new order.
    pub credential_ids: Option<Vec<Uuid>>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_version: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub region: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub project: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub drop_params: Patch<bool>,
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub timeout_ms: Patch<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub stream_timeout_ms: Patch<u64>,
    pub weight: Option<u32>,
    pub priority: Option<u32>,
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub rpm: Patch<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub tpm: Patch<u64>,
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    pub max_parallel_requests: Patch<u32>,
    pub tags: Option<Vec<String>>,
    #[schema(value_type = Option<ModeView>)]
    pub mode: Option<ModelMode>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub input_cost_per_token: Patch<UnitPrice>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub output_cost_per_token: Patch<UnitPrice>,
    #[schema(value_type = Option<MockView>)]
    pub mock: Option<MockOptions>,
    pub blocked: Option<bool>,
}

/// What the list of deployments is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeploymentQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Part of the public name, of the provider's name for it or of the provider.
    pub q: Option<String>,
    pub provider: Option<String>,
    #[param(value_type = Option<SourceView>, inline)]
    pub source: Option<DeploymentSource>,
}

/// A vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderView {
    pub id: &'static str,
    pub label: &'static str,
    pub needs_api_key: bool,
    /// Null: a deployment must name its own.
    #[schema(required)]
    pub default_api_base: Option<&'static str>,
    /// The kinds of credentials that it takes; empty: it wants none.
    #[schema(value_type = Vec<CredentialKindView>)]
    pub credential_kinds: Vec<CredentialKind>,
    /// Which of `api_version`, `region` and `project` mean something to it.
    pub place_fields: Vec<&'static str>,
    /// Whether a deployment must name a region, unless it has an address of its own and signs nothing.
    pub needs_region: bool,
}

impl From<&Provider> for ProviderView {
    fn from(provider: &Provider) -> Self {
        Self {
            id: provider.id,
            label: provider.label,
            needs_api_key: provider.needs_api_key,
            default_api_base: provider.default_api_base,
            credential_kinds: CredentialKind::ALL
                .into_iter()
                .filter(|kind| provider.credential_style.takes(*kind))
                .collect(),
            place_fields: match provider.wire {
                Wire::Azure => vec!["api_version"],
                Wire::Vertex => vec!["region", "project"],
                Wire::Bedrock => vec!["region"],
                _ => Vec::new(),
            },
            needs_region: provider.needs_region(),
        }
    }
}

/// A call to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelTestDraft {
    pub model_name: String,
    /// What to say; a short greeting if absent.
    pub prompt: Option<String>,
}

/// What came of it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ModelTestView {
    pub ok: bool,
    /// The proxy's HTTP status; 0 where it was not reached.
    pub status: u16,
    pub latency_ms: u64,
    #[schema(required)]
    pub output_text: Option<String>,
    #[schema(required)]
    pub usage: Option<ModelTestUsage>,
    /// US dollars as decimal text, where the proxy names it.
    #[schema(required)]
    pub cost_usd: Option<String>,
    #[schema(required)]
    pub error: Option<String>,
    #[schema(required)]
    pub request_id: Option<String>,
}

/// Tokens of a tried call.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelTestUsage {
    pub input_tokens: u64,
    pub output_tokens: u64,
}
