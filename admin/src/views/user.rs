//! Accounts as the API shows and takes them. A password goes in and never comes out, but for one that was made here.

use deltallm_shared::{
    ids::{TeamId, UserId},
    secret::Secret,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{auth::Role, patch::Patch, repository::user::UserRow};

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    #[schema(value_type = Uuid)]
    pub id: UserId,
    pub email: String,
    #[schema(required)]
    pub name: Option<String>,
    pub role: Role,
    #[schema(value_type = Option<Uuid>, required)]
    pub team_id: Option<TeamId>,
    #[schema(required)]
    pub team_name: Option<String>,
    /// A blocked account cannot log in, and its keys are refused.
    pub blocked: bool,
    pub keys_count: i64,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_login_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row.role,
            team_id: row.team_id,
            team_name: row.team_name,
            blocked: row.is_blocked,
            keys_count: row.keys,
            last_login_at: row.last_login_at,
            created_at: row.created_at,
        }
    }
}

/// An account that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewUserView {
    /// The password, where none was given: it is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(flatten)]
    pub view: UserView,
}

/// An account to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserDraft {
    pub email: String,
    pub name: Option<String>,
    pub role: Role,
    pub team_id: Option<Uuid>,
    /// At least 12 characters; if absent, one is made and shown once.
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret<String>>,
}

/// Changes to an account: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    pub email: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name: Patch<String>,
    pub role: Option<Role>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Patch<Uuid>,
    pub blocked: Option<bool>,
    /// A new password; it ends the account's sessions.
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret<String>>,
}

/// What the list of accounts is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Part of the e-mail address or of the name.
    pub q: Option<String>,
    pub team_id: Option<Uuid>,
}
