//! The configuration as requests see it: compiled, immutable, swapped as a whole; keys in a concurrent map beside it.
//!
//! Layers: the proxy's own `config.yaml` and what the admin service streams. [`store`] merges them, [`link`] holds the stream,
//! [`last_known_good`] keeps a copy on disk so that the proxy starts without its admin service.

mod canary_trial;
mod credential_set;
mod deployment;
pub mod file_watch;
mod group;
pub mod last_known_good;
pub mod link;
pub mod store;

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use deltallm_shared::{
    control::{KeyRecord, OrganizationRecord, TeamRecord, UserRecord},
    crypto::KeyHash,
    ids::{OrganizationId, TeamId, UserId},
};
pub use deployment::{Deployment, Target};
pub use group::{Group, GroupState};

/// Everything but keys.
#[derive(Default)]
pub struct Snapshot {
    /// Public name → the deployments that serve it.
    pub models: HashMap<String, Arc<Group>>,
    /// Teams by id.
    pub teams: HashMap<TeamId, TeamRecord>,
    /// Users by id.
    pub users: HashMap<UserId, UserRecord>,
    /// Organizations by id.
    pub organizations: HashMap<OrganizationId, OrganizationRecord>,
}

/// What requests read from, without a lock.
#[derive(Default)]
pub struct Live {
    /// Swapped as a whole.
    pub snapshot: ArcSwap<Snapshot>,
    /// Virtual keys by their hash.
    pub keys: papaya::HashMap<KeyHash, Arc<KeyRecord>>,
}

impl Snapshot {
    /// The deployments of a public name.
    pub fn group(&self, model: &str) -> Option<&Arc<Group>> {
        self.models.get(model)
    }
}
