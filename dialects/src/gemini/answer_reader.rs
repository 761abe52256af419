//! Answers of the vendor as events. A whole answer is a stream of one piece, so both are read by the same code.

use deltallm_shared::pricing::Usage;
use serde_json::{Map, Value, value::RawValue};

use super::{
    call_ids::CallIds, citations, error, logprobs, media, object::compact, signature, stop_reason, usage, wire,
};
use crate::{
    canonical::{Answer, Collector, Delta, Event, PartKind, PartStart, Source, StopReason},
    dialect::Unreadable,
};

/// Vendors make at most a handful.
const MAX_CHOICES: u32 = 128;
/// Text beyond this is not kept for the positions of citations.
const MAX_KEPT_TEXT: usize = 1 << 20;

/// Reads a whole answer.
pub(super) fn read_whole(body: &[u8]) -> Result<Answer, Unreadable> {
    let mut reader = AnswerReader::default();
    let (mut events, mut collector) = (Vec::new(), Collector::default());
    reader.read(body, &mut events)?;
    reader.finish_whole(&mut events)?;
    for event in events {
        collector.take(event);
    }
    collector.finish().map_err(|failure| Unreadable::new(failure.message.unwrap_or_default()))
}

/// Turns pieces of an answer into events.
#[derive(Debug, Default)]
pub(super) struct AnswerReader {
    started: bool,
    failed: bool,
    blocked: bool,
    choices: Vec<ChoiceState>,
    call_ids: CallIds,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct ChoiceState {
    /// The number of the next part.
    next_part: u32,
    open: Option<Open>,
    has_calls: bool,
    finish_reason: Option<String>,
    /// The text so far, for the positions of citations.
    text: String,
    searches: u64,
}

/// The part that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Reasoning,
}

impl AnswerReader {
    /// Takes one `GenerateContentResponse`.
    pub fn read(&mut self, json: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.failed {
            return Ok(());
        }
        let response: wire::Response<'_> =
            serde_json::from_slice(json).map_err(|error| Unreadable::new(error.to_string()))?;
        if response.error.is_some() {
            self.failed = true;
            events.push(Event::Error(error::read_in_stream(json)));
            return Ok(());
        }
        let usage = response.usage_metadata.and_then(usage::read);
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::Start {
                id: response.id.to_string(),
                model: response.model_version.into_owned(),
                created: None,
                usage,
                service_tier: None,
                fingerprint: None,
            });
            self.call_ids.set_answer(&response.id);
        }
        self.blocked |= response.prompt_feedback.is_some_and(|feedback| !feedback.block_reason.is_empty());
        for (position, candidate) in (0_u32..).zip(response.candidates) {
            let choice = candidate.index.unwrap_or(position);
            if choice < MAX_CHOICES {
                self.read_candidate(choice, candidate, events);
            }
        }
        if let Some(usage) = usage.map(|usage| self.with_searches(usage))
            && self.usage != Some(usage)
        {
            self.usage = Some(usage);
            events.push(Event::Usage(usage));
        }
        Ok(())
    }

    /// Ends a stream. An answer is whole where every choice has its reason to end, or where the prompt was refused.
    pub fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.failed {
            return Ok(());
        }
        let is_whole = match self.choices.as_slice() {
            [] => self.blocked,
            choices => choices.iter().all(|choice| choice.finish_reason.is_some()),
        };
        if !is_whole {
            return Err(Unreadable::new("the stream ended before the answer did"));
        }
        self.end(events);
        Ok(())
    }

    /// Ends a whole answer, which may leave the reason out.
    fn finish_whole(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable> {
        if self.choices.is_empty() && !self.blocked && !self.failed {
            if self.usage.is_none() {
                return Err(Unreadable::new("the answer has no candidates"));
            }
            // The model consumed tokens and said nothing.
            self.choice(0).finish_reason = Some("OTHER".to_owned());
        }
        self.end(events);
        Ok(())
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if self.choices.is_empty() {
            events.push(Event::Stop { choice: 0, reason: StopReason::ContentFilter });
        }
        for (choice, state) in (0_u32..).zip(&mut self.choices) {
            state.close(choice, events);
            let word = state.finish_reason.as_deref().unwrap_or_default();
            events.push(Event::Stop { choice, reason: stop_reason::read(word, state.has_calls) });
        }
        // Searches may have come after the last count.
        if let Some(usage) = self.usage.map(|usage| self.with_searches(usage)) {
            events.push(Event::Usage(usage));
        }
        events.push(Event::End);
    }

    fn with_searches(&self, usage: Usage) -> Usage {
        Usage { searches: self.choices.iter().map(|choice| choice.searches).sum(), ..usage }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        let index = index as usize;
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, ChoiceState::default);
        }
        &mut self.choices[index]
    }

    fn read_candidate(&mut self, choice: u32, candidate: wire::Candidate<'_>, events: &mut Vec<Event>) {
        let call_ids = &mut std::mem::take(&mut self.call_ids);
        let state = self.choice(choice);
        for part in candidate.content.unwrap_or_default().parts {
            state.read_part(choice, part, call_ids, events);
        }
        if let Some(value) = candidate.logprobs_result.and_then(logprobs::read) {
            events.push(Event::Logprobs { choice, value });
        }
        let mut found = Vec::new();
        if let Some(grounding) = candidate.grounding_metadata {
            state.searches = state.searches.max(citations::searches(&grounding));
            found.extend(citations::of_grounding(grounding, &state.text));
        }
        if let Some(recitation) = candidate.citation_metadata {
            found.extend(citations::of_recitation(&recitation, &state.text));
        }
        if !found.is_empty() {
            let part = state.open(choice, Open::Text, events);
            let deltas = found.into_iter().map(Delta::Citation);
            events.extend(deltas.map(|delta| Event::PartDelta { choice, part, delta }));
        }
        if !candidate.finish_reason.is_empty() {
            state.finish_reason = Some(candidate.finish_reason.into_owned());
        }
        self.call_ids = std::mem::take(call_ids);
    }
}

impl ChoiceState {
    fn read_part(&mut self, choice: u32, part: wire::Part<'_>, call_ids: &mut CallIds, events: &mut Vec<Event>) {
        let signature = (!part.thought_signature.is_empty()).then_some(part.thought_signature);
        if let Some(call) = part.function_call {
            if !call.name.is_empty() {
                self.read_call(choice, &call, signature.as_deref(), call_ids, events);
            }
            return;
        }
        if !part.text.is_empty() {
            let kind = if part.thought { Open::Reasoning } else { Open::Text };
            let number = self.open(choice, kind, events);
            if kind == Open::Text && self.text.len() < MAX_KEPT_TEXT {
                self.text.push_str(&part.text);
            }
            let delta = Delta::Text(part.text.into_owned());
            events.push(Event::PartDelta { choice, part: number, delta });
        }
        if let Some(whole) = whole_part(part.inline_data, part.file_data, part.executable_code, part.code_execution_result)
            // Pictures among the thoughts are drafts.
            && !part.thought
        {
            let part = self.start(choice, PartStart::Whole(Box::new(whole.into())), events);
            events.push(Event::PartEnd { choice, part });
        }
        if let Some(signature) = signature {
            // It signs the thoughts that are open, or stands by itself after the part that it came with.
            let part = self.open(choice, Open::Reasoning, events);
            let delta = Delta::Signature(signature::mark(&signature));
            events.push(Event::PartDelta { choice, part, delta });
            self.close(choice, events);
        }
    }

    fn read_call(
        &mut self,
        choice: u32,
        call: &wire::FunctionCall<'_>,
        signature: Option<&str>,
        call_ids: &mut CallIds,
        events: &mut Vec<Event>,
    ) {
        self.has_calls = true;
        let arguments = call.args.map(|args| compact(args.get())).unwrap_or_default();
        let id = if call.id.is_empty() { call_ids.next(&call.name, &arguments) } else { call.id.to_string() };
        let signature = signature.map(str::to_owned);
        let part = self.start(choice, PartStart::ToolCall { id, name: call.name.to_string(), signature }, events);
        if !arguments.is_empty() {
            events.push(Event::PartDelta { choice, part, delta: Delta::Arguments(arguments) });
        }
        events.push(Event::PartEnd { choice, part });
    }

    /// The number of the open part of this kind; begins one where there is none.
    fn open(&mut self, choice: u32, kind: Open, events: &mut Vec<Event>) -> u32 {
        if self.open != Some(kind) {
            let start = match kind {
                Open::Text => PartStart::Text,
                Open::Reasoning => PartStart::Reasoning,
            };
            self.start(choice, start, events);
            self.open = Some(kind);
        }
        self.next_part - 1
    }

    fn start(&mut self, choice: u32, start: PartStart, events: &mut Vec<Event>) -> u32 {
        self.close(choice, events);
        let part = self.next_part;
        self.next_part += 1;
        events.push(Event::PartStart { choice, part, start });
        part
    }

    fn close(&mut self, choice: u32, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::PartEnd { choice, part: self.next_part - 1 });
        }
    }
}

/// A part that comes whole.
fn whole_part(
    inline_data: Option<wire::Blob<'_>>,
    file_data: Option<wire::FileData<'_>>,
    code: Option<&RawValue>,
    code_result: Option<&RawValue>,
) -> Option<PartKind> {
    if let Some(blob) = inline_data {
        let source = Source::Data { media_type: blob.mime_type.to_string(), data: blob.data.into_owned() };
        return Some(media::part(&blob.mime_type, source, None));
    }
    if let Some(file) = file_data {
        let media_type = (!file.mime_type.is_empty()).then(|| file.mime_type.to_string());
        let source = Source::Url { url: file.file_uri.into_owned(), media_type };
        return Some(media::part(&file.mime_type, source, None));
    }
    let (name, raw) = code.map(|raw| ("executableCode", raw)).or(code_result.map(|raw| ("codeExecutionResult", raw)))?;
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    let value = Value::Object(Map::from_iter([(name.to_owned(), value)]));
    Some(PartKind::Own { name: name.to_owned(), value })
}
