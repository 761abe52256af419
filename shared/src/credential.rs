//! What we sign in to a provider with: a key, or the parts from which a token or a signature is made.
//!
//! The values rest and travel as one sealed JSON text whose context is the credential's id. How they become headers is the
//! proxy's business (`proxy/src/credentials`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    crypto::{CryptoError, Sealed, SecretBox},
    egress::check_url,
    ids::CredentialId,
    providers::CredentialStyle,
    secret::{Secret, hint},
};

/// The longest value of a field; a service account's private key has 1,700 bytes.
const MAX_FIELD_BYTES: usize = 16 << 10;
/// Where Google exchanges assertions and refresh tokens (RFC 7523, "Using OAuth 2.0 for Server to Server Applications").
const GOOGLE_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// Microsoft's public cloud; national clouds have their own.
pub(crate) const ENTRA_AUTHORITY: &str = "https://login.microsoftonline.com";

/// The kinds of credentials, by what they consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// One text that the provider handed out. At AWS Bedrock: a Bedrock API key.
    ApiKey,
    /// An application of Microsoft Entra ID.
    AzureEntra,
    /// A service account's or an authorized user's JSON.
    Google,
    /// An access key of AWS, with which requests are signed.
    Aws,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ApiKey, Self::AzureEntra, Self::Google, Self::Aws];

    /// The name in configuration, API and database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::AzureEntra => "azure_entra",
            Self::Google => "google",
            Self::Aws => "aws",
        }
    }
}

/// The values of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialValues {
    /// See [`CredentialKind::ApiKey`].
    ApiKey {
        /// The key.
        api_key: Secret<String>,
    },
    /// See [`CredentialKind::AzureEntra`]: the client credentials flow of the Microsoft identity platform.
    AzureEntra {
        /// The directory: its id or domain.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: Secret<String>,
        /// Where tokens are had.
        #[serde(default = "entra_authority")]
        authority_host: String,
    },
    /// See [`CredentialKind::Google`].
    Google {
        /// The JSON as Google's console hands it out.
        google: GoogleKey,
    },
    /// See [`CredentialKind::Aws`].
    Aws {
        /// `AKIA…` or `ASIA…`.
        access_key_id: String,
        /// What is signed with.
        secret_access_key: Secret<String>,
        /// With temporary credentials.
        #[serde(default)]
        session_token: Option<Secret<String>>,
    },
}

fn entra_authority() -> String {
    ENTRA_AUTHORITY.to_owned()
}

fn google_token_uri() -> String {
    GOOGLE_TOKEN_URI.to_owned()
}

/// A credential file of Google. Fields that are not needed are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GoogleKey {
    /// Signs an assertion with its private key.
    ServiceAccount {
        /// Who it is.
        client_email: String,
        /// PKCS #8 in PEM.
        private_key: Secret<String>,
        /// The key's name at Google.
        #[serde(default)]
        private_key_id: Option<String>,
        /// The project that it was made in.
        #[serde(default)]
        project_id: Option<String>,
        /// Where the assertion becomes a token.
        #[serde(default = "google_token_uri")]
        token_uri: String,
    },
    /// A person who signed in with `gcloud auth application-default login`.
    AuthorizedUser {
        /// The application.
        client_id: String,
        /// Its secret, which is none.
        client_secret: Secret<String>,
        /// What becomes a token.
        refresh_token: Secret<String>,
        /// The project that pays.
        #[serde(default)]
        quota_project_id: Option<String>,
        /// Where the refresh token becomes a token.
        #[serde(default = "google_token_uri")]
        token_uri: String,
    },
}

/// A field of a credential and what people may see of its value: the ends of a secret, the whole of a mere name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldHint {
    /// The field.
    pub name: &'static str,
    /// What is shown.
    pub hint: String,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct WrongValue {
    /// The field.
    pub field: &'static str,
    /// Why it cannot be used.
    pub reason: &'static str,
}

impl CredentialValues {
    /// A mere key.
    pub fn api_key(key: Secret<String>) -> Self {
        Self::ApiKey { api_key: key }
    }

    /// What it consists of.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey { .. } => CredentialKind::ApiKey,
            Self::AzureEntra { .. } => CredentialKind::AzureEntra,
            Self::Google { .. } => CredentialKind::Google,
            Self::Aws { .. } => CredentialKind::Aws,
        }
    }

    /// The project that the credential itself names.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Google { google: GoogleKey::ServiceAccount { project_id, .. } } => project_id.as_deref(),
            Self::Google { google: GoogleKey::AuthorizedUser { quota_project_id, .. } } => quota_project_id.as_deref(),
            _ => None,
        }
    }

    /// The address that a token is asked of, if there is one.
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Self::AzureEntra { authority_host, .. } => Some(authority_host),
            Self::Google {
                google: GoogleKey::ServiceAccount { token_uri, .. } | GoogleKey::AuthorizedUser { token_uri, .. },
            } => Some(token_uri),
            Self::ApiKey { .. } | Self::Aws { .. } => None,
        }
    }

    /// What may stand in a header of a provider that wants this style.
    pub const fn suits(&self, style: CredentialStyle) -> bool {
        style.takes(self.kind())
    }

    /// What each field shows of itself.
    pub fn hints(&self) -> Vec<FieldHint> {
        self.parts()
            .into_iter()
            .map(|(name, part)| {
                let hint = match part {
                    Part::Name(text) => text.to_owned(),
                    Part::Secret(secret) => secret.hint(),
                    // Its ends are the same in all of them.
                    Part::Pem(_) => "…".to_owned(),
                    Part::Half(text) => hint(text),
                };
                FieldHint { name, hint }
            })
            .collect()
    }

    /// Texts that nobody outside may see.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = self.parts().into_iter().filter_map(|(_, part)| match part {
            Part::Secret(secret) | Part::Pem(secret) => Some(secret.expose().clone()),
            Part::Name(_) => None,
            Part::Half(text) => Some(text.to_owned()),
        });
        secrets.collect()
    }

    /// Whether every value can be what it claims to be.
    pub fn check(&self) -> Result<(), WrongValue> {
        for (field, part) in self.parts() {
            let wrong = |reason| Err(WrongValue { field, reason });
            let text = match &part {
                Part::Name(text) | Part::Half(text) => text,
                Part::Secret(secret) | Part::Pem(secret) => secret.expose().as_str(),
            };
            if text.is_empty() {
                return wrong("is empty");
            }
            if text.len() > MAX_FIELD_BYTES {
                return wrong("is too long");
            }
            match part {
                Part::Pem(_) if !text.trim_start().starts_with("-----BEGIN PRIVATE KEY-----") => {
                    return wrong("is no PKCS #8 private key in PEM (`-----BEGIN PRIVATE KEY-----`)");
                }
                Part::Pem(_) => {}
                _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    return wrong("may hold visible ASCII characters only");
                }
                _ => {}
            }
            // It becomes a part of an address.
            if field == "tenant_id" && !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            {
                return wrong("is no directory's id or domain");
            }
        }
        match self.token_url().map(check_url) {
            Some(Err(_)) => Err(WrongValue {
                field: if self.kind() == CredentialKind::Google { "token_uri" } else { "authority_host" },
                reason: "is no http or https address without query and credentials",
            }),
            _ => Ok(()),
        }
    }

    /// The values for the database and the config stream.
    pub fn seal(&self, secret_box: &SecretBox, id: CredentialId) -> Result<Sealed, CryptoError> {
        secret_box.seal(&self.to_json(), &id.to_string())
    }

    /// The reverse of [`Self::seal`].
    pub fn open(sealed: &Sealed, secret_box: &SecretBox, id: CredentialId) -> Result<Self, CryptoError> {
        let json = secret_box.open(sealed, &id.to_string())?;
        serde_json::from_str(json.expose()).map_err(|_| CryptoError::Altered)
    }

    fn to_json(&self) -> Secret<String> {
        let kind = self.kind().name();
        let value = match self {
            Self::ApiKey { api_key } => json!({"kind": kind, "api_key": api_key.expose()}),
            Self::AzureEntra { tenant_id, client_id, client_secret, authority_host } => json!({
                "kind": kind, "tenant_id": tenant_id, "client_id": client_id, "client_secret": client_secret.expose(),
                "authority_host": authority_host,
            }),
            Self::Google { google } => json!({"kind": kind, "google": google.to_json()}),
            Self::Aws { access_key_id, secret_access_key, session_token } => json!({
                "kind": kind, "access_key_id": access_key_id, "secret_access_key": secret_access_key.expose(),
                "session_token": session_token.as_ref().map(Secret::expose),
            }),
        };
        Secret::new(value.to_string())
    }

    fn parts(&self) -> Vec<(&'static str, Part<'_>)> {
        match self {
            Self::ApiKey { api_key } => vec![("api_key", Part::Secret(api_key))],
            Self::AzureEntra { tenant_id, client_id, client_secret, authority_host } => vec![
                ("tenant_id", Part::Name(tenant_id)),
                ("client_id", Part::Name(client_id)),
                ("client_secret", Part::Secret(client_secret)),
                ("authority_host", Part::Name(authority_host)),
            ],
            Self::Google {
                google: GoogleKey::ServiceAccount { client_email, private_key, private_key_id, project_id, token_uri },
            } => {
                let mut parts =
                    vec![("client_email", Part::Name(client_email)), ("private_key", Part::Pem(private_key))];
                parts.extend(private_key_id.as_deref().map(|id| ("private_key_id", Part::Half(id))));
                parts.extend(project_id.as_deref().map(|id| ("project_id", Part::Name(id))));
                parts.push(("token_uri", Part::Name(token_uri)));
                parts
            }
            Self::Google {
                google:
                    GoogleKey::AuthorizedUser { client_id, client_secret, refresh_token, quota_project_id, token_uri },
            } => {
                let mut parts = vec![
                    ("client_id", Part::Name(client_id)),
                    ("client_secret", Part::Secret(client_secret)),
                    ("refresh_token", Part::Secret(refresh_token)),
                ];
                parts.extend(quota_project_id.as_deref().map(|id| ("quota_project_id", Part::Name(id))));
                parts.push(("token_uri", Part::Name(token_uri)));
                parts
            }
            Self::Aws { access_key_id, secret_access_key, session_token } => {
                let mut parts = vec![
                    ("access_key_id", Part::Half(access_key_id)),
                    ("secret_access_key", Part::Secret(secret_access_key)),
                ];
                parts.extend(session_token.as_ref().map(|token| ("session_token", Part::Secret(token))));
                parts
            }
        }
    }
}

impl GoogleKey {
    fn to_json(&self) -> Value {
        match self {
            Self::ServiceAccount { client_email, private_key, private_key_id, project_id, token_uri } => json!({
                "type": "service_account", "client_email": client_email, "private_key": private_key.expose(),
                "private_key_id": private_key_id, "project_id": project_id, "token_uri": token_uri,
            }),
            Self::AuthorizedUser { client_id, client_secret, refresh_token, quota_project_id, token_uri } => json!({
                "type": "authorized_user", "client_id": client_id, "client_secret": client_secret.expose(),
                "refresh_token": refresh_token.expose(), "quota_project_id": quota_project_id, "token_uri": token_uri,
            }),
        }
    }
}

/// One field's value, by how much of it may be seen.
enum Part<'a> {
    /// A name: all of it.
    Name(&'a str),
    /// A name that stands beside a secret: its ends.
    Half(&'a str),
    /// A secret: its ends.
    Secret(&'a Secret<String>),
    /// A private key: nothing.
    Pem(&'a Secret<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SaltKey;

    fn read(value: Value) -> CredentialValues {
        serde_json::from_value(value).unwrap()
    }

    fn all_kinds() -> Vec<CredentialValues> {
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        vec![
            read(json!({"kind": "api_key", "api_key": "sk-0123456789abcdef"})),
            read(
                json!({"kind": "azure_entra", "tenant_id": "t-1", "client_id": "c", "client_secret": "0123456789abcdef"}),
            ),
            read(
                json!({"kind": "google", "google": {"type": "service_account", "client_email": "a@b.iam", "private_key": pem,
                "private_key_id": "0123456789abcdef", "project_id": "p", "auth_uri": "https://ignored.example"}}),
            ),
            read(
                json!({"kind": "google", "google": {"type": "authorized_user", "client_id": "c", "client_secret": "s-0123456789ab",
                "refresh_token": "1//0123456789abcdef", "quota_project_id": "q"}}),
            ),
            read(
                json!({"kind": "aws", "access_key_id": "AKIDEXAMPLE0", "secret_access_key": "0123456789abcdef0123", "session_token": "st-0123456789abc"}),
            ),
        ]
    }

    #[test]
    fn every_kind_survives_sealing_and_opens_only_in_its_place() {
        let secrets = SaltKey::new(&Secret::from("a salt key for these tests")).unwrap().secret_box();
        let id = CredentialId::new();
        for values in all_kinds() {
            let sealed = values.seal(&secrets, id).unwrap();
            assert_eq!(CredentialValues::open(&sealed, &secrets, id).unwrap(), values);
            assert_eq!(CredentialValues::open(&sealed, &secrets, CredentialId::new()), Err(CryptoError::Altered));
            assert_eq!(values.check(), Ok(()));
        }
    }

    #[test]
    fn neither_debug_nor_hints_show_a_secret() {
        for values in all_kinds() {
            let hints: Vec<String> = values.hints().into_iter().map(|field| field.hint).collect();
            let seen = format!("{values:?} {hints:?}");
            let secrets = values.secrets();
            assert!(!secrets.is_empty());
            for secret in
                secrets.iter().filter(|secret| !secret.starts_with("AKID") && secret.as_str() != "0123456789abcdef")
            {
                assert!(!seen.contains(secret.as_str()), "{seen} shows {secret}");
            }
            assert!(!format!("{hints:?}").contains("0123456789abcdef"), "{hints:?}");
        }
    }

    #[test]
    fn values_that_cannot_be_what_they_claim_are_named() {
        let wrong = |value: Value| read(value).check().unwrap_err().to_string();
        assert_eq!(wrong(json!({"kind": "api_key", "api_key": ""})), "`api_key` is empty");
        assert!(wrong(json!({"kind": "api_key", "api_key": "a\nb"})).starts_with("`api_key` may hold visible"));
        let entra = |tenant: &str, host: &str| json!({"kind": "azure_entra", "tenant_id": tenant, "client_id": "c", "client_secret": "s", "authority_host": host});
        assert!(wrong(entra("a/b", "https://x.example")).starts_with("`tenant_id`"));
        assert!(wrong(entra("a", "ftp://x.example")).starts_with("`authority_host`"));
        let account =
            json!({"kind": "google", "google": {"type": "service_account", "client_email": "a", "private_key": "x"}});
        assert!(wrong(account).starts_with("`private_key`"));
        assert!(
            serde_json::from_value::<CredentialValues>(json!({"kind": "api_key", "api_key": "a", "apikey": "b"}))
                .is_err()
        );
    }
}
