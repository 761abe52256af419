//! What an error of a Responses vendor means: of an error body, of an `error` event, of a response that failed.

use serde::Deserialize;

use crate::canonical::{Failure, FailureClass};

/// `{"message","type","code","param"}`, of which any may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireError {
    message: Option<String>,
    r#type: Option<String>,
    code: Option<serde_json::Value>,
    param: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    error: Option<WireError>,
}

/// Reads the body of an error answer.
pub(super) fn read(status: u16, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Envelope>(body).ok().and_then(|envelope| envelope.error) {
        Some(error) => error.into_failure(FailureClass::of_status(status)),
        None => Failure::new(FailureClass::of_status(status)),
    }
}

/// Reads an `error` event: its members stand at its top, as the reference says, or in an `error` member, as OpenAI does too.
pub(super) fn read_event(json: &[u8]) -> Failure {
    let nested = serde_json::from_slice::<Envelope>(json).ok().and_then(|envelope| envelope.error);
    let error = nested.or_else(|| {
        // The event's own `type` says nothing about the error.
        serde_json::from_slice::<WireError>(json).ok().map(|error| WireError { r#type: None, ..error })
    });
    error.unwrap_or_default().into_failure(FailureClass::Server)
}

impl WireError {
    /// `otherwise`: what it is where its words say nothing.
    pub fn into_failure(self, otherwise: FailureClass) -> Failure {
        let code = match self.code {
            Some(serde_json::Value::String(code)) => Some(code),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let says =
            |words: &[&str]| self.message.as_deref().is_some_and(|text| words.iter().any(|word| text.contains(word)));
        let class = code
            .as_deref()
            .and_then(class_of_code)
            .or_else(|| self.r#type.as_deref().and_then(class_of_code))
            .or_else(|| says(&["maximum context length", "context window"]).then_some(FailureClass::ContextWindow));
        Failure {
            class: class.unwrap_or(otherwise),
            message: self.message.filter(|text| !text.is_empty()),
            code: code.or(self.r#type),
            param: self.param,
        }
    }
}

fn class_of_code(code: &str) -> Option<FailureClass> {
    Some(match code {
        "context_length_exceeded" => FailureClass::ContextWindow,
        "rate_limit_exceeded" | "rate_limit_error" | "tokens" | "requests" => FailureClass::RateLimit,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => FailureClass::Quota,
        "invalid_prompt"
        | "content_policy_violation"
        | "content_filter"
        | "moderation_blocked"
        | "image_content_policy_violation"
        | "bio_policy"
        | "misalignment_policy_violation" => FailureClass::ContentPolicy,
        "server_is_overloaded" | "slow_down" | "overloaded" => FailureClass::Overloaded,
        "invalid_api_key" | "authentication_error" => FailureClass::Auth,
        "model_not_found" => FailureClass::NotFound,
        "server_error" => FailureClass::Server,
        code if code.contains("image") => FailureClass::BadRequest,
        _ => return None,
    })
}
