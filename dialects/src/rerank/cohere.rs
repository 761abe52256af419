//! Cohere's `POST /v2/rerank` (its API reference, "Rerank"): strings only, and no documents in the answer.

use deltallm_shared::error::ApiError;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::{Ranked, RerankAnswer, RerankRequest, RerankVendor, RerankVendorId};
use crate::{
    canonical::{Failure, Unsupported},
    cohere::{failure::read_error, usage::WireUsage},
    dialect::Unreadable,
};

/// Cohere's own interface.
#[derive(Clone, Copy, Debug)]
pub struct CohereRerank;

#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default)]
    id: String,
    results: Vec<WireResult>,
    meta: Option<WireUsage>,
}

#[derive(Deserialize)]
struct WireResult {
    index: u64,
    relevance_score: Number,
    document: Option<Value>,
}

impl RerankVendor for CohereRerank {
    fn id(&self) -> RerankVendorId {
        RerankVendorId::Cohere
    }

    fn write_request(&self, request: &RerankRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        let texts = texts_of(request, unsupported)?;
        let mut body = json!({ "model": request.model, "query": request.query, "documents": texts });
        if let Some(count) = request.top_n {
            body["top_n"] = count.into();
        }
        if let Some(tokens) = request.max_tokens_per_doc {
            body["max_tokens_per_doc"] = tokens.into();
        }
        if let Value::Object(body) = &mut body {
            body.extend(request.extra.clone());
        }
        Ok(body.to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<RerankAnswer, Unreadable> {
        let answer: WireAnswer = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
        let of_result = |WireResult { index, relevance_score, document }| Ranked { index, relevance_score, document };
        Ok(RerankAnswer {
            id: answer.id,
            results: answer.results.into_iter().map(of_result).collect(),
            usage: answer.meta.map(WireUsage::into_usage),
        })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        read_error(status, body)
    }
}

/// The documents as texts.
pub(super) fn texts_of(request: &RerankRequest, unsupported: &Unsupported<'_>) -> Result<Vec<String>, ApiError> {
    let texts = request.documents.iter().enumerate().map(|(at, document)| {
        let what = "a document without `text` or one of the `rank_fields`";
        request.text_of(document).ok_or_else(|| unsupported.impossible(&format!("documents[{at}]"), what))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use deltallm_shared::pricing::Usage;

    use super::*;
    use crate::rerank::client::read_request;

    #[test]
    fn objects_become_texts() {
        let body = json!({
            "model": "rerank-v3.5", "query": "q", "documents": ["a", { "title": "t", "text": "b" }],
            "rank_fields": ["title"], "top_n": 1, "return_documents": true, "max_tokens_per_doc": 9, "priority": 1,
        });
        let request = read_request(body.to_string().as_bytes(), None).unwrap();
        let body = CohereRerank.write_request(&request, &mut Unsupported::new("cohere", false)).unwrap();
        let expected = json!({
            "model": "rerank-v3.5", "query": "q", "documents": ["a", "t"], "top_n": 1, "max_tokens_per_doc": 9,
            "priority": 1,
        });
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn a_document_without_text_is_refused() {
        let request = read_request(br#"{"model":"m","query":"q","documents":["a",{"x":1}]}"#, None).unwrap();
        let error = CohereRerank.write_request(&request, &mut Unsupported::new("cohere", true)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("documents[1]"));
    }

    #[test]
    fn scores_and_search_units_are_read() {
        let body = br#"{"results":[{"index":3,"relevance_score":0.999071},{"index":0,"relevance_score":0.32713068}],"id":"07734bd2","meta":{"api_version":{"version":"2","is_experimental":false},"billed_units":{"search_units":1}}}"#;
        let answer = CohereRerank.read_answer(body).unwrap();
        assert_eq!(answer.results[0].index, 3);
        assert_eq!(answer.results[1].relevance_score.to_string(), "0.32713068");
        assert_eq!(answer.usage, Some(Usage { searches: 1, ..Usage::default() }));
    }
}
