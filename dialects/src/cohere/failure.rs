//! Errors of Cohere ("Errors" in its API documentation): `{"message", "id"}`, and a status that says the rest.

use serde::Deserialize;

use crate::canonical::{Failure, FailureClass};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireError {
    message: Option<String>,
}

/// Reads an error of any of Cohere's interfaces.
pub(crate) fn read_error(status: u16, body: &[u8]) -> Failure {
    let error: WireError = serde_json::from_slice(body).unwrap_or_default();
    let message = error.message.filter(|text| !text.is_empty());
    let class = class_of(status, &message.as_deref().unwrap_or_default().to_ascii_lowercase());
    Failure { class, message, code: None, param: None }
}

fn class_of(status: u16, message: &str) -> FailureClass {
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    match status {
        400 | 422 if has(&["too many tokens", "context length", "maximum context", "size limit exceeded"]) => {
            FailureClass::ContextWindow
        }
        400 | 422 if has(&["blocked by", "safety", "violates"]) => FailureClass::ContentPolicy,
        // "Blocked input or output"
        498 => FailureClass::ContentPolicy,
        // A trial key's month is over; its minute is a rate limit.
        429 if has(&["/ month", "per month", "monthly", "billing"]) => FailureClass::Quota,
        // The caller went away: not of the request's making.
        499 => FailureClass::Server,
        _ => FailureClass::of_status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_status_make_the_class() {
        for (status, message, class) in [
            (400, "invalid request: message must be at least 1 token long", FailureClass::BadRequest),
            (400, "too many tokens: total number of tokens in the prompt exceeds 128000", FailureClass::ContextWindow),
            (401, "invalid api token", FailureClass::Auth),
            (402, "Please add a payment method", FailureClass::Quota),
            (404, "model 'x' not found", FailureClass::NotFound),
            (429, "You are using a Trial key, which is limited to 20 API calls / minute.", FailureClass::RateLimit),
            (429, "You are using a Trial key, which is limited to 1000 API calls / month.", FailureClass::Quota),
            (498, "blocked output", FailureClass::ContentPolicy),
            (503, "", FailureClass::Overloaded),
        ] {
            let body = serde_json::json!({ "message": message, "id": "7" }).to_string();
            assert_eq!(read_error(status, body.as_bytes()).class, class, "{message}");
        }
        assert_eq!(read_error(502, b"<html>"), Failure::new(FailureClass::Server));
    }
}
