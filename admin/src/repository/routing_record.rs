//! What recorded calls say of a group: when they came, and how its deployments answered. Bounded in time and in number.

use deadpool_postgres::GenericClient;
use deltallm_shared::time_text::Timestamp;
use uuid::Uuid;

use super::{rows, time};
use crate::error::AdminError;

/// Which calls.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Of this group.
    pub model: &'a str,
    pub since: Timestamp,
    pub until: Timestamp,
    /// The newest so many.
    pub limit: i64,
}

/// One call.
#[derive(Clone, Debug)]
pub struct ArrivalRow {
    pub started_at: Timestamp,
    pub tokens: i64,
    pub is_stream: bool,
}

/// The attempts at one deployment that ended in one way.
#[derive(Clone, Debug)]
pub struct AttemptsRow {
    pub deployment_id: Uuid,
    /// The class of their failure; `None`: they answered.
    pub fault: Option<String>,
    pub count: i64,
    pub mean_us: i64,
    pub p95_us: i64,
    /// Of those that have a first content.
    pub first_token_mean_us: Option<i64>,
    pub first_token_p95_us: Option<i64>,
}

/// What an answer of one deployment cost, in the mean.
#[derive(Clone, Debug)]
pub struct CostRow {
    pub deployment_id: Uuid,
    pub mean_nano_usd: i64,
}

macro_rules! calls {
    () => {
        "WITH calls AS (
             SELECT started_at, is_stream, input_tokens, output_tokens, outcome, deployment_id, duration_us, overhead_us,
                    time_to_first_byte_us, cost_nano_usd, route
             FROM spend_event
             WHERE kind = 'call' AND model = $1 AND started_at >= $2 AND started_at <= $3
             ORDER BY started_at DESC, event_id DESC LIMIT $4
         ) "
    };
}

/// When calls came, oldest first.
pub async fn arrivals(client: &impl GenericClient, of: Recorded<'_>) -> Result<Vec<ArrivalRow>, AdminError> {
    let sql = concat!(
        calls!(),
        "SELECT started_at, input_tokens + output_tokens AS tokens, is_stream FROM calls ORDER BY started_at"
    );
    let found = rows(client, sql, &[&of.model, &of.since.to_datetime(), &of.until.to_datetime(), &of.limit]).await?;
    found
        .iter()
        .map(|row| {
            Ok(ArrivalRow {
                started_at: time(row, "started_at")?,
                tokens: row.try_get("tokens")?,
                is_stream: row.try_get("is_stream")?,
            })
        })
        .collect()
}

/// How deployments answered and failed. A call without a trace is one attempt, whose failure is of no known class.
pub async fn attempts(client: &impl GenericClient, of: Recorded<'_>) -> Result<Vec<AttemptsRow>, AdminError> {
    let sql = concat!(
        calls!(),
        ", attempt AS (
             SELECT (a ->> 'deployment_id')::uuid AS deployment_id, a ->> 'end' AS ended, a ->> 'fault' AS fault,
                    (a ->> 'duration_us')::bigint AS duration_us, (a ->> 'first_token_us')::bigint AS first_token_us
             FROM calls, jsonb_array_elements(route -> 'attempts') AS a
             WHERE route IS NOT NULL
             UNION ALL
             SELECT deployment_id,
                    CASE outcome WHEN 'completed' THEN 'answered' WHEN 'upstream_error' THEN 'failed' END,
                    CASE outcome WHEN 'upstream_error' THEN 'server' END,
                    greatest(duration_us - overhead_us, 0),
                    CASE WHEN is_stream THEN greatest(time_to_first_byte_us - overhead_us, 0) END
             FROM calls WHERE route IS NULL AND deployment_id IS NOT NULL
         )
         SELECT deployment_id, CASE ended WHEN 'failed' THEN coalesce(fault, 'server') END AS fault, count(*) AS count,
                avg(duration_us)::bigint AS mean_us,
                (percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_us))::bigint AS p95_us,
                avg(first_token_us)::bigint AS first_token_mean_us,
                (percentile_disc(0.95) WITHIN GROUP (ORDER BY first_token_us))::bigint AS first_token_p95_us
         FROM attempt WHERE ended IN ('answered', 'failed')
         GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let found = rows(client, sql, &[&of.model, &of.since.to_datetime(), &of.until.to_datetime(), &of.limit]).await?;
    found
        .iter()
        .map(|row| {
            Ok(AttemptsRow {
                deployment_id: row.try_get("deployment_id")?,
                fault: row.try_get("fault")?,
                count: row.try_get("count")?,
                mean_us: row.try_get("mean_us")?,
                p95_us: row.try_get("p95_us")?,
                first_token_mean_us: row.try_get("first_token_mean_us")?,
                first_token_p95_us: row.try_get("first_token_p95_us")?,
            })
        })
        .collect()
}

/// What answers cost, where a price was known.
pub async fn costs(client: &impl GenericClient, of: Recorded<'_>) -> Result<Vec<CostRow>, AdminError> {
    let sql = concat!(
        calls!(),
        "SELECT deployment_id, avg(cost_nano_usd)::bigint AS mean_nano_usd FROM calls
         WHERE deployment_id IS NOT NULL AND cost_nano_usd IS NOT NULL AND outcome = 'completed' GROUP BY 1"
    );
    let found = rows(client, sql, &[&of.model, &of.since.to_datetime(), &of.until.to_datetime(), &of.limit]).await?;
    found
        .iter()
        .map(|row| {
            Ok(CostRow { deployment_id: row.try_get("deployment_id")?, mean_nano_usd: row.try_get("mean_nano_usd")? })
        })
        .collect()
}
