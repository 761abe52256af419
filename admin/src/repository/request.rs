//! The recorded calls. Every statement that may read many of them is bounded in time, so that it reads few partitions.

use deadpool_postgres::GenericClient;
use deltallm_shared::{money::NanoUsd, time_text::Timestamp};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{row, rows, time};
use crate::error::AdminError;

/// A call with the names that lists show.
#[derive(Clone, Debug)]
pub struct RequestRow {
    pub event_id: Uuid,
    pub request_id: String,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub status: i32,
    pub outcome: String,
    pub error_code: Option<String>,
    pub endpoint: String,
    pub is_stream: bool,
    pub model: String,
    pub provider: Option<String>,
    pub upstream_model: Option<String>,
    pub deployment_id: Option<Uuid>,
    pub key_id: Option<Uuid>,
    pub key_name: Option<String>,
    pub team_id: Option<Uuid>,
    pub team_name: Option<String>,
    pub user_id: Option<Uuid>,
    pub end_user: Option<String>,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_input_tokens: i64,
    pub cache_creation_tokens: i64,
    pub reasoning_tokens: i64,
    pub usage_source: String,
    pub cost: Option<NanoUsd>,
    pub price_state: String,
    pub attempts: i32,
    pub time_to_first_byte_us: Option<i64>,
    pub duration_us: i64,
    pub overhead_us: i64,
    pub usage_details: Option<serde_json::Value>,
    pub service_tier: Option<String>,
    pub kind: String,
}

/// Where the next page starts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RequestKey {
    pub started_at: Timestamp,
    pub event_id: Uuid,
}

/// What a list is narrowed to.
#[derive(Debug)]
pub struct RequestFilter<'a> {
    pub since: Timestamp,
    pub until: Timestamp,
    pub min_status: Option<i32>,
    pub max_status: Option<i32>,
    pub model: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub key_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    /// The name of an event's kind.
    pub kind: Option<&'a str>,
    /// The request id, whole.
    pub request_id: Option<&'a str>,
}

macro_rules! select {
    () => {
        "SELECT e.event_id, e.request_id, e.started_at, e.finished_at, e.status, e.outcome, e.error_code, e.endpoint,
                e.is_stream, e.model, e.provider, e.upstream_model, e.deployment_id, e.key_id, k.name AS key_name, e.team_id,
                t.name AS team_name, e.user_id, e.end_user, e.input_tokens, e.output_tokens, e.cached_input_tokens,
                e.cache_creation_tokens, e.reasoning_tokens, e.usage_source, e.cost_nano_usd, e.price_state, e.attempts,
                e.time_to_first_byte_us, e.duration_us, e.overhead_us, e.usage_details, e.service_tier, e.kind
         FROM spend_event e
         LEFT JOIN virtual_key k ON k.id = e.key_id
         LEFT JOIN team t ON t.id = e.team_id"
    };
}

fn read(row: &Row) -> Result<RequestRow, AdminError> {
    Ok(RequestRow {
        event_id: row.try_get("event_id")?,
        request_id: row.try_get("request_id")?,
        started_at: time(row, "started_at")?,
        finished_at: time(row, "finished_at")?,
        status: row.try_get("status")?,
        outcome: row.try_get("outcome")?,
        error_code: row.try_get("error_code")?,
        endpoint: row.try_get("endpoint")?,
        is_stream: row.try_get("is_stream")?,
        model: row.try_get("model")?,
        provider: row.try_get("provider")?,
        upstream_model: row.try_get("upstream_model")?,
        deployment_id: row.try_get("deployment_id")?,
        key_id: row.try_get("key_id")?,
        key_name: row.try_get("key_name")?,
        team_id: row.try_get("team_id")?,
        team_name: row.try_get("team_name")?,
        user_id: row.try_get("user_id")?,
        end_user: row.try_get("end_user")?,
        input_tokens: row.try_get("input_tokens")?,
        output_tokens: row.try_get("output_tokens")?,
        cached_input_tokens: row.try_get("cached_input_tokens")?,
        cache_creation_tokens: row.try_get("cache_creation_tokens")?,
        reasoning_tokens: row.try_get("reasoning_tokens")?,
        usage_source: row.try_get("usage_source")?,
        cost: row.try_get::<_, Option<i64>>("cost_nano_usd")?.map(NanoUsd),
        price_state: row.try_get("price_state")?,
        attempts: row.try_get("attempts")?,
        time_to_first_byte_us: row.try_get("time_to_first_byte_us")?,
        duration_us: row.try_get("duration_us")?,
        overhead_us: row.try_get("overhead_us")?,
        usage_details: row.try_get("usage_details")?,
        service_tier: row.try_get("service_tier")?,
        kind: row.try_get("kind")?,
    })
}

/// The newest calls that fit, after the one given.
pub async fn list(
    client: &impl GenericClient,
    filter: &RequestFilter<'_>,
    after: Option<RequestKey>,
    limit: i64,
) -> Result<Vec<RequestRow>, AdminError> {
    let sql = concat!(
        select!(),
        " WHERE e.started_at >= $1 AND e.started_at <= $2
            AND ($3::timestamptz IS NULL OR (e.started_at, e.event_id) < ($3, $4::uuid))
            AND ($5::int IS NULL OR e.status >= $5)
            AND ($6::int IS NULL OR e.status <= $6)
            AND ($7::text IS NULL OR e.model = $7)
            AND ($8::text IS NULL OR e.provider = $8)
            AND ($9::uuid IS NULL OR e.key_id = $9)
            AND ($10::uuid IS NULL OR e.team_id = $10)
            AND ($11::uuid IS NULL OR e.user_id = $11)
            AND ($12::text IS NULL OR e.request_id = $12 OR e.event_id::text = $12)
            AND ($13::text IS NULL OR e.kind = $13)
          ORDER BY e.started_at DESC, e.event_id DESC LIMIT $14"
    );
    // The cursor also bounds the time, so that the index is entered where the page before ended.
    let until = after.map_or(filter.until, |key| key.started_at.min(filter.until));
    let after_time = after.map(|key| key.started_at.to_datetime());
    let after_id = after.map(|key| key.event_id);
    rows(
        client,
        sql,
        &[
            &filter.since.to_datetime(),
            &until.to_datetime(),
            &after_time,
            &after_id,
            &filter.min_status,
            &filter.max_status,
            &filter.model,
            &filter.provider,
            &filter.key_id,
            &filter.team_id,
            &filter.user_id,
            &filter.request_id,
            &filter.kind,
            &limit,
        ],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// One call by its event's id.
pub async fn find(client: &impl GenericClient, event_id: Uuid) -> Result<Option<RequestRow>, AdminError> {
    row(client, concat!(select!(), " WHERE e.event_id = $1"), &[&event_id]).await?.as_ref().map(read).transpose()
}

/// The newest call that its caller knows by this id; what belongs to a call only where there is no call.
pub async fn find_by_request_id(
    client: &impl GenericClient,
    request_id: &str,
) -> Result<Option<RequestRow>, AdminError> {
    let sql = concat!(select!(), " WHERE e.request_id = $1 ORDER BY e.kind <> 'call', e.started_at DESC LIMIT 1");
    row(client, sql, &[&request_id]).await?.as_ref().map(read).transpose()
}

/// What was decided for a call.
pub async fn route(client: &impl GenericClient, event_id: Uuid) -> Result<Option<serde_json::Value>, AdminError> {
    let found = row(client, "SELECT route FROM spend_event WHERE event_id = $1", &[&event_id]).await?;
    Ok(found.map(|row| row.try_get("route")).transpose()?.flatten())
}

/// The most events beside a call that are shown with it: more than attempts, copies and probes of one request can be.
const MAX_BESIDE: i64 = 50;

/// What was paid beside a call: events of other kinds that name it, within a day of it, oldest first.
pub async fn beside(client: &impl GenericClient, call: &RequestRow) -> Result<Vec<RequestRow>, AdminError> {
    let day = ::time::Duration::days(1);
    let sql = concat!(
        select!(),
        " WHERE e.about = $1 AND e.kind <> 'call' AND e.started_at BETWEEN $2 AND $3
          ORDER BY e.started_at, e.event_id LIMIT $4"
    );
    let at = call.started_at.to_datetime();
    let parameters: super::Parameters<'_> = &[&call.event_id, &(at - day), &(at + day), &MAX_BESIDE];
    rows(client, sql, parameters).await?.iter().map(read).collect()
}

/// Events by their ids, oldest first, for the live list, which shows calls.
pub async fn by_ids(client: &impl GenericClient, event_ids: &[Uuid]) -> Result<Vec<RequestRow>, AdminError> {
    let sql = concat!(select!(), " WHERE e.event_id = ANY($1) AND e.kind = 'call' ORDER BY e.started_at, e.event_id");
    rows(client, sql, &[&event_ids]).await?.iter().map(read).collect()
}
