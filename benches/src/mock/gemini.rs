//! Google's Gemini API: `/v1beta/models/{model}:generateContent` and its neighbours.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::gemini_read::read;
use super::json::list;
use super::openai::vector;
use super::options::MockOptions;
use super::refusal::Refusal;
use super::reply::{Reply, Stop};
use super::signature::sign;
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor, data_event};

/// What is signed of a text, which may come back in other pieces.
pub const ANSWER: &str = "answer";

/// The protocol.
pub struct Gemini;

impl Vendor for Gemini {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let path = ["/v1beta/models", "/v1/models/", "/v1alpha/models"]
            .iter()
            .find_map(|start| called.path.strip_prefix(start))?;
        let path = path.trim_start_matches('/');
        if called.parts.method == Method::GET {
            return Some(authorize(called).map(|()| Task::fixed("", models(path))));
        }
        Some(authorize(called).and_then(|()| task(called, path)))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        whole(reply).to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        frames(&reply)
    }

    fn stream_fault(&self) -> Bytes {
        let error = json!({ "code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE" });
        data_event(&json!({ "error": error }))
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }

    fn stream_type(&self) -> &'static str {
        "text/event-stream"
    }
}

/// Google's error body.
pub fn error(refusal: &Refusal) -> ErrorBody {
    let status = match refusal.status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    let status = refusal.code.as_deref().unwrap_or(status);
    let mut error = json!({ "code": refusal.status, "message": refusal.message, "status": status });
    if refusal.message.contains("Unknown name") {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "description": refusal.message }],
        }]);
    }
    if refusal.status == 429 {
        error["details"] = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s" }]);
    }
    ErrorBody::json(json!({ "error": error }))
}

fn authorize(called: &Called<'_>) -> Result<(), Refusal> {
    let key = called.header("x-goog-api-key").or_else(|| called.query("key")).or_else(|| called.bearer());
    match key {
        Some(key) if !key.is_empty() => Ok(()),
        _ => Err(Refusal {
            status: 403,
            ..Refusal::bad(
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
                 other form of API consumer identity to call this API.",
            )
        }),
    }
}

fn models(name: &str) -> Value {
    let model = |name: &str| {
        json!({
            "name": format!("models/{name}"), "displayName": name, "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        })
    };
    if name.is_empty() {
        let models = ["gemini-2.5-flash", "gemini-2.5-pro"].map(model);
        return json!({ "models": models });
    }
    model(name)
}

/// What `{model}:{method}` asks for.
pub fn task(called: &Called<'_>, path: &str) -> Result<Task, Refusal> {
    let Some((model, method)) = path.rsplit_once(':') else {
        return Err(Refusal::not_found("Requested entity was not found."));
    };
    let body = called.json()?;
    match method {
        "generateContent" => Ok(Task::Chat(Box::new(read(&body, model, false)?))),
        "streamGenerateContent" => {
            let mut prompt = read(&body, model, true)?;
            // Without `alt=sse` the pieces come as one JSON list.
            prompt.is_usage_asked = called.query("alt") == Some("sse");
            Ok(Task::Chat(Box::new(prompt)))
        }
        "countTokens" => {
            let inner = body.get("generateContentRequest").cloned().unwrap_or(body);
            read(&inner, model, false)?;
            let make = |options: &MockOptions, _| {
                let details = json!([{ "modality": "TEXT", "tokenCount": options.prompt_tokens }]);
                json!({ "totalTokens": options.prompt_tokens, "promptTokensDetails": details }).to_string().into_bytes()
            };
            Ok(Task::Plain { model: model.to_owned(), make: Box::new(make) })
        }
        "embedContent" => {
            check_content(&body)?;
            let dimensions = dimensions(&body);
            let make = move |options: &MockOptions, _| {
                json!({ "embedding": { "values": vector(0, options, dimensions) } }).to_string().into_bytes()
            };
            Ok(Task::Plain { model: model.to_owned(), make: Box::new(make) })
        }
        "batchEmbedContents" => {
            for request in list(&body, "requests") {
                check_content(request)?;
                if request.get("model").and_then(Value::as_str) != Some(&format!("models/{model}")) {
                    return Err(Refusal::bad(
                        "* BatchEmbedContentsRequest.requests[0].model: model does not match the model in the batch request.",
                    ));
                }
            }
            let dimensions: Vec<_> = list(&body, "requests").iter().map(dimensions).collect();
            let make = move |options: &MockOptions, _| {
                let vectors = dimensions.iter().enumerate();
                let vectors = vectors.map(|(index, length)| json!({ "values": vector(index, options, *length) }));
                json!({ "embeddings": vectors.collect::<Value>() }).to_string().into_bytes()
            };
            Ok(Task::Plain { model: model.to_owned(), make: Box::new(make) })
        }
        _ => Err(Refusal::not_found("Requested entity was not found.")),
    }
}

fn check_content(body: &Value) -> Result<(), Refusal> {
    if body.pointer("/content/parts/0").is_none() {
        return Err(Refusal::bad("* EmbedContentRequest.content: contents is not specified"));
    }
    let known = ["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"];
    match super::json::unknown(body, &known) {
        None => Ok(()),
        Some(name) => {
            Err(Refusal::bad(format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.")))
        }
    }
}

fn dimensions(body: &Value) -> Option<usize> {
    usize::try_from(body.get("outputDimensionality")?.as_u64()?).ok()
}

fn finish_reason(stop: &Stop) -> &str {
    match stop {
        // Google has no reason of its own for a tool call.
        Stop::End | Stop::Sequence(_) | Stop::ToolCalls => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Filter => "SAFETY",
        Stop::Other(other) => other,
    }
}

fn usage(reply: &Reply) -> Value {
    let tokens = reply.tokens;
    let mut usage = json!({
        "promptTokenCount": tokens.input,
        // Without the thoughts, which stand apart.
        "candidatesTokenCount": tokens.output.saturating_sub(tokens.reasoning),
        "totalTokenCount": tokens.input.saturating_add(tokens.output),
        "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens.input }],
    });
    if tokens.cached > 0 {
        usage["cachedContentTokenCount"] = tokens.cached.into();
    }
    if tokens.reasoning > 0 {
        usage["thoughtsTokenCount"] = tokens.reasoning.into();
    }
    usage
}

fn calls(reply: &Reply) -> Vec<Value> {
    let mut calls = Vec::new();
    for (index, call) in reply.calls.iter().enumerate() {
        let mut part = json!({ "functionCall": { "name": call.name, "args": call.object() } });
        // Of calls that are made at once only the first is signed.
        if index == 0 {
            part["thoughtSignature"] = call.signature().into();
        }
        calls.push(part);
    }
    calls
}

/// One answer, or one piece of it.
fn answer(reply: &Reply, parts: &[Value], reason: Option<&str>) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(reason) = reason {
        candidate["finishReason"] = reason.into();
    }
    json!({
        "candidates": [candidate],
        "modelVersion": reply.prompt.model,
        "responseId": format!("mock{:05}", reply.sequence),
    })
}

fn whole(reply: &Reply) -> Value {
    let mut parts = Vec::new();
    if let Some(thoughts) = &reply.thoughts {
        parts.push(json!({ "text": thoughts.whole(), "thought": true }));
    }
    if reply.calls.is_empty() {
        let text = reply.text.whole();
        let mut part = json!({ "text": text });
        if reply.thoughts.is_some() {
            part["thoughtSignature"] = sign(ANSWER).into();
        }
        parts.push(part);
    }
    parts.extend(calls(reply));
    let mut answer = answer(reply, &parts, Some(finish_reason(&reply.stop)));
    if reply.has_usage {
        answer["usageMetadata"] = usage(reply);
    }
    answer
}

fn frames(reply: &Reply) -> Frames {
    let mut pieces: Vec<(Value, bool)> = Vec::new();
    for thought in reply.thoughts.iter().flat_map(super::reply::Text::pieces) {
        pieces.push((answer(reply, &[json!({ "text": thought, "thought": true })], None), true));
    }
    for text in reply.text.pieces() {
        pieces.push((answer(reply, &[json!({ "text": text })], None), true));
    }
    for call in calls(reply) {
        pieces.push((answer(reply, &[call], None), true));
    }
    // Every piece tells the numbers so far; the last one has all of them, and the reason.
    for (piece, _) in &mut pieces {
        piece["usageMetadata"] =
            json!({ "promptTokenCount": reply.tokens.input, "totalTokenCount": reply.tokens.input });
    }
    if reply.has_end {
        let mut end = json!({ "text": "" });
        if reply.thoughts.is_some() && reply.calls.is_empty() {
            end["thoughtSignature"] = sign(ANSWER).into();
        }
        let mut last = answer(reply, &[end], Some(finish_reason(&reply.stop)));
        if reply.has_usage {
            last["usageMetadata"] = usage(reply);
        }
        pieces.push((last, false));
    }
    let is_sse = reply.prompt.is_usage_asked;
    let count = pieces.len();
    let frames = pieces.into_iter().enumerate().map(move |(index, (piece, is_content))| {
        let bytes = if is_sse {
            Bytes::from(format!("data: {piece}\r\n\r\n"))
        } else {
            let (opening, closing) =
                (if index == 0 { "[" } else { ",\r\n" }, if index + 1 == count { "]" } else { "" });
            Bytes::from(format!("{opening}{piece}{closing}"))
        };
        Frame { bytes, is_content }
    });
    Box::new(frames)
}
