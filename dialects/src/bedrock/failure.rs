//! Errors of Bedrock ("Troubleshooting Amazon Bedrock API error codes" in its user guide). Their kind stands in the header
//! `x-amzn-errortype`, or in the body's `__type`; in a stream it stands in the header `:exception-type` of a frame.

use serde::Deserialize;

use crate::canonical::{Failure, FailureClass};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireError {
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type")]
    kind: Option<String>,
}

/// Reads an error. `kind`: the header `x-amzn-errortype` or `:exception-type`, where there is one.
pub fn read_error_of_type(kind: Option<&str>, status: u16, body: &[u8]) -> Failure {
    let error: WireError = serde_json::from_slice(body).unwrap_or_default();
    let code = kind.map(bare_name).filter(|name| !name.is_empty());
    let code = code.or_else(|| error.kind.as_deref().map(bare_name)).map(str::to_owned);
    let message = error.message.filter(|text| !text.is_empty());
    let class = class_of(code.as_deref().unwrap_or_default(), status, message.as_deref().unwrap_or_default());
    Failure { class, message, code, param: None }
}

/// `com.amazon.coral.service#ThrottlingException:http://…` → `ThrottlingException`
fn bare_name(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().trim()
}

fn class_of(code: &str, status: u16, message: &str) -> FailureClass {
    let is = |name: &str| code.eq_ignore_ascii_case(name);
    if is("ThrottlingException") || is("TooManyRequestsException") {
        FailureClass::RateLimit
    } else if is("ServiceQuotaExceededException") {
        FailureClass::Quota
    } else if is("ServiceUnavailableException") || is("ModelNotReadyException") {
        FailureClass::Overloaded
    } else if is("ModelTimeoutException") {
        FailureClass::Timeout
    } else if is("InternalServerException") || is("ModelErrorException") || is("ModelStreamErrorException") {
        FailureClass::Server
    } else if is("ResourceNotFoundException") {
        FailureClass::NotFound
    } else if AUTH.iter().any(|name| is(name)) {
        FailureClass::Auth
    } else if is("ValidationException") || code.is_empty() && status == 400 {
        class_of_validation(message)
    } else {
        // A failed dependency is the model behind Bedrock.
        if status == 424 { FailureClass::Server } else { FailureClass::of_status(status) }
    }
}

const AUTH: [&str; 9] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Bedrock says with one kind of error what others have several for.
fn class_of_validation(message: &str) -> FailureClass {
    let message = message.to_ascii_lowercase();
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if has(&[
        "input is too long",
        "prompt is too long",
        "too many input tokens",
        "maximum context length",
        "context window",
        "exceeds the model's maximum",
        "input length and `max_tokens` exceed",
        "input length exceeds",
    ]) {
        FailureClass::ContextWindow
    } else if has(&["content filter", "content filtering policy", "violates our", "responsible ai policy"]) {
        FailureClass::ContentPolicy
    } else if has(&["model identifier is invalid", "on-demand throughput isn", "model id is invalid"]) {
        FailureClass::NotFound
    } else if has(&["operation not allowed", "security token"]) {
        FailureClass::Auth
    } else {
        FailureClass::BadRequest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_from_header_and_body() {
        let body = br#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#;
        let failure = read_error_of_type(None, 400, body);
        assert_eq!(failure.class, FailureClass::Auth);
        assert_eq!(failure.code.as_deref(), Some("UnrecognizedClientException"));

        let header = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        let failure = read_error_of_type(Some(header), 429, br#"{"Message":"Too many tokens."}"#);
        let expected = Failure {
            class: FailureClass::RateLimit,
            message: Some("Too many tokens.".into()),
            code: Some("ThrottlingException".into()),
            param: None,
        };
        assert_eq!(failure, expected);
    }

    #[test]
    fn every_kind_has_its_class() {
        for (kind, status, message, class) in [
            ("throttlingException", 0, "", FailureClass::RateLimit),
            ("modelStreamErrorException", 0, "", FailureClass::Server),
            ("serviceUnavailableException", 0, "", FailureClass::Overloaded),
            ("internalServerException", 0, "", FailureClass::Server),
            ("validationException", 0, "Malformed input request", FailureClass::BadRequest),
            ("ModelNotReadyException", 429, "", FailureClass::Overloaded),
            ("ModelTimeoutException", 408, "", FailureClass::Timeout),
            ("ModelErrorException", 424, "", FailureClass::Server),
            ("ServiceQuotaExceededException", 400, "", FailureClass::Quota),
            ("AccessDeniedException", 403, "", FailureClass::Auth),
            ("ExpiredTokenException", 400, "", FailureClass::Auth),
            ("ResourceNotFoundException", 404, "", FailureClass::NotFound),
            ("ValidationException", 400, "Input is too long for requested model.", FailureClass::ContextWindow),
            ("ValidationException", 400, "The provided model identifier is invalid.", FailureClass::NotFound),
            ("ValidationException", 400, "Output blocked by content filtering policy", FailureClass::ContentPolicy),
            ("", 400, "prompt is too long: 213462 tokens > 200000 maximum", FailureClass::ContextWindow),
            ("", 424, "", FailureClass::Server),
            ("", 413, "", FailureClass::TooLarge),
            ("Unheard", 503, "", FailureClass::Overloaded),
        ] {
            let body = serde_json::json!({ "message": message }).to_string();
            assert_eq!(read_error_of_type(Some(kind), status, body.as_bytes()).class, class, "{kind} {message}");
        }
    }

    #[test]
    fn any_bytes_are_an_error_of_their_status() {
        let failure = read_error_of_type(None, 502, b"<html>Bad gateway</html>");
        assert_eq!(failure, Failure::new(FailureClass::Server));
    }
}
