//! Reads `input` of a Responses request: a text, or a list of items. What the model did in one turn is several items here
//! (thoughts, a message, calls); they become one message.

use deltallm_shared::error::ApiError;
use serde_json::Value;

use super::fields::{Fields, wrong_type};
use super::{sealed::Sealed, state};
use crate::canonical::{CacheMark, Message, Part, PartKind, Role, Source};

/// Reads `input` and adds its messages.
pub(super) fn read(input: Value, messages: &mut Vec<Message>) -> Result<(), ApiError> {
    let items = match input {
        Value::String(text) => {
            messages.push(Message::new(Role::User, vec![Part::text(text)]));
            return Ok(());
        }
        Value::Array(items) => items,
        _ => return Err(wrong_type("input", "a string or an array of items")),
    };
    let mut turns = Turns { messages, call_signature: None };
    for (at, item) in items.into_iter().enumerate() {
        turns.take(item, &format!("input[{at}]"))?;
    }
    Ok(())
}

struct Turns<'a> {
    messages: &'a mut Vec<Message>,
    /// The signature of a call that follows, and its id.
    call_signature: Option<(String, String)>,
}

impl Turns<'_> {
    fn take(&mut self, item: Value, path: &str) -> Result<(), ApiError> {
        let mut fields = Fields::of(item, path)?;
        if state::is_reference(fields.peek("type"), fields.has("id"), fields.has("role")) {
            return Err(state::refusal(path));
        }
        // Easy messages leave the type out.
        let kind = fields.peek("type").unwrap_or("message").to_owned();
        match kind.as_str() {
            "message" => self.message(fields),
            "reasoning" => self.reasoning(fields),
            "function_call" => self.call(fields),
            "function_call_output" => {
                let call_id = fields.required_string("call_id")?;
                let output = fields.take("output").ok_or_else(|| fields.missing("output"))?;
                let parts = read_content(output, &fields.path_of("output"))?;
                let result = PartKind::ToolResult { call_id, name: None, parts, is_error: false };
                self.messages.push(Message::new(Role::Tool, vec![result.into()]));
                Ok(())
            }
            _ => {
                let is_result = kind.ends_with("_output") || kind == "mcp_approval_response";
                let part = PartKind::Own { name: kind, value: Value::Object(fields.rest()) }.into();
                if is_result {
                    self.messages.push(Message::new(Role::Tool, vec![part]));
                } else {
                    self.turn().parts.push(part);
                }
                Ok(())
            }
        }
    }

    fn message(&mut self, mut fields: Fields) -> Result<(), ApiError> {
        let role = match fields.required_string("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            _ => return Err(fields.wrong("role", "`user`, `assistant`, `system` or `developer`")),
        };
        let content = fields.take("content").ok_or_else(|| fields.missing("content"))?;
        let parts = read_content(content, &fields.path_of("content"))?;
        let phase = fields.take("phase");
        if role != Role::Assistant {
            self.messages.push(Message::new(role, parts));
            return Ok(());
        }
        let speaks = |part: &Part| matches!(part.kind, PartKind::Text { .. } | PartKind::Refusal { .. });
        if self.turn().parts.iter().any(speaks) {
            self.messages.push(Message::new(Role::Assistant, Vec::new()));
        }
        let turn = self.turn();
        turn.parts.extend(parts);
        turn.own.extend(phase.map(|phase| ("phase".to_owned(), phase)));
        Ok(())
    }

    fn reasoning(&mut self, mut fields: Fields) -> Result<(), ApiError> {
        let mut text = read_thoughts(&mut fields, "summary")?;
        if text.is_empty() {
            text = read_thoughts(&mut fields, "content")?;
        }
        let sealed = fields.string("encrypted_content")?.map(Sealed::of_text).unwrap_or_default();
        if let (Some(call), signature) = (&sealed.call, &sealed.signature) {
            // It stands before its call, or after it where the vendor gave it last.
            match self.turn().parts.iter_mut().find_map(|part| signature_of(part, call)) {
                Some(place) => place.clone_from(signature),
                None => self.call_signature = sealed.call.zip(sealed.signature),
            }
            return Ok(());
        }
        let Sealed { signature, encrypted, .. } = sealed;
        // Thoughts of which only the id came lie at the provider that had them; there is nothing to send to another one.
        if !text.is_empty() || signature.is_some() || encrypted.is_some() {
            self.turn().parts.push(PartKind::Reasoning { text, signature, encrypted }.into());
        }
        Ok(())
    }

    fn call(&mut self, mut fields: Fields) -> Result<(), ApiError> {
        let id = fields.required_string("call_id")?;
        let name = fields.required_string("name")?;
        let arguments = fields.string("arguments")?.unwrap_or_default();
        let signature = self.call_signature.take().filter(|(call, _)| *call == id).map(|(_, signature)| signature);
        self.turn().parts.push(PartKind::ToolCall { id, name, arguments, signature }.into());
        Ok(())
    }

    /// The model's message that is being said.
    fn turn(&mut self) -> &mut Message {
        if self.messages.last().is_none_or(|last| last.role != Role::Assistant) {
            self.messages.push(Message::new(Role::Assistant, Vec::new()));
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last]
    }
}

/// The place for the signature of this call.
fn signature_of<'a>(part: &'a mut Part, call: &str) -> Option<&'a mut Option<String>> {
    match &mut part.kind {
        PartKind::ToolCall { id, signature, .. } if id == call => Some(signature),
        _ => None,
    }
}

/// The texts of `summary` or `content` of a reasoning item.
fn read_thoughts(fields: &mut Fields, name: &str) -> Result<String, ApiError> {
    let parts = fields.array(name)?.unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    Ok(texts.join("\n\n"))
}

fn read_content(content: Value, path: &str) -> Result<Vec<Part>, ApiError> {
    match content {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(parts) => {
            parts.into_iter().enumerate().map(|(at, part)| read_part(part, &format!("{path}[{at}]"))).collect()
        }
        _ => Err(wrong_type(path, "a string or an array of parts")),
    }
}

fn read_part(part: Value, path: &str) -> Result<Part, ApiError> {
    let mut fields = Fields::of(part, path)?;
    let kind = fields.peek("type").map(str::to_owned).ok_or_else(|| fields.missing("type"))?;
    let cache = match fields.nested("prompt_cache_breakpoint")? {
        // The shorter time is the default; the longer one is nearest to what others call an hour.
        Some(mut mark) => {
            let is_long = mark.string("ttl")?.is_some_and(|ttl| ttl == "12h");
            Some(CacheMark { ttl: is_long.then(|| "1h".to_owned()) })
        }
        None => None,
    };
    let kind = match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            PartKind::Text { text: fields.required_string("text")?, citations: Vec::new() }
        }
        "refusal" => PartKind::Refusal { text: fields.required_string("refusal")? },
        "input_image" => PartKind::Image { detail: fields.string("detail")?, source: read_image(&mut fields)? },
        "input_file" => read_file(&mut fields)?,
        "input_audio" => {
            let mut audio = fields.nested("input_audio")?.ok_or_else(|| fields.missing("input_audio"))?;
            let media_type = match audio.required_string("format")?.as_str() {
                "mp3" => "audio/mpeg".to_owned(),
                format => format!("audio/{format}"),
            };
            PartKind::Audio { source: Source::Data { media_type, data: audio.required_string("data")? } }
        }
        _ => PartKind::Own { name: kind, value: Value::Object(fields.rest()) },
    };
    Ok(Part { kind, cache })
}

fn read_image(fields: &mut Fields) -> Result<Source, ApiError> {
    match (fields.string("image_url")?, fields.string("file_id")?) {
        (Some(url), _) => Ok(Source::of_url(&url)),
        (None, Some(id)) => Ok(Source::File { id }),
        (None, None) => Err(fields.missing("image_url")),
    }
}

fn read_file(fields: &mut Fields) -> Result<PartKind, ApiError> {
    let title = fields.string("filename")?;
    let source = if let Some(data) = fields.string("file_data")? {
        match Source::of_url(&data) {
            Source::Url { .. } => Source::Data { media_type: media_type_of(title.as_deref()).to_owned(), data },
            source => source,
        }
    } else if let Some(url) = fields.string("file_url")? {
        Source::of_url(&url)
    } else if let Some(id) = fields.string("file_id")? {
        Source::File { id }
    } else {
        return Err(fields.missing("file_data"));
    };
    Ok(PartKind::Document { source, title, citations: false })
}

/// Files without a data URL say by their name only what they are.
fn media_type_of(filename: Option<&str>) -> &'static str {
    let extension = filename.and_then(|name| name.rsplit_once('.')).map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "txt" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        _ => "application/pdf",
    }
}
