//! An answer in pieces for a client: server-sent events with `alt=sse`, a JSON array without.
//!
//! Nothing but pieces of the answer may stand in the stream: Google's Python SDK takes a comment line for broken JSON.

use bytes::{BufMut, BytesMut};
use deltallm_shared::{error::ApiError, pricing::Usage};
use serde_json::Map;

use super::{
    answer_writer::{WrittenCandidate, WrittenResponse, arguments_object, model, response_id, written},
    citations::{self, Placed},
    error,
    logprobs::LogprobsResult,
    signature, stop_reason,
    usage::WrittenUsage,
    wire::{WrittenCall, WrittenContent, WrittenPart},
};
use crate::{
    canonical::{Citation, Delta, Event, PartStart, StopReason},
    dialect::{Asked, StreamWriter},
};

/// Text beyond this is not kept for the positions of citations.
const MAX_KEPT_TEXT: usize = 1 << 20;
const MAX_CHOICES: u32 = 128;

/// How pieces are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `data: {…}` and a blank line.
    Events,
    /// `[{…}`, `,{…}`, `]`.
    Array,
}

/// Writes one stream.
#[derive(Debug)]
pub(super) struct GeminiStreamWriter {
    asked: Asked,
    framing: Framing,
    /// The vendor's names of answer and model.
    id: String,
    model: String,
    has_written: bool,
    choices: Vec<ChoiceState>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct ChoiceState {
    open: Open,
    text: String,
    /// Where the open part begins in `text`.
    part_start: usize,
    citations: Vec<(Citation, std::ops::Range<usize>)>,
    stop: Option<StopReason>,
}

/// The part that goes on.
#[derive(Debug, Default)]
enum Open {
    #[default]
    None,
    Text,
    Reasoning,
    ToolCall {
        id: String,
        name: String,
        signature: Option<String>,
        arguments: String,
    },
}

impl StreamWriter for GeminiStreamWriter {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, usage, .. } => {
                (self.id, self.model, self.usage) = (id.clone(), model.clone(), *usage);
            }
            Event::PartStart { choice, start, .. } => self.start(*choice, start, out),
            Event::PartDelta { choice, delta, .. } => self.add(*choice, delta, out),
            Event::PartEnd { choice, .. } => self.end_part(*choice, out),
            Event::Logprobs { choice, value } => {
                if let Some(result) = LogprobsResult::of_openai(value) {
                    let candidate = WrittenCandidate { logprobs_result: Some(result), ..piece(*choice, None) };
                    self.frame(vec![candidate], None, out);
                }
            }
            Event::Stop { choice, reason } => self.choice(*choice).stop = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::End => self.end(out),
            Event::Ping | Event::Error(_) => {}
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut BytesMut) {
        let body = error::write(error);
        match self.framing {
            // Without `data:`: Google's SDKs raise an error for bare JSON, and pass over one in an event.
            Framing::Events => {
                out.put_slice(&body);
                out.put_slice(b"\n");
            }
            Framing::Array => {
                out.put_slice(if self.has_written { b",\r\n" } else { b"[" });
                out.put_slice(&body);
                out.put_slice(b"]");
            }
        }
    }
}

impl GeminiStreamWriter {
    /// For one stream.
    pub fn new(asked: &Asked, framing: Framing) -> Self {
        Self {
            asked: asked.clone(),
            framing,
            id: String::new(),
            model: String::new(),
            has_written: false,
            choices: Vec::new(),
            usage: None,
        }
    }

    fn start(&mut self, choice: u32, start: &PartStart, out: &mut BytesMut) {
        let open = match start {
            PartStart::Text | PartStart::Refusal => Open::Text,
            PartStart::Reasoning => Open::Reasoning,
            PartStart::ToolCall { id, name, signature } => Open::ToolCall {
                id: id.clone(),
                name: name.clone(),
                signature: signature.clone(),
                arguments: String::new(),
            },
            PartStart::EncryptedReasoning(data) => {
                let thought_signature = signature::for_client(None, Some(data)).map(Into::into);
                self.part(choice, WrittenPart { thought_signature, ..WrittenPart::text("") }, out);
                Open::None
            }
            PartStart::Whole(part) => {
                if let Some(part) = written(&part.kind) {
                    self.part(choice, part, out);
                }
                Open::None
            }
        };
        let state = self.choice(choice);
        (state.open, state.part_start) = (open, state.text.len());
    }

    fn add(&mut self, choice: u32, delta: &Delta, out: &mut BytesMut) {
        let state = self.choice(choice);
        match (&mut state.open, delta) {
            (Open::Text, Delta::Text(text)) => {
                if state.text.len() < MAX_KEPT_TEXT {
                    state.text.push_str(text);
                }
                self.part(choice, WrittenPart::text(text), out);
            }
            (Open::Reasoning, Delta::Text(text)) => {
                self.part(choice, WrittenPart { thought: true, ..WrittenPart::text(text) }, out);
            }
            (Open::Reasoning, Delta::Signature(signature)) => {
                let thought_signature = signature::for_client(Some(signature), None).map(Into::into);
                self.part(choice, WrittenPart { thought_signature, ..WrittenPart::text("") }, out);
            }
            (Open::ToolCall { arguments, .. }, Delta::Arguments(more)) => arguments.push_str(more),
            (Open::ToolCall { signature, .. }, Delta::Signature(found)) => *signature = Some(found.clone()),
            (Open::Text, Delta::Citation(citation)) => {
                let start = state.part_start;
                state.citations.push((citation.clone(), start..start));
            }
            _ => {}
        }
    }

    fn end_part(&mut self, choice: u32, out: &mut BytesMut) {
        let state = self.choice(choice);
        let (start, end) = (state.part_start, state.text.len());
        for (_, range) in state.citations.iter_mut().rev().take_while(|(_, range)| range.start == start) {
            range.end = end;
        }
        if let Open::ToolCall { id, name, signature, arguments } = std::mem::take(&mut state.open) {
            let call = WrittenCall { id: &id, name: &name, args: arguments_object(&arguments) };
            let thought_signature = signature.as_deref().map(Into::into);
            self.part(
                choice,
                WrittenPart { function_call: Some(call), thought_signature, ..WrittenPart::default() },
                out,
            );
        }
    }

    /// The last piece: why every choice ended, what it is based on, and what was consumed.
    fn end(&mut self, out: &mut BytesMut) {
        let choices = std::mem::take(&mut self.choices);
        let last = (0_u32..).zip(&choices).map(|(index, state)| {
            let placed: Vec<Placed<'_>> =
                state.citations.iter().map(|(citation, range)| (citation, range.clone())).collect();
            let mut based_on = Map::new();
            citations::write(&placed, &state.text, &mut based_on);
            let finish_reason = Some(stop_reason::write(state.stop.as_ref()));
            WrittenCandidate { finish_reason, based_on, ..piece(index, Some(WrittenPart::text(""))) }
        });
        self.frame(last.collect(), self.usage, out);
        if self.framing == Framing::Array {
            out.put_slice(b"]");
        }
    }

    fn part(&mut self, choice: u32, part: WrittenPart<'_>, out: &mut BytesMut) {
        self.frame(vec![piece(choice, Some(part))], None, out);
    }

    fn frame(&mut self, candidates: Vec<WrittenCandidate<'_>>, usage: Option<Usage>, out: &mut BytesMut) {
        out.put_slice(match (self.framing, self.has_written) {
            (Framing::Events, _) => b"data: ",
            (Framing::Array, false) => b"[",
            (Framing::Array, true) => b",\r\n",
        });
        self.has_written = true;
        let response = WrittenResponse {
            candidates,
            usage_metadata: usage.as_ref().map(WrittenUsage::of),
            model_version: model(&self.model, &self.asked),
            response_id: response_id(&self.id, &self.asked),
        };
        // Writing into memory what was made of text and numbers cannot fail.
        let _ = serde_json::to_writer(out.writer(), &response);
        if self.framing == Framing::Events {
            out.put_slice(b"\r\n\r\n");
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        let index = index.min(MAX_CHOICES - 1) as usize;
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, ChoiceState::default);
        }
        &mut self.choices[index]
    }
}

fn piece(index: u32, part: Option<WrittenPart<'_>>) -> WrittenCandidate<'_> {
    WrittenCandidate {
        content: WrittenContent { parts: part.into_iter().collect(), role: Some("model") },
        finish_reason: None,
        index,
        logprobs_result: None,
        based_on: Map::new(),
    }
}
