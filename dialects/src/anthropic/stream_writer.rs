//! A stream for a client that speaks Anthropic: `message_start`, for each block `content_block_start`, deltas and
//! `content_block_stop`, then `message_delta` with the reason of the end and the usage, and `message_stop`.

use bytes::{BufMut, BytesMut};
use deltallm_shared::{error::ApiError, pricing::Usage};
use serde::Serialize;

use super::{answer_writer, block, citations, error, stop_reason, usage::UsageOut};
use crate::{
    canonical::{Delta, Event, PartKind, PartStart, StopReason},
    dialect::{Asked, StreamWriter},
    gemini::signature::is_marked,
};

/// Writes one stream.
pub(super) struct MessagesWriter {
    asked: Asked,
    /// The number of the next block; blocks that Anthropic cannot have are not counted.
    next_block: u32,
    /// The block that is open and written.
    open: Option<Block>,
    is_started: bool,
    is_over: bool,
    has_pinged: bool,
    has_calls: bool,
    has_refusal: bool,
    stop: Option<StopReason>,
    usage: Usage,
}

/// What the open block takes.
#[derive(Clone, Copy)]
enum Block {
    Text,
    /// Not written yet: what comes first decides whether Anthropic can have it.
    ThoughtToBe,
    Thinking,
    Call,
    Whole,
}

#[derive(Serialize)]
struct MessageStart<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: UsageOut<'a>,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    r#type: &'static str,
    delta: StopDelta<'a>,
    usage: UsageOut<'a>,
}

#[derive(Serialize)]
struct StopDelta<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl MessagesWriter {
    pub fn new(asked: &Asked) -> Self {
        Self {
            asked: asked.clone(),
            next_block: 0,
            open: None,
            is_started: false,
            is_over: false,
            has_pinged: false,
            has_calls: false,
            has_refusal: false,
            stop: None,
            usage: Usage::default(),
        }
    }

    fn start(&mut self, id: &str, model: &str, tier: Option<&str>, out: &mut BytesMut) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        let id = answer_writer::id(id, &self.asked);
        out.put_slice(b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
        let message = MessageStart {
            id: &id,
            r#type: "message",
            role: "assistant",
            model: answer_writer::model(model, &self.asked),
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: UsageOut::new(&self.usage, tier),
        };
        json(&message, out);
        out.put_slice(b"}\n\n");
    }

    fn open(&mut self, start: &PartStart, out: &mut BytesMut) {
        self.start("", "", None, out);
        self.close(out);
        match start {
            PartStart::Text | PartStart::Refusal => {
                head(out, self.next_block);
                out.put_slice(b"{\"type\":\"text\",\"text\":\"\"}");
            }
            PartStart::Reasoning => {
                self.open = Some(Block::ThoughtToBe);
                return;
            }
            PartStart::EncryptedReasoning(_) | PartStart::ToolCall { .. } | PartStart::Whole(_) => {
                let mut part = start.clone().into_part();
                if let PartKind::Own { value, .. } = &mut part.kind
                    && is_call(value)
                    && let Some(input) = value.get_mut("input")
                {
                    *input = serde_json::json!({});
                }
                let Some(block) = block::of_answer(&part) else { return };
                head(out, self.next_block);
                json(&block, out);
            }
        }
        out.put_slice(b"}\n\n");
        self.open = Some(match start {
            PartStart::Text | PartStart::Refusal => Block::Text,
            PartStart::Reasoning => Block::ThoughtToBe,
            PartStart::ToolCall { .. } => Block::Call,
            PartStart::EncryptedReasoning(_) | PartStart::Whole(_) => Block::Whole,
        });
        self.has_calls |= matches!(start, PartStart::ToolCall { .. });
        self.has_refusal |= matches!(start, PartStart::Refusal);
        if let PartStart::Whole(part) = start {
            self.input_of_own(&part.kind, out);
        }
    }

    /// The input of a tool that runs at Anthropic comes in a piece of its own: its clients take what stands at the block's
    /// begin for nothing yet.
    fn input_of_own(&mut self, kind: &PartKind, out: &mut BytesMut) {
        if let PartKind::Own { value, .. } = kind
            && let Some(input) = value.get("input").filter(|_| is_call(value))
        {
            self.open = Some(Block::Call);
            self.delta(&Delta::Arguments(input.to_string()), out);
        }
    }

    /// A thought begins with its words, or with the proof of one that is not shown. The proof of another vendor without words
    /// is about the text before it: a block without anything at the end would hide that text from clients that read the last.
    fn begin_thought(&mut self, delta: &Delta, out: &mut BytesMut) {
        if matches!(delta, Delta::Signature(signature) if is_marked(signature)) {
            self.open = None;
            return;
        }
        head(out, self.next_block);
        out.put_slice(b"{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
        self.open = Some(Block::Thinking);
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        if matches!(self.open, Some(Block::ThoughtToBe)) {
            self.begin_thought(delta, out);
        }
        let Some(open) = self.open else { return };
        let (head, text): (&[u8], &str) = match (delta, open) {
            (Delta::Text(text), Block::Text) => (b"text_delta\",\"text\":", text),
            (Delta::Text(text), Block::Thinking) => (b"thinking_delta\",\"thinking\":", text),
            (Delta::Arguments(piece), Block::Call) => (b"input_json_delta\",\"partial_json\":", piece),
            (Delta::Signature(text), Block::Thinking) => (b"signature_delta\",\"signature\":", text),
            (Delta::Citation(citation), Block::Text) => {
                let Some(citation) = citations::write(citation) else { return };
                self.delta_head(out);
                out.put_slice(b"citations_delta\",\"citation\":");
                json(&citation, out);
                out.put_slice(b"}}\n\n");
                return;
            }
            // The proof of a tool call stands at the block's begin, see `block::of_answer`.
            _ => return,
        };
        self.delta_head(out);
        out.put_slice(head);
        json(text, out);
        out.put_slice(b"}}\n\n");
    }

    fn delta_head(&mut self, out: &mut BytesMut) {
        self.ping_once(out);
        out.put_slice(b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
        number(self.next_block, out);
        out.put_slice(b",\"delta\":{\"type\":\"");
    }

    fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some_and(|open| !matches!(open, Block::ThoughtToBe)) {
            self.ping_once(out);
            out.put_slice(b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":");
            number(self.next_block, out);
            out.put_slice(b"}\n\n");
            self.next_block += 1;
        }
    }

    /// Anthropic sends a ping once the first block has begun; a vendor's own ping is as good.
    fn ping_once(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.has_pinged, true) {
            ping(out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start("", "", None, out);
        self.close(out);
        let (stop_reason, stop_sequence) = stop_reason::write(self.stop.as_ref(), self.has_calls, self.has_refusal);
        let event = MessageDelta {
            r#type: "message_delta",
            delta: StopDelta { stop_reason, stop_sequence },
            usage: UsageOut::new(&self.usage, None),
        };
        out.put_slice(b"event: message_delta\ndata: ");
        json(&event, out);
        out.put_slice(b"\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        self.is_over = true;
    }
}

impl StreamWriter for MessagesWriter {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::PartDelta { choice: 0, delta, .. } => self.delta(delta, out),
            Event::PartStart { choice: 0, start, .. } => self.open(start, out),
            Event::PartEnd { choice: 0, .. } => self.close(out),
            Event::Start { id, model, usage, service_tier, .. } => {
                self.usage = usage.unwrap_or_default();
                self.start(id, model, service_tier.as_deref(), out);
            }
            Event::Stop { choice: 0, reason } => self.stop = Some(reason.clone()),
            Event::Usage(usage) => self.usage = *usage,
            Event::Ping => {
                self.has_pinged = true;
                ping(out);
            }
            Event::End => self.end(out),
            // Anthropic has one choice and no log probabilities; errors come by `error`.
            Event::PartDelta { .. }
            | Event::PartStart { .. }
            | Event::PartEnd { .. }
            | Event::Stop { .. }
            | Event::Logprobs { .. }
            | Event::Error(_) => {}
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut BytesMut) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        out.put_slice(b"event: error\ndata: ");
        out.put_slice(&error::write(error));
        out.put_slice(b"\n\n");
    }
}

/// The begin of a block, up to the block itself.
fn head(out: &mut BytesMut, index: u32) {
    out.put_slice(b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":");
    number(index, out);
    out.put_slice(b",\"content_block\":");
}

/// Whether a block of Anthropic's own is the call of a tool: `server_tool_use`, `mcp_tool_use`.
fn is_call(value: &serde_json::Value) -> bool {
    value.get("type").and_then(serde_json::Value::as_str).is_some_and(|kind| kind.ends_with("_tool_use"))
}

fn ping(out: &mut BytesMut) {
    out.put_slice(b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

fn json(value: &(impl Serialize + ?Sized), out: &mut BytesMut) {
    // Memory does not refuse, and texts, numbers and trees of them always have a JSON form.
    serde_json::to_writer(out.writer(), value).unwrap_or_default();
}

fn number(value: u32, out: &mut BytesMut) {
    json(&value, out);
}
