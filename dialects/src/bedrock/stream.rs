//! Reads the events of `ConverseStream` (`ConverseStreamOutput` in Bedrock's API reference).

use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::{WireUsage, citation, stop_reason},
    event_stream::{Frame, FrameDecoder},
    failure::read_error_of_type,
    media_format,
};
use crate::{
    canonical::{Delta, Event, Failure, Part, PartKind, PartStart, Source},
    dialect::{StreamReader, Unreadable},
    sse::MAX_EVENT_BYTES,
};

/// Reads one stream.
#[derive(Default)]
pub(super) struct ConverseStreamReader {
    frames: FrameDecoder,
    state: State,
}

#[derive(Default)]
struct State {
    has_started: bool,
    has_stopped: bool,
    /// `End` or `Error` was said: what follows is nothing.
    is_over: bool,
    parts: u32,
    open: Option<Open>,
}

/// The block that goes on.
struct Open {
    /// Bedrock's number.
    block: u64,
    kind: Kind,
}

enum Kind {
    Text,
    /// A signature comes in the end, and whole.
    Reasoning {
        signature: String,
    },
    ToolCall,
    Image {
        format: String,
        data: String,
    },
    /// Of a kind that we do not know, or that is Bedrock's own affair.
    Skipped,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart {
    content_block_index: u64,
    #[serde(default)]
    start: StartKind,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartKind {
    tool_use: Option<ToolUseStart>,
    image: Option<ImageStart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseStart {
    tool_use_id: String,
    name: String,
    r#type: Option<String>,
}

#[derive(Deserialize)]
struct ImageStart {
    format: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta {
    content_block_index: u64,
    delta: DeltaKind,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeltaKind {
    text: Option<String>,
    tool_use: Option<ToolUseDelta>,
    reasoning_content: Option<ReasoningDelta>,
    citation: Option<Value>,
    image: Option<ImageDelta>,
}

#[derive(Deserialize)]
struct ToolUseDelta {
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningDelta {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ImageDelta {
    source: Option<ImageBytes>,
}

#[derive(Deserialize)]
struct ImageBytes {
    bytes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    stop_reason: String,
    additional_model_response_fields: Option<Value>,
}

#[derive(Deserialize)]
struct Metadata {
    usage: Option<WireUsage>,
}

impl StreamReader for ConverseStreamReader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Self { frames, state } = self;
        if state.is_over {
            return Ok(());
        }
        frames.push(piece, |frame| state.take(frame, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let state = &mut self.state;
        if state.is_over {
            return Ok(());
        }
        if !state.has_stopped || !self.frames.is_empty() {
            return Err(Unreadable::new("the stream broke off before `messageStop`"));
        }
        state.is_over = true;
        events.push(Event::End);
        Ok(())
    }
}

impl State {
    fn take(&mut self, frame: Frame<'_>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.is_over {
            return Ok(());
        }
        match frame.header(":message-type") {
            Some("exception") => {
                self.fail(read_error_of_type(frame.header(":exception-type"), 0, frame.payload), events);
                return Ok(());
            }
            Some("error") => {
                let mut failure = read_error_of_type(frame.header(":error-code"), 0, frame.payload);
                failure.message = failure.message.or_else(|| frame.header(":error-message").map(str::to_owned));
                self.fail(failure, events);
                return Ok(());
            }
            _ => {}
        }
        if !std::mem::replace(&mut self.has_started, true) {
            // Bedrock says neither id nor model, and the tier only in the end.
            events.push(Event::Start {
                id: String::new(),
                model: String::new(),
                created: None,
                usage: None,
                service_tier: None,
                fingerprint: None,
            });
        }
        match frame.header(":event-type").unwrap_or_default() {
            // Nothing is said after the end.
            kind if self.has_stopped && kind != "metadata" => {}
            "contentBlockStart" => self.start_block(parse(frame.payload)?, events),
            "contentBlockDelta" => self.add(parse(frame.payload)?, events)?,
            "contentBlockStop" => self.end_block(events),
            "messageStop" => {
                self.end_block(events);
                let stop: MessageStop = parse(frame.payload)?;
                let reason = stop_reason(stop.stop_reason, stop.additional_model_response_fields.as_ref());
                events.push(Event::Stop { choice: 0, reason });
                self.has_stopped = true;
            }
            "metadata" => {
                let metadata: Metadata = parse(frame.payload)?;
                events.extend(metadata.usage.map(|usage| Event::Usage(usage.into_usage())));
                // It is the last event; where it comes too early, the stream goes on.
                if self.has_stopped {
                    self.is_over = true;
                    events.push(Event::End);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure, events: &mut Vec<Event>) {
        self.is_over = true;
        events.push(Event::Error(failure));
    }

    fn start_block(&mut self, block: BlockStart, events: &mut Vec<Event>) {
        self.end_block(events);
        let kind = match block.start {
            StartKind { tool_use: Some(call), .. } if call.r#type.is_none() => {
                let start = PartStart::ToolCall { id: call.tool_use_id, name: call.name, signature: None };
                events.push(Event::PartStart { choice: 0, part: self.parts, start });
                Kind::ToolCall
            }
            StartKind { image: Some(image), .. } => Kind::Image { format: image.format, data: String::new() },
            _ => Kind::Skipped,
        };
        self.open = Some(Open { block: block.content_block_index, kind });
    }

    fn add(&mut self, block: BlockDelta, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let BlockDelta { content_block_index: at, delta } = block;
        if let Some(text) = delta.text {
            self.open_text(at, events);
            self.say(Delta::Text(text), events);
        } else if let Some(call) = delta.tool_use {
            let is_open = matches!(self.open, Some(Open { block, kind: Kind::ToolCall }) if block == at);
            if is_open && !call.input.is_empty() {
                self.say(Delta::Arguments(call.input), events);
            }
        } else if let Some(thoughts) = delta.reasoning_content {
            self.think(at, thoughts, events)?;
        } else if let Some(own) = delta.citation {
            self.open_text(at, events);
            self.say(Delta::Citation(citation(own)), events);
        } else if let Some(more) = delta.image.and_then(|image| image.source).and_then(|source| source.bytes)
            && let Some(Open { block, kind: Kind::Image { data, .. } }) = &mut self.open
            && *block == at
        {
            grow(data, &more)?;
        }
        Ok(())
    }

    fn think(&mut self, at: u64, thoughts: ReasoningDelta, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(data) = thoughts.redacted_content {
            self.end_block(events);
            let part = self.parts;
            events.push(Event::PartStart { choice: 0, part, start: PartStart::EncryptedReasoning(data) });
            events.push(Event::PartEnd { choice: 0, part });
            self.parts += 1;
            self.open = Some(Open { block: at, kind: Kind::Skipped });
            return Ok(());
        }
        if !matches!(self.open, Some(Open { block, kind: Kind::Reasoning { .. } }) if block == at) {
            self.end_block(events);
            events.push(Event::PartStart { choice: 0, part: self.parts, start: PartStart::Reasoning });
            self.open = Some(Open { block: at, kind: Kind::Reasoning { signature: String::new() } });
        }
        if let Some(text) = thoughts.text {
            self.say(Delta::Text(text), events);
        }
        if let (Some(more), Some(Open { kind: Kind::Reasoning { signature }, .. })) =
            (thoughts.signature, &mut self.open)
        {
            grow(signature, &more)?;
        }
        Ok(())
    }

    /// A block of text has no start of its own.
    fn open_text(&mut self, at: u64, events: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open { block, kind: Kind::Text }) if block == at) {
            self.end_block(events);
            events.push(Event::PartStart { choice: 0, part: self.parts, start: PartStart::Text });
            self.open = Some(Open { block: at, kind: Kind::Text });
        }
    }

    fn say(&self, delta: Delta, events: &mut Vec<Event>) {
        events.push(Event::PartDelta { choice: 0, part: self.parts, delta });
    }

    fn end_block(&mut self, events: &mut Vec<Event>) {
        let part = self.parts;
        match self.open.take().map(|open| open.kind) {
            None | Some(Kind::Skipped) => return,
            Some(Kind::Text | Kind::ToolCall) => {}
            Some(Kind::Reasoning { signature }) => {
                if !signature.is_empty() {
                    self.say(Delta::Signature(signature), events);
                }
            }
            Some(Kind::Image { format, data }) => {
                let source = Source::Data { media_type: media_format::image_type(&format).to_owned(), data };
                let image: Part = PartKind::Image { source, detail: None }.into();
                events.push(Event::PartStart { choice: 0, part, start: PartStart::Whole(Box::new(image)) });
            }
        }
        events.push(Event::PartEnd { choice: 0, part });
        self.parts += 1;
    }
}

/// Adds to a text that is held back until it is whole.
fn grow(text: &mut String, more: &str) -> Result<(), Unreadable> {
    if text.len() + more.len() > MAX_EVENT_BYTES {
        return Err(Unreadable::new(format!("a block is larger than {MAX_EVENT_BYTES} bytes")));
    }
    text.push_str(more);
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(payload).map_err(|error| Unreadable::new(error.to_string()))
}
