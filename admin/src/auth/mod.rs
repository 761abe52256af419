//! Who is asking: the master key, or a person with a session.

pub mod login_limit;
pub mod password;
pub mod session;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use deltallm_shared::{error::ErrorCode, ids::UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::AdminError;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Sees everything, changes nothing but itself.
    Viewer,
    /// Only itself.
    Member,
}

impl Role {
    /// As it stands in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
            Self::Member => "member",
        }
    }

    /// From the database.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Admin, Self::Viewer, Self::Member].into_iter().find(|role| role.name() == name)
    }
}

/// The one who asks, put into the request by the guard in `middleware.rs`.
#[derive(Clone, Debug)]
pub enum Principal {
    /// Holds the master key.
    MasterKey,
    /// A person.
    User(Account),
}

/// A person's account, as far as a request needs it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The id.
    pub id: UserId,
    /// What one logs in with.
    pub email: String,
    /// For people.
    pub name: Option<String>,
    /// What it may do.
    pub role: Role,
}

impl Principal {
    /// What it may do.
    pub fn role(&self) -> Role {
        match self {
            Self::MasterKey => Role::Admin,
            Self::User(account) => account.role,
        }
    }

    /// For the log.
    pub fn label(&self) -> String {
        match self {
            Self::MasterKey => "master key".to_owned(),
            Self::User(account) => account.id.to_string(),
        }
    }
}

impl FromRequest for Principal {
    type Error = AdminError;
    type Future = std::future::Ready<Result<Self, AdminError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let principal = request.extensions().get::<Self>().cloned();
        std::future::ready(principal.ok_or_else(unauthenticated))
    }
}

/// The answer to a request that does not say who asks.
pub fn unauthenticated() -> AdminError {
    AdminError::caller(ErrorCode::InvalidApiKey, "Log in, or send the master key as `Authorization: Bearer …`.")
}
