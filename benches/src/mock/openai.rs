//! OpenAI's wire format: what is read of a request and how answers are written.

use serde::Deserialize;
use serde_json::{Value, json};

use super::options::MockOptions;

/// What the mock reads of a request body; everything else is only kept for the ledger.
#[derive(Debug, Default, Deserialize)]
pub struct RequestBody {
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub input: Option<Value>,
    #[serde(default)]
    pub encoding_format: Option<String>,
}

/// `stream_options` of a request.
#[derive(Debug, Default, Deserialize)]
pub struct StreamOptions {
    #[serde(default)]
    pub include_usage: Option<bool>,
}

impl RequestBody {
    /// Whether the last event before `[DONE]` has to carry usage.
    pub fn is_usage_asked(&self) -> bool {
        self.stream_options.as_ref().and_then(|o| o.include_usage).unwrap_or(false)
    }
}

/// Common English words: each, with the blank before it, is one token in OpenAI's encodings.
const WORDS: [&str; 16] = [
    " the", " model", " said", " that", " one", " more", " word", " will", " come", " after", " this", " and", " then",
    " it", " was", " good",
];

/// The text of an answer: `chunks` words, or `chunks` pieces of `chunk_bytes` bytes.
fn piece(index: u32, chunk_bytes: usize) -> String {
    if chunk_bytes > 0 {
        return "x".repeat(chunk_bytes);
    }
    let place = usize::try_from(index).unwrap_or(0) % WORDS.len();
    WORDS.get(place).copied().unwrap_or(" word").to_owned()
}

/// `usage` as the options ask for it.
pub fn usage(options: &MockOptions) -> Value {
    json!({
        "prompt_tokens": options.prompt_tokens,
        "completion_tokens": options.completion_tokens(),
        "total_tokens": options.prompt_tokens.saturating_add(options.completion_tokens()),
        "prompt_tokens_details": { "cached_tokens": options.cached_tokens, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": options.reasoning_tokens, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        }
    })
}

/// The body of an unstreamed chat completion.
pub fn chat_completion(sequence: u64, created: u64, model: &str, options: &MockOptions) -> Vec<u8> {
    let content: String = (0..options.chunks).map(|index| piece(index, options.chunk_bytes)).collect();
    let mut body = json!({
        "id": format!("chatcmpl-mock-{sequence}"),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content, "refusal": null, "annotations": [] },
            "logprobs": null,
            "finish_reason": options.finish_reason,
        }],
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    });
    if let (false, Some(object)) = (options.no_usage, body.as_object_mut()) {
        object.insert("usage".to_owned(), usage(options));
    }
    body.to_string().into_bytes()
}

/// The body of an unstreamed legacy completion.
pub fn text_completion(sequence: u64, created: u64, model: &str, options: &MockOptions) -> Vec<u8> {
    let text: String = (0..options.chunks).map(|index| piece(index, options.chunk_bytes)).collect();
    json!({
        "id": format!("cmpl-mock-{sequence}"),
        "object": "text_completion",
        "created": created,
        "model": model,
        "choices": [{ "index": 0, "text": text, "logprobs": null, "finish_reason": options.finish_reason }],
        "usage": usage(options),
    })
    .to_string()
    .into_bytes()
}

/// The list of models.
pub fn models() -> Vec<u8> {
    let model = |id: &str| json!({ "id": id, "object": "model", "created": 1_715_367_049, "owned_by": "mock" });
    let data = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"].map(model);
    json!({ "object": "list", "data": data }).to_string().into_bytes()
}

/// OpenAI's error body. For 401 the message names the key as received, as OpenAI's own does:
/// a gateway must not let that through.
pub fn error(status: u16, code: Option<&str>, presented_key: Option<&str>) -> Vec<u8> {
    let (kind, default_code, message) = match status {
        401 => {
            let key = presented_key.unwrap_or("(none)");
            ("invalid_request_error", Some("invalid_api_key"), format!("Incorrect API key provided: {key}."))
        }
        404 => ("invalid_request_error", Some("model_not_found"), "The model does not exist.".to_owned()),
        429 => ("requests", Some("rate_limit_exceeded"), "Rate limit reached for requests.".to_owned()),
        400..=499 => ("invalid_request_error", None, "The mock upstream refused the request.".to_owned()),
        _ => ("server_error", None, "The mock upstream had an error.".to_owned()),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code.or(default_code) } })
        .to_string()
        .into_bytes()
}

/// Writes the events of one streamed chat completion.
pub struct ChunkWriter {
    head: String,
    tail: &'static str,
    is_usage_asked: bool,
}

impl ChunkWriter {
    pub fn new(sequence: u64, created: u64, model: &str, is_usage_asked: bool) -> Self {
        let model = Value::from(model);
        let head = format!(
            "data: {{\"id\":\"chatcmpl-mock-{sequence}\",\"object\":\"chat.completion.chunk\",\
             \"created\":{created},\"model\":{model},\"service_tier\":\"default\",\
             \"system_fingerprint\":\"fp_mock\",\"choices\":["
        );
        // OpenAI sends `usage: null` in every chunk once usage is asked for, and no such field otherwise.
        let tail = if is_usage_asked { "],\"usage\":null}\n\n" } else { "]}\n\n" };
        Self { head, tail, is_usage_asked }
    }

    fn choice(&self, delta: &str, finish_reason: &str) -> String {
        let Self { head, tail, .. } = self;
        format!("{head}{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish_reason}}}{tail}")
    }

    pub fn role(&self) -> String {
        self.choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null")
    }

    pub fn content(&self, index: u32, chunk_bytes: usize) -> String {
        let text = piece(index, chunk_bytes);
        self.choice(&format!("{{\"content\":\"{text}\"}}"), "null")
    }

    pub fn finish(&self, reason: &str) -> String {
        self.choice("{}", &Value::from(reason).to_string())
    }

    pub fn usage(&self, options: &MockOptions) -> Option<String> {
        if !self.is_usage_asked || options.no_usage {
            return None;
        }
        Some(format!("{}],\"usage\":{}}}\n\n", self.head, usage(options)))
    }
}

/// The event with which a provider ends a stream that went wrong.
pub fn error_event() -> String {
    let body = error(500, None, None);
    format!("data: {}\n\n", String::from_utf8_lossy(&body))
}
