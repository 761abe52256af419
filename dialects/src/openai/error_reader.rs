//! Errors of OpenAI and of the many servers that are like it. Their forms: `{"error": {"message", "type", "param", "code"}}`,
//! `{"error": "text"}`, `{"message", "type", "code"}` (Mistral), `{"detail": "text"}` and `{"detail": [{"loc", "msg"}]}`
//! (FastAPI), an array around any of them (Google), plain text, and the HTML of a load balancer.

use serde_json::{Map, Value};

use crate::canonical::{Failure, FailureClass};

/// Longer words of a vendor are cut: they go into answers and logs.
const MAX_MESSAGE_CHARS: usize = 2000;

/// Reads the body of an answer with an error status.
pub fn read(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => Words::of(&value).failure(status),
        Err(_) => {
            let words = text.trim();
            let is_words = !words.is_empty() && !words.starts_with(['<', '{', '[']);
            Words { message: is_words.then(|| words.to_owned()), ..Words::default() }.failure(status)
        }
    }
}

/// Reads an error that came in the middle of a stream, where only its own words say what it means.
pub fn read_in_stream(payload: &[u8]) -> Failure {
    let words = serde_json::from_slice(payload).map(|value| Words::of(&value)).unwrap_or_default();
    let status = words.code.as_deref().and_then(|code| code.parse().ok()).filter(|code| (400..600).contains(code));
    words.failure(status.unwrap_or(500))
}

/// What a body says, wherever it stands in it.
#[derive(Debug, Default)]
struct Words {
    message: Option<String>,
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
}

impl Words {
    fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => items.first().map(Self::of).unwrap_or_default(),
            Value::String(text) => Self { message: Some(text.clone()), ..Self::default() },
            Value::Object(members) => match members.get("error").or_else(|| members.get("errors")) {
                Some(Value::Object(error)) => Self::of_members(error),
                Some(Value::String(text)) => Self { message: Some(text.clone()), ..Self::of_members(members) },
                Some(list @ Value::Array(_)) => Self::of(list),
                _ => Self::of_members(members),
            },
            _ => Self::default(),
        }
    }

    fn of_members(members: &Map<String, Value>) -> Self {
        let text = |name: &str| match members.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        // Azure says in the inner error what its filter found; OpenRouter repeats the words of the vendor behind it.
        let inner = members.get("innererror").and_then(|inner| inner.get("code")?.as_str());
        let raw = members.get("metadata").and_then(|metadata| metadata.get("raw")?.as_str());
        let mut words = Self {
            message: text("message").or_else(|| text("msg")),
            code: inner.map(str::to_owned).or_else(|| text("code")),
            kind: text("type").or_else(|| text("status")),
            param: text("param").or_else(|| text("loc")),
        };
        words.add_detail(members.get("detail").or_else(|| members.get("message")));
        if let Some(raw) = raw {
            let before = words.message.take().map(|message| format!("{message}: ")).unwrap_or_default();
            words.message = Some(format!("{before}{raw}"));
        }
        words
    }

    /// FastAPI's `detail`, which Mistral puts into `message` too.
    fn add_detail(&mut self, detail: Option<&Value>) {
        match detail {
            Some(Value::String(text)) => drop(self.message.get_or_insert_with(|| text.clone())),
            Some(Value::Array(items)) => {
                let Some(first) = items.first() else { return };
                if let Some(text) = first.get("msg").and_then(Value::as_str) {
                    self.message.get_or_insert_with(|| text.to_owned());
                }
                if let Some(path) = first.get("loc").and_then(path_of) {
                    self.param.get_or_insert(path);
                }
            }
            Some(Value::Object(inner)) => self.add_detail(inner.get("detail").or_else(|| inner.get("message"))),
            _ => {}
        }
    }

    fn failure(self, status: u16) -> Failure {
        let class = self.class(status);
        let message = self.message.map(|message| message.chars().take(MAX_MESSAGE_CHARS).collect());
        Failure { class, message, code: self.code.or(self.kind), param: self.param }
    }

    /// By code and type first, then by words, then by status.
    fn class(&self, status: u16) -> FailureClass {
        // OpenAI calls it a rate limit when one request alone is larger than the limit of a minute: waiting does not help it, and
        // others are not limited.
        if status == 429
            && self.message.as_deref().is_some_and(|text| text.to_lowercase().contains("request too large"))
        {
            return FailureClass::TooLarge;
        }
        let named = [&self.code, &self.kind].into_iter().flatten().find_map(|name| class_of_name(name));
        let by_words = || class_of_words(status, self.message.as_deref().unwrap_or_default());
        // Names like `invalid_request_error` say less than the words beside them.
        named.or_else(by_words).unwrap_or_else(|| FailureClass::of_status(status))
    }
}

/// `["body", "messages", 0, "role"]` as `messages[0].role`.
fn path_of(loc: &Value) -> Option<String> {
    let mut path = String::new();
    for step in loc.as_array()?.iter().skip_while(|step| step.as_str() == Some("body")) {
        match step {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => path.extend([".", name]),
            Value::Number(index) => path.extend(["[", &index.to_string(), "]"]),
            _ => {}
        }
    }
    (!path.is_empty()).then_some(path)
}

fn class_of_name(name: &str) -> Option<FailureClass> {
    Some(match name {
        "context_length_exceeded" | "exceed_context_size_error" | "context_window_exceeded" => {
            FailureClass::ContextWindow
        }
        "content_policy_violation"
        | "content_filter"
        | "content_filter_error"
        | "ResponsibleAIPolicyViolation"
        | "moderation_blocked"
        | "data_inspection_failed"
        | "invalid_prompt"
        | "image_content_policy_violation"
        | "bio_policy"
        | "misalignment_policy_violation" => FailureClass::ContentPolicy,
        "insufficient_quota" | "billing_hard_limit_reached" | "insufficient_balance" | "billing_not_active" => {
            FailureClass::Quota
        }
        "rate_limit_exceeded" | "rate_limit_error" | "RateLimitReached" | "RESOURCE_EXHAUSTED" => {
            FailureClass::RateLimit
        }
        "invalid_api_key"
        | "invalid_authentication"
        | "invalid_issuer"
        | "account_deactivated"
        | "authentication_error"
        | "permission_error"
        | "permission_denied"
        | "unsupported_country_region_territory"
        | "UNAUTHENTICATED"
        | "PERMISSION_DENIED" => FailureClass::Auth,
        "model_not_found" | "DeploymentNotFound" | "not_found_error" | "NOT_FOUND" | "model_decommissioned" => {
            FailureClass::NotFound
        }
        "overloaded_error"
        | "server_is_overloaded"
        | "engine_overloaded"
        | "engine_overloaded_error"
        | "slow_down"
        | "UNAVAILABLE" => FailureClass::Overloaded,
        "timeout" | "request_timeout" | "DEADLINE_EXCEEDED" => FailureClass::Timeout,
        "request_too_large" | "request_entity_too_large" => FailureClass::TooLarge,
        // `invalid_image_url`, `image_too_large`, … of responses that failed.
        image if image.contains("image") => FailureClass::BadRequest,
        _ => return None,
    })
}

/// For the many servers whose codes say nothing. Only words that are about one thing are here.
fn class_of_words(status: u16, message: &str) -> Option<FailureClass> {
    const CONTEXT: [&str; 11] = [
        "maximum context length",
        "context length",
        "context window",
        "context size",
        "maximum prompt length",
        "prompt is too long",
        "input is too long",
        "reduce the length of the messages",
        "too large for model with",
        "exceeds the maximum number of tokens",
        "maximum allowed number of input tokens",
    ];
    const POLICY: [&str; 5] =
        ["content management policy", "content policy", "usage policies", "usage policy", "safety system"];
    const QUOTA: [&str; 5] = [
        "exceeded your current quota",
        "insufficient credits",
        "insufficient balance",
        "credit balance is too low",
        "requires more credits",
    ];
    const KEY: [&str; 5] =
        ["incorrect api key", "invalid api key", "api key not valid", "api key is invalid", "no auth credentials"];
    const BUSY: [&str; 4] = ["overloaded", "currently loading", "over capacity", "at capacity"];
    const MODEL: [&str; 3] = ["model not found", "not a valid model", "unknown model"];
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    match status {
        _ if says(&QUOTA) => Some(FailureClass::Quota),
        400..=499 if says(&KEY) => Some(FailureClass::Auth),
        429 | 498 | 500..=599 if says(&BUSY) => Some(FailureClass::Overloaded),
        400..=428 | 430..=599 if says(&CONTEXT) => Some(FailureClass::ContextWindow),
        400..=499 if says(&POLICY) => Some(FailureClass::ContentPolicy),
        400..=499 if says(&MODEL) || (message.contains("model") && message.contains("does not exist")) => {
            Some(FailureClass::NotFound)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_where_codes_say_nothing() {
        let class = |status, body: &str| read(status, body.as_bytes()).class;
        let cases = [
            (400, r#"{"error":"Incorrect API key provided: xa***. "}"#, FailureClass::Auth),
            (
                429,
                r#"{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 41000.","code":"rate_limit_exceeded"}}"#,
                FailureClass::TooLarge,
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
                FailureClass::Auth,
            ),
            (
                400,
                r#"{"error":{"message":"This model's maximum prompt length is 131072","code":"x"}}"#,
                FailureClass::ContextWindow,
            ),
            (402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#, FailureClass::Quota),
            (400, r#"{"error":{"message":"Your credit balance is too low to access the API."}}"#, FailureClass::Quota),
            (503, r#"{"error":"Model x is currently loading","estimated_time":20.0}"#, FailureClass::Overloaded),
            (429, r#"{"message":"Requests rate limit exceeded"}"#, FailureClass::RateLimit),
            (500, "", FailureClass::Server),
            (500, "upstream connect error", FailureClass::Server),
            (404, r#"{"detail":"Not Found"}"#, FailureClass::NotFound),
        ];
        for (status, body, expected) in cases {
            assert_eq!(class(status, body), expected, "{body}");
        }
    }

    #[test]
    fn fields_are_found_in_every_form() {
        let failure = read(422, br#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"Field required"}]}"#);
        assert_eq!(
            (failure.message.as_deref(), failure.param.as_deref()),
            (Some("Field required"), Some("messages[0].role"))
        );
        let failure = read(502, b"<html><title>502</title></html>");
        assert_eq!((failure.class, failure.message), (FailureClass::Server, None));
        let failure = read(
            429,
            br#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"slow down, please"}}}"#,
        );
        assert_eq!(failure.message.as_deref(), Some("Provider returned error: slow down, please"));
        let failure = read_in_stream(br#"{"error":{"code":502,"message":"Provider disconnected"}}"#);
        assert_eq!((failure.class, failure.code.as_deref()), (FailureClass::Server, Some("502")));
    }
}
