//! Sound, pictures, judgements of texts: passed on as they come, and looked into for what they tell of themselves.

use bytes::Bytes;
use deltallm_dialects::media::Meter;
use deltallm_shared::{
    error::ErrorCode,
    event::Outcome,
    operation::Operation,
    pricing::{Usage, UsageSource},
};

use super::{Passed, RelayError, own_words::OwnWords};
use crate::accounting::call_record::CallRecord;

/// See the module.
pub struct MediaRelay {
    meter: Meter,
    status: u16,
    pub(super) own: OwnWords,
}

impl MediaRelay {
    /// For an answer of this type.
    pub fn new(operation: Operation, media_type: &str, status: u16, own: OwnWords) -> Self {
        Self { meter: Meter::new(operation, media_type), status, own }
    }

    /// Whether it is a stream of events, which can be ended with one of ours.
    pub(super) fn is_events(&self) -> bool {
        self.meter.is_events()
    }

    pub(super) fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Result<Passed, RelayError> {
        self.meter.push(&piece)?;
        record.progress();
        if is_end {
            let reading = self.meter.finish();
            if let Some(usage) = reading.usage {
                record.usage(usage);
            } else if reading.images > 0 {
                record.assume(Usage { images: reading.images, ..Usage::default() }, UsageSource::Counted);
            }
            if reading.failed && !reading.is_whole {
                record.settle(Outcome::UpstreamError, self.status, Some(ErrorCode::UpstreamError));
            } else {
                record.settle(Outcome::Completed, self.status, None);
            }
        }
        Ok(Passed::Bytes(piece))
    }
}
