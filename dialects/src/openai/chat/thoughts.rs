//! Thoughts of a model in OpenAI's chat interface, which has no place for them. Three habits exist beside it: DeepSeek's
//! `reasoning_content`, LiteLLM's `thinking_blocks` (Anthropic's blocks as they are, signatures included) and OpenRouter's
//! `reasoning_details`. All are read; which is written is said by [`super::quirks::Thoughts`].

use serde_json::{Map, Value, json};

use crate::canonical::{Part, PartKind};

/// Takes the thoughts out of a message of the model's. The most exact form that is there counts.
pub fn read(message: &mut Map<String, Value>) -> Vec<Part> {
    let blocks = message.shift_remove("thinking_blocks");
    let details = message.shift_remove("reasoning_details");
    let texts = [message.shift_remove("reasoning_content"), message.shift_remove("reasoning")];
    if let Some(Value::Array(blocks)) = blocks.filter(is_filled) {
        return blocks.iter().map(of_block).map(Part::from).collect();
    }
    if let Some(Value::Array(details)) = details.filter(is_filled) {
        return details.iter().filter_map(of_detail).map(Part::from).collect();
    }
    let text = texts.into_iter().flatten().find_map(|text| match text {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    });
    text.map(|text| thought(text, None).into()).into_iter().collect()
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}

/// Thoughts in words.
pub fn thought(text: String, signature: Option<String>) -> PartKind {
    PartKind::Reasoning { text, signature, encrypted: None }
}

fn encrypted(data: &str) -> PartKind {
    PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some(data.to_owned()) }
}

/// `{"type": "thinking", "thinking", "signature"}` or `{"type": "redacted_thinking", "data"}`. Mistral's has an array of text
/// parts where Anthropic's has a text.
pub fn of_block(block: &Value) -> PartKind {
    let text_of = |name: &str| block.get(name).and_then(Value::as_str);
    if let Some(data) = text_of("data") {
        return encrypted(data);
    }
    let text = match block.get("thinking") {
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => text_of("thinking").unwrap_or_default().to_owned(),
    };
    thought(text, text_of("signature").filter(|signature| !signature.is_empty()).map(str::to_owned))
}

/// OpenRouter's `reasoning.text`, `reasoning.summary` and `reasoning.encrypted`.
pub fn of_detail(detail: &Value) -> Option<PartKind> {
    let text_of = |name: &str| detail.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(data) = text_of("data") {
        return Some(encrypted(data));
    }
    let text = text_of("text").or_else(|| text_of("summary"));
    let signature = text_of("signature").map(str::to_owned);
    (text.is_some() || signature.is_some()).then(|| thought(text.unwrap_or_default().to_owned(), signature))
}

/// As `thinking_blocks`.
pub fn to_block(text: &str, signature: Option<&str>, encrypted: Option<&str>) -> Value {
    match (encrypted, signature) {
        (Some(data), _) => json!({"type": "redacted_thinking", "data": data}),
        (None, Some(signature)) => json!({"type": "thinking", "thinking": text, "signature": signature}),
        (None, None) => json!({"type": "thinking", "thinking": text}),
    }
}

/// As `reasoning_details`.
pub fn to_detail(text: &str, signature: Option<&str>, encrypted: Option<&str>) -> Value {
    match (encrypted, signature) {
        (Some(data), _) => json!({"type": "reasoning.encrypted", "data": data}),
        (None, Some(signature)) => json!({"type": "reasoning.text", "text": text, "signature": signature}),
        (None, None) => json!({"type": "reasoning.text", "text": text}),
    }
}

/// Text, signature and encrypted data of each thought among these parts.
pub fn among(parts: &[Part]) -> impl Iterator<Item = (&str, Option<&str>, Option<&str>)> {
    parts.iter().filter_map(|part| match &part.kind {
        PartKind::Reasoning { text, signature, encrypted } => {
            Some((text.as_str(), signature.as_deref(), encrypted.as_deref()))
        }
        _ => None,
    })
}

/// Writes `reasoning_content`, and `thinking_blocks` where there is more than words.
pub fn write(parts: &[Part], message: &mut Map<String, Value>) {
    write_text(parts, message);
    if among(parts).any(|(_, signature, encrypted)| signature.is_some() || encrypted.is_some()) {
        let blocks = among(parts).map(|(text, signature, encrypted)| to_block(text, signature, encrypted));
        message.insert("thinking_blocks".to_owned(), blocks.collect());
    }
}

/// Writes `reasoning_content` only.
pub fn write_text(parts: &[Part], message: &mut Map<String, Value>) {
    let text: String = among(parts).map(|(text, ..)| text).collect();
    if !text.is_empty() {
        message.insert("reasoning_content".to_owned(), text.into());
    }
}
