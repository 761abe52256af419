//! What a deployment signs in with: credentials, the pools that they stand in, the tokens and signatures made of them.
//!
//! [`pool`] says which credential an attempt uses and sets sick ones aside; [`credential`] is one of them; [`signing`] makes
//! headers of it; [`token`] holds a token and renews it in time, [`token_client`] asks for one, [`assertion`] is what a Google
//! service account asks with.

mod assertion;
mod credential;
mod pool;
mod signing;
mod token;
mod token_client;

use std::sync::Arc;

pub use credential::Credential;
use deltallm_shared::time_text::Timestamp;
pub use pool::CredentialPool;
pub use signing::RequestParts;
pub use token_client::TokenClient;

use crate::snapshot::Deployment;

/// Why a credential cannot be used now. None of the texts holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A value that cannot stand in a header or sign anything.
    #[error("{0}")]
    Unusable(String),
    /// The provider wants another kind of credential.
    #[error("a credential of the kind `{0}` cannot be sent to this provider")]
    Unsuitable(&'static str),
    /// No token, and the reason.
    #[error("no token could be had: {0}")]
    Token(Arc<str>),
    /// [`Credential::ready`] was not called, or the token has ended since.
    #[error("its token has ended")]
    NotReady,
    /// The deployment names no region, which a signature covers.
    #[error("a signature needs the deployment's region")]
    NoRegion,
}

/// A credential of a deployment's pool, with the token that it needs; none where the provider wants none. `seed`: chance.
pub async fn sign_in(
    deployment: &Deployment,
    tokens: &TokenClient,
    seed: u64,
) -> Result<Option<Arc<Credential>>, CredentialError> {
    let credential = deployment.credentials.pick(Timestamp::now(), seed);
    if let Some(credential) = &credential {
        credential.ready(tokens).await?;
    }
    Ok(credential)
}
