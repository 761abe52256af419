//! `POST /v1/rerank` as Jina has it ("Reranker" in its API documentation), and Together, vLLM, SGLang, Infinity, DeepInfra and
//! Voyage with small differences in how results and usage are called.

use deltallm_shared::{error::ApiError, pricing::Usage};
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::{Ranked, RerankAnswer, RerankRequest, RerankVendor, RerankVendorId};
use crate::{
    canonical::{Failure, FailureClass, Unsupported},
    dialect::Unreadable,
};

/// The form that most rerankers speak.
#[derive(Clone, Copy, Debug)]
pub struct JinaRerank;

#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default)]
    id: Option<String>,
    /// `data` is Voyage's name.
    #[serde(alias = "data")]
    results: Vec<WireResult>,
    usage: Option<WireUsage>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct WireResult {
    index: u64,
    /// `score` is vLLM's older name.
    #[serde(alias = "score")]
    relevance_score: Number,
    document: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    total_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
    search_units: Option<u64>,
}

/// Cohere's words for it, which some others use.
#[derive(Deserialize)]
struct Meta {
    billed_units: Option<WireUsage>,
}

/// Vendors say errors as FastAPI (`detail`), OpenAI (`error.message`) or Cohere (`message`) does.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireError {
    detail: Option<Value>,
    error: Option<Value>,
    message: Option<String>,
}

impl RerankVendor for JinaRerank {
    fn id(&self) -> RerankVendorId {
        RerankVendorId::Jina
    }

    fn write_request(&self, request: &RerankRequest, _: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        let mut body = Map::new();
        let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
        add("model", request.model.as_str().into());
        add("query", request.query.as_str().into());
        add("documents", request.documents.clone().into());
        if let Some(count) = request.top_n {
            add("top_n", count.into());
        }
        if let Some(wanted) = request.return_documents {
            add("return_documents", wanted.into());
        }
        if let Some(tokens) = request.max_tokens_per_doc {
            add("max_tokens_per_doc", tokens.into());
        }
        if !request.rank_fields.is_empty() {
            add("rank_fields", json!(request.rank_fields));
        }
        body.extend(request.extra.clone());
        Ok(Value::Object(body).to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<RerankAnswer, Unreadable> {
        let answer: WireAnswer = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
        let of_result = |WireResult { index, relevance_score, document }| Ranked { index, relevance_score, document };
        let usage = answer.usage.or(answer.meta.and_then(|meta| meta.billed_units)).map(|usage| Usage {
            input_tokens: usage.total_tokens.or(usage.prompt_tokens).unwrap_or(0),
            searches: usage.search_units.unwrap_or(0),
            ..Usage::default()
        });
        let results = answer.results.into_iter().map(of_result).collect();
        Ok(RerankAnswer { id: answer.id.unwrap_or_default(), results, usage })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        let error: WireError = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            other => other.get("message").and_then(Value::as_str).map(str::to_owned),
        };
        let message = error.message.or_else(|| error.error.and_then(text)).or_else(|| error.detail.and_then(text));
        Failure { message, ..Failure::new(FailureClass::of_status(status)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rerank::client::read_request;

    #[test]
    fn a_request_goes_through_whole() {
        let body = json!({
            "model": "m", "query": "q", "documents": ["a", { "text": "b" }], "top_n": 1, "return_documents": false,
            "max_tokens_per_doc": 9, "rank_fields": ["text"], "truncation": true,
        });
        let request = read_request(body.to_string().as_bytes(), None).unwrap();
        let written = JinaRerank.write_request(&request, &mut Unsupported::new("jina", false)).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), body);
    }

    #[test]
    fn every_vendors_answer_is_read() {
        let jina = r#"{"model":"jina-reranker-v2","usage":{"total_tokens":38},"results":[{"index":0,"document":{"text":"a"},"relevance_score":0.9}]}"#;
        let together = r#"{"object":"rerank","id":"x","model":"m","results":[{"index":0,"relevance_score":0.9,"document":{"text":"a"}}],"usage":{"prompt_tokens":38,"completion_tokens":0,"total_tokens":38}}"#;
        let vllm = r#"{"id":"rerank-1","model":"m","usage":{"total_tokens":38},"results":[{"index":0,"document":{"text":"a"},"relevance_score":0.9}]}"#;
        let voyage = r#"{"object":"list","data":[{"relevance_score":0.9,"index":0,"document":"a"}],"model":"rerank-2","usage":{"total_tokens":38}}"#;
        for body in [jina, together, vllm, voyage] {
            let answer = JinaRerank.read_answer(body.as_bytes()).unwrap();
            assert_eq!(answer.usage, Some(Usage { input_tokens: 38, ..Usage::default() }), "{body}");
            let [one] = answer.results.as_slice() else { panic!("{body}") };
            assert_eq!((one.index, one.relevance_score.to_string().as_str()), (0, "0.9"), "{body}");
            assert!(one.document.is_some(), "{body}");
        }
    }

    #[test]
    fn errors_of_all_forms_are_read() {
        for body in [r#"{"detail":"no"}"#, r#"{"error":{"message":"no"}}"#, r#"{"message":"no"}"#, r#"{"error":"no"}"#]
        {
            let failure = JinaRerank.read_error(422, body.as_bytes());
            assert_eq!(
                failure,
                Failure { message: Some("no".into()), ..Failure::new(FailureClass::BadRequest) },
                "{body}"
            );
        }
        assert_eq!(JinaRerank.read_error(429, b""), Failure::new(FailureClass::RateLimit));
    }
}
