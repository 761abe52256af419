//! `/v1/embeddings`: vectors that depend on nothing but their place, as floats or base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::openai::RequestBody;
use super::options::MockOptions;

/// The body of an embeddings answer: one vector per input.
pub fn embeddings(request: &RequestBody, options: &MockOptions) -> Vec<u8> {
    let is_base64 = request.encoding_format.as_deref() == Some("base64");
    let data: Vec<Value> = (0..inputs_count(request.input.as_ref()))
        .map(|index| {
            let vector = vector(index, options.dimensions);
            let embedding = if is_base64 { base64_of(&vector) } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    let usage = json!({ "prompt_tokens": options.prompt_tokens, "total_tokens": options.prompt_tokens });
    json!({ "object": "list", "data": data, "model": request.model, "usage": usage }).to_string().into_bytes()
}

/// A text or one list of token numbers is one input; a list of texts or of lists is as many.
fn inputs_count(input: Option<&Value>) -> u16 {
    match input {
        Some(Value::Array(items)) if items.first().is_some_and(|item| !item.is_number()) => {
            u16::try_from(items.len()).unwrap_or(u16::MAX)
        }
        _ => 1,
    }
}

/// Small exact binary fractions, the same whichever way they are encoded.
fn vector(index: u16, dimensions: usize) -> Vec<f32> {
    const STEPS: [f32; 4] = [0.5, -0.25, 0.125, -0.0625];
    (0..dimensions)
        .map(|place| STEPS.get((place + usize::from(index)) % STEPS.len()).copied().unwrap_or_default())
        .collect()
}

fn base64_of(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Value::from(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Value {
        let request: RequestBody = serde_json::from_str(body).unwrap_or_default();
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
