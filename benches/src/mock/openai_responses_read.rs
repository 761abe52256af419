//! Requests for OpenAI's Responses API: what is read of them, and what is refused.

use serde_json::{Value, json};

use super::json::{list, text};
use super::openai_responses::ENCRYPTED;
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;
use super::signature::is_signed;
use super::vendor::{Called, Task};

/// A request of this API, wherever it came in.
pub fn read_responses(called: &Called<'_>) -> Result<Task, Refusal> {
    let body = called.json()?;
    let Some(model) = text(&body, "model") else {
        return Err(Refusal::field("model", "Missing required parameter: 'model'."));
    };
    let reasoning = body.get("reasoning").filter(|reasoning| reasoning.is_object());
    let mut prompt = Prompt {
        model: model.to_owned(),
        is_streamed: body.get("stream").and_then(Value::as_bool) == Some(true),
        is_usage_asked: true,
        tools: tools(&body)?,
        tool_choice: tool_choice(body.get("tool_choice")),
        is_one_call_at_most: body.get("parallel_tool_calls").and_then(Value::as_bool) == Some(false),
        format: format(&body)?,
        is_reasoning: reasoning.is_some_and(|reasoning| text(reasoning, "effort") != Some("none")),
        max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
        ..Prompt::default()
    };
    let previous = text(&body, "previous_response_id");
    if let Some(id) = previous.filter(|id| !id.starts_with("resp_mock")) {
        return Err(Refusal {
            code: Some("previous_response_not_found".to_owned()),
            ..Refusal::field("previous_response_id", format!("Previous response with id '{id}' not found."))
        });
    }
    match body.get("input") {
        Some(Value::String(said)) => prompt.said.clone_from(said),
        Some(Value::Array(items)) => input(items, previous.is_some(), &mut prompt)?,
        _ => return Err(Refusal::field("input", "Missing required parameter: 'input'.")),
    }
    prompt.request = body;
    Ok(Task::Chat(Box::new(prompt)))
}

fn tools(body: &Value) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    for (index, tool) in list(body, "tools").iter().enumerate() {
        match (text(tool, "type"), text(tool, "name")) {
            (Some("function"), Some(name)) => {
                let schema = tool.get("parameters").cloned().unwrap_or_default();
                tools.push(Tool { name: name.to_owned(), schema });
            }
            (Some("function"), None) => {
                let field = format!("tools[{index}].name");
                return Err(Refusal::field(&field, format!("Missing required parameter: '{field}'.")));
            }
            (Some(_), _) => {}
            (None, _) => {
                let field = format!("tools[{index}].type");
                return Err(Refusal::field(&field, format!("Missing required parameter: '{field}'.")));
            }
        }
    }
    Ok(tools)
}

fn tool_choice(choice: Option<&Value>) -> ToolChoice {
    match choice {
        Some(Value::String(word)) if word == "required" => ToolChoice::Required,
        Some(Value::String(word)) if word == "none" => ToolChoice::Never,
        Some(choice) => text(choice, "name").map_or(ToolChoice::Auto, |name| ToolChoice::Named(name.to_owned())),
        None => ToolChoice::Auto,
    }
}

fn format(body: &Value) -> Result<Format, Refusal> {
    let Some(format) = body.pointer("/text/format") else {
        return Ok(Format::Text);
    };
    match (text(format, "type"), text(format, "name"), format.get("schema")) {
        (Some("text"), _, _) => Ok(Format::Text),
        (Some("json_object"), _, _) => Ok(Format::Json),
        (Some("json_schema"), Some(_), Some(schema)) => Ok(Format::Schema(schema.clone())),
        _ => Err(Refusal::field("text.format.name", "Missing required parameter: 'text.format.name'.")),
    }
}

fn input(items: &[Value], is_continued: bool, prompt: &mut Prompt) -> Result<(), Refusal> {
    let mut calls: Vec<&str> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let field = format!("input[{place}]");
        match (text(item, "type"), text(item, "role")) {
            (None | Some("message"), Some("user")) => {
                let said = message(item, &field, prompt)?;
                prompt.user_turn(said, Vec::new());
            }
            (None | Some("message"), Some(role @ ("system" | "developer" | "assistant"))) => {
                if role == "assistant" {
                    prompt.answered();
                }
                message(item, &field, prompt)?;
            }
            (None | Some("message"), Some(other)) => {
                return Err(Refusal::field(
                    &field,
                    format!(
                        "Invalid value: '{other}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
                    ),
                ));
            }
            (Some("function_call" | "custom_tool_call" | "local_shell_call"), _) => {
                let is_text = item.get("arguments").is_none_or(Value::is_string);
                if !is_text {
                    return Err(Refusal::field(format!("{field}.arguments"), "Invalid type: expected a string."));
                }
                prompt.answered();
                calls.extend(text(item, "call_id"));
            }
            (Some("function_call_output" | "custom_tool_call_output" | "local_shell_call_output"), _) => {
                let id = text(item, "call_id").unwrap_or_default();
                if !is_continued && !calls.contains(&id) {
                    return Err(Refusal::field(
                        "input",
                        format!("No tool call found for function call output with call_id {id}."),
                    ));
                }
                calls.retain(|open| *open != id);
                let result = match item.get("output") {
                    Some(Value::String(output)) => output.clone(),
                    Some(parts @ Value::Array(_)) => message(&json!({ "content": parts }), &field, prompt)?,
                    _ => {
                        return Err(Refusal::field(format!("{field}.output"), "Missing required parameter: 'output'."));
                    }
                };
                prompt.results.push(result);
            }
            (Some("reasoning"), _) => {
                let encrypted = text(item, "encrypted_content");
                if encrypted.is_some_and(|encrypted| !is_signed(ENCRYPTED, encrypted)) {
                    return Err(Refusal {
                        code: Some("invalid_encrypted_content".to_owned()),
                        ..Refusal::bad("The encrypted content of the reasoning item could not be verified.")
                    });
                }
            }
            (Some(_), _) => {}
            (None, None) => return Err(Refusal::field(&field, format!("Missing required parameter: '{field}.type'."))),
        }
    }
    if let Some(id) = calls.first() {
        return Err(Refusal::field("input", format!("No tool output found for function call {id}.")));
    }
    Ok(())
}

fn message(item: &Value, field: &str, prompt: &mut Prompt) -> Result<String, Refusal> {
    let parts = match item.get("content") {
        Some(Value::String(said)) => return Ok(said.clone()),
        Some(Value::Array(parts)) => parts,
        _ => return Err(Refusal::field(format!("{field}.content"), "Missing required parameter: 'content'.")),
    };
    let mut said = String::new();
    for (index, part) in parts.iter().enumerate() {
        match text(part, "type") {
            Some("input_text" | "output_text") => said.push_str(text(part, "text").unwrap_or_default()),
            Some("input_image") => prompt.images += 1,
            Some("input_file") => prompt.documents += 1,
            Some("refusal" | "input_audio") => {}
            other => {
                let other = other.unwrap_or("null");
                let field = format!("{field}.content[{index}].type");
                return Err(Refusal::field(
                    field,
                    format!(
                        "Invalid value: '{other}'. Supported values are: 'input_text', 'input_image', 'output_text', \
                             'refusal', and 'input_file'."
                    ),
                ));
            }
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openai_refuses_in_an_input_is_refused() {
        let call = json!({ "type": "function_call", "call_id": "a", "name": "f", "arguments": "{}" });
        for (items, part) in [
            (json!([{ "role": "tool", "content": "x" }]), "Invalid value: 'tool'"),
            (json!([{ "role": "user", "content": [{ "type": "text", "text": "x" }] }]), "Invalid value: 'text'"),
            (json!([{ "type": "function_call_output", "call_id": "a", "output": "x" }]), "No tool call found"),
            (json!([call]), "No tool output found for function call a"),
            (json!([{ "type": "reasoning", "encrypted_content": "AAAA" }]), "could not be verified"),
        ] {
            let items = items.as_array().cloned().unwrap_or_default();
            let said = input(&items, false, &mut Prompt::default()).err().map(|refusal| refusal.message);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{items:?}: {said:?}");
        }
    }
}
