//! Credentials of the file and of the environment: which kind is meant follows from the fields that are there.

use std::{collections::HashMap, fs, path::Path};

use super::{
    FileCredential,
    check::Checker,
    raw::{RawCredential, RawSignIn},
    reference::Environment,
    scalar::Text,
};
use crate::{
    credential::{CredentialValues, GoogleKey},
    ids::CredentialId,
    providers::{self, CredentialStyle, PROVIDERS, Provider},
    secret::Secret,
};

/// A credential file of Google has 2,400 bytes.
const MAX_KEY_FILE_BYTES: u64 = 1 << 20;

/// A credential of the list, and what deployments that name it take over where they say nothing themselves.
pub(super) struct Named {
    pub id: CredentialId,
    pub values: CredentialValues,
    pub api_base: Option<Text>,
    pub api_version: Option<Text>,
    pub region: Option<Text>,
    pub project: Option<Text>,
}

impl Checker<'_> {
    /// Reads `credential_list`.
    pub(super) fn credential_list(
        &mut self,
        list: Vec<RawCredential>,
    ) -> (HashMap<String, Named>, Vec<FileCredential>) {
        let (mut named, mut credentials) = (HashMap::new(), Vec::new());
        for raw in list {
            let name = raw.name.as_str().trim().to_owned();
            if name.is_empty() {
                self.error(&raw.name, "`credential_name` is empty");
                continue;
            }
            let provider = raw.info.custom_llm_provider.as_ref().and_then(|text| self.provider_id(text));
            let values = raw.values;
            let Some(found) = self.values(&values.sign_in(), &raw.name) else {
                self.error(&raw.name, format!("credential `{name}` holds nothing to sign in with"));
                continue;
            };
            let id = CredentialId::from_text(&format!("config credential {name}"));
            let entry = Named {
                id,
                values: found.clone(),
                api_base: values.api_base,
                api_version: values.api_version,
                region: values.region,
                project: values.project,
            };
            if named.insert(name.clone(), entry).is_some() {
                self.error(&raw.name, format!("a second credential is named `{name}`"));
                continue;
            }
            credentials.push(FileCredential { id, name, provider, values: found });
        }
        (named, credentials)
    }

    fn provider_id(&mut self, text: &Text) -> Option<String> {
        let found = providers::provider(text.as_str()).map(|provider| provider.id.to_owned());
        if found.is_none() {
            let ids = PROVIDERS.iter().map(|provider| provider.id);
            let hint = super::diagnostic::nearest(text.as_str(), ids);
            let hint = hint.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
            self.error(text, format!("unknown provider `{}`{hint}", text.as_str()));
        }
        found
    }

    /// The credential that the fields of one place make; `None`: there are none, or they are wrong and it was said.
    pub(super) fn values(&mut self, raw: &RawSignIn<'_>, place: &Text) -> Option<CredentialValues> {
        let errors = self.errors.len();
        let found = self.values_of_any_kind(raw, place);
        if self.errors.len() > errors {
            // A value that is known to be there, though it is wrong: nobody needs to hear that it is missing.
            return found.or_else(|| Some(CredentialValues::api_key(Secret::from("wrong"))));
        }
        if let Some(Err(wrong)) = found.as_ref().map(CredentialValues::check) {
            self.error(place, wrong.to_string());
        }
        found
    }

    fn values_of_any_kind(&mut self, raw: &RawSignIn<'_>, place: &Text) -> Option<CredentialValues> {
        let groups = [
            ("api_key", raw.api_key.is_some()),
            (
                "aws_access_key_id",
                [raw.aws_access_key_id, raw.aws_secret_access_key, raw.aws_session_token]
                    .iter()
                    .any(|field| field.is_some()),
            ),
            ("client_id", [raw.tenant_id, raw.client_id, raw.client_secret].iter().any(|field| field.is_some())),
            ("vertex_credentials", raw.vertex_credentials.is_some()),
        ];
        let mut there = groups.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name);
        let first = there.next();
        if let (Some(one), Some(other)) = (first, there.next()) {
            self.error(place, format!("`{one}` and `{other}` are two credentials; one is enough"));
            return None;
        }
        match first? {
            "api_key" => Some(CredentialValues::api_key(Secret::new(self.resolve(raw.api_key?)?.trim().to_owned()))),
            "aws_access_key_id" => Some(CredentialValues::Aws {
                access_key_id: self.needed(raw.aws_access_key_id, "aws_access_key_id", place)?,
                secret_access_key: Secret::new(self.needed(
                    raw.aws_secret_access_key,
                    "aws_secret_access_key",
                    place,
                )?),
                session_token: raw.aws_session_token.and_then(|text| self.resolve(text)).map(Secret::new),
            }),
            "client_id" => Some(CredentialValues::AzureEntra {
                tenant_id: self.needed(raw.tenant_id, "tenant_id", place)?,
                client_id: self.needed(raw.client_id, "client_id", place)?,
                client_secret: Secret::new(self.needed(raw.client_secret, "client_secret", place)?),
                authority_host: match raw.authority_host {
                    Some(text) => self.resolve(text)?.trim_end_matches('/').to_owned(),
                    None => crate::credential::ENTRA_AUTHORITY.to_owned(),
                },
            }),
            _ => {
                let text = raw.vertex_credentials?;
                let value = self.resolve(text)?;
                match google(&value) {
                    Ok(google) => Some(CredentialValues::Google { google }),
                    Err(reason) => {
                        self.error(text, format!("`vertex_credentials`: {reason}"));
                        None
                    }
                }
            }
        }
    }

    fn needed(&mut self, text: Option<&Text>, name: &str, place: &Text) -> Option<String> {
        if text.is_none() {
            self.error(place, format!("`{name}` is missing"));
        }
        self.resolve(text?)
    }
}

/// Google's JSON itself, or the path of the file that holds it.
fn google(value: &str) -> Result<GoogleKey, String> {
    let json = if value.trim_start().starts_with('{') {
        value.to_owned()
    } else {
        let path = Path::new(value);
        let size = fs::metadata(path).map_err(|error| format!("`{value}` cannot be read: {error}"))?.len();
        if size > MAX_KEY_FILE_BYTES {
            return Err(format!("`{value}` is larger than {MAX_KEY_FILE_BYTES} bytes"));
        }
        fs::read_to_string(path).map_err(|error| format!("`{value}` cannot be read: {error}"))?
    };
    // The error must not repeat what stands in the file.
    serde_json::from_str(&json).map_err(|error| {
        format!(
            "it is no JSON of a service account or authorized user (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}

/// What the environment has for a provider under its usual names. A broken one is an error that says so.
pub(super) fn from_environment(
    provider: &Provider,
    environment: &dyn Environment,
) -> Option<Result<CredentialValues, String>> {
    let value = |name: &str| environment.variable(name);
    let key = || provider.key_variable.and_then(value).map(|key| CredentialValues::api_key(Secret::new(key)));
    match provider.credential_style {
        CredentialStyle::None => None,
        CredentialStyle::GoogleOauth => {
            let variable = provider.key_variable?;
            let google = google(&value(variable)?).map_err(|reason| format!("{variable}: {reason}"));
            Some(google.map(|google| CredentialValues::Google { google }))
        }
        CredentialStyle::AzureKey => key()
            .or_else(|| {
                Some(CredentialValues::AzureEntra {
                    tenant_id: value("AZURE_TENANT_ID")?,
                    client_id: value("AZURE_CLIENT_ID")?,
                    client_secret: Secret::new(value("AZURE_CLIENT_SECRET")?),
                    authority_host: value("AZURE_AUTHORITY_HOST").map_or_else(
                        || crate::credential::ENTRA_AUTHORITY.to_owned(),
                        |host| host.trim_end_matches('/').to_owned(),
                    ),
                })
            })
            .map(Ok),
        CredentialStyle::AwsSigV4 => key()
            .or_else(|| {
                Some(CredentialValues::Aws {
                    access_key_id: value("AWS_ACCESS_KEY_ID")?,
                    secret_access_key: Secret::new(value("AWS_SECRET_ACCESS_KEY")?),
                    session_token: value("AWS_SESSION_TOKEN").map(Secret::new),
                })
            })
            .map(Ok),
        _ => key().map(Ok),
    }
}

/// The environment's usual variables for the place that a provider's deployments stand at.
pub(super) struct Surroundings {
    pub api_base: Option<String>,
    pub api_version: Option<String>,
    pub region: Option<String>,
    pub project: Option<String>,
}

impl Surroundings {
    /// By the provider's family, which its credential style tells.
    pub(super) fn of(provider: &Provider, environment: &dyn Environment) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment.variable(name));
        let nothing = Self { api_base: None, api_version: None, region: None, project: None };
        match provider.credential_style {
            CredentialStyle::AzureKey => {
                Self { api_base: first(&["AZURE_API_BASE"]), api_version: first(&["AZURE_API_VERSION"]), ..nothing }
            }
            CredentialStyle::GoogleOauth => {
                Self { region: first(&["VERTEXAI_LOCATION"]), project: first(&["VERTEXAI_PROJECT"]), ..nothing }
            }
            CredentialStyle::AwsSigV4 => {
                Self { region: first(&["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]), ..nothing }
            }
            _ => nothing,
        }
    }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
