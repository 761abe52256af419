//! Conversations over a WebSocket: OpenAI's realtime interface, passed through to a provider that has it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use deltallm_dialects::openai::request_index::RequestIndex;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
    pricing::{Usage, UsageSource},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use pingora::{http::RequestHeader, proxy::Session};

use super::{Flow, Gateway, Stop};
use crate::{
    call::Call,
    context::RequestContext,
    onward_path,
    providers::{self, Words},
    snapshot::Deployment,
    stages::{
        authenticate::Principal,
        authorize::authorize,
        receive::query_value,
        translate::{Attempt, OwnForm},
    },
};

/// Longer than any provider's own limit for a session, which is an hour.
pub(super) const SESSION_LIMIT: Duration = Duration::from_hours(2);
/// How a browser sends its key, which cannot set header lines: as one of the protocols it offers.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";
/// What of the client's handshake goes on. No extensions: their frames could not be read.
const HANDSHAKE: [HeaderName; 2] = [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];

/// The client's header lines with the key where it is looked for.
pub(super) fn with_key_of_protocol(head: &RequestHeader) -> HeaderMap {
    let mut headers = head.headers.clone();
    let key = protocols(&head.headers).find_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL));
    if let Some(key) = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok()) {
        headers.entry(header::AUTHORIZATION).or_insert(key);
    }
    headers
}

impl Gateway {
    /// The stages of a session's handshake.
    pub(super) fn realtime(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        principal: &Principal,
    ) -> Result<Flow, Stop> {
        let head = session.req_header();
        check_handshake(head)?;
        let model = ["model", "deployment"].iter().find_map(|name| query_value(head, name)).map(onward_path::decoded);
        let model = model.filter(|model| !model.is_empty()).ok_or_else(|| {
            ApiError::about(ErrorCode::InvalidRequest, "model", "Name the model in the query: `?model=…`.")
        })?;
        let snapshot = context.live.snapshot.load_full();
        let group = authorize(principal, &snapshot, &model)?;
        let deployment = group.iter().find(|deployment| deployment.provider.speaks(Operation::Realtime)).cloned();
        let deployment = deployment.ok_or_else(|| {
            let text = format!("The provider of `{model}` has no realtime sessions.");
            ApiError::about(ErrorCode::InvalidRequest, "model", text)
        })?;
        let attempt = Attempt {
            words: Words::Same(Operation::Realtime),
            path: path_of(&deployment, head.uri.query().unwrap_or_default()),
            body: Bytes::new(),
            dropped: Vec::new(),
            own_form: Some(Box::new(handshake(&head.headers))),
        };
        let mut index = RequestIndex::default();
        (index.model, index.stream) = (model, true);
        // A session in which nothing was answered consumed nothing.
        if let Some(record) = &mut context.record {
            record.assume(Usage::default(), UsageSource::Provider);
        }
        let call = Call::new(Operation::Realtime, Bytes::new(), index, None);
        self.send_single(session, context, call, Arc::clone(&deployment), attempt, false)
    }
}

fn check_handshake(head: &RequestHeader) -> Result<(), ApiError> {
    let is_websocket =
        head.headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let has_key = head.headers.contains_key(header::SEC_WEBSOCKET_KEY);
    if head.version == Version::HTTP_11 && is_websocket && has_key {
        return Ok(());
    }
    let text = "This path takes WebSocket connections over HTTP/1.1 only.";
    Err(ApiError::new(ErrorCode::InvalidRequest, text))
}

fn handshake(client: &HeaderMap) -> OwnForm {
    let mut headers = Vec::new();
    for name in HANDSHAKE {
        headers.extend(client.get(&name).map(|value| (name, value.clone())));
    }
    let offered: Vec<&str> =
        protocols(client).filter(|protocol| !protocol.starts_with("openai-insecure-api-key")).collect();
    if !offered.is_empty()
        && let Ok(value) = HeaderValue::from_str(&offered.join(", "))
    {
        headers.push((header::SEC_WEBSOCKET_PROTOCOL, value));
    }
    OwnForm { method: Method::GET, headers, upgrades: true, ..OwnForm::default() }
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

fn path_of(deployment: &Deployment, query: &str) -> String {
    let base = providers::vendor(deployment.provider.wire).path(Words::Same(Operation::Realtime), deployment, true);
    let (path, own) = base.split_once('?').unwrap_or((&base, ""));
    // The older surface of Azure names the deployment.
    let name = if own.is_empty() { "model" } else { "deployment" };
    let model = providers::escaped(&deployment.upstream_model, b"");
    let mut pairs = vec![format!("{name}={model}")];
    pairs.extend((!own.is_empty()).then(|| own.to_owned()));
    let kept = onward_path::without_credentials(query).unwrap_or_default();
    let is_ours =
        |pair: &&str| ["model", "deployment", "api-version"].contains(&pair.split('=').next().unwrap_or_default());
    pairs.extend(kept.split('&').filter(|pair| !pair.is_empty() && !is_ours(pair)).map(str::to_owned));
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_key_stays_here_and_the_other_protocols_go_on() {
        let mut head = RequestHeader::build("GET", b"/v1/realtime?model=m", None).unwrap();
        head.insert_header(
            "sec-websocket-protocol",
            "realtime, openai-insecure-api-key.sk-mine, openai-beta.realtime-v1",
        )
        .unwrap();
        head.insert_header("sec-websocket-key", "x").unwrap();
        head.insert_header("sec-websocket-extensions", "permessage-deflate").unwrap();
        assert_eq!(with_key_of_protocol(&head)["authorization"], "Bearer sk-mine");
        let form = handshake(&head.headers);
        let names: Vec<&str> = form.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["sec-websocket-key", "sec-websocket-protocol"]);
        assert_eq!(form.headers[1].1, "realtime, openai-beta.realtime-v1");
    }
}
