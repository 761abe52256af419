//! `/v1/embeddings`: vectors that depend on nothing but their place, as floats or base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::{error, vector};
use super::options::MockOptions;
use super::refusal::Refusal;
use super::reply::Reply;
use super::vendor::{Called, ErrorBody, Frames, Task, Vendor};

/// `POST /v1/embeddings`
pub struct Embeddings;

/// What is read of a body.
#[derive(Debug, Default, Deserialize)]
struct EmbeddingsBody {
    #[serde(default)]
    model: String,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default)]
    encoding_format: Option<String>,
    #[serde(default)]
    dimensions: Option<usize>,
}

impl Vendor for Embeddings {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        called.posts_to(&["/v1/embeddings", "/embeddings"]).then(|| read_embeddings(called.body))
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

/// A request for embeddings, wherever it came in.
pub fn read_embeddings(body: &[u8]) -> Result<Task, Refusal> {
    let body: EmbeddingsBody = serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))?;
    let model = body.model.clone();
    Ok(Task::Plain { model, make: Box::new(move |options, _| embeddings(&body, options)) })
}

/// One vector per input.
fn embeddings(body: &EmbeddingsBody, options: &MockOptions) -> Vec<u8> {
    let is_base64 = body.encoding_format.as_deref() == Some("base64");
    let data: Vec<Value> = (0..inputs_count(body.input.as_ref()))
        .map(|index| {
            let vector = vector(index, options, body.dimensions);
            let embedding = if is_base64 { base64_of(&vector) } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    let usage = json!({ "prompt_tokens": options.prompt_tokens, "total_tokens": options.prompt_tokens });
    json!({ "object": "list", "data": data, "model": body.model, "usage": usage }).to_string().into_bytes()
}

/// A text or one list of token numbers is one input; a list of texts or of lists is as many.
fn inputs_count(input: Option<&Value>) -> usize {
    match input {
        Some(Value::Array(items)) if items.first().is_some_and(|item| !item.is_number()) => items.len(),
        _ => 1,
    }
}

pub fn base64_of(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Value::from(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Value {
        let request: EmbeddingsBody = serde_json::from_str(body).unwrap_or_default();
        serde_json::from_slice(&embeddings(&request, &MockOptions::default())).unwrap_or_default()
    }

    #[test]
    fn one_vector_per_input() {
        for (input, count) in [(r#""a""#, 1), (r#"["a","b","c"]"#, 3), ("[1,2,3]", 1), ("[[1],[2]]", 2)] {
            let answer = answer(&format!(r#"{{"model":"m","input":{input}}}"#));
            assert_eq!(answer["data"].as_array().map(Vec::len), Some(count), "{input}");
        }
    }

    #[test]
    fn base64_holds_the_same_numbers() {
        let text = answer(r#"{"model":"m","input":"a","encoding_format":"base64"}"#);
        let bytes = STANDARD.decode(text["data"][0]["embedding"].as_str().unwrap_or_default());
        assert_eq!(bytes.map(|b| b.len()), Ok(32));
        assert_eq!(answer(r#"{"model":"m","input":"a"}"#)["data"][0]["embedding"][0], 0.5);
    }
}
