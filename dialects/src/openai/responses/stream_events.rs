//! The events of a stream as they stand on the wire, each under its `type` and its place in the sequence.

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde_json::Value;

use super::output::{Content, Item, Summary};
use super::response_object::Response;

/// Numbers events and writes them.
#[derive(Debug, Default)]
pub(super) struct Events {
    next: u64,
}

impl Events {
    /// Writes one event.
    pub fn write<E: Serialize>(&mut self, kind: &'static str, body: &E, out: &mut BytesMut) {
        #[derive(Serialize)]
        struct Numbered<'a, E> {
            r#type: &'static str,
            sequence_number: u64,
            #[serde(flatten)]
            body: &'a E,
        }
        out.put_slice(b"event: ");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\ndata: ");
        let event = Numbered { r#type: kind, sequence_number: self.next, body };
        // Writing to memory does not fail, and neither does any of our own types.
        let _ = serde_json::to_writer((&mut *out).writer(), &event);
        out.put_slice(b"\n\n");
        self.next += 1;
    }
}

/// `response.created`, `.in_progress`, `.completed`, `.incomplete`, `.failed`
#[derive(Serialize)]
pub(super) struct Lifecycle<'a> {
    pub response: &'a Response<'a>,
}

/// `response.output_item.added`, `.done`
#[derive(Serialize)]
pub(super) struct OutputItem<'a> {
    pub output_index: usize,
    pub item: &'a Item,
}

/// Where a content of a message stands.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Place<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub content_index: usize,
}

/// `response.content_part.added`, `.done`
#[derive(Serialize)]
pub(super) struct ContentPart<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    pub part: &'a Content,
}

/// `response.output_text.delta`
#[derive(Serialize)]
pub(super) struct TextDelta<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub content_index: usize,
    pub delta: &'a str,
    pub logprobs: [(); 0],
}

/// `response.output_text.done`
#[derive(Serialize)]
pub(super) struct TextDone<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    pub text: &'a str,
    pub logprobs: &'a [Value],
}

/// `response.output_text.annotation.added`
#[derive(Serialize)]
pub(super) struct AnnotationAdded<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    pub annotation_index: usize,
    pub annotation: &'a Value,
}

/// `response.refusal.delta`
#[derive(Serialize)]
pub(super) struct RefusalDelta<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    pub delta: &'a str,
}

/// `response.refusal.done`
#[derive(Serialize)]
pub(super) struct RefusalDone<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    pub refusal: &'a str,
}

/// `response.reasoning_summary_part.added`, `.done`
#[derive(Serialize)]
pub(super) struct SummaryPart<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub summary_index: usize,
    pub part: &'a Summary,
}

/// `response.reasoning_summary_text.delta`
#[derive(Serialize)]
pub(super) struct SummaryDelta<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub summary_index: usize,
    pub delta: &'a str,
}

/// `response.reasoning_summary_text.done`
#[derive(Serialize)]
pub(super) struct SummaryDone<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub summary_index: usize,
    pub text: &'a str,
}

/// `response.function_call_arguments.delta`
#[derive(Serialize)]
pub(super) struct ArgumentsDelta<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub delta: &'a str,
}

/// `response.function_call_arguments.done`
#[derive(Serialize)]
pub(super) struct ArgumentsDone<'a> {
    pub item_id: &'a str,
    pub output_index: usize,
    pub name: &'a str,
    pub arguments: &'a str,
}

/// `error`
#[derive(Serialize)]
pub(super) struct ErrorEvent<'a> {
    pub code: &'a str,
    pub message: &'a str,
    pub param: Option<&'a str>,
}
