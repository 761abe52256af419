//! OpenAI's chat requests: what is read of them, and what is refused.
//!
//! Unknown fields are let through, as OpenAI-like servers do: a gateway has to bring them, and a test looks for them in the
//! ledger.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;

/// What is read of a body. Messages that are no objects are not looked at: tests of bytes send such.
#[derive(Debug, Default, Deserialize)]
pub struct ChatBody<'a> {
    #[serde(default, borrow)]
    pub model: Cow<'a, str>,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default, borrow)]
    messages: Vec<MaybeMessage<'a>>,
    #[serde(default)]
    tools: Vec<Value>,
    #[serde(default)]
    tool_choice: Option<Value>,
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    #[serde(default)]
    response_format: Option<Value>,
    #[serde(default)]
    reasoning_effort: Option<String>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    stop: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MaybeMessage<'a> {
    #[serde(borrow)]
    Message(Message<'a>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(default, borrow)]
    content: Content<'a>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(Vec<Value>),
    #[default]
    Nothing,
    Other(Value),
}

#[derive(Debug, Deserialize)]
struct ToolCall {
    id: String,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: Value,
}

impl ChatBody<'_> {
    /// What is asked.
    pub fn prompt(&self) -> Result<Prompt, Refusal> {
        let mut prompt = Prompt {
            model: self.model.clone().into_owned(),
            is_streamed: self.stream == Some(true),
            is_usage_asked: self.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true),
            tools: tools(&self.tools)?,
            tool_choice: tool_choice(self.tool_choice.as_ref())?,
            is_one_call_at_most: self.parallel_tool_calls == Some(false),
            format: format(self.response_format.as_ref())?,
            is_reasoning: self.reasoning_effort.as_deref().is_some_and(|effort| effort != "none"),
            stop: texts(self.stop.as_ref()),
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            ..Prompt::default()
        };
        if self.tool_choice.is_some() && self.tools.is_empty() {
            return Err(Refusal::field(
                "tool_choice",
                "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            ));
        }
        let mut open_calls: Vec<&str> = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            if let MaybeMessage::Message(message) = message {
                message.read(place, &mut prompt, &mut open_calls)?;
            }
        }
        if let Some(id) = open_calls.first() {
            return Err(unanswered(id));
        }
        Ok(prompt)
    }
}

fn unanswered(id: &str) -> Refusal {
    Refusal::field(
        "messages",
        format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
             The following tool_call_ids did not have response messages: {id}"
        ),
    )
}

impl<'a> Message<'a> {
    fn read(&'a self, place: usize, prompt: &mut Prompt, open_calls: &mut Vec<&'a str>) -> Result<(), Refusal> {
        let param = |field: &str| format!("messages[{place}].{field}");
        if let Some(id) = open_calls.first()
            && &*self.role != "tool"
        {
            return Err(unanswered(id));
        }
        match &*self.role {
            "user" => {
                let text = self.text(place, prompt)?;
                prompt.user_turn(text, Vec::new());
            }
            "system" | "developer" | "function" => {}
            "assistant" => {
                prompt.answered();
                for (index, call) in self.tool_calls.iter().flatten().enumerate() {
                    let field = param(&format!("tool_calls[{index}].function.arguments"));
                    match &call.function {
                        Some(Function { arguments: Value::String(_), name }) if !name.is_empty() => {}
                        _ => return Err(Refusal::field(field.clone(), format!("Invalid type for '{field}'."))),
                    }
                    open_calls.push(&call.id);
                }
                let is_empty =
                    matches!(self.content, Content::Nothing) || matches!(self.content, Content::Other(Value::Null));
                if is_empty && self.tool_calls.as_ref().is_none_or(Vec::is_empty) {
                    let field = param("content");
                    return Err(Refusal::field(field, "Invalid value for 'content': expected a string, got null."));
                }
            }
            "tool" => {
                let id = self.tool_call_id.as_deref().unwrap_or_default();
                let Some(found) = open_calls.iter().position(|open| *open == id) else {
                    return Err(Refusal::field(
                        param("role"),
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                         'tool_calls'.",
                    ));
                };
                open_calls.remove(found);
                let result = self.text(place, prompt)?;
                prompt.results.push(result);
            }
            other => {
                return Err(Refusal::field(
                    param("role"),
                    format!(
                        "Invalid value: '{other}'. Supported values are: 'system', 'assistant', 'user', 'function', \
                         'tool', and 'developer'."
                    ),
                ));
            }
        }
        Ok(())
    }

    fn text(&self, place: usize, prompt: &mut Prompt) -> Result<String, Refusal> {
        let parts = match &self.content {
            Content::Text(text) => return Ok(text.clone().into_owned()),
            Content::Parts(parts) => parts,
            Content::Nothing | Content::Other(_) => return Ok(String::new()),
        };
        let mut said = String::new();
        for (index, part) in parts.iter().enumerate() {
            let field = format!("messages[{place}].content[{index}]");
            match part.get("type").and_then(Value::as_str) {
                Some("text") => said.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default()),
                Some("image_url") => {
                    let url = part.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
                    if !["http://", "https://", "data:image/"].iter().any(|start| url.starts_with(start)) {
                        return Err(Refusal::field(format!("{field}.image_url.url"), "Invalid image URL."));
                    }
                    prompt.images += 1;
                }
                Some("file") => {
                    if part.pointer("/file/file_data").or_else(|| part.pointer("/file/file_id")).is_none() {
                        return Err(Refusal::field(
                            format!("{field}.file"),
                            "Missing required parameter: 'file_data'.",
                        ));
                    }
                    prompt.documents += 1;
                }
                Some("input_audio" | "refusal") => {}
                other => {
                    let other = other.unwrap_or("null");
                    return Err(Refusal::field(
                        format!("{field}.type"),
                        format!(
                            "Invalid value: '{other}'. Supported values are: 'text', 'image_url', 'input_audio', \
                                 'refusal', and 'file'."
                        ),
                    ));
                }
            }
        }
        Ok(said)
    }
}

fn tools(tools: &[Value]) -> Result<Vec<Tool>, Refusal> {
    let mut read = Vec::new();
    for (index, tool) in tools.iter().enumerate() {
        match tool.get("type").and_then(Value::as_str) {
            Some("function") => {
                let name = tool.pointer("/function/name").and_then(Value::as_str).unwrap_or_default();
                let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                if name.is_empty() || !name.chars().all(is_letter) {
                    let field = format!("tools[{index}].function.name");
                    return Err(Refusal::field(&field, format!("Invalid '{field}': string does not match pattern.")));
                }
                let schema = tool.pointer("/function/parameters").cloned().unwrap_or_default();
                read.push(Tool { name: name.to_owned(), schema });
            }
            Some("custom") => {}
            other => {
                let other = other.unwrap_or("null");
                return Err(Refusal::field(
                    format!("tools[{index}].type"),
                    format!("Invalid value: '{other}'. Supported values are: 'function' and 'custom'."),
                ));
            }
        }
    }
    Ok(read)
}

fn tool_choice(choice: Option<&Value>) -> Result<ToolChoice, Refusal> {
    match choice {
        None | Some(Value::Null) => Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::Never),
            "required" => Ok(ToolChoice::Required),
            other => Err(Refusal::field("tool_choice", format!("Invalid value: '{other}'."))),
        },
        Some(choice) => match choice.pointer("/function/name").and_then(Value::as_str) {
            Some(name) => Ok(ToolChoice::Named(name.to_owned())),
            None if choice.pointer("/allowed_tools/mode").and_then(Value::as_str) == Some("required") => {
                Ok(ToolChoice::Required)
            }
            None if choice.get("allowed_tools").is_some() => Ok(ToolChoice::Auto),
            None => Err(Refusal::field("tool_choice", "Missing required parameter: 'tool_choice.function'.")),
        },
    }
}

fn format(format: Option<&Value>) -> Result<Format, Refusal> {
    let Some(format) = format.filter(|format| !format.is_null()) else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => match (format.pointer("/json_schema/name"), format.pointer("/json_schema/schema")) {
            (Some(Value::String(_)), Some(schema)) => Ok(Format::Schema(schema.clone())),
            _ => Err(Refusal::field(
                "response_format.json_schema",
                "Missing required parameter: 'response_format.json_schema'.",
            )),
        },
        _ => Err(Refusal::field("response_format.type", "Invalid value for 'response_format.type'.")),
    }
}

/// A text, or a list of texts.
pub fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Prompt, Refusal> {
        serde_json::from_str::<ChatBody<'_>>(body).map_err(|error| Refusal::bad(error.to_string()))?.prompt()
    }

    #[test]
    fn pictures_are_counted_and_the_newest_turn_is_read() {
        let prompt = read(
            r#"{"model":"m","messages":[{"role":"user","content":"old"},{"role":"assistant","content":"x"},{"role":"user","content":[
                {"type":"text","text":"new"},{"type":"image_url","image_url":{"url":"https://e.com/c.png"}}]}]}"#,
        );
        assert_eq!(prompt.map(|prompt| (prompt.said, prompt.images)), Ok(("new".to_owned(), 1)));
    }

    #[test]
    fn what_openai_refuses_is_refused() {
        for (messages, part) in [
            (r#"{"role":"model","content":"x"}"#, "Invalid value: 'model'"),
            (r#"{"role":"tool","tool_call_id":"a","content":"x"}"#, "role 'tool' must be a response"),
            (
                r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},
                   {"role":"user","content":"x"}"#,
                "did not have response messages: a",
            ),
            (
                r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{}}}]}"#,
                "Invalid type for 'messages[0].tool_calls[0].function.arguments'",
            ),
            (r#"{"role":"user","content":[{"type":"image"}]}"#, "Invalid value: 'image'"),
            (r#"{"role":"assistant","content":null}"#, "expected a string, got null"),
        ] {
            let refusal = read(&format!(r#"{{"model":"m","messages":[{messages}]}}"#)).err();
            assert!(refusal.as_ref().is_some_and(|r| r.message.contains(part)), "{messages}: {refusal:?}");
        }
    }

    #[test]
    fn strange_messages_are_not_looked_at() {
        assert!(read(r#"{"model":"m","odd":1.0E+2,"messages":["xxx", 3]}"#).is_ok());
    }
}
