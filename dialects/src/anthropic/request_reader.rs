//! A client's request for a message: from Anthropic's body to the canonical form.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Value};

use super::{
    blocks_reader::{read_cache, read_content},
    json_object::{Object, Path},
    reasoning,
};
use crate::{
    canonical::{CacheMark, ChatRequest, Message, OutputFormat, Part, PartKind, Role, Tool, ToolChoice},
    dialect::DialectId,
};

/// Fields of Anthropic's published interface, beta ones included, that no other dialect has.
const OWN_FIELDS: [&str; 16] = [
    "anthropic_beta",
    "anthropic_version",
    "betas",
    "billing_policy",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "speed",
    "thread",
    "user_profile_id",
    "workspace_id",
];

/// Reads the body of `POST /v1/messages`, or of `…/count_tokens`, which wants no `max_tokens`.
pub(super) fn read(body: &[u8], path_model: Option<&str>, is_count: bool) -> Result<ChatRequest, ApiError> {
    let value = serde_json::from_slice(body)
        .map_err(|e| ApiError::new(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {e}.")))?;
    let mut body = Object::new(value, Path::Root)?;
    let mut request = ChatRequest::new(DialectId::AnthropicMessages);
    request.model = match path_model {
        Some(model) => {
            body.take("model");
            model.to_owned()
        }
        None => body.text("model")?,
    };
    request.max_output_tokens = body.optional_count("max_tokens")?;
    if request.max_output_tokens.is_none() && !is_count {
        return Err(body.must_be("max_tokens", "a whole number: the longest answer in tokens"));
    }
    if let system @ Some(_) = body.take("system") {
        let parts = read_content(system, Path::Field(&Path::Root, "system"))?;
        request.messages.push(Message::new(Role::System, parts));
    }
    read_messages(&mut body, &mut request.messages)?;
    if let mark @ Some(_) = read_cache(&mut body)? {
        mark_last_part(&mut request.messages, mark);
    }
    read_tools(&mut body, &mut request.tools)?;
    read_tool_choice(&mut body, &mut request)?;
    request.temperature = body.optional_number("temperature")?;
    request.top_p = body.optional_number("top_p")?;
    request.top_k = body.optional_count("top_k")?;
    request.stop = read_stop(&mut body)?;
    read_output(&mut body, &mut request)?;
    read_metadata(&mut body, &mut request)?;
    request.service_tier = body.optional_text("service_tier")?.map(|tier| match tier.as_str() {
        "standard_only" => "default".to_owned(),
        _ => tier,
    });
    request.stream = body.optional_bool("stream")?.unwrap_or(false);
    // Anthropic's streams always say what was consumed.
    request.include_usage = true;
    for (name, value) in body.rest() {
        let place = if OWN_FIELDS.contains(&name.as_str()) { &mut request.own } else { &mut request.extra };
        place.insert(name, value);
    }
    Ok(request)
}

fn read_messages(body: &mut Object<'_>, messages: &mut Vec<Message>) -> Result<(), ApiError> {
    let Some(Value::Array(items)) = body.take("messages") else { return Err(body.must_be("messages", "a list")) };
    let path = Path::Field(&Path::Root, "messages");
    for (at, item) in items.into_iter().enumerate() {
        let path = Path::Item(&path, at);
        let mut item = Object::new(item, path)?;
        let role = match item.text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(item.must_be("role", "`user` or `assistant`")),
        };
        let parts = read_content(item.take("content"), Path::Field(&path, "content"))?;
        push_message(role, parts, item.rest(), messages);
    }
    Ok(())
}

/// Adds one message of the client's as the canonical form has it: results of tools in a message of their own, before what the
/// person says, and system instructions in the middle of a conversation too.
fn push_message(role: Role, parts: Vec<Part>, own: Map<String, Value>, messages: &mut Vec<Message>) {
    let is_usual = role != Role::User
        || !parts.iter().any(|part| matches!(part.kind, PartKind::ToolResult { .. } | PartKind::Own { .. }));
    if is_usual {
        messages.push(Message { own, ..Message::new(role, parts) });
        return;
    }
    let (mut results, mut said, mut system) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part.kind {
            PartKind::ToolResult { .. } => results.push(part),
            PartKind::Own { name, value } if name == "mid_conv_system" => {
                let texts = value.get("content").and_then(Value::as_array).into_iter().flatten();
                let texts = texts.filter_map(|block| block.get("text")?.as_str());
                system.extend(texts.map(|text| Part { cache: part.cache.clone(), ..Part::text(text) }));
            }
            kind => said.push(Part { kind, cache: part.cache }),
        }
    }
    let groups = [(Role::Tool, results), (Role::User, said), (Role::System, system)];
    messages.extend(groups.into_iter().filter(|(_, parts)| !parts.is_empty()).map(|(role, parts)| {
        let own = if role == Role::System { Map::new() } else { own.clone() };
        Message { own, ..Message::new(role, parts) }
    }));
}

/// `cache_control` of the whole request marks the last block that can be marked.
fn mark_last_part(messages: &mut [Message], mark: Option<CacheMark>) {
    let parts = messages.iter_mut().rev().flat_map(|message| message.parts.iter_mut().rev());
    let mut markable = parts.filter(|part| !matches!(part.kind, PartKind::Reasoning { .. }));
    if let Some(part) = markable.next() {
        part.cache = part.cache.take().or(mark);
    }
}

/// Tools without a `type`, or of the type `custom`, are functions; every other type is a tool of Anthropic's own. What only
/// concerns how Anthropic loads and streams a function (`defer_loading`, `eager_input_streaming`, `allowed_callers`,
/// `input_examples`) is left out: the function is the same without.
fn read_tools(body: &mut Object<'_>, tools: &mut Vec<Tool>) -> Result<(), ApiError> {
    let path = Path::Field(&Path::Root, "tools");
    for (at, item) in body.optional_list("tools")?.into_iter().enumerate() {
        let kind = item.get("type").and_then(Value::as_str).filter(|kind| *kind != "custom").map(str::to_owned);
        if let Some(name) = kind {
            tools.push(Tool::Own { name, value: item });
            continue;
        }
        let mut item = Object::new(item, Path::Item(&path, at))?;
        tools.push(Tool::Function {
            name: item.text("name")?,
            description: item.optional_text("description")?,
            parameters: item.take("input_schema"),
            strict: item.optional_bool("strict")?,
            cache: read_cache(&mut item)?,
        });
    }
    Ok(())
}

fn read_tool_choice(body: &mut Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    let Some(value) = body.take("tool_choice") else { return Ok(()) };
    let mut choice = Object::new(value, Path::Field(&Path::Root, "tool_choice"))?;
    request.tool_choice = Some(match choice.text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.text("name")?),
        _ => return Err(choice.must_be("type", "`auto`, `any`, `tool` or `none`")),
    });
    request.parallel_tool_calls = choice.optional_bool("disable_parallel_tool_use")?.map(|disabled| !disabled);
    Ok(())
}

fn read_stop(body: &mut Object<'_>) -> Result<Vec<String>, ApiError> {
    let items = body.optional_list("stop_sequences")?.into_iter();
    let texts: Option<Vec<String>> = items
        .map(|item| match item {
            Value::String(text) => Some(text),
            _ => None,
        })
        .collect();
    texts.ok_or_else(|| body.must_be("stop_sequences", "a list of strings"))
}

/// `thinking`, `output_config` and the older `output_format`.
fn read_output(body: &mut Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    let mut config = match body.take("output_config") {
        Some(Value::Object(config)) => config,
        None => Map::new(),
        Some(_) => return Err(body.must_be("output_config", "an object")),
    };
    let format = config.shift_remove("format").filter(|format| !format.is_null());
    let older = body.take("output_format");
    if let Some(format) = format.or(older) {
        request.output_format = read_format(format)?;
    }
    request.reasoning = reasoning::read(body.take("thinking"), &mut config)?;
    config.retain(|_, value| !value.is_null());
    if !config.is_empty() {
        request.own.insert("output_config".to_owned(), Value::Object(config));
    }
    Ok(())
}

fn read_format(format: Value) -> Result<OutputFormat, ApiError> {
    let mut format = Object::new(format, Path::Field(&Path::Root, "output_config.format"))?;
    if format.text("type")? != "json_schema" {
        return Err(format.must_be("type", "`json_schema`"));
    }
    let schema = format.take("schema").ok_or_else(|| format.must_be("schema", "a JSON Schema"))?;
    // Anthropic's schema has no name. It is always followed exactly, but may be one that OpenAI's `strict` does not take
    // (with properties that can be left out), so this is not said.
    Ok(OutputFormat::JsonSchema { name: "answer".to_owned(), description: None, schema, strict: None })
}

fn read_metadata(body: &mut Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    let Some(value) = body.take("metadata") else { return Ok(()) };
    let mut metadata = Object::new(value, Path::Field(&Path::Root, "metadata"))?;
    request.user = metadata.optional_text("user_id")?;
    let notes = metadata.rest();
    request.metadata = (!notes.is_empty()).then_some(notes);
    Ok(())
}
