//! Virtual keys as the API shows and takes them.

use deltallm_shared::{
    ids::{KeyId, TeamId, UserId},
    money::NanoUsd,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{patch::Patch, repository::key::KeyRow};

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It works.
    Active,
    /// Somebody blocked it.
    Blocked,
    /// Its time is over.
    Expired,
}

impl KeyState {
    /// As the repository filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Expired => "expired",
        }
    }
}

/// A virtual key.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyView {
    #[schema(value_type = Uuid)]
    pub id: KeyId,
    pub name: String,
    /// What one may recognise the key by; the key itself is shown once, when it is made.
    #[schema(example = "sk-…9f2c")]
    pub key_hint: String,
    pub state: KeyState,
    /// Public model names that it may use; null: all.
    #[schema(required)]
    pub models: Option<Vec<String>>,
    #[schema(value_type = Option<Uuid>, required)]
    pub team_id: Option<TeamId>,
    #[schema(required)]
    pub team_name: Option<String>,
    #[schema(value_type = Option<Uuid>, required)]
    pub user_id: Option<UserId>,
    #[schema(required)]
    pub user_email: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_used_at: Option<Timestamp>,
    /// US dollars as decimal text.
    #[schema(value_type = String, example = "12.345678901")]
    pub spend_usd: NanoUsd,
    pub requests_count: i64,
    #[schema(value_type = Object)]
    pub metadata: Value,
}

impl KeyView {
    /// As of a moment, which decides whether the key has expired.
    pub fn new(row: KeyRow, now: Timestamp) -> Self {
        let state = if row.is_blocked {
            KeyState::Blocked
        } else if row.expires_at.is_some_and(|at| at <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        };
        Self {
            id: row.id,
            name: row.name,
            key_hint: row.hint,
            state,
            models: row.models,
            team_id: row.team_id,
            team_name: row.team_name,
            user_id: row.user_id,
            user_email: row.user_email,
            expires_at: row.expires_at,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            spend_usd: row.spend,
            requests_count: row.requests,
            metadata: row.metadata,
        }
    }
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewKeyView {
    /// The key. It is shown this once and cannot be had again.
    #[schema(example = "sk-…")]
    pub key: String,
    #[serde(flatten)]
    pub view: KeyView,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyDraft {
    pub name: String,
    /// Public model names; null or absent: all. A name that ends in `*` stands for every name with that beginning.
    pub models: Option<Vec<String>>,
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// Changes to a key: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPatch {
    pub name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub models: Patch<Vec<String>>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Patch<Uuid>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub user_id: Patch<Uuid>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Patch<Timestamp>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Patch<Map<String, Value>>,
}

/// What the list of keys is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct KeyQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Part of the name or of the hint.
    pub q: Option<String>,
    pub team_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub state: Option<KeyState>,
}
