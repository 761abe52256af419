//! Requests for Amazon Bedrock's Converse: what is read of them, and what is refused, in Bedrock's words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::json::{list, text, texts, unknown};
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;
use super::signature::is_signed;

/// Fields of the request.
const REQUEST: [&str; 11] = [
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "messages",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "system",
];

/// Reads a body.
pub fn read(body: &Value, model: &str, is_streamed: bool) -> Result<Prompt, Refusal> {
    let known: Vec<&str> = REQUEST.into_iter().chain(["toolConfig"]).collect();
    check(body, &known, "#")?;
    let inference = body.get("inferenceConfig").unwrap_or_default();
    check(inference, &["maxTokens", "temperature", "topP", "stopSequences"], "#/inferenceConfig")?;
    if inference.get("temperature").and_then(Value::as_f64).is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        return Err(Refusal::bad(
            "Value at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal \
             to 1",
        ));
    }
    let more = body.get("additionalModelRequestFields").unwrap_or_default();
    let thinking = more.get("thinking").or_else(|| more.get("reasoning_config"));
    let is_thinking = thinking.and_then(|thinking| text(thinking, "type")).is_some_and(|kind| kind != "disabled");
    let mut prompt = Prompt {
        model: model.to_owned(),
        is_streamed,
        is_usage_asked: true,
        is_reasoning: is_thinking,
        is_cached: has_cache_point(body),
        stop: texts(inference, "stopSequences"),
        max_tokens: inference.get("maxTokens").and_then(Value::as_u64),
        ..Prompt::default()
    };
    if let Some(structure) = body.pointer("/outputConfig/textFormat/structure/jsonSchema") {
        let schema = text(structure, "schema").and_then(|schema| serde_json::from_str(schema).ok());
        prompt.format = Format::Schema(schema.ok_or_else(|| Refusal::bad("The schema at outputConfig is not JSON."))?);
    } else if let Some(schema) = more.pointer("/output_config/format/schema") {
        prompt.format = Format::Schema(schema.clone());
    }
    tools(body, &mut prompt)?;
    // What Claude has and Converse has no place for.
    if let Some(choice) = more.get("tool_choice").filter(|_| model.contains("anthropic.")) {
        prompt.is_one_call_at_most = choice.get("disable_parallel_tool_use") == Some(&Value::Bool(true));
        prompt.tool_choice = match (text(choice, "type"), text(choice, "name")) {
            (Some("any"), _) => ToolChoice::Required,
            (Some("tool"), Some(name)) => ToolChoice::Named(name.to_owned()),
            _ => ToolChoice::Auto,
        };
    }
    for (index, block) in list(body, "system").iter().enumerate() {
        if text(block, "text").is_some_and(|said| said.trim().is_empty()) {
            return Err(blank(&format!("system.{index}")));
        }
        check(block, &["text", "guardContent", "cachePoint"], &format!("#/system/{index}"))?;
    }
    messages(list(body, "messages"), body.get("toolConfig").is_some(), &mut prompt)?;
    Ok(prompt)
}

fn check(value: &Value, known: &[&str], path: &str) -> Result<(), Refusal> {
    match unknown(value, known) {
        None => Ok(()),
        Some(name) => {
            Err(Refusal::bad(format!("Malformed input request: {path}: extraneous key [{name}] is not permitted")))
        }
    }
}

fn blank(path: &str) -> Refusal {
    Refusal::bad(format!(
        "The text field in the ContentBlock object at {path} is blank. Add text to the text field, and try again."
    ))
}

fn has_cache_point(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("cachePoint") || members.values().any(has_cache_point),
        Value::Array(items) => items.iter().any(has_cache_point),
        _ => false,
    }
}

fn tools(body: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    let Some(config) = body.get("toolConfig") else {
        return Ok(());
    };
    check(config, &["tools", "toolChoice"], "#/toolConfig")?;
    for (index, tool) in list(config, "tools").iter().enumerate() {
        let path = format!("toolConfig.tools.{index}.member.toolSpec");
        check(tool, &["toolSpec", "cachePoint", "systemTool"], "#/toolConfig/tools")?;
        let Some(specification) = tool.get("toolSpec") else {
            continue;
        };
        check(specification, &["name", "description", "inputSchema", "strict"], "#/toolConfig/tools/toolSpec")?;
        let name = text(specification, "name").unwrap_or_default();
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_letter) {
            return Err(Refusal::bad(format!(
                "Value '{name}' at '{path}.name' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: [a-zA-Z0-9_-]+"
            )));
        }
        if text(specification, "description").is_some_and(str::is_empty) {
            return Err(Refusal::bad(format!(
                "Invalid length for parameter {path}.description, value: 0, valid min length: 1"
            )));
        }
        match specification.pointer("/inputSchema/json") {
            Some(schema) if text(schema, "type") == Some("object") => {
                prompt.tools.push(Tool { name: name.to_owned(), schema: schema.clone() });
            }
            _ => {
                return Err(Refusal::bad(format!("The value at {path}.inputSchema.json.type must be one of: object.")));
            }
        }
    }
    if prompt.tools.is_empty() {
        return Err(Refusal::bad("Invalid length for parameter toolConfig.tools, value: 0, valid min length: 1"));
    }
    if let Some(choice) = config.get("toolChoice") {
        check(choice, &["auto", "any", "tool"], "#/toolConfig/toolChoice")?;
        prompt.tool_choice = match choice.pointer("/tool/name").and_then(Value::as_str) {
            Some(name) => ToolChoice::Named(name.to_owned()),
            None if choice.get("any").is_some() => ToolChoice::Required,
            None => ToolChoice::Auto,
        };
    }
    Ok(())
}

fn messages(messages: &[Value], has_tools: bool, prompt: &mut Prompt) -> Result<(), Refusal> {
    let mut open_calls: Vec<&str> = Vec::new();
    let mut last_role = "assistant";
    let mut last_answer_start = None;
    for (place, message) in messages.iter().enumerate() {
        check(message, &["role", "content"], &format!("#/messages/{place}"))?;
        let role = text(message, "role").unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            return Err(Refusal::bad(format!(
                "1 validation error detected: Value '{role}' at 'messages.{}.member.role' failed to satisfy constraint: \
                 Member must satisfy enum value set: [user, assistant]",
                place + 1
            )));
        }
        if role == last_role {
            return Err(Refusal::bad(if place == 0 {
                "A conversation must start with a user message. Try again with a conversation that starts with a user \
                 message."
            } else {
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
                 between user and assistant roles and try again."
            }));
        }
        last_role = role;
        let blocks = list(message, "content");
        if blocks.is_empty() {
            return Err(Refusal::bad(format!(
                "The content field in the Message object at messages.{place} is empty. Add a ContentBlock object to the \
                 content field and try again."
            )));
        }
        let (mut said, mut results) = (String::new(), Vec::new());
        let answers: Vec<&str> =
            blocks.iter().filter_map(|block| text(block.get("toolResult")?, "toolUseId")).collect();
        let missing: Vec<&&str> = open_calls.iter().filter(|open| !answers.contains(open)).collect();
        if !missing.is_empty() {
            return Err(Refusal::bad(format!(
                "Expected toolResult blocks at messages.{place}.content for the following Ids: {missing:?}"
            )));
        }
        if answers.iter().any(|id| !open_calls.contains(id)) {
            return Err(Refusal::bad(format!(
                "The number of toolResult blocks at messages.{place}.content exceeds the number of toolUse blocks of \
                 previous turn."
            )));
        }
        open_calls.clear();
        for (index, block) in blocks.iter().enumerate() {
            let path = format!("messages.{place}.content.{index}");
            read_block(&path, block, prompt, &mut said)?;
            if block.get("toolUse").or_else(|| block.get("toolResult")).is_some() && !has_tools {
                return Err(Refusal::bad(
                    "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
                ));
            }
            if let Some(call) = block.get("toolUse") {
                if !call.get("input").is_some_and(Value::is_object) {
                    return Err(Refusal::bad(format!(
                        "The format of the value at {path}.toolUse.input is invalid. Provide a json object for the field \
                         and try again."
                    )));
                }
                open_calls.extend(text(call, "toolUseId"));
            }
            if let Some(result) = block.get("toolResult") {
                let mut text = String::new();
                for (number, part) in list(result, "content").iter().enumerate() {
                    let path = format!("{path}.toolResult.content.{number}");
                    match part.get("json") {
                        Some(json) if json.is_object() => text.push_str(&json.to_string()),
                        Some(_) => {
                            return Err(Refusal::bad(format!(
                                "The format of the value at {path}.json is invalid. Provide a json object for the field and \
                                 try again."
                            )));
                        }
                        None => read_block(&path, part, prompt, &mut text)?,
                    }
                }
                results.push(text);
            }
        }
        if role == "user" {
            prompt.user_turn(said, results);
        } else {
            prompt.answered();
            last_answer_start = blocks.first();
        }
    }
    // In the middle of a tool loop the thoughts that led to the call have to come back.
    let starts_with_call = last_answer_start.is_some_and(|block| block.get("toolUse").is_some());
    if prompt.is_reasoning && prompt.model.contains("anthropic.") && !prompt.results.is_empty() && starts_with_call {
        return Err(Refusal::bad(
            "The model returned the following errors: messages.1.content.0.type: Expected `thinking` or \
             `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start \
             with a thinking block.",
        ));
    }
    Ok(())
}

fn read_block(path: &str, block: &Value, prompt: &mut Prompt, said: &mut String) -> Result<(), Refusal> {
    let known = [
        "text",
        "image",
        "document",
        "video",
        "audio",
        "toolUse",
        "toolResult",
        "guardContent",
        "cachePoint",
        "reasoningContent",
        "citationsContent",
        "searchResult",
    ];
    check(block, &known, path)?;
    if let Some(text) = text(block, "text") {
        if text.trim().is_empty() {
            return Err(blank(path));
        }
        said.push_str(text);
    }
    for (kind, formats) in [
        ("image", &["png", "jpeg", "gif", "webp"][..]),
        ("document", &["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"][..]),
    ] {
        let Some(value) = block.get(kind) else {
            continue;
        };
        if !text(value, "format").is_some_and(|format| formats.contains(&format)) {
            return Err(Refusal::bad(format!(
                "Value at '{path}.{kind}.format' failed to satisfy constraint: Member must satisfy enum value set: {formats:?}"
            )));
        }
        let source = value.get("source").unwrap_or_default();
        check(source, &["bytes", "s3Location", "text", "content"], &format!("{path}.{kind}.source"))?;
        let is_base64 = text(source, "bytes").is_none_or(|bytes| STANDARD.decode(bytes).is_ok_and(|b| !b.is_empty()));
        if !is_base64 || source.as_object().is_none_or(|members| members.len() != 1) {
            return Err(Refusal::bad(format!("The value at {path}.{kind}.source is not valid base64.")));
        }
        if kind == "image" {
            prompt.images += 1;
            continue;
        }
        let is_letter = |c: char| c.is_alphanumeric() || " -()[]".contains(c);
        if !text(value, "name").is_some_and(|name| !name.is_empty() && name.chars().all(is_letter)) {
            return Err(Refusal::bad(
                "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, \
                 parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
            ));
        }
        prompt.documents += 1;
    }
    if let Some(reasoning) = block.pointer("/reasoningContent/reasoningText") {
        let signature = text(reasoning, "signature").unwrap_or_default();
        if !is_signed(text(reasoning, "text").unwrap_or_default(), signature) {
            return Err(Refusal::bad(format!("{path}: Invalid `signature` in `thinking` block")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_bedrock_refuses_is_refused() {
        let user = |content: Value| json!({ "role": "user", "content": content });
        let model = |content: Value| json!({ "role": "assistant", "content": content });
        let text = json!([{ "text": "x" }]);
        let call = json!([{ "toolUse": { "toolUseId": "a", "name": "f", "input": {} } }]);
        let result = json!([{ "toolResult": { "toolUseId": "a", "content": [{ "text": "y" }] } }]);
        for (body, part) in [
            (json!({ "messages": [user(text.clone())], "max_tokens": 1 }), "extraneous key [max_tokens]"),
            (json!({ "messages": [model(text.clone())] }), "must start with a user message"),
            (json!({ "messages": [user(text.clone()), user(text.clone())] }), "must alternate"),
            (json!({ "messages": [{ "role": "system", "content": text }] }), "enum value set: [user, assistant]"),
            (json!({ "messages": [user(json!([]))] }), "is empty"),
            (json!({ "messages": [user(json!([{ "text": " " }]))] }), "is blank"),
            (
                json!({ "messages": [user(text.clone()), model(call.clone()), user(text.clone())] }),
                "toolConfig field must be",
            ),
            (json!({ "messages": [user(result)] }), "exceeds the number of toolUse blocks"),
            (json!({ "messages": [user(text.clone())], "toolConfig": { "tools": [] } }), "valid min length: 1"),
            (
                json!({ "messages": [user(json!([{ "document": {
                    "format": "pdf", "name": "report.pdf", "source": { "bytes": "AAAA" } } }]))] }),
                "document file name",
            ),
        ] {
            let said = read(&body, "anthropic.claude", false).err().map(|refusal| refusal.message);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{body}: {said:?}");
        }
    }
}
