//! Reads a whole `chat.completion`.

use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::{self, Piece, Said};
use super::{thoughts, tools};
use crate::canonical::{Answer, Choice, Part, PartKind, StopReason};
use crate::dialect::Unreadable;
use crate::openai::{error_reader, usage};

/// Reads a body.
pub fn read(body: &[u8]) -> Result<Answer, Unreadable> {
    let mut wire: wire::Answer<'_> =
        serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    if wire.choices.is_empty() {
        // Some servers answer 200 with an error in it.
        let words = wire.error.and_then(|_| error_reader::read(500, body).message);
        return Err(Unreadable::new(words.unwrap_or_else(|| "it has no choices".to_owned())));
    }
    let pages = wire.pages();
    let mut answer = Answer {
        id: wire.id.as_ref().map(|id| id.0.to_string()).unwrap_or_default(),
        model: wire.model.as_ref().map(|model| model.0.to_string()).unwrap_or_default(),
        created: wire.created(),
        choices: Vec::with_capacity(wire.choices.len()),
        usage: wire.usage.and_then(|raw| usage::read(raw.get().as_bytes())),
        service_tier: wire.service_tier.take().map(|tier| tier.0.into_owned()),
        fingerprint: wire.system_fingerprint.take().map(|print| print.0.into_owned()),
    };
    for choice in wire.choices {
        let mut parts = choice.message.map(|said| parts_of(said, &answer.id)).unwrap_or_default();
        let text = parts.iter_mut().find_map(|part| match &mut part.kind {
            PartKind::Text { citations, .. } if citations.is_empty() => Some(citations),
            _ => None,
        });
        if let Some(citations) = text {
            citations.extend(pages.iter().cloned());
        }
        let reason = choice.finish_reason.filter(|reason| !reason.0.is_empty());
        let stop = reason.map(|reason| with_calls(wire::stop_of(&reason.0), &parts));
        answer.choices.push(Choice { parts, stop, logprobs: choice.logprobs.and_then(logprobs) });
    }
    Ok(answer)
}

/// OpenAI says `stop` where a tool was demanded, and some servers always do.
fn with_calls(stop: StopReason, parts: &[Part]) -> StopReason {
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    if calls && stop == StopReason::End { StopReason::ToolCalls } else { stop }
}

/// `null` is none.
pub fn logprobs(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok().filter(Value::is_object)
}

fn parts_of(mut said: Said<'_>, answer: &str) -> Vec<Part> {
    let mut parts: Vec<PartKind> = Vec::new();
    said.pieces(false, |piece| add(&mut parts, piece));
    let citations = said.citations();
    if let Some(PartKind::Text { citations: all, .. }) =
        parts.iter_mut().rev().find(|part| matches!(part, PartKind::Text { .. }))
    {
        all.extend(citations);
    }
    let images: Vec<PartKind> = said.images().collect();
    parts.extend(said.audio.filter(Value::is_object).map(|value| PartKind::Own { name: "audio".to_owned(), value }));
    parts.extend(images);
    for call in said.tool_calls.unwrap_or_default() {
        let function = call.function.unwrap_or_default();
        let id = call.id.map(|id| id.0.into_owned()).filter(|id| !id.is_empty());
        parts.push(PartKind::ToolCall {
            id: id.unwrap_or_else(|| made_up_id(answer, parts.len())),
            name: function.name.map(|name| name.0.into_owned()).unwrap_or_default(),
            arguments: wire::arguments(function.arguments).into_owned(),
            signature: tools::read_signature(call.extra_content.as_ref(), call.provider_specific_fields.as_ref()),
        });
    }
    if let Some(function) = said.function_call.filter(|function| function.name.is_some()) {
        parts.push(PartKind::ToolCall {
            id: made_up_id(answer, parts.len()),
            name: function.name.map(|name| name.0.into_owned()).unwrap_or_default(),
            arguments: wire::arguments(function.arguments).into_owned(),
            signature: None,
        });
    }
    parts.into_iter().map(Part::from).collect()
}

fn add(parts: &mut Vec<PartKind>, piece: Piece<'_>) {
    match (piece, parts.last_mut()) {
        (Piece::Thought(more), Some(PartKind::Reasoning { text, signature: None, encrypted: None }))
        | (Piece::Text(more), Some(PartKind::Text { text, .. }))
        | (Piece::Refusal(more), Some(PartKind::Refusal { text })) => text.push_str(&more),
        (Piece::Thought(text), _) => parts.push(thoughts::thought(text.into_owned(), None)),
        (Piece::Signature(proof), Some(PartKind::Reasoning { signature: signature @ None, .. })) => {
            *signature = Some(proof);
        }
        (Piece::Signature(proof), _) => parts.push(thoughts::thought(String::new(), Some(proof))),
        (Piece::Encrypted(data), _) => {
            parts.push(PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some(data) });
        }
        (Piece::Text(text), _) => parts.push(PartKind::Text { text: text.into_owned(), citations: Vec::new() }),
        (Piece::Refusal(text), _) => parts.push(PartKind::Refusal { text: text.into_owned() }),
    }
}

/// An id for a call of a vendor that gives none; at most 40 characters, as OpenAI demands.
pub fn made_up_id(answer: &str, number: usize) -> String {
    let letters: Vec<char> = answer.chars().filter(char::is_ascii_alphanumeric).collect();
    let tail: String = letters[letters.len().saturating_sub(24)..].iter().collect();
    format!("call_{number}_{tail}")
}
