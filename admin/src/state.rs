//! What every handler works with: built once in `boot.rs`, shared by all workers.

use std::sync::Arc;

use deltallm_shared::{
    config::Config,
    crypto::{KeyHasher, SecretBox},
    secret::Secret,
};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::{
    auth::login_limit::LoginLimit, config_stream::hub::Hub, database::Database, live::LiveRequests, metrics::Metrics,
};

/// The service's parts.
pub struct State {
    /// PostgreSQL.
    pub database: Database,
    /// What `config.yaml` says; replaced when the file changes.
    pub config: RwLock<Arc<Config>>,
    /// May do everything.
    pub master_key: Secret<String>,
    /// What proxies show on the internal port.
    pub internal_token: Secret<String>,
    /// Hashes virtual keys.
    pub key_hasher: KeyHasher,
    /// Seals provider credentials.
    pub secret_box: SecretBox,
    /// Feeds the proxies.
    pub hub: Arc<Hub>,
    /// Feeds the dashboard's live list.
    pub live: LiveRequests,
    /// Counters.
    pub metrics: Metrics,
    /// Failed log-ins.
    pub login_limit: LoginLimit,
    /// Where the proxy's API is, to try a model.
    pub api_url: String,
    /// Calls the proxy.
    pub http: reqwest::Client,
    /// Turns true when the service stops: long answers end then.
    pub stopping: watch::Receiver<bool>,
}

impl State {
    /// What `config.yaml` says now.
    pub fn config(&self) -> Arc<Config> {
        self.config.read().clone()
    }

    /// Ties a session to the master key it was opened with, without storing anything of the key.
    pub fn master_key_fingerprint(&self) -> [u8; 32] {
        self.key_hasher.hash(&format!("master key session {}", self.master_key.expose())).0
    }
}

/// How handlers get it.
pub type Shared = actix_web::web::Data<State>;
