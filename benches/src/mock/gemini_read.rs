//! Requests for Gemini's `generateContent`: what is read of them, and what is refused, in Google's words.
//!
//! Google reads JSON into its own messages: `camelCase` and `snake_case` are the same, and a name that is not in a message
//! is an error.

use serde_json::Value;

use super::gemini_contents::{PART, contents};
use super::json::{list, members, text, texts};
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;

/// Fields of `GenerateContentRequest`.
const REQUEST: [&str; 9] = [
    "cachedContent",
    "contents",
    "generationConfig",
    "labels",
    "model",
    "safetySettings",
    "serviceTier",
    "systemInstruction",
    "toolConfig",
];
/// Fields of `GenerationConfig`.
const CONFIG: [&str; 23] = [
    "audioTimestamp",
    "candidateCount",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "presencePenalty",
    "responseFormat",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "routingConfig",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];
/// Fields of `Schema`: a part of OpenAPI's.
const SCHEMA: [&str; 24] = [
    "anyOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
    "$ref",
    "$defs",
];
const TOOL: [&str; 8] = [
    "codeExecution",
    "computerUse",
    "fileSearch",
    "functionDeclarations",
    "googleMaps",
    "googleSearch",
    "googleSearchRetrieval",
    "urlContext",
];

/// Reads a body.
pub fn read(body: &Value, model: &str, is_streamed: bool) -> Result<Prompt, Refusal> {
    let body = &camel(body);
    let known: Vec<&str> = REQUEST.into_iter().chain(["tools"]).collect();
    check(body, &known, "")?;
    let config = body.get("generationConfig").unwrap_or_default();
    check(config, &CONFIG, "generation_config")?;
    check(
        config.get("thinkingConfig").unwrap_or_default(),
        &["includeThoughts", "thinkingBudget", "thinkingLevel"],
        "generation_config.thinking_config",
    )?;
    let thinking = config.get("thinkingConfig").unwrap_or_default();
    if thinking.get("thinkingBudget").is_some() && thinking.get("thinkingLevel").is_some() {
        return Err(Refusal::bad("You can only set only one of thinking budget and thinking level."));
    }
    if let Some(temperature) = config.get("temperature").and_then(Value::as_f64)
        && !(0.0..=2.0).contains(&temperature)
    {
        return Err(Refusal::bad(format!(
            "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0], got \
             {temperature}"
        )));
    }
    if list(config, "stopSequences").len() > 5 {
        return Err(Refusal::bad("* GenerateContentRequest.generation_config.stop_sequences: at most 5 are allowed"));
    }
    let mut prompt = Prompt {
        model: model.to_owned(),
        is_streamed,
        is_usage_asked: true,
        tools: tools(body)?,
        format: format(config)?,
        is_reasoning: thinking.get("includeThoughts").and_then(Value::as_bool) == Some(true),
        is_cached: body.get("cachedContent").is_some(),
        stop: texts(config, "stopSequences"),
        max_tokens: config.get("maxOutputTokens").and_then(Value::as_u64),
        ..Prompt::default()
    };
    tool_choice(body, &mut prompt)?;
    if let Some(system) = body.get("systemInstruction") {
        check(system, &["role", "parts"], "system_instruction")?;
        for (index, part) in list(system, "parts").iter().enumerate() {
            check(part, &PART, &format!("system_instruction.parts[{index}]"))?;
        }
    }
    contents(list(body, "contents"), &mut prompt)?;
    Ok(prompt)
}

/// `snake_case` names of messages in `camelCase`. What callers name themselves stays: arguments, schemas' properties.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let name = camel_name(name);
                let is_own = ["args", "response", "properties", "labels", "responseJsonSchema", "parametersJsonSchema"];
                let value = if is_own.contains(&name.as_str()) { value.clone() } else { camel(value) };
                (name, value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => items.iter().map(camel).collect(),
        other => other.clone(),
    }
}

fn camel_name(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// Refuses the first name that is not in the message.
pub fn check(value: &Value, known: &[&str], path: &str) -> Result<(), Refusal> {
    match super::json::unknown(value, known) {
        None => Ok(()),
        Some(name) if path.is_empty() => {
            Err(Refusal::bad(format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.")))
        }
        Some(name) => Err(Refusal::bad(format!(
            "Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
        ))),
    }
}

fn schema(value: &Value, path: &str) -> Result<(), Refusal> {
    check(value, &SCHEMA, path)?;
    if let Some(kind) = value.get("type") {
        let kinds = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
        if !kind.as_str().is_some_and(|kind| kinds.contains(&kind.to_ascii_uppercase().as_str())) {
            return Err(Refusal::bad(format!("Invalid value at '{path}.type' (type.googleapis.com/Type), {kind}")));
        }
    }
    for (name, member) in members(value.get("properties").unwrap_or_default()).into_iter().flatten() {
        schema(member, &format!("{path}.properties[{name}].value"))?;
    }
    if let Some(items) = value.get("items") {
        schema(items, &format!("{path}.items"))?;
    }
    for (index, one) in list(value, "anyOf").iter().enumerate() {
        schema(one, &format!("{path}.any_of[{index}]"))?;
    }
    Ok(())
}

fn tools(body: &Value) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    for (place, tool) in list(body, "tools").iter().enumerate() {
        check(tool, &TOOL, &format!("tools[{place}]"))?;
        for (index, function) in list(tool, "functionDeclarations").iter().enumerate() {
            let path = format!("tools[{place}].function_declarations[{index}]");
            let known = [
                "name",
                "description",
                "parameters",
                "parametersJsonSchema",
                "response",
                "responseJsonSchema",
                "behavior",
            ];
            check(function, &known, &path)?;
            let name = text(function, "name").unwrap_or_default();
            let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-:".contains(c);
            if name.is_empty() || name.len() > 128 || !name.chars().all(is_letter) {
                return Err(Refusal::bad(format!(
                    "* GenerateContentRequest.{path}.name: Invalid function name. Must start with a letter or an underscore."
                )));
            }
            if let Some(parameters) = function.get("parameters") {
                schema(parameters, &format!("{path}.parameters"))?;
            }
            let parameters = function.get("parameters").or_else(|| function.get("parametersJsonSchema"));
            tools.push(Tool { name: name.to_owned(), schema: parameters.cloned().unwrap_or_default() });
        }
    }
    Ok(tools)
}

fn tool_choice(body: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    let config = body.get("toolConfig").unwrap_or_default();
    check(config, &["functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"], "tool_config")?;
    let Some(calling) = config.get("functionCallingConfig") else {
        return Ok(());
    };
    let known = ["mode", "allowedFunctionNames", "streamFunctionCallArguments"];
    check(calling, &known, "tool_config.function_calling_config")?;
    let names = texts(calling, "allowedFunctionNames");
    if let Some(name) = names.iter().find(|name| !prompt.tools.iter().any(|tool| tool.name == **name)) {
        return Err(Refusal::bad(format!(
            "Invalid allowed_function_names: \"{name}\" is not declared in function_declarations."
        )));
    }
    prompt.tool_choice = match (text(calling, "mode").unwrap_or("AUTO"), names.first()) {
        ("AUTO" | "MODE_UNSPECIFIED" | "VALIDATED", None) => ToolChoice::Auto,
        ("NONE", _) => ToolChoice::Never,
        ("ANY" | "VALIDATED", Some(name)) => ToolChoice::Named(name.clone()),
        ("ANY", None) => ToolChoice::Required,
        ("AUTO", Some(_)) => {
            return Err(Refusal::bad(
                "Function calling config is set without ANY mode: allowed_function_names is not supported.",
            ));
        }
        (other, _) => {
            return Err(Refusal::bad(format!(
                "Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/Mode), \"{other}\""
            )));
        }
    };
    Ok(())
}

fn format(config: &Value) -> Result<Format, Refusal> {
    let is_json = text(config, "responseMimeType") == Some("application/json");
    if let Some(own) = config.get("responseSchema") {
        schema(own, "generation_config.response_schema")?;
    }
    let schema = config.get("responseSchema").or_else(|| config.get("responseJsonSchema"));
    match (schema, is_json) {
        (Some(schema), true) => Ok(Format::Schema(schema.clone())),
        (Some(_), false) => Err(Refusal::bad(
            "* GenerateContentRequest.generation_config.response_mime_type: response_schema requires 'application/json'",
        )),
        (None, true) => Ok(Format::Json),
        (None, false) => Ok(Format::Text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_google_refuses_is_refused() {
        let hello = json!([{ "role": "user", "parts": [{ "text": "x" }] }]);
        let declared = |parameters: Value| json!({ "tools": [{ "functionDeclarations": [{ "name": "f", "parameters": parameters }] }] });
        for (more, part) in [
            (json!({ "max_tokens": 1 }), "Unknown name \"maxTokens\": Cannot find field."),
            (json!({ "generationConfig": { "max_tokens": 1 } }), "at 'generation_config'"),
            (
                declared(json!({ "type": "object", "additionalProperties": false })),
                "Unknown name \"additionalProperties\"",
            ),
            (declared(json!({ "type": ["string", "null"] })), "Invalid value at"),
            (json!({ "generationConfig": { "responseSchema": { "type": "STRING" } } }), "requires 'application/json'"),
            (json!({ "contents": [] }), "contents is not specified"),
            (json!({ "contents": [{ "role": "assistant", "parts": [{ "text": "x" }] }] }), "valid role: user, model"),
            (json!({ "contents": [{ "role": "user", "parts": [] }] }), "must not be empty"),
            (
                json!({ "contents": [{ "role": "user", "parts": [{ "functionResponse": { "name": "f" } }] }] }),
                "number of function",
            ),
            (
                json!({ "contents": [{ "role": "user", "parts": [{ "type": "text", "text": "x" }] }] }),
                "Unknown name \"type\"",
            ),
        ] {
            let mut body = json!({ "contents": hello });
            if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more.clone()) {
                body.extend(more);
            }
            let said = read(&body, "gemini-2.5-flash", false).err().map(|refusal| refusal.message);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{more}: {said:?}");
        }
    }

    #[test]
    fn both_spellings_of_names_are_the_same() {
        let body = json!({
            "contents": [{ "parts": [{ "inline_data": { "mime_type": "image/png", "data": "AA==" } }] }],
            "generation_config": { "stop_sequences": ["x"] },
        });
        let read = read(&body, "gemini-2.5-flash", false).map(|prompt| (prompt.images, prompt.stop));
        assert_eq!(read, Ok((1, vec!["x".to_owned()])));
    }
}
