//! Bedrock's `POST /model/{model}/invoke` with models that embed: each maker has a body of its own ("Amazon Titan Embeddings",
//! "Amazon Nova Multimodal Embeddings" and "Cohere Embed models" in Bedrock's user guide).
//!
//! Amazon's models take one input for each call: see [`EmbeddingVendor::inputs_per_call`]. Cohere's do not say in the body what
//! they consumed, Bedrock says it in the header `x-amzn-bedrock-input-token-count`.

use deltallm_shared::{error::ApiError, pricing::Usage};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, EmbeddingVendor, EmbeddingVendorId, Task, Vector, cohere,
};
use crate::{
    bedrock::read_error_of_type,
    canonical::{Failure, Source, Unsupported},
    dialect::Unreadable,
};

/// Models that embed, behind Bedrock.
#[derive(Clone, Copy, Debug)]
pub struct BedrockEmbeddings;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Titan,
    /// Its first generation knows no parameters.
    FirstTitan,
    TitanImage,
    Nova,
    Cohere,
}

impl Maker {
    fn of(model: &str) -> Self {
        if model.contains("cohere.") {
            Self::Cohere
        } else if model.contains("nova") {
            Self::Nova
        } else if model.contains("titan-embed-image") {
            Self::TitanImage
        } else if model.contains("titan-embed-text-v1") || model.contains("titan-embed-g1") {
            Self::FirstTitan
        } else {
            Self::Titan
        }
    }
}

impl EmbeddingVendor for BedrockEmbeddings {
    fn id(&self) -> EmbeddingVendorId {
        EmbeddingVendorId::Bedrock
    }

    fn inputs_per_call(&self, model: &str) -> Option<usize> {
        match Maker::of(model) {
            Maker::Cohere => Some(cohere::MOST_INPUTS),
            Maker::Titan | Maker::FirstTitan | Maker::TitanImage | Maker::Nova => Some(1),
        }
    }

    fn write_request(
        &self,
        request: &EmbeddingRequest,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let maker = Maker::of(&request.model);
        let body = if maker == Maker::Cohere {
            cohere::write_body(request, unsupported)?
        } else {
            let [input] = request.inputs.as_slice() else {
                return Err(unsupported.impossible("input", "more than one input at a time"));
            };
            unsupported.refuse_if(request.user.is_some(), "user")?;
            request.own.keys().try_for_each(|param| unsupported.refuse(param))?;
            let mut body = match maker {
                Maker::Nova => write_nova(request, input, unsupported)?,
                _ => write_titan(maker, request, input, unsupported)?,
            };
            body.extend(request.extra.clone());
            body
        };
        Ok(Value::Object(body).to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
        let answer: WireAnswer<'_> =
            serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
        let usage = answer.tokens.map(|input_tokens| Usage { input_tokens, ..Usage::default() });
        let rows: Vec<&RawValue> = match (answer.embedding, answer.embeddings) {
            (Some(row), _) => vec![row],
            (None, Some(rows)) => match serde_json::from_str::<Vec<NovaEmbedding<'_>>>(rows.get()) {
                Ok(rows) => rows.into_iter().map(|row| row.embedding).collect(),
                Err(_) => return cohere::read_answer(body),
            },
            (None, None) => return Err(Unreadable::new("the answer has no embedding")),
        };
        let vectors = rows.into_iter().map(|row| Vector::Numbers(row.get().into())).collect();
        Ok(EmbeddingAnswer { model: String::new(), vectors, usage })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        read_error_of_type(None, status, body)
    }
}

/// `embedding` is Titan's; `embeddings` is Nova's or Cohere's.
#[derive(Deserialize)]
struct WireAnswer<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    #[serde(borrow)]
    embeddings: Option<&'a RawValue>,
    #[serde(rename = "inputTextTokenCount", alias = "inputTokenCount")]
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct NovaEmbedding<'a> {
    #[serde(borrow)]
    embedding: &'a RawValue,
}

fn write_titan(
    maker: Maker,
    request: &EmbeddingRequest,
    input: &EmbeddingInput,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>, ApiError> {
    // Its vectors are the same for every purpose.
    unsupported.refuse_if(request.task.is_some() && maker == Maker::FirstTitan, "input_type")?;
    let mut body = Map::new();
    match input {
        EmbeddingInput::Text(text) => body.insert("inputText".to_owned(), text.as_str().into()),
        EmbeddingInput::Image(Source::Data { data, .. }) if maker == Maker::TitanImage => {
            body.insert("inputImage".to_owned(), data.as_str().into())
        }
        other => return Err(unsupported.impossible("input", what_is(other))),
    };
    let Some(dimensions) = request.dimensions else { return Ok(body) };
    match maker {
        Maker::FirstTitan => unsupported.refuse("dimensions")?,
        Maker::TitanImage => {
            body.insert("embeddingConfig".to_owned(), json!({ "outputEmbeddingLength": dimensions }));
        }
        _ => {
            body.insert("dimensions".to_owned(), dimensions.into());
        }
    }
    Ok(body)
}

fn write_nova(
    request: &EmbeddingRequest,
    input: &EmbeddingInput,
    unsupported: &Unsupported<'_>,
) -> Result<Map<String, Value>, ApiError> {
    let purpose = match &request.task {
        Some(Task::Query) => "GENERIC_RETRIEVAL",
        Some(Task::Classification) => "CLASSIFICATION",
        Some(Task::Clustering | Task::Similarity) => "CLUSTERING",
        Some(Task::Other(word)) => word,
        Some(Task::Document) | None => "GENERIC_INDEX",
    };
    let mut params = json!({ "embeddingPurpose": purpose });
    if let Some(dimensions) = request.dimensions {
        params["embeddingDimension"] = dimensions.into();
    }
    match input {
        EmbeddingInput::Text(text) => params["text"] = json!({ "truncationMode": "NONE", "value": text }),
        EmbeddingInput::Image(Source::Data { media_type, data }) => {
            let format = media_type.rsplit('/').next().unwrap_or_default();
            params["image"] = json!({ "format": format, "source": { "bytes": data } });
        }
        other => return Err(unsupported.impossible("input", what_is(other))),
    }
    let body = json!({ "taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params });
    Ok(body.as_object().cloned().unwrap_or_default())
}

fn what_is(input: &EmbeddingInput) -> &'static str {
    match input {
        EmbeddingInput::Text(_) => "a text",
        EmbeddingInput::Tokens(_) => "tokens of OpenAI's; send texts",
        EmbeddingInput::Image(Source::Data { .. }) => "a picture",
        EmbeddingInput::Image(_) => "a picture by URL; send it as base64 data",
        EmbeddingInput::Mixed(_) => "texts and pictures in one input",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::openai::read_request;

    fn written(body: Value) -> Result<Value, ApiError> {
        let request = read_request(body.to_string().as_bytes(), None).unwrap();
        let body = BedrockEmbeddings.write_request(&request, &mut Unsupported::new("bedrock", false))?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn titan_takes_one_text() {
        let model = "amazon.titan-embed-text-v2:0";
        let body = written(json!({ "model": model, "input": "a", "dimensions": 512, "normalize": true }));
        assert_eq!(body.unwrap(), json!({ "inputText": "a", "dimensions": 512, "normalize": true }));
        let error = written(json!({ "model": model, "input": ["a", "b"] })).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input"));
        assert_eq!(BedrockEmbeddings.inputs_per_call(model), Some(1));
        let error = written(json!({ "model": "amazon.titan-embed-text-v1", "input": "a", "dimensions": 9 }));
        assert_eq!(error.unwrap_err().param.as_deref(), Some("dimensions"));
    }

    #[test]
    fn nova_takes_one_text_or_picture() {
        let model = "amazon.nova-2-multimodal-embeddings-v1:0";
        let body = written(json!({
            "model": model, "input": [{ "image": "data:image/png;base64,iVBORw0KGgo=" }], "dimensions": 1024,
        }));
        let params = json!({
            "embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 1024,
            "image": { "format": "png", "source": { "bytes": "iVBORw0KGgo=" } },
        });
        assert_eq!(body.unwrap(), json!({ "taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params }));
        let error = written(json!({ "model": model, "input": [{ "image": "https://example.com/cat.png" }] }));
        assert!(error.unwrap_err().message.contains("base64"));
    }

    #[test]
    fn coheres_models_have_coheres_body_without_a_model() {
        let body = written(json!({ "model": "cohere.embed-english-v3", "input": ["a", "b"], "input_type": "query" }));
        let expected = json!({ "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"] });
        assert_eq!(body.unwrap(), expected);
    }

    #[test]
    fn every_form_of_answer_is_read() {
        let read = |body: &str| BedrockEmbeddings.read_answer(body.as_bytes()).unwrap();
        let one =
            |usage| EmbeddingAnswer { model: String::new(), vectors: vec![Vector::Numbers("[0.5,1]".into())], usage };
        let titan = read(r#"{"embedding":[0.5,1],"inputTextTokenCount":3,"embeddingsByType":{"float":[0.5,1]}}"#);
        assert_eq!(titan, one(Some(Usage { input_tokens: 3, ..Usage::default() })));
        assert_eq!(read(r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5,1]}]}"#), one(None));
        assert_eq!(
            read(r#"{"embeddings":{"float":[[0.5,1]]},"id":"x","response_type":"embeddings_by_type"}"#),
            one(None)
        );
        assert_eq!(read(r#"{"embeddings":[[0.5,1]],"id":"x","response_type":"embeddings_floats"}"#), one(None));
        assert!(BedrockEmbeddings.read_answer(b"{}").is_err());
    }
}
