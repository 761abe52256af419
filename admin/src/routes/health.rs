//! `/health/*` and `/metrics`.

use actix_web::{HttpRequest, HttpResponse, http::header};
use deltallm_shared::{crypto, error::ErrorCode};

use crate::{auth::session, error::AdminError, state::Shared};

/// The process runs.
pub async fn liveness() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{\"status\":\"ok\"}")
}

/// The process can do its work: the schema is ready and the database answers.
pub async fn readiness(state: Shared) -> Result<HttpResponse, AdminError> {
    let answer = state.database.ping().await;
    state.metrics.database_up.set(i64::from(answer.is_ok()));
    answer?;
    Ok(HttpResponse::Ok().content_type("application/json").body("{\"status\":\"ok\"}"))
}

/// Metrics, for this machine or with the master key.
pub async fn metrics(request: HttpRequest, state: Shared) -> Result<HttpResponse, AdminError> {
    // Behind a reverse proxy everybody is on this machine.
    let is_forwarded = request.headers().contains_key("x-forwarded-for") || request.headers().contains_key("forwarded");
    let is_local =
        !is_forwarded && request.peer_addr().is_some_and(|address| address.ip().to_canonical().is_loopback());
    let has_key =
        session::bearer(&request).is_some_and(|token| crypto::constant_time_eq(token, state.master_key.expose()));
    if !is_local && !has_key {
        return Err(AdminError::caller(
            ErrorCode::InvalidApiKey,
            "Metrics are for this machine, or with `Authorization: Bearer <master key>`.",
        ));
    }
    let (open, _) = state.database.pool_size();
    state.metrics.database_connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        .body(state.metrics.page()))
}
