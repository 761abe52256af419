//! Logging in, and who one is then.

use deltallm_shared::{ids::UserId, secret::Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Principal, Role};

/// Either an account's e-mail address and password, or the master key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginDraft {
    pub email: Option<String>,
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret<String>>,
    #[schema(value_type = Option<String>)]
    pub master_key: Option<Secret<String>>,
}

/// Who is logged in. The holder of the master key has neither id nor address.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeUserView {
    #[schema(value_type = Option<uuid::Uuid>, required)]
    pub id: Option<UserId>,
    #[schema(required)]
    pub email: Option<String>,
    #[schema(required)]
    pub name: Option<String>,
    pub role: Role,
}

impl From<&Principal> for MeUserView {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::MasterKey => {
                Self { id: None, email: None, name: Some("Master key".to_owned()), role: Role::Admin }
            }
            Principal::User(account) => Self {
                id: Some(account.id),
                email: Some(account.email.clone()),
                name: account.name.clone(),
                role: account.role,
            },
        }
    }
}

/// The answer to a log-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    pub user: MeUserView,
}

/// What the dashboard shows of the gateway everywhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct GatewayView {
    /// Where the proxy's API is.
    pub api_url: String,
    pub version: &'static str,
}

/// Who is logged in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    pub user: MeUserView,
    pub gateway: GatewayView,
}

/// A new password for oneself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordDraft {
    #[schema(value_type = String)]
    pub current_password: Secret<String>,
    /// At least 12 characters.
    #[schema(value_type = String)]
    pub new_password: Secret<String>,
}
