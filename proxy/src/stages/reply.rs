//! What a client is told when something failed: our words for the caller, the provider's only where they are about the caller's
//! own request.

use bytes::Bytes;
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};
use pingora::{Error, ErrorSource, ErrorType};
use serde_json::Value;

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
        let shown = self.shows_body.then(|| self.presentable(upstream)).flatten();
        Bytes::from(shown.unwrap_or_else(|| self.error.to_json()))
    }

    /// The provider's error object with our code where it has none, as long as it says nothing about us.
    fn presentable(&self, upstream: &[u8]) -> Option<String> {
        let leaks = |text: &String| !text.is_empty() && memchr::memmem::find(upstream, text.as_bytes()).is_some();
        if self.hidden.iter().any(leaks) {
            return None;
        }
        let mut body: Value = serde_json::from_slice(upstream).ok()?;
        let error = body.get_mut("error")?.as_object_mut()?;
        error.get("message")?.as_str()?;
        for (name, ours) in [("code", self.error.code.code()), ("type", self.error.code.kind())] {
            if !error.get(name).is_some_and(Value::is_string) {
                error.insert(name.to_owned(), ours.into());
            }
        }
        error.entry("param").or_insert(Value::Null);
        serde_json::to_string(&body).ok()
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
        (_, ErrorType::Custom(_)) => {
            let text = format!("The provider of `{model}` gave an empty answer. Try again.");
            Some((ApiError::new(ErrorCode::UpstreamError, text), Outcome::UpstreamError))
        }
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
        let body = r#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
        let (status, text) = told(400, body);
        assert_eq!(
            (status, serde_json::from_str::<Value>(&text).unwrap()),
            (400, serde_json::from_str::<Value>(body).unwrap())
        );
        let (_, text) = told(400, r#"{"error":{"message":"too long","code":null}}"#);
        let error = &serde_json::from_str::<Value>(&text).unwrap()["error"];
        assert_eq!(
            (&error["code"], &error["message"], &error["param"]),
            (&"invalid_request_error".into(), &"too long".into(), &Value::Null)
        );
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
