//! Cohere's `POST /v2/embed` (its API reference, "Embed").

use deltallm_shared::error::ApiError;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, EmbeddingVendor, EmbeddingVendorId, Piece, Task, Vector,
};
use crate::{
    canonical::{Failure, Source, Unsupported},
    cohere::{failure::read_error, usage::WireUsage},
    dialect::Unreadable,
};

/// Cohere's own interface.
#[derive(Clone, Copy, Debug)]
pub struct CohereEmbeddings;

/// "Maximum number of texts per call is 96."
pub(super) const MOST_INPUTS: usize = 96;

impl EmbeddingVendor for CohereEmbeddings {
    fn id(&self) -> EmbeddingVendorId {
        EmbeddingVendorId::Cohere
    }

    fn inputs_per_call(&self, _model: &str) -> Option<usize> {
        Some(MOST_INPUTS)
    }

    fn write_request(
        &self,
        request: &EmbeddingRequest,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let mut body = write_body(request, unsupported)?;
        body.insert("model".to_owned(), request.model.as_str().into());
        Ok(Value::Object(body).to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
        read_answer(body)
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        read_error(status, body)
    }
}

/// The body without the model, which Bedrock says in the path.
pub(super) fn write_body(
    request: &EmbeddingRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>, ApiError> {
    unsupported.refuse_if(request.user.is_some(), "user")?;
    request.own.keys().try_for_each(|param| unsupported.refuse(param))?;
    let mut body = Map::new();
    let texts: Option<Vec<&str>> = request.inputs.iter().map(EmbeddingInput::as_text).collect();
    let has_text = match texts {
        Some(texts) => {
            body.insert("texts".to_owned(), json!(texts));
            true
        }
        None => write_inputs(request, unsupported, &mut body)?,
    };
    let word = match &request.task {
        Some(Task::Query) => "search_query",
        Some(Task::Document) => "search_document",
        Some(Task::Classification) => "classification",
        Some(Task::Clustering) => "clustering",
        Some(Task::Other(word)) => word,
        Some(Task::Similarity) => {
            unsupported.refuse("input_type")?;
            "search_document"
        }
        // It must be said. What is stored is searched more often than it is asked for.
        None if has_text => "search_document",
        None => "image",
    };
    body.insert("input_type".to_owned(), word.into());
    body.insert("embedding_types".to_owned(), json!(["float"]));
    if let Some(dimensions) = request.dimensions {
        body.insert("output_dimension".to_owned(), dimensions.into());
    }
    body.extend(request.extra.clone());
    Ok(body)
}

/// Pictures alone stand in `images`, which all models have; mixed inputs in `inputs`. Returns whether there is any text.
fn write_inputs(
    request: &EmbeddingRequest,
    unsupported: &Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<bool, ApiError> {
    let url = |source: &Source, at: usize| {
        let path = || format!("input[{at}]");
        source.to_url().ok_or_else(|| unsupported.impossible(&path(), "a picture by the id of a file"))
    };
    let (mut images, mut inputs) = (Vec::new(), Vec::new());
    for (at, input) in request.inputs.iter().enumerate() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        let image = |source: &Source| Ok(json!({ "type": "image_url", "image_url": { "url": url(source, at)? } }));
        let content = match input {
            EmbeddingInput::Text(said) => vec![text(said)],
            EmbeddingInput::Image(source) => {
                images.push(url(source, at)?);
                vec![image(source)?]
            }
            EmbeddingInput::Mixed(pieces) => {
                let pieces = pieces.iter().map(|piece| match piece {
                    Piece::Text(said) => Ok(text(said)),
                    Piece::Image(source) => image(source),
                });
                pieces.collect::<Result<_, ApiError>>()?
            }
            EmbeddingInput::Tokens(_) => {
                return Err(unsupported.impossible(&format!("input[{at}]"), "tokens of OpenAI's; send texts"));
            }
        };
        inputs.push(json!({ "content": content }));
    }
    let has_text = images.len() < request.inputs.len();
    if has_text {
        body.insert("inputs".to_owned(), inputs.into());
    } else {
        body.insert("images".to_owned(), images.into());
    }
    Ok(has_text)
}

#[derive(Deserialize)]
struct WireAnswer<'a> {
    #[serde(borrow)]
    embeddings: &'a RawValue,
    meta: Option<WireUsage>,
}

/// `embeddings` by type.
#[derive(Deserialize)]
struct ByType<'a> {
    #[serde(borrow)]
    float: Option<Vec<&'a RawValue>>,
    base64: Option<Vec<String>>,
    #[serde(borrow)]
    int8: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    uint8: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    binary: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    ubinary: Option<Vec<&'a RawValue>>,
}

/// `embeddings` is an object by type, or, where no type was asked for, an array of arrays of numbers.
pub(super) fn read_answer(body: &[u8]) -> Result<EmbeddingAnswer, Unreadable> {
    let broken = |error: serde_json::Error| Unreadable::new(error.to_string());
    let answer: WireAnswer<'_> = serde_json::from_slice(body).map_err(broken)?;
    let text = answer.embeddings.get();
    let numbers = |rows: Vec<&RawValue>| rows.into_iter().map(|row| Vector::Numbers(row.get().into())).collect();
    let vectors: Option<Vec<Vector>> = if text.starts_with('[') {
        Some(numbers(serde_json::from_str(text).map_err(broken)?))
    } else {
        let by_type: ByType<'_> = serde_json::from_str(text).map_err(broken)?;
        let base64 = by_type.base64.map(|rows| rows.into_iter().map(Vector::Base64).collect());
        let rows = by_type.float.or(by_type.int8).or(by_type.uint8).or(by_type.binary).or(by_type.ubinary);
        rows.map(numbers).or(base64)
    };
    let vectors = vectors.ok_or_else(|| Unreadable::new("the answer has no embeddings"))?;
    Ok(EmbeddingAnswer { model: String::new(), vectors, usage: answer.meta.map(WireUsage::into_usage) })
}

#[cfg(test)]
mod tests {
    use deltallm_shared::pricing::Usage;

    use super::*;
    use crate::embedding::openai::read_request;

    fn written(body: Value) -> Value {
        let request = read_request(body.to_string().as_bytes(), None).unwrap();
        let mut unsupported = Unsupported::new("cohere", false);
        serde_json::from_slice(&CohereEmbeddings.write_request(&request, &mut unsupported).unwrap()).unwrap()
    }

    #[test]
    fn texts_are_written_with_every_parameter() {
        let body = written(json!({
            "model": "embed-v4.0", "input": ["a", "b"], "dimensions": 256, "input_type": "query", "truncate": "END",
            "encoding_format": "base64", "user": "u",
        }));
        let expected = json!({
            "model": "embed-v4.0", "texts": ["a", "b"], "input_type": "search_query", "output_dimension": 256,
            "embedding_types": ["float"], "truncate": "END",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn pictures_alone_and_mixed_inputs_have_fields_of_their_own() {
        let picture = "data:image/png;base64,iVBORw0KGgo=";
        let body = written(json!({ "model": "m", "input": [{ "image": picture }] }));
        let expected =
            json!({ "model": "m", "images": [picture], "input_type": "image", "embedding_types": ["float"] });
        assert_eq!(body, expected);
        let body = written(json!({ "model": "m", "input": ["a", { "image": picture }] }));
        let expected = json!({
            "model": "m", "input_type": "search_document", "embedding_types": ["float"],
            "inputs": [
                { "content": [{ "type": "text", "text": "a" }] },
                { "content": [{ "type": "image_url", "image_url": { "url": picture } }] },
            ],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn tokens_are_refused() {
        let request = read_request(br#"{"model":"m","input":[1,2]}"#, None).unwrap();
        let error = CohereEmbeddings.write_request(&request, &mut Unsupported::new("cohere", true)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input[0]"));
    }

    #[test]
    fn vectors_and_usage_are_read() {
        let body = br#"{"id":"x","embeddings":{"float":[[0.016296387,-0.008354187],[1e-3,2]]},"texts":["a","b"],"meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":4}},"response_type":"embeddings_by_type"}"#;
        let expected = EmbeddingAnswer {
            model: String::new(),
            vectors: vec![Vector::Numbers("[0.016296387,-0.008354187]".into()), Vector::Numbers("[1e-3,2]".into())],
            usage: Some(Usage { input_tokens: 4, ..Usage::default() }),
        };
        assert_eq!(CohereEmbeddings.read_answer(body).unwrap(), expected);
        let plain = CohereEmbeddings.read_answer(br#"{"embeddings":[[1,2]],"id":"x"}"#).unwrap();
        assert_eq!(plain.vectors, [Vector::Numbers("[1,2]".into())]);
        let int8 = CohereEmbeddings.read_answer(br#"{"embeddings":{"int8":[[1,-2]]}}"#).unwrap();
        assert_eq!(int8.vectors, [Vector::Numbers("[1,-2]".into())]);
        assert!(CohereEmbeddings.read_answer(br#"{"embeddings":{}}"#).is_err());
    }
}
