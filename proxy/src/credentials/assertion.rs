//! The signed assertion with which a Google service account asks for a token (RFC 7523; Google's "Using OAuth 2.0 for Server to
//! Server Applications").

use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deltallm_shared::{secret::Secret, time_text::Timestamp};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::json;

use super::CredentialError;

/// What the token may be used for: all of Google Cloud, within the account's own rights.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest that Google allows.
const LIFE_SECONDS: i64 = 3600;

/// A service account's private key, parsed.
pub(super) struct ServiceAccountKey {
    key: KeyPair,
    key_id: Option<String>,
    email: String,
    audience: String,
}

impl ServiceAccountKey {
    pub(super) fn new(
        email: &str,
        private_key: &Secret<String>,
        key_id: Option<&str>,
        token_uri: &str,
    ) -> Result<Self, CredentialError> {
        let wrong = || CredentialError::Unusable("its `private_key` is no RSA key in PKCS #8".to_owned());
        let der = PrivatePkcs8KeyDer::from_pem_slice(private_key.expose().as_bytes()).map_err(|_| wrong())?;
        Ok(Self {
            key: KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong())?,
            key_id: key_id.map(str::to_owned),
            email: email.to_owned(),
            audience: token_uri.to_owned(),
        })
    }

    /// A JSON Web Token, signed with RS256.
    pub(super) fn sign(&self, now: Timestamp) -> Result<Secret<String>, CredentialError> {
        let issued_at = now.0 / 1_000_000;
        let header = match &self.key_id {
            Some(key_id) => json!({"alg": "RS256", "typ": "JWT", "kid": key_id}),
            None => json!({"alg": "RS256", "typ": "JWT"}),
        };
        let claims = json!({
            "iss": self.email, "sub": self.email, "scope": SCOPE, "aud": self.audience, "iat": issued_at,
            "exp": issued_at + LIFE_SECONDS,
        });
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| CredentialError::Unusable("its `private_key` signs nothing".to_owned()))?;
        Ok(Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}
