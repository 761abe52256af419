//! A stream of OpenAI's chat for a client that speaks it too: each event goes through as it came, but for what is ours.

use bytes::Bytes;
use deltallm_dialects::{
    canonical::{Failure, FailureClass},
    dialect::{DialectId, vendor_dialect},
    openai::stream_event::{self, Shown},
    sse::{self, SseDecoder},
};
use deltallm_shared::{error::ErrorCode, event::Outcome};

use super::{Passed, RelayError, broken_off, outgoing::Outgoing, own_words::OwnWords, refused};
use crate::accounting::call_record::CallRecord;

/// See the module.
pub struct SameStream {
    decoder: SseDecoder,
    show_usage: bool,
    is_done: bool,
    is_finished: bool,
    failed: Option<ErrorCode>,
    /// Whether anything of the answer itself was in it so far.
    pub(super) has_content: bool,
    pub(super) own: OwnWords,
}

impl SameStream {
    /// `show_usage`: the client asked for usage itself.
    pub fn new(show_usage: bool, own: OwnWords) -> Self {
        Self {
            decoder: SseDecoder::default(),
            show_usage,
            is_done: false,
            is_finished: false,
            failed: None,
            has_content: false,
            own,
        }
    }

    pub(super) fn pass(
        &mut self,
        piece: Bytes,
        is_end: bool,
        is_begun: bool,
        record: &mut CallRecord,
    ) -> Result<Passed, RelayError> {
        let mut out = Outgoing::new(piece.clone());
        let mut first_is_error = None;
        let (own, show_usage) = (&self.own, self.show_usage);
        let (is_done, is_finished, failed) = (&mut self.is_done, &mut self.is_finished, &mut self.failed);
        let has_content = &mut self.has_content;
        let mut take = |event: Bytes| {
            let reading = stream_event::read(&event, show_usage);
            *is_done |= reading.is_done;
            *is_finished = *is_finished || has_finish_reason(&event);
            record.produced(&event);
            if let Some(usage) = reading.usage {
                record.usage(usage);
                record.served_as(reading.service_tier.as_deref());
            }
            if reading.is_error {
                let failure = failure_in(&event);
                let error = own.tell_in_stream(&failure);
                *failed = Some(error.code);
                if !is_begun && !*has_content {
                    first_is_error = Some((own.tell(&failure), failure));
                } else {
                    out.replace(&own.event(&error));
                }
                return;
            }
            *has_content = *has_content || stream_event::has_content(&event);
            match reading.shown {
                Shown::AsIs => out.keep(&event),
                Shown::Instead(other) => out.replace(&other),
                Shown::Hidden => out.drop_event(),
            }
        };
        let pushed = self.decoder.push(&piece, &mut take);
        if is_end && let Some(rest) = self.decoder.finish() {
            take(rest);
        }
        pushed?;
        // Nothing went out yet: the client gets a status instead of a stream that begins with its end.
        if let Some((error, failure)) = first_is_error {
            return Ok(refused(self.own.operation, error, Some(failure)));
        }
        record.progress();
        if is_end {
            // A stream ends well with `[DONE]`; some vendors leave it out, so an answer that says why it ended is whole too.
            if self.failed.is_none() && !self.is_done && !self.is_finished {
                let error = broken_off(&self.own.model);
                if !is_begun && !self.has_content {
                    return Ok(refused(self.own.operation, error, None));
                }
                self.failed = Some(error.code);
                out.replace(&self.own.event(&error));
            }
            match self.failed {
                Some(code) => record.settle(Outcome::UpstreamError, 200, Some(code)),
                None => record.settle(Outcome::Completed, 200, None),
            }
        }
        Ok(Passed::Bytes(out.finish()))
    }
}

/// Whether an event says why the answer ended: `"finish_reason":"stop"`, and not `null`.
fn has_finish_reason(event: &[u8]) -> bool {
    const NAME: &[u8] = b"\"finish_reason\"";
    let Some(at) = memchr::memmem::find(event, NAME) else { return false };
    let mut value = event[at + NAME.len()..].iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b':');
    value.next() == Some(&b'"')
}

/// What an error event says.
fn failure_in(event: &[u8]) -> Failure {
    let payload = sse::data(event).unwrap_or_default();
    match vendor_dialect(DialectId::OpenAiChat) {
        Some(dialect) => dialect.read_error(500, &payload),
        None => Failure::new(FailureClass::Server),
    }
}
