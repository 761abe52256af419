//! The blocks of a message, as Converse wants them (`ContentBlock` in Bedrock's API reference).

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use deltallm_shared::error::{ApiError, ErrorCode};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{family::Family, media_format};
use crate::{
    canonical::{CacheMark, ChatRequest, Message, Part, PartKind, Role, Source, Unsupported, param_name},
    gemini::signature::is_marked,
};

/// One message: roles alternate, so neighbours of one role are joined.
#[derive(Debug, Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block<'a> {
    Text(Cow<'a, str>),
    Image(Media<'a>),
    Audio(Media<'a>),
    Video(Media<'a>),
    Document(Document<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Thoughts<'a>),
    CachePoint(CachePoint<'a>),
    GuardContent(Value),
    SearchResult(Value),
}

#[derive(Debug, Serialize)]
pub(super) struct Media<'a> {
    format: &'static str,
    source: Bytes<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Bytes<'a> {
    Bytes(Cow<'a, str>),
    S3Location { uri: &'a str },
}

#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    format: &'static str,
    name: String,
    source: Bytes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<Enabled>,
}

#[derive(Debug, Serialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct ToolUse<'a> {
    #[serde(rename = "toolUseId")]
    id: Cow<'a, str>,
    name: &'a str,
    input: &'a RawValue,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    tool_use_id: Cow<'a, str>,
    content: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Thoughts<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Debug, Serialize)]
pub(super) struct CachePoint<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CachePoint<'a> {
    pub(super) fn of(mark: &'a CacheMark) -> Self {
        Self { r#type: "default", ttl: mark.ttl.as_deref() }
    }
}

/// The system's blocks and the messages of a request.
pub(super) fn write_messages<'a>(
    request: &'a ChatRequest,
    family: Family,
    unsupported: &mut Unsupported<'_>,
) -> Result<(Vec<Block<'a>>, Vec<WireMessage<'a>>), ApiError> {
    let mut writer = Writer { family, unsupported, document_names: Vec::new() };
    let list = param_name(request.source, "messages");
    let (mut system, mut messages): (Vec<Block<'_>>, Vec<WireMessage<'_>>) = (Vec::new(), Vec::new());
    for (at, message) in request.messages.iter().enumerate() {
        let path = format!("{list}[{at}]");
        writer.check_fields(message, &path)?;
        let role = match message.role {
            Role::System | Role::Developer => {
                writer.add_system(message, &path, &mut system)?;
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let mut content = Vec::with_capacity(message.parts.len());
        for (at, part) in message.parts.iter().enumerate() {
            writer.add_part(part, || format!("{path}.content[{at}]"), &mut content)?;
        }
        match messages.last_mut().filter(|last| last.role == role) {
            Some(last) => last.content.append(&mut content),
            None if content.is_empty() => {}
            None => messages.push(WireMessage { role, content }),
        }
    }
    match messages.last_mut() {
        None => Err(writer.unsupported.impossible(list, "a request without any message but the system's")),
        Some(last) => {
            // An answer that is begun for Claude must not end in white space.
            if let Some(Block::Text(text)) = last.content.last_mut().filter(|_| last.role == "assistant") {
                *text = text.trim_end().to_owned().into();
            }
            Ok((system, messages))
        }
    }
}

struct Writer<'u, 'v> {
    family: Family,
    unsupported: &'u mut Unsupported<'v>,
    /// Two documents of one name are an error of Bedrock's.
    document_names: Vec<String>,
}

impl Writer<'_, '_> {
    fn check_fields(&mut self, message: &Message, path: &str) -> Result<(), ApiError> {
        if message.name.is_some() {
            // A hint only.
            self.unsupported.dropped.push(format!("{path}.name"));
        }
        // Clients repeat what an answer had, empty lists included.
        let said = |value: &&Value| !matches!(value, Value::Null) && **value != json!([]) && **value != json!({});
        let own = message.own.iter().filter(|(_, value)| said(value));
        own.map(|(key, _)| key).try_for_each(|key| self.unsupported.refuse(&format!("{path}.{key}")))
    }

    fn add_system<'a>(
        &mut self,
        message: &'a Message,
        path: &str,
        system: &mut Vec<Block<'a>>,
    ) -> Result<(), ApiError> {
        for (at, part) in message.parts.iter().enumerate() {
            match &part.kind {
                PartKind::Text { .. } | PartKind::Own { .. } => {
                    self.add_part(part, || format!("{path}.content[{at}]"), system)?;
                }
                _ => {
                    let what = "anything but text in a system message";
                    return Err(self.unsupported.impossible(&format!("{path}.content[{at}]"), what));
                }
            }
        }
        Ok(())
    }

    fn add_part<'a>(
        &mut self,
        part: &'a Part,
        path: impl Fn() -> String,
        out: &mut Vec<Block<'a>>,
    ) -> Result<(), ApiError> {
        match &part.kind {
            // Bedrock refuses blank texts, which clients send beside tool calls.
            PartKind::Text { text, .. } | PartKind::Refusal { text } if text.trim().is_empty() => {}
            PartKind::Text { text, .. } | PartKind::Refusal { text } => out.push(Block::Text(text.as_str().into())),
            PartKind::ToolCall { id, name, arguments, .. } => {
                let input = arguments_of(arguments, &path)?;
                out.push(Block::ToolUse(ToolUse { id: tool_use_id(id), name, input }));
            }
            PartKind::ToolResult { call_id, parts, is_error, .. } => {
                let mut content = Vec::with_capacity(parts.len());
                for part in parts {
                    self.add_part(part, &path as &dyn Fn() -> String, &mut content)?;
                }
                if content.is_empty() {
                    content.push(Block::Text("".into()));
                }
                let status = is_error.then_some("error");
                out.push(Block::ToolResult(ToolResult { tool_use_id: tool_use_id(call_id), content, status }));
            }
            // Thoughts without a proof are another vendor's, and so is a proof in a request in Gemini's dialect: Bedrock takes
            // back only what it has signed.
            PartKind::Reasoning { signature: Some(signature), .. } if is_marked(signature) => {}
            PartKind::Reasoning { .. } if !self.family.takes_thoughts_back() => {}
            PartKind::Reasoning { text, signature, encrypted } => match (signature, encrypted) {
                (Some(signature), _) => {
                    out.push(Block::ReasoningContent(Thoughts::ReasoningText { text, signature }));
                }
                (None, Some(data)) => out.push(Block::ReasoningContent(Thoughts::RedactedContent(data))),
                (None, None) => {}
            },
            PartKind::Own { name, value } => out.push(self.own_block(name, value, &path)?),
            kind => out.push(self.media_block(kind, &path)?),
        }
        if let Some(mark) = part.cache.as_ref().filter(|_| self.family.has_cache_points()) {
            out.push(Block::CachePoint(CachePoint::of(mark)));
        }
        Ok(())
    }

    fn media_block<'a>(&mut self, kind: &'a PartKind, path: &impl Fn() -> String) -> Result<Block<'a>, ApiError> {
        Ok(match kind {
            PartKind::Image { source, .. } => {
                Block::Image(self.media(source, "an image", path, media_format::image)?)
            }
            PartKind::Audio { source } => Block::Audio(self.media(source, "audio", path, media_format::audio)?),
            PartKind::Video { source } => Block::Video(self.media(source, "a video", path, media_format::video)?),
            PartKind::Document { source, title, citations } => {
                let (format, source) = match source {
                    Source::Text { text } => ("txt", Bytes::Bytes(BASE64_STANDARD.encode(text).into())),
                    other => {
                        let Media { format, source } = self.media(other, "a document", path, media_format::document)?;
                        (format, source)
                    }
                };
                let name = self.document_name(title.as_deref());
                Block::Document(Document {
                    format,
                    name,
                    source,
                    citations: citations.then_some(Enabled { enabled: true }),
                })
            }
            _ => return Err(self.unsupported.impossible(&path(), "this part")),
        })
    }

    fn media<'a>(
        &self,
        source: &'a Source,
        what: &str,
        path: &impl Fn() -> String,
        format: fn(&str) -> Option<&'static str>,
    ) -> Result<Media<'a>, ApiError> {
        let impossible = |how: &str| self.unsupported.impossible(&path(), &format!("{what} {how}"));
        match source {
            Source::Data { media_type, data } => match format(media_type) {
                Some(format) => Ok(Media { format, source: Bytes::Bytes(data.as_str().into()) }),
                None => Err(impossible(&format!("of type `{media_type}`"))),
            },
            Source::Url { url, media_type } if url.starts_with("s3://") => {
                let extension =
                    url.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
                let format = media_type.as_deref().and_then(format).or_else(|| format(extension?));
                let format = format.ok_or_else(|| impossible("whose type its S3 address does not say"))?;
                Ok(Media { format, source: Bytes::S3Location { uri: url } })
            }
            Source::Url { .. } => Err(impossible("by URL; send it as base64 data, or as an `s3://` address")),
            Source::File { .. } => Err(impossible("by the id of a file; send it as base64 data")),
            Source::Text { .. } => Err(impossible("as text")),
        }
    }

    /// Letters, digits, single blanks, hyphens and brackets; up to 200 of them; each name once.
    fn document_name(&mut self, title: Option<&str>) -> String {
        let title = title.unwrap_or("document");
        let stem = title.rsplit_once('.').map_or(title, |(stem, _)| stem);
        let mut name = String::with_capacity(stem.len());
        for letter in stem.chars().take(180) {
            match letter {
                ' ' if name.ends_with(' ') => {}
                ' ' | '-' | '(' | ')' | '[' | ']' => name.push(letter),
                _ if letter.is_ascii_alphanumeric() => name.push(letter),
                _ => name.push('-'),
            }
        }
        if name.trim().is_empty() {
            "document".clone_into(&mut name);
        }
        let (first, mut number) = (name.trim().to_owned(), 1);
        let mut name = first.clone();
        while self.document_names.contains(&name) {
            number += 1;
            name = format!("{first} ({number})");
        }
        self.document_names.push(name.clone());
        name
    }

    /// What only some dialects have and Bedrock has too: a search result (Anthropic), a text to be guarded (`guarded_text` is
    /// how LiteLLM's users write it).
    fn own_block<'a>(&mut self, name: &str, value: &Value, path: &impl Fn() -> String) -> Result<Block<'a>, ApiError> {
        match name {
            "guarded_text" => Ok(Block::GuardContent(json!({ "text": { "text": value["text"] } }))),
            "guardContent" | "guard_content" => {
                Ok(Block::GuardContent(value.get(name).unwrap_or(&value["guardContent"]).clone()))
            }
            "search_result" => {
                let content = value["content"].as_array().into_iter().flatten();
                let content: Vec<Value> = content.map(|item| json!({ "text": item["text"] })).collect();
                let mut block = json!({ "source": value["source"], "title": value["title"], "content": content });
                if let Some(citations) = value.get("citations") {
                    block["citations"] = citations.clone();
                }
                Ok(Block::SearchResult(block))
            }
            _ => Err(self.unsupported.impossible(&path(), &format!("a part of type `{name}`"))),
        }
    }
}

/// The arguments of a call as the object that Bedrock wants, digit for digit.
fn arguments_of<'a>(arguments: &'a str, path: &impl Fn() -> String) -> Result<&'a RawValue, ApiError> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    let raw: Option<&RawValue> = serde_json::from_str(text).ok();
    raw.filter(|raw| raw.get().starts_with('{')).ok_or_else(|| {
        let text = "The arguments of a tool call must be a JSON object.";
        ApiError::about(ErrorCode::InvalidRequest, path(), text)
    })
}

/// Bedrock takes ids of up to 64 letters, digits, `_` and `-`. Other vendors' ids are changed, always in the same way: a call
/// and its result stay together. What Bedrock makes itself is never changed, so nothing has to be changed back.
fn tool_use_id(id: &str) -> Cow<'_, str> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(is_fine) {
        return id.into();
    }
    // FNV-1a, so that ids which differ only in what is cut or replaced stay different.
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let head: String = id.bytes().take(40).map(|byte| if is_fine(byte) { char::from(byte) } else { '_' }).collect();
    format!("{head}_{hash:016x}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_bedrock_does_not_take_are_changed_and_stay_different() {
        assert_eq!(tool_use_id("tooluse_abc-1"), "tooluse_abc-1");
        let (one, two) = (tool_use_id("call.1"), tool_use_id("call:1"));
        assert!(one.starts_with("call_1_") && one != two && one == tool_use_id("call.1"), "{one} {two}");
        let long = "x".repeat(100);
        assert!(tool_use_id(&long).len() <= 64);
        assert!(!tool_use_id("").is_empty());
    }

    #[test]
    fn names_of_documents_are_made_to_fit_and_stay_different() {
        let mut unsupported = Unsupported::new("bedrock", false);
        let mut writer = Writer { family: Family::Claude, unsupported: &mut unsupported, document_names: Vec::new() };
        let mut name = |title| writer.document_name(title);
        assert_eq!(name(Some("report.pdf")), "report");
        assert_eq!(name(Some("report.docx")), "report (2)");
        assert_eq!(name(Some("Q3  Bericht_ü (neu).v2.pdf")), "Q3 Bericht-- (neu)-v2");
        assert_eq!(name(None), "document");
        assert_eq!(name(Some("  .pdf")), "document (2)");
    }
}
