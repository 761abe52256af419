//! Sums from the hourly roll-up; the calls themselves are not read.

use deadpool_postgres::GenericClient;
use deltallm_shared::{money::NanoUsd, time_text::Timestamp};
use tokio_postgres::Row;

use super::rows;
use crate::error::AdminError;

/// What sums are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    Model,
    Provider,
    Key,
    Team,
    User,
    Hour,
    Day,
}

/// One group's sums.
#[derive(Clone, Debug)]
pub struct SpendRow {
    /// A name, an id as text, or a moment as text.
    pub group: Option<String>,
    /// What people call it, where `group` is an id.
    pub label: Option<String>,
    pub requests: i64,
    pub errors: i64,
    pub unpriced_requests: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub spend: NanoUsd,
}

/// More groups than this are not shown; they are the smallest ones.
pub const MAX_GROUPS: i64 = 1000;

macro_rules! sums {
    ($group:literal, $label:literal, $joins:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $group,
            " AS grouped, ",
            $label,
            " AS label,
              sum(h.requests)::bigint AS requests, sum(h.errors)::bigint AS errors,
              sum(h.unpriced_requests)::bigint AS unpriced_requests, sum(h.input_tokens)::bigint AS input_tokens,
              sum(h.output_tokens)::bigint AS output_tokens, sum(h.spend_nano_usd)::bigint AS spend_nano_usd
             FROM spend_hourly h ",
            $joins,
            " WHERE h.hour >= $1 AND h.hour < $2 GROUP BY 1, 2 ORDER BY ",
            $order,
            " LIMIT $3"
        )
    };
}

/// The sums of whole hours from `since` up to `until`, in groups: time in order, everything else by spend.
pub async fn summary(
    client: &impl GenericClient,
    grouping: Grouping,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<SpendRow>, AdminError> {
    let sql = match grouping {
        Grouping::Model => sums!("h.model", "h.model", "", "spend_nano_usd DESC, requests DESC, 1"),
        Grouping::Provider => sums!("h.provider", "h.provider", "", "spend_nano_usd DESC, requests DESC, 1"),
        Grouping::Key => sums!(
            "h.key_id::text",
            "k.name",
            "LEFT JOIN virtual_key k ON k.id = h.key_id",
            "spend_nano_usd DESC, requests DESC, 1"
        ),
        Grouping::Team => {
            sums!(
                "h.team_id::text",
                "t.name",
                "LEFT JOIN team t ON t.id = h.team_id",
                "spend_nano_usd DESC, requests DESC, 1"
            )
        }
        Grouping::User => sums!(
            "h.user_id::text",
            "u.email",
            "LEFT JOIN app_user u ON u.id = h.user_id",
            "spend_nano_usd DESC, requests DESC, 1"
        ),
        Grouping::Hour => {
            sums!("to_char(h.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", "NULL::text", "", "1")
        }
        Grouping::Day => {
            sums!("to_char(h.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T00:00:00Z\"')", "NULL::text", "", "1")
        }
    };
    rows(client, sql, &[&since.to_datetime(), &until.to_datetime(), &MAX_GROUPS]).await?.iter().map(read).collect()
}

/// The sums of everything in that time.
pub async fn total(client: &impl GenericClient, since: Timestamp, until: Timestamp) -> Result<SpendRow, AdminError> {
    let sql = "SELECT NULL::text AS grouped, NULL::text AS label,
                      coalesce(sum(requests), 0)::bigint AS requests, coalesce(sum(errors), 0)::bigint AS errors,
                      coalesce(sum(unpriced_requests), 0)::bigint AS unpriced_requests,
                      coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
                      coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
                      coalesce(sum(spend_nano_usd), 0)::bigint AS spend_nano_usd
               FROM spend_hourly WHERE hour >= $1 AND hour < $2";
    let found = super::row(client, sql, &[&since.to_datetime(), &until.to_datetime()]).await?;
    read(&found.ok_or_else(|| AdminError::Internal("a sum without a row".to_owned()))?)
}

fn read(row: &Row) -> Result<SpendRow, AdminError> {
    Ok(SpendRow {
        group: row.try_get("grouped")?,
        label: row.try_get("label")?,
        requests: row.try_get("requests")?,
        errors: row.try_get("errors")?,
        unpriced_requests: row.try_get("unpriced_requests")?,
        input_tokens: row.try_get("input_tokens")?,
        output_tokens: row.try_get("output_tokens")?,
        spend: NanoUsd(row.try_get("spend_nano_usd")?),
    })
}
