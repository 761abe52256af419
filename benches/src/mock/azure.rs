//! Azure OpenAI: OpenAI's format at the paths of a deployment, with Azure's own errors and content filter.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{self, Chat, Completions, read_chat, read_completion};
use super::openai_embeddings::read_embeddings;
use super::openai_responses::Responses;
use super::openai_responses_read::read_responses;
use super::refusal::Refusal;
use super::reply::Reply;
use super::tokens::ENTRA_TOKEN;
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor, data_event};

/// The protocol.
pub struct Azure;

/// Written into the request of a prompt: which of OpenAI's protocols it is.
const KIND: &str = "azure";

impl Vendor for Azure {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        if let Some(rest) = called.path.strip_prefix("/openai/deployments/") {
            let (deployment, path) = rest.split_once('/')?;
            return Some(authorize(called).and_then(|()| deployed(called, deployment, path)));
        }
        if called.path == "/openai/responses" {
            return Some(authorize(called).and_then(|()| older_responses(called)));
        }
        let path = called.path.strip_prefix("/openai/v1/")?;
        Some(authorize(called).and_then(|()| task(called, path)))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        if is(reply, "responses") {
            return Responses.whole(reply);
        }
        if is(reply, "completions") {
            return Completions.whole(reply);
        }
        let mut body = openai::chat_completion(reply);
        body["prompt_filter_results"] = prompt_filter();
        body["choices"][0]["content_filter_results"] = content_filter();
        body.to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        if is(&reply, "responses") {
            return Responses.frames(reply);
        }
        if is(&reply, "completions") {
            return Completions.frames(reply);
        }
        // Before the first chunk of OpenAI's comes what the filter thinks of the prompt, in a chunk without choices.
        let first = json!({
            "choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": prompt_filter()
        });
        Box::new(std::iter::once(Frame::other(data_event(&first))).chain(Chat.frames(reply)))
    }

    fn stream_fault(&self) -> Bytes {
        Chat.stream_fault()
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        let code = match refusal.status {
            401 => "401",
            404 => "DeploymentNotFound",
            429 => "429",
            _ => return openai::error(refusal),
        };
        let code = refusal.code.as_deref().unwrap_or(code);
        ErrorBody::json(json!({ "error": { "code": code, "message": refusal.message } }))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("apim-request-id", "00000000-0000-4000-8000-000000000000"), ("x-ms-region", "Mock Central")]
    }
}

fn is(reply: &Reply, kind: &str) -> bool {
    reply.prompt.request.get(KIND).and_then(Value::as_str) == Some(kind)
}

fn authorize(called: &Called<'_>) -> Result<(), Refusal> {
    let has_key = called.header("api-key").is_some_and(|key| !key.is_empty());
    match called.bearer() {
        // The v1 surface takes a key as a bearer token too; a token of Entra has to be the one that was given.
        Some(token) if !token.starts_with("eyJ") || token == ENTRA_TOKEN => Ok(()),
        _ if has_key => Ok(()),
        _ => Err(Refusal::unauthorized(
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an \
             active subscription and use a correct regional API endpoint for your resource.",
        )),
    }
}

/// `{deployment}/{path}?api-version=…`: the deployment is the model, whatever the body says.
fn deployed(called: &Called<'_>, deployment: &str, path: &str) -> Result<Task, Refusal> {
    let is_version = |version: &str| version.len() >= 10 && version.starts_with("20");
    if !called.query("api-version").is_some_and(is_version) {
        return Err(Refusal { code: Some("404".to_owned()), ..Refusal::not_found("Resource not found") });
    }
    Ok(match task(called, path)? {
        Task::Chat(mut prompt) => {
            deployment.clone_into(&mut prompt.model);
            Task::Chat(prompt)
        }
        Task::Plain { make, .. } => Task::Plain { model: deployment.to_owned(), make },
    })
}

/// Responses are not of a deployment, and newer than the oldest versions.
fn older_responses(called: &Called<'_>) -> Result<Task, Refusal> {
    if called.query("api-version").is_none_or(|version| version < "2025-03") {
        return Err(Refusal { code: Some("404".to_owned()), ..Refusal::not_found("Resource not found") });
    }
    task(called, "responses")
}

fn task(called: &Called<'_>, path: &str) -> Result<Task, Refusal> {
    let (kind, task) = match path {
        "chat/completions" => ("chat", read_chat(called.body)?),
        "completions" => ("completions", read_completion(called.body)?),
        "embeddings" => ("embeddings", read_embeddings(called.body)?),
        "responses" => ("responses", read_responses(called)?),
        "models" => return Ok(Task::fixed("", openai::models())),
        _ => return Err(Refusal { code: Some("404".to_owned()), ..Refusal::not_found("Resource not found") }),
    };
    Ok(match task {
        Task::Chat(mut prompt) => {
            match &mut prompt.request {
                Value::Object(members) => drop(members.insert(KIND.to_owned(), kind.into())),
                request => *request = json!({ KIND: kind }),
            }
            Task::Chat(prompt)
        }
        plain @ Task::Plain { .. } => plain,
    })
}

fn content_filter() -> Value {
    let safe = json!({ "filtered": false, "severity": "safe" });
    json!({ "hate": safe, "self_harm": safe, "sexual": safe, "violence": safe })
}

fn prompt_filter() -> Value {
    json!([{ "prompt_index": 0, "content_filter_results": content_filter() }])
}
