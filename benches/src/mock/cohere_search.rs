//! What Cohere has for search: `/v2/embed`, `/v2/rerank`.

use serde_json::{Value, json};

use super::cohere::check;
use super::json::{list, text, texts};
use super::openai::vector;
use super::options::MockOptions;
use super::refusal::Refusal;
use super::vendor::Task;

/// `/v2/embed`
pub fn embed(body: &Value, model: String) -> Result<Task, Refusal> {
    let known = [
        "model",
        "texts",
        "images",
        "inputs",
        "input_type",
        "embedding_types",
        "truncate",
        "output_dimension",
        "max_tokens",
        "priority",
    ];
    check(body, &known)?;
    let kinds = ["search_document", "search_query", "classification", "clustering", "image"];
    if !text(body, "input_type").is_some_and(|kind| kinds.contains(&kind)) {
        return Err(Refusal::bad("invalid request: valid input_type must be provided with the provided model"));
    }
    let texts: Value = texts(body, "texts").into();
    let count = texts.as_array().map_or(0, Vec::len).max(list(body, "inputs").len()).max(list(body, "images").len());
    if count == 0 || count > 96 {
        return Err(Refusal::bad("invalid request: total number of texts must be at least 1 and at most 96"));
    }
    let dimensions =
        body.get("output_dimension").and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
    let types = super::json::texts(body, "embedding_types");
    let types = if types.is_empty() { vec!["float".to_owned()] } else { types };
    let make = move |options: &MockOptions, sequence: u64| {
        let mut embeddings = json!({});
        for kind in &types {
            let vectors = (0..count).map(|index| {
                let vector = vector(index, options, dimensions);
                match kind.as_str() {
                    "base64" => super::openai_embeddings::base64_of(&vector),
                    "int8" => vector.iter().map(|value| if *value > 0.0 { 64 } else { -32 }).collect(),
                    _ => json!(vector),
                }
            });
            embeddings[kind] = vectors.collect();
        }
        let meta =
            json!({ "api_version": { "version": "2" }, "billed_units": { "input_tokens": options.prompt_tokens } });
        let id = format!("mock-{sequence}");
        json!({ "id": id, "embeddings": embeddings, "texts": texts, "meta": meta, "response_type": "embeddings_by_type" })
            .to_string()
            .into_bytes()
    };
    Ok(Task::Plain { model, make: Box::new(make) })
}

/// The shortest document is the most relevant one.
pub fn rerank(body: &Value, model: String) -> Result<Task, Refusal> {
    let known = [
        "model",
        "query",
        "documents",
        "top_n",
        "max_tokens_per_doc",
        "max_chunks_per_doc",
        "return_documents",
        "rank_fields",
        "priority",
    ];
    check(body, &known)?;
    if text(body, "query").is_none_or(str::is_empty) {
        return Err(Refusal::bad("invalid request: query must be at least 1 token long."));
    }
    let documents = list(body, "documents").to_vec();
    if documents.is_empty() {
        return Err(Refusal::bad("invalid request: list of documents must not be empty"));
    }
    let top =
        body.get("top_n").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(documents.len());
    let is_returned = body.get("return_documents").and_then(Value::as_bool) == Some(true);
    let make = move |_: &MockOptions, sequence: u64| {
        let mut order: Vec<usize> = (0..documents.len()).collect();
        let length = |index: usize| documents.get(index).map_or(0, |document| document.to_string().len());
        order.sort_by_key(|index| length(*index));
        const SCORES: [f64; 5] = [0.96875, 0.5, 0.25, 0.125, 0.0625];
        let results = order.iter().take(top).enumerate().map(|(place, index)| {
            let score = SCORES.get(place).copied().unwrap_or(0.03125);
            let mut result = json!({ "index": index, "relevance_score": score });
            if is_returned {
                let document = documents.get(*index).cloned().unwrap_or_default();
                result["document"] = if document.is_string() { json!({ "text": document }) } else { document };
            }
            result
        });
        let meta = json!({ "api_version": { "version": "2" }, "billed_units": { "search_units": 1 } });
        json!({ "id": format!("mock-{sequence}"), "results": results.collect::<Value>(), "meta": meta })
            .to_string()
            .into_bytes()
    };
    Ok(Task::Plain { model, make: Box::new(make) })
}
