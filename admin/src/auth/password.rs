//! Passwords: argon2id, hashed off the request threads, and never more than a few at once.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use deltallm_shared::{crypto, secret::Secret};
use tokio::sync::Semaphore;

use crate::error::AdminError;

const MIN_CHARS: usize = 12;
const MAX_BYTES: usize = 1024;
const GENERATED_CHARS: usize = 20;

/// Each hash takes 19 MiB and tens of milliseconds of a core on purpose; a flood of log-ins queues here, not in memory.
static HASHING: Semaphore = Semaphore::const_new(4);

/// What a log-in for an unknown account is checked against, so that it takes as long as one for a known account.
/// It is the hash of random bytes that were thrown away.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Nm1wZ0x4a2JYQ3VvV2ZkRQ$2ZpPbPPp2xPlfE4RbYWkRBoUJ9dJqLpzq3yW4f1mJ0c";

/// Whether a new password is acceptable.
pub fn check(param: &str, password: &Secret<String>) -> Result<(), AdminError> {
    let text = password.expose();
    if text.chars().count() < MIN_CHARS {
        return Err(AdminError::invalid(param, format!("The password must have at least {MIN_CHARS} characters.")));
    }
    if text.len() > MAX_BYTES {
        return Err(AdminError::invalid(param, format!("The password must have at most {MAX_BYTES} bytes.")));
    }
    Ok(())
}

/// A new password, to be shown once.
pub fn generate() -> Result<Secret<String>, AdminError> {
    crypto::random_text(GENERATED_CHARS).map(Secret::new).map_err(|error| AdminError::Internal(error.to_string()))
}

/// Hashes a password into a PHC string.
pub async fn hash(password: Secret<String>) -> Result<String, AdminError> {
    blocking(move || {
        let hashed = Argon2::default().hash_password(password.expose().as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| AdminError::Internal(format!("hashing failed: {error}")))
    })
    .await
}

/// Whether the password is the one that was hashed; `None` for an account that does not exist takes as long and is false.
pub async fn verify(password: Secret<String>, hash: Option<String>) -> Result<bool, AdminError> {
    if password.expose().len() > MAX_BYTES {
        return Ok(false);
    }
    blocking(move || {
        let stored = hash.as_deref().unwrap_or(NOBODY);
        let parsed = PasswordHash::new(stored)
            .map_err(|error| AdminError::Internal(format!("a stored password hash cannot be read: {error}")))?;
        let fits = Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok();
        Ok(fits && hash.is_some())
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    let _permit = HASHING.acquire().await.map_err(|error| AdminError::Internal(error.to_string()))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| AdminError::Internal(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let stored = hash(Secret::from("correct horse battery")).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify(Secret::from("correct horse battery"), Some(stored.clone())).await.unwrap());
        assert!(!verify(Secret::from("correct horse batterz"), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert!(!verify(Secret::from("anything at all"), None).await.unwrap());
    }

    #[test]
    fn short_passwords_are_refused() {
        assert!(check("password", &Secret::from("eleven char")).is_err());
        assert!(check("password", &generate().unwrap()).is_ok());
    }
}
