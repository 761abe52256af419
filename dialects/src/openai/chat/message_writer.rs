//! Writes `messages` of a chat request.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json};

use super::quirks::{Quirks, Thoughts};
use super::{thoughts, tools};
use crate::canonical::{CacheMark, ChatRequest, Message, Part, PartKind, Role, Source, Unsupported};
use crate::dialect::DialectId;

/// Writes the array.
pub fn write(
    request: &ChatRequest,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
) -> Result<Vec<Value>, ApiError> {
    let is_own = request.source == DialectId::OpenAiChat;
    let mut writer = Writer { quirks, unsupported, is_own, messages: Vec::with_capacity(request.messages.len()) };
    // Pictures that tools gave: results are text here, so they follow in the person's name once the results are over.
    let mut given: Vec<Value> = Vec::new();
    for (index, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{index}]");
        let is_result = |part: &&Part| matches!(part.kind, PartKind::ToolResult { .. });
        for (at, part) in message.parts.iter().enumerate().filter(|(_, part)| is_result(part)) {
            writer.tool_result(part, &format!("{path}.content[{at}]"), &mut given)?;
        }
        if !message.parts.is_empty() && message.parts.iter().all(|part| is_result(&part)) {
            continue;
        }
        if !given.is_empty() && message.role != Role::User {
            writer.messages.push(json!({"role": "user", "content": std::mem::take(&mut given)}));
        }
        writer.message(message, &path, std::mem::take(&mut given))?;
    }
    if !given.is_empty() {
        writer.messages.push(json!({"role": "user", "content": given}));
    }
    Ok(writer.messages)
}

struct Writer<'a, 'b> {
    quirks: &'a Quirks,
    unsupported: &'a mut Unsupported<'b>,
    /// Whether the request came in this dialect.
    is_own: bool,
    messages: Vec<Value>,
}

impl Writer<'_, '_> {
    fn message(&mut self, message: &Message, path: &str, mut content: Vec<Value>) -> Result<(), ApiError> {
        let is_late = self.messages.iter().any(|message| message.get("role").is_some_and(|role| role != "system"));
        let role = match message.role {
            Role::System | Role::Developer if is_late && !self.quirks.late_system => "user",
            Role::Developer if self.quirks.developer_role => "developer",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut out = Map::new();
        out.insert("role".to_owned(), role.into());
        out.extend(message.name.as_ref().map(|name| ("name".to_owned(), name.as_str().into())));
        let (mut calls, mut refusals) = (Vec::new(), Vec::new());
        for (at, part) in message.parts.iter().enumerate() {
            match &part.kind {
                PartKind::ToolCall { id, name, arguments, signature } => {
                    // An empty text is no JSON, and some servers parse it.
                    let arguments = if arguments.is_empty() { "{}" } else { arguments };
                    // The signature is Google's own, which is read on Google's surface only.
                    let signature = signature.as_deref().filter(|_| self.quirks.thoughts == Thoughts::Blocks);
                    calls.push(Value::Object(tools::write_call(id, name, arguments, signature)));
                }
                PartKind::Refusal { text } => refusals.push(text.as_str()),
                PartKind::Reasoning { .. } | PartKind::ToolResult { .. } => {}
                PartKind::Own { name, value } if name == "custom" && self.is_own => calls.push(value.clone()),
                _ => content.push(self.part(part, message.role, &format!("{path}.content[{at}]"))?),
            }
        }
        if message.role == Role::Assistant {
            self.thoughts(&message.parts, &mut out);
        }
        let says_else = !calls.is_empty() || !refusals.is_empty();
        out.insert("content".to_owned(), joined(content, says_else, self.quirks.text_parts));
        if !refusals.is_empty() {
            out.insert("refusal".to_owned(), refusals.concat().into());
        }
        if !calls.is_empty() {
            out.insert("tool_calls".to_owned(), calls.into());
        }
        for (name, value) in &message.own {
            if self.is_own {
                out.insert(name.clone(), value.clone());
            } else {
                self.unsupported.refuse(&format!("{path}.{name}"))?;
            }
        }
        self.messages.push(out.into());
        Ok(())
    }

    fn thoughts(&self, parts: &[Part], out: &mut Map<String, Value>) {
        match self.quirks.thoughts {
            Thoughts::LeftOut => {}
            Thoughts::Content => thoughts::write_text(parts, out),
            Thoughts::Blocks => thoughts::write(parts, out),
            Thoughts::Details => {
                let details: Vec<Value> = thoughts::among(parts)
                    .map(|(text, signature, encrypted)| thoughts::to_detail(text, signature, encrypted))
                    .collect();
                if !details.is_empty() {
                    out.insert("reasoning_details".to_owned(), details.into());
                }
            }
        }
    }

    fn tool_result(&mut self, part: &Part, path: &str, given: &mut Vec<Value>) -> Result<(), ApiError> {
        let PartKind::ToolResult { call_id, parts, .. } = &part.kind else { return Ok(()) };
        let mut content = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            let path = format!("{path}.content[{at}]");
            match part.kind {
                PartKind::Text { .. } => content.push(self.part(part, Role::Tool, &path)?),
                _ => given.push(self.part(part, Role::User, &path)?),
            }
        }
        if content.is_empty() && !given.is_empty() {
            content.push(json!({"type": "text", "text": "The result follows in the next message of the user."}));
        }
        let mut out = Map::new();
        out.insert("role".to_owned(), "tool".into());
        out.insert("tool_call_id".to_owned(), call_id.as_str().into());
        out.insert("content".to_owned(), joined(content, false, self.quirks.text_parts));
        self.mark(part.cache.as_ref(), &mut out);
        self.messages.push(out.into());
        Ok(())
    }

    fn mark(&self, cache: Option<&CacheMark>, out: &mut Map<String, Value>) {
        if let Some(mark) = cache.filter(|_| self.quirks.cache_control) {
            out.insert("cache_control".to_owned(), tools::write_cache_mark(mark));
        }
    }

    fn part(&mut self, part: &Part, role: Role, path: &str) -> Result<Value, ApiError> {
        if role != Role::User
            && role != Role::Tool
            && !matches!(part.kind, PartKind::Text { .. } | PartKind::Own { .. })
        {
            return Err(self.unsupported.impossible(path, "anything but text there"));
        }
        let mut out = match &part.kind {
            PartKind::Text { text, .. } => json!({"type": "text", "text": text}),
            PartKind::Image { source, detail } => {
                let url = source.to_url();
                let url =
                    url.ok_or_else(|| self.unsupported.impossible(path, "a picture that is a file at the vendor"))?;
                match detail {
                    Some(detail) => json!({"type": "image_url", "image_url": {"url": url, "detail": detail}}),
                    None => json!({"type": "image_url", "image_url": {"url": url}}),
                }
            }
            PartKind::Audio { source: Source::Data { media_type, data } } => {
                let kind = media_type.strip_prefix("audio/").unwrap_or(media_type);
                let format = match kind {
                    "mpeg" => "mp3",
                    "x-wav" | "wave" => "wav",
                    other => other,
                };
                json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
            }
            PartKind::Audio { .. } => return Err(self.unsupported.impossible(path, "sound by its address")),
            PartKind::Video { source } => match source.to_url().filter(|_| self.quirks.video_url) {
                Some(url) => json!({"type": "video_url", "video_url": {"url": url}}),
                None => return Err(self.unsupported.impossible(path, "films")),
            },
            PartKind::Document { source, title, citations } => {
                self.unsupported.refuse_if(*citations, &format!("{path}.citations"))?;
                self.document(source, title.as_deref(), path)?
            }
            PartKind::Own { value, .. } if self.is_own => return Ok(value.clone()),
            PartKind::Own { name, .. } => {
                return Err(self.unsupported.impossible(path, &format!("parts of the type `{name}`")));
            }
            PartKind::ToolCall { .. }
            | PartKind::ToolResult { .. }
            | PartKind::Reasoning { .. }
            | PartKind::Refusal { .. } => return Err(self.unsupported.impossible(path, "such a part there")),
        };
        if let Value::Object(members) = &mut out {
            self.mark(part.cache.as_ref(), members);
        }
        Ok(out)
    }

    fn document(&self, source: &Source, title: Option<&str>, path: &str) -> Result<Value, ApiError> {
        let file = match source {
            Source::Text { text } => {
                let text = title.map_or_else(|| text.clone(), |title| format!("{title}\n\n{text}"));
                return Ok(json!({"type": "text", "text": text}));
            }
            _ if !self.quirks.files => return Err(self.unsupported.impossible(path, "documents")),
            Source::Url { .. } => return Err(self.unsupported.impossible(path, "a document by its address")),
            Source::Data { media_type, data } => {
                // OpenAI wants a name.
                let name = title.unwrap_or(if media_type == "application/pdf" { "document.pdf" } else { "document" });
                json!({"filename": name, "file_data": format!("data:{media_type};base64,{data}")})
            }
            Source::File { id } => json!({"file_id": id}),
        };
        Ok(json!({"type": "file", "file": file}))
    }
}

/// One text without more to it is written as a string, which every server knows; `keeps_parts`: several stay apart.
fn joined(content: Vec<Value>, says_else: bool, keeps_parts: bool) -> Value {
    let plain = |part: &Value| {
        let only = part.as_object().filter(|members| members.len() == 2)?;
        only.get("text")?.as_str().map(str::to_owned)
    };
    match content.as_slice() {
        [] if says_else => return Value::Null,
        [] => return "".into(),
        [_, _, ..] if keeps_parts => {}
        parts => {
            if let Some(texts) = parts.iter().map(plain).collect::<Option<Vec<String>>>() {
                return texts.join("\n\n").into();
            }
        }
    }
    content.into()
}
