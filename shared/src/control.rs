//! What the admin service tells every proxy: one snapshot, then changes, over `GET /internal/v1/config`.
//!
//! Newline-delimited JSON. Secrets in it are sealed, keys are hashes; the same records make the last-known-good file.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    credential::CredentialKind,
    crypto::{KeyHash, Sealed},
    ids::{CredentialId, DeploymentId, KeyId, OrganizationId, TeamId, UserId},
    pricing::ModelPrices,
    routing::RoutingPolicyRecord,
    time_text::Timestamp,
};

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ConfigMessage {
    /// All there is, as of a version. Replaces what the proxy had.
    Snapshot {
        /// The version that the snapshot holds.
        version: i64,
        /// All entities.
        snapshot: ConfigSnapshot,
    },
    /// An entity was made or changed.
    Upsert {
        /// The version after it.
        version: i64,
        /// The entity as it is now.
        change: Entity,
    },
    /// An entity is gone.
    Delete {
        /// The version after it.
        version: i64,
        /// What kind it was.
        entity: EntityKind,
        /// Its id.
        id: Uuid,
    },
    /// Nothing happened; the line says that the stream lives.
    Heartbeat {
        /// The version that the admin service is at.
        version: i64,
    },
}

/// Everything a proxy needs to serve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigSnapshot {
    /// Ways to serve models.
    pub deployments: Vec<DeploymentRecord>,
    /// What we sign in to providers with.
    pub credentials: Vec<CredentialRecord>,
    /// Virtual keys.
    pub keys: Vec<KeyRecord>,
    /// Teams.
    pub teams: Vec<TeamRecord>,
    /// Users.
    pub users: Vec<UserRecord>,
    /// Organizations.
    pub organizations: Vec<OrganizationRecord>,
    /// How requests find their deployment.
    pub routing_policies: Vec<RoutingPolicyRecord>,
}

/// An entity with its kind: `{"entity":"key","value":{…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entity", content = "value", rename_all = "snake_case")]
pub enum Entity {
    /// See [`DeploymentRecord`].
    Deployment(Box<DeploymentRecord>),
    /// See [`CredentialRecord`].
    Credential(CredentialRecord),
    /// See [`KeyRecord`].
    Key(KeyRecord),
    /// See [`TeamRecord`].
    Team(TeamRecord),
    /// See [`UserRecord`].
    User(UserRecord),
    /// See [`OrganizationRecord`].
    Organization(OrganizationRecord),
    /// See [`RoutingPolicyRecord`].
    RoutingPolicy(Box<RoutingPolicyRecord>),
}

/// The kinds of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// See [`DeploymentRecord`].
    Deployment,
    /// See [`CredentialRecord`].
    Credential,
    /// See [`KeyRecord`].
    Key,
    /// See [`TeamRecord`].
    Team,
    /// See [`UserRecord`].
    User,
    /// See [`OrganizationRecord`].
    Organization,
    /// See [`RoutingPolicyRecord`].
    RoutingPolicy,
}

/// A virtual key as a proxy knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What it is found by.
    pub hash: KeyHash,
    /// Its name.
    pub name: String,
    /// The team that it belongs to.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// The user that it belongs to.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// Public model names that it may use; `None`: all. A name that ends in `*` stands for every name with that prefix.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Whether it is refused.
    #[serde(default)]
    pub blocked: bool,
}

/// A team as a proxy knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeamRecord {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// The organization that it belongs to.
    #[serde(default)]
    pub organization_id: Option<OrganizationId>,
    /// Public model names that its keys may use; `None`: all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Whether all its keys are refused.
    #[serde(default)]
    pub blocked: bool,
}

/// A user as a proxy knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Its id.
    pub id: UserId,
    /// Whether all its keys are refused.
    #[serde(default)]
    pub blocked: bool,
}

/// An organization as a proxy knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationRecord {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Whether all keys of all its teams are refused.
    #[serde(default)]
    pub blocked: bool,
}

/// What a model does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelMode {
    /// Chat completions.
    #[default]
    Chat,
    /// Embeddings.
    Embedding,
    /// OpenAI's responses only: the newest reasoning models have no chat completions.
    Responses,
    /// One text goes on.
    Completion,
    /// Pictures.
    ImageGeneration,
    /// Text to speech.
    AudioSpeech,
    /// Speech to text.
    AudioTranscription,
    /// A conversation over a WebSocket.
    Realtime,
    /// Documents in the order of their use.
    Rerank,
    /// Whether a text is harmful.
    Moderation,
}

impl ModelMode {
    /// Every mode with its name in configuration, API and database.
    const NAMES: [(Self, &'static str); 10] = [
        (Self::Chat, "chat"),
        (Self::Embedding, "embedding"),
        (Self::Responses, "responses"),
        (Self::Completion, "completion"),
        (Self::ImageGeneration, "image_generation"),
        (Self::AudioSpeech, "audio_speech"),
        (Self::AudioTranscription, "audio_transcription"),
        (Self::Realtime, "realtime"),
        (Self::Rerank, "rerank"),
        (Self::Moderation, "moderation"),
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(mode, _)| mode)
    }
}

/// Where a deployment is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentSource {
    /// Made through the API.
    #[default]
    Database,
    /// Stands in `config.yaml`.
    Config,
    /// From a provider key in the environment, or the mock provider.
    BuiltIn,
}

/// A named credential: deployments refer to it by id, so that its values change in one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CredentialRecord {
    /// Its id.
    pub id: CredentialId,
    /// Its name, unique.
    pub name: String,
    /// An id of [`crate::providers::PROVIDERS`] that it is meant for; `None`: any whose style it suits.
    #[serde(default)]
    pub provider: Option<String>,
    /// What it consists of.
    pub kind: CredentialKind,
    /// Its [`crate::credential::CredentialValues`], sealed with the credential's id as their context.
    pub sealed_values: Sealed,
    /// Where it is defined.
    #[serde(default)]
    pub source: DeploymentSource,
}

/// One way to serve a model: several with the same `model_name` form a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    /// Its id.
    pub id: DeploymentId,
    /// The public name.
    pub model_name: String,
    /// An id of [`crate::providers::PROVIDERS`].
    pub provider: String,
    /// What the provider calls it.
    pub upstream_model: String,
    /// Where it stands, up to and with `/v1`; `None`: the provider's usual place.
    #[serde(default)]
    pub api_base: Option<String>,
    /// The provider's key, sealed with the deployment's id as its context.
    #[serde(default)]
    pub sealed_api_key: Option<Sealed>,
    /// The pool of named credentials, in order. A key of the deployment's own stands before them.
    #[serde(default)]
    pub credential_ids: Vec<CredentialId>,
    /// The version of the vendor's API, where addresses hold one (Azure's `api-version`).
    #[serde(default)]
    pub api_version: Option<String>,
    /// The vendor's region (AWS) or location (Vertex AI).
    #[serde(default)]
    pub region: Option<String>,
    /// The vendor's project (Vertex AI).
    #[serde(default)]
    pub project: Option<String>,
    /// Whether parameters that the vendor does not know are dropped instead of refused; `None`: as the installation says.
    #[serde(default)]
    pub drop_params: Option<bool>,
    /// Until the first byte of an answer that is not streamed, and until its end.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Until the first byte of a stream, and between two of its chunks.
    #[serde(default)]
    pub stream_timeout_ms: Option<u64>,
    /// Its share in its group.
    #[serde(default = "one")]
    pub weight: u32,
    /// Its tier: the lowest serves first, under the strategies that look at it.
    #[serde(default)]
    pub priority: u32,
    /// Requests in a minute that it can take.
    #[serde(default)]
    pub rpm: Option<u64>,
    /// Tokens in a minute that it can take.
    #[serde(default)]
    pub tpm: Option<u64>,
    /// Requests at a time that it can take.
    #[serde(default)]
    pub max_parallel_requests: Option<u32>,
    /// For routing by tag.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What it does.
    #[serde(default)]
    pub mode: ModelMode,
    /// The operator's prices, above the catalogue's.
    #[serde(default)]
    pub prices: Option<ModelPrices>,
    /// How the mock provider behaves.
    #[serde(default)]
    pub mock: MockOptions,
    /// Where it is defined.
    #[serde(default)]
    pub source: DeploymentSource,
    /// Whether it is out of use.
    #[serde(default)]
    pub blocked: bool,
}

fn one() -> u32 {
    1
}

/// How the `mock` provider behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MockOptions {
    /// Until the first byte.
    pub delay_ms: u64,
    /// Between two chunks of a stream.
    pub chunk_gap_ms: u64,
    /// How many of a hundred calls fail with 500.
    pub failure_percent: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_stream_have_their_documented_form() {
        let delete = ConfigMessage::Delete { version: 7, entity: EntityKind::Key, id: Uuid::nil() };
        assert_eq!(
            serde_json::to_string(&delete).unwrap(),
            r#"{"type":"delete","version":7,"entity":"key","id":"00000000-0000-0000-0000-000000000000"}"#
        );
        let user = UserRecord { id: UserId(Uuid::nil()), blocked: true };
        let upsert = ConfigMessage::Upsert { version: 8, change: Entity::User(user) };
        let line = serde_json::to_string(&upsert).unwrap();
        assert!(line.starts_with(r#"{"type":"upsert","version":8,"change":{"entity":"user","value":{"#), "{line}");
        assert_eq!(serde_json::from_str::<ConfigMessage>(&line).unwrap(), upsert);
    }

    #[test]
    fn a_mode_has_one_name_everywhere() {
        for (mode, name) in ModelMode::NAMES {
            assert_eq!((mode.name(), serde_json::to_value(mode).unwrap()), (name, name.into()));
        }
    }

    #[test]
    fn an_older_admin_may_leave_fields_out() {
        let line = r#"{"type":"snapshot","version":1,"snapshot":{"users":[]}}"#;
        let ConfigMessage::Snapshot { snapshot, .. } = serde_json::from_str(line).unwrap() else {
            panic!("no snapshot")
        };
        assert_eq!(snapshot, ConfigSnapshot::default());
    }
}
