//! Eighth stage: the header of the request for the provider, built from nothing. What is not named here does not leave: no client
//! credential, cookie or forwarding header reaches a provider.

use deltallm_shared::{credential::CredentialKind, time_text::Timestamp};
use http::{HeaderMap, header};
use pingora::{Error, ErrorType, Result, http::RequestHeader};

use super::translate::Attempt;
use crate::{
    credentials::{Credential, RequestParts},
    net::outgoing::OutgoingBody,
    providers,
    snapshot::{Deployment, Target},
};

/// Headers of the client that a provider may see.
const PASSED_ON: [&str; 4] = ["openai-beta", "idempotency-key", "traceparent", "tracestate"];
const USER_AGENT: &str = concat!("deltallm/", env!("CARGO_PKG_VERSION"));

/// Runs the stage for one attempt.
pub fn upstream_request(
    client: &HeaderMap,
    deployment: &Deployment,
    attempt: &Attempt,
    credential: Option<&Credential>,
) -> Result<RequestHeader> {
    let own = attempt.own_form.as_deref();
    let method = own.map_or("POST", |own| own.method.as_str());
    let mut request = RequestHeader::build_no_case(method, attempt.path.as_bytes(), Some(14))?;
    request.insert_header(header::HOST, authority(&deployment.target))?;
    if let Some(credential) = credential {
        // Only a signature covers the address.
        let is_signed = credential.kind() == CredentialKind::Aws;
        let url = if is_signed { format!("{}{}", deployment.target.origin(), attempt.path) } else { String::new() };
        let parts = RequestParts { method, url: &url, region: deployment.region.as_deref() };
        let headers = credential
            .headers_for(deployment.provider.credential_style, parts, &attempt.body, Timestamp::now())
            .map_err(|error| Error::explain(ErrorType::InternalError, error.to_string()))?;
        for (name, value) in headers {
            request.insert_header(name, value)?;
        }
    }
    match own {
        None => {
            request.insert_header(header::CONTENT_TYPE, "application/json")?;
            request.insert_header(header::CONTENT_LENGTH, attempt.body.len())?;
        }
        Some(own) => {
            let length = own.upload.as_ref().map_or(attempt.body.len() as u64, OutgoingBody::length);
            if let Some(content_type) = &own.content_type {
                request.insert_header(header::CONTENT_TYPE, content_type.clone())?;
            }
            // Always, because Pingora would send chunks without it; only a WebSocket's handshake has no body at all.
            if !own.upgrades {
                request.insert_header(header::CONTENT_LENGTH, length)?;
            }
        }
    }
    // We read what comes back: usage, errors, events.
    request.insert_header(header::ACCEPT_ENCODING, "identity")?;
    request.insert_header(header::USER_AGENT, USER_AGENT)?;
    // A line that is passed on as the client wrote it stands there once.
    let is_passed_on = |name: &str| own.is_some_and(|own| own.headers.iter().any(|(own, _)| own.as_str() == name));
    for (name, value) in providers::vendor(deployment.provider.wire).headers(client) {
        if !is_passed_on(name.as_str()) {
            request.insert_header(name, value)?;
        }
    }
    // What is wanted is known by the attempt; a client that takes anything must not get another format than we read.
    if !is_passed_on("accept") {
        request.insert_header(header::ACCEPT, "application/json, text/event-stream, */*;q=0.1")?;
    }
    for name in PASSED_ON {
        if let Some(value) = client.get(name).filter(|_| !is_passed_on(name)) {
            request.insert_header(name, value.clone())?;
        }
    }
    for (name, value) in own.map_or(&[][..], |own| &own.headers) {
        request.append_header(name.clone(), value.clone())?;
    }
    if own.is_some_and(|own| own.upgrades) {
        request.insert_header(header::CONNECTION, "Upgrade")?;
        request.insert_header(header::UPGRADE, "websocket")?;
    }
    if deployment.target == Target::Mock {
        let mock = &deployment.mock;
        request.insert_header(crate::mock::DELAY_MS, mock.delay_ms)?;
        request.insert_header(crate::mock::CHUNK_GAP_MS, mock.chunk_gap_ms)?;
        request.insert_header(crate::mock::FAILURE_PERCENT, u64::from(mock.failure_percent))?;
    }
    Ok(request)
}

fn authority(target: &Target) -> &str {
    match target {
        Target::Remote { authority, .. } => authority,
        Target::Mock => "mock.invalid",
    }
}
