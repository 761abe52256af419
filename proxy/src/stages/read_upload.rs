//! Third stage of a body that may be too large for memory: all of it, within limits of size and time, looked at as it comes and
//! kept where there is room for it.

use std::time::Duration;

use deltallm_shared::{
    config::ClientTimeouts,
    error::{ApiError, ErrorCode},
};
use pingora::protocols::http::ServerSession;
use tokio::time::timeout;

use super::{
    read_body::{BodyError, next_piece, too_large, too_slow, wrong_length},
    receive::Received,
};
use crate::net::spool::{Spool, UploadedBody};

/// A client that sends slower than this in the mean is cut off, besides the time that every body has.
const SLOWEST_BYTES_PER_SECOND: u64 = 128 << 10;

/// Where uploads are kept, and how large they may be.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// Where.
    pub spool: Spool,
    /// Larger ones are refused.
    pub max_bytes: u64,
}

/// Runs the stage. `look`: sees every piece; its error ends the reading.
pub async fn read_upload(
    session: &mut ServerSession,
    received: &Received,
    uploads: &Uploads,
    limits: &ClientTimeouts,
    mut look: impl FnMut(&[u8]) -> Result<(), ApiError>,
) -> Result<UploadedBody, BodyError> {
    let Uploads { spool, max_bytes } = uploads;
    if received.content_length.is_some_and(|length| length > *max_bytes) {
        return Err(too_large(*max_bytes));
    }
    if received.expects_continue {
        session.write_continue_response().await.map_err(BodyError::Gone)?;
    }
    session.set_read_timeout(Some(limits.stall));
    let mut incoming = spool.begin();
    let read = async {
        while let Some(piece) = next_piece(session).await? {
            if incoming.length() + piece.len() as u64 > *max_bytes {
                return Err(too_large(*max_bytes));
            }
            look(&piece).map_err(BodyError::Refused)?;
            incoming.push(&piece).await.map_err(|error| no_room(&error))?;
        }
        Ok(())
    };
    let expected = received.content_length.unwrap_or(*max_bytes);
    let time = limits.body + Duration::from_secs(expected / SLOWEST_BYTES_PER_SECOND);
    timeout(time, read).await.unwrap_or_else(|_| Err(too_slow()))?;
    if received.content_length.is_some_and(|length| length != incoming.length()) {
        return Err(wrong_length());
    }
    incoming.finish().await.map_err(|error| no_room(&error))
}

/// The disk takes no more, or nothing at all.
fn no_room(error: &std::io::Error) -> BodyError {
    tracing::error!(%error, "an upload cannot be written to the disk");
    let text = "The gateway has no room for this upload now. Try again later.";
    BodyError::Refused(ApiError::new(ErrorCode::ServiceUnavailable, text))
}
