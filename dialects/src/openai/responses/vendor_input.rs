//! Writes messages as items of `input`: a turn of the model's becomes thoughts, a message and calls, in their order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltallm_shared::error::ApiError;
use serde_json::{Value, json};

use crate::canonical::{ChatRequest, Message, Part, PartKind, Role, Source, Unsupported};
use crate::dialect::DialectId;

/// `instructions`, where the conversation begins with a plain system message, and `input`.
pub(super) fn write(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<(Option<String>, Vec<Value>), ApiError> {
    let (instructions, rest) = match request.messages.split_first() {
        Some((first, rest)) if is_plain_system(first) => (Some(first.text()), rest),
        _ => (None, request.messages.as_slice()),
    };
    let skipped = request.messages.len() - rest.len();
    let mut writer = Writer { source: request.source, unsupported, items: Vec::new(), content: Vec::new() };
    for (at, message) in rest.iter().enumerate() {
        writer.message(message, &format!("messages[{}]", at + skipped))?;
    }
    Ok((instructions, writer.items))
}

fn is_plain_system(message: &Message) -> bool {
    let is_plain = |part: &Part| part.kind.as_text().is_some() && part.cache.is_none();
    message.role == Role::System
        && message.name.is_none()
        && message.own.is_empty()
        && message.parts.iter().all(is_plain)
}

struct Writer<'a, 'b> {
    source: DialectId,
    unsupported: &'a mut Unsupported<'b>,
    items: Vec<Value>,
    /// Of the message that is being written.
    content: Vec<Value>,
}

impl Writer<'_, '_> {
    fn message(&mut self, message: &Message, path: &str) -> Result<(), ApiError> {
        self.unsupported.refuse_if(message.name.is_some(), &format!("{path}.name"))?;
        let is_ours = self.source == DialectId::OpenAiResponses;
        for name in message.own.keys().filter(|_| !is_ours) {
            self.unsupported.refuse(&format!("{path}.{name}"))?;
        }
        let mut parts = message.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match &part.kind {
                PartKind::ToolCall { id, name, arguments, .. } => {
                    let arguments = if arguments.is_empty() { "{}" } else { arguments };
                    self.item(
                        message,
                        json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments}),
                    );
                }
                PartKind::ToolResult { call_id, parts, .. } => {
                    let output = self.output(parts, path)?;
                    self.item(message, json!({"type": "function_call_output", "call_id": call_id, "output": output}));
                }
                PartKind::Reasoning { text, encrypted, signature } => {
                    let mut encrypted = encrypted.as_deref();
                    // Streams bring the text and what is encrypted one after the other.
                    if encrypted.is_none() && signature.is_none() {
                        encrypted = parts.next_if(|next| only_encrypted(next).is_some()).and_then(only_encrypted);
                    }
                    // Thoughts that another vendor signed, or nobody, mean nothing to this one.
                    if let Some(encrypted) = encrypted {
                        let summary: Vec<Value> = if text.is_empty() {
                            Vec::new()
                        } else {
                            vec![json!({"type": "summary_text", "text": text})]
                        };
                        let item = json!({"type": "reasoning", "summary": summary, "encrypted_content": encrypted});
                        self.item(message, item);
                    }
                }
                PartKind::Own { name, value } if is_ours && !is_content(name) => self.item(message, value.clone()),
                _ if message.role == Role::Assistant => {
                    let content = self.said(part, path)?;
                    self.content.push(content);
                }
                _ => {
                    let content = self.given(part, path)?;
                    self.content.push(content);
                }
            }
        }
        self.flush(message);
        Ok(())
    }

    /// Adds an item after what was said before it.
    fn item(&mut self, message: &Message, item: Value) {
        self.flush(message);
        self.items.push(item);
    }

    fn flush(&mut self, message: &Message) {
        if self.content.is_empty() {
            return;
        }
        let role = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::Assistant => "assistant",
            Role::User | Role::Tool => "user",
        };
        let content = std::mem::take(&mut self.content);
        let mut item = json!({"type": "message", "role": role, "content": content});
        if let Value::Object(item) = &mut item
            && self.source == DialectId::OpenAiResponses
        {
            item.extend(message.own.clone());
        }
        self.items.push(item);
    }

    /// A part of what the model said.
    fn said(&self, part: &Part, path: &str) -> Result<Value, ApiError> {
        match &part.kind {
            PartKind::Text { text, .. } => Ok(json!({"type": "output_text", "text": text, "annotations": []})),
            PartKind::Refusal { text } => Ok(json!({"type": "refusal", "refusal": text})),
            PartKind::Own { value, .. } if self.source == DialectId::OpenAiResponses => Ok(value.clone()),
            kind => Err(self.impossible(kind, path, " in a message of the assistant")),
        }
    }

    /// A part of what the model is given.
    fn given(&self, part: &Part, path: &str) -> Result<Value, ApiError> {
        let mut content = match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal { text } => json!({"type": "input_text", "text": text}),
            PartKind::Image { source, detail } => {
                let mut image = match (source, source.to_url()) {
                    (Source::File { id }, _) => json!({"type": "input_image", "file_id": id}),
                    (_, Some(url)) => json!({"type": "input_image", "image_url": url}),
                    (_, None) => return Err(self.impossible(&part.kind, path, "")),
                };
                if let (Some(detail), Value::Object(image)) = (detail, &mut image) {
                    image.insert("detail".to_owned(), detail.as_str().into());
                }
                image
            }
            PartKind::Document { source, title, .. } => document(source, title.as_deref()),
            PartKind::Audio { source: Source::Data { media_type, data } } => match media_type.as_str() {
                "audio/mpeg" | "audio/mp3" => sound(data, "mp3"),
                "audio/wav" | "audio/x-wav" | "audio/wave" => sound(data, "wav"),
                _ => return Err(self.impossible(&part.kind, path, &format!(" of type {media_type}"))),
            },
            PartKind::Own { value, .. } if self.source == DialectId::OpenAiResponses => value.clone(),
            kind => return Err(self.impossible(kind, path, "")),
        };
        // Models before GPT-5.6 refuse marks, so only who wrote them in this dialect gets them.
        if let (Some(mark), Value::Object(content)) = (&part.cache, &mut content)
            && self.source == DialectId::OpenAiResponses
        {
            let is_long = mark.ttl.as_deref() == Some("1h");
            let mark = if is_long { json!({"mode": "explicit", "ttl": "12h"}) } else { json!({"mode": "explicit"}) };
            content.insert("prompt_cache_breakpoint".to_owned(), mark);
        }
        Ok(content)
    }

    /// The output of a tool: a text where it is only that.
    fn output(&self, parts: &[Part], path: &str) -> Result<Value, ApiError> {
        match parts {
            [] => Ok("".into()),
            [Part { kind: PartKind::Text { text, .. }, cache: None }] => Ok(text.as_str().into()),
            parts => {
                let parts: Result<Vec<Value>, _> = parts.iter().map(|part| self.given(part, path)).collect();
                parts.map(Value::Array)
            }
        }
    }

    fn impossible(&self, kind: &PartKind, path: &str, more: &str) -> ApiError {
        let what = match kind {
            PartKind::Image { .. } => "an image",
            PartKind::Audio { .. } => "sound",
            PartKind::Video { .. } => "video",
            PartKind::Document { .. } => "a document",
            PartKind::Own { name, .. } => return self.unsupported.impossible(path, &format!("a `{name}`")),
            _ => "such a part",
        };
        self.unsupported.impossible(&format!("{path}.content"), &format!("{what}{more}"))
    }
}

fn only_encrypted(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::Reasoning { text, encrypted: Some(data), .. } if text.is_empty() => Some(data),
        _ => None,
    }
}

/// Whether something of this dialect's own stands in a message, and is no item.
fn is_content(name: &str) -> bool {
    name.starts_with("input_") || name.ends_with("_text") || name == "computer_screenshot"
}

fn sound(data: &str, format: &str) -> Value {
    json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
}

fn document(source: &Source, title: Option<&str>) -> Value {
    let mut file = match source {
        Source::Data { .. } => {
            // A file needs a name, and its ending must be right.
            let ending = if source_is_pdf(source) { "pdf" } else { "txt" };
            let name = title.map_or_else(|| format!("document.{ending}"), str::to_owned);
            return json!({"type": "input_file", "filename": name, "file_data": source.to_url()});
        }
        Source::Text { text } => {
            let data = format!("data:text/plain;base64,{}", STANDARD.encode(text));
            let name = title.unwrap_or("document.txt");
            return json!({"type": "input_file", "filename": name, "file_data": data});
        }
        Source::Url { url, .. } => json!({"type": "input_file", "file_url": url}),
        Source::File { id } => json!({"type": "input_file", "file_id": id}),
    };
    if let (Some(title), Value::Object(file), Source::Url { .. }) = (title, &mut file, source) {
        file.insert("filename".to_owned(), title.into());
    }
    file
}

fn source_is_pdf(source: &Source) -> bool {
    matches!(source, Source::Data { media_type, .. } if media_type == "application/pdf")
}
