//! Mistral: OpenAI's format with fewer fields, all others refused.

use bytes::Bytes;
use serde_json::{Value, json};

use super::json::{list, text, unknown};
use super::openai::{Chat, read_chat};
use super::openai_embeddings::read_embeddings;
use super::refusal::Refusal;
use super::reply::Reply;
use super::vendor::{Called, ErrorBody, Frames, Task, Vendor};

/// The protocol.
pub struct Mistral;

/// Fields of `POST /v1/chat/completions` (Mistral's API reference).
const CHAT: [&str; 22] = [
    "frequency_penalty",
    "guardrails",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_mode",
    "random_seed",
    "reasoning_effort",
    "response_format",
    "safe_prompt",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];
/// Fields of `POST /v1/embeddings`.
const EMBEDDINGS: [&str; 6] = ["encoding_format", "input", "metadata", "model", "output_dimension", "output_dtype"];

impl Vendor for Mistral {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let path = called.path.strip_prefix("/mistral/v1/")?;
        Some(task(called, path))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        Chat.whole(reply)
    }

    fn frames(&self, reply: Reply) -> Frames {
        Chat.frames(reply)
    }

    fn stream_fault(&self) -> Bytes {
        Chat.stream_fault()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        if refusal.status == 422 {
            let loc: Vec<&str> = refusal.param.as_deref().unwrap_or_default().split('.').collect();
            let detail = json!([{ "type": "extra_forbidden", "loc": loc, "msg": refusal.message, "input": null }]);
            return ErrorBody::json(json!({
                "object": "error", "message": { "detail": detail }, "type": "invalid_request_error", "param": null, "code": null
            }));
        }
        let (kind, code) = match refusal.status {
            401 => return ErrorBody::json(json!({ "detail": "Unauthorized" })),
            404 | 400 => ("invalid_request_error", "3000"),
            429 => ("rate_limited", "1300"),
            _ => ("internal_server_error", "1000"),
        };
        ErrorBody::json(json!({
            "object": "error", "message": refusal.message, "type": kind, "param": null, "code": code
        }))
    }
}

fn task(called: &Called<'_>, path: &str) -> Result<Task, Refusal> {
    if called.bearer().is_none() {
        return Err(Refusal::unauthorized("Unauthorized"));
    }
    let body = called.json()?;
    match path {
        "chat/completions" => {
            check(&body, &CHAT)?;
            messages(&body)?;
            // Mistral's word for it is `any`, and `required` is the same.
            let body =
                String::from_utf8_lossy(called.body).replace(r#""tool_choice":"any""#, r#""tool_choice":"required""#);
            Ok(match read_chat(body.as_bytes())? {
                Task::Chat(mut prompt) => {
                    // Streams end with usage, asked or not.
                    prompt.is_usage_asked = true;
                    Task::Chat(prompt)
                }
                plain @ Task::Plain { .. } => plain,
            })
        }
        "embeddings" => {
            check(&body, &EMBEDDINGS)?;
            read_embeddings(called.body)
        }
        _ => Err(Refusal::not_found("no Route matched with those values")),
    }
}

fn check(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    match unknown(body, known) {
        None => Ok(()),
        Some(name) => Err(Refusal {
            status: 422,
            param: Some(format!("body.{name}")),
            ..Refusal::bad("Extra inputs are not permitted")
        }),
    }
}

/// No `developer`; a list of messages ends with the user or a tool.
fn messages(body: &Value) -> Result<(), Refusal> {
    let messages = list(body, "messages");
    for message in messages {
        let role = text(message, "role").unwrap_or_default();
        if !["system", "user", "assistant", "tool"].contains(&role) {
            return Err(Refusal {
                status: 422,
                ..Refusal::field("body.messages", format!("Unexpected role '{role}'"))
            });
        }
    }
    match messages.last().and_then(|last| text(last, "role")) {
        Some("assistant" | "system") => Err(Refusal::bad(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
        )),
        _ => Ok(()),
    }
}
