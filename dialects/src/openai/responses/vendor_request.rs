//! Writes a request for vendors that speak the Responses API: models that have no other interface.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use super::vendor_input;
use crate::canonical::param_name;
use crate::canonical::{ChatRequest, Effort, OutputFormat, PartKind, Reasoning, Tool, ToolChoice, Unsupported};
use crate::dialect::DialectId;

/// What chat completions call the same, outside of what the canonical form knows.
const SHARED_WITH_CHAT: [&str; 7] = [
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];

/// Writes the body.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    refuse(request, unsupported)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), request.model.as_str().into());
    let (instructions, input) = vendor_input::write(request, unsupported)?;
    put(&mut body, "instructions", instructions);
    body.insert("input".to_owned(), Value::Array(input));
    if !request.tools.is_empty() {
        let tools =
            request.tools.iter().enumerate().map(|(at, tool)| write_tool(at, tool, request.source, unsupported));
        body.insert("tools".to_owned(), Value::Array(tools.collect::<Result<_, _>>()?));
    }
    put(&mut body, "tool_choice", request.tool_choice.as_ref().map(write_choice));
    put(&mut body, "parallel_tool_calls", request.parallel_tool_calls);
    put(&mut body, "max_output_tokens", request.max_output_tokens);
    put(&mut body, "temperature", request.temperature.clone().map(Value::Number));
    put(&mut body, "top_p", request.top_p.clone().map(Value::Number));
    put(&mut body, "top_logprobs", request.top_logprobs);
    put(&mut body, "reasoning", request.reasoning.as_ref().and_then(write_reasoning));
    put(&mut body, "text", write_format(&request.output_format).map(|format| json!({"format": format})));
    put(&mut body, "user", request.user.as_deref());
    put(&mut body, "metadata", request.metadata.clone().map(Value::Object));
    put(&mut body, "service_tier", request.service_tier.as_deref());
    put(&mut body, "stream", request.stream.then_some(true));
    // Nobody could fetch what is stored: the client does not know its id.
    body.insert("store".to_owned(), Value::Bool(false));
    write_own(request, &mut body, unsupported)?;
    let include = write_include(request, body.shift_remove("include"));
    put(&mut body, "include", (!include.is_empty()).then_some(Value::Array(include)));
    for (name, value) in &request.extra {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn put(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

/// What this API has no words for.
fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<(), ApiError> {
    let more_than_text = request.modalities.iter().any(|modality| modality != "text");
    for (is_there, name) in [
        (request.top_k.is_some(), "top_k"),
        (request.frequency_penalty.is_some(), "frequency_penalty"),
        (request.presence_penalty.is_some(), "presence_penalty"),
        (request.seed.is_some(), "seed"),
        (!request.stop.is_empty(), "stop"),
        (request.answers.is_some_and(|answers| answers > 1), "n"),
        (request.logit_bias.is_some(), "logit_bias"),
        (more_than_text, "modalities"),
        (request.audio.is_some(), "audio"),
    ] {
        unsupported.refuse_if(is_there, param_name(request.source, name))?;
    }
    Ok(())
}

/// Fields that only the request's own dialect knows. Those of this dialect with a dot stand in an object.
fn write_own(
    request: &ChatRequest,
    body: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<(), ApiError> {
    for (name, value) in &request.own {
        let name = match request.source {
            DialectId::OpenAiResponses | DialectId::OpenAiChat if name == "verbosity" => "text.verbosity",
            DialectId::OpenAiResponses => name,
            DialectId::OpenAiChat if SHARED_WITH_CHAT.contains(&name.as_str()) => name,
            _ => {
                unsupported.refuse(name)?;
                continue;
            }
        };
        let (target, name) = match name.split_once('.') {
            Some((object, member)) => (body.entry(object).or_insert_with(|| json!({})), member),
            None => {
                body.insert(name.to_owned(), value.clone());
                continue;
            }
        };
        if let Value::Object(target) = target {
            target.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Thoughts come back encrypted only where that is asked for, and models that do not think refuse to be asked.
fn write_include(request: &ChatRequest, own: Option<Value>) -> Vec<Value> {
    let mut include = match own {
        Some(Value::Array(own)) => own,
        _ => Vec::new(),
    };
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    let effort = request.reasoning.as_ref().and_then(effort_of);
    let thinks = effort.is_some_and(|effort| effort != Effort::None)
        || parts.any(|part| matches!(part.kind, PartKind::Reasoning { encrypted: Some(_), .. }));
    if thinks {
        include.push("reasoning.encrypted_content".into());
    }
    if request.logprobs == Some(true) {
        include.push("message.output_text.logprobs".into());
    }
    include
}

fn write_tool(at: usize, tool: &Tool, source: DialectId, unsupported: &Unsupported<'_>) -> Result<Value, ApiError> {
    match tool {
        Tool::Function { name, description, parameters, strict, .. } => {
            // Functions are strict here unless they say otherwise; elsewhere it is the other way round.
            let strict = strict.or((source != DialectId::OpenAiResponses).then_some(false));
            let mut tool = Map::new();
            tool.insert("type".to_owned(), "function".into());
            tool.insert("name".to_owned(), name.as_str().into());
            put(&mut tool, "description", description.as_deref());
            let none = || json!({"type": "object", "properties": {}});
            tool.insert("parameters".to_owned(), parameters.clone().unwrap_or_else(none));
            put(&mut tool, "strict", strict);
            Ok(Value::Object(tool))
        }
        Tool::Own { value, .. } if source == DialectId::OpenAiResponses => Ok(value.clone()),
        Tool::Own { name, .. } => Err(unsupported.impossible(&format!("tools[{at}]"), &format!("the tool `{name}`"))),
    }
}

fn write_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "name": name}),
        ToolChoice::Among { names, required } => {
            let tools: Vec<Value> = names.iter().map(|name| json!({"type": "function", "name": name})).collect();
            let mode = if *required { "required" } else { "auto" };
            json!({"type": "allowed_tools", "mode": mode, "tools": tools})
        }
    }
}

fn write_reasoning(reasoning: &Reasoning) -> Option<Value> {
    let mut object = Map::new();
    put(&mut object, "effort", effort_of(reasoning).map(Effort::name));
    let shown = (reasoning.show == Some(true)).then_some("auto");
    put(&mut object, "summary", reasoning.summary.as_deref().or(shown));
    (!object.is_empty()).then_some(Value::Object(object))
}

fn effort_of(reasoning: &Reasoning) -> Option<Effort> {
    reasoning.effort.or(reasoning.budget_tokens.map(Effort::of_budget))
}

fn write_format(format: &OutputFormat) -> Option<Value> {
    match format {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(json!({"type": "json_object"})),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let mut object = Map::new();
            object.insert("type".to_owned(), "json_schema".into());
            object.insert("name".to_owned(), name.as_str().into());
            put(&mut object, "description", description.as_deref());
            object.insert("schema".to_owned(), schema.clone());
            put(&mut object, "strict", *strict);
            Some(Value::Object(object))
        }
    }
}
