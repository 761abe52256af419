//! Embeddings of the Gemini API (`:batchEmbedContents`; "Gemini API reference, Embeddings") and of Vertex AI (`:predict`, and
//! `:embedContent` for Gemini Embedding 2; "Text embeddings API").

use std::borrow::Cow;

use deltallm_shared::{error::ApiError, pricing::Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json, value::RawValue};

use super::{
    error, media,
    usage::UsageMetadata,
    wire::{Blob, FileData, WrittenContent, WrittenPart},
};
use crate::{
    canonical::{Failure, Source, Unsupported},
    dialect::Unreadable,
    embedding::{
        EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, EmbeddingVendor, EmbeddingVendorId, Piece, Task, Vector,
    },
};

/// The Gemini API's interface.
#[derive(Clone, Copy, Debug)]
pub struct GeminiEmbeddings;

/// Vertex AI's interface.
#[derive(Clone, Copy, Debug)]
pub struct VertexEmbeddings;

/// "At most 100 requests can be in one batch."
const MOST_GEMINI_INPUTS: usize = 100;
/// "250 input texts per request."
const MOST_VERTEX_INPUTS: usize = 250;

/// The method of Vertex AI that a model has: it stands at the end of the path.
pub fn vertex_method(model: &str) -> &'static str {
    if takes_contents(model) { "embedContent" } else { "predict" }
}

/// Gemini Embedding 2 and later take pictures, and one content in a call.
fn takes_contents(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    name.strip_prefix("gemini-embedding-")
        .is_some_and(|version| !version.starts_with('0') && !version.starts_with("exp"))
}

impl EmbeddingVendor for GeminiEmbeddings {
    fn id(&self) -> EmbeddingVendorId {
        EmbeddingVendorId::Gemini
    }

    fn inputs_per_call(&self, _model: &str) -> Option<usize> {
        Some(MOST_GEMINI_INPUTS)
    }

    fn write_request(
        &self,
        request: &EmbeddingRequest,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        refuse(request, unsupported)?;
        let model = request.model.strip_prefix("models/").unwrap_or(&request.model);
        let one = |(at, input)| {
            let content = content(input, at, unsupported)?;
            Ok(EmbedContent {
                model: Some(format!("models/{model}")),
                content,
                task_type: request.task.as_ref().map(task_type),
                output_dimensionality: request.dimensions,
            })
        };
        let requests = request.inputs.iter().enumerate().map(one).collect::<Result<Vec<_>, ApiError>>()?;
        Ok(body(&BatchEmbedContents { requests, rest: &request.extra }))
    }

    fn read_answer(&self, body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
        read_contents_answer(body)
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error::read(status, body)
    }
}

impl EmbeddingVendor for VertexEmbeddings {
    fn id(&self) -> EmbeddingVendorId {
        EmbeddingVendorId::Vertex
    }

    fn inputs_per_call(&self, model: &str) -> Option<usize> {
        // "Each request can only include a single input text" holds for Gemini's models.
        let is_gemini = model.rsplit('/').next().is_some_and(|name| name.starts_with("gemini-"));
        Some(if is_gemini { 1 } else { MOST_VERTEX_INPUTS })
    }

    fn write_request(
        &self,
        request: &EmbeddingRequest,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        refuse(request, unsupported)?;
        if takes_contents(&request.model) {
            return write_content(request, unsupported);
        }
        let instance = |(at, input): (usize, &EmbeddingInput)| match input {
            EmbeddingInput::Text(text) => {
                let mut instance = Map::from_iter([("content".to_owned(), json!(text))]);
                instance.extend(request.task.as_ref().map(|task| ("task_type".to_owned(), json!(task_type(task)))));
                Ok(Value::Object(instance))
            }
            _ => Err(unsupported.impossible(&format!("input[{at}]"), "anything but text")),
        };
        let instances = request.inputs.iter().enumerate().map(instance).collect::<Result<Vec<_>, ApiError>>()?;
        let mut all = Map::from_iter([("instances".to_owned(), Value::Array(instances))]);
        if let Some(dimensions) = request.dimensions {
            all.insert("parameters".to_owned(), json!({ "outputDimensionality": dimensions }));
        }
        all.extend(request.extra.clone());
        Ok(body(&all))
    }

    fn read_answer(&self, body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
        let answer: Predictions<'_> =
            serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
        if answer.predictions.is_empty() {
            return read_contents_answer(body);
        }
        let counts = answer
            .predictions
            .iter()
            .filter_map(|prediction| whole(prediction.embeddings.statistics.token_count.as_ref()?));
        let tokens = counts.fold(0_u64, u64::saturating_add);
        let vectors = answer.predictions.iter().map(|prediction| vector(prediction.embeddings.values));
        Ok(EmbeddingAnswer {
            model: String::new(),
            vectors: vectors.collect::<Result<_, _>>()?,
            usage: Some(Usage { input_tokens: tokens, ..Usage::default() }),
        })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error::read(status, body)
    }
}

#[derive(Serialize)]
struct BatchEmbedContents<'a> {
    requests: Vec<EmbedContent<'a>>,
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmbedContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    content: WrittenContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u64>,
}

fn body(value: &impl Serialize) -> Vec<u8> {
    // Text and numbers in memory: nothing of it can fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn refuse(request: &EmbeddingRequest, unsupported: &mut Unsupported<'_>) -> Result<(), ApiError> {
    unsupported.refuse_if(request.user.is_some(), "user")?;
    request.own.keys().try_for_each(|param| unsupported.refuse(param))
}

/// Vertex AI's `:embedContent`: one content.
fn write_content(request: &EmbeddingRequest, unsupported: &Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let [input] = request.inputs.as_slice() else {
        return Err(unsupported.impossible("input", "more than one input in a call"));
    };
    let mut config = Map::new();
    config.extend(request.task.as_ref().map(|task| ("taskType".to_owned(), json!(task_type(task)))));
    config.extend(request.dimensions.map(|dimensions| ("outputDimensionality".to_owned(), json!(dimensions))));
    let mut rest = request.extra.clone();
    if !config.is_empty() {
        rest.insert("embedContentConfig".to_owned(), Value::Object(config));
    }
    #[derive(Serialize)]
    struct Content<'a> {
        content: WrittenContent<'a>,
        #[serde(flatten)]
        rest: Map<String, Value>,
    }
    Ok(body(&Content { content: content(input, 0, unsupported)?, rest }))
}

fn content<'a>(
    input: &'a EmbeddingInput,
    at: usize,
    unsupported: &Unsupported<'_>,
) -> Result<WrittenContent<'a>, ApiError> {
    let path = || format!("input[{at}]");
    let image = |source: &'a Source| match source {
        Source::Data { media_type, data } => Ok(WrittenPart {
            inline_data: Some(Blob { mime_type: media_type.into(), data: data.into(), display_name: None }),
            ..WrittenPart::default()
        }),
        Source::Url { url, media_type } => Ok(WrittenPart {
            file_data: Some(FileData {
                mime_type: media_type.as_deref().or(media::guess(url)).unwrap_or("image/jpeg").into(),
                file_uri: url.into(),
            }),
            ..WrittenPart::default()
        }),
        Source::Text { .. } | Source::File { .. } => {
            Err(unsupported.impossible(&path(), "a picture by the id of a file"))
        }
    };
    let parts = match input {
        EmbeddingInput::Text(text) => vec![WrittenPart::text(text)],
        EmbeddingInput::Image(source) => vec![image(source)?],
        EmbeddingInput::Mixed(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => Ok(WrittenPart::text(text)),
                Piece::Image(source) => image(source),
            });
            pieces.collect::<Result<_, _>>()?
        }
        EmbeddingInput::Tokens(_) => {
            return Err(unsupported.impossible(&path(), "tokens of OpenAI's; send texts"));
        }
    };
    Ok(WrittenContent { parts, role: None })
}

fn task_type(task: &Task) -> Cow<'_, str> {
    match task {
        Task::Query => "RETRIEVAL_QUERY".into(),
        Task::Document => "RETRIEVAL_DOCUMENT".into(),
        Task::Classification => "CLASSIFICATION".into(),
        Task::Clustering => "CLUSTERING".into(),
        Task::Similarity => "SEMANTIC_SIMILARITY".into(),
        Task::Other(word) => word.to_ascii_uppercase().into(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContentEmbeddings<'a> {
    #[serde(borrow)]
    embeddings: Vec<Values<'a>>,
    #[serde(borrow)]
    embedding: Option<Values<'a>>,
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Values<'a> {
    #[serde(borrow)]
    values: Option<&'a RawValue>,
}

/// `{"embeddings":[{"values"}]}`, or `{"embedding":{"values"}}` of one content.
fn read_contents_answer(body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
    let answer: ContentEmbeddings<'_> =
        serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    let all = answer.embeddings.iter().chain(&answer.embedding);
    let vectors: Vec<Vector> = all.map(|embedding| vector(embedding.values)).collect::<Result<_, _>>()?;
    if vectors.is_empty() {
        return Err(Unreadable::new("the answer has no embeddings"));
    }
    let usage = answer.usage_metadata.map(|usage| Usage { output_tokens: 0, ..usage.to_usage() });
    Ok(EmbeddingAnswer { model: String::new(), vectors, usage })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Predictions<'a> {
    #[serde(borrow)]
    predictions: Vec<Prediction<'a>>,
}

#[derive(Deserialize)]
struct Prediction<'a> {
    #[serde(borrow)]
    embeddings: TextEmbedding<'a>,
}

#[derive(Deserialize)]
struct TextEmbedding<'a> {
    #[serde(borrow)]
    values: Option<&'a RawValue>,
    #[serde(default)]
    statistics: Statistics,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Statistics {
    token_count: Option<Number>,
}

fn vector(values: Option<&RawValue>) -> Result<Vector, Unreadable> {
    let values = values.filter(|values| values.get().starts_with('['));
    values
        .map(|values| Vector::Numbers(values.get().into()))
        .ok_or_else(|| Unreadable::new("an embedding has no values"))
}

/// A count, which some versions write as `3.0`.
fn whole(count: &Number) -> Option<u64> {
    count.as_u64().or_else(|| count.to_string().strip_suffix(".0")?.parse().ok())
}

#[cfg(test)]
#[path = "embeddings_tests.rs"]
mod tests;
