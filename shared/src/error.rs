//! The one table of errors that callers see. Codes are part of the contract: they never change their meaning.

use std::fmt;

use serde::Serialize;

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request, its key or its budget.
    Caller,
    /// This gateway or how it is configured.
    Gateway,
    /// The provider behind it.
    Upstream,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])+ $name:ident = $code:literal, $status:literal, $kind:literal, $fault:ident;)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])+ $name,)+ }

        impl ErrorCode {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as it stands in `error.code`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The class as it stands in `error.type`, in OpenAI's words.
            pub const fn kind(self) -> &'static str {
                match self { $(Self::$name => $kind,)+ }
            }

            /// Who is at fault.
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)+ }
            }
        }
    };
}

error_codes! {
    /// No key, a malformed key or one that is not known.
    InvalidApiKey = "invalid_api_key", 401, "invalid_request_error", Caller;
    /// The key's time is over.
    ExpiredApiKey = "expired_api_key", 401, "invalid_request_error", Caller;
    /// The key, or what owns it, was blocked.
    KeyBlocked = "key_blocked", 401, "invalid_request_error", Caller;
    /// The caller is known but may not do this.
    PermissionDenied = "permission_denied", 403, "permission_error", Caller;
    /// The key may not use this model.
    ModelNotAllowed = "model_not_allowed", 403, "permission_error", Caller;
    /// No such model here.
    ModelNotFound = "model_not_found", 404, "invalid_request_error", Caller;
    /// No such path or object.
    NotFound = "not_found", 404, "invalid_request_error", Caller;
    /// The path knows other methods.
    MethodNotAllowed = "method_not_allowed", 405, "invalid_request_error", Caller;
    /// The object changed meanwhile, or its name is taken.
    Conflict = "conflict", 409, "invalid_request_error", Caller;
    /// Broken JSON, a missing or mistyped field, bad framing.
    InvalidRequest = "invalid_request_error", 400, "invalid_request_error", Caller;
    /// The prompt is longer than the model's context.
    ContextLengthExceeded = "context_length_exceeded", 400, "invalid_request_error", Caller;
    /// The provider's own content policy refused the prompt.
    ContentPolicyViolation = "content_policy_violation", 400, "invalid_request_error", Caller;
    /// A guardrail refused the prompt or the answer.
    GuardrailViolation = "guardrail_violation", 400, "invalid_request_error", Caller;
    /// The client sent its request too slowly.
    RequestTimeout = "request_timeout", 408, "invalid_request_error", Caller;
    /// The body is larger than the limit.
    RequestTooLarge = "request_too_large", 413, "invalid_request_error", Caller;
    /// The body is not of a type that this path reads.
    UnsupportedMediaType = "unsupported_media_type", 415, "invalid_request_error", Caller;
    /// Header lines are too many or too long.
    HeadersTooLarge = "headers_too_large", 431, "invalid_request_error", Caller;
    /// Too many requests or tokens in a window.
    RateLimitExceeded = "rate_limit_exceeded", 429, "rate_limit_error", Caller;
    /// The budget is used up; a retry is useless.
    BudgetExceeded = "budget_exceeded", 429, "insufficient_quota", Caller;
    /// The provider answered with an error or broke off.
    UpstreamError = "upstream_error", 502, "api_error", Upstream;
    /// The provider did not answer in time.
    UpstreamTimeout = "upstream_timeout", 504, "api_error", Upstream;
    /// The provider has no capacity now.
    UpstreamOverloaded = "upstream_overloaded", 503, "api_error", Upstream;
    /// Every deployment of the model is out of service.
    NoHealthyDeployment = "no_healthy_deployment", 503, "api_error", Upstream;
    /// The gateway is starting, stopping or cannot reach its database.
    ServiceUnavailable = "service_unavailable", 503, "api_error", Gateway;
    /// Our mistake; the log has the cause under the request id.
    InternalError = "internal_error", 500, "api_error", Gateway;
}

/// What a caller is told: a code, a text that says what to change, and the parameter it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// From the table.
    pub code: ErrorCode,
    /// For the caller. Never holds an upstream's host, secret or internal text.
    pub message: String,
    /// The field at fault, as a path: `messages[0].role`.
    pub param: Option<String>,
    /// Seconds after which it may be otherwise, where that is known.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error about the request as a whole.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), param: None, retry_after: None }
    }

    /// An error about one field.
    pub fn about(code: ErrorCode, param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(code, message) }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The body in OpenAI's envelope: `{"error":{"message","type","param","code"}}`.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: Detail<'a>,
        }
        #[derive(Serialize)]
        struct Detail<'a> {
            message: &'a str,
            r#type: &'a str,
            param: Option<&'a str>,
            code: &'a str,
        }
        let error = Detail {
            message: &self.message,
            r#type: self.code.kind(),
            param: self.param.as_deref(),
            code: self.code.code(),
        };
        serde_json::to_string(&Envelope { error }).unwrap_or_default()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.code(), self.message)
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_have_fitting_statuses() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let caller = (400..500).contains(&code.status());
            assert_eq!(caller, code.fault() == Fault::Caller, "{}", code.code());
        }
    }

    #[test]
    fn the_envelope_is_openais() {
        let error = ApiError::about(ErrorCode::ModelNotFound, "model", "The model `x` does not exist.");
        assert_eq!(
            error.to_json(),
            r#"{"error":{"message":"The model `x` does not exist.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
        );
    }
}
