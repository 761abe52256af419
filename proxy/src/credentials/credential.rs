//! One credential of this process: its values, the token that was made of them, and whether a provider refused it.

use std::sync::Arc;

use deltallm_shared::{
    credential::{CredentialKind, CredentialValues, GoogleKey},
    ids::CredentialId,
    time_text::Timestamp,
};
use http::HeaderValue;

use super::{CredentialError, TokenClient, assertion::ServiceAccountKey, pool::SetAside, token::TokenCell};

/// Shorter ones would be found in any text: to hide them would garble a message without hiding anything.
const SHORTEST_HIDDEN: usize = 6;

/// A credential that requests are signed in with. Shared by all deployments that name it; a rotated one is another.
pub struct Credential {
    id: CredentialId,
    name: String,
    pub(super) values: CredentialValues,
    /// The header of a mere key, made once.
    pub(super) plain: Option<PlainKey>,
    pub(super) service_account: Option<ServiceAccountKey>,
    pub(super) token: Arc<TokenCell>,
    pub(super) set_aside: SetAside,
    /// Whether it came through the API, so that the addresses in it pass the egress guard.
    pub(super) is_guarded: bool,
}

/// An API key in the two forms that headers have.
pub(super) struct PlainKey {
    pub bearer: HeaderValue,
    pub bare: HeaderValue,
}

impl Credential {
    /// The error says which value cannot be used.
    pub fn new(
        id: CredentialId,
        name: String,
        values: CredentialValues,
        is_guarded: bool,
    ) -> Result<Self, CredentialError> {
        values.check().map_err(|wrong| CredentialError::Unusable(wrong.to_string()))?;
        let plain = match &values {
            CredentialValues::ApiKey { api_key } => {
                let key = api_key.expose();
                Some(PlainKey { bearer: secret_header(&format!("Bearer {key}"))?, bare: secret_header(key)? })
            }
            _ => None,
        };
        let service_account = match &values {
            CredentialValues::Google {
                google: GoogleKey::ServiceAccount { client_email, private_key, private_key_id, token_uri, .. },
            } => Some(ServiceAccountKey::new(client_email, private_key, private_key_id.as_deref(), token_uri)?),
            _ => None,
        };
        Ok(Self {
            id,
            name,
            values,
            plain,
            service_account,
            token: Arc::default(),
            set_aside: SetAside::default(),
            is_guarded,
        })
    }

    /// Its id.
    pub fn id(&self) -> CredentialId {
        self.id
    }

    /// Its name; for a deployment's own key a description of it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it consists of.
    pub fn kind(&self) -> CredentialKind {
        self.values.kind()
    }

    /// The project that the credential itself names.
    pub fn project(&self) -> Option<&str> {
        self.values.project()
    }

    /// Whether this is the same credential with the same values.
    pub fn is(&self, name: &str, values: &CredentialValues, is_guarded: bool) -> bool {
        self.name == name && self.values == *values && self.is_guarded == is_guarded
    }

    /// What a client must never see.
    pub fn hidden_texts(&self) -> Vec<String> {
        let token = self.token.current().map(|token| token.text().to_owned());
        let mut texts: Vec<String> = self.values.secrets().into_iter().chain(token).collect();
        texts.retain(|text| text.len() >= SHORTEST_HIDDEN);
        texts
    }

    /// Sees to it that [`Self::headers_for`] has what it needs: fetches a token where there is none, and renews one in the
    /// background ahead of its end. At once for keys and signatures.
    pub async fn ready(self: &Arc<Self>, client: &TokenClient) -> Result<(), CredentialError> {
        if !self.has_token() {
            return Ok(());
        }
        let (this, client) = (Arc::clone(self), client.clone());
        self.token.ready(Timestamp::now(), move || async move { client.fetch(&this).await }).await
    }

    /// Takes note that a provider refused the token. False: there is none.
    pub(super) fn forget_token(&self, now: Timestamp) -> bool {
        self.token.forget(now)
    }

    /// Whether it signs in with a token that is fetched.
    pub fn has_token(&self) -> bool {
        matches!(self.kind(), CredentialKind::AzureEntra | CredentialKind::Google)
    }
}

/// A header value that no log shows.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, CredentialError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| CredentialError::Unusable("it holds characters that no header may hold".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
