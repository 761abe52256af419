//! Reads a whole `response` object of a vendor.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

use super::usage;
use crate::canonical::{Answer, Choice, Citation, Failure, FailureClass, Part, PartKind, Source, StopReason};
use crate::dialect::Unreadable;
use crate::openai::error_reader;

/// The members that say something about the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireResponse<'a> {
    pub id: Option<String>,
    pub model: Option<String>,
    created_at: Option<Number>,
    status: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    incomplete_details: Option<WireIncomplete>,
    #[serde(borrow)]
    pub output: Option<Vec<&'a RawValue>>,
    pub service_tier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireIncomplete {
    reason: Option<String>,
}

impl WireResponse<'_> {
    /// Unix seconds; some write them with a fraction.
    pub fn created(&self) -> Option<i64> {
        let text = self.created_at.as_ref()?.to_string();
        text.split('.').next()?.parse().ok()
    }

    /// Why it ended.
    pub fn stop(&self, has_calls: bool) -> StopReason {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
        match (self.status.as_deref(), reason) {
            (_, Some("max_output_tokens")) => StopReason::Length,
            (_, Some("content_filter")) => StopReason::ContentFilter,
            (Some("incomplete"), reason) => StopReason::Other(reason.unwrap_or("incomplete").to_owned()),
            _ if has_calls => StopReason::ToolCalls,
            _ => StopReason::End,
        }
    }

    /// Why it failed, where it did.
    pub fn failure(self) -> Option<Failure> {
        let has_failed = matches!(self.status.as_deref(), Some("failed" | "cancelled"));
        has_failed.then(|| match self.error {
            Some(error) => error_reader::read_in_stream(error.get().as_bytes()),
            None => Failure::new(FailureClass::Server),
        })
    }
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Answer, Unreadable> {
    let wire: WireResponse<'_> = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    let Some(output) = &wire.output else { return Err(Unreadable::new("it has no `output`")) };
    let mut choice = Choice::default();
    let mut logprobs = Vec::new();
    for item in output {
        read_item(item, &mut choice.parts, &mut logprobs);
    }
    let has_calls = choice.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    choice.stop = Some(wire.stop(has_calls));
    choice.logprobs = (!logprobs.is_empty()).then(|| json!({"content": logprobs}));
    let answer = Answer {
        id: wire.id.clone().unwrap_or_default(),
        model: wire.model.clone().unwrap_or_default(),
        created: wire.created(),
        choices: vec![choice],
        usage: usage::of_response(body),
        service_tier: wire.service_tier.clone(),
        fingerprint: None,
    };
    match wire.failure() {
        Some(failure) => Err(Unreadable::new(format!("the response failed: {failure:?}"))),
        None => Ok(answer),
    }
}

/// What an item is; the rest is read only where it is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kind {
    pub r#type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireMessage {
    content: Option<Vec<WireContent>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireContent {
    r#type: String,
    text: Option<String>,
    refusal: Option<String>,
    annotations: Option<Vec<Value>>,
    logprobs: Option<Vec<Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireReasoning {
    summary: Option<Vec<WireContent>>,
    content: Option<Vec<WireContent>>,
    pub encrypted_content: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireCall {
    pub id: Option<String>,
    pub call_id: Option<String>,
    pub name: String,
    pub arguments: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireImage {
    result: Option<String>,
    output_format: Option<String>,
}

/// Reads an item of the output. What is not of a known form is left out.
pub(super) fn read_item(item: &RawValue, parts: &mut Vec<Part>, logprobs: &mut Vec<Value>) {
    let json = item.get();
    let Ok(kind) = serde_json::from_str::<Kind>(json) else { return };
    match kind.r#type.as_str() {
        "message" => {
            let message: WireMessage = serde_json::from_str(json).unwrap_or_default();
            for content in message.content.unwrap_or_default() {
                logprobs.extend(content.logprobs.into_iter().flatten());
                let citations = content.annotations.into_iter().flatten().map(read_annotation).collect();
                match (content.r#type.as_str(), content.text, content.refusal) {
                    ("output_text", Some(text), _) if !text.is_empty() => {
                        parts.push(PartKind::Text { text, citations }.into());
                    }
                    ("refusal", _, Some(text)) => parts.push(PartKind::Refusal { text }.into()),
                    _ => {}
                }
            }
        }
        "reasoning" => {
            let reasoning: WireReasoning = serde_json::from_str(json).unwrap_or_default();
            let text = reasoning.text();
            if !text.is_empty() {
                parts.push(PartKind::Reasoning { text, signature: None, encrypted: None }.into());
            }
            if let Some(data) = reasoning.encrypted_content {
                // A part of its own, as in streams, where the text comes long before.
                let text = String::new();
                parts.push(PartKind::Reasoning { text, signature: None, encrypted: Some(data) }.into());
            }
        }
        "function_call" => {
            let call: WireCall = serde_json::from_str(json).unwrap_or_default();
            let id = call.call_id.or(call.id).unwrap_or_default();
            let arguments = call.arguments.unwrap_or_default();
            parts.push(PartKind::ToolCall { id, name: call.name, arguments, signature: None }.into());
        }
        "image_generation_call" => {
            let image: WireImage = serde_json::from_str(json).unwrap_or_default();
            if let Some(data) = image.result {
                let media_type = format!("image/{}", image.output_format.as_deref().unwrap_or("png"));
                parts.push(PartKind::Image { source: Source::Data { media_type, data }, detail: None }.into());
            }
        }
        _ => {
            if let Ok(value) = serde_json::from_str(json) {
                parts.push(PartKind::Own { name: kind.r#type, value }.into());
            }
        }
    }
}

impl WireReasoning {
    /// The summary, or where there is none the thoughts themselves.
    fn text(&self) -> String {
        let join = |parts: &Option<Vec<WireContent>>| {
            let texts = parts.iter().flatten().filter_map(|part| part.text.as_deref());
            texts.collect::<Vec<_>>().join("\n\n")
        };
        let summary = join(&self.summary);
        if summary.is_empty() { join(&self.content) } else { summary }
    }
}

/// Reads an annotation, which is kept as it came too.
pub(super) fn read_annotation(annotation: Value) -> Citation {
    let text = |name: &str| annotation.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| annotation.get(name).and_then(Value::as_u64);
    Citation {
        url: text("url"),
        title: text("title").or_else(|| text("filename")),
        cited_text: None,
        start: number("start_index"),
        end: number("end_index"),
        own: Some(annotation),
    }
}
