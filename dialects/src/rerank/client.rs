//! What clients of a reranker speak: Cohere's "Rerank" of both versions of its API, and Jina's "Reranker", in one.
//!
//! Version 1 of Cohere takes objects as documents, `rank_fields` and `return_documents`; version 2 has strings and
//! `max_tokens_per_doc`; Jina has `return_documents` and says its usage in `usage.total_tokens`. An answer has both vendors'
//! words for what was consumed.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use super::{RerankAnswer, RerankRequest};

/// Reads a body. `path_model`: the model, where it stands in the path.
pub fn read_request(body: &[u8], path_model: Option<&str>) -> Result<RerankRequest, ApiError> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        ApiError::new(ErrorCode::InvalidRequest, format!("The body is not a valid JSON object: {error}."))
    })?;
    fields.retain(|_, value| !value.is_null());
    let model = take_string(&mut fields, "model")?;
    let model = path_model.map(str::to_owned).or(model).filter(|model| !model.is_empty());
    let documents = match fields.shift_remove("documents") {
        Some(Value::Array(documents)) if !documents.is_empty() => documents,
        Some(_) => return Err(wrong("documents", "an array with at least one document")),
        None => return Err(missing("documents")),
    };
    if let Some(at) = documents.iter().position(|document| !document.is_string() && !document.is_object()) {
        return Err(wrong(format!("documents[{at}]"), "a string or an object"));
    }
    let rank_fields = match fields.shift_remove("rank_fields") {
        None => Vec::new(),
        Some(value) => {
            serde_json::from_value(value).map_err(|_| wrong("rank_fields", "an array of names of fields"))?
        }
    };
    let return_documents = fields.shift_remove("return_documents").map(|value| {
        // Voyage and Cohere's older libraries say which fields of the documents they want.
        value
            .as_bool()
            .or_else(|| value.is_array().then_some(true))
            .ok_or_else(|| wrong("return_documents", "true or false"))
    });
    Ok(RerankRequest {
        model: model.ok_or_else(|| missing("model"))?,
        query: take_string(&mut fields, "query")?.ok_or_else(|| missing("query"))?,
        documents,
        top_n: take_number(&mut fields, "top_n")?,
        return_documents: return_documents.transpose()?,
        max_tokens_per_doc: take_number(&mut fields, "max_tokens_per_doc")?,
        rank_fields,
        extra: fields,
    })
}

fn take_string(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match fields.shift_remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "a string")),
    }
}

fn take_number(fields: &mut Map<String, Value>, name: &str) -> Result<Option<u64>, ApiError> {
    let number = fields
        .shift_remove(name)
        .map(|value| value.as_u64().filter(|number| *number > 0).ok_or_else(|| wrong(name, "a whole number above 0")));
    number.transpose()
}

fn missing(name: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, name, format!("The body has no `{name}`."))
}

fn wrong(path: impl Into<String>, wanted: &str) -> ApiError {
    let path = path.into();
    let text = format!("`{path}` must be {wanted}.");
    ApiError::about(ErrorCode::InvalidRequest, path, text)
}

#[derive(Serialize)]
struct WireAnswer<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<WireResult<'a>>,
    meta: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

#[derive(Serialize)]
struct WireResult<'a> {
    index: u64,
    relevance_score: &'a Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
}

/// Writes an answer. `unique` makes the id where the vendor gave none. Documents that are wanted and that the vendor did not
/// repeat are taken from the request; an index that the request does not have is left out.
pub fn write_answer(answer: &RerankAnswer, request: &RerankRequest, unique: &str) -> Vec<u8> {
    let results = answer.results.iter().filter_map(|ranked| {
        let given = usize::try_from(ranked.index).ok().and_then(|index| request.documents.get(index))?;
        let document =
            (request.return_documents == Some(true)).then(|| match ranked.document.as_ref().unwrap_or(given) {
                Value::String(text) => json!({ "text": text }),
                object => object.clone(),
            });
        Some(WireResult { index: ranked.index, relevance_score: &ranked.relevance_score, document })
    });
    let usage = answer.usage.unwrap_or_default();
    let mut billed = Map::new();
    if usage.searches > 0 {
        billed.insert("search_units".to_owned(), usage.searches.into());
    }
    let mut meta = json!({ "api_version": { "version": "2" } });
    if usage.input_tokens > 0 {
        billed.insert("total_tokens".to_owned(), usage.input_tokens.into());
        meta["tokens"] = json!({ "input_tokens": usage.input_tokens });
    }
    meta["billed_units"] = billed.into();
    let usage = (usage.input_tokens > 0)
        .then(|| json!({ "prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens }));
    let id = if answer.id.is_empty() { unique } else { &answer.id };
    // It cannot fail: every key is a text.
    serde_json::to_vec(&WireAnswer { id, model: &request.model, results: results.collect(), meta, usage })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use deltallm_shared::pricing::Usage;

    use super::*;
    use crate::rerank::Ranked;

    fn read(body: Value) -> Result<RerankRequest, ApiError> {
        read_request(body.to_string().as_bytes(), None)
    }

    fn request() -> Value {
        json!({
            "model": "m", "query": "q", "documents": ["a", { "title": "t", "text": "b" }], "top_n": 1,
            "return_documents": true, "max_tokens_per_doc": 512, "rank_fields": ["title", "text"], "priority": 3,
        })
    }

    #[test]
    fn every_field_is_read() {
        let expected = RerankRequest {
            model: "m".into(),
            query: "q".into(),
            documents: vec![json!("a"), json!({ "title": "t", "text": "b" })],
            top_n: Some(1),
            return_documents: Some(true),
            max_tokens_per_doc: Some(512),
            rank_fields: vec!["title".into(), "text".into()],
            extra: json!({ "priority": 3 }).as_object().unwrap().clone(),
        };
        assert_eq!(read(request()).unwrap(), expected);
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (name, value, param) in [
            ("model", Value::Null, "model"),
            ("query", Value::Null, "query"),
            ("query", json!(1), "query"),
            ("documents", json!([]), "documents"),
            ("documents", json!(["a", 1]), "documents[1]"),
            ("top_n", json!(0), "top_n"),
            ("rank_fields", json!("title"), "rank_fields"),
            ("return_documents", json!("yes"), "return_documents"),
        ] {
            let mut body = request();
            body[name] = value;
            assert_eq!(read(body.clone()).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }

    #[test]
    fn an_object_is_read_by_its_fields() {
        let mut request = read(request()).unwrap();
        let document = request.documents[1].clone();
        assert_eq!(request.text_of(&document).as_deref(), Some("title: t\ntext: b"));
        request.rank_fields = vec!["title".into()];
        assert_eq!(request.text_of(&document).as_deref(), Some("t"));
        request.rank_fields.clear();
        assert_eq!(request.text_of(&document).as_deref(), Some("b"));
        assert_eq!(request.text_of(&json!({ "x": 1 })), None);
    }

    #[test]
    fn documents_come_back_where_they_are_wanted() {
        let ranked = |index, score: &str| Ranked { index, relevance_score: score.parse().unwrap(), document: None };
        let answer = RerankAnswer {
            id: String::new(),
            results: vec![ranked(1, "0.98"), ranked(0, "0.1"), ranked(7, "0.05")],
            usage: Some(Usage { searches: 1, input_tokens: 20, ..Usage::default() }),
        };
        let body: Value = serde_json::from_slice(&write_answer(&answer, &read(request()).unwrap(), "unique")).unwrap();
        let expected = json!({
            "id": "unique", "model": "m",
            "results": [
                { "index": 1, "relevance_score": 0.98, "document": { "title": "t", "text": "b" } },
                { "index": 0, "relevance_score": 0.1, "document": { "text": "a" } },
            ],
            "meta": {
                "api_version": { "version": "2" },
                "billed_units": { "search_units": 1, "total_tokens": 20 }, "tokens": { "input_tokens": 20 },
            },
            "usage": { "prompt_tokens": 20, "total_tokens": 20 },
        });
        assert_eq!(body, expected);
    }
}
