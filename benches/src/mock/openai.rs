//! OpenAI's chat completions, legacy completions, list of models, errors: the format that most vendors share.

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::openai_read::ChatBody;
use super::options::MockOptions;
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::reply::{Reply, Stop, word};
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor};

/// `POST /v1/chat/completions`
pub struct Chat;

impl Vendor for Chat {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        called.posts_to(&["/v1/chat/completions", "/chat/completions"]).then(|| read_chat(called.body))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        chat_completion(reply).to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        chat_frames(reply)
    }

    fn stream_fault(&self) -> Bytes {
        let error = self.error(&Refusal { status: 500, ..Refusal::bad("The mock upstream had an error.") });
        Bytes::from([b"data: ", error.body.as_slice(), b"\n\n"].concat())
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }
}

/// A chat of OpenAI's, wherever it came in.
pub fn read_chat(body: &[u8]) -> Result<Task, Refusal> {
    let body: ChatBody<'_> = serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))?;
    Ok(Task::Chat(Box::new(body.prompt()?)))
}

/// OpenAI's error body.
pub fn error(refusal: &Refusal) -> ErrorBody {
    let (kind, default_code) = match refusal.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    let code = refusal.code.as_deref().or(default_code);
    ErrorBody::json(json!({
        "error": { "message": refusal.message, "type": kind, "param": refusal.param, "code": code }
    }))
}

fn finish_reason(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) => "stop",
        Stop::Length => "length",
        Stop::ToolCalls => "tool_calls",
        Stop::Filter => "content_filter",
        Stop::Other(other) => other,
    }
}

/// `usage` in chat completions.
pub fn usage(reply: &Reply) -> Value {
    let tokens = reply.tokens;
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input.saturating_add(tokens.output),
        "prompt_tokens_details": { "cached_tokens": tokens.cached, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        }
    })
}

/// An unstreamed chat completion.
pub fn chat_completion(reply: &Reply) -> Value {
    let mut message = json!({ "role": "assistant", "content": null, "refusal": null, "annotations": [] });
    if reply.calls.is_empty() {
        message["content"] = Value::from(reply.text.whole());
    } else {
        let call = |call: &super::reply::Call| {
            json!({
                "id": format!("call_{}", call.id), "type": "function",
                "function": { "name": call.name, "arguments": call.arguments }
            })
        };
        message["tool_calls"] = reply.calls.iter().map(call).collect();
    }
    let mut body = json!({
        "id": format!("chatcmpl-mock-{}", reply.sequence),
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.prompt.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(&reply.stop),
        }],
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    });
    if let (true, Some(object)) = (reply.has_usage, body.as_object_mut()) {
        object.insert("usage".to_owned(), usage(reply));
    }
    body
}

/// Writes what is the same in every chunk.
struct ChunkWriter {
    head: String,
    tail: &'static str,
}

impl ChunkWriter {
    fn new(reply: &Reply) -> Self {
        let model = Value::from(reply.prompt.model.as_str());
        let head = format!(
            "data: {{\"id\":\"chatcmpl-mock-{}\",\"object\":\"chat.completion.chunk\",\
             \"created\":{},\"model\":{model},\"service_tier\":\"default\",\
             \"system_fingerprint\":\"fp_mock\",\"choices\":[",
            reply.sequence, reply.created
        );
        // OpenAI sends `usage: null` in every chunk once usage is asked for, and no such field otherwise.
        let tail = if reply.prompt.is_usage_asked { "],\"usage\":null}\n\n" } else { "]}\n\n" };
        Self { head, tail }
    }

    fn choice(&self, delta: &str, finish_reason: &str) -> String {
        let Self { head, tail } = self;
        format!("{head}{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish_reason}}}{tail}")
    }

    fn delta(&self, delta: &Value) -> String {
        self.choice(&delta.to_string(), "null")
    }
}

fn chat_frames(reply: Reply) -> Frames {
    let writer = ChunkWriter::new(&reply);
    let role = if reply.calls.is_empty() {
        writer.choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null")
    } else {
        writer.choice(r#"{"role":"assistant","content":null,"refusal":null}"#, "null")
    };
    let mut calls = Vec::new();
    for (index, call) in reply.calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        let opening =
            json!({ "index": index, "id": format!("call_{}", call.id), "type": "function", "function": function });
        calls.push(Frame::other(writer.delta(&json!({ "tool_calls": [opening] }))));
        for piece in call.pieces() {
            let piece = json!({ "index": index, "function": { "arguments": piece } });
            calls.push(Frame::content(writer.delta(&json!({ "tool_calls": [piece] }))));
        }
    }
    let mut tail = vec![Frame::other(writer.choice("{}", &Value::from(finish_reason(&reply.stop)).to_string()))];
    if reply.prompt.is_usage_asked && reply.has_usage {
        tail.push(Frame::other(format!("{}],\"usage\":{}}}\n\n", writer.head, usage(&reply))));
    }
    if reply.has_end {
        tail.push(Frame::other("data: [DONE]\n\n"));
    }
    let words = TextFrames { writer, reply, next: 0 };
    Box::new(std::iter::once(Frame::other(role)).chain(words).chain(calls).chain(tail))
}

/// The text of a stream, one piece at a time: a load test's streams are never held whole.
struct TextFrames {
    writer: ChunkWriter,
    reply: Reply,
    next: u32,
}

impl Iterator for TextFrames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        use super::reply::Text;
        let text = match &self.reply.text {
            Text::Words { chunks, chunk_bytes } => {
                (self.next < *chunks).then(|| format!("{{\"content\":\"{}\"}}", word(self.next, *chunk_bytes)))
            }
            Text::Said(pieces) => {
                let piece = pieces.get(usize::try_from(self.next).unwrap_or(usize::MAX));
                piece.map(|piece| json!({ "content": piece }).to_string())
            }
        }?;
        self.next += 1;
        Some(Frame::content(self.writer.choice(&text, "null")))
    }
}

/// `POST /v1/completions`
pub struct Completions;

/// What is read of a legacy completion.
#[derive(Debug, Default, Deserialize)]
struct CompletionBody {
    #[serde(default)]
    model: String,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<Map<String, Value>>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    stop: Option<Value>,
    #[serde(default)]
    prompt: Option<Value>,
}

/// A legacy completion of OpenAI's, wherever it came in.
pub fn read_completion(body: &[u8]) -> Result<Task, Refusal> {
    let body: CompletionBody = serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))?;
    if body.prompt.is_none() {
        return Err(Refusal::field("prompt", "You must provide a 'prompt'."));
    }
    let options = body.stream_options.unwrap_or_default();
    Ok(Task::Chat(Box::new(Prompt {
        model: body.model,
        is_streamed: body.stream == Some(true),
        is_usage_asked: options.get("include_usage") == Some(&Value::Bool(true)),
        max_tokens: body.max_tokens,
        stop: super::openai_read::texts(body.stop.as_ref()),
        ..Prompt::default()
    })))
}

impl Completions {
    fn chunk(reply: &Reply, text: &str, finish_reason: Option<&str>) -> Value {
        json!({
            "id": format!("cmpl-mock-{}", reply.sequence),
            "object": "text_completion",
            "created": reply.created,
            "model": reply.prompt.model,
            "choices": [{ "index": 0, "text": text, "logprobs": null, "finish_reason": finish_reason }],
        })
    }
}

impl Vendor for Completions {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        called.posts_to(&["/v1/completions", "/completions"]).then(|| read_completion(called.body))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        let mut body = Self::chunk(reply, &reply.text.whole(), Some(finish_reason(&reply.stop)));
        body["usage"] = usage(reply);
        body.to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        let event = |value: &Value| Bytes::from(format!("data: {value}\n\n"));
        let texts = reply.text.pieces().map(|text| Self::chunk(&reply, &text, None));
        let mut frames: Vec<Frame> = texts.map(|chunk| Frame::content(event(&chunk))).collect();
        frames.push(Frame::other(event(&Self::chunk(&reply, "", Some(finish_reason(&reply.stop))))));
        if reply.prompt.is_usage_asked && reply.has_usage {
            let mut last = Self::chunk(&reply, "", None);
            last["choices"] = json!([]);
            last["usage"] = usage(&reply);
            frames.push(Frame::other(event(&last)));
        }
        if reply.has_end {
            frames.push(Frame::other("data: [DONE]\n\n"));
        }
        Box::new(frames.into_iter())
    }

    fn stream_fault(&self) -> Bytes {
        Chat.stream_fault()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }
}

/// `GET /v1/models`
pub struct Models;

impl Vendor for Models {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        // Anthropic's list stands at the same place; its clients name the version of the protocol.
        let is_asked = called.parts.method == Method::GET
            && ["/v1/models", "/models"].contains(&called.path)
            && called.header("anthropic-version").is_none();
        is_asked.then(|| Ok(Task::fixed("", models())))
    }

    fn whole(&self, _: &Reply) -> Vec<u8> {
        Vec::new()
    }

    fn frames(&self, _: Reply) -> Frames {
        Box::new(std::iter::empty())
    }

    fn stream_fault(&self) -> Bytes {
        Bytes::new()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }
}

/// The list of models.
pub fn models() -> Value {
    let model = |id: &str| json!({ "id": id, "object": "model", "created": 1_715_367_049, "owned_by": "mock" });
    let models = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"].map(model);
    json!({ "object": "list", "data": models })
}

/// The vector of the input at `index`: small exact binary fractions, the same whichever way they are encoded.
pub fn vector(index: usize, options: &MockOptions, dimensions: Option<usize>) -> Vec<f32> {
    const STEPS: [f32; 4] = [0.5, -0.25, 0.125, -0.0625];
    (0..dimensions.unwrap_or(options.dimensions))
        .map(|place| STEPS.get((place + index) % STEPS.len()).copied().unwrap_or_default())
        .collect()
}
