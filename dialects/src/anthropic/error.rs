//! Errors in Anthropic's envelope: `{"type":"error","error":{"type","message"},"request_id"}`.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde::{Deserialize, Serialize};

use crate::canonical::{Failure, FailureClass};

#[derive(Deserialize)]
struct WireEnvelope {
    error: WireError,
}

/// The inner object; also what an `error` event of a stream holds.
#[derive(Deserialize)]
pub(super) struct WireError {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// What Anthropic says when the prompt does not fit, in the messages of `invalid_request_error`.
const CONTEXT_WORDS: [&str; 4] =
    ["prompt is too long", "exceed context limit", "context window", "maximum context length"];
/// What it says when the account's money is used up or its own limit is reached.
const QUOTA_WORDS: [&str; 2] = ["credit balance", "specified api usage limits"];
/// What it says when its filter refuses.
const POLICY_WORDS: [&str; 2] = ["content filtering policy", "usage policy"];

/// Reads the body of an error answer.
pub(super) fn read(status: u16, body: &[u8]) -> Failure {
    match serde_json::from_slice::<WireEnvelope>(body) {
        Ok(envelope) => failure(envelope.error, status),
        Err(_) => Failure::new(FailureClass::of_status(status)),
    }
}

/// What an error means. `status`: of the answer; 0 in a stream, where there is none.
pub(super) fn failure(error: WireError, status: u16) -> Failure {
    let message = error.message.unwrap_or_default();
    let class = match error.r#type.as_deref().unwrap_or_default() {
        "invalid_request_error" => class_of_message(&message),
        "authentication_error" | "permission_error" => FailureClass::Auth,
        "billing_error" => FailureClass::Quota,
        "not_found_error" => FailureClass::NotFound,
        "request_too_large" => FailureClass::TooLarge,
        "rate_limit_error" => FailureClass::RateLimit,
        "timeout_error" => FailureClass::Timeout,
        "overloaded_error" => FailureClass::Overloaded,
        "api_error" => FailureClass::Server,
        _ => FailureClass::of_status(status),
    };
    let param = (class == FailureClass::BadRequest).then(|| param_in(&message)).flatten();
    Failure { class, param, code: error.r#type, message: (!message.is_empty()).then_some(message) }
}

fn class_of_message(message: &str) -> FailureClass {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&CONTEXT_WORDS) {
        FailureClass::ContextWindow
    } else if says(&QUOTA_WORDS) {
        FailureClass::Quota
    } else if says(&POLICY_WORDS) {
        FailureClass::ContentPolicy
    } else {
        FailureClass::BadRequest
    }
}

/// Anthropic begins with the field: `messages.0.content: Field required`.
fn param_in(message: &str) -> Option<String> {
    let (field, _) = message.split_once(": ")?;
    let is_path = field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']'));
    (is_path && !field.is_empty()).then(|| field.to_owned())
}

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    r#type: &'static str,
    message: &'a str,
}

/// The body of an error. The field at fault stands before the message, as Anthropic has it. Agents such as Claude Code shorten
/// a conversation when they read "prompt is too long", so a prompt that does not fit is told in these words.
pub(super) fn write(error: &ApiError) -> Vec<u8> {
    let mut message = error.message.clone();
    if let Some(param) = error.param.as_deref().filter(|param| !message.contains(param)) {
        message = format!("{param}: {message}");
    }
    if error.code == ErrorCode::ContextLengthExceeded && !message.contains("prompt is too long") {
        message = format!("prompt is too long: {message}");
    }
    let envelope = Envelope { r#type: "error", error: Detail { r#type: kind(error.code), message: &message } };
    // A struct of texts always has a JSON form.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// Anthropic's type of an error.
fn kind(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidApiKey | ErrorCode::ExpiredApiKey | ErrorCode::KeyBlocked => "authentication_error",
        ErrorCode::PermissionDenied | ErrorCode::ModelNotAllowed => "permission_error",
        ErrorCode::ModelNotFound | ErrorCode::NotFound => "not_found_error",
        ErrorCode::RequestTooLarge => "request_too_large",
        ErrorCode::RateLimitExceeded => "rate_limit_error",
        ErrorCode::BudgetExceeded => "billing_error",
        ErrorCode::RequestTimeout | ErrorCode::UpstreamTimeout => "timeout_error",
        ErrorCode::UpstreamOverloaded | ErrorCode::NoHealthyDeployment | ErrorCode::ServiceUnavailable => {
            "overloaded_error"
        }
        ErrorCode::UpstreamError | ErrorCode::InternalError => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, kind: &str, message: &str) -> FailureClass {
        let body =
            serde_json::json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
        read(status, body.to_string().as_bytes()).class
    }

    #[test]
    fn every_documented_type_has_its_class() {
        let cases = [
            (400, "invalid_request_error", "max_tokens: Field required", FailureClass::BadRequest),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 210000 tokens > 200000 maximum",
                FailureClass::ContextWindow,
            ),
            (
                400,
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
                FailureClass::ContextWindow,
            ),
            (400, "invalid_request_error", "Output blocked by content filtering policy", FailureClass::ContentPolicy),
            (
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API.",
                FailureClass::Quota,
            ),
            (400, "invalid_request_error", "You have reached your specified API usage limits.", FailureClass::Quota),
            (401, "authentication_error", "invalid x-api-key", FailureClass::Auth),
            (402, "billing_error", "Billing error", FailureClass::Quota),
            (403, "permission_error", "not allowed", FailureClass::Auth),
            (404, "not_found_error", "model: claude-x", FailureClass::NotFound),
            (413, "request_too_large", "Request exceeds the maximum size", FailureClass::TooLarge),
            (429, "rate_limit_error", "Number of request tokens has exceeded", FailureClass::RateLimit),
            (500, "api_error", "Internal server error", FailureClass::Server),
            (504, "timeout_error", "timed out", FailureClass::Timeout),
            (529, "overloaded_error", "Overloaded", FailureClass::Overloaded),
            (529, "a_type_to_come", "?", FailureClass::Overloaded),
        ];
        for (status, kind, message, expected) in cases {
            assert_eq!(class(status, kind, message), expected, "{kind}: {message}");
        }
    }

    #[test]
    fn the_field_at_fault_is_found() {
        let param = |message: &str| {
            failure(WireError { r#type: Some("invalid_request_error".into()), message: Some(message.into()) }, 400)
                .param
        };
        assert_eq!(param("messages.0.content.1: Field required").as_deref(), Some("messages.0.content.1"));
        assert_eq!(param("Something is wrong: it is").as_deref(), None);
    }

    #[test]
    fn html_of_a_load_balancer_is_told_by_its_status() {
        assert_eq!(read(503, b"<html>no</html>"), Failure::new(FailureClass::Overloaded));
        assert_eq!(read(400, &[0xff, 0xfe]), Failure::new(FailureClass::BadRequest));
    }

    #[test]
    fn our_errors_come_in_anthropics_envelope() {
        let error = ApiError::about(ErrorCode::InvalidRequest, "messages[0].role", "This must be `user`.");
        assert_eq!(
            String::from_utf8(write(&error)).unwrap(),
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages[0].role: This must be `user`."}}"#
        );
        for code in ErrorCode::ALL {
            let body = write(&ApiError::new(*code, "x"));
            assert_ne!(read(code.status(), &body).message, None, "{}", code.code());
        }
    }

    #[test]
    fn a_prompt_that_does_not_fit_is_told_in_the_words_that_agents_look_for() {
        let error = ApiError::new(ErrorCode::ContextLengthExceeded, "The request is longer than the context of `x`.");
        let body = write(&error);
        assert!(String::from_utf8_lossy(&body).contains("prompt is too long"));
        assert_eq!(read(400, &body).class, FailureClass::ContextWindow);
    }
}
