//! What went wrong with an attempt, as a class that routing understands.

use deltallm_dialects::canonical::{Failure, FailureClass};
use deltallm_shared::{error::ErrorCode, routing::Fault};
use pingora::{Error, ErrorSource, ErrorType};

use crate::{
    net::replay_session::{CHUNK_TIMEOUT, FIRST_BYTE_TIMEOUT, OUT_OF_TIME, STOPPING, UPLOAD_LOST},
    stages::relay::Refused,
};

/// Of an answer that became an error.
pub fn of_refusal(refused: &Refused) -> Fault {
    refused.failure.as_ref().map_or(Fault::Broken, |failure| of_failure(failure, refused.status))
}

/// Of what a vendor said. `status`: where it had one of its own.
pub fn of_failure(failure: &Failure, status: Option<u16>) -> Fault {
    match failure.class {
        // Its status is no mistake of the request: the same content is being worked on.
        FailureClass::BadRequest if status == Some(409) => Fault::Conflict,
        FailureClass::BadRequest => Fault::BadRequest,
        // Where more fits, it may be served.
        FailureClass::TooLarge | FailureClass::ContextWindow => Fault::ContextWindow,
        FailureClass::RateLimit => Fault::RateLimit,
        FailureClass::Quota => Fault::Quota,
        FailureClass::Overloaded => Fault::Overloaded,
        FailureClass::ContentPolicy => Fault::ContentPolicy,
        FailureClass::Auth => Fault::Auth,
        FailureClass::NotFound => Fault::NotFound,
        FailureClass::Timeout => Fault::Timeout,
        FailureClass::Server => Fault::Server,
    }
}

/// Of an exchange that failed. `None`: it says nothing about the deployment, because the client left or this process stops.
pub fn of_error(error: &Error) -> Option<Fault> {
    let etype = error.etype();
    if *etype == FIRST_BYTE_TIMEOUT {
        return Some(Fault::FirstByteTimeout);
    }
    if *etype == CHUNK_TIMEOUT {
        return Some(Fault::ChunkTimeout);
    }
    if [STOPPING, OUT_OF_TIME, UPLOAD_LOST].contains(etype) || error.esource() == &ErrorSource::Downstream {
        return None;
    }
    Some(match etype {
        ErrorType::TLSHandshakeFailure
        | ErrorType::TLSHandshakeTimedout
        | ErrorType::InvalidCert
        | ErrorType::TLSWantX509Lookup => Fault::Tls,
        ErrorType::ConnectTimedout
        | ErrorType::ConnectRefused
        | ErrorType::ConnectNoRoute
        | ErrorType::ConnectError
        | ErrorType::BindError
        | ErrorType::SocketError
        | ErrorType::ConnectProxyFailure => Fault::Connect,
        ErrorType::ReadTimedout => Fault::ChunkTimeout,
        _ => Fault::Broken,
    })
}

/// Of an answer that ended with an error after its beginning had gone out. What is the caller's own doing stays so in mid-stream.
pub fn of_last_words(error: Option<ErrorCode>) -> Fault {
    match error {
        Some(ErrorCode::RateLimitExceeded) => Fault::RateLimit,
        Some(ErrorCode::UpstreamOverloaded) => Fault::Overloaded,
        Some(ErrorCode::UpstreamTimeout) => Fault::Timeout,
        Some(ErrorCode::ContextLengthExceeded) => Fault::ContextWindow,
        Some(ErrorCode::ContentPolicyViolation) => Fault::ContentPolicy,
        Some(ErrorCode::InvalidRequest) => Fault::BadRequest,
        _ => Fault::Broken,
    }
}
