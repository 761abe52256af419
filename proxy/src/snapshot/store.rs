//! Merges the layers of configuration and publishes the result to [`Live`].
//!
//! Owned by the control thread; requests never see it. A key that changes is one insert into the concurrent map, anything else
//! rebuilds the snapshot, which is small.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use deltallm_routing::stats::DeploymentStats;
use deltallm_shared::{
    config::Config,
    control::{ConfigMessage, ConfigSnapshot, CredentialRecord, DeploymentRecord, Entity, EntityKind, KeyRecord},
    credential::CredentialValues,
    crypto::{CryptoError, KeyHash, KeyHasher, SecretBox},
    ids::{CredentialId, DeploymentId, KeyId, OrganizationId, RoutingPolicyId, TeamId, UserId},
    routing::{EffectiveRouting, RoutingPolicyRecord, RoutingSettings},
};
use uuid::Uuid;

use super::{Deployment, Group, Live, Snapshot, credential_set::CredentialSet, group::GroupStates};
use crate::credentials::CredentialPool;

/// What opens and finds secrets.
#[derive(Clone)]
pub struct Keyring {
    /// Finds virtual keys.
    pub hasher: KeyHasher,
    /// Opens provider credentials.
    pub secret_box: SecretBox,
}

/// The layers as they were received.
pub struct Store {
    live: Arc<Live>,
    keyring: Keyring,
    file: Arc<Config>,
    version: i64,
    deployments: HashMap<DeploymentId, DeploymentRecord>,
    credentials: HashMap<CredentialId, CredentialRecord>,
    keys: HashMap<KeyId, Arc<KeyRecord>>,
    teams: HashMap<TeamId, deltallm_shared::control::TeamRecord>,
    users: HashMap<UserId, deltallm_shared::control::UserRecord>,
    organizations: HashMap<OrganizationId, deltallm_shared::control::OrganizationRecord>,
    routing_policies: HashMap<RoutingPolicyId, RoutingPolicyRecord>,
    /// What was published last.
    in_use: CredentialSet,
    stats: HashMap<DeploymentId, Arc<DeploymentStats>>,
    group_states: GroupStates,
}

impl Store {
    /// Begins with the file's layer, which is published at once.
    pub fn new(live: Arc<Live>, keyring: Keyring, file: Arc<Config>) -> Self {
        let mut store = Self {
            live,
            keyring,
            file,
            version: 0,
            deployments: HashMap::new(),
            credentials: HashMap::new(),
            keys: HashMap::new(),
            teams: HashMap::new(),
            users: HashMap::new(),
            organizations: HashMap::new(),
            routing_policies: HashMap::new(),
            in_use: CredentialSet::default(),
            stats: HashMap::new(),
            group_states: GroupStates::default(),
        };
        store.publish();
        store.publish_keys();
        store
    }

    /// The version of the streamed layer; 0 before the first.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Replaces the file's layer.
    pub fn set_file(&mut self, file: Arc<Config>) {
        self.file = file;
        self.publish();
        self.publish_keys();
    }

    /// Takes one message of the stream. Returns whether anything changed.
    pub fn apply(&mut self, message: ConfigMessage) -> bool {
        match message {
            ConfigMessage::Heartbeat { .. } => return false,
            ConfigMessage::Snapshot { version, snapshot } => {
                self.version = version;
                self.replace(snapshot);
                self.publish();
                self.publish_keys();
            }
            ConfigMessage::Upsert { version, change } => {
                self.version = version;
                self.upsert(change);
            }
            ConfigMessage::Delete { version, entity, id } => {
                self.version = version;
                self.delete(entity, id);
            }
        }
        true
    }

    /// The streamed layer as it stands, for the last-known-good file.
    pub fn streamed(&self) -> (i64, ConfigSnapshot) {
        let snapshot = ConfigSnapshot {
            deployments: self.deployments.values().cloned().collect(),
            credentials: self.credentials.values().cloned().collect(),
            keys: self.keys.values().map(|key| KeyRecord::clone(key)).collect(),
            teams: self.teams.values().cloned().collect(),
            users: self.users.values().cloned().collect(),
            organizations: self.organizations.values().cloned().collect(),
            routing_policies: self.routing_policies.values().cloned().collect(),
        };
        (self.version, snapshot)
    }

    fn replace(&mut self, snapshot: ConfigSnapshot) {
        self.deployments = snapshot.deployments.into_iter().map(|record| (record.id, record)).collect();
        self.credentials = snapshot.credentials.into_iter().map(|record| (record.id, record)).collect();
        self.keys = snapshot.keys.into_iter().map(|record| (record.id, Arc::new(record))).collect();
        self.teams = snapshot.teams.into_iter().map(|record| (record.id, record)).collect();
        self.users = snapshot.users.into_iter().map(|record| (record.id, record)).collect();
        self.organizations = snapshot.organizations.into_iter().map(|record| (record.id, record)).collect();
        self.routing_policies = snapshot.routing_policies.into_iter().map(|record| (record.id, record)).collect();
    }

    fn upsert(&mut self, change: Entity) {
        match change {
            Entity::Key(record) => {
                let record = Arc::new(record);
                let old = self.keys.insert(record.id, Arc::clone(&record));
                let keys = self.live.keys.pin();
                // A rotated key has another hash: the old one must not stay behind.
                if let Some(old) = old.filter(|old| old.hash != record.hash) {
                    keys.remove(&old.hash);
                }
                keys.insert(record.hash, record);
                return;
            }
            Entity::Deployment(record) => {
                self.deployments.insert(record.id, *record);
            }
            Entity::Credential(record) => {
                self.credentials.insert(record.id, record);
            }
            Entity::Team(record) => {
                self.teams.insert(record.id, record);
            }
            Entity::User(record) => {
                self.users.insert(record.id, record);
            }
            Entity::Organization(record) => {
                self.organizations.insert(record.id, record);
            }
            Entity::RoutingPolicy(record) => {
                self.routing_policies.insert(record.id, *record);
            }
        }
        self.publish();
    }

    fn delete(&mut self, entity: EntityKind, id: Uuid) {
        match entity {
            EntityKind::Key => {
                if let Some(old) = self.keys.remove(&KeyId(id)) {
                    self.live.keys.pin().remove(&old.hash);
                }
                return;
            }
            EntityKind::Deployment => drop(self.deployments.remove(&DeploymentId(id))),
            EntityKind::Credential => drop(self.credentials.remove(&CredentialId(id))),
            EntityKind::Team => drop(self.teams.remove(&TeamId(id))),
            EntityKind::User => drop(self.users.remove(&UserId(id))),
            EntityKind::Organization => drop(self.organizations.remove(&OrganizationId(id))),
            EntityKind::RoutingPolicy => drop(self.routing_policies.remove(&RoutingPolicyId(id))),
        }
        self.publish();
    }

    fn publish(&mut self) {
        let mut credentials = self.in_use.renew();
        for file in &self.file.credentials {
            credentials.credential(file.id, &file.name, &file.values, false);
        }
        let secret_box = &self.keyring.secret_box;
        for record in self.credentials.values() {
            match CredentialValues::open(&record.sealed_values, secret_box, record.id) {
                Ok(values) => drop(credentials.credential(record.id, &record.name, &values, true)),
                Err(error) => tracing::error!(credential = record.name, %error, "the credential cannot be opened"),
            }
        }
        let mut found = Found { groups: HashMap::new(), known: &mut self.stats, drop_params: self.file.drop_params };
        for file in &self.file.deployments {
            let record = &file.record;
            found.add(record, credentials.pool(record.id, &file.credentials, &record.credential_ids, false));
        }
        for record in self.deployments.values().filter(|record| !record.blocked) {
            match own_key(record, secret_box) {
                Ok(own) => found.add(record, credentials.pool(record.id, &own, &record.credential_ids, true)),
                Err(error) => {
                    tracing::error!(deployment_id = %record.id, model = record.model_name, %error, "its credential cannot be opened");
                }
            }
        }
        let groups = found.groups;
        self.in_use = credentials.done();
        let in_use: HashSet<DeploymentId> = groups.values().flatten().map(|deployment| deployment.id).collect();
        self.stats.retain(|id, _| in_use.contains(id));
        self.group_states.keep(|name| groups.contains_key(name));
        let mut models: HashMap<String, Arc<Group>> = HashMap::with_capacity(groups.len());
        for (name, mut deployments) in groups {
            deployments.sort_by_key(|deployment| deployment.id);
            let routing = EffectiveRouting::of(&self.routing_of(&name));
            let state = self.group_states.of(&name);
            state.canary.under(routing.canary.as_ref());
            models.insert(name.clone(), Arc::new(Group { name, deployments: deployments.into(), routing, state }));
        }
        for (alias, target) in &self.file.model_aliases {
            if let Some(group) = models.get(target).cloned() {
                models.entry(alias.clone()).or_insert(group);
            }
        }
        self.live.snapshot.store(Arc::new(Snapshot {
            models,
            teams: self.teams.clone(),
            users: self.users.clone(),
            organizations: self.organizations.clone(),
        }));
    }

    /// The settings of a group: the nearer level above the farther, what came through the API above the file.
    fn routing_of(&self, group: &str) -> RoutingSettings {
        let policy = |name: Option<&str>| {
            let mut policies = self.routing_policies.values();
            policies.find(|policy| policy.model_name.as_deref() == name).map(|policy| &policy.settings)
        };
        let levels = [policy(Some(group)), self.file.group_routing.get(group), policy(None), Some(&self.file.routing)];
        levels.into_iter().flatten().fold(RoutingSettings::default(), |near, far| near.over(far))
    }

    fn publish_keys(&self) {
        let keys = self.live.keys.pin();
        let mut known: HashSet<KeyHash> = HashSet::with_capacity(self.keys.len() + self.file.keys.len());
        for file in &self.file.keys {
            let hash = self.keyring.hasher.hash(file.key.expose());
            known.insert(hash);
            keys.insert(hash, Arc::new(KeyRecord { hash, ..file.record.clone() }));
        }
        for record in self.keys.values() {
            known.insert(record.hash);
            keys.insert(record.hash, Arc::clone(record));
        }
        keys.retain(|hash, _| known.contains(hash));
    }
}

/// The key of a deployment's own, if it has one.
fn own_key(record: &DeploymentRecord, secret_box: &SecretBox) -> Result<Vec<CredentialValues>, CryptoError> {
    let key = record.sealed_api_key.as_ref().map(|sealed| secret_box.open(sealed, &record.id.to_string()));
    Ok(key.transpose()?.map(CredentialValues::api_key).into_iter().collect())
}

/// The deployments that can be used, by their public names.
struct Found<'a> {
    groups: HashMap<String, Vec<Arc<Deployment>>>,
    known: &'a mut HashMap<DeploymentId, Arc<DeploymentStats>>,
    drop_params: bool,
}

impl Found<'_> {
    fn add(&mut self, record: &DeploymentRecord, credentials: CredentialPool) {
        match Deployment::compile(record, credentials, self.drop_params) {
            Ok(mut deployment) => {
                deployment.stats = Arc::clone(self.known.entry(record.id).or_default());
                self.groups.entry(record.model_name.clone()).or_default().push(Arc::new(deployment));
            }
            Err(reason) => {
                tracing::error!(deployment_id = %record.id, model = record.model_name, reason, "the deployment cannot be used");
            }
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
