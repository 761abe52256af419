//! A stream of Anthropic's: from its events to the canonical ones.
//!
//! Anthropic's blocks come one after the other, each with its number. Blocks of its own tools have no canonical pieces: they
//! are held until they are whole.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer_reader, citations, error, stop_reason,
    usage::{self, WireUsage},
};
use crate::{
    canonical::{Delta, Event, Part, PartKind, PartStart},
    dialect::{StreamReader, Unreadable},
    sse::{self, MAX_EVENT_BYTES, SseDecoder},
};

/// Reads one stream.
#[derive(Default)]
pub(super) struct MessagesReader {
    decoder: SseDecoder,
    state: State,
}

#[derive(Default)]
struct State {
    usage: WireUsage,
    open: Option<Open>,
    next_part: u32,
    is_started: bool,
    /// `message_stop` or an error came.
    is_over: bool,
}

/// The block that is being received.
struct Open {
    /// Anthropic's number of it.
    index: u64,
    kind: OpenKind,
}

enum OpenKind {
    /// A part with pieces, by its canonical number.
    Pieces(u32),
    /// A block of Anthropic's own, and the JSON of its input so far.
    Own { block: String, input: String },
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    delta: Option<WireDelta<'a>>,
    #[serde(default, borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(default, borrow)]
    message: Option<&'a RawValue>,
    #[serde(default, borrow)]
    usage: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
}

/// The fields of all deltas; a text is owned because the event takes it.
#[derive(Deserialize)]
struct WireDelta<'a> {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default, borrow)]
    citation: Option<&'a RawValue>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop_sequence: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireStart<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OnlyType<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// The events that are understood; one of another type may have any form.
const KNOWN: [&str; 7] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
];

impl StreamReader for MessagesReader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Self { decoder, state } = self;
        let mut outcome = Ok(());
        let decoded = decoder.push(&Bytes::copy_from_slice(piece), |event| {
            if outcome.is_ok() {
                outcome = state.take(&event, events);
            }
        });
        decoded.map_err(|e| Unreadable::new(e.to_string()))?;
        outcome
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(rest) = self.decoder.finish() {
            self.state.take(&rest, events)?;
        }
        self.state.close(events);
        if self.state.is_over { Ok(()) } else { Err(Unreadable::new("the stream ended before `message_stop`")) }
    }
}

impl State {
    fn take(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        if self.is_over {
            return Ok(());
        }
        match serde_json::from_slice::<Frame<'_>>(&data) {
            Ok(frame) => self.take_frame(frame, events),
            Err(reason) => match serde_json::from_slice::<OnlyType<'_>>(&data) {
                Ok(OnlyType { r#type }) if !KNOWN.contains(&r#type.as_ref()) => Ok(()),
                // A known event with a delta of a type to come.
                Ok(OnlyType { r#type }) if r#type == "content_block_delta" => Ok(()),
                _ if data.as_ref() == b"[DONE]" => Ok(()),
                _ => Err(Unreadable::new(format!("no event of Anthropic's: {reason}"))),
            },
        }
    }

    fn take_frame(&mut self, frame: Frame<'_>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        match frame.r#type.as_ref() {
            "content_block_delta" => {
                if let Some(delta) = frame.delta {
                    self.add(frame.index, delta, events)?;
                }
            }
            "content_block_start" => {
                self.close(events);
                self.ensure_started(None, events);
                if let Some(block) = frame.content_block {
                    self.open(frame.index, block.get(), events);
                }
            }
            "content_block_stop" if self.open.as_ref().is_some_and(|open| open.index == frame.index) => {
                self.close(events);
            }
            "message_start" => self.ensure_started(frame.message, events),
            "message_delta" => self.end_choice(frame.delta, frame.usage, events),
            "message_stop" => {
                self.close(events);
                self.ensure_started(None, events);
                events.push(Event::End);
                self.is_over = true;
            }
            "ping" => events.push(Event::Ping),
            "error" => {
                self.close(events);
                let error = frame.error.and_then(|raw| serde_json::from_str(raw.get()).ok());
                let failure = error.map_or_else(
                    || crate::canonical::Failure::new(crate::canonical::FailureClass::Server),
                    |error| error::failure(error, 0),
                );
                events.push(Event::Error(failure));
                self.is_over = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn ensure_started(&mut self, message: Option<&RawValue>, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        let start = message.and_then(|raw| serde_json::from_str::<WireStart<'_>>(raw.get()).ok()).unwrap_or_default();
        if let Some(raw) = start.usage {
            self.usage = WireUsage::read(raw.get());
        }
        events.push(Event::Start {
            id: start.id.unwrap_or_default(),
            model: start.model.unwrap_or_default(),
            created: None,
            usage: self.usage.usage(),
            service_tier: self.usage.service_tier.clone().map(usage::tier),
            fingerprint: None,
        });
    }

    /// A block begins. What it holds already (nothing, at Anthropic; all of it, at some that speak like it) is its first piece.
    fn open(&mut self, index: u64, raw: &str, events: &mut Vec<Event>) {
        let Some(kind) = answer_reader::read_block(raw) else { return };
        if matches!(kind, PartKind::Own { .. }) {
            self.open = Some(Open { index, kind: OpenKind::Own { block: raw.to_owned(), input: String::new() } });
            return;
        }
        let part = self.next_part;
        self.next_part += 1;
        self.open = Some(Open { index, kind: OpenKind::Pieces(part) });
        let (start, first) = begin(kind);
        events.push(Event::PartStart { choice: 0, part, start });
        events.extend(first.into_iter().map(|delta| Event::PartDelta { choice: 0, part, delta }));
    }

    fn add(&mut self, index: u64, delta: WireDelta<'_>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(open) = self.open.as_mut().filter(|open| open.index == index) else { return Ok(()) };
        let part = match &mut open.kind {
            OpenKind::Pieces(part) => *part,
            OpenKind::Own { input, .. } => {
                input.push_str(delta.partial_json.as_deref().unwrap_or_default());
                let fits = input.len() <= MAX_EVENT_BYTES;
                return if fits { Ok(()) } else { Err(Unreadable::new("a tool's input is too large")) };
            }
        };
        let citation = delta.citation.and_then(|raw| serde_json::from_str(raw.get()).ok()).map(citations::read);
        let text = delta.text.or(delta.thinking).filter(|text| !text.is_empty());
        let pieces = [
            text.map(Delta::Text),
            delta.partial_json.filter(|json| !json.is_empty()).map(Delta::Arguments),
            delta.signature.filter(|signature| !signature.is_empty()).map(Delta::Signature),
            citation.map(Delta::Citation),
        ];
        events.extend(pieces.into_iter().flatten().map(|delta| Event::PartDelta { choice: 0, part, delta }));
        Ok(())
    }

    /// The open block is whole.
    fn close(&mut self, events: &mut Vec<Event>) {
        match self.open.take().map(|open| open.kind) {
            None => {}
            Some(OpenKind::Pieces(part)) => events.push(Event::PartEnd { choice: 0, part }),
            Some(OpenKind::Own { block, input }) => {
                let Some(PartKind::Own { name, mut value }) = answer_reader::read_block(&block) else { return };
                if let (Ok(input @ serde_json::Value::Object(_)), Some(fields)) =
                    (serde_json::from_str(&input), value.as_object_mut())
                {
                    fields.insert("input".to_owned(), input);
                }
                let part = self.next_part;
                self.next_part += 1;
                let whole = Box::new(Part::from(PartKind::Own { name, value }));
                events.push(Event::PartStart { choice: 0, part, start: PartStart::Whole(whole) });
                events.push(Event::PartEnd { choice: 0, part });
            }
        }
    }

    fn end_choice(&mut self, delta: Option<WireDelta<'_>>, usage: Option<&RawValue>, events: &mut Vec<Event>) {
        self.close(events);
        self.ensure_started(None, events);
        let (reason, sequence) = delta.map(|delta| (delta.stop_reason, delta.stop_sequence)).unwrap_or_default();
        events.extend(reason.map(|reason| Event::Stop { choice: 0, reason: stop_reason::read(&reason, sequence) }));
        if let Some(raw) = usage {
            self.usage.update(WireUsage::read(raw.get()));
            events.extend(self.usage.usage().map(Event::Usage));
        }
    }
}

/// How a part begins, and the pieces of what it holds already.
fn begin(kind: PartKind) -> (PartStart, Vec<Delta>) {
    let text = |text: String| (!text.is_empty()).then_some(Delta::Text(text));
    match kind {
        PartKind::Text { text: first, citations } => {
            let citations = citations.into_iter().map(Delta::Citation);
            (PartStart::Text, text(first).into_iter().chain(citations).collect())
        }
        PartKind::Reasoning { encrypted: Some(data), .. } => (PartStart::EncryptedReasoning(data), Vec::new()),
        PartKind::Reasoning { text: first, signature, .. } => {
            (PartStart::Reasoning, text(first).into_iter().chain(signature.map(Delta::Signature)).collect())
        }
        PartKind::ToolCall { id, name, arguments, signature } => {
            let arguments = Some(arguments).filter(|json| !matches!(json.trim(), "" | "{}")).map(Delta::Arguments);
            (PartStart::ToolCall { id, name, signature }, arguments.into_iter().collect())
        }
        kind => (PartStart::Whole(Box::new(Part::from(kind))), Vec::new()),
    }
}
