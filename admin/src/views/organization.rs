//! Organizations as the API shows and takes them.

use deltallm_shared::{ids::OrganizationId, time_text::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{patch::Patch, repository::organization::OrganizationRow};

/// An organization: a group of teams.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganizationView {
    #[schema(value_type = uuid::Uuid)]
    pub id: OrganizationId,
    pub name: String,
    /// Whether all keys of all its teams are refused.
    pub blocked: bool,
    pub teams_count: i64,
    #[schema(value_type = Object)]
    pub metadata: Value,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<OrganizationRow> for OrganizationView {
    fn from(row: OrganizationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            blocked: row.is_blocked,
            teams_count: row.teams,
            metadata: row.metadata,
            created_at: row.created_at,
        }
    }
}

/// An organization to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationDraft {
    pub name: String,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// Changes to an organization: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatch {
    pub name: Option<String>,
    pub blocked: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Patch<Map<String, Value>>,
}
