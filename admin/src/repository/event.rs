//! Recording spend events: each exactly once, with its sums, in one statement.

use deadpool_postgres::GenericClient;
use deltallm_shared::{
    event::{Outcome, SpendEvent},
    pricing::{PriceState, Usage, UsageSource},
};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::execute;

/// Inserts events and adds those that were new to the sums. An event that is already there is left out by the unique index,
/// also when it is being inserted by somebody else at this moment, and so counts once whatever is sent again.
///
/// What is no call counts with its tokens and its cost by the hour, where the operator sees what was paid, and not as a request; it
/// names nobody whose usage it could be.
///
/// Everything is written in a fixed order (by event, by hour and key …), so that two batches that overlap wait for each other
/// instead of locking each other out.
const RECORD: &str = "
    WITH inserted AS (
        INSERT INTO spend_event (
            event_id, started_at, finished_at, request_id, status, outcome, error_code, endpoint, is_stream, model,
            provider, upstream_model, deployment_id, key_id, team_id, organization_id, user_id, end_user,
            input_tokens, output_tokens, cached_input_tokens, cache_creation_tokens, reasoning_tokens, usage_source,
            cost_nano_usd, price_state, prices, price_version, attempts, time_to_first_byte_us, duration_us,
            overhead_us, usage_details, service_tier, kind, route, about
        )
        SELECT * FROM unnest(
            $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::int[], $6::text[], $7::text[],
            $8::text[], $9::bool[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::uuid[], $15::uuid[],
            $16::uuid[], $17::uuid[], $18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
            $23::bigint[], $24::text[], $25::bigint[], $26::text[], $27::jsonb[], $28::text[], $29::int[],
            $30::bigint[], $31::bigint[], $32::bigint[], $33::jsonb[], $34::text[], $35::text[], $36::jsonb[], $37::uuid[]
        ) AS given (
            event_id, started_at, finished_at, request_id, status, outcome, error_code, endpoint, is_stream, model,
            provider, upstream_model, deployment_id, key_id, team_id, organization_id, user_id, end_user,
            input_tokens, output_tokens, cached_input_tokens, cache_creation_tokens, reasoning_tokens, usage_source,
            cost_nano_usd, price_state, prices, price_version, attempts, time_to_first_byte_us, duration_us,
            overhead_us, usage_details, service_tier, kind, route, about
        )
        ORDER BY event_id
        ON CONFLICT (event_id, started_at) DO NOTHING
        RETURNING *
    ), hourly AS (
        INSERT INTO spend_hourly (
            hour, key_id, team_id, organization_id, user_id, model, provider, status_class, requests, errors,
            unpriced_requests, input_tokens, output_tokens, cached_input_tokens, cache_creation_tokens, reasoning_tokens,
            spend_nano_usd, duration_us
        )
        SELECT date_trunc('hour', started_at, 'UTC'), key_id, team_id, organization_id, user_id, model, provider,
               (status / 100)::smallint, count(*) FILTER (WHERE kind = 'call'),
               count(*) FILTER (WHERE kind = 'call' AND status >= 400),
               count(*) FILTER (WHERE kind = 'call' AND price_state = 'unpriced'), sum(input_tokens), sum(output_tokens),
               sum(cached_input_tokens), sum(cache_creation_tokens), sum(reasoning_tokens),
               sum(coalesce(cost_nano_usd, 0)), coalesce(sum(duration_us) FILTER (WHERE kind = 'call'), 0)
        FROM inserted
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        ON CONFLICT ON CONSTRAINT spend_hourly_key DO UPDATE SET
            requests = spend_hourly.requests + excluded.requests,
            errors = spend_hourly.errors + excluded.errors,
            unpriced_requests = spend_hourly.unpriced_requests + excluded.unpriced_requests,
            input_tokens = spend_hourly.input_tokens + excluded.input_tokens,
            output_tokens = spend_hourly.output_tokens + excluded.output_tokens,
            cached_input_tokens = spend_hourly.cached_input_tokens + excluded.cached_input_tokens,
            cache_creation_tokens = spend_hourly.cache_creation_tokens + excluded.cache_creation_tokens,
            reasoning_tokens = spend_hourly.reasoning_tokens + excluded.reasoning_tokens,
            spend_nano_usd = spend_hourly.spend_nano_usd + excluded.spend_nano_usd,
            duration_us = spend_hourly.duration_us + excluded.duration_us
    ), of_key AS (
        INSERT INTO key_usage (key_id, requests, spend_nano_usd, last_used_at)
        SELECT key_id, count(*), sum(coalesce(cost_nano_usd, 0)), max(started_at)
        FROM inserted WHERE key_id IS NOT NULL GROUP BY key_id ORDER BY key_id
        ON CONFLICT (key_id) DO UPDATE SET
            requests = key_usage.requests + excluded.requests,
            spend_nano_usd = key_usage.spend_nano_usd + excluded.spend_nano_usd,
            last_used_at = greatest(key_usage.last_used_at, excluded.last_used_at)
    ), of_team AS (
        INSERT INTO team_usage (team_id, requests, spend_nano_usd, last_used_at)
        SELECT team_id, count(*), sum(coalesce(cost_nano_usd, 0)), max(started_at)
        FROM inserted WHERE team_id IS NOT NULL GROUP BY team_id ORDER BY team_id
        ON CONFLICT (team_id) DO UPDATE SET
            requests = team_usage.requests + excluded.requests,
            spend_nano_usd = team_usage.spend_nano_usd + excluded.spend_nano_usd,
            last_used_at = greatest(team_usage.last_used_at, excluded.last_used_at)
    )
    SELECT event_id FROM inserted";

/// The channel on which new events are announced to the other replicas.
pub const CHANNEL: &str = "deltallm_events";

/// Says on [`CHANNEL`] that there are new events.
pub async fn announce(client: &impl GenericClient, text: &str) -> Result<(), crate::error::AdminError> {
    super::row(client, "SELECT pg_notify($1, $2)", &[&CHANNEL, &text]).await?;
    Ok(())
}

/// The ids of the events that were new.
pub async fn record(client: &impl GenericClient, events: &[&SpendEvent]) -> Result<Vec<Uuid>, tokio_postgres::Error> {
    let columns = Columns::from(events);
    let statement = client.prepare_cached(RECORD).await?;
    let rows = client.query(&statement, &columns.parameters()).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Puts an event aside. One that was put aside before stays as it was.
pub async fn put_aside(
    client: &impl GenericClient,
    event_id: Option<Uuid>,
    reason: &str,
    payload: &str,
) -> Result<(), crate::error::AdminError> {
    execute(
        client,
        "INSERT INTO spend_event_rejected (id, event_id, reason, payload) VALUES ($1, $2, $3, $4)
         ON CONFLICT (event_id) DO NOTHING",
        &[&Uuid::now_v7(), &event_id, &reason, &payload],
    )
    .await?;
    Ok(())
}

/// The batch by columns, as `unnest` takes it.
#[derive(Default)]
struct Columns<'a> {
    event_id: Vec<Uuid>,
    started_at: Vec<OffsetDateTime>,
    finished_at: Vec<OffsetDateTime>,
    request_id: Vec<&'a str>,
    status: Vec<i32>,
    outcome: Vec<&'static str>,
    error_code: Vec<Option<&'a str>>,
    endpoint: Vec<&'a str>,
    is_stream: Vec<bool>,
    model: Vec<&'a str>,
    provider: Vec<Option<&'a str>>,
    upstream_model: Vec<Option<&'a str>>,
    deployment_id: Vec<Option<Uuid>>,
    key_id: Vec<Option<Uuid>>,
    team_id: Vec<Option<Uuid>>,
    organization_id: Vec<Option<Uuid>>,
    user_id: Vec<Option<Uuid>>,
    end_user: Vec<Option<&'a str>>,
    input_tokens: Vec<i64>,
    output_tokens: Vec<i64>,
    cached_input_tokens: Vec<i64>,
    cache_creation_tokens: Vec<i64>,
    reasoning_tokens: Vec<i64>,
    usage_source: Vec<&'static str>,
    cost_nano_usd: Vec<Option<i64>>,
    price_state: Vec<&'static str>,
    prices: Vec<Option<Value>>,
    price_version: Vec<&'a str>,
    attempts: Vec<i32>,
    time_to_first_byte_us: Vec<Option<i64>>,
    duration_us: Vec<i64>,
    overhead_us: Vec<i64>,
    usage_details: Vec<Option<Value>>,
    service_tier: Vec<Option<&'a str>>,
    kind: Vec<&'static str>,
    route: Vec<Option<Value>>,
    about: Vec<Option<Uuid>>,
}

impl<'a> From<&[&'a SpendEvent]> for Columns<'a> {
    fn from(events: &[&'a SpendEvent]) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.event_id.push(event.event_id.0);
            columns.started_at.push(event.started_at.to_datetime());
            columns.finished_at.push(event.finished_at.to_datetime());
            columns.request_id.push(event.request_id.as_str());
            columns.status.push(event.status.into());
            columns.outcome.push(outcome_name(event.outcome));
            columns.error_code.push(event.error_code.as_deref());
            columns.endpoint.push(event.endpoint.as_str());
            columns.is_stream.push(event.stream);
            columns.model.push(event.model.as_str());
            columns.provider.push(event.provider.as_deref());
            columns.upstream_model.push(event.upstream_model.as_deref());
            columns.deployment_id.push(event.deployment_id.map(|id| id.0));
            columns.key_id.push(event.key_id.map(|id| id.0));
            columns.team_id.push(event.team_id.map(|id| id.0));
            columns.organization_id.push(event.organization_id.map(|id| id.0));
            columns.user_id.push(event.user_id.map(|id| id.0));
            columns.end_user.push(event.end_user.as_deref());
            columns.input_tokens.push(count(event.usage.input_tokens));
            columns.output_tokens.push(count(event.usage.output_tokens));
            columns.cached_input_tokens.push(count(event.usage.cached_input_tokens));
            columns.cache_creation_tokens.push(count(event.usage.cache_creation_tokens));
            columns.reasoning_tokens.push(count(event.usage.reasoning_tokens));
            columns.usage_source.push(source_name(event.usage_source));
            columns.cost_nano_usd.push(event.cost.map(|cost| cost.0));
            columns.price_state.push(price_state_name(event.price_state));
            columns.prices.push(event.prices.and_then(|prices| serde_json::to_value(prices).ok()));
            columns.price_version.push(event.price_version.as_str());
            columns.attempts.push(i32::try_from(event.attempts).unwrap_or(i32::MAX));
            columns.time_to_first_byte_us.push(event.time_to_first_byte_us.map(count));
            columns.duration_us.push(count(event.duration_us));
            columns.overhead_us.push(count(event.overhead_us));
            columns.usage_details.push(details(&event.usage));
            columns.service_tier.push(event.service_tier.as_deref());
            columns.kind.push(event.kind.name());
            columns.route.push(event.route.as_ref().and_then(|route| serde_json::to_value(route).ok()));
            columns.about.push(event.about.map(|id| id.0));
        }
        columns
    }
}

impl Columns<'_> {
    /// In the order of the statement.
    fn parameters(&self) -> [&(dyn ToSql + Sync); 37] {
        [
            &self.event_id,
            &self.started_at,
            &self.finished_at,
            &self.request_id,
            &self.status,
            &self.outcome,
            &self.error_code,
            &self.endpoint,
            &self.is_stream,
            &self.model,
            &self.provider,
            &self.upstream_model,
            &self.deployment_id,
            &self.key_id,
            &self.team_id,
            &self.organization_id,
            &self.user_id,
            &self.end_user,
            &self.input_tokens,
            &self.output_tokens,
            &self.cached_input_tokens,
            &self.cache_creation_tokens,
            &self.reasoning_tokens,
            &self.usage_source,
            &self.cost_nano_usd,
            &self.price_state,
            &self.prices,
            &self.price_version,
            &self.attempts,
            &self.time_to_first_byte_us,
            &self.duration_us,
            &self.overhead_us,
            &self.usage_details,
            &self.service_tier,
            &self.kind,
            &self.route,
            &self.about,
        ]
    }
}

/// Larger counts were refused before.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Refused => "refused",
        Outcome::UpstreamError => "upstream_error",
        Outcome::ClientClosed => "client_closed",
        Outcome::Interrupted => "interrupted",
        Outcome::GatewayError => "gateway_error",
    }
}

const fn source_name(source: UsageSource) -> &'static str {
    match source {
        UsageSource::None => "none",
        UsageSource::Provider => "provider",
        UsageSource::Counted => "counted",
        UsageSource::Estimated => "estimated",
    }
}

/// Kinds of usage that have no column of their own, those that are not zero.
fn details(usage: &Usage) -> Option<Value> {
    const COLUMNS: [&str; 5] =
        ["input_tokens", "output_tokens", "cached_input_tokens", "cache_creation_tokens", "reasoning_tokens"];
    let Ok(Value::Object(mut kinds)) = serde_json::to_value(usage) else { return None };
    kinds.retain(|name, count| !COLUMNS.contains(&name.as_str()) && *count != 0);
    (!kinds.is_empty()).then_some(Value::Object(kinds))
}

const fn price_state_name(state: PriceState) -> &'static str {
    match state {
        PriceState::Catalog => "catalog",
        PriceState::Override => "override",
        PriceState::Free => "free",
        PriceState::Unpriced => "unpriced",
    }
}
