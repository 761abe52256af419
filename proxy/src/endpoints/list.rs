//! The list of public surfaces.

use deltallm_shared::operation::Operation;
use http::Method;

use super::{Endpoint, Streams, Surface};

/// A call to a model: `POST`, with and without `/v1`.
const fn model(
    operation: Operation,
    paths: &'static [&'static str],
    required: &'static str,
    streams: Streams,
) -> Endpoint {
    let surface = Surface::Model { operation, required, streams };
    Endpoint { name: operation.name(), method: Method::POST, paths, versioned: true, surface }
}

const fn get(name: &'static str, paths: &'static [&'static str], versioned: bool, surface: Surface) -> Endpoint {
    Endpoint { name, method: Method::GET, paths, versioned, surface }
}

/// The list.
pub static ENDPOINTS: &[Endpoint] = &[
    model(
        Operation::ChatCompletions,
        &["/chat/completions", "/openai/deployments/{model}/chat/completions", "/openai/v1/chat/completions"],
        "messages",
        Streams::Asked,
    ),
    model(
        Operation::Completions,
        &["/completions", "/openai/deployments/{model}/completions", "/openai/v1/completions"],
        "prompt",
        Streams::Asked,
    ),
    model(Operation::Responses, &["/responses", "/openai/responses", "/openai/v1/responses"], "input", Streams::Asked),
    model(Operation::Messages, &["/messages"], "messages", Streams::Asked),
    model(Operation::CountMessageTokens, &["/messages/count_tokens"], "messages", Streams::Never),
    model(
        Operation::GenerateContent,
        &["/models/{model}:generateContent", "/v1beta/models/{model}:generateContent"],
        "contents",
        Streams::Never,
    ),
    model(
        Operation::GenerateContent,
        &["/models/{model}:streamGenerateContent", "/v1beta/models/{model}:streamGenerateContent"],
        "contents",
        Streams::Always,
    ),
    model(
        Operation::CountContentTokens,
        &["/models/{model}:countTokens", "/v1beta/models/{model}:countTokens"],
        "contents",
        Streams::Never,
    ),
    model(
        Operation::Embeddings,
        &["/embeddings", "/openai/deployments/{model}/embeddings", "/openai/v1/embeddings"],
        "input",
        Streams::Never,
    ),
    model(Operation::Rerank, &["/rerank", "/v2/rerank"], "query", Streams::Never),
    get("models", &["/models"], true, Surface::Models),
    get("model", &["/models/{model}"], true, Surface::Model1),
    get("liveness", &["/health/liveness", "/health/liveliness"], false, Surface::Liveness),
    get("readiness", &["/health/readiness"], false, Surface::Readiness),
];
