//! Reads `messages` of a chat request.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value};

use super::{thoughts, tools};
use crate::canonical::{Message, Part, PartKind, Role, Source};
use crate::openai::json_field::{self as field, Place};

/// Reads the array.
pub fn read(value: Value, at: Place<'_>) -> Result<Vec<Message>, ApiError> {
    let items = match value {
        Value::Array(items) if !items.is_empty() => items,
        _ => return Err(at.must_be("an array with at least one message")),
    };
    let mut functions = OlderCalls::default();
    let read = |(index, item)| read_message(item, at.item(index), &mut functions);
    items.into_iter().enumerate().map(read).collect()
}

/// Calls in the older form have no ids; a result belongs to the call that came last.
#[derive(Default)]
struct OlderCalls {
    count: usize,
}

impl OlderCalls {
    fn id(&self) -> String {
        format!("call_function_{}", self.count)
    }
}

fn read_message(value: Value, at: Place<'_>, functions: &mut OlderCalls) -> Result<Message, ApiError> {
    let mut members = field::object(value, at)?;
    let role = field::required_string(&mut members, "role", at)?;
    let content = field::optional(&mut members, "content");
    let cache = field::optional(&mut members, "cache_control").map(|mark| tools::read_cache_mark(&mark));
    let mut name = field::optional_string(&mut members, "name", at)?;
    let content_at = at.then("content");
    let (role, mut parts) = match role.as_str() {
        "system" => (Role::System, read_content(content, content_at)?),
        "developer" => (Role::Developer, read_content(content, content_at)?),
        "user" => (Role::User, read_content(content, content_at)?),
        "assistant" => (Role::Assistant, read_assistant(&mut members, content, at, functions)?),
        "tool" | "function" => {
            let call_id = match field::optional_string(&mut members, "tool_call_id", at)? {
                Some(id) => id,
                None if role == "function" => functions.id(),
                None => return Err(at.then("tool_call_id").is_missing()),
            };
            let parts = read_content(content, content_at)?;
            let result = PartKind::ToolResult { call_id, name: name.take(), parts, is_error: false };
            (Role::Tool, vec![result.into()])
        }
        _ => {
            let roles = "`developer`, `system`, `user`, `assistant` or `tool`";
            return Err(at.then("role").must_be(roles));
        }
    };
    if let (Some(mark), Some(last)) = (cache, parts.last_mut()) {
        last.cache.get_or_insert(mark);
    }
    // A message that came as an answer has these too; they say nothing to the model.
    for told in ["annotations", "tool_calls", "function_call"] {
        members.shift_remove(told);
    }
    members.retain(|_, value| !value.is_null());
    Ok(Message { role, parts, name, own: members })
}

fn read_assistant(
    members: &mut Map<String, Value>,
    content: Option<Value>,
    at: Place<'_>,
    functions: &mut OlderCalls,
) -> Result<Vec<Part>, ApiError> {
    let mut parts = thoughts::read(members);
    let said = read_content(content, at.then("content"))?;
    // Next to tool calls an empty text says nothing, and many vendors refuse it.
    parts.extend(said.into_iter().filter(|part| part.kind.as_text() != Some("")));
    if let Some(text) = field::optional_string(members, "refusal", at)? {
        parts.push(PartKind::Refusal { text }.into());
    }
    if let Some(calls) = field::optional(members, "tool_calls") {
        parts.extend(tools::read_calls(calls, at.then("tool_calls"))?.into_iter().map(Part::from));
    }
    if let Some(call) = field::optional(members, "function_call") {
        let at = at.then("function_call");
        let mut call = field::object(call, at)?;
        functions.count += 1;
        let name = field::required_string(&mut call, "name", at)?;
        let arguments = tools::arguments(field::optional(&mut call, "arguments"));
        parts.push(PartKind::ToolCall { id: functions.id(), name, arguments, signature: None }.into());
    }
    Ok(parts)
}

fn read_content(content: Option<Value>, at: Place<'_>) -> Result<Vec<Part>, ApiError> {
    match content {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            items.into_iter().enumerate().map(|(index, item)| read_part(item, at.item(index))).collect()
        }
        Some(_) => Err(at.must_be("a string or an array of parts")),
    }
}

fn read_part(value: Value, at: Place<'_>) -> Result<Part, ApiError> {
    let mut part = field::object(value, at)?;
    let Some(Value::String(kind)) = part.get("type") else { return Err(at.then("type").must_be("a string")) };
    let kind = kind.clone();
    let cache = part.get("cache_control").filter(|mark| !mark.is_null()).map(tools::read_cache_mark);
    let kind = match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            PartKind::Text { text: field::required_string(&mut part, "text", at)?, citations: Vec::new() }
        }
        "image_url" => {
            let (url, detail) = read_url(&mut part, "image_url", at)?;
            PartKind::Image { source: Source::of_url(&url), detail }
        }
        "video_url" => PartKind::Video { source: Source::of_url(&read_url(&mut part, "video_url", at)?.0) },
        "input_audio" => PartKind::Audio { source: read_audio(&mut part, at)? },
        "file" => read_file(&mut part, at)?,
        "refusal" => PartKind::Refusal { text: field::required_string(&mut part, "refusal", at)? },
        "thinking" | "redacted_thinking" => thoughts::of_block(&Value::Object(part)),
        _ => PartKind::Own { name: kind, value: Value::Object(part) },
    };
    Ok(Part { kind, cache })
}

/// `{"url", "detail"}`; some clients write the URL itself.
fn read_url(part: &mut Map<String, Value>, name: &str, at: Place<'_>) -> Result<(String, Option<String>), ApiError> {
    let at = at.then(name);
    match field::optional(part, name) {
        None => Err(at.is_missing()),
        Some(Value::String(url)) => Ok((url, None)),
        Some(value) => {
            let mut image = field::object(value, at)?;
            let url = field::required_string(&mut image, "url", at)?;
            Ok((url, field::optional_string(&mut image, "detail", at)?))
        }
    }
}

fn read_audio(part: &mut Map<String, Value>, at: Place<'_>) -> Result<Source, ApiError> {
    let at = at.then("input_audio");
    let mut audio = field::object(field::optional(part, "input_audio").ok_or_else(|| at.is_missing())?, at)?;
    let data = field::required_string(&mut audio, "data", at)?;
    let format = field::required_string(&mut audio, "format", at)?;
    let media_type = if format == "mp3" { "audio/mpeg".to_owned() } else { format!("audio/{format}") };
    Ok(Source::Data { media_type, data })
}

fn read_file(part: &mut Map<String, Value>, at: Place<'_>) -> Result<PartKind, ApiError> {
    let at = at.then("file");
    let mut file = field::object(field::optional(part, "file").ok_or_else(|| at.is_missing())?, at)?;
    let title = field::optional_string(&mut file, "filename", at)?;
    let source = match field::optional_string(&mut file, "file_data", at)? {
        Some(data) if data.contains(':') => Source::of_url(&data),
        // Bare base64: OpenAI takes it for a PDF.
        Some(data) => Source::Data { media_type: "application/pdf".to_owned(), data },
        None => Source::File { id: field::required_string(&mut file, "file_id", at)? },
    };
    Ok(PartKind::Document { source, title, citations: false })
}
