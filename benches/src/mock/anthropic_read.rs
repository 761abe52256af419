//! Requests for Anthropic's messages: what is read of them, and what is refused, in Anthropic's words.

use serde_json::Value;

use super::json::{list, members, text, texts, unknown};
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;
use super::signature::is_signed;

/// Every field of `POST /v1/messages` (Messages API reference, beta fields included).
const FIELDS: [&str; 24] = [
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
];
const MORE_FIELDS: [&str; 3] = ["top_k", "top_p", "workspace_id"];

/// What of it is gone since the version of 2026-10-21.
const GONE: [&str; 3] = ["temperature", "top_k", "top_p"];

/// Noted of a request whose thinking has a budget.
const THINKING: &str = "thinking enabled";

/// The older version of the protocol.
pub const OLD_VERSION: &str = "2023-06-01";

/// Reads a body; `is_counted_only`: for the number of its tokens.
pub fn read(body: &Value, version: &str, is_counted_only: bool) -> Result<Prompt, Refusal> {
    let is_known = |name: &&str| version == OLD_VERSION || !GONE.contains(name);
    let known: Vec<&str> = FIELDS.into_iter().chain(MORE_FIELDS).filter(is_known).collect();
    if let Some(name) = unknown(body, &known) {
        return Err(Refusal::bad(format!("{name}: Extra inputs are not permitted")));
    }
    let Some(model) = text(body, "model") else {
        return Err(Refusal::bad("model: Field required"));
    };
    let max_tokens = body.get("max_tokens").and_then(Value::as_u64);
    if max_tokens.is_none_or(|most| most == 0) && !is_counted_only {
        return Err(Refusal::bad("max_tokens: Field required"));
    }
    ranges(body)?;
    let mut prompt = Prompt {
        model: model.to_owned(),
        is_streamed: body.get("stream").and_then(Value::as_bool) == Some(true),
        is_usage_asked: true,
        tools: tools(body)?,
        stop: texts(body, "stop_sequences"),
        max_tokens,
        is_cached: is_marked(body),
        ..Prompt::default()
    };
    tool_choice(body, &mut prompt)?;
    thinking(body, &mut prompt)?;
    let format = body.pointer("/output_config/format").or_else(|| body.get("output_format"));
    if let Some(format) = format.filter(|format| !format.is_null()) {
        match (text(format, "type"), format.get("schema")) {
            (Some("json_schema"), Some(schema)) => {
                strict_objects(schema, "output_config.format.schema")?;
                prompt.format = Format::Schema(schema.clone());
            }
            _ => return Err(Refusal::bad("output_config.format.type: Input should be 'json_schema'")),
        }
    }
    if let Some(system) = body.get("system") {
        read_system(system)?;
    }
    messages(list(body, "messages"), &mut prompt)?;
    Ok(prompt)
}

fn ranges(body: &Value) -> Result<(), Refusal> {
    if body.get("temperature").and_then(Value::as_f64).is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        return Err(Refusal::bad("temperature: range: 0..1"));
    }
    match body.get("service_tier") {
        None => {}
        Some(Value::String(tier)) if tier == "auto" || tier == "standard_only" => {}
        Some(_) => return Err(Refusal::bad("service_tier: Input should be 'auto' or 'standard_only'")),
    }
    for (key, allowed) in [("metadata", &["user_id"][..]), ("output_config", &["effort", "format", "task_budget"])] {
        if let Some(name) = body.get(key).and_then(|value| unknown(value, allowed)) {
            return Err(Refusal::bad(format!("{key}.{name}: Extra inputs are not permitted")));
        }
    }
    if list(body, "stop_sequences").iter().any(|stop| stop.as_str().is_none_or(|stop| stop.trim().is_empty())) {
        return Err(Refusal::bad("stop_sequences: each stop sequence must contain non-whitespace"));
    }
    Ok(())
}

/// Whether `cache_control` stands anywhere.
fn is_marked(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.get("cache_control").is_some_and(|mark| !mark.is_null()) || members.values().any(is_marked)
        }
        Value::Array(items) => items.iter().any(is_marked),
        _ => false,
    }
}

fn tools(body: &Value) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    for (index, tool) in list(body, "tools").iter().enumerate() {
        let Some(name) = text(tool, "name") else {
            return Err(Refusal::bad(format!("tools.{index}.custom.name: Field required")));
        };
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_letter) {
            return Err(Refusal::bad(format!(
                "tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )));
        }
        if text(tool, "type").is_some_and(|kind| kind != "custom") {
            // A tool of Anthropic's own, with its version in its type.
            tools.push(Tool { name: name.to_owned(), schema: Value::Null });
            continue;
        }
        let known = [
            "name",
            "description",
            "input_schema",
            "type",
            "cache_control",
            "strict",
            "defer_loading",
            "allowed_callers",
            "input_examples",
            "eager_input_streaming",
        ];
        if let Some(field) = unknown(tool, &known) {
            return Err(Refusal::bad(format!("tools.{index}.custom.{field}: Extra inputs are not permitted")));
        }
        match tool.get("input_schema") {
            Some(schema) if text(schema, "type") == Some("object") => {
                tools.push(Tool { name: name.to_owned(), schema: schema.clone() });
            }
            Some(_) => return Err(Refusal::bad(format!("tools.{index}.custom.input_schema.type: Field required"))),
            None => return Err(Refusal::bad(format!("tools.{index}.custom.input_schema: Field required"))),
        }
    }
    Ok(tools)
}

fn tool_choice(body: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    let Some(choice) = body.get("tool_choice").filter(|choice| !choice.is_null()) else {
        return Ok(());
    };
    if prompt.tools.is_empty() && text(choice, "type") != Some("none") {
        return Err(Refusal::bad("tool_choice: tool_choice may only be specified while providing tools"));
    }
    if let Some(name) = unknown(choice, &["type", "name", "disable_parallel_tool_use"]) {
        return Err(Refusal::bad(format!("tool_choice.{name}: Extra inputs are not permitted")));
    }
    prompt.is_one_call_at_most = choice.get("disable_parallel_tool_use").and_then(Value::as_bool) == Some(true);
    prompt.tool_choice = match (text(choice, "type"), text(choice, "name")) {
        (Some("auto"), _) => ToolChoice::Auto,
        (Some("any"), _) => ToolChoice::Required,
        (Some("none"), _) => ToolChoice::Never,
        (Some("tool"), Some(name)) if prompt.tools.iter().any(|tool| tool.name == name) => {
            ToolChoice::Named(name.to_owned())
        }
        (Some("tool"), Some(name)) => {
            return Err(Refusal::bad(format!("tool_choice.tool.name: tool '{name}' not found in provided tools")));
        }
        _ => {
            return Err(Refusal::bad(
                "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    Ok(())
}

fn thinking(body: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    let Some(thinking) = body.get("thinking").filter(|thinking| !thinking.is_null()) else {
        return Ok(());
    };
    match text(thinking, "type") {
        Some("disabled") => return Ok(()),
        Some("adaptive" | "between_tools") => {}
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64).unwrap_or(0);
            if budget < 1024 {
                return Err(Refusal::bad(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if prompt.max_tokens.is_some_and(|most| most <= budget) {
                return Err(Refusal::bad("`max_tokens` must be greater than `thinking.budget_tokens`."));
            }
            if matches!(prompt.tool_choice, ToolChoice::Required | ToolChoice::Named(_)) {
                return Err(Refusal::bad("Thinking may not be enabled when tool_choice forces tool use."));
            }
            if body.get("temperature").and_then(Value::as_f64).is_some_and(|t| t < 1.0) {
                return Err(Refusal::bad("`temperature` may only be set to 1 when thinking is enabled."));
            }
            if body.get("top_k").is_some() {
                return Err(Refusal::bad("`top_k` must be unset when thinking is enabled."));
            }
            prompt.request = Value::from(THINKING);
        }
        _ => {
            return Err(Refusal::bad(
                "thinking: Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'",
            ));
        }
    }
    prompt.is_reasoning = true;
    Ok(())
}

/// Structured outputs want every object closed.
fn strict_objects(schema: &Value, path: &str) -> Result<(), Refusal> {
    if text(schema, "type") == Some("object") && schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(Refusal::bad(format!(
            "{path}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )));
    }
    for (name, member) in members(schema.get("properties").unwrap_or_default()).into_iter().flatten() {
        strict_objects(member, &format!("{path}.properties.{name}"))?;
    }
    Ok(())
}

fn read_system(system: &Value) -> Result<(), Refusal> {
    match system {
        Value::String(_) => Ok(()),
        Value::Array(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                if text(block, "type") != Some("text") {
                    return Err(Refusal::bad(format!("system.{index}.type: Input should be 'text'")));
                }
                if text(block, "text").is_none_or(str::is_empty) {
                    return Err(Refusal::bad("system: text content blocks must be non-empty"));
                }
            }
            Ok(())
        }
        _ => Err(Refusal::bad("system: Input should be a valid string")),
    }
}

fn messages(messages: &[Value], prompt: &mut Prompt) -> Result<(), Refusal> {
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
