//! Answers that the gateway writes itself, and the header lines that every answer carries.

use bytes::Bytes;
use deltallm_shared::error::{ApiError, ErrorCode};
use http::{Version, header};
use pingora::{Result, http::ResponseHeader, proxy::Session};
use serde_json::json;

use crate::{
    call::error_body,
    context::RequestContext,
    endpoints::Surface,
    lifecycle::Lifecycle,
    snapshot::{Group, Snapshot},
    stages::{authenticate::Principal, authorize::may_use, relay::Relay},
};

const REQUEST_ID: &str = "x-request-id";
/// Header lines of a provider that mean the same to the client of a gateway.
const PASSED_BACK: [&str; 4] = ["content-type", "retry-after", "openai-processing-ms", "openai-version"];

/// Header lines of a provider's own interface, and beginnings of their names.
const ONWARD_LINES: [&str; 10] = [
    "content-disposition",
    "content-range",
    "accept-ranges",
    "etag",
    "last-modified",
    // Not its whole family: `anthropic-organization-id` is the operator's.
    "anthropic-ratelimit-",
    "x-ratelimit-",
    "x-amzn-",
    "x-goog-",
    "x-ms-",
];

/// A short answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its JSON.
    pub body: Bytes,
}

/// The answer to a probe; `None` for other surfaces.
pub fn probe(surface: Surface, lifecycle: &Lifecycle) -> Option<Answer> {
    match surface {
        Surface::Liveness => Some(Answer { status: 200, body: Bytes::from_static(br#"{"status":"alive"}"#) }),
        Surface::Readiness if lifecycle.is_ready() => {
            Some(Answer { status: 200, body: Bytes::from_static(br#"{"status":"ready"}"#) })
        }
        Surface::Readiness => {
            let status = if lifecycle.is_draining() { "stopping" } else { "no configuration yet" };
            Some(Answer { status: 503, body: json!({ "status": status }).to_string().into() })
        }
        _ => None,
    }
}

/// The models that a principal may use, or one of them.
pub fn models(
    surface: Surface,
    name: &str,
    principal: &Principal,
    snapshot: &Snapshot,
) -> std::result::Result<Bytes, ApiError> {
    let view = |name: &str, group: &Group| {
        let owner = group.first().map_or("", |deployment| deployment.provider.id);
        json!({ "id": name, "object": "model", "created": 0, "owned_by": owner })
    };
    if surface == Surface::Model1 {
        return match snapshot.models.get(name).filter(|_| may_use(principal, snapshot, name)) {
            Some(group) => Ok(view(name, group).to_string().into()),
            None => {
                let text = format!(
                    "The model `{}` does not exist, or this API key may not use it.",
                    name.chars().take(200).collect::<String>()
                );
                Err(ApiError::about(ErrorCode::ModelNotFound, "model", text))
            }
        };
    }
    let mut names: Vec<_> = snapshot.models.iter().filter(|(name, _)| may_use(principal, snapshot, name)).collect();
    names.sort_by_key(|(name, _)| name.as_str());
    let data: Vec<_> = names.into_iter().map(|(name, group)| view(name, group)).collect();
    Ok(json!({ "object": "list", "data": data }).to_string().into())
}

/// Writes a JSON document.
pub async fn write_json(session: &mut Session, context: &RequestContext, status: u16, body: Bytes) -> Result<()> {
    let mut header = ResponseHeader::build_no_case(status, Some(4))?;
    header.insert_header(header::CONTENT_TYPE, "application/json")?;
    header.insert_header(header::CONTENT_LENGTH, body.len())?;
    add_request_lines(&mut header, context)?;
    write(session, header, body).await
}

/// The header, and the body where the method has one.
async fn write(session: &mut Session, header: ResponseHeader, body: Bytes) -> Result<()> {
    let is_head = session.req_header().method == http::Method::HEAD;
    session.write_response_header(Box::new(header), is_head).await?;
    if is_head { Ok(()) } else { session.write_response_body(Some(body), true).await }
}

/// Writes an error in the client's dialect.
pub async fn write_error(session: &mut Session, context: &RequestContext, error: &ApiError) -> Result<()> {
    // Before the request was received its path alone says what the client speaks.
    let by_path = || crate::endpoints::operation_at(session.req_header().uri.path());
    let body = error_body(context.operation().or_else(by_path), error);
    let mut header = error_header(context, error.code, body.len())?;
    if let Some(seconds) = error.retry_after {
        header.insert_header(header::RETRY_AFTER, seconds)?;
    }
    if error.code == ErrorCode::MethodNotAllowed {
        let other = crate::endpoints::allowed_methods(session.req_header().uri.path());
        header.insert_header(header::ALLOW, other)?;
    }
    write(session, header, body).await
}

/// The header of an error whose body is already there.
pub fn error_header(context: &RequestContext, code: ErrorCode, body_bytes: usize) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(code.status(), Some(12))?;
    header.insert_header(header::CONTENT_TYPE, "application/json")?;
    header.insert_header(header::CONTENT_LENGTH, body_bytes)?;
    match code {
        ErrorCode::ServiceUnavailable => header.insert_header(header::RETRY_AFTER, "1")?,
        ErrorCode::BudgetExceeded => header.insert_header("x-should-retry", "false")?,
        _ => {}
    }
    if let Some(Relay::Refusal(refusal)) = &context.relay
        && let Some(value) = refusal.retry_after()
    {
        header.insert_header(header::RETRY_AFTER, value)?;
    }
    add_request_lines(&mut header, context)?;
    Ok(header)
}

/// The header of an upstream's answer, made anew. `rewrites`: the body's length will change; `media_type`: its
/// type, where it is not the upstream's.
pub fn relayed_header(
    upstream: &ResponseHeader,
    status: u16,
    rewrites: bool,
    media_type: Option<&str>,
    is_http_10: bool,
    context: &RequestContext,
) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(status, Some(14))?;
    header.set_version(Version::HTTP_11);
    pass_back(upstream, &mut header, context)?;
    match upstream.headers.get(header::CONTENT_LENGTH).filter(|_| !rewrites) {
        Some(length) => header.insert_header(header::CONTENT_LENGTH, length.clone())?,
        // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        None if is_http_10 => {}
        None => header.insert_header(header::TRANSFER_ENCODING, "chunked")?,
    }
    if let Some(media_type) = media_type {
        header.insert_header(header::CONTENT_TYPE, media_type)?;
    }
    if rewrites {
        // Proxies on the client's side must neither keep nor hold back a stream.
        header.insert_header(header::CACHE_CONTROL, "no-cache")?;
        header.insert_header("x-accel-buffering", "no")?;
    }
    add_request_lines(&mut header, context)?;
    Ok(header)
}

/// The header of a connection that becomes a WebSocket. No extension was offered, so none is taken.
pub fn upgraded_header(upstream: &ResponseHeader, context: &RequestContext) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(upstream.status, Some(12))?;
    header.set_version(Version::HTTP_11);
    for name in ["upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol"] {
        if let Some(value) = upstream.headers.get(name) {
            header.insert_header(name, value.clone())?;
        }
    }
    add_request_lines(&mut header, context)?;
    Ok(header)
}

/// The header of an answer that has no body and needs none.
pub fn empty_header(upstream: &ResponseHeader, is_head: bool, context: &RequestContext) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(upstream.status, Some(12))?;
    header.set_version(Version::HTTP_11);
    pass_back(upstream, &mut header, context)?;
    let length = upstream.headers.get(header::CONTENT_LENGTH).filter(|_| is_head || upstream.status.as_u16() != 204);
    if let Some(length) = length {
        header.insert_header(header::CONTENT_LENGTH, length.clone())?;
    }
    add_request_lines(&mut header, context)?;
    Ok(header)
}

/// Header lines of the provider that its client may see.
fn pass_back(upstream: &ResponseHeader, header: &mut ResponseHeader, context: &RequestContext) -> Result<()> {
    for name in PASSED_BACK {
        if let Some(value) = upstream.headers.get(name) {
            header.insert_header(name, value.clone())?;
        }
    }
    // A provider's own interface has lines of its own; those of a file say what it is called.
    let names: &[&str] = if context.onward.is_some() {
        &ONWARD_LINES
    } else if context.naming.is_some() {
        &["content-disposition"]
    } else {
        &[]
    };
    let begins =
        |name: &str, beginning: &&str| name == *beginning || (beginning.ends_with('-') && name.starts_with(*beginning));
    for (name, value) in &upstream.headers {
        if names.iter().any(|beginning| begins(name.as_str(), beginning)) {
            header.append_header(name.clone(), value.clone())?;
        }
    }
    Ok(())
}

/// Whether an answer ends with its header.
pub fn has_no_body(upstream: &ResponseHeader) -> bool {
    let is_empty = upstream.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() == b"0");
    is_empty || matches!(upstream.status.as_u16(), 204 | 304)
}

fn add_request_lines(header: &mut ResponseHeader, context: &RequestContext) -> Result<()> {
    header.insert_header(REQUEST_ID, context.request_id.as_str())?;
    let (Some(deployment), Some(call)) = (context.deployment(), &context.call) else { return Ok(()) };
    // The group that served, which is another one than was asked for after a fallback.
    let (served, fallback) = match &context.route {
        Some(route) => (route.group().name.as_str(), route.fallback()),
        None => (call.index.model.as_str(), None),
    };
    header.insert_header("x-deltallm-model", printable(served))?;
    if let Some(kind) = fallback {
        header.insert_header("x-deltallm-fallback", kind.name())?;
    }
    header.insert_header("x-deltallm-provider", deployment.provider.id)?;
    header.insert_header("x-deltallm-deployment", deployment.id.to_string())?;
    header.insert_header("x-deltallm-attempts", u64::from(context.attempts_made))?;
    header.insert_header("x-deltallm-cache", "off")?;
    header.insert_header("x-deltallm-overhead-us", context.overhead_us)?;
    match context.attempt.as_ref().filter(|attempt| !attempt.dropped.is_empty()) {
        Some(attempt) => header.insert_header("x-deltallm-dropped-params", printable(&attempt.dropped.join(","))),
        None => Ok(()),
    }
}

/// A model's name as a header value; characters that cannot stand in one are left out.
fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect()
}
