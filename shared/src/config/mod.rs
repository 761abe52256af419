//! `config.yaml`: read strictly, checked as a whole, turned into types that need no further checking.
//!
//! [`raw`] is the file's grammar, [`check`] reads and judges it, [`Config`] is what the services use. What is wrong is reported
//! as [`Diagnostic`]s with line and column; an unknown key names the nearest known one. The YAML library is serde-saphyr; why,
//! stands in `docs/decisions/0002-yaml.md`.

mod built_in;
mod check;
mod credentials;
mod diagnostic;
mod place;
mod raw;
mod raw_router;
mod reference;
mod router;
mod scalar;
mod watched;

use std::{collections::BTreeMap, path::Path, time::Duration};

pub use check::{check, check_text};
pub use diagnostic::Diagnostic;
pub use reference::{Environment, ProcessEnvironment};
pub use watched::WatchedFile;

use crate::{
    control::{DeploymentRecord, KeyRecord},
    credential::CredentialValues,
    egress::Cidr,
    ids::CredentialId,
    routing::RoutingSettings,
    secret::Secret,
};

/// A configuration that has been checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Deployments of the file, or the built-in ones.
    pub deployments: Vec<FileDeployment>,
    /// Named credentials of the file.
    pub credentials: Vec<FileCredential>,
    /// Virtual keys of the file.
    pub keys: Vec<FileKey>,
    /// Other names of public models: alias → model name.
    pub model_aliases: BTreeMap<String, String>,
    /// How long one request may take in all.
    pub request_timeout: Duration,
    /// How requests find their deployment, where neither the database nor a group says.
    pub routing: RoutingSettings,
    /// The same of single groups, by their public names.
    pub group_routing: BTreeMap<String, RoutingSettings>,
    /// Whether parameters that a vendor does not know are dropped instead of refused, where a deployment does not say.
    pub drop_params: bool,
    /// Everything that is not about models or keys.
    pub general: General,
    /// What is accepted and has no effect in this version, or looks wrong.
    pub warnings: Vec<Diagnostic>,
}

/// A deployment whose credentials are at hand.
#[derive(Clone, Debug)]
pub struct FileDeployment {
    /// What the control plane would say of it; its `credential_ids` are of [`Config::credentials`].
    pub record: DeploymentRecord,
    /// Its own pool of credentials, in order, before the named ones.
    pub credentials: Vec<CredentialValues>,
}

/// A named credential that stands in the file.
#[derive(Clone, Debug)]
pub struct FileCredential {
    /// Always the same for a name.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// The provider that it is meant for.
    pub provider: Option<String>,
    /// Its values.
    pub values: CredentialValues,
}

/// A virtual key that stands in the file; its hash is made when the salt key is known.
#[derive(Clone, Debug)]
pub struct FileKey {
    /// The key itself.
    pub key: Secret<String>,
    /// All but the hash, which is all zeros here.
    pub record: KeyRecord,
}

/// Settings of the services themselves.
#[derive(Clone, Debug)]
pub struct General {
    /// Does everything.
    pub master_key: Option<Secret<String>>,
    /// Derives the installation's other secrets.
    pub salt_key: Option<Secret<String>>,
    /// PostgreSQL, for the admin service.
    pub database_url: Option<Secret<String>>,
    /// Redis or Valkey, through which replicas of the proxy hear of each other.
    pub redis_url: Option<Secret<String>>,
    /// Where the admin service's internal port is, for a proxy.
    pub admin_url: Option<String>,
    /// Bodies beyond it get 413.
    pub max_request_body_bytes: u64,
    /// Forms with files and bodies that are passed through get 413 beyond it; they are kept on the disk while they are sent on.
    pub max_upload_bytes: u64,
    /// Time limits for slow clients and for stopping.
    pub client: ClientTimeouts,
    /// The spend journal.
    pub journal: JournalSettings,
    /// Private networks that URLs set through the API may point to.
    pub egress_allow_private: Vec<Cidr>,
}

/// When a client is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// From the first byte of a request to the end of its header.
    pub header: Duration,
    /// From the end of the header to the end of the body.
    pub body: Duration,
    /// Between two pieces of the body, and for one write of the answer.
    pub stall: Duration,
    /// How long an idle connection stays open.
    pub keepalive: Duration,
    /// How long open requests may go on after the signal to stop.
    pub drain: Duration,
}

/// The spend journal's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// The longest that a record waits for its fsync.
    pub fsync_interval: Duration,
    /// Beyond it [`JournalFull`] applies.
    pub max_bytes: u64,
    /// What happens then.
    pub on_full: JournalFull,
}

/// What a proxy does when its journal takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalFull {
    /// Serve without a record, raise the alarm and count what was lost.
    Serve,
    /// Refuse with 503 until there is room: no call without a record.
    Refuse,
}

impl Default for General {
    fn default() -> Self {
        Self {
            master_key: None,
            salt_key: None,
            database_url: None,
            redis_url: None,
            admin_url: None,
            max_request_body_bytes: 50_000_000,
            max_upload_bytes: 512 << 20,
            client: ClientTimeouts {
                header: Duration::from_secs(10),
                body: Duration::from_mins(2),
                stall: Duration::from_secs(30),
                keepalive: Duration::from_secs(75),
                drain: Duration::from_secs(30),
            },
            journal: JournalSettings {
                fsync_interval: Duration::from_millis(50),
                max_bytes: 1 << 30,
                on_full: JournalFull::Refuse,
            },
            egress_allow_private: Vec::new(),
        }
    }
}

/// How long one request may take in all, where the file does not say.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_mins(10);

/// The configuration of a service that was started without a file: the environment's providers and the mock.
pub fn without_file(environment: &dyn Environment) -> Result<Config, Vec<Diagnostic>> {
    check_text("", Path::new("environment"), environment)
}
