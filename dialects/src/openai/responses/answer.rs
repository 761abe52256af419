//! Writes a whole answer as a `response` object.

use serde_json::Value;

use super::output::{Content, Item, Output, Status};
use super::response_object::{Ending, Frame};
use crate::canonical::Answer;
use crate::dialect::Asked;

/// Writes an answer. The dialect knows one answer to a request; there are more only where a client asked for them in the words
/// of another dialect, and those are left out.
pub(super) fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let mut output = Output::new(&asked.unique);
    let choice = answer.choices.first();
    for part in choice.map(|choice| choice.parts.as_slice()).unwrap_or_default() {
        output.push(part);
    }
    if let Some(logprobs) = choice.and_then(|choice| choice.logprobs.as_ref()) {
        add_logprobs(&mut output.items, logprobs);
    }
    let end = Ending::of(choice.and_then(|choice| choice.stop.as_ref()), &output.items);
    finish_items(&mut output.items, end);
    let frame = Frame::new(asked, &answer.id, &answer.model, answer.created, answer.service_tier.clone());
    serde_json::to_vec(&frame.ended(end, &output.items, answer.usage.as_ref())).unwrap_or_default()
}

fn finish_items(items: &mut [Item], end: Ending) {
    for item in items.iter_mut() {
        item.set_status(Status::Completed);
    }
    if let Some(last) = items.last_mut() {
        last.set_status(end.status());
    }
}

/// Log probabilities of an answer are those of its text; where the text is in several parts, nobody says which.
fn add_logprobs(items: &mut [Item], logprobs: &Value) {
    let Some(tokens) = logprobs.get("content").and_then(Value::as_array) else { return };
    let contents = items.iter_mut().filter_map(|item| match item {
        Item::Message { content, .. } => Some(content),
        _ => None,
    });
    let text = contents.flatten().find_map(|content| match content {
        Content::OutputText { logprobs, .. } => Some(logprobs),
        Content::Refusal { .. } => None,
    });
    if let Some(text) = text {
        text.clone_from(tokens);
    }
}
