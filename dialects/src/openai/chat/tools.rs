//! Tools, the choice among them and calls of them, as the chat interface has them.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use super::quirks::Quirks;
use crate::canonical::{CacheMark, ChatRequest, PartKind, Tool, ToolChoice, Unsupported};
use crate::dialect::DialectId;
use crate::openai::json_field::{self as field, Place};

/// Reads `tools`.
pub fn read(value: Value, at: Place<'_>) -> Result<Vec<Tool>, ApiError> {
    let items = field::array(value, at)?;
    items.into_iter().enumerate().map(|(index, item)| read_tool(item, at.item(index))).collect()
}

/// Reads the older `functions`: the same without a `type` around it.
pub fn read_functions(value: Value, at: Place<'_>) -> Result<Vec<Tool>, ApiError> {
    let items = field::array(value, at)?;
    let read = |(index, item)| read_function(field::object(item, at.item(index))?, at.item(index), None);
    items.into_iter().enumerate().map(read).collect()
}

fn read_tool(value: Value, at: Place<'_>) -> Result<Tool, ApiError> {
    let mut tool = field::object(value, at)?;
    let kind = match tool.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        None | Some(Value::Null) if tool.contains_key("function") => "function".to_owned(),
        Some(_) => return Err(at.then("type").must_be("a string")),
        None => return Err(at.then("type").is_missing()),
    };
    if kind != "function" {
        return Ok(Tool::Own { name: kind, value: Value::Object(tool) });
    }
    let cache = field::optional(&mut tool, "cache_control");
    let function = at.then("function");
    let members = field::optional(&mut tool, "function").ok_or_else(|| function.is_missing())?;
    read_function(field::object(members, function)?, function, cache)
}

fn read_function(mut function: Map<String, Value>, at: Place<'_>, cache: Option<Value>) -> Result<Tool, ApiError> {
    let cache = field::optional(&mut function, "cache_control").or(cache);
    Ok(Tool::Function {
        name: field::required_string(&mut function, "name", at)?,
        description: field::optional_string(&mut function, "description", at)?,
        parameters: field::optional(&mut function, "parameters"),
        strict: field::optional(&mut function, "strict")
            .map(|strict| field::boolean(&strict, at.then("strict")))
            .transpose()?,
        cache: cache.as_ref().map(read_cache_mark),
    })
}

/// `{"type": "ephemeral", "ttl": "1h"}`, Anthropic's mark, which LiteLLM and OpenRouter let stand on OpenAI's parts.
pub fn read_cache_mark(value: &Value) -> CacheMark {
    CacheMark { ttl: value.get("ttl").and_then(Value::as_str).map(str::to_owned) }
}

/// The same, written.
pub fn write_cache_mark(mark: &CacheMark) -> Value {
    match &mark.ttl {
        Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
        None => json!({"type": "ephemeral"}),
    }
}

/// Reads `tool_choice`, or the older `function_call`. `None`: a form that only OpenAI's own models know.
pub fn read_choice(value: &Value, at: Place<'_>) -> Result<Option<ToolChoice>, ApiError> {
    let name_of = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    Ok(match value {
        Value::String(word) => Some(match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Required,
            _ => return Err(at.must_be("`none`, `auto`, `required`, or a tool")),
        }),
        Value::Object(choice) => match choice.get("type").and_then(Value::as_str) {
            Some("function") => {
                let name = choice.get("function").and_then(name_of).or_else(|| name_of(value));
                Some(ToolChoice::Named(name.ok_or_else(|| at.then("function").then("name").is_missing())?))
            }
            Some("allowed_tools") => {
                let at = at.then("allowed_tools");
                let allowed = choice.get("allowed_tools").unwrap_or(value);
                let tools =
                    allowed.get("tools").and_then(Value::as_array).ok_or_else(|| at.then("tools").is_missing())?;
                // Others than functions stay what they are: OpenAI's own.
                let names = tools.iter().map(|tool| tool.get("function").and_then(name_of)).collect::<Option<Vec<_>>>();
                let required = allowed.get("mode").and_then(Value::as_str) == Some("required");
                names.map(|names| ToolChoice::Among { names, required })
            }
            None => Some(ToolChoice::Named(name_of(value).ok_or_else(|| at.then("type").is_missing())?)),
            Some(_) => None,
        },
        _ => return Err(at.must_be("a string or an object")),
    })
}

/// Writes `tools` and what belongs to them.
pub fn write(
    request: &ChatRequest,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict, cache } => {
                let mut function = Map::new();
                function.insert("name".to_owned(), name.as_str().into());
                let described = description.as_ref().map(|text| text.as_str().into());
                let optional = [
                    ("description", described),
                    ("parameters", parameters.clone()),
                    ("strict", strict.map(Value::Bool)),
                ];
                function.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
                let mut tool = Map::new();
                tool.insert("type".to_owned(), "function".into());
                tool.insert("function".to_owned(), function.into());
                if let Some(mark) = cache.as_ref().filter(|_| quirks.cache_control) {
                    tool.insert("cache_control".to_owned(), write_cache_mark(mark));
                }
                tools.push(Value::Object(tool));
            }
            Tool::Own { value, .. } if request.source == DialectId::OpenAiChat => tools.push(value.clone()),
            Tool::Own { name, .. } => {
                let what = format!("does not have the tool `{name}`, which stands in");
                unsupported.refuse_because(&format!("tools[{index}]"), &what)?;
            }
        }
    }
    if tools.is_empty() {
        // Without tools the vendor refuses words about them.
        return Ok(());
    }
    body.insert("tools".to_owned(), tools.into());
    if let Some(choice) = &request.tool_choice {
        write_choice(choice, quirks, unsupported, body)?;
    }
    if let Some(parallel) = request.parallel_tool_calls {
        body.insert("parallel_tool_calls".to_owned(), parallel.into());
    }
    Ok(())
}

fn write_choice(
    choice: &ToolChoice,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let function = |name: &String| json!({"type": "function", "function": {"name": name}});
    let value = match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => quirks.some_tool.into(),
        ToolChoice::Named(name) => function(name),
        ToolChoice::Among { names, required } if quirks.allowed_tools => {
            let mode = if *required { "required" } else { "auto" };
            let tools: Vec<Value> = names.iter().map(function).collect();
            json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}})
        }
        ToolChoice::Among { .. } => return unsupported.refuse("tool_choice"),
    };
    body.insert("tool_choice".to_owned(), value);
    Ok(())
}

/// One of the model's calls; `index` where it stands in a stream.
pub fn write_call(id: &str, name: &str, arguments: &str, signature: Option<&str>) -> Map<String, Value> {
    let mut call = Map::new();
    call.insert("id".to_owned(), id.into());
    call.insert("type".to_owned(), "function".into());
    call.insert("function".to_owned(), json!({"name": name, "arguments": arguments}));
    if let Some(signature) = signature {
        call.insert("extra_content".to_owned(), write_signature(signature));
    }
    call
}

/// Gemini's signature of a call, where Google's own OpenAI-compatible surface has it.
pub fn write_signature(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// The same, from there or from where LiteLLM puts it.
pub fn read_signature(extra_content: Option<&Value>, provider_specific: Option<&Value>) -> Option<String> {
    let google = extra_content.and_then(|extra| extra.get("google")?.get("thought_signature"));
    let signature = google.or_else(|| provider_specific?.get("thought_signature"));
    signature.and_then(Value::as_str).map(str::to_owned)
}

/// Reads `tool_calls` of a message of the model's.
pub fn read_calls(value: Value, at: Place<'_>) -> Result<Vec<PartKind>, ApiError> {
    let items = field::array(value, at)?;
    let read = |(index, item)| {
        let at = at.item(index);
        let mut call = field::object(item, at)?;
        match call.get("type").and_then(Value::as_str) {
            None | Some("function") => {}
            Some(kind) => return Ok(PartKind::Own { name: kind.to_owned(), value: call.into() }),
        }
        let signature = read_signature(call.get("extra_content"), call.get("provider_specific_fields"));
        let function = at.then("function");
        let members = field::optional(&mut call, "function").ok_or_else(|| function.is_missing())?;
        let mut members = field::object(members, function)?;
        Ok(PartKind::ToolCall {
            id: field::required_string(&mut call, "id", at)?,
            name: field::required_string(&mut members, "name", function)?,
            arguments: arguments(field::optional(&mut members, "arguments")),
            signature,
        })
    };
    items.into_iter().enumerate().map(read).collect()
}

/// Arguments are text; some clients write the object itself.
pub fn arguments(value: Option<Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}
