//! Writes an answer in pieces as the event protocol of the Responses API ("Streaming events" in OpenAI's API reference):
//! lifecycle events around items, items around contents, contents around deltas, all numbered without gaps. Clients rebuild the
//! answer from any of the three levels, so all of them are written.

use bytes::{BufMut, BytesMut};
use deltallm_shared::error::ApiError;
use deltallm_shared::pricing::Usage;
use serde_json::Value;

use super::output::{Content, Item, Output, Status, Summary, annotations};
use super::response_object::{Ending, Frame};
use super::sealed::Sealed;
use super::stream_events::{
    AnnotationAdded, ArgumentsDelta, ArgumentsDone, ContentPart, ErrorEvent, Events, Lifecycle, OutputItem, Place,
    RefusalDelta, RefusalDone, SummaryDelta, SummaryDone, SummaryPart, TextDelta, TextDone,
};
use crate::canonical::{Citation, Delta, Event, Part, PartStart, StopReason};
use crate::dialect::{Asked, StreamWriter};

/// See the module.
pub(super) struct Writer {
    asked: Asked,
    /// Since the answer began.
    frame: Option<Frame>,
    events: Events,
    output: Output,
    /// Whether the last item may still grow.
    item_is_open: bool,
    part: Option<OpenPart>,
    citations: Vec<Citation>,
    /// Came after the call that it belongs to had begun.
    late_signature: Option<String>,
    usage: Option<Usage>,
    stop: Option<StopReason>,
    is_over: bool,
}

/// The part that deltas belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenPart {
    /// Text of which nothing came yet: it has no content, and perhaps no message, until something does.
    EmptyText,
    Text,
    Refusal,
    Reasoning,
    Call,
    /// What has no place in this dialect, or came whole.
    Other,
}

impl Writer {
    pub fn new(asked: &Asked) -> Self {
        Self {
            asked: asked.clone(),
            frame: None,
            events: Events::default(),
            output: Output::new(&asked.unique),
            item_is_open: false,
            part: None,
            citations: Vec::new(),
            late_signature: None,
            usage: None,
            stop: None,
            is_over: false,
        }
    }

    fn begin(&mut self, frame: Frame, out: &mut BytesMut) {
        for kind in ["response.created", "response.in_progress"] {
            let response = &frame.response(Status::InProgress, &[]);
            self.events.write(kind, &Lifecycle { response }, out);
        }
        self.frame = Some(frame);
    }

    fn start_part(&mut self, start: &PartStart, out: &mut BytesMut) {
        self.end_part(out);
        let part = match start {
            PartStart::Text => OpenPart::EmptyText,
            PartStart::Refusal => {
                self.open_content(Content::Refusal { refusal: String::new() }, out);
                OpenPart::Refusal
            }
            PartStart::Reasoning => {
                self.end_item(Status::Completed, out);
                self.output.push_reasoning("", &Sealed::default());
                self.added(out);
                OpenPart::Reasoning
            }
            PartStart::EncryptedReasoning(data) => {
                self.end_item(Status::Completed, out);
                self.output.push_reasoning("", &Sealed { encrypted: Some(data.clone()), ..Sealed::default() });
                self.added(out);
                OpenPart::Other
            }
            PartStart::ToolCall { id, name, signature } => {
                self.end_item(Status::Completed, out);
                let before = self.output.items.len();
                self.output.push_call(id, name, "", signature.as_deref());
                for at in before..self.output.items.len() {
                    self.added_at(at, out);
                    if at + 1 < self.output.items.len() {
                        self.done_at(at, out);
                    }
                }
                OpenPart::Call
            }
            PartStart::Whole(part) => {
                self.whole(part, out);
                OpenPart::Other
            }
        };
        self.part = Some(part);
    }

    fn whole(&mut self, part: &Part, out: &mut BytesMut) {
        let before = self.output.items.len();
        self.end_item(Status::Completed, out);
        self.output.push_whole(part);
        if self.output.items.len() > before {
            self.added(out);
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        if self.part == Some(OpenPart::EmptyText) && matches!(delta, Delta::Text(_) | Delta::Citation(_)) {
            self.open_content(Content::empty_text(), out);
            self.part = Some(OpenPart::Text);
        }
        let at = self.output.items.len().saturating_sub(1);
        match (self.part, delta, self.output.items.last_mut()) {
            (Some(OpenPart::Text | OpenPart::Refusal), Delta::Text(more), Some(Item::Message { id, content, .. })) => {
                let place = Place { item_id: id, output_index: at, content_index: content.len().saturating_sub(1) };
                match content.last_mut() {
                    Some(Content::OutputText { text, .. }) => {
                        text.push_str(more);
                        let Place { item_id, output_index, content_index } = place;
                        let event = TextDelta { item_id, output_index, content_index, delta: more, logprobs: [] };
                        self.events.write("response.output_text.delta", &event, out);
                    }
                    Some(Content::Refusal { refusal }) => {
                        refusal.push_str(more);
                        self.events.write("response.refusal.delta", &RefusalDelta { place, delta: more }, out);
                    }
                    None => {}
                }
            }
            (Some(OpenPart::Text), Delta::Citation(citation), _) => self.citations.push(citation.clone()),
            (Some(OpenPart::Reasoning), Delta::Text(more), Some(Item::Reasoning { id, summary, .. })) => {
                if summary.is_empty() {
                    summary.push(Summary { text: String::new() });
                    let event = SummaryPart { item_id: id, output_index: at, summary_index: 0, part: &summary[0] };
                    self.events.write("response.reasoning_summary_part.added", &event, out);
                }
                summary[0].text.push_str(more);
                let event = SummaryDelta { item_id: id, output_index: at, summary_index: 0, delta: more };
                self.events.write("response.reasoning_summary_text.delta", &event, out);
            }
            (
                Some(OpenPart::Reasoning),
                Delta::Signature(signature),
                Some(Item::Reasoning { encrypted_content, .. }),
            ) => {
                let sealed = Sealed { signature: Some(signature.clone()), ..Sealed::default() };
                *encrypted_content = sealed.to_text();
            }
            (Some(OpenPart::Call), Delta::Arguments(more), Some(Item::FunctionCall { id, arguments, .. })) => {
                arguments.push_str(more);
                let event = ArgumentsDelta { item_id: id, output_index: at, delta: more };
                self.events.write("response.function_call_arguments.delta", &event, out);
            }
            (Some(OpenPart::Call), Delta::Signature(signature), _) => self.late_signature = Some(signature.clone()),
            _ => {}
        }
    }

    /// Log probabilities come after their tokens; they stand where the text is whole.
    fn logprobs(&mut self, value: &Value) {
        let tokens = value.get("content").and_then(Value::as_array);
        let content = self.output.contents().and_then(|contents| contents.last_mut());
        if let (Some(tokens), Some(Content::OutputText { logprobs, .. })) = (tokens, content) {
            logprobs.extend_from_slice(tokens);
        }
    }

    fn end_part(&mut self, out: &mut BytesMut) {
        let Some(part) = self.part.take() else { return };
        let at = self.output.items.len().saturating_sub(1);
        match (part, self.output.items.last_mut()) {
            (OpenPart::Text | OpenPart::Refusal, Some(Item::Message { id, content, .. })) => {
                let place = Place { item_id: id, output_index: at, content_index: content.len().saturating_sub(1) };
                let Some(part) = content.last_mut() else { return };
                match part {
                    Content::OutputText { text, annotations: noted, logprobs } => {
                        *noted = annotations(&std::mem::take(&mut self.citations), text);
                        for (annotation_index, annotation) in noted.iter().enumerate() {
                            let event = AnnotationAdded { place, annotation_index, annotation };
                            self.events.write("response.output_text.annotation.added", &event, out);
                        }
                        self.events.write("response.output_text.done", &TextDone { place, text, logprobs }, out);
                    }
                    Content::Refusal { refusal } => {
                        self.events.write("response.refusal.done", &RefusalDone { place, refusal }, out);
                    }
                }
                self.events.write("response.content_part.done", &ContentPart { place, part }, out);
            }
            (OpenPart::Reasoning, Some(Item::Reasoning { id, summary, .. })) => {
                if let Some(part) = summary.first() {
                    let event = SummaryDone { item_id: id, output_index: at, summary_index: 0, text: &part.text };
                    self.events.write("response.reasoning_summary_text.done", &event, out);
                    let event = SummaryPart { item_id: id, output_index: at, summary_index: 0, part };
                    self.events.write("response.reasoning_summary_part.done", &event, out);
                }
            }
            (OpenPart::Call, Some(Item::FunctionCall { id, arguments, name, .. })) => {
                if arguments.is_empty() {
                    "{}".clone_into(arguments);
                    let event = ArgumentsDelta { item_id: id, output_index: at, delta: "{}" };
                    self.events.write("response.function_call_arguments.delta", &event, out);
                }
                let event = ArgumentsDone { item_id: id, output_index: at, name, arguments };
                self.events.write("response.function_call_arguments.done", &event, out);
            }
            _ => {}
        }
    }

    /// Begins a content of the message that is open, or of a new one.
    fn open_content(&mut self, content: Content, out: &mut BytesMut) {
        if !(self.item_is_open && self.output.ends_with_message()) {
            self.end_item(Status::Completed, out);
            self.output.push_message();
            self.added(out);
        }
        let at = self.output.items.len().saturating_sub(1);
        if let Some(Item::Message { id, content: contents, .. }) = self.output.items.last_mut() {
            let place = Place { item_id: id, output_index: at, content_index: contents.len() };
            self.events.write("response.content_part.added", &ContentPart { place, part: &content }, out);
            contents.push(content);
        }
    }

    fn added(&mut self, out: &mut BytesMut) {
        self.added_at(self.output.items.len().saturating_sub(1), out);
    }

    fn added_at(&mut self, at: usize, out: &mut BytesMut) {
        self.item_is_open = true;
        if let Some(item) = self.output.items.get(at) {
            self.events.write("response.output_item.added", &OutputItem { output_index: at, item }, out);
        }
    }

    fn done_at(&mut self, at: usize, out: &mut BytesMut) {
        if let Some(item) = self.output.items.get(at) {
            self.events.write("response.output_item.done", &OutputItem { output_index: at, item }, out);
        }
    }

    fn end_item(&mut self, status: Status, out: &mut BytesMut) {
        if !std::mem::take(&mut self.item_is_open) {
            return;
        }
        if let Some(item) = self.output.items.last_mut() {
            item.set_status(status);
        }
        self.done_at(self.output.items.len().saturating_sub(1), out);
        let signature = self.late_signature.take();
        if let (Some(signature), Some(Item::FunctionCall { call_id, .. })) = (signature, self.output.items.last()) {
            let call_id = call_id.clone();
            self.output.push_call_signature(&call_id, &signature);
            self.added(out);
            self.item_is_open = false;
            self.done_at(self.output.items.len().saturating_sub(1), out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.end_part(out);
        let end = Ending::of(self.stop.as_ref(), &self.output.items);
        self.end_item(end.status(), out);
        let Some(frame) = &self.frame else { return };
        let response = frame.ended(end, &self.output.items, self.usage.as_ref());
        let kind = if end == Ending::Whole { "response.completed" } else { "response.incomplete" };
        self.events.write(kind, &Lifecycle { response: &response }, out);
        self.is_over = true;
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model, created, usage, service_tier, .. } if self.frame.is_none() => {
                self.usage = *usage;
                let frame = Frame::new(&self.asked, id, model, *created, service_tier.clone());
                self.begin(frame, out);
            }
            // The dialect knows one answer to a request.
            Event::PartStart { choice: 0, start, .. } => self.start_part(start, out),
            Event::PartDelta { choice: 0, delta, .. } => self.delta(delta, out),
            Event::PartEnd { choice: 0, .. } => self.end_part(out),
            Event::Logprobs { choice: 0, value } => self.logprobs(value),
            Event::Stop { choice: 0, reason } => self.stop = Some(reason.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::End => self.end(out),
            _ => {}
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut BytesMut) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if self.frame.is_none() {
            // The SDKs take nothing before the answer has begun.
            let frame = Frame::new(&self.asked, "", "", None, None);
            self.begin(frame, out);
        }
        if let Some(item) = self.output.items.last_mut().filter(|_| self.item_is_open) {
            item.set_status(Status::Incomplete);
        }
        let told = ErrorEvent { code: error.code.code(), message: &error.message, param: error.param.as_deref() };
        self.events.write("error", &told, out);
        if let Some(frame) = &self.frame {
            let response = frame.failed(error, &self.output.items, self.usage.as_ref());
            self.events.write("response.failed", &Lifecycle { response: &response }, out);
        }
    }
}
