//! Sessions of the dashboard: a random token in a cookie, its SHA-256 in the database.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite},
};
use deltallm_shared::{crypto, secret::Secret};
use sha2::{Digest, Sha256};

use super::Principal;
use crate::{error::AdminError, repository, state::State};

/// The cookie's name.
pub const COOKIE: &str = "deltallm_session";

/// A session that nobody uses ends after this time; each use starts it anew.
pub const IDLE: Duration = Duration::from_hours(12);
/// No session lives longer than this.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);

const TOKEN_CHARS: usize = 43;

/// A token for the cookie.
pub fn new_token() -> Result<Secret<String>, AdminError> {
    crypto::random_text(TOKEN_CHARS).map(Secret::new).map_err(|error| AdminError::Internal(error.to_string()))
}

/// What stands in the database for a token.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The cookie that carries the token.
pub fn cookie(token: &Secret<String>, is_https: bool) -> Cookie<'static> {
    Cookie::build(COOKIE, token.expose().clone())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_https)
        .max_age(actix_web::cookie::time::Duration::seconds(LONGEST.as_secs().cast_signed()))
        .finish()
}

/// The cookie that takes it away.
pub fn removal() -> Cookie<'static> {
    let mut cookie = Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Lax).finish();
    cookie.make_removal();
    cookie
}

/// Whether the browser reached us over TLS, which ends before us if at all.
pub fn is_https(request: &HttpRequest) -> bool {
    let forwarded = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Who the request is from: a bearer token first, then the cookie. `None`: it does not say.
pub async fn identify(request: &HttpRequest, state: &State) -> Result<Option<Principal>, AdminError> {
    if let Some(token) = bearer(request) {
        // A wrong token is refused even where a good cookie stands beside it.
        let is_master = crypto::constant_time_eq(token, state.master_key.expose());
        return Ok(is_master.then_some(Principal::MasterKey));
    }
    let Some(cookie) = request.cookie(COOKIE) else { return Ok(None) };
    let client = state.database.client().await?;
    let Some(found) = repository::session::use_once(&client, &hash(cookie.value()), IDLE).await? else {
        return Ok(None);
    };
    let principal = match found {
        repository::session::Owner::MasterKey { fingerprint } => {
            // The master key may have been changed since.
            (fingerprint == state.master_key_fingerprint()).then_some(Principal::MasterKey)
        }
        repository::session::Owner::User(account) => Some(Principal::User(account)),
    };
    Ok(principal)
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
