//! Ninth stage: the answer's bytes on their way to the client. Reads what has to be known, changes only what is ours.
//!
//! The end of the answer is seen here before its last bytes go out, and that is where the call is settled: what a client has
//! whole is on record already.

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    openai::{
        stream_event::{self, Shown},
        usage,
    },
    sse::SseDecoder,
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};
use pingora::http::ResponseHeader;

use super::reply;
use crate::{accounting::call_record::CallRecord, context::RequestContext};

/// Beyond it an answer is not kept for its usage; its tokens are counted by size.
const MAX_KEPT_BYTES: usize = 32 << 20;
const MAX_ERROR_BYTES: usize = 64 << 10;

/// What happens to an answer.
pub enum Relay {
    /// Events, one by one.
    Stream(StreamRelay),
    /// One JSON document, passed on as it comes and read at its end.
    Document {
        /// What came so far.
        kept: Vec<Bytes>,
        /// How much that is.
        kept_bytes: usize,
        /// The status that goes to the client.
        status: u16,
    },
    /// An error of the provider, replaced at its end by ours.
    Error {
        /// The provider's body.
        body: BytesMut,
        /// What the client is told.
        verdict: reply::UpstreamVerdict,
    },
}

/// A stream of events.
pub struct StreamRelay {
    decoder: SseDecoder,
    show_usage: bool,
    is_done: bool,
    is_error: bool,
}

/// The upstream's stream cannot be followed any further.
#[derive(Debug, thiserror::Error)]
#[error("the upstream's stream cannot be read: {0}")]
pub struct RelayError(#[from] deltallm_dialects::sse::EventTooLarge);

impl Relay {
    /// By the header of the upstream's answer.
    pub fn of(header: &ResponseHeader, context: &RequestContext) -> Self {
        let (status, call) = (header.status.as_u16(), context.call.as_ref());
        // A redirect is an error too: following it would send the credential elsewhere.
        if !header.status.is_success() {
            let model = call.map_or("", |call| call.index.model.as_str());
            let hidden = context.deployment().map(|deployment| deployment.hidden_texts()).unwrap_or_default();
            tracing::warn!(
                request_id = context.request_id,
                model,
                upstream_status = status,
                "the provider answered with an error"
            );
            return Self::error(reply::UpstreamVerdict::of(status, model, hidden));
        }
        let content_type = header.headers.get("content-type").map(|value| value.as_bytes());
        if content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            return Self::stream(call.is_some_and(|call| call.index.include_usage));
        }
        Self::document(status)
    }

    /// For a stream of events. `show_usage`: the client asked for usage itself.
    pub fn stream(show_usage: bool) -> Self {
        Self::Stream(StreamRelay { decoder: SseDecoder::default(), show_usage, is_done: false, is_error: false })
    }

    /// For one document.
    pub fn document(status: u16) -> Self {
        Self::Document { kept: Vec::new(), kept_bytes: 0, status }
    }

    /// For an error of the provider.
    pub fn error(verdict: reply::UpstreamVerdict) -> Self {
        Self::Error { body: BytesMut::new(), verdict }
    }

    /// What ends an answer that broke off, in its own form: a last event in a stream, the whole body of an error. A document
    /// cannot be mended; it stays cut, so that nobody takes it for whole.
    pub fn last_words(&self, error: &ApiError) -> Option<Bytes> {
        match self {
            Self::Stream(_) => Some(error_event(error)),
            Self::Error { .. } => Some(Bytes::from(error.to_json())),
            Self::Document { .. } => None,
        }
    }

    /// Takes the next bytes of the upstream and returns those for the client. `is_end`: there are no more.
    pub fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Result<Bytes, RelayError> {
        if !piece.is_empty() {
            record.first_byte();
        }
        match self {
            Self::Stream(stream) => stream.pass(piece, is_end, record),
            Self::Document { kept, kept_bytes, status } => {
                *kept_bytes += piece.len();
                if *kept_bytes <= MAX_KEPT_BYTES && !piece.is_empty() {
                    kept.push(piece.clone());
                }
                if is_end {
                    read_document(&std::mem::take(kept), record);
                    record.settle(Outcome::Completed, *status, None);
                }
                Ok(piece)
            }
            Self::Error { body, verdict } => {
                let space = MAX_ERROR_BYTES.saturating_sub(body.len());
                body.extend_from_slice(&piece[..piece.len().min(space)]);
                if !is_end {
                    return Ok(Bytes::new());
                }
                record.nothing_consumed();
                record.settle(verdict.outcome, verdict.error.status(), Some(verdict.error.code));
                Ok(verdict.body(body))
            }
        }
    }
}

impl StreamRelay {
    fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Result<Bytes, RelayError> {
        let mut out = Outgoing::new(piece.clone());
        let mut take = |event: Bytes| {
            let reading = stream_event::read(&event, self.show_usage);
            self.is_done |= reading.is_done;
            self.is_error |= reading.is_error;
            record.produced(&event);
            if let Some(usage) = reading.usage {
                record.usage(usage);
            }
            if reading.is_error {
                // The provider's own words may name its hosts, accounts or keys.
                let text = "The provider broke off its answer with an error. Try again.";
                out.replace(&error_event(&ApiError::new(ErrorCode::UpstreamError, text)));
                return;
            }
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
        record.progress();
        if is_end {
            self.settle(record);
        }
        Ok(out.finish())
    }

    /// A stream ends well with `[DONE]`; some vendors leave it out, so an end without it counts when nothing went wrong.
    fn settle(&self, record: &mut CallRecord) {
        if self.is_error && !self.is_done {
            record.settle(Outcome::UpstreamError, 200, Some(ErrorCode::UpstreamError));
        } else {
            record.settle(Outcome::Completed, 200, None);
        }
    }
}

/// Collects events for the client without a copy while they are a run of slices of one piece.
struct Outgoing {
    piece: Bytes,
    run: std::ops::Range<usize>,
    copied: Option<BytesMut>,
}

impl Outgoing {
    fn new(piece: Bytes) -> Self {
        Self { piece, run: 0..0, copied: None }
    }

    fn keep(&mut self, event: &Bytes) {
        let start = (event.as_ptr() as usize).wrapping_sub(self.piece.as_ptr() as usize);
        let end = start.wrapping_add(event.len());
        let is_slice = end <= self.piece.len() && start < end;
        match &mut self.copied {
            Some(copied) => copied.extend_from_slice(event),
            None if is_slice && (self.run.is_empty() || self.run.end == start) => {
                let first = if self.run.is_empty() { start } else { self.run.start };
                self.run = first..end;
            }
            None => self.copy().extend_from_slice(event),
        }
    }

    fn replace(&mut self, event: &[u8]) {
        self.copy().extend_from_slice(event);
    }

    /// What follows an event that is left out is no longer the same run.
    fn drop_event(&mut self) {
        if !self.run.is_empty() {
            self.copy();
        }
    }

    fn copy(&mut self) -> &mut BytesMut {
        let (piece, run) = (&self.piece, self.run.clone());
        self.copied.get_or_insert_with(|| BytesMut::from(&piece[run]))
    }

    fn finish(self) -> Bytes {
        match self.copied {
            Some(copied) => copied.freeze(),
            None => self.piece.slice(self.run),
        }
    }
}

fn read_document(kept: &[Bytes], record: &mut CallRecord) {
    let joined;
    let body: &[u8] = match kept {
        [only] => only,
        several => {
            joined = several.concat();
            &joined
        }
    };
    match usage::of_answer(body) {
        Some(usage) => record.usage(usage),
        None => record.produced(body),
    }
}

/// The last event of a stream that broke off, in OpenAI's form.
fn error_event(error: &ApiError) -> Bytes {
    Bytes::from(format!("data: {}\n\n", error.to_json()))
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
