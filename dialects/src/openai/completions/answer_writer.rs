//! Writes a whole `text_completion`.

use serde_json::{Map, Value, json};

use crate::canonical::{Answer, Part, PartKind, StopReason};
use crate::dialect::Asked;
use crate::openai::chat::wire::word_of;
use crate::openai::usage;

/// Writes a body.
pub fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("id".to_owned(), id_of(&answer.id, asked).into());
    body.insert("object".to_owned(), "text_completion".into());
    body.insert("created".to_owned(), answer.created.unwrap_or(asked.created).into());
    body.insert("model".to_owned(), asked.model.as_str().into());
    let choices = answer.choices.iter().enumerate().map(|(index, choice)| {
        json!({
            "text": text_of(&choice.parts),
            "index": index,
            "logprobs": choice.logprobs.as_ref().map(|value| write_logprobs(value, 0)),
            "finish_reason": choice.stop.as_ref().map_or("stop", finish_of),
        })
    });
    body.insert("choices".to_owned(), choices.collect());
    body.extend(answer.usage.map(|usage| ("usage".to_owned(), usage::write(&usage))));
    body.extend(answer.fingerprint.as_ref().map(|text| ("system_fingerprint".to_owned(), text.as_str().into())));
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The vendor's id, or one of ours.
pub fn id_of(id: &str, asked: &Asked) -> String {
    if id.is_empty() { format!("cmpl-{}", asked.unique) } else { id.to_owned() }
}

/// The older interface knows no tools.
pub fn finish_of(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::ToolCalls => "stop",
        stop => word_of(stop),
    }
}

/// What was said, a refusal too: there is no other place for it.
fn text_of(parts: &[Part]) -> String {
    let said = parts.iter().filter_map(|part| match &part.kind {
        PartKind::Text { text, .. } | PartKind::Refusal { text } => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

/// From the form of chats, a list of tokens, to the older one, lists beside each other. `offset`: characters before.
pub fn write_logprobs(value: &Value, offset: usize) -> Value {
    let (mut tokens, mut logprobs, mut tops, mut offsets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut at = offset;
    for token in value.get("content").and_then(Value::as_array).into_iter().flatten() {
        let text = token.get("token").and_then(Value::as_str).unwrap_or_default();
        tokens.push(text);
        offsets.push(at);
        at += text.chars().count();
        logprobs.push(token.get("logprob"));
        let alternatives = token.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
        let named =
            alternatives.filter_map(|one| Some((one.get("token")?.as_str()?.to_owned(), one.get("logprob")?.clone())));
        tops.push(Value::Object(named.collect()));
    }
    json!({"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets})
}
