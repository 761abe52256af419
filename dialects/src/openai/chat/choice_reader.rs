//! One choice of a stream: turns its deltas into parts that follow each other.
//!
//! Vendors may interleave tool calls. A call whose arguments are a whole JSON value cannot go on, so the next one begins at
//! once; else the next is held back until the choice ends.

use serde_json::{Map, Value};

use super::json_end::JsonEnd;
use super::wire::{self, Call, Choice, Piece, Said};
use super::{answer_reader, tools};
use crate::canonical::{Citation, Delta, Event, Part, PartKind, PartStart, StopReason};
use crate::dialect::Unreadable;
use crate::sse::MAX_EVENT_BYTES;

/// More calls at once are no answer.
const MAX_CALLS: usize = 1024;

/// The state of one choice.
#[derive(Debug, Default)]
pub struct ChoiceReader {
    number: u32,
    answer_id: String,
    next_part: u32,
    open: Option<Open>,
    /// Thoughts came in words, so blocks of thoughts only repeat them.
    repeats: bool,
    calls: Vec<CallState>,
    /// Words that came in the middle of a call's arguments.
    late_text: String,
    /// A spoken answer, put together.
    audio: Map<String, Value>,
    held_bytes: usize,
    has_stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thought { is_signed: bool },
    Refusal,
    Call(usize),
}

#[derive(Debug, Default)]
struct CallState {
    index: Option<u32>,
    /// The id that it came with.
    id: String,
    name: String,
    signature: Option<String>,
    /// Arguments that were not told yet.
    held: String,
    end: JsonEnd,
    is_told: bool,
}

impl ChoiceReader {
    /// Of a number; `answer_id` for ids of calls that have none.
    pub fn new(number: u32, answer_id: String) -> Self {
        Self { number, answer_id, ..Self::default() }
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether the vendor said why it ended.
    pub fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// Takes what a chunk says about this choice. `pages`: what the whole answer is based on, where this chunk is the last.
    pub fn take(&mut self, choice: Choice<'_>, pages: &[Citation], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.has_stopped {
            return Ok(());
        }
        if let Some(said) = choice.delta.or(choice.message) {
            self.said(said, events)?;
        }
        if let Some(value) = choice.logprobs.and_then(answer_reader::logprobs) {
            events.push(Event::Logprobs { choice: self.number, value });
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            if self.open == Some(Open::Text) {
                pages.iter().cloned().for_each(|page| self.delta(Delta::Citation(page), events));
            }
            self.stop(wire::stop_of(&reason.0), events);
        }
        Ok(())
    }

    /// The stream is over: what is open ends.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        if !self.has_stopped {
            self.stop(StopReason::End, events);
        }
    }

    fn said(&mut self, mut said: Said<'_>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let repeats = self.repeats;
        self.repeats |= said.has_plain_thoughts();
        said.pieces(repeats, |piece| self.piece(piece, events));
        for citation in said.citations() {
            if self.open == Some(Open::Text) {
                self.delta(Delta::Citation(citation), events);
            }
        }
        let images: Vec<PartKind> = said.images().collect();
        if let Some(Value::Object(more)) = said.audio {
            self.hear(more)?;
        }
        for image in images {
            self.whole(image.into(), events);
        }
        for call in said.tool_calls.unwrap_or_default() {
            self.call(call, events)?;
        }
        if let Some(function) = said.function_call {
            self.call(Call { index: Some(0), function: Some(function), ..Call::default() }, events)?;
        }
        if self.held_bytes > MAX_EVENT_BYTES {
            return Err(Unreadable::new("more was held back than an answer can be"));
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'_>, events: &mut Vec<Event>) {
        if let (Piece::Text(text), true) = (&piece, self.is_in_arguments()) {
            self.held_bytes += text.len();
            self.late_text.push_str(text);
            return;
        }
        match piece {
            Piece::Text(text) => {
                self.be_in(Open::Text, events);
                self.delta(Delta::Text(text.into_owned()), events);
            }
            Piece::Refusal(text) => {
                self.be_in(Open::Refusal, events);
                self.delta(Delta::Text(text.into_owned()), events);
            }
            Piece::Thought(text) => {
                self.be_in(Open::Thought { is_signed: false }, events);
                self.delta(Delta::Text(text.into_owned()), events);
            }
            Piece::Signature(signature) => {
                self.be_in(Open::Thought { is_signed: false }, events);
                self.delta(Delta::Signature(signature), events);
                self.open = Some(Open::Thought { is_signed: true });
            }
            Piece::Encrypted(data) => {
                self.close(events);
                self.begin(PartStart::EncryptedReasoning(data), events);
                self.end(events);
            }
        }
    }

    fn is_in_arguments(&self) -> bool {
        matches!(self.open, Some(Open::Call(at)) if self.calls.get(at).is_some_and(|call| !call.end.is_whole()))
    }

    /// Makes this the open part; a new one where another is open.
    fn be_in(&mut self, wanted: Open, events: &mut Vec<Event>) {
        if self.open == Some(wanted) {
            return;
        }
        self.close(events);
        let start = match wanted {
            Open::Text => PartStart::Text,
            Open::Refusal => PartStart::Refusal,
            Open::Thought { .. } => PartStart::Reasoning,
            Open::Call(at) => match self.calls.get_mut(at) {
                Some(call) => {
                    call.is_told = true;
                    let id = match call.id.as_str() {
                        "" => answer_reader::made_up_id(&self.answer_id, at),
                        id => id.to_owned(),
                    };
                    PartStart::ToolCall { id, name: call.name.clone(), signature: call.signature.take() }
                }
                None => return,
            },
        };
        self.begin(start, events);
        self.open = Some(wanted);
    }

    fn call(&mut self, call: Call<'_>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let at = self.place_of(&call)?;
        let is_open = self.open == Some(Open::Call(at));
        let Some(state) = self.calls.get_mut(at) else { return Ok(()) };
        let function = call.function.unwrap_or_default();
        if let (true, Some(id)) = (state.id.is_empty() && !state.is_told, call.id) {
            state.id = id.0.into_owned();
        }
        if let (true, Some(name)) = (state.name.is_empty() && !state.is_told, function.name) {
            state.name = name.0.into_owned();
        }
        let signature = tools::read_signature(call.extra_content.as_ref(), call.provider_specific_fields.as_ref());
        let arguments = wire::arguments(function.arguments);
        state.end.take(&arguments);
        if is_open {
            if !arguments.is_empty() {
                self.delta(Delta::Arguments(arguments.into_owned()), events);
            }
            if let Some(signature) = signature {
                self.delta(Delta::Signature(signature), events);
            }
            return Ok(());
        }
        if !state.is_told {
            state.signature = signature.or(state.signature.take());
            state.held.push_str(&arguments);
            self.held_bytes += arguments.len();
            self.begin_next_call(events);
        }
        Ok(())
    }

    /// By index; by id where a vendor gives none, or the same to all.
    fn place_of(&mut self, call: &Call<'_>) -> Result<usize, Unreadable> {
        let id = call.id.as_ref().map(|id| id.0.as_ref()).filter(|id| !id.is_empty());
        let name = call.function.as_ref().and_then(|function| function.name.as_ref());
        let names = name.is_some_and(|name| !name.0.is_empty());
        let is_it = |state: &CallState| match (call.index, id) {
            (Some(index), Some(id)) if names => state.index == Some(index) && (state.id == id || state.id.is_empty()),
            (Some(index), _) => state.index == Some(index),
            (None, Some(id)) => state.id == id,
            (None, None) => !names,
        };
        if let Some(at) = self.calls.iter().rposition(is_it) {
            return Ok(at);
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(Unreadable::new("it has too many tool calls"));
        }
        let id = id.unwrap_or_default().to_owned();
        self.calls.push(CallState { index: call.index, id, ..CallState::default() });
        Ok(self.calls.len() - 1)
    }

    /// Begins the first call that waits, as soon as the open one cannot go on.
    fn begin_next_call(&mut self, events: &mut Vec<Event>) {
        while !self.is_in_arguments() {
            let Some(at) = self.calls.iter().position(|call| !call.is_told && !call.name.is_empty()) else { return };
            self.tell_call(at, events);
        }
    }

    fn tell_call(&mut self, at: usize, events: &mut Vec<Event>) {
        self.be_in(Open::Call(at), events);
        let held = self.calls.get_mut(at).map(|call| std::mem::take(&mut call.held)).unwrap_or_default();
        self.held_bytes = self.held_bytes.saturating_sub(held.len());
        if !held.is_empty() {
            self.delta(Delta::Arguments(held), events);
        }
    }

    /// Adds what a chunk holds of a spoken answer.
    fn hear(&mut self, more: Map<String, Value>) -> Result<(), Unreadable> {
        for (name, value) in more {
            let members = self.audio.len();
            self.held_bytes += value.as_str().map_or(0, str::len);
            match (self.audio.get_mut(&name), value) {
                (Some(Value::String(text)), Value::String(more)) if name != "id" => text.push_str(&more),
                (_, value) if members < 16 => drop(self.audio.insert(name, value)),
                _ => return Err(Unreadable::new("its audio has too many members")),
            }
        }
        Ok(())
    }

    fn stop(&mut self, reason: StopReason, events: &mut Vec<Event>) {
        for at in 0..self.calls.len() {
            if !self.calls[at].is_told {
                self.tell_call(at, events);
            }
        }
        if !self.late_text.is_empty() {
            self.be_in(Open::Text, events);
            let text = std::mem::take(&mut self.late_text);
            self.delta(Delta::Text(text), events);
        }
        if !self.audio.is_empty() {
            let value = Value::Object(std::mem::take(&mut self.audio));
            self.whole(PartKind::Own { name: "audio".to_owned(), value }.into(), events);
        }
        self.close(events);
        // OpenAI says `stop` where a tool was demanded, and some servers always do.
        let called = !self.calls.is_empty() && reason == StopReason::End;
        let reason = if called { StopReason::ToolCalls } else { reason };
        events.push(Event::Stop { choice: self.number, reason });
        self.has_stopped = true;
    }

    fn whole(&mut self, part: Part, events: &mut Vec<Event>) {
        self.close(events);
        self.begin(PartStart::Whole(Box::new(part)), events);
        self.end(events);
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            self.end(events);
        }
    }

    fn begin(&mut self, start: PartStart, events: &mut Vec<Event>) {
        events.push(Event::PartStart { choice: self.number, part: self.next_part, start });
    }

    fn delta(&mut self, delta: Delta, events: &mut Vec<Event>) {
        events.push(Event::PartDelta { choice: self.number, part: self.next_part, delta });
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        events.push(Event::PartEnd { choice: self.number, part: self.next_part });
        self.next_part += 1;
    }
}
