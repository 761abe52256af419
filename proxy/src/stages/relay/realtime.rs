//! A conversation over a WebSocket: the provider's bytes pass as they come, and what each finished answer consumed is summed.

use bytes::Bytes;
use deltallm_dialects::{media::RealtimeMeter, websocket};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};

use super::Passed;
use crate::accounting::call_record::CallRecord;

/// Statuses of a close frame (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;
const INTERNAL_ERROR: u16 = 1011;

/// See the module.
#[derive(Default)]
pub struct RealtimeRelay {
    meter: RealtimeMeter,
}

impl RealtimeRelay {
    pub(super) fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Passed {
        self.meter.push(&piece);
        if let Some(usage) = self.meter.usage() {
            record.usage(usage);
        }
        record.progress();
        if is_end {
            record.settle(Outcome::Completed, http::StatusCode::SWITCHING_PROTOCOLS.as_u16(), None);
        }
        Passed::Bytes(piece)
    }

    /// A close frame in our words.
    pub(super) fn last_words(error: &ApiError) -> Bytes {
        let status = if error.code == ErrorCode::ServiceUnavailable { GOING_AWAY } else { INTERNAL_ERROR };
        websocket::close_frame(status, &error.message).into()
    }
}
