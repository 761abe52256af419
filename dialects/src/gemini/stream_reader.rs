//! The vendor's stream: server-sent events, each a piece of the answer. There is no end mark but the candidates' reasons to end.

use bytes::Bytes;

use super::answer_reader::AnswerReader;
use crate::{
    canonical::Event,
    dialect::{StreamReader, Unreadable},
    sse::{self, SseDecoder},
};

/// Reads a stream that was asked for with `alt=sse`.
#[derive(Debug, Default)]
pub(super) struct GeminiStreamReader {
    decoder: SseDecoder,
    answer: AnswerReader,
}

impl StreamReader for GeminiStreamReader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let (answer, mut result) = (&mut self.answer, Ok(()));
        let decoded = self.decoder.push(&Bytes::copy_from_slice(piece), |event| {
            if result.is_ok() {
                result = read_event(answer, &event, events);
            }
        });
        decoded.map_err(|error| Unreadable::new(error.to_string()))?;
        result
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(rest) = self.decoder.finish() {
            read_event(&mut self.answer, &rest, events)?;
        }
        self.answer.finish(events)
    }
}

fn read_event(answer: &mut AnswerReader, event: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
    match sse::data(event) {
        // Not Google's, but of servers that speak like it.
        Some(json) if matches!(json.trim_ascii(), b"" | b"[DONE]") => Ok(()),
        Some(json) => answer.read(&json, events),
        // Google tells an error in a stream as bare JSON.
        None if event.trim_ascii_start().starts_with(b"{") => answer.read(event, events),
        None => Ok(()),
    }
}
