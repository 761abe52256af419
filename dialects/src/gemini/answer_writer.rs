//! A whole answer for a client.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    citations::{self, Placed},
    logprobs::LogprobsResult,
    signature, stop_reason,
    usage::WrittenUsage,
    wire::{Blob, FileData, WrittenCall, WrittenContent, WrittenPart},
};
use crate::{
    canonical::{Answer, Choice, PartKind, Source},
    dialect::Asked,
};

/// `GenerateContentResponse` as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenResponse<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<WrittenCandidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metadata: Option<WrittenUsage>,
    pub model_version: &'a str,
    pub response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenCandidate<'a> {
    pub content: WrittenContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<&'static str>,
    pub index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs_result: Option<LogprobsResult>,
    /// `groundingMetadata` and `citationMetadata`.
    #[serde(flatten)]
    pub based_on: Map<String, Value>,
}

/// Writes an answer.
pub(super) fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let response = WrittenResponse {
        candidates: (0_u32..).zip(&answer.choices).map(|(index, choice)| candidate(index, choice)).collect(),
        usage_metadata: answer.usage.as_ref().map(WrittenUsage::of),
        model_version: model(&answer.model, asked),
        response_id: response_id(&answer.id, asked),
    };
    serde_json::to_vec(&response).unwrap_or_default()
}

/// The public name of the model.
pub(super) fn model<'a>(vendors: &'a str, asked: &'a Asked) -> &'a str {
    if asked.model.is_empty() { vendors } else { &asked.model }
}

/// The vendor's id, or ours where it gave none.
pub(super) fn response_id<'a>(vendors: &'a str, asked: &'a Asked) -> &'a str {
    if vendors.is_empty() { &asked.unique } else { vendors }
}

fn candidate(index: u32, choice: &Choice) -> WrittenCandidate<'_> {
    let mut parts: Vec<WrittenPart<'_>> = Vec::new();
    let (mut text, mut placed): (String, Vec<Placed<'_>>) = (String::new(), Vec::new());
    for part in &choice.parts {
        if let PartKind::Text { text: more, citations } = &part.kind {
            let start = text.len();
            text.push_str(more);
            placed.extend(citations.iter().map(|citation| (citation, start..text.len())));
        }
        match (written(&part.kind), parts.last_mut()) {
            // The signature of a text or a picture stands with it.
            (Some(signed), Some(last)) if is_signature(&signed) && !last.thought && last.function_call.is_none() => {
                last.thought_signature = signed.thought_signature;
            }
            (part, _) => parts.extend(part),
        }
    }
    let mut based_on = Map::new();
    citations::write(&placed, &text, &mut based_on);
    WrittenCandidate {
        content: WrittenContent { parts, role: Some("model") },
        finish_reason: Some(stop_reason::write(choice.stop.as_ref())),
        index,
        logprobs_result: choice.logprobs.as_ref().and_then(LogprobsResult::of_openai),
        based_on,
    }
}

fn is_signature(part: &WrittenPart<'_>) -> bool {
    !part.thought && part.text.as_deref() == Some("") && part.thought_signature.is_some()
}

/// A part of an answer; `None` for what has no form here.
pub(super) fn written(kind: &PartKind) -> Option<WrittenPart<'_>> {
    Some(match kind {
        PartKind::Text { text, .. } | PartKind::Refusal { text } if text.is_empty() => return None,
        PartKind::Text { text, .. } | PartKind::Refusal { text } => WrittenPart::text(text),
        PartKind::Reasoning { text, signature, encrypted } => {
            let thought_signature = signature::for_client(signature.as_deref(), encrypted.as_deref()).map(Cow::Owned);
            if text.is_empty() && thought_signature.is_none() {
                return None;
            }
            WrittenPart { thought: !text.is_empty(), thought_signature, ..WrittenPart::text(text) }
        }
        PartKind::ToolCall { id, name, arguments, signature } => WrittenPart {
            function_call: Some(WrittenCall { id, name, args: arguments_object(arguments) }),
            thought_signature: signature.as_deref().map(Cow::Borrowed),
            ..WrittenPart::default()
        },
        PartKind::Image { source, .. }
        | PartKind::Audio { source }
        | PartKind::Video { source }
        | PartKind::Document { source, .. } => media(source)?,
        PartKind::Own { name, value } if matches!(name.as_str(), "executableCode" | "codeExecutionResult") => {
            WrittenPart { own: value.as_object(), ..WrittenPart::default() }
        }
        PartKind::Own { .. } | PartKind::ToolResult { .. } => return None,
    })
}

fn media(source: &Source) -> Option<WrittenPart<'_>> {
    Some(match source {
        Source::Data { media_type, data } => WrittenPart {
            inline_data: Some(Blob { mime_type: media_type.into(), data: data.into(), display_name: None }),
            ..WrittenPart::default()
        },
        Source::Url { url, media_type } => WrittenPart {
            file_data: Some(FileData {
                mime_type: media_type.as_deref().unwrap_or_default().into(),
                file_uri: url.into(),
            }),
            ..WrittenPart::default()
        },
        Source::Text { text } => WrittenPart::text(text),
        Source::File { .. } => return None,
    })
}

/// Arguments as an object. Models do write broken JSON; what they wrote must not be lost, so it goes as a text.
pub(super) fn arguments_object(arguments: &str) -> Cow<'_, RawValue> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    match serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{')) {
        Some(raw) => Cow::Borrowed(raw),
        None => {
            let broken = serde_json::json!({ "arguments": arguments });
            Cow::Owned(serde_json::value::to_raw_value(&broken).unwrap_or_else(|_| RawValue::NULL.to_owned()))
        }
    }
}
