//! Content blocks as they are written, in requests and in answers alike.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::citations;
use crate::{
    canonical::{CacheMark, Part, PartKind, Source},
    gemini::signature::is_marked,
};

/// A content block; it borrows from the parts that it is made of.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Image {
        source: WireSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Document {
        source: WireSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<Enabled>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Input<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Content<'a>>,
        #[serde(skip_serializing_if = "is_false")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    #[serde(untagged)]
    Own(Cow<'a, Value>),
}

/// What a message, a tool result or the system prompt holds.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

/// Where the bytes of an image or document are.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WireSource<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
    Text { media_type: &'static str, data: Cow<'a, str> },
    File { file_id: &'a str },
}

impl<'a> WireSource<'a> {
    /// The source of an image or a PDF; plain text is one only in a document, where [`Self::of_document`] writes it.
    pub fn new(source: &'a Source) -> Option<Self> {
        Some(match source {
            Source::Data { media_type, data } => Self::Base64 { media_type, data },
            Source::Url { url, .. } if url.starts_with("gs:") || url.starts_with("s3:") => return None,
            Source::Url { url, .. } => Self::Url { url },
            Source::File { id } => Self::File { file_id: id },
            Source::Text { .. } => return None,
        })
    }

    /// The source of a document. Anthropic takes text as text only, so base64 of a text is decoded.
    pub fn of_document(source: &'a Source) -> Option<Self> {
        let text = |data| Self::Text { media_type: "text/plain", data };
        match source {
            Source::Text { text: plain } => Some(text(Cow::Borrowed(plain.as_str()))),
            Source::Data { media_type, data } if media_type != "application/pdf" => {
                let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).ok()?;
                Some(text(Cow::Owned(String::from_utf8(bytes).ok()?)))
            }
            other => Self::new(other),
        }
    }
}

/// `{"enabled":true}`
#[derive(Serialize)]
pub(super) struct Enabled {
    pub enabled: bool,
}

/// `{"type":"ephemeral","ttl":"1h"}`
#[derive(Serialize)]
pub(super) struct CacheControl<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheControl<'a> {
    pub fn new(mark: Option<&'a CacheMark>) -> Option<Self> {
        mark.map(|mark| Self { r#type: "ephemeral", ttl: mark.ttl.as_deref() })
    }
}

/// The arguments of a tool call: JSON text that is written as it is, or text that is none.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    Json(&'a RawValue),
    Empty(Empty),
    Text(&'a str),
}

/// `{}`
#[derive(Serialize)]
pub(super) struct Empty {}

impl<'a> Input<'a> {
    /// `Text` where the arguments are no JSON object.
    pub fn new(arguments: &'a str) -> Self {
        if arguments.trim().is_empty() {
            return Self::Empty(Empty {});
        }
        match serde_json::from_str::<&RawValue>(arguments) {
            Ok(raw) if raw.get().starts_with('{') => Self::Json(raw),
            _ => Self::Text(arguments),
        }
    }
}

/// A block of an answer; `None` for what Anthropic's answers cannot hold (sound, film).
///
/// Two forms are ours, for what other vendors say and Anthropic has no place for: a picture is an `image` block as requests
/// have it, so it can be sent back; a tool call with another vendor's proof carries that as `signature`.
pub(super) fn of_answer(part: &Part) -> Option<Block<'_>> {
    Some(match &part.kind {
        PartKind::Text { text, citations } => Block::Text {
            text,
            citations: citations.iter().filter_map(citations::write).collect(),
            cache_control: None,
        },
        PartKind::Refusal { text } => Block::Text { text, citations: Vec::new(), cache_control: None },
        PartKind::Reasoning { text, signature: None, encrypted: Some(data) } if text.is_empty() => {
            Block::RedactedThinking { data }
        }
        // The proof of another vendor's text: clients that read the last block would find nothing in it.
        PartKind::Reasoning { text, signature: Some(signature), .. } if text.is_empty() && is_marked(signature) => {
            return None;
        }
        PartKind::Reasoning { text, signature, .. } => {
            Block::Thinking { thinking: text, signature: signature.as_deref().unwrap_or_default() }
        }
        PartKind::ToolCall { id, name, arguments, signature } => Block::ToolUse {
            id: Cow::Borrowed(id),
            name,
            input: Input::new(arguments),
            signature: signature.as_deref(),
            cache_control: None,
        },
        PartKind::Image { source, .. } => Block::Image { source: WireSource::new(source)?, cache_control: None },
        PartKind::Own { name, value } if is_answer_block(name, value) => Block::Own(Cow::Borrowed(value)),
        _ => return None,
    })
}

/// Whether a part that only one dialect knows is a block of Anthropic's answers, and not another vendor's: the calls of tools
/// that run at Anthropic, what they gave, and what stands between.
fn is_answer_block(name: &str, value: &Value) -> bool {
    let is_named = value.get("type").and_then(Value::as_str) == Some(name);
    let is_known = matches!(name, "compaction" | "container_upload" | "fallback" | "connector_text");
    is_named && (is_known || name.ends_with("_tool_use") || name.ends_with("_tool_result"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
