//! What a client is told when something failed: our words for the caller, the provider's only where they are about the caller's
//! own request.

use bytes::Bytes;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};
use pingora::{Error, ErrorSource, ErrorType};
use sonic_rs::JsonValueTrait;

use crate::net::replay_session::{OUT_OF_TIME, STOPPING};

/// What an error status of a provider means for the caller.
#[derive(Clone, Debug)]
pub struct UpstreamVerdict {
    /// Our words.
    pub error: ApiError,
    /// How the call is recorded.
    pub outcome: Outcome,
    /// Whether the provider's own body may be shown, because it is about the caller's request.
    shows_body: bool,
    /// What must not be shown whatever the provider says: its address, our credential.
    hidden: Vec<String>,
}

impl UpstreamVerdict {
    /// Judges a status. `hidden`: texts that the client must never see.
    pub fn of(status: u16, model: &str, hidden: Vec<String>) -> Self {
        let (code, text, shows_body) = match status {
            400 | 422 => {
                (ErrorCode::InvalidRequest, format!("The provider of `{model}` did not accept the request."), true)
            }
            413 => {
                (ErrorCode::RequestTooLarge, format!("The request is too large for the provider of `{model}`."), true)
            }
            429 => (
                ErrorCode::RateLimitExceeded,
                format!("The provider of `{model}` is limiting requests. Try again later."),
                false,
            ),
            408 | 504 => {
                (ErrorCode::UpstreamTimeout, format!("The provider of `{model}` did not answer in time."), false)
            }
            401..=404 => {
                let text = format!(
                    "The provider of `{model}` refused this gateway. An administrator has to check its credential and model name."
                );
                (ErrorCode::UpstreamError, text, false)
            }
            _ => (ErrorCode::UpstreamError, format!("The provider of `{model}` failed. Try again."), false),
        };
        let outcome = if shows_body { Outcome::Refused } else { Outcome::UpstreamError };
        Self { error: ApiError::new(code, text), outcome, shows_body, hidden }
    }

    /// The body for the client, from the provider's.
    pub fn body(&mut self, upstream: &[u8]) -> Bytes {
        if self.shows_body && self.is_presentable(upstream) {
            return Bytes::copy_from_slice(upstream);
        }
        Bytes::from(self.error.to_json())
    }

    /// An error object in OpenAI's form that says nothing about us.
    fn is_presentable(&self, upstream: &[u8]) -> bool {
        let is_error = sonic_rs::get(upstream, ["error", "message"]).is_ok_and(|message| message.is_str());
        let leaks = self
            .hidden
            .iter()
            .any(|text| !text.is_empty() && memchr::memmem::find(upstream, text.as_bytes()).is_some());
        is_error && !leaks
    }
}

/// What a failed exchange means: the error for the caller and how the call is recorded. `None`: the client is gone.
pub fn of_failure(error: &Error, model: &str) -> Option<(ApiError, Outcome)> {
    let etype = error.etype();
    if *etype == STOPPING {
        let text = "The gateway is stopping. Try again; another instance will answer.";
        return Some((ApiError::new(ErrorCode::ServiceUnavailable, text), Outcome::Interrupted));
    }
    if *etype == OUT_OF_TIME {
        let text = format!("The request to `{model}` took longer than this gateway allows.");
        return Some((ApiError::new(ErrorCode::UpstreamTimeout, text), Outcome::UpstreamError));
    }
    match (error.esource(), etype) {
        (ErrorSource::Downstream, _) => None,
        (
            _,
            ErrorType::ConnectTimedout
            | ErrorType::TLSHandshakeTimedout
            | ErrorType::ReadTimedout
            | ErrorType::WriteTimedout,
        ) => {
            let text = format!("The provider of `{model}` did not answer in time.");
            Some((ApiError::new(ErrorCode::UpstreamTimeout, text), Outcome::UpstreamError))
        }
        (ErrorSource::Upstream, _) => {
            let text = format!("The provider of `{model}` could not be reached or broke off. Try again.");
            Some((ApiError::new(ErrorCode::UpstreamError, text), Outcome::UpstreamError))
        }
        _ => {
            let text = "The gateway made a mistake. Its log has the cause under this request's id.";
            Some((ApiError::new(ErrorCode::InternalError, text), Outcome::GatewayError))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> (u16, String) {
        let mut verdict = UpstreamVerdict::of(status, "m", vec!["sk-ours".into(), "api.internal".into()]);
        let body = verdict.body(body.as_bytes());
        (verdict.error.status(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn a_bad_request_is_explained_in_the_providers_words() {
        let body = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
        assert_eq!(told(400, body), (400, body.to_owned()));
    }

    #[test]
    fn nothing_of_ours_is_shown() {
        for body in [
            r#"{"error":{"message":"bad key sk-ours"}}"#,
            r#"{"error":{"message":"see api.internal"}}"#,
            "<html>nginx</html>",
            "",
        ] {
            let (status, text) = told(400, body);
            assert_eq!(status, 400);
            assert!(!text.contains("sk-ours") && !text.contains("internal") && !text.contains("nginx"), "{text}");
        }
    }

    #[test]
    fn our_credentials_are_our_problem() {
        for status in [401, 402, 403, 404, 500, 503, 529] {
            let (told, text) = told(status, r#"{"error":{"message":"Incorrect API key provided: sk-ours"}}"#);
            assert_eq!(told, 502, "{status}");
            assert!(text.contains("upstream_error") && !text.contains("sk-ours"));
        }
        assert_eq!(told(429, "{}").0, 429);
        assert_eq!(told(504, "{}").0, 504);
    }
}
