//! An answer of a provider's own interface: passed on as it comes, and read for its usage where its dialect is known.

use bytes::Bytes;
use deltallm_dialects::{
    canonical::Event,
    dialect::{DialectId, StreamReader, vendor_dialect},
    media::Meter,
};
use deltallm_shared::{event::Outcome, operation::Operation};

use super::Passed;
use crate::accounting::call_record::CallRecord;

/// Beyond it an answer is not kept for its usage.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// See the module.
pub struct OnwardRelay {
    reader: Reader,
    status: u16,
}

enum Reader {
    Stream(Box<dyn StreamReader>),
    Document(DialectId, Vec<u8>),
    Meter(Box<Meter>),
    /// The answer cannot be read, or not any more.
    Nothing,
}

/// How an answer of a provider's own interface is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A chat.
    Chat(DialectId),
    /// Something with figures.
    Figures(Operation),
    /// Not at all.
    Nothing,
}

impl OnwardRelay {
    /// For an answer of this type.
    pub fn new(known: Known, media_type: &str, status: u16) -> Self {
        let is_stream = media_type.starts_with("text/event-stream")
            || media_type.starts_with("application/vnd.amazon.eventstream")
            || media_type.starts_with("application/x-ndjson");
        let reader = match known {
            Known::Chat(id) => match vendor_dialect(id).filter(|_| is_stream) {
                Some(dialect) => Reader::Stream(dialect.stream_reader()),
                None => Reader::Document(id, Vec::new()),
            },
            Known::Figures(operation) => Reader::Meter(Box::new(Meter::new(operation, media_type))),
            Known::Nothing => Reader::Nothing,
        };
        Self { reader, status }
    }

    pub(super) fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Passed {
        if !self.read(&piece, is_end, record) {
            self.reader = Reader::Nothing;
        }
        record.progress();
        if is_end {
            record.settle(Outcome::Completed, self.status, None);
        }
        Passed::Bytes(piece)
    }

    /// Whether it makes sense to go on reading: what cannot be read is the client's to judge.
    fn read(&mut self, piece: &Bytes, is_end: bool, record: &mut CallRecord) -> bool {
        match &mut self.reader {
            Reader::Stream(stream) => {
                let mut events = Vec::<Event>::new();
                let read = stream.read(piece, &mut events);
                let read = read.and_then(|()| if is_end { stream.finish(&mut events) } else { Ok(()) });
                for event in &events {
                    record.event_of_answer(event);
                }
                read.is_ok()
            }
            Reader::Document(id, kept) => {
                if kept.len() + piece.len() > MAX_KEPT_BYTES {
                    return false;
                }
                kept.extend_from_slice(piece);
                if is_end && let Some(answer) = vendor_dialect(*id).and_then(|dialect| dialect.read_answer(kept).ok()) {
                    record.answer(&answer);
                }
                true
            }
            Reader::Meter(meter) => {
                let pushed = meter.push(piece);
                if is_end && let Some(usage) = meter.finish().usage {
                    record.usage(usage);
                }
                pushed.is_ok()
            }
            Reader::Nothing => true,
        }
    }
}
