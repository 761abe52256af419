//! Identifiers as types: a key's id cannot be passed where a team's is wanted.
//!
//! All are UUIDv7, so they sort by the time of their making and index well in PostgreSQL.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id (UUIDv7: the time in milliseconds, then random bits).
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id that always belongs to this text, for entities that stand in a file instead of a database.
            pub fn from_text(text: &str) -> Self {
                Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

id! {
    /// A virtual key.
    KeyId,
    /// A team of users.
    TeamId,
    /// A person who signs in or owns keys.
    UserId,
    /// An organization: a group of teams.
    OrganizationId,
    /// One way to serve a model: provider, upstream model, address and credential.
    DeploymentId,
    /// What we sign in to a provider with.
    CredentialId,
    /// Settings of the router or of one group.
    RoutingPolicyId,
    /// One recorded call; also what makes its delivery idempotent.
    EventId,
}

impl EventId {
    /// The random half of the id: as good a seed as any, and already paid for.
    pub fn random_bits(self) -> u64 {
        self.0.as_u64_pair().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_text() {
        let first = KeyId::new();
        let second = KeyId::new();
        assert!(first < second);
        assert_eq!(first.to_string().parse::<KeyId>().unwrap(), first);
        assert_eq!(serde_json::to_string(&first).unwrap(), format!("\"{first}\""));
    }

    #[test]
    fn the_same_text_gives_the_same_id() {
        assert_eq!(DeploymentId::from_text("a/b"), DeploymentId::from_text("a/b"));
        assert_ne!(DeploymentId::from_text("a/b"), DeploymentId::from_text("a/c"));
    }
}
