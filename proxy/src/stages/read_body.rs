//! Third stage: the whole body, within its limits of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use deltallm_shared::{
    config::ClientTimeouts,
    error::{ApiError, ErrorCode},
};
use pingora::{Error, ErrorType, protocols::http::ServerSession};
use tokio::time::timeout;

use super::receive::Received;

/// How long an unwanted body is thrown away, so that the client reads the answer instead of a reset.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no body.
pub enum BodyError {
    /// The client is told.
    Refused(ApiError),
    /// The client is gone.
    Gone(Box<Error>),
}

/// Runs the stage.
pub async fn read_body(
    session: &mut ServerSession,
    received: &Received,
    max_bytes: u64,
    limits: &ClientTimeouts,
) -> Result<Bytes, BodyError> {
    if received.content_length.is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    if received.expects_continue {
        session.write_continue_response().await.map_err(BodyError::Gone)?;
    }
    session.set_read_timeout(Some(limits.stall));
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let body = match timeout(limits.body, collect(session, received.content_length, max)).await {
        Ok(body) => body?,
        Err(_) => return Err(too_slow()),
    };
    if received.content_length.is_some_and(|length| length != body.len() as u64) {
        return Err(wrong_length());
    }
    Ok(body)
}

async fn collect(session: &mut ServerSession, length: Option<u64>, max: usize) -> Result<Bytes, BodyError> {
    let Some(first) = next_piece(session).await? else { return Ok(Bytes::new()) };
    // The common case: everything in one piece, no copy.
    if length == Some(first.len() as u64) {
        return Ok(first);
    }
    // Space for what is announced, but not before some of it came: a header alone must not cost 50 MB.
    let announced = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = BytesMut::with_capacity(announced.min(1 << 20).max(first.len() * 2).min(max.max(first.len())));
    body.extend_from_slice(&first);
    while body.len() <= max {
        match next_piece(session).await? {
            Some(piece) => body.extend_from_slice(&piece),
            None => return Ok(body.freeze()),
        }
    }
    Err(too_large(max as u64))
}

pub(super) async fn next_piece(session: &mut ServerSession) -> Result<Option<Bytes>, BodyError> {
    session.read_request_body().await.map_err(|error| match error.etype() {
        ErrorType::ReadTimedout => too_slow(),
        ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::H2Error => BodyError::Gone(error.into_down()),
        _ => BodyError::Refused(ApiError::new(ErrorCode::InvalidRequest, "The body's chunks cannot be read.")),
    })
}

/// Throws away what is left of a body that nobody wants, within limits. Whether the connection can be used again.
pub async fn discard_body(session: &mut ServerSession, max_bytes: u64) -> bool {
    let drain = async {
        let mut left = max_bytes.saturating_mul(2);
        while let Ok(Some(piece)) = session.read_request_body().await {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                return false;
            }
        }
        true
    };
    timeout(DISCARD_TIMEOUT, drain).await.unwrap_or(false)
}

pub(super) fn too_large(max_bytes: u64) -> BodyError {
    let text = format!("The body is larger than {max_bytes} bytes.");
    BodyError::Refused(ApiError::new(ErrorCode::RequestTooLarge, text))
}

pub(super) fn wrong_length() -> BodyError {
    let text = "The body is not as long as its `content-length` says.";
    BodyError::Refused(ApiError::new(ErrorCode::InvalidRequest, text))
}

pub(super) fn too_slow() -> BodyError {
    BodyError::Refused(ApiError::new(ErrorCode::RequestTimeout, "The body did not arrive in time."))
}
