//! Sums of spend as the API shows them.

use deltallm_shared::{money::NanoUsd, time_text::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::repository::spend::{Grouping, SpendRow};

/// The sums of one group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SpendView {
    /// A model or provider name, an id, or the beginning of an hour or day; null where calls had none.
    #[schema(required)]
    pub group: Option<String>,
    /// The name of the key, team or user whose id `group` is.
    #[schema(required)]
    pub label: Option<String>,
    pub requests: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// US dollars as decimal text.
    #[schema(value_type = String, example = "12.345678901")]
    pub spend_usd: NanoUsd,
    /// Calls whose price is not known; they are not in `spend_usd`.
    pub unpriced_requests: i64,
    /// Calls that were answered with a status of 400 or above.
    pub errors: i64,
}

impl From<SpendRow> for SpendView {
    fn from(row: SpendRow) -> Self {
        Self {
            group: row.group,
            label: row.label,
            requests: row.requests,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            spend_usd: row.spend,
            unpriced_requests: row.unpriced_requests,
            errors: row.errors,
        }
    }
}

/// Sums in groups, and in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpendSummaryView {
    /// Hours and days in order, everything else by spend.
    pub data: Vec<SpendView>,
    pub total: SpendView,
    /// The first hour counted.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// The end of the last hour counted.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// What sums are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    #[default]
    Model,
    Provider,
    Key,
    Team,
    User,
    /// Hours (UTC); at most 31 days at once.
    Hour,
    /// Days (UTC).
    Day,
}

impl From<GroupBy> for Grouping {
    fn from(group_by: GroupBy) -> Self {
        match group_by {
            GroupBy::Model => Self::Model,
            GroupBy::Provider => Self::Provider,
            GroupBy::Key => Self::Key,
            GroupBy::Team => Self::Team,
            GroupBy::User => Self::User,
            GroupBy::Hour => Self::Hour,
            GroupBy::Day => Self::Day,
        }
    }
}

/// What is summed up.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SpendQuery {
    /// From which hour on; 30 days before `until` if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Until which hour; now if absent. The hour that it lies in is counted whole.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    #[serde(default)]
    #[param(inline)]
    pub group_by: GroupBy,
}
