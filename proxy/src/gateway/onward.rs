//! A provider's own interface, passed through: any method and path below the address of one of its deployments, with the
//! gateway's credential and a record per call.

mod place;

use std::sync::Arc;

use bytes::Bytes;
use deltallm_dialects::{
    dialect::DialectId,
    json_strings,
    multipart::{self, FormScanner},
    openai::request_index::RequestIndex,
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
    providers::{Provider, Wire},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use pingora::proxy::Session;
use place::{ModelAt, Place};

use super::{Flow, Gateway, Stop};
use crate::{
    call::Call,
    context::RequestContext,
    endpoints,
    net::{outgoing::OutgoingBody, spool::UploadedBody},
    onward_path, owned_id,
    providers::Words,
    snapshot::{Deployment, Snapshot},
    stages::{
        authenticate::Principal,
        authorize::{may_use, may_use_all},
        read_upload::read_upload,
        relay::Known,
        translate::{Attempt, OwnForm},
    },
};

/// Header lines that belong to the connection, to the client's credential, or to the client alone.
const STAYS_HERE: [&str; 34] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-litellm-api-key",
    "ocp-apim-subscription-key",
    "x-amz-security-token",
    "x-amz-date",
    "x-amz-content-sha256",
    "cookie",
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "content-length",
    "content-type",
    "expect",
    "accept-encoding",
    "forwarded",
    "via",
    "x-real-ip",
    "x-request-id",
    "user-agent",
    // Whose account pays is the gateway's to say, and the method is the request's.
    "openai-organization",
    "openai-project",
    "x-goog-user-project",
    "x-http-method-override",
];
/// Beginnings of such names.
const STAYS_HERE_TOO: [&str; 3] = ["x-forwarded-", "x-deltallm-", "cf-"];
impl Gateway {
    /// The stages of a call that is passed through.
    pub(super) async fn onward(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        principal: &Principal,
    ) -> Result<Flow, Stop> {
        let head = session.req_header();
        let (method, headers) = (head.method.clone(), head.headers.clone());
        let path = head.uri.path().to_owned();
        let (provider, rest) =
            endpoints::onward(&path).ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such provider."))?;
        let rest = onward_path::checked_path(rest)?;
        let query = onward_path::without_credentials(head.uri.query().unwrap_or_default());

        // Who may not ask is refused before anything is read.
        let snapshot = context.live.snapshot.load_full();
        let of_provider = deployments_of(&snapshot, provider)?;
        let bases: Vec<&str> = of_provider.iter().flat_map(|deployment| deployment.base_path.split('/')).collect();
        let place = Place::find(provider.wire, &method, rest, &bases);
        may_ask(principal, place.as_ref())?;

        let received = context.received.as_ref().ok_or_else(|| ApiError::new(ErrorCode::InternalError, "no header"))?;
        let media_type = received.media_type.clone();
        let has_body = super::receive::announces_body(&headers);
        let body = if has_body {
            read_upload(session.as_downstream_mut(), received, &self.uploads, &self.client, |_| Ok(())).await?
        } else {
            UploadedBody::Memory(Bytes::new())
        };
        context.is_body_read = true;

        let json = json_of(&body, &media_type, self.max_request_body_bytes).await?;
        if !matches!(principal, Principal::Master) {
            owned_id::check_unguarded(&json, provider.wire)?;
        }
        let named = match place.as_ref().map(|place| &place.model) {
            Some(ModelAt::Path(name)) => Some(name.clone()),
            Some(ModelAt::Nowhere) => None,
            Some(ModelAt::Body) => model_in_body(&json, &body, &headers).await?,
            None => model_in_path(rest).or(model_in_body(&json, &body, &headers).await?),
        };
        let (deployment, is_known_model) = deployment_for(principal, &snapshot, &of_provider, named.as_deref())?;
        let known = place.as_ref().map_or(Known::Nothing, |place| place.known);
        let target = onward_path::joined(&deployment.base_path, rest);
        // A signature covers the whole body, so it has to be in memory there.
        let (signed, upload) = match provider.wire {
            Wire::Bedrock if body.length() > self.max_request_body_bytes => return Err(too_large().into()),
            Wire::Bedrock => (body.all().await.map_err(|error| lost(&error))?, None),
            _ => (Bytes::new(), (body.length() > 0).then(|| OutgoingBody::new(body, Vec::new()))),
        };
        let form = OwnForm {
            method: method.clone(),
            content_type: headers.get(header::CONTENT_TYPE).filter(|_| has_body).cloned(),
            upload,
            headers: passed_on(&headers),
            upgrades: false,
        };
        let attempt = Attempt {
            words: Words::Same(operation_of(known)),
            path: query.map_or_else(|| target.clone(), |query| format!("{target}?{query}")),
            body: signed,
            dropped: Vec::new(),
            own_form: Some(Box::new(form)),
        };
        context.onward = Some(known);
        let reads_only = matches!(method, Method::GET | Method::HEAD | Method::DELETE);
        let is_free = reads_only || place.is_some_and(|place| place.is_free);
        if let Some(record) = &mut context.record
            && !is_free
            && (known == Known::Nothing || !is_known_model)
        {
            record.has_no_price();
        }
        let mut index = RequestIndex::default();
        // What is on record is what was asked for, and not another model whose credential was used.
        index.model = match named {
            Some(name) if !is_known_model => name,
            _ => deployment.model_name.clone(),
        };
        let call = Call::new(operation_of(known), json, index, None);
        self.send_single(session, context, call, deployment, attempt, is_free)
    }
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::RequestTooLarge, "The body is larger than what can be signed for this provider.")
}

fn lost(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "an upload cannot be read back from the disk");
    ApiError::new(ErrorCode::InternalError, "The gateway cannot read the upload back from its disk.")
}

/// All deployments of a provider, always in the same order.
fn deployments_of(snapshot: &Snapshot, provider: &Provider) -> Result<Vec<Arc<Deployment>>, ApiError> {
    let all = snapshot.models.values().flat_map(|group| group.iter());
    let mut of_provider: Vec<Arc<Deployment>> =
        all.filter(|deployment| deployment.provider.id == provider.id).cloned().collect();
    of_provider.sort_by_key(|deployment| deployment.id);
    if of_provider.is_empty() {
        let text = format!("No model of this gateway is served by {}.", provider.label);
        return Err(ApiError::new(ErrorCode::NotFound, text));
    }
    Ok(of_provider)
}

/// Whether the caller may use what stands at the path.
fn may_ask(principal: &Principal, place: Option<&Place>) -> Result<(), ApiError> {
    if place.is_some() || matches!(principal, Principal::Master) {
        return Ok(());
    }
    let text = "An API key may call models through a provider's own interface; everything else there belongs to all tenants \
                of this gateway, so only the master key may use it. Files, batches and stored responses are at `/v1/files`, \
                `/v1/batches` and `/v1/responses`.";
    Err(ApiError::new(ErrorCode::PermissionDenied, text))
}

/// A deployment of the provider: the one of the model that the call names, where the key may use it; else any, for keys that
/// may use everything. And whether it is the named model's.
fn deployment_for(
    principal: &Principal,
    snapshot: &Snapshot,
    of_provider: &[Arc<Deployment>],
    named: Option<&str>,
) -> Result<(Arc<Deployment>, bool), ApiError> {
    // By the provider's name alone: the call goes on as it is, so the gateway's own name for a model says nothing.
    let by_name = named.and_then(|name| {
        let mut usable = of_provider.iter().filter(|deployment| may_use(principal, snapshot, &deployment.model_name));
        usable.find(|deployment| deployment.upstream_model == name)
    });
    match (by_name, of_provider.first()) {
        (Some(deployment), _) => Ok((Arc::clone(deployment), true)),
        (None, Some(first)) if may_use_all(principal, snapshot) => Ok((Arc::clone(first), false)),
        _ => {
            let text = "This API key may use certain models only, so a call that is passed through has to name one of \
                        them, by the provider's name for it.";
            Err(ApiError::about(ErrorCode::ModelNotAllowed, "model", text))
        }
    }
}

/// The body, where it is JSON by its type; empty where it is none.
async fn json_of(body: &UploadedBody, media_type: &str, max_bytes: u64) -> Result<Bytes, ApiError> {
    if media_type != "application/json" {
        return Ok(Bytes::new());
    }
    if body.length() > max_bytes {
        return Err(too_large());
    }
    body.all().await.map_err(|error| lost(&error))
}

/// The model that a path names, wherever it does.
fn model_in_path(rest: &str) -> Option<String> {
    let mut segments = rest.split('/');
    while let Some(segment) = segments.next() {
        if matches!(segment, "model" | "models" | "deployments") {
            let name = onward_path::decoded(segments.next()?);
            let method = name.rfind(':').filter(|at| name[at + 1..].chars().all(char::is_alphabetic));
            return Some(method.map_or(name.as_str(), |at| &name[..at]).to_owned()).filter(|name| !name.is_empty());
        }
    }
    None
}

/// The model that a body names: JSON, or a form.
async fn model_in_body(json: &Bytes, body: &UploadedBody, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    if !json.is_empty() {
        let is_model = |path: &[String]| path.len() == 1 && path[0].eq_ignore_ascii_case("model");
        let mut found = json_strings::find(json, is_model);
        // Twice is no name, and neither is another case: we and the provider could read it differently.
        return Ok((found.len() == 1 && found[0].path[0] == "model").then(|| found.remove(0).text));
    }
    let boundary =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(multipart::boundary);
    let Some(boundary) = boundary.transpose()? else { return Ok(None) };
    let (mut scanner, mut at) = (FormScanner::new(&boundary), 0);
    while at < body.length() {
        let piece = body.piece(at, u64::MAX).await.map_err(|error| lost(&error))?;
        scanner.push(&piece)?;
        at += piece.len() as u64;
    }
    Ok(scanner.finish()?.field("model").map(str::to_owned))
}

/// Whose words an error is told in.
fn operation_of(known: Known) -> Operation {
    match known {
        Known::Chat(DialectId::AnthropicMessages) => Operation::Messages,
        Known::Chat(DialectId::GeminiGenerate) => Operation::GenerateContent,
        Known::Figures(operation) => operation,
        _ => Operation::PassThrough,
    }
}

fn passed_on(client: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    // What the client's `connection` names belongs to the connection too.
    let nominated: Vec<String> = client
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let stays = |name: &str| {
        STAYS_HERE.contains(&name)
            || STAYS_HERE_TOO.iter().any(|beginning| name.starts_with(beginning))
            || nominated.iter().any(|nominated| nominated == name)
    };
    let lines = client.iter().filter(|(name, _)| !stays(name.as_str()));
    lines.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn named(body: &str, media_type: &str, content_type: &'static str) -> Option<String> {
        let body = UploadedBody::Memory(Bytes::from(body.to_owned()));
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let json = json_of(&body, media_type, 1 << 20).await.unwrap();
        model_in_body(&json, &body, &headers).await.unwrap()
    }

    #[tokio::test]
    async fn the_model_is_read_as_the_provider_reads_it() {
        assert_eq!(model_in_path("/model/anthropic.claude-v2%3A1/invoke").as_deref(), Some("anthropic.claude-v2:1"));
        assert_eq!(model_in_path("/v1beta/models/gemini-2.5-pro:predict").as_deref(), Some("gemini-2.5-pro"));
        let json = async |body: &str| named(body, "application/json", "application/json").await;
        assert_eq!(json(r#"{"model":"m","x":{"model":"n"}}"#).await.as_deref(), Some("m"));
        for ambiguous in
            [r#"{"model":"m","model":"n"}"#, r#"{"model":"m","Model":"n"}"#, r#"{"MODEL":"m"}"#, "not json"]
        {
            assert_eq!(json(ambiguous).await, None, "{ambiguous}");
        }
        assert_eq!(named(r#"{"model":"m"}"#, "text/plain", "text/plain").await, None);
        let form = "--b\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n{\"model\":\"allowed\"}\r\n\
                    --b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nreal\r\n--b--\r\n";
        let form = named(form, "multipart/form-data", "multipart/form-data; boundary=b").await;
        assert_eq!(form.as_deref(), Some("real"));
    }

    #[test]
    fn credentials_and_the_connections_lines_stay_here() {
        let mut client = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer sk-mine"),
            ("x-api-key", "sk-mine"),
            ("cookie", "a=b"),
            ("connection", "keep-alive, x-secret"),
            ("x-secret", "1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("anthropic-version", "2023-06-01"),
            ("accept", "*/*"),
        ] {
            client.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut names: Vec<String> = passed_on(&client).iter().map(|(name, _)| name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["accept", "anthropic-version"]);
    }
}
