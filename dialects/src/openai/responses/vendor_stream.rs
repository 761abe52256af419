//! Reads the event protocol of the Responses API. Of its three levels the deltas are read; what comes only in a level above, as
//! at vendors who leave levels out, is taken from there.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::usage;
use super::vendor_answer::{Kind, WireCall, WireReasoning, WireResponse, read_annotation, read_item};
use super::vendor_parts::{Parts, Place};
use crate::canonical::{Delta, Event, Failure, FailureClass, PartKind, PartStart};
use crate::dialect::{StreamReader, Unreadable};
use crate::openai::error_reader;
use crate::sse::{self, SseDecoder};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reader {
    decoder: SseDecoder,
    state: State,
}

impl StreamReader for Reader {
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let (state, mut result) = (&mut self.state, Ok(()));
        let pushed = self.decoder.push(&Bytes::copy_from_slice(piece), |event| {
            if result.is_ok() {
                result = state.event(&event, events);
            }
        });
        pushed.map_err(|error| Unreadable::new(error.to_string()))?;
        result
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if let Some(rest) = self.decoder.finish() {
            // A last event without its blank line, which is whole or not.
            let _ = self.state.event(&rest, events);
        }
        if self.state.is_over { Ok(()) } else { Err(Unreadable::new("the stream broke off")) }
    }
}

#[derive(Debug, Default)]
struct State {
    has_begun: bool,
    is_over: bool,
    has_calls: bool,
    parts: Parts,
    /// Items of which something was told. Few, and no longer needed once the item is done.
    told: Vec<u32>,
    /// Whether anything was told at all.
    has_told: bool,
    /// The item that thinks, and whether its summary is read, not the thoughts themselves.
    thinking: Option<(u32, bool)>,
}

/// An event, borrowed from its bytes.
#[derive(Debug, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    output_index: u32,
    #[serde(default)]
    content_index: u32,
    #[serde(default)]
    summary_index: u32,
    #[serde(borrow, default)]
    delta: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    refusal: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Cow<'a, str>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    annotation: Option<Value>,
    logprobs: Option<Vec<Value>>,
}

impl State {
    fn event(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(payload) = sse::data(event) else { return Ok(()) };
        if self.is_over || payload.as_ref() == b"[DONE]" {
            return Ok(());
        }
        match serde_json::from_slice(&payload) {
            Ok(wire) => self.take(wire, &payload, events),
            // Events that nobody knows yet may have members of other types.
            Err(_) if is_unknown(&payload) => Ok(()),
            Err(error) => Err(Unreadable::new(error.to_string())),
        }
    }

    fn take(&mut self, wire: Wire<'_>, payload: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let place = (wire.output_index, wire.content_index);
        match wire.r#type.as_ref() {
            "response.created" | "response.in_progress" | "response.queued" => self.begin(wire.response, events),
            "response.output_item.added" => return self.item_added(wire.output_index, wire.item, events),
            "response.output_item.done" => return self.item_done(wire.output_index, wire.item, events),
            "response.output_text.delta" => {
                self.say(place, PartStart::Text, &wire.delta, events)?;
                let logprobs = wire.logprobs.filter(|logprobs| !logprobs.is_empty());
                events.extend(logprobs.map(|all| Event::Logprobs { choice: 0, value: json!({"content": all}) }));
            }
            "response.refusal.delta" => self.say(place, PartStart::Refusal, &wire.delta, events)?,
            "response.output_text.done" => self.said(place, PartStart::Text, &wire.text, events)?,
            "response.refusal.done" => self.said(place, PartStart::Refusal, &wire.refusal, events)?,
            "response.output_text.annotation.added" => {
                if let Some(annotation) = wire.annotation {
                    self.say(place, PartStart::Text, "", events)?;
                    self.parts.delta(place, Delta::Citation(read_annotation(annotation)), events)?;
                }
            }
            "response.reasoning_summary_part.added" if wire.summary_index > 0 => {
                self.think(wire.output_index, true, "\n\n", events)?;
            }
            "response.reasoning_summary_text.delta" => self.think(wire.output_index, true, &wire.delta, events)?,
            "response.reasoning_text.delta" => self.think(wire.output_index, false, &wire.delta, events)?,
            "response.function_call_arguments.delta" => {
                let delta = Delta::Arguments(wire.delta.into_owned());
                self.parts.delta((wire.output_index, 0), delta, events)?;
            }
            "response.function_call_arguments.done" => {
                let place = (wire.output_index, 0);
                if self.parts.is_empty(place) && !wire.arguments.is_empty() {
                    self.parts.delta(place, Delta::Arguments(wire.arguments.into_owned()), events)?;
                }
            }
            "response.completed" | "response.incomplete" => return self.end(wire.response, events),
            "response.failed" | "response.cancelled" => {
                let response = wire.response.and_then(|response| serde_json::from_str(response.get()).ok());
                let failure = response.and_then(|response: WireResponse<'_>| response.failure());
                self.fail(failure.unwrap_or_else(|| Failure::new(FailureClass::Server)), events);
            }
            "error" => self.fail(error_reader::read_in_stream(payload), events),
            "keepalive" => events.push(Event::Ping),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, response: Option<&RawValue>, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let response: WireResponse<'_> =
            response.and_then(|response| serde_json::from_str(response.get()).ok()).unwrap_or_default();
        events.push(Event::Start {
            created: response.created(),
            id: response.id.unwrap_or_default(),
            model: response.model.unwrap_or_default(),
            usage: None,
            service_tier: response.service_tier,
            fingerprint: None,
        });
    }

    fn tell(&mut self, item: u32, events: &mut Vec<Event>) {
        self.begin(None, events);
        self.has_told = true;
        if !self.told.contains(&item) {
            self.told.push(item);
        }
    }

    /// Adds to a text or a refusal, which begins with its first piece.
    fn say(&mut self, place: Place, start: PartStart, text: &str, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if !self.parts.is_open(place) {
            self.tell(place.0, events);
            self.parts.start(place, start, events)?;
        }
        if text.is_empty() {
            return Ok(());
        }
        self.parts.delta(place, Delta::Text(text.to_owned()), events)
    }

    /// Ends a text or a refusal; its whole text counts where no piece of it came.
    fn said(&mut self, place: Place, start: PartStart, text: &str, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if !self.parts.is_open(place) && !text.is_empty() {
            self.say(place, start, text, events)?;
        }
        self.parts.end(place, events);
        Ok(())
    }

    fn think(&mut self, item: u32, is_summary: bool, text: &str, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let place = (item, 0);
        if !self.parts.is_open(place) {
            self.tell(item, events);
            self.parts.start(place, PartStart::Reasoning, events)?;
            self.thinking = Some((item, is_summary));
        }
        // Some vendors send both; the first is enough.
        if self.thinking == Some((item, is_summary)) && !text.is_empty() {
            self.parts.delta(place, Delta::Text(text.to_owned()), events)?;
        }
        Ok(())
    }

    fn item_added(&mut self, at: u32, item: Option<&RawValue>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(item) = item.filter(|item| kind_of(item) == "function_call") else { return Ok(()) };
        let call: WireCall = serde_json::from_str(item.get()).unwrap_or_default();
        self.call(at, &call, events)?;
        let arguments = call.arguments.filter(|arguments| !arguments.is_empty());
        arguments.map_or(Ok(()), |whole| self.parts.delta((at, 0), Delta::Arguments(whole), events))
    }

    fn call(&mut self, at: u32, call: &WireCall, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        self.tell(at, events);
        self.has_calls = true;
        let id = call.call_id.clone().or_else(|| call.id.clone()).unwrap_or_default();
        let start = PartStart::ToolCall { id, name: call.name.clone(), signature: None };
        self.parts.start((at, 0), start, events)
    }

    fn item_done(&mut self, at: u32, item: Option<&RawValue>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let was_told =
            self.told.iter().position(|told| *told == at).map(|found| self.told.swap_remove(found)).is_some();
        let Some(item) = item else {
            self.parts.end_item(Some(at), events);
            return Ok(());
        };
        match kind_of(item).as_ref() {
            "function_call" if was_told => {
                let call: WireCall = serde_json::from_str(item.get()).unwrap_or_default();
                let arguments = call.arguments.filter(|arguments| !arguments.is_empty());
                if let Some(arguments) = arguments.filter(|_| self.parts.is_empty((at, 0))) {
                    self.parts.delta((at, 0), Delta::Arguments(arguments), events)?;
                }
                self.parts.end_item(Some(at), events);
                Ok(())
            }
            "reasoning" if was_told => {
                self.parts.end_item(Some(at), events);
                let reasoning: WireReasoning = serde_json::from_str(item.get()).unwrap_or_default();
                match reasoning.encrypted_content {
                    Some(data) => self.whole(at, PartStart::EncryptedReasoning(data), events),
                    None => Ok(()),
                }
            }
            _ if was_told => {
                self.parts.end_item(Some(at), events);
                Ok(())
            }
            _ => self.item_whole(at, item, events),
        }
    }

    /// Tells an item of which no piece came.
    fn item_whole(&mut self, at: u32, item: &RawValue, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let (mut parts, mut logprobs) = (Vec::new(), Vec::new());
        read_item(item, &mut parts, &mut logprobs);
        for part in parts {
            let place = (at, 0);
            match part.kind {
                PartKind::Text { text, citations } => {
                    self.say(place, PartStart::Text, &text, events)?;
                    for citation in citations {
                        self.parts.delta(place, Delta::Citation(citation), events)?;
                    }
                    self.parts.end(place, events);
                }
                PartKind::Refusal { text } => self.said(place, PartStart::Refusal, &text, events)?,
                PartKind::Reasoning { encrypted: Some(data), .. } => {
                    self.whole(at, PartStart::EncryptedReasoning(data), events)?;
                }
                PartKind::Reasoning { text, .. } => {
                    self.think(at, true, &text, events)?;
                    self.parts.end(place, events);
                }
                PartKind::ToolCall { id, name, arguments, .. } => {
                    let call = WireCall { call_id: Some(id), id: None, name, arguments: None };
                    self.call(at, &call, events)?;
                    self.parts.delta(place, Delta::Arguments(arguments), events)?;
                    self.parts.end(place, events);
                }
                _ => self.whole(at, PartStart::Whole(Box::new(part)), events)?,
            }
        }
        if !logprobs.is_empty() {
            events.push(Event::Logprobs { choice: 0, value: json!({"content": logprobs}) });
        }
        self.told.retain(|told| *told != at);
        Ok(())
    }

    fn whole(&mut self, at: u32, start: PartStart, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        self.tell(at, events);
        self.told.retain(|told| *told != at);
        self.parts.start((at, 0), start, events)?;
        self.parts.end((at, 0), events);
        Ok(())
    }

    fn end(&mut self, response: Option<&RawValue>, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Some(json) = response else { return Err(Unreadable::new("it ends without its `response`")) };
        self.begin(response, events);
        self.parts.end_item(None, events);
        let response: WireResponse<'_> =
            serde_json::from_str(json.get()).map_err(|error| Unreadable::new(error.to_string()))?;
        if !self.has_told {
            for (at, item) in (0_u32..).zip(response.output.iter().flatten()) {
                self.item_whole(at, item, events)?;
            }
        }
        events.push(Event::Stop { choice: 0, reason: response.stop(self.has_calls) });
        events.extend(usage::of_response(json.get().as_bytes()).map(Event::Usage));
        events.push(Event::End);
        self.is_over = true;
        Ok(())
    }

    fn fail(&mut self, failure: Failure, events: &mut Vec<Event>) {
        events.push(Event::Error(failure));
        self.is_over = true;
    }
}

fn kind_of(item: &RawValue) -> Cow<'static, str> {
    serde_json::from_str::<Kind>(item.get()).map(|kind| kind.r#type.into()).unwrap_or_default()
}

/// Whether the event is JSON of a type that is not read here.
fn is_unknown(payload: &[u8]) -> bool {
    const READ: [&str; 5] = [
        "response.output_text.",
        "response.refusal.",
        "response.function_call_arguments.",
        "response.output_item.",
        "error",
    ];
    let kind = serde_json::from_slice::<Kind>(payload).map(|kind| kind.r#type);
    kind.is_ok_and(|kind| !READ.iter().any(|known| kind.starts_with(known)))
}
