//! An answer of a provider's own interface: passed on as it comes, and read for its usage where its dialect is known.

use bytes::Bytes;
use deltallm_dialects::{
    canonical::Event,
    dialect::{DialectId, StreamReader, vendor_dialect},
    media::Meter,
};
use deltallm_shared::{
    event::Outcome,
    operation::Operation,
    pricing::{Usage, UsageSource},
};
use serde_json::value::RawValue;

use super::Passed;
use crate::accounting::call_record::CallRecord;

/// Beyond it an answer is not kept for its usage.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// See the module.
pub struct OnwardRelay {
    reader: Reader,
    status: u16,
    /// Whether something is known of what a known answer consumed.
    is_understood: bool,
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
        Self { reader, status, is_understood: known == Known::Nothing }
    }

    pub(super) fn pass(&mut self, piece: Bytes, is_end: bool, record: &mut CallRecord) -> Passed {
        if !self.read(&piece, is_end, record) {
            self.reader = Reader::Nothing;
        }
        record.progress();
        if is_end {
            // Of what nobody could read, the cost is not known; it is not nothing.
            if !self.is_understood {
                record.has_no_price();
            }
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
                self.is_understood |= events_of_answer(&events, record);
                read.is_ok()
            }
            Reader::Document(id, kept) => {
                if kept.len() + piece.len() > MAX_KEPT_BYTES {
                    return false;
                }
                kept.extend_from_slice(piece);
                let Some(dialect) = vendor_dialect(*id).filter(|_| is_end) else { return true };
                if let Ok(answer) = dialect.read_answer(kept) {
                    self.is_understood = true;
                    record.answer(&answer);
                } else if let Ok(pieces) = serde_json::from_slice::<Vec<&RawValue>>(kept) {
                    // Google's stream without `alt=sse` is one array of what would be the events.
                    let (mut stream, mut events) = (dialect.stream_reader(), Vec::new());
                    for piece in pieces {
                        let event = [b"data: ", one_line(piece.get()).as_bytes(), b"\n\n"].concat();
                        if stream.read(&event, &mut events).is_err() {
                            break;
                        }
                    }
                    self.is_understood = events_of_answer(&events, record);
                }
                true
            }
            Reader::Meter(meter) => {
                let pushed = meter.push(piece);
                if is_end {
                    let reading = meter.finish();
                    self.is_understood = reading.usage.is_some() || reading.images > 0;
                    if let Some(usage) = reading.usage {
                        record.usage(usage);
                    } else if reading.images > 0 {
                        record.assume(Usage { images: reading.images, ..Usage::default() }, UsageSource::Counted);
                    }
                }
                pushed.is_ok()
            }
            Reader::Nothing => true,
        }
    }
}

/// Puts events on record; whether there was one.
fn events_of_answer(events: &[Event], record: &mut CallRecord) -> bool {
    for event in events {
        record.event_of_answer(event);
    }
    !events.is_empty()
}

/// JSON without its line breaks, which are only ever between its tokens.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
