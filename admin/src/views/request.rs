//! Recorded calls as the API shows them.

use deltallm_shared::{money::NanoUsd, time_text::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::repository::request::RequestRow;

/// A recorded call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    pub event_id: Uuid,
    /// The caller's `x-request-id` where one came.
    pub request_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub finished_at: Timestamp,
    /// The HTTP status that the caller was given.
    pub status: i32,
    /// `completed`, `refused`, `upstream_error`, `client_closed`, `interrupted` or `gateway_error`.
    pub outcome: String,
    #[schema(required)]
    pub error_code: Option<String>,
    pub endpoint: String,
    pub stream: bool,
    pub model: String,
    #[schema(required)]
    pub provider: Option<String>,
    #[schema(required)]
    pub upstream_model: Option<String>,
    #[schema(required)]
    pub deployment_id: Option<Uuid>,
    #[schema(required)]
    pub key_id: Option<Uuid>,
    #[schema(required)]
    pub key_name: Option<String>,
    #[schema(required)]
    pub team_id: Option<Uuid>,
    #[schema(required)]
    pub team_name: Option<String>,
    #[schema(required)]
    pub user_id: Option<Uuid>,
    #[schema(required)]
    pub end_user: Option<String>,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_input_tokens: i64,
    pub cache_creation_tokens: i64,
    pub reasoning_tokens: i64,
    /// `provider`, `counted`, `estimated` or `none`.
    pub usage_source: String,
    /// US dollars as decimal text; null where no price is known.
    #[schema(value_type = Option<String>, required, example = "0.000123")]
    pub cost_usd: Option<NanoUsd>,
    /// `catalog`, `override`, `free` or `unpriced`.
    pub price_state: String,
    pub attempts: i32,
    #[schema(required)]
    pub time_to_first_token_ms: Option<i64>,
    pub duration_ms: i64,
    /// What this gateway itself took, in microseconds.
    pub overhead_us: i64,
    /// Kinds of usage beyond the usual tokens, those that are not zero: `audio_ms`, `images`, `searches` …
    #[schema(required, value_type = Option<std::collections::BTreeMap<String, u64>>)]
    pub usage_details: Option<serde_json::Value>,
    /// The tier that served the call, where its prices are not the usual ones: `flex`, `priority` …
    #[schema(required)]
    pub service_tier: Option<String>,
    /// `call`; or a cost of the operator's own: `failed_attempt`, `hedge_loser`, `mirror` or `probe`.
    pub kind: String,
}

impl From<RequestRow> for RequestView {
    fn from(row: RequestRow) -> Self {
        Self {
            event_id: row.event_id,
            request_id: row.request_id,
            started_at: row.started_at,
            finished_at: row.finished_at,
            status: row.status,
            outcome: row.outcome,
            error_code: row.error_code,
            endpoint: row.endpoint,
            stream: row.is_stream,
            model: row.model,
            provider: row.provider,
            upstream_model: row.upstream_model,
            deployment_id: row.deployment_id,
            key_id: row.key_id,
            key_name: row.key_name,
            team_id: row.team_id,
            team_name: row.team_name,
            user_id: row.user_id,
            end_user: row.end_user,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_input_tokens: row.cached_input_tokens,
            cache_creation_tokens: row.cache_creation_tokens,
            reasoning_tokens: row.reasoning_tokens,
            usage_source: row.usage_source,
            cost_usd: row.cost,
            price_state: row.price_state,
            attempts: row.attempts,
            time_to_first_token_ms: row.time_to_first_byte_us.map(|us| us / 1000),
            duration_ms: row.duration_us / 1000,
            overhead_us: row.overhead_us,
            usage_details: row.usage_details,
            service_tier: row.service_tier,
            kind: row.kind,
        }
    }
}

/// What the list of calls is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RequestQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A request id, whole.
    pub q: Option<String>,
    /// `200`, a class such as `4xx`, `success` (below 400) or `error`.
    pub status: Option<String>,
    pub model: Option<String>,
    pub provider: Option<String>,
    pub key_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    /// `call` if absent; `failed_attempt`, `hedge_loser`, `mirror`, `probe`, or `all`.
    pub kind: Option<String>,
    /// From when on; 30 days before `until` if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Until when; now if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}
