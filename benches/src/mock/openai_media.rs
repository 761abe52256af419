//! OpenAI's interfaces beside chats: sound, pictures, moderations, reranking, files and batches. One file per interface; what
//! they have in common stands here.

use serde_json::{Value, json};

use super::options::MockOptions;
use super::vendor::Called;
use super::{openai_audio, openai_files, openai_images};

/// An answer that is known at once.
#[derive(Debug)]
pub struct Fixed {
    /// Its status.
    pub status: u16,
    /// Its type.
    pub content_type: &'static str,
    /// Its body.
    pub body: Vec<u8>,
    /// The model that was asked.
    pub model: String,
}

impl Fixed {
    /// A JSON document.
    pub fn json(model: &str, body: &Value) -> Self {
        Self::of(model, "application/json", body.to_string())
    }

    /// Anything.
    pub fn of(model: &str, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type, body: body.into(), model: model.to_owned() }
    }

    /// OpenAI's error.
    pub fn error(status: u16, message: &str) -> Self {
        let error =
            json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": null } });
        Self { status, ..Self::json("", &error) }
    }
}

/// The answer, where the path is one of these interfaces'.
pub fn answer(called: &Called<'_>, options: &MockOptions) -> Option<Fixed> {
    let path = called.path.strip_prefix("/v1")?;
    openai_audio::answer(called, path, options)
        .or_else(|| openai_images::answer(called, path, options))
        .or_else(|| openai_files::answer(called, path))
        .or_else(|| judged(called, path, options))
}

/// Moderations and reranking.
fn judged(called: &Called<'_>, path: &str, options: &MockOptions) -> Option<Fixed> {
    let body: Value = serde_json::from_slice(called.body).ok()?;
    let model = body["model"].as_str()?;
    match path {
        "/moderations" => {
            let result = json!({ "flagged": false, "categories": { "violence": false }, "category_scores": { "violence": 0.01 } });
            Some(Fixed::json(model, &json!({ "id": "modr-mock", "model": model, "results": [result] })))
        }
        "/rerank" => {
            let count = body["documents"].as_array().map_or(0, Vec::len);
            let results: Vec<Value> =
                (0..count).map(|index| json!({ "index": index, "relevance_score": 0.5 })).collect();
            let usage = json!({ "total_tokens": options.prompt_tokens });
            Some(Fixed::json(
                model,
                &json!({ "id": "rerank-mock", "model": model, "results": results, "usage": usage }),
            ))
        }
        _ => None,
    }
}

/// The value of a form's field, read by nothing but its place: the mock must not share the gateway's reading.
pub fn field(body: &[u8], name: &str) -> Option<String> {
    let opening = format!("name=\"{name}\"\r\n\r\n");
    let start = memchr::memmem::find(body, opening.as_bytes())? + opening.len();
    let length = memchr::memmem::find(&body[start..], b"\r\n")?;
    Some(String::from_utf8_lossy(&body[start..start + length]).into_owned())
}

/// The bytes of a form's first file.
pub fn first_file(body: &[u8]) -> &[u8] {
    let start = || {
        let at = memchr::memmem::find(body, b"filename=\"")?;
        Some(at + memchr::memmem::find(&body[at..], b"\r\n\r\n")? + 4)
    };
    let Some(start) = start() else { return &[] };
    let boundary = body.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let end = memchr::memmem::find(&body[start..], boundary).map_or(body.len(), |at| start + at);
    &body[start..end.saturating_sub(2).max(start)]
}
