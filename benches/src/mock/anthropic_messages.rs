//! `messages` of a request for Anthropic: turns, blocks, tool calls with their results, thoughts with their signatures.

use serde_json::Value;

use super::anthropic_read::THINKING;
use super::json::{text, unknown};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::signature::is_signed;

/// Reads `messages`.
pub fn messages(messages: &[Value], prompt: &mut Prompt) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(Refusal::bad("messages: at least one message is required"));
    }
    let mut open_calls: Vec<&str> = Vec::new();
    let mut last_assistant_start = None;
    for (place, message) in messages.iter().enumerate() {
        let content = message.get("content").unwrap_or_default();
        if let Some(name) = unknown(message, &["role", "content"]) {
            return Err(Refusal::bad(format!("messages.{place}.{name}: Extra inputs are not permitted")));
        }
        match text(message, "role") {
            Some("user") => {
                read_user(place, content, &mut open_calls, prompt)?;
                if let Some(id) = open_calls.first() {
                    return Err(Refusal::bad(format!(
                        "messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: \
                         {id}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
                    )));
                }
            }
            Some("assistant") => {
                if place == 0 {
                    return Err(Refusal::bad("messages: first message must use the \"user\" role"));
                }
                prompt.answered();
                last_assistant_start = Some((place, first_type(content)));
                read_assistant(place, content, place + 1 == messages.len(), &mut open_calls)?;
            }
            Some("system") if place > 0 => {}
            Some(other) => {
                return Err(Refusal::bad(format!(
                    "messages: Unexpected role \"{other}\". The Messages API accepts a top-level `system` parameter, \
                     not \"system\" as an input message role."
                )));
            }
            None => return Err(Refusal::bad(format!("messages.{place}.role: Field required"))),
        }
    }
    if let Some(id) = open_calls.first() {
        return Err(Refusal::bad(format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}.",
            messages.len() - 1
        )));
    }
    // In the middle of a tool loop the thoughts that led to the call have to come back.
    if let Some((place, Some("tool_use"))) = last_assistant_start
        && prompt.request == THINKING
        && !prompt.results.is_empty()
    {
        return Err(Refusal::bad(format!(
            "messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When \
             `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )));
    }
    Ok(())
}

fn first_type(content: &Value) -> Option<&str> {
    text(content.get(0)?, "type")
}

fn read_user<'a>(
    place: usize,
    content: &'a Value,
    open_calls: &mut Vec<&'a str>,
    prompt: &mut Prompt,
) -> Result<(), Refusal> {
    let blocks = match content {
        Value::String(said) if said.is_empty() => {
            return Err(Refusal::bad(format!("messages.{place}: user messages must have non-empty content")));
        }
        Value::String(said) => {
            prompt.user_turn(said.clone(), Vec::new());
            return Ok(());
        }
        Value::Array(blocks) if !blocks.is_empty() => blocks,
        _ => return Err(Refusal::bad(format!("messages.{place}: user messages must have non-empty content"))),
    };
    let (mut said, mut results) = (String::new(), Vec::new());
    for (index, block) in blocks.iter().enumerate() {
        let path = format!("messages.{place}.content.{index}");
        if text(block, "type") == Some("tool_result") {
            let id = text(block, "tool_use_id").unwrap_or_default();
            let Some(found) = open_calls.iter().position(|open| *open == id) else {
                return Err(Refusal::bad(format!(
                    "{path}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must \
                     have a corresponding `tool_use` block in the previous message."
                )));
            };
            open_calls.remove(found);
            let mut result = String::new();
            match block.get("content") {
                Some(Value::String(text)) => result.push_str(text),
                Some(Value::Array(parts)) => {
                    for (part_index, part) in parts.iter().enumerate() {
                        read_block(&format!("{path}.content.{part_index}"), part, prompt, &mut result)?;
                    }
                }
                None => {}
                Some(_) => return Err(Refusal::bad(format!("{path}.content: Input should be a valid string"))),
            }
            results.push(result);
        } else {
            read_block(&path, block, prompt, &mut said)?;
        }
    }
    prompt.user_turn(said, results);
    Ok(())
}

fn read_block(path: &str, block: &Value, prompt: &mut Prompt, said: &mut String) -> Result<(), Refusal> {
    match text(block, "type") {
        Some("text") => {
            let text = text(block, "text").unwrap_or_default();
            if text.is_empty() {
                return Err(Refusal::bad("messages: text content blocks must be non-empty"));
            }
            said.push_str(text);
            Ok(())
        }
        Some("image") => {
            prompt.images += 1;
            source(path, block, &["image/jpeg", "image/png", "image/gif", "image/webp"])
        }
        Some("document") => {
            prompt.documents += 1;
            source(path, block, &["application/pdf", "text/plain"])
        }
        Some("search_result" | "container_upload" | "tool_reference") => Ok(()),
        other => {
            let other = other.unwrap_or("null");
            Err(Refusal::bad(format!(
                "{path}: Input tag '{other}' found using 'type' does not match any of the expected tags: 'document', \
                 'image', 'search_result', 'text', 'tool_result'"
            )))
        }
    }
}

fn source(path: &str, block: &Value, media_types: &[&str]) -> Result<(), Refusal> {
    let source = block.get("source").unwrap_or_default();
    let has = |key: &str| text(source, key).is_some_and(|value| !value.is_empty());
    match text(source, "type") {
        Some("base64" | "text") if has("data") => {
            if media_types.iter().any(|known| text(source, "media_type") == Some(known)) {
                return Ok(());
            }
            Err(Refusal::bad(format!("{path}.source.base64.media_type: Input should be one of {media_types:?}")))
        }
        Some("url") if has("url") => Ok(()),
        Some("file") if has("file_id") => Ok(()),
        Some("content") if source.get("content").is_some() => Ok(()),
        _ => Err(Refusal::bad(format!("{path}.source: Field required"))),
    }
}

fn read_assistant<'a>(
    place: usize,
    content: &'a Value,
    is_last: bool,
    open_calls: &mut Vec<&'a str>,
) -> Result<(), Refusal> {
    let blocks = match content {
        Value::String(said) if is_last && said.ends_with(char::is_whitespace) => {
            return Err(Refusal::bad("messages: final assistant content cannot end with trailing whitespace"));
        }
        Value::String(said) if said.is_empty() && !is_last => {
            return Err(Refusal::bad(format!(
                "messages.{place}: all messages must have non-empty content except for the optional final assistant message"
            )));
        }
        Value::String(_) => return Ok(()),
        Value::Array(blocks) if !blocks.is_empty() || is_last => blocks,
        _ => {
            return Err(Refusal::bad(format!(
                "messages.{place}: all messages must have non-empty content except for the optional final assistant message"
            )));
        }
    };
    for (index, block) in blocks.iter().enumerate() {
        let path = format!("messages.{place}.content.{index}");
        match text(block, "type") {
            Some("text") if text(block, "text").is_none_or(str::is_empty) => {
                return Err(Refusal::bad("messages: text content blocks must be non-empty"));
            }
            Some("thinking") => {
                let (thought, signature) = (text(block, "thinking"), text(block, "signature"));
                if !is_signed(thought.unwrap_or_default(), signature.unwrap_or_default()) {
                    return Err(Refusal::bad(format!("{path}: Invalid `signature` in `thinking` block")));
                }
            }
            Some("tool_use") => {
                let id = text(block, "id").unwrap_or_default();
                let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                if id.is_empty() || !id.chars().all(is_letter) {
                    return Err(Refusal::bad(format!(
                        "{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
                    )));
                }
                if !block.get("input").is_some_and(Value::is_object) {
                    return Err(Refusal::bad(format!("{path}.tool_use.input: Input should be a valid dictionary")));
                }
                open_calls.push(id);
            }
            Some(_) => {}
            None => return Err(Refusal::bad(format!("{path}.type: Field required"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::anthropic_read::{OLD_VERSION, read};
    use super::super::signature::sign;
    use super::*;

    fn refusal(messages: Value, more: Value) -> Option<String> {
        let mut body = json!({ "model": "m", "max_tokens": 2000, "messages": messages });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        read(&body, OLD_VERSION, false).err().map(|refusal| refusal.message)
    }

    #[test]
    fn what_anthropic_refuses_in_messages_is_refused() {
        let call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": {} });
        let result = json!({ "type": "tool_result", "tool_use_id": "a", "content": "x" });
        let user = |content: Value| json!({ "role": "user", "content": content });
        let model = |content: Value| json!({ "role": "assistant", "content": content });
        for (messages, part) in [
            (json!([]), "at least one message"),
            (json!([model(json!("x"))]), "first message must use the \"user\" role"),
            (json!([{ "role": "system", "content": "x" }]), "top-level `system`"),
            (json!([user(json!(""))]), "non-empty content"),
            (json!([user(json!([{ "type": "text", "text": "" }]))]), "text content blocks must be non-empty"),
            (json!([user(json!([{ "type": "image_url" }]))]), "does not match any of the expected tags"),
            (json!([user(json!([result]))]), "unexpected `tool_use_id`"),
            (json!([user(json!("x")), model(json!([call])), user(json!("y"))]), "`tool_use` ids were found without"),
            (
                json!([user(json!("x")), model(json!([{ "type": "tool_use", "id": "a", "input": "{}" }]))]),
                "valid dictionary",
            ),
            (
                json!([user(json!("x")), model(json!([{ "type": "thinking", "thinking": "y", "signature": "z" }]))]),
                "Invalid `signature`",
            ),
        ] {
            let said = refusal(messages.clone(), json!({}));
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{messages}: {said:?}");
        }
    }

    #[test]
    fn thoughts_have_to_come_back_in_a_tool_loop() {
        let call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": {} });
        let thought = json!({ "type": "thinking", "thinking": "Hm.", "signature": sign("Hm.") });
        let result = json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "a" }] });
        let talk = |blocks: Value| json!([{ "role": "user", "content": "x" }, { "role": "assistant", "content": blocks }, result]);
        let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } });
        let said = refusal(talk(json!([call])), thinking.clone());
        assert!(said.is_some_and(|said| said.contains("found `tool_use`")));
        assert_eq!(refusal(talk(json!([thought, call])), thinking), None);
        assert_eq!(refusal(talk(json!([call])), json!({})), None);
    }
}
