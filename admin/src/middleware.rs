//! The stack around every request of the public port, outermost first:
//!
//! 1. [`observe`]: request id, access log, metrics. Outermost, so that what the others refuse is seen too.
//! 2. [`harden`]: headers that browsers act on; around the rest, so that errors carry them as well.
//! 3. [`refuse_cross_site`]: CSRF; before the guard, so that a forged request costs no database query.
//! 4. [`guard`]: who asks, and may they; only under `/api`.
//! 5. [`hurry`]: an answer within a bound, whatever the database does; around each routed resource, because only there the
//!    request's head may be kept aside for the 503.
//!
//! A middleware that refuses answers with a response, never with an error: an error would pass by the ones outside it.

use std::time::{Duration, Instant};

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use deltallm_shared::error::ErrorCode;
use uuid::Uuid;

use crate::{
    auth::{self, session},
    error::AdminError,
    metrics::RequestLabels,
    permissions::{self, Permission},
    state::State,
};

/// Ids a caller may bring: short and plain, so that they are safe in a header and in a log line.
const MAX_REQUEST_ID_BYTES: usize = 128;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The dashboard loads nothing from elsewhere and runs no inline script.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Every handler but the ones that wait for something else than the database.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Trying a model waits for a provider.
const TRIAL_WITHIN: Duration = Duration::from_mins(2);

/// Request id, access log, metrics.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let brought = request.headers().get(&REQUEST_ID).filter(|value| is_plain(value.as_bytes())).cloned();
    let id = brought.or_else(|| HeaderValue::from_str(&Uuid::now_v7().to_string()).ok());
    let method = request.method().clone();
    let route = request.match_pattern().unwrap_or_else(|| "(dashboard)".to_owned());
    let state = request.app_data::<Data<State>>().cloned();
    let mut response = next.call(request).await?.map_into_boxed_body();
    let (status, elapsed) = (response.status(), started.elapsed());
    let request_id = id.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    match response.response().error() {
        Some(error) if status.is_server_error() => {
            tracing::error!(request_id, %method, route, status = status.as_u16(), duration_ms, %error, "request failed");
        }
        _ => tracing::debug!(request_id, %method, route, status = status.as_u16(), duration_ms, "request answered"),
    }
    if let Some(state) = state {
        let labels = RequestLabels { method: known_method(&method), route, status: status.as_u16() };
        state.metrics.requests.get_or_create(&labels).inc();
        state.metrics.request_duration_seconds.observe(elapsed.as_secs_f64());
    }
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// Security headers.
pub async fn harden(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_api = request.path().starts_with("/api");
    let mut response = next.call(request).await?.map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// A change that a browser asks for on another site's behalf is refused. Scripts and other clients send neither header, and a
/// bearer token is not sent by a browser on its own.
pub async fn refuse_cross_site(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && session::bearer(request.request()).is_none() && is_cross_site(&request) {
        return Ok(request.error_response(AdminError::caller(
            ErrorCode::PermissionDenied,
            "This request came from another site, and was refused. Use the dashboard at its own address.",
        )));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_cross_site(request: &ServiceRequest) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("invalid"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    // A browser too old for that header still names the origin.
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, authority)| authority != host),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Who asks, and whether they may. Paths that the table does not know go on to the 404 or 405 that they deserve.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(error) = admit(&request).await {
        return Ok(request.error_response(error));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn admit(request: &ServiceRequest) -> Result<(), AdminError> {
    let Some(pattern) = request.match_pattern() else { return Ok(()) };
    let Some(required) = permissions::required(request.method().as_str(), &pattern) else { return Ok(()) };
    if required == Permission::Public {
        return Ok(());
    }
    let state = request.app_data::<Data<State>>().ok_or_else(|| AdminError::Internal("no state".to_owned()))?;
    let principal = tokio::time::timeout(ANSWER_WITHIN, session::identify(request.request(), state))
        .await
        .map_err(|_| AdminError::DatabaseAway(format!("no answer within {ANSWER_WITHIN:?}")))??
        .ok_or_else(auth::unauthenticated)?;
    if !principal.role().allows(required) {
        return Err(AdminError::caller(
            ErrorCode::PermissionDenied,
            format!("The role `{}` may not do this; ask an administrator.", principal.role().name()),
        ));
    }
    if required == Permission::Write {
        let (who, method, path) = (principal.label(), request.method(), request.path());
        tracing::info!(who, %method, path, "change asked for");
    }
    request.extensions_mut().insert(principal);
    Ok(())
}

/// Bounds the time to the head of the answer.
pub async fn hurry(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let bound = if request.path() == "/api/v1/models/test" { TRIAL_WITHIN } else { ANSWER_WITHIN };
    let head = request.request().clone();
    match tokio::time::timeout(bound, next.call(request)).await {
        Ok(answer) => Ok(answer?.map_into_boxed_body()),
        Err(_) => Ok(ServiceResponse::from_err(AdminError::DatabaseAway(format!("no answer within {bound:?}")), head)),
    }
}

fn is_plain(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.iter().all(|byte| byte.is_ascii_graphic())
}

/// Methods are the caller's to invent; label values are not.
fn known_method(method: &Method) -> String {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().find(|name| **name == method.as_str()).unwrap_or(&"other").to_string()
}
