//! Amazon Bedrock: `/model/{id}/converse` and `/model/{id}/converse-stream`, signed, the latter as an event stream.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::bedrock_read::read;
use super::event_stream::frame;
use super::json::text;
use super::openai::vector;
use super::options::MockOptions;
use super::refusal::Refusal;
use super::reply::{Reply, Stop};
use super::signature::sign;
use super::sigv4::verify;
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor};

/// The protocol.
pub struct Bedrock;

impl Vendor for Bedrock {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let (model, operation) = called.path.strip_prefix("/model/")?.rsplit_once('/')?;
        if called.parts.method != Method::POST {
            return None;
        }
        Some(authorize(called).and_then(|()| task(called, model, operation)))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        let mut content = Vec::new();
        if let Some(thoughts) = reply.thoughts.as_ref().map(super::reply::Text::whole) {
            let signature = sign(&thoughts);
            content
                .push(json!({ "reasoningContent": { "reasoningText": { "text": thoughts, "signature": signature } } }));
        }
        if reply.calls.is_empty() {
            content.push(json!({ "text": reply.text.whole() }));
        }
        for call in &reply.calls {
            let id = tool_id(call);
            content.push(json!({ "toolUse": { "toolUseId": id, "name": call.name, "input": call.object() } }));
        }
        let mut body = json!({
            "output": { "message": { "role": "assistant", "content": content } },
            "stopReason": stop_reason(&reply.stop),
            "usage": usage(reply),
            "metrics": { "latencyMs": 42 },
        });
        if let Stop::Sequence(sequence) = &reply.stop {
            body["additionalModelResponseFields"] = json!({ "stop_sequence": sequence });
        }
        body.to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        frames(&reply)
    }

    fn stream_fault(&self) -> Bytes {
        let payload = json!({ "message": "The mock upstream had an error." }).to_string();
        let headers = [
            (":exception-type", "internalServerException"),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        frame(&headers, payload.as_bytes())
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        let kind = match refusal.status {
            400 => "ValidationException",
            401 | 403 => "AccessDeniedException",
            404 => "ResourceNotFoundException",
            408 => "ModelTimeoutException",
            424 => "ModelErrorException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailableException",
            _ => "InternalServerException",
        };
        let kind = refusal.code.as_deref().unwrap_or(kind);
        let headers =
            vec![("x-amzn-errortype", format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"))];
        ErrorBody { headers, ..ErrorBody::json(json!({ "message": refusal.message })) }
    }

    fn stream_type(&self) -> &'static str {
        "application/vnd.amazon.eventstream"
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("x-amzn-requestid", "00000000-0000-4000-8000-000000000000")]
    }
}

/// A signature, or a key of Bedrock's own as a bearer token.
fn authorize(called: &Called<'_>) -> Result<(), Refusal> {
    if called.bearer().is_some() { Ok(()) } else { verify(called, "bedrock") }
}

fn task(called: &Called<'_>, model: &str, operation: &str) -> Result<Task, Refusal> {
    let body = called.json()?;
    match operation {
        "converse" => Ok(Task::Chat(Box::new(read(&body, model, false)?))),
        "converse-stream" => Ok(Task::Chat(Box::new(read(&body, model, true)?))),
        "invoke" if model.contains("titan-embed") => {
            let Some(input) = text(&body, "inputText") else {
                return Err(Refusal::bad("Malformed input request: #: required key [inputText] not found"));
            };
            let tokens = input.split_whitespace().count();
            let dimensions = body.get("dimensions").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            let make = move |options: &MockOptions, _| {
                let vector = vector(0, options, dimensions);
                json!({ "embedding": vector, "inputTextTokenCount": tokens }).to_string().into_bytes()
            };
            Ok(Task::Plain { model: model.to_owned(), make: Box::new(make) })
        }
        _ => Err(Refusal { status: 404, ..Refusal::bad("UnknownOperationException") }),
    }
}

fn tool_id(call: &super::reply::Call) -> String {
    format!("tooluse_{}", call.id)
}

fn stop_reason(stop: &Stop) -> &str {
    match stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::Sequence(_) => "stop_sequence",
        Stop::ToolCalls => "tool_use",
        Stop::Filter => "guardrail_intervened",
        Stop::Other(other) => other,
    }
}

fn usage(reply: &Reply) -> Value {
    let tokens = reply.tokens;
    let fresh = tokens.input.saturating_sub(tokens.cached).saturating_sub(tokens.written);
    let mut usage = json!({
        "inputTokens": fresh, "outputTokens": tokens.output, "totalTokens": tokens.input.saturating_add(tokens.output)
    });
    if tokens.cached + tokens.written > 0 {
        usage["cacheReadInputTokens"] = tokens.cached.into();
        usage["cacheWriteInputTokens"] = tokens.written.into();
    }
    usage
}

fn event(kind: &str, payload: &Value) -> Bytes {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

fn frames(reply: &Reply) -> Frames {
    // Bedrock fills every event up to some length, so that lengths tell nothing.
    let filled = |mut payload: Value| {
        payload["p"] = "abcdefghijklmnopqrstuvwxyz".into();
        payload
    };
    let delta = |index: usize, delta: Value| {
        Frame::content(event("contentBlockDelta", &filled(json!({ "contentBlockIndex": index, "delta": delta }))))
    };
    let end = |index: usize| Frame::other(event("contentBlockStop", &filled(json!({ "contentBlockIndex": index }))));
    let mut frames = vec![Frame::other(event("messageStart", &filled(json!({ "role": "assistant" }))))];
    let mut index = 0;
    if let Some(thoughts) = &reply.thoughts {
        // Text and thoughts begin without a start event.
        frames.extend(thoughts.pieces().map(|piece| delta(index, json!({ "reasoningContent": { "text": piece } }))));
        let signature = sign(&thoughts.whole());
        frames.push(delta(index, json!({ "reasoningContent": { "signature": signature } })));
        frames.push(end(index));
        index += 1;
    }
    if reply.calls.is_empty() {
        frames.extend(reply.text.pieces().map(|piece| delta(index, json!({ "text": piece }))));
        frames.push(end(index));
    }
    for call in &reply.calls {
        let start = json!({ "toolUse": { "toolUseId": tool_id(call), "name": call.name } });
        let start = filled(json!({ "contentBlockIndex": index, "start": start }));
        frames.push(Frame::other(event("contentBlockStart", &start)));
        frames.extend(call.pieces().into_iter().map(|piece| delta(index, json!({ "toolUse": { "input": piece } }))));
        frames.push(end(index));
        index += 1;
    }
    if reply.has_end {
        let mut stop = json!({ "stopReason": stop_reason(&reply.stop) });
        if let Stop::Sequence(sequence) = &reply.stop {
            stop["additionalModelResponseFields"] = json!({ "stop_sequence": sequence });
        }
        frames.push(Frame::other(event("messageStop", &filled(stop))));
        if reply.has_usage {
            let metadata = filled(json!({ "usage": usage(reply), "metrics": { "latencyMs": 42 } }));
            frames.push(Frame::other(event("metadata", &metadata)));
        }
    }
    Box::new(frames.into_iter())
}
