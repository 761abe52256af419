//! A stream in the vendor's dialect, told in the client's.

use bytes::{Bytes, BytesMut};
use deltallm_dialects::{
    canonical::Event,
    dialect::{Asked, DialectId, StreamReader, StreamWriter, VendorDialect, client_dialect},
    gemini,
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
};

use super::{Passed, broken_off, client_of, own_words::OwnWords, refused, tapped_stream::is_content};
use crate::{accounting::call_record::CallRecord, call::Call};

/// See the module.
pub struct TranslatedStream {
    reader: Box<dyn StreamReader>,
    writer: Box<dyn StreamWriter>,
    events: Vec<Event>,
    failed: Option<ErrorCode>,
    is_array: bool,
    /// Whether anything of the answer itself was in it so far.
    pub(super) has_content: bool,
    own: OwnWords,
}

impl TranslatedStream {
    /// From a vendor's dialect to the dialect of a call.
    pub fn new(vendor: &'static dyn VendorDialect, call: &Call, asked: &Asked, own: OwnWords) -> Self {
        let is_array = !call.wants_events && call.dialect() == Some(DialectId::GeminiGenerate);
        let writer = match client_dialect(client_of(call)) {
            Some(_) if is_array => gemini::array_stream_writer(asked),
            Some(client) => client.stream_writer(asked),
            None => Box::new(Nothing),
        };
        Self {
            reader: vendor.stream_reader(),
            writer,
            events: Vec::new(),
            failed: None,
            is_array,
            has_content: false,
            own,
        }
    }

    pub(super) fn media_type(&self) -> &'static str {
        if self.is_array { "application/json" } else { "text/event-stream" }
    }

    pub(super) fn error(&mut self, error: &ApiError) -> Bytes {
        let mut out = BytesMut::new();
        self.writer.error(error, &mut out);
        out.freeze()
    }

    pub(super) fn pass(&mut self, piece: &Bytes, is_end: bool, is_begun: bool, record: &mut CallRecord) -> Passed {
        let read = if self.failed.is_some() { Ok(()) } else { self.reader.read(piece, &mut self.events) };
        let read =
            if is_end && read.is_ok() && self.failed.is_none() { self.reader.finish(&mut self.events) } else { read };
        let mut out = BytesMut::new();
        for event in self.events.drain(..) {
            record.event_of_answer(&event);
            self.has_content = self.has_content || is_content(&event);
            if self.failed.is_some() {
                continue;
            }
            let Event::Error(failure) = &event else {
                self.writer.write(&event, &mut out);
                continue;
            };
            if !is_begun && !self.has_content {
                return refused(self.own.operation, self.own.tell(failure), Some(failure.clone()));
            }
            let error = self.own.tell_in_stream(failure);
            self.failed = Some(error.code);
            self.writer.error(&error, &mut out);
        }
        if let Err(error) = read
            && self.failed.is_none()
        {
            tracing::warn!(%error, model = self.own.model, "the provider's stream cannot be followed");
            let error = broken_off(&self.own.model);
            if !is_begun && !self.has_content {
                return refused(self.own.operation, error, None);
            }
            self.failed = Some(error.code);
            self.writer.error(&error, &mut out);
        }
        record.progress();
        if is_end {
            match self.failed {
                Some(code) => record.settle(Outcome::UpstreamError, 200, Some(code)),
                None => record.settle(Outcome::Completed, 200, None),
            }
        }
        Passed::Bytes(out.freeze())
    }
}

/// For a dialect that has no writer; there is none such.
struct Nothing;

impl StreamWriter for Nothing {
    fn write(&mut self, _event: &Event, _out: &mut BytesMut) {}

    fn error(&mut self, _error: &ApiError, _out: &mut BytesMut) {}
}
