//! Errors: `google.rpc.Status` in JSON (AIP-193), read and written.

use std::time::Duration;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::canonical::{Failure, FailureClass};

/// Who says so, in `ErrorInfo`.
const DOMAIN: &str = "deltallm";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
    message: String,
    #[serde(rename = "status")]
    name: String,
    details: Vec<Value>,
}

/// Reads the body of an error answer. Streams without `alt=sse` wrap it in a list.
pub(super) fn read(http_status: u16, body: &[u8]) -> Failure {
    let Some(status) = parse(body) else { return Failure::new(FailureClass::of_status(http_status)) };
    Failure {
        class: status.class(http_status),
        param: status.field(),
        code: (!status.name.is_empty()).then_some(status.name),
        message: (!status.message.is_empty()).then_some(status.message),
    }
}

/// Reads an error in the middle of a stream, which says its status itself.
pub(super) fn read_in_stream(json: &[u8]) -> Failure {
    let http_status = parse(json).map(|status| status.code).filter(|code| (400..600).contains(code));
    read(http_status.unwrap_or(500), json)
}

/// How long the vendor wants us to wait (`RetryInfo.retryDelay`); the Gemini API says it in the body and in no header.
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    let status = parse(body)?;
    let delay = status.detail("RetryInfo")?.get("retryDelay")?.as_str()?.strip_suffix('s')?.to_owned();
    let (seconds, fraction) = delay.split_once('.').unwrap_or((&delay, ""));
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(seconds.parse::<u64>().ok()?.saturating_mul(1000).saturating_add(millis)))
}

fn parse(body: &[u8]) -> Option<Status> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let body = match body {
        Value::Array(list) => list.into_iter().next()?,
        body => body,
    };
    serde_json::from_value(body.get("error")?.clone()).ok()
}

impl Status {
    fn detail(&self, kind: &str) -> Option<&Map<String, Value>> {
        let mut details = self.details.iter().filter_map(Value::as_object);
        details.find(|detail| detail.get("@type").and_then(Value::as_str).is_some_and(|name| name.ends_with(kind)))
    }

    fn reason(&self) -> &str {
        self.detail("ErrorInfo").and_then(|info| info.get("reason")?.as_str()).unwrap_or_default()
    }

    /// The field at fault: `contents[0].parts[0].inline_data`.
    fn field(&self) -> Option<String> {
        let violation = self.detail("BadRequest")?.get("fieldViolations")?.get(0)?;
        violation.get("field")?.as_str().filter(|field| !field.is_empty()).map(str::to_owned)
    }

    fn class(&self, http_status: u16) -> FailureClass {
        let text = self.message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match self.name.as_str() {
            "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" | "" if http_status == 400 => {
                if self.reason().starts_with("API_KEY_") || says(&["api key not valid", "api key expired"]) {
                    FailureClass::Auth
                } else if says(&[
                    "exceeds the maximum number of tokens",
                    "input token count",
                    "input context is too long",
                ]) {
                    FailureClass::ContextWindow
                } else if says(&["payload size exceeds", "request size exceeds"]) {
                    FailureClass::TooLarge
                } else if says(&[
                    "usage guidelines",
                    "responsible ai",
                    "safety filter",
                    "prohibited content",
                    "was blocked",
                ]) {
                    FailureClass::ContentPolicy
                } else if says(&["billing"]) {
                    FailureClass::Quota
                } else if says(&["user location is not supported"]) {
                    // Where the gateway stands, not what the caller wrote.
                    FailureClass::Auth
                } else {
                    FailureClass::BadRequest
                }
            }
            "RESOURCE_EXHAUSTED" if self.is_used_up(&text) => FailureClass::Quota,
            "RESOURCE_EXHAUSTED" => FailureClass::RateLimit,
            "UNAUTHENTICATED" | "PERMISSION_DENIED" => FailureClass::Auth,
            "NOT_FOUND" => FailureClass::NotFound,
            "UNAVAILABLE" => FailureClass::Overloaded,
            "DEADLINE_EXCEEDED" => FailureClass::Timeout,
            "INTERNAL" | "UNKNOWN" | "DATA_LOSS" => FailureClass::Server,
            _ => FailureClass::of_status(http_status),
        }
    }

    /// A quota of a day, or money: waiting a minute does not help, another credential does.
    fn is_used_up(&self, text: &str) -> bool {
        let violations = self.detail("QuotaFailure").and_then(|failure| failure.get("violations")?.as_array());
        let quota = |violation: &Value| violation.get("quotaId").and_then(Value::as_str).map(str::to_owned);
        let mut quotas = violations.into_iter().flatten().filter_map(quota);
        quotas.any(|quota| quota.contains("PerDay"))
            || text.contains("credits are depleted")
            || text.contains("spending cap")
    }
}

/// The body of an error for a client. The code of our table stands in `ErrorInfo.reason`, the field in `BadRequest`.
pub(super) fn write(error: &ApiError) -> Vec<u8> {
    let mut details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.code.code().to_ascii_uppercase(),
        "domain": DOMAIN,
    })];
    if let Some(param) = &error.param {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": param, "description": error.message}],
        }));
    }
    let body = json!({"error": {
        "code": error.status(),
        "message": error.message,
        "status": status_name(error.code),
        "details": details,
    }});
    body.to_string().into_bytes()
}

/// Google's name for the status (google/rpc/code.proto).
fn status_name(code: ErrorCode) -> &'static str {
    match code.status() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 => "UNIMPLEMENTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        502 | 503 => "UNAVAILABLE",
        _ => "INVALID_ARGUMENT",
    }
}
