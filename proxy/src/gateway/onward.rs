//! A provider's own interface, passed through: any method and path below the address of one of its deployments, with the
//! gateway's credential and a record per call.

use std::sync::Arc;

use bytes::Bytes;
use deltallm_dialects::{dialect::DialectId, openai::request_index::RequestIndex};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    operation::Operation,
    providers::{Provider, Wire},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use pingora::proxy::Session;

use super::{Flow, Gateway, Stop};
use crate::{
    call::Call,
    context::RequestContext,
    endpoints,
    net::{outgoing::OutgoingBody, spool::UploadedBody},
    onward_path,
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

/// How much of a body is looked at for the model's name.
const LOOKED_AT_BYTES: u64 = 1 << 20;
/// Header lines that belong to the connection, to the client's credential, or to the client alone.
const STAYS_HERE: [&str; 30] = [
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
];
/// Beginnings of such names.
const STAYS_HERE_TOO: [&str; 3] = ["x-forwarded-", "x-deltallm-", "cf-"];
/// What tenants must not reach by its bare name, because the gateway guards it elsewhere or cannot guard it at all.
const SHARED_THINGS: [&str; 12] = [
    "files",
    "batches",
    "responses",
    "conversations",
    "threads",
    "assistants",
    "vector_stores",
    "fine_tuning",
    "containers",
    "uploads",
    "organization",
    "organizations",
];

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

        let received = context.received.as_ref().ok_or_else(|| ApiError::new(ErrorCode::InternalError, "no header"))?;
        let has_body = super::receive::announces_body(&headers);
        let body = if has_body {
            read_upload(session.as_downstream_mut(), received, &self.uploads, &self.client, |_| Ok(())).await?
        } else {
            UploadedBody::Memory(Bytes::new())
        };
        context.is_body_read = true;

        let snapshot = context.live.snapshot.load_full();
        let named = named_model(&body, rest).await;
        let deployment = deployment_for(principal, &snapshot, provider, rest, named.as_deref())?;
        let known = known(provider.wire, rest);
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
        if let Some(record) = &mut context.record
            && (known == Known::Nothing || named.is_none())
        {
            record.has_no_price();
        }
        let mut index = RequestIndex::default();
        index.model.clone_from(&deployment.model_name);
        let call = Call::new(operation_of(known), Bytes::new(), index, None);
        self.send_single(session, context, call, deployment, attempt, reads_only)
    }
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::RequestTooLarge, "The body is larger than what can be signed for this provider.")
}

fn lost(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "an upload cannot be read back from the disk");
    ApiError::new(ErrorCode::InternalError, "The gateway cannot read the upload back from its disk.")
}

/// A deployment of the provider: the one of the model that the call names, where the key may use it; else any, for keys that
/// may use everything.
fn deployment_for(
    principal: &Principal,
    snapshot: &Snapshot,
    provider: &Provider,
    rest: &str,
    named: Option<&str>,
) -> Result<Arc<Deployment>, ApiError> {
    let is_shared = rest.split('/').any(|segment| SHARED_THINGS.contains(&segment));
    if is_shared && !matches!(principal, Principal::Master) {
        let text = "This part of the provider's interface shows what other tenants of this gateway have there, so only the \
                    master key may use it. Files, batches and stored responses are at `/v1/files`, `/v1/batches` and \
                    `/v1/responses`.";
        return Err(ApiError::new(ErrorCode::PermissionDenied, text));
    }
    let mut of_provider: Vec<&Arc<Deployment>> = snapshot
        .models
        .values()
        .flat_map(|group| group.iter())
        .filter(|deployment| deployment.provider.id == provider.id)
        .collect();
    of_provider.sort_by_key(|deployment| deployment.id);
    if of_provider.is_empty() {
        let text = format!("No model of this gateway is served by {}.", provider.label);
        return Err(ApiError::new(ErrorCode::NotFound, text));
    }
    let usable = of_provider.iter().filter(|deployment| may_use(principal, snapshot, &deployment.model_name));
    let by_name = named.and_then(|name| {
        let mut usable = usable.clone();
        usable.find(|deployment| deployment.upstream_model == name || deployment.model_name == name)
    });
    match by_name {
        Some(deployment) => Ok(Arc::clone(deployment)),
        None if may_use_all(principal, snapshot) => Ok(Arc::clone(of_provider[0])),
        None => {
            let text = "This API key may use certain models only, so a call that is passed through has to name one of \
                        them: by the provider's name or by the gateway's.";
            Err(ApiError::about(ErrorCode::ModelNotAllowed, "model", text))
        }
    }
}

/// The model that a call names, in its body or in its path.
async fn named_model(body: &UploadedBody, rest: &str) -> Option<String> {
    // `/model/{model}/converse`, `/v1beta/models/{model}:generateContent`, `/openai/deployments/{model}/chat/completions`
    let mut segments = rest.split('/');
    while let Some(segment) = segments.next() {
        if matches!(segment, "model" | "models" | "deployments") {
            let name = onward_path::decoded(segments.next()?);
            let method = name.rfind(':').filter(|at| name[at + 1..].chars().all(char::is_alphabetic));
            return Some(method.map_or(name.as_str(), |at| &name[..at]).to_owned()).filter(|name| !name.is_empty());
        }
    }
    if body.length() > LOOKED_AT_BYTES {
        return None;
    }
    let json = body.all().await.ok()?;
    let mut found = deltallm_dialects::json_strings::find(&json, |path| path.len() == 1 && path[0] == "model");
    // Twice is no name: we and the provider could read it differently.
    (found.len() == 1).then(|| found.remove(0).text)
}

/// How the answer is read, by what stands at the path.
fn known(wire: Wire, rest: &str) -> Known {
    let ends = |end: &str| rest.ends_with(end);
    match wire {
        Wire::Anthropic if ends("/messages") => Known::Chat(DialectId::AnthropicMessages),
        Wire::Gemini | Wire::Vertex if ends(":generateContent") || ends(":streamGenerateContent") => {
            Known::Chat(DialectId::GeminiGenerate)
        }
        Wire::Bedrock if ends("/converse") || ends("/converse-stream") => Known::Chat(DialectId::BedrockConverse),
        Wire::Cohere if ends("/v2/chat") => Known::Chat(DialectId::CohereChat),
        Wire::Cohere if ends("/rerank") => Known::Figures(Operation::Rerank),
        Wire::OpenAi | Wire::Azure => known_of_openai(rest),
        _ => Known::Nothing,
    }
}

fn known_of_openai(rest: &str) -> Known {
    let operations = [
        ("/embeddings", Operation::Embeddings),
        ("/rerank", Operation::Rerank),
        ("/moderations", Operation::Moderations),
        ("/images/generations", Operation::ImageGenerations),
        ("/images/edits", Operation::ImageEdits),
        ("/audio/transcriptions", Operation::Transcriptions),
        ("/audio/translations", Operation::AudioTranslations),
    ];
    if rest.ends_with("/chat/completions") {
        return Known::Chat(DialectId::OpenAiChat);
    }
    if rest.ends_with("/responses") {
        return Known::Chat(DialectId::OpenAiResponses);
    }
    let found = operations.iter().find(|(end, _)| rest.ends_with(end));
    found.map_or(Known::Nothing, |(_, operation)| Known::Figures(*operation))
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

    #[tokio::test]
    async fn the_model_stands_in_the_path_or_in_the_body() {
        let named =
            async |body: &str, rest: &str| named_model(&UploadedBody::Memory(Bytes::from(body.to_owned())), rest).await;
        assert_eq!(
            named("", "/model/anthropic.claude-v2%3A1/converse").await.as_deref(),
            Some("anthropic.claude-v2:1")
        );
        assert_eq!(named("", "/v1beta/models/gemini-2.5-pro:generateContent").await.as_deref(), Some("gemini-2.5-pro"));
        assert_eq!(named("", "/openai/deployments/d/chat/completions").await.as_deref(), Some("d"));
        assert_eq!(named(r#"{"model":"m","x":{"model":"n"}}"#, "/v1/messages").await.as_deref(), Some("m"));
        assert_eq!(named(r#"{"model":"m","model":"n"}"#, "/v1/messages").await, None);
        assert_eq!(named("not json", "/v1/messages").await, None);
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

    #[test]
    fn answers_of_known_dialects_are_read() {
        assert_eq!(known(Wire::Anthropic, "/v1/messages"), Known::Chat(DialectId::AnthropicMessages));
        assert_eq!(known(Wire::Bedrock, "/model/m/converse-stream"), Known::Chat(DialectId::BedrockConverse));
        assert_eq!(known(Wire::OpenAi, "/v1/audio/transcriptions"), Known::Figures(Operation::Transcriptions));
        assert_eq!(known(Wire::OpenAi, "/v1/models"), Known::Nothing);
    }
}
