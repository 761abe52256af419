//! Reads a stream of `chat.completion.chunk`s.

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::choice_reader::ChoiceReader;
use super::wire;
use crate::canonical::Event;
use crate::dialect::{StreamReader, Unreadable};
use crate::openai::{error_reader, usage};
use crate::sse::{self, SseDecoder};

/// More answers to one request are no answer.
const MAX_CHOICES: u32 = 128;

/// The reader of one stream.
#[derive(Debug, Default)]
pub struct ChatStreamReader {
    decoder: SseDecoder,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    id: String,
    is_started: bool,
    /// `[DONE]` or an error came.
    is_over: bool,
    choices: Vec<ChoiceReader>,
}

impl StreamReader for ChatStreamReader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let (state, mut result) = (&mut self.state, Ok(()));
        let pushed = self.decoder.push(&Bytes::copy_from_slice(piece), |event| {
            if result.is_ok() {
                result = state.event(&event, events);
            }
        });
        result.and(pushed.map_err(|error| Unreadable::new(error.to_string())))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(rest) = self.decoder.finish() {
            let read = self.state.event(&rest, events);
            // What was cut off after the last word of the answer is no loss.
            read.or_else(|error| if self.state.is_whole() { Ok(()) } else { Err(error) })?;
        }
        if self.state.is_over {
            return Ok(());
        }
        // Some servers leave out `[DONE]`: then the reasons why the answers ended say that they are whole.
        if self.state.is_whole() {
            self.state.is_over = true;
            events.push(Event::End);
            return Ok(());
        }
        Err(Unreadable::new("the stream broke off"))
    }
}

impl State {
    fn is_whole(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(ChoiceReader::has_stopped)
    }

    fn event(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.is_over {
            return Ok(());
        }
        let Some(payload) = sse::data(event) else { return Ok(()) };
        match payload.trim_ascii() {
            b"" => Ok(()),
            b"[DONE]" => self.done(events),
            payload => {
                let chunk = serde_json::from_slice(payload).map_err(|error| Unreadable::new(error.to_string()))?;
                self.chunk(chunk, payload, events)
            }
        }
    }

    fn done(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if !self.is_started {
            return Err(Unreadable::new("the stream ended before it began"));
        }
        self.choices.iter_mut().for_each(|choice| choice.finish(events));
        self.is_over = true;
        events.push(Event::End);
        Ok(())
    }

    fn chunk(
        &mut self,
        mut chunk: wire::Answer<'_>,
        payload: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), Unreadable> {
        let is_error = chunk.object.as_ref().is_some_and(|object| object.0 == "error");
        if is_error || chunk.error.is_some() {
            self.is_over = true;
            events.push(Event::Error(error_reader::read_in_stream(payload)));
            return Ok(());
        }
        let used = usage_of(&chunk);
        // Azure begins with a chunk about its filter, which has neither id nor model.
        if !self.is_started && (!chunk.choices.is_empty() || used.is_some()) {
            self.start(&mut chunk, events);
        }
        let pages =
            if chunk.choices.iter().any(|choice| choice.finish_reason.is_some()) { chunk.pages() } else { Vec::new() };
        for choice in std::mem::take(&mut chunk.choices) {
            let reader = self.choice(choice.index.unwrap_or(0))?;
            reader.take(choice, &pages, events)?;
        }
        events.extend(used.map(Event::Usage));
        Ok(())
    }

    fn start(&mut self, chunk: &mut wire::Answer<'_>, events: &mut Vec<Event>) {
        self.is_started = true;
        self.id = chunk.id.take().map(|id| id.0.into_owned()).unwrap_or_default();
        events.push(Event::Start {
            id: self.id.clone(),
            model: chunk.model.take().map(|model| model.0.into_owned()).unwrap_or_default(),
            created: chunk.created(),
            usage: None,
            service_tier: chunk.service_tier.take().map(|tier| tier.0.into_owned()),
            fingerprint: chunk.system_fingerprint.take().map(|print| print.0.into_owned()),
        });
    }

    fn choice(&mut self, number: u32) -> Result<&mut ChoiceReader, Unreadable> {
        let at = match self.choices.iter().position(|choice| choice.number() == number) {
            Some(at) => at,
            None if number >= MAX_CHOICES => return Err(Unreadable::new("it has too many choices")),
            None => {
                self.choices.push(ChoiceReader::new(number, self.id.clone()));
                self.choices.len() - 1
            }
        };
        self.choices.get_mut(at).ok_or_else(|| Unreadable::new("it has no such choice"))
    }
}

/// From the chunk, or from where some vendors put it.
fn usage_of(chunk: &wire::Answer<'_>) -> Option<deltallm_shared::pricing::Usage> {
    let read = |raw: &RawValue| usage::read(raw.get().as_bytes());
    let of_groq = || {
        let groq: Value = serde_json::from_str(chunk.x_groq?.get()).ok()?;
        usage::read(groq.get("usage")?.to_string().as_bytes())
    };
    let of_choice = || chunk.choices.iter().find_map(|choice| choice.usage.and_then(read));
    chunk.usage.and_then(read).or_else(of_groq).or_else(of_choice)
}
