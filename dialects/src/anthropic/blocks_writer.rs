//! Messages of a request for Anthropic: roles that alternate, results of tools first, no empty texts, no foreign thoughts.

use std::borrow::Cow;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::block::{Block, CacheControl, Content, Enabled, Input, WireSource};
use crate::{
    canonical::{CacheMark, ChatRequest, Message, Part, PartKind, Role, Unsupported, param_name},
    dialect::DialectId,
    gemini::signature::is_marked,
};

/// How OpenAI's encrypted thoughts begin: they are Fernet tokens, whose first byte is 0x80, followed by a time.
const OPENAI_THOUGHTS: &str = "gAAAA";

/// One message as it is written.
#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(flatten)]
    own: Map<String, Value>,
}

/// Writes what a conversation says; the system's messages are not in it.
pub(super) fn write_messages<'a>(
    request: &'a ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Vec<WireMessage<'a>>, ApiError> {
    let mut turns: Vec<(&'static str, Vec<Block<'a>>, Map<String, Value>)> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let role = match message.role {
            Role::System | Role::Developer => continue,
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let own = own_fields(request, message, at, unsupported)?;
        let mut writer = BlockWriter { request, at, unsupported };
        let blocks = writer.blocks(&message.parts)?;
        match turns.last_mut() {
            Some((last, all, all_own)) if *last == role => {
                all.extend(blocks);
                all_own.extend(own);
            }
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks, own)),
        }
    }
    if turns.is_empty() {
        let param = param_name(request.source, "messages");
        return Err(unsupported.impossible(param, "a request without any message but the system's"));
    }
    if let Some(("assistant", blocks, _)) = turns.last_mut() {
        trim_end(blocks);
    }
    Ok(turns.into_iter().map(|(role, blocks, own)| WireMessage { role, content: content(role, blocks), own }).collect())
}

/// The system prompt: the texts of all system and developer messages in their order.
pub(super) fn write_system<'a>(
    request: &'a ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Content<'a>>, ApiError> {
    let mut blocks = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        if matches!(message.role, Role::System | Role::Developer) {
            own_fields(request, message, at, unsupported)?;
            let mut writer = BlockWriter { request, at, unsupported };
            blocks.extend(writer.blocks(&message.parts)?);
        }
    }
    Ok((!blocks.is_empty()).then(|| short(blocks)))
}

/// A turn's blocks, where Anthropic wants results of tools before all else.
fn content<'a>(role: &str, mut blocks: Vec<Block<'a>>) -> Content<'a> {
    if role == "user" {
        blocks.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
    }
    short(blocks)
}

/// One plain text stands as a string.
fn short(blocks: Vec<Block<'_>>) -> Content<'_> {
    match blocks.as_slice() {
        [Block::Text { text, citations, cache_control: None }] if citations.is_empty() => Content::Text(text),
        _ => Content::Blocks(blocks),
    }
}

/// Anthropic refuses a begun answer that ends in white space.
fn trim_end(blocks: &mut [Block<'_>]) {
    if let Some(Block::Text { text, .. }) = blocks.last_mut() {
        *text = text.trim_end();
    }
}

/// What only the source dialect knows about a message; OpenAI's `name` has no place and is noted as left out.
fn own_fields(
    request: &ChatRequest,
    message: &Message,
    at: usize,
    unsupported: &mut Unsupported<'_>,
) -> Result<Map<String, Value>, ApiError> {
    let list = param_name(request.source, "messages");
    if message.name.is_some() {
        unsupported.dropped.push(format!("{list}[{at}].name"));
    }
    if request.source == DialectId::AnthropicMessages {
        return Ok(message.own.clone());
    }
    message.own.keys().try_for_each(|name| unsupported.refuse(&format!("{list}[{at}].{name}")))?;
    Ok(Map::new())
}

/// Writes the parts of one message.
struct BlockWriter<'w, 'u, 'a> {
    request: &'a ChatRequest,
    at: usize,
    unsupported: &'w mut Unsupported<'u>,
}

impl<'a> BlockWriter<'_, '_, 'a> {
    fn blocks(&mut self, parts: &'a [Part]) -> Result<Vec<Block<'a>>, ApiError> {
        let mut blocks = Vec::with_capacity(parts.len());
        for part in parts {
            blocks.extend(self.block(part)?);
        }
        Ok(blocks)
    }

    /// `None` for what is left out: texts of white space only, which Anthropic refuses, and thoughts that are not its own.
    fn block(&mut self, part: &'a Part) -> Result<Option<Block<'a>>, ApiError> {
        let cache_control = CacheControl::new(part.cache.as_ref());
        Ok(Some(match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal { text } if text.trim().is_empty() => return Ok(None),
            PartKind::Text { text, citations } => {
                // Only Anthropic's own citations can be sent back.
                let is_own = self.request.source == DialectId::AnthropicMessages;
                let own = citations.iter().filter(|_| is_own).filter_map(|citation| citation.own.clone());
                Block::Text { text, citations: own.collect(), cache_control }
            }
            PartKind::Refusal { text } => Block::Text { text, citations: Vec::new(), cache_control },
            PartKind::Image { source, detail } => {
                if detail.is_some() {
                    self.unsupported.dropped.push(format!("{}.detail", self.param()));
                }
                let source = WireSource::new(source).ok_or_else(|| self.impossible("an image from there"))?;
                Block::Image { source, cache_control }
            }
            PartKind::Document { source, title, citations } => Block::Document {
                source: WireSource::of_document(source)
                    .ok_or_else(|| self.impossible("a document that is neither PDF nor text"))?,
                title: title.as_deref(),
                citations: citations.then_some(Enabled { enabled: true }),
                cache_control,
            },
            PartKind::Audio { .. } => return Err(self.impossible("sound")),
            PartKind::Video { .. } => return Err(self.impossible("a film")),
            PartKind::ToolCall { id, name, arguments, .. } => Block::ToolUse {
                id: tool_id(id),
                name,
                input: self.input(name, arguments)?,
                signature: None,
                cache_control,
            },
            PartKind::ToolResult { call_id, parts, is_error, .. } => {
                let blocks = self.blocks(parts)?;
                let content = match (blocks.is_empty(), *is_error) {
                    (false, _) => Some(short(blocks)),
                    // Anthropic wants an error to say something.
                    (true, true) => Some(Content::Text("error")),
                    (true, false) => None,
                };
                Block::ToolResult { tool_use_id: tool_id(call_id), content, is_error: *is_error, cache_control }
            }
            PartKind::Reasoning { text, signature, encrypted } => {
                return Ok(Self::thoughts(text, signature.as_deref(), encrypted.as_deref()));
            }
            PartKind::Own { value, name } => {
                if self.request.source != DialectId::AnthropicMessages {
                    return Err(self.impossible(&format!("`{name}`")));
                }
                Block::Own(with_cache(value, part.cache.as_ref()))
            }
        }))
    }

    /// Anthropic takes back what it can prove to be its own: thoughts without a signature are another vendor's, and so are
    /// those whose signature is marked as one's.
    fn thoughts(text: &'a str, signature: Option<&'a str>, encrypted: Option<&'a str>) -> Option<Block<'a>> {
        match (signature.filter(|text| !text.is_empty() && !is_marked(text)), encrypted) {
            (Some(signature), _) => Some(Block::Thinking { thinking: text, signature }),
            (None, Some(data)) if text.is_empty() && !data.starts_with(OPENAI_THOUGHTS) => {
                Some(Block::RedactedThinking { data })
            }
            (None, _) => None,
        }
    }

    fn input(&self, name: &str, arguments: &'a str) -> Result<Input<'a>, ApiError> {
        match Input::new(arguments) {
            Input::Text(_) => {
                let message = format!("The arguments of the call of `{name}` must be a JSON object.");
                Err(ApiError::about(ErrorCode::InvalidRequest, self.param(), message))
            }
            input => Ok(input),
        }
    }

    fn param(&self) -> String {
        format!("{}[{}]", param_name(self.request.source, "messages"), self.at)
    }

    fn impossible(&self, what: &str) -> ApiError {
        self.unsupported.impossible(&self.param(), what)
    }
}

/// Anthropic's ids have letters, digits, `_` and `-`; other vendors' ids may have more. The same id always becomes the same.
fn tool_id(id: &str) -> Cow<'_, str> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(is_fine) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if is_fine(c) { c } else { '_' }).collect())
}

/// The block as it came, with the mark that was taken out of it.
fn with_cache<'a>(value: &'a Value, cache: Option<&CacheMark>) -> Cow<'a, Value> {
    let Some(mark) = cache else { return Cow::Borrowed(value) };
    let mut value = value.clone();
    if let (Some(fields), Ok(mark)) = (value.as_object_mut(), serde_json::to_value(CacheControl::new(Some(mark)))) {
        fields.insert("cache_control".to_owned(), mark);
    }
    Cow::Owned(value)
}
