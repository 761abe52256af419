//! Reads the events of a streamed chat (Cohere's API reference, "Chat with streaming").

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{LogprobItem, WireCall, logprobs, read_citations, stop_reason},
    usage::WireUsage,
};
use crate::{
    canonical::{Delta, Event, Failure, FailureClass, PartStart},
    dialect::{StreamReader, Unreadable},
    sse::{self, SseDecoder},
};

/// Reads one stream.
#[derive(Default)]
pub(super) struct CohereStreamReader {
    decoder: SseDecoder,
    state: State,
}

#[derive(Default)]
struct State {
    has_started: bool,
    /// `End` or `Error` was said: what follows is nothing.
    is_over: bool,
    parts: u32,
    open: Option<Open>,
}

/// The part that goes on. A text ends where something else begins: its citations may come after its own end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text(u64),
    Thinking(u64),
    Plan,
    ToolCall(u64),
}

#[derive(Deserialize)]
struct WireEvent {
    r#type: String,
    id: Option<String>,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    delta: Option<WireDelta>,
    logprobs: Option<LogprobItem>,
}

#[derive(Deserialize)]
struct WireDelta {
    message: Option<DeltaMessage>,
    finish_reason: Option<String>,
    usage: Option<WireUsage>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct DeltaMessage {
    #[serde(default)]
    content: OneOf<DeltaContent>,
    tool_plan: Option<String>,
    #[serde(default)]
    tool_calls: OneOf<WireCall>,
    #[serde(default)]
    citations: Option<Value>,
}

/// `message-start` has empty lists where later events have one object.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOf<T> {
    One(T),
    Many(Vec<T>),
    None(()),
}

impl<T> Default for OneOf<T> {
    fn default() -> Self {
        Self::None(())
    }
}

impl<T> OneOf<T> {
    fn first(self) -> Option<T> {
        match self {
            Self::One(one) => Some(one),
            Self::Many(many) => many.into_iter().next(),
            Self::None(()) => None,
        }
    }
}

#[derive(Deserialize)]
struct DeltaContent {
    text: Option<String>,
    thinking: Option<String>,
}

impl StreamReader for CohereStreamReader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Self { decoder, state } = self;
        let mut result = Ok(());
        let pushed = decoder.push(&Bytes::copy_from_slice(piece), |event| {
            if result.is_ok() {
                result = state.take(&event, events);
            }
        });
        result.and(pushed.map_err(|error| Unreadable::new(error.to_string())))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(rest) = self.decoder.finish()
            && !self.state.is_over
        {
            // A last event without its blank line may be whole; a piece of one is not.
            let _ = self.state.take(&rest, events);
        }
        if self.state.is_over { Ok(()) } else { Err(Unreadable::new("the stream broke off before `message-end`")) }
    }
}

impl State {
    fn take(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(data) = sse::data(event).filter(|data| !self.is_over && !data.is_empty() && **data != *b"[DONE]")
        else {
            return Ok(());
        };
        let event: WireEvent = serde_json::from_slice(&data).map_err(|error| Unreadable::new(error.to_string()))?;
        if !std::mem::replace(&mut self.has_started, true) {
            events.push(Event::Start {
                id: event.id.unwrap_or_default(),
                model: String::new(),
                created: None,
                usage: None,
                service_tier: None,
                fingerprint: None,
            });
        }
        let (index, delta) = (event.index, event.delta);
        if event.r#type == "message-end" {
            self.end(delta, events);
            return Ok(());
        }
        let Some(message) = delta.and_then(|delta| delta.message) else { return Ok(()) };
        match event.r#type.as_str() {
            "content-start" | "content-delta" => {
                let Some(content) = message.content.first() else { return Ok(()) };
                let (open, text) = match (content.text, content.thinking) {
                    (Some(text), _) => (Open::Text(index), text),
                    (None, Some(text)) => (Open::Thinking(index), text),
                    (None, None) => return Ok(()),
                };
                self.open(open, events);
                self.say_text(text, events);
                if let Some(item) = event.logprobs {
                    events.push(Event::Logprobs { choice: 0, value: json!({ "content": logprobs(vec![item]) }) });
                }
            }
            "tool-plan-delta" => {
                if let Some(plan) = message.tool_plan.filter(|plan| !plan.is_empty()) {
                    self.open(Open::Plan, events);
                    self.say_text(plan, events);
                }
            }
            "tool-call-start" => {
                let Some(call) = message.tool_calls.first() else { return Ok(()) };
                self.close(events);
                let start = PartStart::ToolCall { id: call.id, name: call.function.name, signature: None };
                events.push(Event::PartStart { choice: 0, part: self.parts, start });
                self.open = Some(Open::ToolCall(index));
                self.say_arguments(call.function.arguments, events);
            }
            "tool-call-delta" if self.open == Some(Open::ToolCall(index)) => {
                if let Some(call) = message.tool_calls.first() {
                    self.say_arguments(call.function.arguments, events);
                }
            }
            "tool-call-end" => self.close(events),
            "citation-start" if matches!(self.open, Some(Open::Text(_) | Open::Plan)) => {
                let citations = match message.citations {
                    Some(Value::Array(many)) => many,
                    Some(one @ Value::Object(_)) => vec![one],
                    _ => Vec::new(),
                };
                for citation in citations.into_iter().flat_map(read_citations) {
                    let delta = Delta::Citation(citation);
                    events.push(Event::PartDelta { choice: 0, part: self.parts, delta });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, part: Open, events: &mut Vec<Event>) {
        if self.open != Some(part) {
            self.close(events);
            let start = if matches!(part, Open::Thinking(_)) { PartStart::Reasoning } else { PartStart::Text };
            events.push(Event::PartStart { choice: 0, part: self.parts, start });
            self.open = Some(part);
        }
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::PartEnd { choice: 0, part: self.parts });
            self.parts += 1;
        }
    }

    fn say_text(&self, text: String, events: &mut Vec<Event>) {
        if !text.is_empty() {
            events.push(Event::PartDelta { choice: 0, part: self.parts, delta: Delta::Text(text) });
        }
    }

    fn say_arguments(&self, text: String, events: &mut Vec<Event>) {
        if !text.is_empty() {
            events.push(Event::PartDelta { choice: 0, part: self.parts, delta: Delta::Arguments(text) });
        }
    }

    fn end(&mut self, delta: Option<WireDelta>, events: &mut Vec<Event>) {
        self.is_over = true;
        let WireDelta { finish_reason, usage, error, .. } =
            delta.unwrap_or(WireDelta { message: None, finish_reason: None, usage: None, error: None });
        if error.is_some() || finish_reason.as_deref() == Some("ERROR") {
            let failure = Failure { message: error, ..Failure::new(FailureClass::Server) };
            events.push(Event::Error(failure));
            return;
        }
        self.close(events);
        events.extend(finish_reason.map(|word| Event::Stop { choice: 0, reason: stop_reason(word) }));
        events.extend(usage.map(|usage| Event::Usage(usage.into_usage())));
        events.push(Event::End);
    }
}
