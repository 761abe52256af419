//! Requests for Anthropic's messages: what is read of them, and what is refused, in Anthropic's words.

use serde_json::Value;

use super::anthropic_messages::messages;
use super::json::{list, members, text, texts, unknown};
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;

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
pub const THINKING: &str = "thinking enabled";

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_anthropic_refuses_is_refused() {
        for (more, part) in [
            (json!({ "max_tokens": null }), "max_tokens: Field required"),
            (json!({ "frequency_penalty": 1 }), "frequency_penalty: Extra inputs are not permitted"),
            (json!({ "temperature": 1.5 }), "range: 0..1"),
            (json!({ "tools": [{ "name": "f", "parameters": {} }] }), "Extra inputs are not permitted"),
            (json!({ "tools": [{ "name": "f", "input_schema": {} }] }), "input_schema.type: Field required"),
            (json!({ "tool_choice": { "type": "auto" } }), "while providing tools"),
            (json!({ "thinking": { "type": "enabled", "budget_tokens": 10 } }), "greater than or equal to 1024"),
            (json!({ "thinking": { "type": "enabled", "budget_tokens": 9000 } }), "must be greater than"),
            (json!({ "metadata": { "team": "x" } }), "metadata.team"),
            (
                json!({ "output_config": { "format": { "type": "json_schema", "schema": { "type": "object" } } } }),
                "additionalProperties",
            ),
        ] {
            let mut body = json!({ "model": "m", "max_tokens": 100, "messages": [{ "role": "user", "content": "x" }] });
            if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more.clone()) {
                body.extend(more);
            }
            let said = read(&body, OLD_VERSION, false).err().map(|refusal| refusal.message);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{more}: {said:?}");
        }
    }

    #[test]
    fn the_newest_version_has_no_sampling() {
        let body = json!({
            "model": "m", "max_tokens": 9, "temperature": 1, "messages": [{ "role": "user", "content": "x" }]
        });
        assert!(read(&body, OLD_VERSION, false).is_ok());
        let said = read(&body, "2026-10-21", false).err().map(|refusal| refusal.message);
        assert_eq!(said.as_deref(), Some("temperature: Extra inputs are not permitted"));
    }
}
