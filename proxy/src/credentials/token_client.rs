//! Asks token services for tokens: Google's, and Microsoft's Entra ID.
//!
//! Their addresses may stand in the credential. Where that came through the API, every address that the host stands for passes
//! the egress guard, at connection time.

use std::{net::IpAddr, sync::Arc, time::Duration};

use deltallm_shared::{
    credential::{CredentialValues, GoogleKey},
    egress::{Cidr, is_allowed},
    secret::Secret,
    time_text::Timestamp,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;

use super::{Credential, CredentialError, token::Token};

/// For connecting, asking and reading. Token services answer within a second.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A token with its frame has 3,000 bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// The audience of Azure's AI services (Microsoft's "Configure Azure OpenAI with Microsoft Entra ID authentication").
const AZURE_SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The clients for both kinds of addresses. Clones share their connections.
#[derive(Clone)]
pub struct TokenClient {
    trusted: reqwest::Client,
    guarded: reqwest::Client,
    allow_private: Arc<[Cidr]>,
}

/// What a token service says (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret<String>,
    /// Seconds; some write them as text.
    #[serde(default)]
    expires_in: serde_json::Value,
}

/// What it says otherwise (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

impl TokenClient {
    /// `allow_private`: the networks that addresses set through the API may point to.
    pub fn new(allow_private: Arc<[Cidr]>) -> Result<Self, reqwest::Error> {
        let client = || {
            reqwest::Client::builder()
                .no_proxy()
                // A redirect would carry the secret elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
        };
        let guard = Arc::new(Guard { allow_private: Arc::clone(&allow_private) });
        Ok(Self { trusted: client().build()?, guarded: client().dns_resolver(guard).build()?, allow_private })
    }

    /// A new token of a credential that has them.
    pub(super) async fn fetch(&self, credential: &Credential) -> Result<Token, CredentialError> {
        let now = Timestamp::now();
        let fetched = match &credential.values {
            CredentialValues::Google { google: GoogleKey::ServiceAccount { token_uri, .. } } => {
                let key = credential.service_account.as_ref().ok_or(CredentialError::NotReady)?;
                let assertion = key.sign(now)?;
                let form = [("grant_type", JWT_BEARER), ("assertion", assertion.expose())];
                self.post(credential, token_uri, &form).await
            }
            CredentialValues::Google {
                google: GoogleKey::AuthorizedUser { client_id, client_secret, refresh_token, token_uri, .. },
            } => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                self.post(credential, token_uri, &form).await
            }
            CredentialValues::AzureEntra { tenant_id, client_id, client_secret, authority_host } => {
                let url = format!("{authority_host}/{tenant_id}/oauth2/v2.0/token");
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("scope", AZURE_SCOPE),
                ];
                self.post(credential, &url, &form).await
            }
            CredentialValues::ApiKey { .. } | CredentialValues::Aws { .. } => return Err(CredentialError::NotReady),
        };
        let answer = fetched.map_err(|reason| CredentialError::Token(reason.into()))?;
        let seconds = answer.expires_in.as_u64().or_else(|| answer.expires_in.as_str()?.parse().ok()).unwrap_or(3600);
        Token::new(answer.access_token, now, Duration::from_secs(seconds))
    }

    async fn post(&self, credential: &Credential, url: &str, form: &[(&str, &str)]) -> Result<TokenAnswer, String> {
        let client = if credential.is_guarded { self.guarded(url)? } else { &self.trusted };
        let mut response = client.post(url).form(form).send().await.map_err(|error| reason(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| reason(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_ANSWER_BYTES {
                return Err("the token service's answer is too long".to_owned());
            }
        }
        if status.is_success() {
            // The error must not repeat the answer, which may hold a token.
            return serde_json::from_slice(&body).map_err(|_| "the token service's answer holds no token".to_owned());
        }
        Err(match serde_json::from_slice::<TokenRefusal>(&body) {
            Ok(TokenRefusal { error, error_description }) => {
                let text: String = error_description.unwrap_or_default().chars().take(300).collect();
                format!("the token service answered {}: {error} {text}", status.as_u16()).trim_end().to_owned()
            }
            Err(_) => format!("the token service answered {}", status.as_u16()),
        })
    }

    /// The client whose resolver is guarded. A host that is an address needs no resolver, so it is judged here.
    fn guarded(&self, url: &str) -> Result<&reqwest::Client, String> {
        let url = reqwest::Url::parse(url).map_err(|_| "its token address is no URL".to_owned())?;
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) if !is_allowed(address, &self.allow_private) => Err(FORBIDDEN.to_owned()),
            _ => Ok(&self.guarded),
        }
    }
}

const FORBIDDEN: &str =
    "its token address is in a private network that `general_settings.egress.allow_private` does not allow";

/// The innermost cause, without the address, which may hold a tenant's name.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_timeout() { "no answer in time" } else { "the token service cannot be reached" };
    format!("{what}: {cause}")
}

/// A resolver that gives only addresses that may be called.
struct Guard {
    allow_private: Arc<[Cidr]>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = Arc::clone(&self.allow_private);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<_> = found.filter(|address| is_allowed(address.ip(), &allow_private)).collect();
            if usable.is_empty() {
                return Err(FORBIDDEN.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[path = "token_client_tests.rs"]
mod tests;
