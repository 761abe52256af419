//! Credentials as the API shows and takes them. Values go in and never come out.

use deltallm_shared::{
    control::DeploymentSource,
    credential::{CredentialKind, CredentialValues, FieldHint},
    ids::CredentialId,
    time_text::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::deployment::SourceView;
use crate::patch::Patch;

/// What deployments sign in to a provider with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CredentialView {
    #[schema(value_type = uuid::Uuid)]
    pub id: CredentialId,
    pub name: String,
    /// The provider that it is meant for; null: any that takes its kind.
    #[schema(required)]
    pub provider: Option<String>,
    #[schema(value_type = CredentialKindView)]
    pub kind: CredentialKind,
    /// Which values are set, and the little of them that may be seen. Empty where they cannot be opened.
    pub fields: Vec<CredentialFieldView>,
    /// False: the values were sealed with another salt key, and have to be given again.
    pub readable: bool,
    /// How many deployments name it.
    pub deployments_count: i64,
    /// Only those in the database can be changed here.
    #[schema(value_type = SourceView)]
    pub source: DeploymentSource,
    /// Null for those that are not in the database.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub created_at: Option<Timestamp>,
    /// When its values were replaced last.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub rotated_at: Option<Timestamp>,
}

/// One value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CredentialFieldView {
    /// `api_key`, `client_secret`, …
    pub name: &'static str,
    /// The ends of a secret, the whole of a mere name.
    #[schema(example = "sk-…9f2c")]
    pub hint: String,
}

impl From<FieldHint> for CredentialFieldView {
    fn from(field: FieldHint) -> Self {
        Self { name: field.name, hint: field.hint }
    }
}

/// What a credential consists of.
#[derive(ToSchema)]
#[schema(as = CredentialKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum CredentialKindView {
    ApiKey,
    AzureEntra,
    Google,
    Aws,
}

/// The values of a credential, by its kind.
#[derive(Serialize, ToSchema)]
#[schema(as = CredentialValues)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub enum CredentialValuesView {
    /// One text that the provider handed out. At AWS Bedrock: a Bedrock API key.
    ApiKey { api_key: String },
    /// An application of Microsoft Entra ID.
    AzureEntra {
        tenant_id: String,
        client_id: String,
        client_secret: String,
        /// Absent: Microsoft's public cloud.
        #[schema(required = false)]
        authority_host: String,
    },
    /// A service account or an authorized user of Google Cloud.
    Google {
        /// The JSON as Google's console hands it out.
        #[schema(value_type = Object)]
        google: serde_json::Value,
    },
    /// An access key of AWS.
    Aws { access_key_id: String, secret_access_key: String, session_token: Option<String> },
}

/// A credential to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialDraft {
    /// Unique.
    pub name: String,
    /// One of `GET /api/v1/providers`; absent: any that takes its kind.
    pub provider: Option<String>,
    /// Stored sealed and never shown.
    #[schema(value_type = CredentialValuesView)]
    pub values: CredentialValues,
}

/// Changes to a credential: an absent field stays, a null one is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialPatch {
    pub name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub provider: Patch<String>,
    /// New values in place of all the old ones, of the same kind: a rotation. The proxies have them within seconds.
    #[schema(value_type = Option<CredentialValuesView>)]
    pub values: Option<CredentialValues>,
}

/// What the list of credentials is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CredentialQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Part of the name or of the provider.
    pub q: Option<String>,
    /// Only those that a deployment of this provider can use.
    pub provider: Option<String>,
    #[param(value_type = Option<SourceView>, inline)]
    pub source: Option<DeploymentSource>,
}
