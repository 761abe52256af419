//! An error of the provider: kept to its end, understood, and told in the client's dialect with our words or the provider's.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    bedrock,
    canonical::{Failure, FailureClass},
    dialect::{DialectId, vendor_dialect},
    embedding::embedding_vendor,
    gemini,
    rerank::rerank_vendor,
};
use deltallm_shared::error::ApiError;
use http::HeaderValue;
use pingora::http::ResponseHeader;
use serde_json::Value;

use super::{Passed, Refused, own_words::OwnWords};
use crate::{
    call::{dialect_of, error_body},
    context::RequestContext,
    providers::Words,
};

const MAX_ERROR_BYTES: usize = 64 << 10;

/// See the module.
pub struct RefusalRelay {
    status: u16,
    words: Words,
    body: BytesMut,
    own: OwnWords,
    retry_after: Option<Duration>,
    /// AWS names the kind of an error in a header.
    aws_type: Option<String>,
    told: Option<Refused>,
}

impl RefusalRelay {
    /// For the header of an error.
    pub fn new(header: &ResponseHeader, words: Words, context: &RequestContext) -> Self {
        let own = OwnWords::of(context);
        let (status, model) = (header.status.as_u16(), own.model.as_str());
        tracing::warn!(
            request_id = context.request_id,
            model,
            upstream_status = status,
            "the provider answered with an error"
        );
        let lines = header.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let retry_after = deltallm_routing::stats::retry_after(lines);
        let aws_type = header.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        Self { aws_type: aws_type.map(str::to_owned), ..Self::of(status, retry_after, words, own) }
    }

    fn of(status: u16, retry_after: Option<Duration>, words: Words, own: OwnWords) -> Self {
        Self { status, words, body: BytesMut::new(), own, retry_after, aws_type: None, told: None }
    }

    /// When to try again, as the provider says; in whole seconds, never earlier.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        self.retry_after.map(|wait| whole_seconds(wait).into())
    }

    /// What the client is told; with what is known so far.
    pub fn verdict(&mut self) -> Refused {
        if let Some(told) = &self.told {
            return told.clone();
        }
        let failure = self.failure();
        let error = self.own.tell(&failure);
        let body = self.presentable(&failure, &error).unwrap_or_else(|| error_body(self.own.operation, &error));
        if self.retry_after.is_none() {
            // Google says it in the body only.
            self.retry_after = gemini::error::retry_delay(&self.body);
        }
        let (status, retry_after) = (Some(self.status), self.retry_after);
        let told = Refused { error, body, failure: Some(failure), status, retry_after };
        self.told = Some(told.clone());
        told
    }

    pub(super) fn pass(&mut self, piece: &Bytes, is_end: bool) -> Passed {
        let space = MAX_ERROR_BYTES.saturating_sub(self.body.len());
        self.body.extend_from_slice(&piece[..piece.len().min(space)]);
        if is_end { Passed::Refused(self.verdict()) } else { Passed::Bytes(Bytes::new()) }
    }

    fn failure(&self) -> Failure {
        let dialect = match self.words {
            Words::Same(operation) => Some(dialect_of(operation).unwrap_or(DialectId::OpenAiChat)),
            Words::Chat(dialect) => Some(dialect),
            Words::Images => Some(DialectId::GeminiGenerate),
            _ => None,
        };
        let (status, body) = (self.status, self.body.as_ref());
        // A redirect, or a status that no error has: nobody's words explain it.
        if status < 400 {
            return Failure::new(FailureClass::Server);
        }
        if let Some(aws_type) = &self.aws_type {
            return bedrock::read_error_of_type(Some(aws_type), status, body);
        }
        match self.words {
            Words::Embedding(id) => embedding_vendor(id).map(|vendor| vendor.read_error(status, body)),
            Words::Rerank(id) => rerank_vendor(id).map(|vendor| vendor.read_error(status, body)),
            _ => {
                let dialect =
                    dialect.map(|id| if id == DialectId::OpenAiCompletions { DialectId::OpenAiChat } else { id });
                dialect.and_then(vendor_dialect).map(|vendor| vendor.read_error(status, body))
            }
        }
        .unwrap_or_else(|| Failure::new(FailureClass::of_status(status)))
    }

    /// The provider's own body, where client and provider speak the same dialect, it is about the caller's request, and it says
    /// nothing about us. Fields that OpenAI's SDKs read are filled where the vendor leaves them out.
    fn presentable(&self, failure: &Failure, error: &ApiError) -> Option<Bytes> {
        let Words::Same(operation) = self.words else { return None };
        let leaks = |text: &String| !text.is_empty() && memchr::memmem::find(&self.body, text.as_bytes()).is_some();
        if !failure.class.is_callers() || self.own.hidden().iter().any(leaks) {
            return None;
        }
        let mut body: Value = serde_json::from_slice(&self.body).ok()?;
        let detail = body.get_mut("error")?.as_object_mut()?;
        detail.get("message")?.as_str()?;
        if !matches!(dialect_of(operation), Some(DialectId::AnthropicMessages | DialectId::GeminiGenerate)) {
            for (name, ours) in [("code", error.code.code()), ("type", error.code.kind())] {
                if !detail.get(name).is_some_and(Value::is_string) {
                    detail.insert(name.to_owned(), ours.into());
                }
            }
            detail.entry("param").or_insert(Value::Null);
        }
        serde_json::to_vec(&body).ok().map(Bytes::from)
    }
}

/// As `retry-after` has it: never earlier than asked.
fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltallm_shared::{credential::CredentialValues, ids::CredentialId, operation::Operation, secret::Secret};

    use super::*;
    use crate::{
        credentials::{Credential, CredentialPool},
        snapshot::Deployment,
    };

    /// Stands at api.internal, signed in to with sk-ours.
    fn deployment() -> Deployment {
        let record = serde_json::json!({
            "id": deltallm_shared::ids::DeploymentId::new(), "model_name": "m", "provider": "openai", "upstream_model": "m",
            "api_base": "https://api.internal/v1",
        });
        let key = CredentialValues::api_key(Secret::new("sk-ours".to_owned()));
        let credential = Credential::new(CredentialId::new(), "c".to_owned(), key, false).unwrap();
        let pool = CredentialPool::new([Arc::new(credential)]);
        Deployment::compile(&serde_json::from_value(record).unwrap(), pool, false).unwrap()
    }

    /// What the client of an operation is told of an error in the given words.
    fn told(operation: Operation, words: Words, status: u16, body: &str) -> (u16, Value) {
        let own =
            OwnWords { operation: Some(operation), model: "m".to_owned(), deployment: Some(Arc::new(deployment())) };
        let mut refusal = RefusalRelay::of(status, None, words, own);
        let Passed::Refused(refused) = refusal.pass(&Bytes::copy_from_slice(body.as_bytes()), true) else {
            panic!("an error is told at its end")
        };
        (refused.error.status(), serde_json::from_slice(&refused.body).unwrap())
    }

    fn told_chat(status: u16, body: &str) -> (u16, Value) {
        told(Operation::ChatCompletions, Words::Same(Operation::ChatCompletions), status, body)
    }

    #[test]
    fn a_bad_request_is_explained_in_the_providers_words() {
        let body = r#"{"error":{"message":"no such tool","type":"invalid_request_error","param":"tools","code":"unknown_tool","hint":1}}"#;
        assert_eq!(told_chat(400, body), (400, serde_json::from_str(body).unwrap()));
        let (_, told) = told_chat(400, r#"{"error":{"message":"no such tool","code":null}}"#);
        let error = &told["error"];
        assert_eq!((&error["code"], &error["message"]), (&"invalid_request_error".into(), &"no such tool".into()));
        assert_eq!(error["param"], Value::Null);
    }

    #[test]
    fn nothing_of_ours_is_shown() {
        for body in [
            r#"{"error":{"message":"bad key sk-ours"}}"#,
            r#"{"error":{"message":"see api.internal"}}"#,
            "<html>nginx</html>",
            "",
        ] {
            let (status, told) = told_chat(400, body);
            let text = told.to_string();
            assert_eq!(status, 400);
            assert!(!text.contains("sk-ours") && !text.contains("internal") && !text.contains("nginx"), "{text}");
        }
    }

    #[test]
    fn our_credentials_are_our_problem() {
        for status in [401, 402, 403, 404, 500] {
            let (status_told, told) =
                told_chat(status, r#"{"error":{"message":"Incorrect API key provided: sk-ours"}}"#);
            assert_eq!((status_told, &told["error"]["code"]), (502, &"upstream_error".into()), "{status}");
            assert!(!told.to_string().contains("sk-ours"));
        }
        assert_eq!((told_chat(429, "{}").0, told_chat(503, "{}").0, told_chat(504, "{}").0), (429, 503, 504));
        assert_eq!(told_chat(529, "{}").1["error"]["code"], "upstream_overloaded");
    }

    #[test]
    fn the_wait_that_google_says_in_the_body_is_told() {
        let body = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36.5s"}]}}"#;
        let own = OwnWords { model: "m".to_owned(), ..OwnWords::default() };
        let mut refusal = RefusalRelay::of(429, None, Words::Chat(DialectId::GeminiGenerate), own);
        refusal.pass(&Bytes::from_static(body.as_bytes()), true);
        assert_eq!(refusal.verdict().retry_after, Some(Duration::from_millis(36_500)));
        assert_eq!(refusal.retry_after(), Some(HeaderValue::from(37)));
    }

    #[test]
    fn a_redirect_is_the_providers_mistake() {
        assert_eq!(told_chat(302, "").0, 502);
    }
}
