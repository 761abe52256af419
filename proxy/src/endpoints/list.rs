//! The list of public surfaces.

use deltallm_shared::operation::Operation;
use http::Method;

use super::{Action, Endpoint, Streams, Surface};

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

/// A call to a model with a form.
const fn upload(operation: Operation, paths: &'static [&'static str], json: Option<&'static str>) -> Endpoint {
    let surface = Surface::Upload { operation, json };
    Endpoint { name: operation.name(), method: Method::POST, paths, versioned: true, surface }
}

/// Something at a provider.
const fn object(operation: Operation, action: Action, method: Method, paths: &'static [&'static str]) -> Endpoint {
    let surface = Surface::Object { operation, action };
    Endpoint { name: operation.name(), method, paths, versioned: true, surface }
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
    model(Operation::Moderations, &["/moderations", "/openai/v1/moderations"], "input", Streams::Never),
    model(
        Operation::ImageGenerations,
        &["/images/generations", "/openai/deployments/{model}/images/generations", "/openai/v1/images/generations"],
        "prompt",
        Streams::Asked,
    ),
    model(
        Operation::Speech,
        &["/audio/speech", "/openai/deployments/{model}/audio/speech", "/openai/v1/audio/speech"],
        "input",
        Streams::Never,
    ),
    upload(
        Operation::ImageEdits,
        &["/images/edits", "/openai/deployments/{model}/images/edits", "/openai/v1/images/edits"],
        Some("prompt"),
    ),
    upload(Operation::ImageVariations, &["/images/variations", "/openai/v1/images/variations"], None),
    upload(
        Operation::Transcriptions,
        &[
            "/audio/transcriptions",
            "/openai/deployments/{model}/audio/transcriptions",
            "/openai/v1/audio/transcriptions",
        ],
        None,
    ),
    upload(
        Operation::AudioTranslations,
        &["/audio/translations", "/openai/deployments/{model}/audio/translations", "/openai/v1/audio/translations"],
        None,
    ),
    object(Operation::Files, Action::Create, Method::POST, &["/files", "/openai/files", "/openai/v1/files"]),
    object(Operation::Files, Action::List, Method::GET, &["/files", "/openai/files", "/openai/v1/files"]),
    object(
        Operation::Files,
        Action::Read,
        Method::GET,
        &["/files/{id}", "/openai/files/{id}", "/openai/v1/files/{id}"],
    ),
    object(
        Operation::Files,
        Action::Delete,
        Method::DELETE,
        &["/files/{id}", "/openai/files/{id}", "/openai/v1/files/{id}"],
    ),
    object(
        Operation::Files,
        Action::ReadPart("/content"),
        Method::GET,
        &["/files/{id}/content", "/openai/files/{id}/content", "/openai/v1/files/{id}/content"],
    ),
    object(Operation::Batches, Action::Create, Method::POST, &["/batches", "/openai/batches", "/openai/v1/batches"]),
    object(Operation::Batches, Action::List, Method::GET, &["/batches", "/openai/batches", "/openai/v1/batches"]),
    object(
        Operation::Batches,
        Action::Read,
        Method::GET,
        &["/batches/{id}", "/openai/batches/{id}", "/openai/v1/batches/{id}"],
    ),
    object(
        Operation::Batches,
        Action::Cancel,
        Method::POST,
        &["/batches/{id}/cancel", "/openai/batches/{id}/cancel", "/openai/v1/batches/{id}/cancel"],
    ),
    object(
        Operation::Responses,
        Action::Read,
        Method::GET,
        &["/responses/{id}", "/openai/responses/{id}", "/openai/v1/responses/{id}"],
    ),
    object(
        Operation::Responses,
        Action::Delete,
        Method::DELETE,
        &["/responses/{id}", "/openai/responses/{id}", "/openai/v1/responses/{id}"],
    ),
    object(
        Operation::Responses,
        Action::Cancel,
        Method::POST,
        &["/responses/{id}/cancel", "/openai/responses/{id}/cancel", "/openai/v1/responses/{id}/cancel"],
    ),
    object(
        Operation::Responses,
        Action::ReadPart("/input_items"),
        Method::GET,
        &["/responses/{id}/input_items", "/openai/responses/{id}/input_items", "/openai/v1/responses/{id}/input_items"],
    ),
    get("realtime", &["/realtime", "/openai/realtime", "/openai/v1/realtime"], true, Surface::Realtime),
    get("models", &["/models"], true, Surface::Models),
    get("model", &["/models/{model}"], true, Surface::Model1),
    get("liveness", &["/health/liveness", "/health/liveliness"], false, Surface::Liveness),
    get("readiness", &["/health/readiness"], false, Surface::Readiness),
];
