//! `/api/v1/session`: logging in and out.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use actix_web::{HttpRequest, HttpResponse};
use deltallm_shared::{crypto, error::ErrorCode, secret::Secret};

use crate::{
    auth::{Principal, password, session},
    body::Body,
    error::AdminError,
    repository,
    state::{Shared, State},
    views::session::{LoginDraft, SessionView},
};

/// Under which name attempts with the master key are counted.
const MASTER_KEY_ACCOUNT: &str = "(master key)";

/// Opens a session and sets its cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", operation_id = "log_in", request_body = LoginDraft,
    responses((status = 200, body = SessionView)), security(()))]
pub async fn log_in(
    request: HttpRequest,
    state: Shared,
    Body(draft): Body<LoginDraft>,
) -> Result<HttpResponse, AdminError> {
    let principal = match draft {
        LoginDraft { master_key: Some(key), email: None, password: None } => with_master_key(&request, &state, &key)?,
        LoginDraft { master_key: None, email: Some(email), password: Some(secret) } => {
            with_password(&request, &state, &email, secret).await?
        }
        _ => {
            return Err(AdminError::caller(
                ErrorCode::InvalidRequest,
                "Send either `email` and `password`, or `master_key`.",
            ));
        }
    };
    let token = session::new_token()?;
    let hash = session::hash(token.expose());
    let client = state.database.client().await?;
    match &principal {
        Principal::MasterKey => {
            let fingerprint = state.master_key_fingerprint();
            repository::session::open_for_master_key(&client, &hash, &fingerprint, session::IDLE, session::LONGEST)
                .await?;
        }
        Principal::User(account) => {
            repository::session::open_for_user(&client, &hash, account.id, session::IDLE, session::LONGEST).await?;
        }
    }
    tracing::info!(who = principal.label(), "logged in");
    let view = SessionView { user: (&principal).into() };
    Ok(HttpResponse::Ok().cookie(session::cookie(&token, session::is_https(&request))).json(view))
}

/// Ends the session.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "log_out", responses((status = 204)))]
pub async fn log_out(request: HttpRequest, state: Shared) -> Result<HttpResponse, AdminError> {
    if let Some(cookie) = request.cookie(session::COOKIE) {
        let client = state.database.client().await?;
        repository::session::end(&client, &session::hash(cookie.value())).await?;
    }
    Ok(HttpResponse::NoContent().cookie(session::removal()).finish())
}

fn with_master_key(request: &HttpRequest, state: &State, key: &Secret<String>) -> Result<Principal, AdminError> {
    let address = address(request);
    throttle(state, address, MASTER_KEY_ACCOUNT)?;
    if !crypto::constant_time_eq(key.expose(), state.master_key.expose()) {
        return Err(failed(state, address, MASTER_KEY_ACCOUNT));
    }
    state.login_limit.succeeded(MASTER_KEY_ACCOUNT);
    Ok(Principal::MasterKey)
}

async fn with_password(
    request: &HttpRequest,
    state: &State,
    email: &str,
    secret: Secret<String>,
) -> Result<Principal, AdminError> {
    let (address, email) = (address(request), email.trim());
    throttle(state, address, email)?;
    // The connection goes back to the pool before the slow part.
    let credentials = {
        let client = state.database.client().await?;
        repository::user::credentials(&client, email).await?
    };
    let id = credentials.as_ref().map(|found| found.id);
    let is_right = password::verify(secret, credentials.and_then(|found| found.password_hash)).await?;
    let (Some(id), true) = (id, is_right) else { return Err(failed(state, address, email)) };
    state.login_limit.succeeded(email);
    let client = state.database.client().await?;
    let row = repository::user::find(&client, id.0).await?.ok_or_else(|| failed(state, address, email))?;
    Ok(Principal::User(crate::auth::Account { id: row.id, email: row.email, name: row.name, role: row.role }))
}

fn throttle(state: &State, address: IpAddr, account: &str) -> Result<(), AdminError> {
    state
        .login_limit
        .check(address, account, Instant::now())
        .map_err(|wait| AdminError::Throttled { retry_after_s: wait.as_secs().max(1) })
}

fn failed(state: &State, address: IpAddr, account: &str) -> AdminError {
    state.login_limit.failed(address, account, Instant::now());
    state.metrics.login_failures.inc();
    tracing::warn!(%address, "log-in failed");
    // One text for an unknown account and a wrong password.
    AdminError::caller(ErrorCode::InvalidApiKey, "The e-mail address, the password or the master key is not right.")
}

/// The other end of the connection. A header could claim anything, so none is read; behind a reverse proxy all callers share
/// its address, and the limit per account is what counts.
fn address(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}
