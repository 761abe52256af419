//! What a client is told when an exchange failed: no answer came, or it broke off.

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};
use pingora::{Error, ErrorSource, ErrorType};

use crate::net::replay_session::{CHUNK_TIMEOUT, FIRST_BYTE_TIMEOUT, OUT_OF_TIME, STOPPING, UPLOAD_LOST};

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
    if *etype == UPLOAD_LOST {
        let text =
            "The gateway cannot read the upload back from its disk. Its log has the cause under this request's id.";
        return Some((ApiError::new(ErrorCode::InternalError, text), Outcome::GatewayError));
    }
    if [FIRST_BYTE_TIMEOUT, CHUNK_TIMEOUT].contains(etype) {
        return Some((ApiError::new(ErrorCode::UpstreamTimeout, not_in_time(model)), Outcome::UpstreamError));
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
        ) => Some((ApiError::new(ErrorCode::UpstreamTimeout, not_in_time(model)), Outcome::UpstreamError)),
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

fn not_in_time(model: &str) -> String {
    format!("The provider of `{model}` did not answer in time.")
}
