//! Sums what a realtime session consumed, from the events that the provider sends over its WebSocket.

use bytes::Bytes;
use deltallm_shared::pricing::Usage;

use super::figures;
use crate::{
    json_scan::JsonScan,
    websocket::{FrameDecoder, Part},
};

const EVENT: &[&str] = &["type", "usage", "response.usage"];

/// Reads the provider's side of one session.
#[derive(Default)]
pub struct RealtimeMeter {
    frames: FrameDecoder,
    /// The event that is passing by; its pieces are looked into and not held.
    event: Option<JsonScan>,
    usage: Option<Usage>,
    is_closed: bool,
}

impl RealtimeMeter {
    /// Looks at the next bytes after the handshake.
    pub fn push(&mut self, piece: &Bytes) {
        let (event, usage, is_closed) = (&mut self.event, &mut self.usage, &mut self.is_closed);
        self.frames.push(piece, |part| match part {
            Part::Begin { is_text } => *event = is_text.then(|| JsonScan::new(EVENT, "")),
            Part::Payload(bytes) => {
                if let Some(event) = event {
                    event.push(bytes);
                }
            }
            Part::End => {
                if let Some(consumed) = event.take().as_ref().and_then(consumed) {
                    figures::add(usage.get_or_insert_default(), &consumed);
                }
            }
            Part::Close => *is_closed = true,
            Part::Alive => {}
        });
    }

    /// What the session consumed so far; `None` where no answer was finished.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the provider said goodbye.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }
}

fn consumed(event: &JsonScan) -> Option<Usage> {
    let path = match event.text("type")?.as_str() {
        "response.done" => "response.usage",
        // The model that writes the user's words down has its own figures.
        "conversation.item.input_audio_transcription.completed" => "usage",
        _ => return None,
    };
    figures::read(event.value(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_frame(payload: &str) -> Vec<u8> {
        let mut frame = vec![0x81];
        match u16::try_from(payload.len()).unwrap() {
            short @ 0..=125 => frame.push(u8::try_from(short).unwrap()),
            long => frame.extend_from_slice(&[&[126], long.to_be_bytes().as_slice()].concat()),
        }
        [frame, payload.as_bytes().to_vec()].concat()
    }

    #[test]
    fn finished_answers_and_transcripts_are_summed_in_any_split() {
        let answer = r#"{"type":"response.done","response":{"output":[{"usage":{"input_tokens":9}}],"usage":{"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,"audio_tokens":13,"cached_tokens":64},"output_token_details":{"text_tokens":30,"audio_tokens":91}}}}"#;
        let heard = r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":"hi","usage":{"type":"tokens","input_tokens":10,"output_tokens":2,"input_token_details":{"audio_tokens":10}}}"#;
        let other = r#"{"type":"response.output_audio.delta","delta":"AAAA","usage":{"input_tokens":1000}}"#;
        let bytes = [text_frame(other), text_frame(answer), text_frame(heard), text_frame(answer)].concat();
        for size in [1, 2, 3, 50, bytes.len()] {
            let mut meter = RealtimeMeter::default();
            bytes.chunks(size).for_each(|piece| meter.push(&Bytes::copy_from_slice(piece)));
            let expected = Usage {
                input_tokens: 274,
                output_tokens: 244,
                cached_input_tokens: 128,
                audio_input_tokens: 36,
                audio_output_tokens: 182,
                ..Usage::default()
            };
            assert_eq!(meter.usage(), Some(expected), "pieces of {size}");
        }
    }

    #[test]
    fn a_session_without_answers_has_no_figures() {
        let mut meter = RealtimeMeter::default();
        meter.push(&Bytes::from(text_frame(r#"{"type":"session.created"}"#)));
        meter.push(&Bytes::from_static(&[0x88, 2, 3, 232]));
        assert_eq!((meter.usage(), meter.is_closed()), (None, true));
    }
}
