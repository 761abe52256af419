//! Anthropic's Messages API: `/v1/messages`, `/v1/messages/count_tokens`, `/v1/models`.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::anthropic_read::{OLD_VERSION, read};
use super::refusal::Refusal;
use super::reply::{Reply, Stop};
use super::signature::sign;
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor, named_event};

/// The protocol.
pub struct Anthropic;

impl Vendor for Anthropic {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let is_models = called.parts.method == Method::GET && called.path == "/v1/models";
        if is_models || called.posts_to(&["/v1/messages", "/v1/messages/count_tokens"]) {
            Some(authorize(called).and_then(|()| if is_models { Ok(Task::fixed("", models())) } else { task(called) }))
        } else {
            None
        }
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        let mut body = opening(reply);
        body["content"] = Value::Array(content(reply));
        let (reason, sequence) = stop(&reply.stop);
        body["stop_reason"] = reason.into();
        body["stop_sequence"] = sequence.into();
        body["usage"] = usage(reply, reply.tokens.output);
        body.to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        frames(&reply)
    }

    fn stream_fault(&self) -> Bytes {
        let error = json!({ "type": "overloaded_error", "message": "Overloaded" });
        named_event(&json!({ "type": "error", "error": error, "request_id": "req_mock" }))
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        let kind = match refusal.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        let kind = refusal.code.as_deref().unwrap_or(kind);
        let error = json!({ "type": kind, "message": refusal.message });
        ErrorBody::json(json!({ "type": "error", "error": error, "request_id": "req_mock" }))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("request-id", "req_mock"),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
            ("anthropic-ratelimit-requests-limit", "1000"),
            ("anthropic-ratelimit-requests-remaining", "999"),
        ]
    }
}

fn authorize(called: &Called<'_>) -> Result<(), Refusal> {
    if called.header("x-api-key").is_none_or(str::is_empty) && called.bearer().is_none() {
        return Err(Refusal::unauthorized("x-api-key header is required"));
    }
    match called.header("anthropic-version") {
        Some(OLD_VERSION | "2026-10-21") => Ok(()),
        Some(other) => Err(Refusal::bad(format!("anthropic-version: \"{other}\" is not a valid version"))),
        None => Err(Refusal::bad("anthropic-version: header is required")),
    }
}

fn task(called: &Called<'_>) -> Result<Task, Refusal> {
    let body = called.json()?;
    let is_counted_only = called.path.ends_with("/count_tokens");
    let prompt = read(&body, called.header("anthropic-version").unwrap_or_default(), is_counted_only)?;
    if is_counted_only {
        let model = prompt.model;
        let make = |options: &super::options::MockOptions, _| {
            json!({ "input_tokens": options.prompt_tokens }).to_string().into_bytes()
        };
        return Ok(Task::Plain { model, make: Box::new(make) });
    }
    Ok(Task::Chat(Box::new(prompt)))
}

fn models() -> Value {
    let model =
        |id: &str| json!({ "type": "model", "id": id, "display_name": id, "created_at": "2025-09-29T00:00:00Z" });
    let data = ["claude-sonnet-4-5", "claude-haiku-4-5"].map(model);
    json!({ "data": data, "has_more": false, "first_id": "claude-sonnet-4-5", "last_id": "claude-haiku-4-5" })
}

fn opening(reply: &Reply) -> Value {
    json!({
        "id": format!("msg_mock{:05}", reply.sequence),
        "type": "message",
        "role": "assistant",
        "model": reply.prompt.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(reply, 1),
    })
}

fn content(reply: &Reply) -> Vec<Value> {
    let mut content = Vec::new();
    if let Some(thoughts) = reply.thoughts.as_ref().map(super::reply::Text::whole) {
        content.push(json!({ "type": "thinking", "thinking": thoughts, "signature": sign(&thoughts) }));
    }
    if reply.calls.is_empty() {
        content.push(json!({ "type": "text", "text": reply.text.whole() }));
    }
    for call in &reply.calls {
        content.push(json!({
            "type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": call.object()
        }));
    }
    content
}

fn stop(stop: &Stop) -> (&str, Option<&str>) {
    match stop {
        Stop::End => ("end_turn", None),
        Stop::Length => ("max_tokens", None),
        Stop::Sequence(sequence) => ("stop_sequence", Some(sequence)),
        Stop::ToolCalls => ("tool_use", None),
        Stop::Filter => ("refusal", None),
        Stop::Other(other) => (other, None),
    }
}

fn usage(reply: &Reply, output: u64) -> Value {
    let tokens = reply.tokens;
    json!({
        "input_tokens": tokens.input.saturating_sub(tokens.cached).saturating_sub(tokens.written),
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": { "ephemeral_5m_input_tokens": tokens.written, "ephemeral_1h_input_tokens": 0 },
        "output_tokens": output,
        "service_tier": "standard",
    })
}

fn frames(reply: &Reply) -> Frames {
    let event = |value: &Value| named_event(value);
    let start = |index: usize, block: &Value| {
        Frame::other(event(&json!({ "type": "content_block_start", "index": index, "content_block": block })))
    };
    let delta =
        |index: usize, delta: &Value| event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }));
    let end = |index: usize| Frame::other(event(&json!({ "type": "content_block_stop", "index": index })));
    let mut frames = vec![Frame::other(event(&json!({ "type": "message_start", "message": opening(reply) })))];
    let mut index = 0;
    if let Some(thoughts) = &reply.thoughts {
        frames.push(start(index, &json!({ "type": "thinking", "thinking": "", "signature": "" })));
        for piece in thoughts.pieces() {
            frames.push(Frame::content(delta(index, &json!({ "type": "thinking_delta", "thinking": piece }))));
        }
        let signature = json!({ "type": "signature_delta", "signature": sign(&thoughts.whole()) });
        frames.push(Frame::other(delta(index, &signature)));
        frames.push(end(index));
        index += 1;
    }
    if reply.calls.is_empty() {
        frames.push(start(index, &json!({ "type": "text", "text": "" })));
        frames.push(Frame::other(event(&json!({ "type": "ping" }))));
        for piece in reply.text.pieces() {
            frames.push(Frame::content(delta(index, &json!({ "type": "text_delta", "text": piece }))));
        }
        frames.push(end(index));
    }
    for call in &reply.calls {
        let id = format!("toolu_{}", call.id);
        frames.push(start(index, &json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} })));
        frames.push(Frame::other(delta(index, &json!({ "type": "input_json_delta", "partial_json": "" }))));
        for piece in call.pieces() {
            frames.push(Frame::content(delta(index, &json!({ "type": "input_json_delta", "partial_json": piece }))));
        }
        frames.push(end(index));
        index += 1;
    }
    let (reason, sequence) = stop(&reply.stop);
    let last = json!({ "stop_reason": reason, "stop_sequence": sequence });
    // The numbers at the end are the sums so far, prompt included.
    let mut total = usage(reply, reply.tokens.output);
    if let Some(total) = total.as_object_mut() {
        total.remove("service_tier");
        total.remove("cache_creation");
    }
    frames.push(Frame::other(event(&json!({ "type": "message_delta", "delta": last, "usage": total }))));
    if reply.has_end {
        frames.push(Frame::other(event(&json!({ "type": "message_stop" }))));
    }
    Box::new(frames.into_iter())
}
