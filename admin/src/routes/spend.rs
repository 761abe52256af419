//! `/api/v1/spend`.

use std::time::Duration;

use actix_web::HttpResponse;
use deltallm_shared::time_text::Timestamp;

use crate::{
    body::Query,
    error::AdminError,
    repository::spend,
    state::Shared,
    views::spend::{GroupBy, SpendQuery, SpendSummaryView, SpendView},
};

const HOUR_US: i64 = 3_600_000_000;
const DEFAULT_RANGE: Duration = Duration::from_hours(30 * 24);
const MAX_HOURS: i64 = 31 * 24;
/// Two years of days are still fewer than the groups shown.
const MAX_DAYS: i64 = 731;

/// Sums of spend in groups.
#[utoipa::path(get, path = "/api/v1/spend/summary", tag = "spend", operation_id = "get_spend_summary", params(SpendQuery),
    responses((status = 200, body = SpendSummaryView)))]
pub async fn summary(state: Shared, Query(query): Query<SpendQuery>) -> Result<HttpResponse, AdminError> {
    let until = query.until.unwrap_or_else(Timestamp::now);
    let default_range_us = i64::try_from(DEFAULT_RANGE.as_micros()).unwrap_or(i64::MAX);
    let since = query.since.unwrap_or(Timestamp(until.0.saturating_sub(default_range_us)));
    if since > until {
        return Err(AdminError::invalid("since", "`since` must not be after `until`."));
    }
    // The sums are by hour: what was asked for is widened to whole ones, and the answer says to which.
    let since = Timestamp(since.0.div_euclid(HOUR_US) * HOUR_US);
    let until = Timestamp(until.0.saturating_add(HOUR_US - 1).div_euclid(HOUR_US) * HOUR_US);
    let hours = (until.0 - since.0) / HOUR_US;
    let max_hours = match query.group_by {
        GroupBy::Hour => MAX_HOURS + 1,
        GroupBy::Day => MAX_DAYS * 24,
        GroupBy::Model | GroupBy::Provider | GroupBy::Key | GroupBy::Team | GroupBy::User => i64::MAX,
    };
    if hours > max_hours {
        return Err(AdminError::invalid(
            "since",
            "The range is too long for this `group_by`; ask for hours of at most 31 days, or for days of at most two years.",
        ));
    }
    let client = state.database.client().await?;
    let rows = spend::summary(&client, query.group_by.into(), since, until).await?;
    let total = spend::total(&client, since, until).await?;
    let data = rows.into_iter().map(SpendView::from).collect();
    Ok(HttpResponse::Ok().json(SpendSummaryView { data, total: total.into(), since, until }))
}
