//! Reads the tools of a Responses request and the choice among them. Functions stand flat here, not in a `function` member as
//! in chat completions; tools that OpenAI runs itself, and custom tools with free text as input, are the dialect's own.

use deltallm_shared::error::ApiError;
use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::canonical::{Tool, ToolChoice};

/// Reads `tools`.
pub(super) fn read(tools: Vec<Value>) -> Result<Vec<Tool>, ApiError> {
    tools.into_iter().enumerate().map(|(at, tool)| read_one(tool, &format!("tools[{at}]"))).collect()
}

fn read_one(tool: Value, path: &str) -> Result<Tool, ApiError> {
    let kind = tool.get("type").and_then(Value::as_str).map(str::to_owned);
    match kind.as_deref() {
        None => Err(wrong_type(&format!("{path}.type"), "a string")),
        Some("function") if !has_more(&tool) => {
            let mut fields = Fields::of(tool, path)?;
            Ok(Tool::Function {
                name: fields.required_string("name")?,
                description: fields.string("description")?,
                parameters: fields.object("parameters")?.map(Value::Object),
                strict: fields.flag("strict")?,
                cache: None,
            })
        }
        Some(name) => Ok(Tool::Own { name: name.to_owned(), value: tool }),
    }
}

/// Whether a function uses what only this API has, such as loading it later by a tool search.
fn has_more(tool: &Value) -> bool {
    ["allowed_callers", "async", "defer_loading", "output_schema"]
        .into_iter()
        .any(|name| tool.get(name).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))))
}

/// Reads `tool_choice`. What is about tools of the dialect's own comes back as it is.
pub(super) fn read_choice(choice: Value) -> Result<Result<ToolChoice, Value>, ApiError> {
    const EXPECTED: &str = "`none`, `auto`, `required` or an object with a `type`";
    if let Some(word) = choice.as_str() {
        return match word {
            "none" => Ok(Ok(ToolChoice::None)),
            "auto" => Ok(Ok(ToolChoice::Auto)),
            "required" => Ok(Ok(ToolChoice::Required)),
            _ => Err(wrong_type("tool_choice", EXPECTED)),
        };
    }
    match choice.get("type").and_then(Value::as_str) {
        None => Err(wrong_type("tool_choice", EXPECTED)),
        Some("function") => Ok(Ok(ToolChoice::Named(Fields::of(choice, "tool_choice")?.required_string("name")?))),
        Some("allowed_tools") => Ok(read_allowed(&choice).ok_or(choice)),
        Some(_) => Ok(Err(choice)),
    }
}

fn read_allowed(choice: &Value) -> Option<ToolChoice> {
    let tools = choice.get("tools")?.as_array()?;
    let name = |tool: &Value| {
        let is_function = tool.get("type").and_then(Value::as_str) == Some("function");
        tool.get("name").and_then(Value::as_str).filter(|_| is_function).map(str::to_owned)
    };
    let names = tools.iter().map(name).collect::<Option<Vec<_>>>()?;
    Some(ToolChoice::Among { names, required: choice.get("mode").and_then(Value::as_str) == Some("required") })
}
