//! Writes a whole `chat.completion` for a client.

use serde_json::{Map, Value, json};

use super::wire::word_of;
use super::{thoughts, tools};
use crate::canonical::{Answer, Choice, Citation, Part, PartKind};
use crate::dialect::Asked;
use crate::openai::usage;

/// Writes a body.
pub fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("id".to_owned(), id_of(&answer.id, asked).into());
    body.insert("object".to_owned(), "chat.completion".into());
    body.insert("created".to_owned(), answer.created.unwrap_or(asked.created).into());
    body.insert("model".to_owned(), asked.model.as_str().into());
    let choices = answer.choices.iter().enumerate().map(|(index, choice)| write_choice(index, choice));
    body.insert("choices".to_owned(), choices.collect());
    body.extend(answer.usage.map(|usage| ("usage".to_owned(), usage::write(&usage))));
    let named = [("service_tier", &answer.service_tier), ("system_fingerprint", &answer.fingerprint)];
    body.extend(named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?.into()))));
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The vendor's id, or one of ours.
pub fn id_of(id: &str, asked: &Asked) -> String {
    if id.is_empty() { format!("chatcmpl-{}", asked.unique) } else { id.to_owned() }
}

fn write_choice(index: usize, choice: &Choice) -> Value {
    json!({
        "index": index,
        "message": write_message(&choice.parts),
        "logprobs": choice.logprobs,
        "finish_reason": choice.stop.as_ref().map_or("stop", word_of),
    })
}

fn write_message(parts: &[Part]) -> Value {
    let (mut text, mut refusal) = (None::<String>, None::<String>);
    let (mut calls, mut annotations, mut images, mut audio) = (Vec::new(), Vec::new(), Vec::new(), None);
    // In characters: citations say where they stand.
    let mut length = 0;
    for part in parts {
        match &part.kind {
            PartKind::Text { text: more, citations } => {
                let start = length;
                length += more.chars().count() as u64;
                annotations.extend(citations.iter().filter_map(|citation| annotation(citation, start, length)));
                text.get_or_insert_default().push_str(more);
            }
            PartKind::Refusal { text: more } => refusal.get_or_insert_default().push_str(more),
            PartKind::ToolCall { id, name, arguments, signature } => {
                let arguments = if arguments.is_empty() { "{}" } else { arguments };
                calls.push(Value::Object(tools::write_call(id, name, arguments, signature.as_deref())));
            }
            PartKind::Image { source, .. } => images.extend(source.to_url().map(|url| image(&url))),
            PartKind::Own { name, value } if name == "audio" => audio = Some(value.clone()),
            _ => {}
        }
    }
    let says_else = refusal.is_some() || !calls.is_empty() || audio.is_some();
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), text.or_else(|| (!says_else).then(String::new)).into());
    message.insert("refusal".to_owned(), refusal.into());
    thoughts::write(parts, &mut message);
    let lists = [("annotations", annotations), ("images", images), ("tool_calls", calls)];
    let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
    message.extend(lists.map(|(name, items)| (name.to_owned(), items.into())));
    message.extend(audio.map(|audio| ("audio".to_owned(), audio)));
    message.into()
}

/// A picture that the model made, where OpenRouter puts it.
pub fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// A citation of a page; `start` and `end`: of the text that it belongs to, where it does not say more exactly.
pub fn annotation(citation: &Citation, start: u64, end: u64) -> Option<Value> {
    let url = citation.url.as_ref()?;
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": citation.title.as_deref().unwrap_or_default(),
            "start_index": citation.start.unwrap_or(start),
            "end_index": citation.end.unwrap_or(end),
        },
    }))
}
