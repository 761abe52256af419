//! A stream in a dialect that client and vendor both speak: its events go through as they came, and are read beside for what
//! the books need.

use bytes::Bytes;
use deltallm_dialects::{
    canonical::{Delta, Event, PartStart},
    dialect::StreamReader,
    sse::SseDecoder,
};
use deltallm_shared::{error::ErrorCode, event::Outcome};

use super::{Passed, RelayError, broken_off, outgoing::Outgoing, own_words::OwnWords, refused};
use crate::accounting::call_record::CallRecord;

/// See the module.
pub struct TappedStream {
    decoder: SseDecoder,
    /// `None` once it met something that it does not know.
    reader: Option<Box<dyn StreamReader>>,
    events: Vec<Event>,
    failed: Option<ErrorCode>,
    /// Whether anything of the answer itself was in it so far.
    pub(super) has_content: bool,
    pub(super) own: OwnWords,
}

impl TappedStream {
    /// `reader`: of the dialect.
    pub fn new(reader: Box<dyn StreamReader>, own: OwnWords) -> Self {
        Self {
            decoder: SseDecoder::default(),
            reader: Some(reader),
            events: Vec::new(),
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
        let mut frames = Vec::new();
        self.decoder.push(&piece, |frame| frames.push(frame))?;
        if is_end {
            frames.extend(self.decoder.finish());
        }
        let mut out = Outgoing::new(piece);
        for frame in frames {
            self.read(&frame, record);
            self.has_content = self.has_content || self.reader.is_none() || self.events.iter().any(is_content);
            let Some(failure) = record_events(&mut self.events, record) else {
                out.keep(&frame);
                continue;
            };
            if !is_begun && !self.has_content {
                return Ok(refused(self.own.operation, self.own.tell(&failure), Some(failure)));
            }
            let error = self.own.tell_in_stream(&failure);
            self.failed = Some(error.code);
            out.replace(&self.own.event(&error));
        }
        record.progress();
        if is_end {
            if self.failed.is_none() && !self.is_whole(record) {
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

    /// Reads a frame beside. One that our reader does not know is the client's business all the same; from there on the answer is
    /// counted by its text.
    fn read(&mut self, frame: &Bytes, record: &mut CallRecord) {
        let Some(reader) = &mut self.reader else {
            record.produced(frame);
            return;
        };
        if let Err(error) = reader.read(frame, &mut self.events) {
            tracing::warn!(%error, model = self.own.model, "an event of the stream is not known here; it is passed on");
            self.reader = None;
            record.produced(frame);
        }
    }

    /// Whether the vendor ended the stream itself.
    fn is_whole(&mut self, record: &mut CallRecord) -> bool {
        let Some(reader) = &mut self.reader else { return true };
        let finished = reader.finish(&mut self.events);
        record_events(&mut self.events, record);
        finished.is_ok()
    }
}

/// Whether an event is something of the answer itself, and not only its beginning.
pub(super) fn is_content(event: &Event) -> bool {
    match event {
        Event::PartDelta { delta: Delta::Text(text), .. } => !text.is_empty(),
        Event::PartDelta { .. } | Event::Logprobs { .. } | Event::Stop { .. } => true,
        Event::PartStart { start, .. } => !matches!(start, PartStart::Text | PartStart::Reasoning),
        _ => false,
    }
}

/// Puts on record what events say, and empties them. An error among them is returned.
pub(super) fn record_events(
    events: &mut Vec<Event>,
    record: &mut CallRecord,
) -> Option<deltallm_dialects::canonical::Failure> {
    let mut failure = None;
    for event in events.drain(..) {
        record.event_of_answer(&event);
        if let Event::Error(one) = event {
            failure = Some(one);
        }
    }
    failure
}
