//! `POST /rerank` of Bedrock's agent runtime ("Rerank" in its API reference). The model is an ARN: a bare id is made one with
//! the region in which the endpoint is, which the caller gives as `request.model`.

use deltallm_shared::error::ApiError;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::{Ranked, RerankAnswer, RerankRequest, RerankVendor, RerankVendorId, cohere::texts_of};
use crate::{
    bedrock::read_error_of_type,
    canonical::{Failure, Unsupported},
    dialect::Unreadable,
};

/// Bedrock's rerankers.
#[derive(Clone, Copy, Debug)]
pub struct BedrockRerank;

#[derive(Deserialize)]
struct WireAnswer {
    results: Vec<WireResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResult {
    index: u64,
    relevance_score: Number,
    document: Option<Value>,
}

impl RerankVendor for BedrockRerank {
    fn id(&self) -> RerankVendorId {
        RerankVendorId::Bedrock
    }

    fn write_request(&self, request: &RerankRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        let texts = texts_of(request, unsupported)?;
        let source = |text: String| {
            let document = json!({ "type": "TEXT", "textDocument": { "text": text } });
            json!({ "type": "INLINE", "inlineDocumentSource": document })
        };
        let sources: Vec<Value> = texts.into_iter().map(source).collect();
        // Without a number Bedrock gives few.
        let count = request.top_n.unwrap_or(sources.len() as u64);
        let mut fields = request.extra.clone();
        if let Some(tokens) = request.max_tokens_per_doc {
            fields.insert("max_tokens_per_doc".to_owned(), tokens.into());
        }
        let mut model = json!({ "modelArn": request.model });
        if !fields.is_empty() {
            model["additionalModelRequestFields"] = fields.into();
        }
        let body = json!({
            "queries": [{ "type": "TEXT", "textQuery": { "text": request.query } }],
            "sources": sources,
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": { "numberOfResults": count, "modelConfiguration": model },
            },
        });
        Ok(body.to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<RerankAnswer, Unreadable> {
        let answer: WireAnswer = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
        let of_result = |WireResult { index, relevance_score, document }: WireResult| {
            let document = document.map(|document| document["textDocument"]["text"].clone());
            Ranked { index, relevance_score, document: document.filter(Value::is_string) }
        };
        let results = answer.results.into_iter().map(of_result).collect();
        Ok(RerankAnswer { id: String::new(), results, usage: None })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        read_error_of_type(None, status, body)
    }
}

/// The ARN of a model that is named by its id: `amazon.rerank-v1:0` in `us-west-2`. An ARN stays as it is.
pub fn model_arn(model: &str, region: &str) -> String {
    if model.starts_with("arn:") {
        return model.to_owned();
    }
    let partition = if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    };
    format!("arn:{partition}:bedrock:{region}::foundation-model/{model}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rerank::client::read_request;

    #[test]
    fn a_request_is_written_in_bedrocks_words() {
        let body = json!({ "model": "m", "query": "q", "documents": ["a", { "text": "b" }], "max_tokens_per_doc": 9 });
        let mut request = read_request(body.to_string().as_bytes(), None).unwrap();
        request.model = model_arn("cohere.rerank-v3-5:0", "us-west-2");
        let body = BedrockRerank.write_request(&request, &mut Unsupported::new("bedrock", false)).unwrap();
        let source = |text: &str| json!({ "type": "INLINE", "inlineDocumentSource": { "type": "TEXT", "textDocument": { "text": text } } });
        let expected = json!({
            "queries": [{ "type": "TEXT", "textQuery": { "text": "q" } }],
            "sources": [source("a"), source("b")],
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "numberOfResults": 2,
                    "modelConfiguration": {
                        "modelArn": "arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0",
                        "additionalModelRequestFields": { "max_tokens_per_doc": 9 },
                    },
                },
            },
        });
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn an_answer_is_read() {
        let body = br#"{"results":[{"index":1,"relevanceScore":0.75,"document":{"type":"TEXT","textDocument":{"text":"b"}}},{"index":0,"relevanceScore":0.5}]}"#;
        let ranked = |index, score: &str, document: Option<&str>| Ranked {
            index,
            relevance_score: score.parse().unwrap(),
            document: document.map(Value::from),
        };
        let expected = [ranked(1, "0.75", Some("b")), ranked(0, "0.5", None)];
        assert_eq!(BedrockRerank.read_answer(body).unwrap().results, expected);
    }
}
