//! Teams as the API shows and takes them.

use deltallm_shared::{
    ids::{OrganizationId, TeamId},
    money::NanoUsd,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{patch::Patch, repository::team::TeamRow};

/// A team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamView {
    #[schema(value_type = Uuid)]
    pub id: TeamId,
    pub name: String,
    #[schema(value_type = Option<Uuid>, required)]
    pub organization_id: Option<OrganizationId>,
    #[schema(required)]
    pub organization_name: Option<String>,
    /// Public model names that its keys may use; null: all.
    #[schema(required)]
    pub models: Option<Vec<String>>,
    /// Whether all its keys are refused.
    pub blocked: bool,
    pub members_count: i64,
    pub keys_count: i64,
    /// US dollars as decimal text.
    #[schema(value_type = String, example = "12.345678901")]
    pub spend_usd: NanoUsd,
    #[schema(value_type = Object)]
    pub metadata: Value,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<TeamRow> for TeamView {
    fn from(row: TeamRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            models: row.models,
            blocked: row.is_blocked,
            members_count: row.members,
            keys_count: row.keys,
            spend_usd: row.spend,
            metadata: row.metadata,
            created_at: row.created_at,
        }
    }
}

/// A team to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamDraft {
    pub name: String,
    pub organization_id: Option<Uuid>,
    /// Public model names; null or absent: all.
    pub models: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// Changes to a team: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPatch {
    pub name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub organization_id: Patch<Uuid>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub models: Patch<Vec<String>>,
    pub blocked: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Patch<Map<String, Value>>,
}

/// What the list of teams is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TeamQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Part of the name.
    pub q: Option<String>,
    pub organization_id: Option<Uuid>,
}
