//! What went wrong at a vendor, in classes that callers, routing and alerts understand.

use deltallm_shared::error::{ApiError, ErrorCode};

/// What an error of a vendor means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// Too many requests or tokens: a later try, or another deployment, helps.
    RateLimit,
    /// The account's money is used up; another credential helps.
    Quota,
    /// The vendor has no capacity now.
    Overloaded,
    /// The prompt is longer than the model's context.
    ContextWindow,
    /// The vendor's policy refuses the content.
    ContentPolicy,
    /// Our credential is refused. Never the caller's fault.
    Auth,
    /// The model or object does not exist there.
    NotFound,
    /// The request is wrong.
    BadRequest,
    /// The request is too large.
    TooLarge,
    /// No answer in time.
    Timeout,
    /// The vendor's mistake.
    Server,
}

impl FailureClass {
    /// By the status alone; 529 is Anthropic's for overload.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 => Self::Quota,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::BadRequest,
            _ => Self::Server,
        }
    }

    /// The code that the caller is given.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::RateLimit => ErrorCode::RateLimitExceeded,
            Self::Overloaded => ErrorCode::UpstreamOverloaded,
            Self::ContextWindow => ErrorCode::ContextLengthExceeded,
            Self::ContentPolicy => ErrorCode::ContentPolicyViolation,
            Self::BadRequest => ErrorCode::InvalidRequest,
            Self::TooLarge => ErrorCode::RequestTooLarge,
            Self::Timeout => ErrorCode::UpstreamTimeout,
            Self::Quota | Self::Auth | Self::NotFound | Self::Server => ErrorCode::UpstreamError,
        }
    }

    /// Whether the vendor's words are about the caller's own request, and so may be shown.
    pub fn is_callers(self) -> bool {
        matches!(self, Self::ContextWindow | Self::ContentPolicy | Self::BadRequest | Self::TooLarge)
    }
}

/// An error of a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: FailureClass,
    /// The vendor's words.
    pub message: Option<String>,
    /// The vendor's code: `context_length_exceeded`, `INVALID_ARGUMENT`, `ThrottlingException` …
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
}

impl Failure {
    /// Without the vendor's words.
    pub fn new(class: FailureClass) -> Self {
        Self { class, message: None, code: None, param: None }
    }

    /// What the caller is told about a model: the vendor's words only where they are about the caller's own request and name
    /// nothing of ours. `hidden`: texts that must never be shown.
    pub fn tell(&self, model: &str, hidden: &[String]) -> ApiError {
        let leaks = |text: &str| hidden.iter().any(|part| !part.is_empty() && text.contains(part.as_str()));
        let shown = self.message.as_ref().filter(|text| self.class.is_callers() && !leaks(text));
        let message = shown.cloned().unwrap_or_else(|| self.class.our_words(model));
        let param = self.param.clone().filter(|text| !leaks(text));
        ApiError { param, ..ApiError::new(self.class.code(), message) }
    }
}

impl FailureClass {
    fn our_words(self, model: &str) -> String {
        match self {
            Self::RateLimit => format!("The provider of `{model}` is limiting requests. Try again later."),
            Self::Overloaded => format!("The provider of `{model}` is overloaded. Try again later."),
            Self::ContextWindow => format!("The request is longer than the context of `{model}`."),
            Self::ContentPolicy => {
                format!("The provider of `{model}` refused the content of the request by its policy.")
            }
            Self::Quota | Self::Auth | Self::NotFound => format!(
                "The provider of `{model}` refused this gateway. An administrator has to check its credential and model name."
            ),
            Self::BadRequest => format!("The provider of `{model}` did not accept the request."),
            Self::TooLarge => format!("The request is too large for the provider of `{model}`."),
            Self::Timeout => format!("The provider of `{model}` did not answer in time."),
            Self::Server => format!("The provider of `{model}` failed. Try again."),
        }
    }
}
