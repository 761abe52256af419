//! Content blocks of a request, as Anthropic's Messages API documents them (`ContentBlockParam`): from JSON to parts.

use deltallm_shared::error::ApiError;
use serde_json::Value;

use super::{
    citations,
    json_object::{Object, Path},
};
use crate::canonical::{CacheMark, Part, PartKind, Source};

/// What a message holds: a text, or blocks.
pub(super) fn read_content(value: Option<Value>, path: Path<'_>) -> Result<Vec<Part>, ApiError> {
    let blocks = match value {
        Some(Value::String(text)) => return Ok(vec![Part::text(text)]),
        Some(Value::Array(blocks)) => blocks,
        _ => return Err(path.must_be("a string or a list of content blocks")),
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        read_block(block, Path::Item(&path, at), &mut parts)?;
    }
    Ok(parts)
}

/// One block; most are one part.
fn read_block(value: Value, path: Path<'_>, parts: &mut Vec<Part>) -> Result<(), ApiError> {
    let mut block = Object::new(value, path)?;
    let cache = read_cache(&mut block)?;
    let kind = match block.get("type").and_then(Value::as_str) {
        Some("text") => PartKind::Text { text: block.text("text")?, citations: read_citations(&mut block)? },
        Some("image") => match read_source(&mut block, path)? {
            Some(source) => PartKind::Image { source, detail: None },
            None => own(block)?,
        },
        Some("document") => return read_document(block, path, cache, parts),
        Some("tool_use") => PartKind::ToolCall {
            id: block.text("id")?,
            name: block.text("name")?,
            arguments: read_input(&mut block)?,
            // Not Anthropic's: our own answers carry another vendor's proof there.
            signature: block.optional_text("signature")?,
        },
        Some("tool_result") => PartKind::ToolResult {
            call_id: block.text("tool_use_id")?,
            name: None,
            parts: match block.take("content") {
                None => Vec::new(),
                content => read_content(content, Path::Field(&path, "content"))?,
            },
            is_error: block.optional_bool("is_error")?.unwrap_or(false),
        },
        Some("thinking") => PartKind::Reasoning {
            text: block.text("thinking")?,
            signature: block.optional_text("signature")?.filter(|signature| !signature.is_empty()),
            encrypted: None,
        },
        Some("redacted_thinking") => {
            PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some(block.text("data")?) }
        }
        Some(_) => own(block)?,
        None => return Err(block.must_be("type", "a string")),
    };
    parts.push(Part { kind, cache });
    Ok(())
}

/// A block that only Anthropic knows: search results, the tools that run at Anthropic and what they gave.
fn own(block: Object<'_>) -> Result<PartKind, ApiError> {
    let error = block.must_be("type", "a string");
    let value = Value::Object(block.rest());
    let name = value.get("type").and_then(Value::as_str).ok_or(error)?.to_owned();
    Ok(PartKind::Own { name, value })
}

/// A document. Its `context`, which is shown to the model but never cited, becomes a text before it.
fn read_document(
    mut block: Object<'_>,
    path: Path<'_>,
    cache: Option<CacheMark>,
    parts: &mut Vec<Part>,
) -> Result<(), ApiError> {
    let Some(source) = read_source(&mut block, path)? else {
        parts.push(Part { kind: own(block)?, cache });
        return Ok(());
    };
    parts.extend(block.optional_text("context")?.filter(|context| !context.is_empty()).map(Part::text));
    let title = block.optional_text("title")?;
    let citations = block.get("citations").and_then(|value| value.get("enabled")).and_then(Value::as_bool);
    let citations = citations.unwrap_or(false);
    parts.push(Part { kind: PartKind::Document { source, title, citations }, cache });
    Ok(())
}

/// The source of an image or document; `None`, and the block as it was, where it has a form that only Anthropic knows.
fn read_source(block: &mut Object<'_>, path: Path<'_>) -> Result<Option<Source>, ApiError> {
    let path = Path::Field(&path, "source");
    let kind = block.get("source").and_then(|source| source.get("type")).and_then(Value::as_str);
    let has_parts =
        kind == Some("content") && block.get("source").is_some_and(|source| text_of_source(source).is_none());
    match kind {
        None => return Err(path.must_be("an object with a `type`")),
        Some("base64" | "url" | "text" | "file") => {}
        Some("content") if !has_parts => {}
        Some(_) => return Ok(None),
    }
    let kind = kind.map(str::to_owned);
    let value = block.take("source").unwrap_or_default();
    if kind.as_deref() == Some("content") {
        return Ok(text_of_source(&value).map(|text| Source::Text { text }));
    }
    let mut source = Object::new(value, path)?;
    Ok(Some(match kind.as_deref() {
        Some("base64") => Source::Data { media_type: source.text("media_type")?, data: source.text("data")? },
        Some("url") => Source::of_url(&source.text("url")?),
        Some("text") => Source::Text { text: source.text("data")? },
        _ => Source::File { id: source.text("file_id")? },
    }))
}

/// The text of a source that is made of content blocks, where all of them are text.
fn text_of_source(source: &Value) -> Option<String> {
    match source.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => {
            let texts: Option<Vec<&str>> = blocks.iter().map(|block| block.get("text")?.as_str()).collect();
            Some(texts?.join("\n\n"))
        }
        _ => None,
    }
}

fn read_citations(block: &mut Object<'_>) -> Result<Vec<crate::canonical::Citation>, ApiError> {
    Ok(block.optional_list("citations")?.into_iter().map(citations::read).collect())
}

/// The arguments of a tool call, as JSON text.
fn read_input(block: &mut Object<'_>) -> Result<String, ApiError> {
    match block.take("input") {
        None => Ok(String::new()),
        Some(input @ Value::Object(_)) => Ok(input.to_string()),
        Some(_) => Err(block.must_be("input", "an object")),
    }
}

/// `cache_control` of a block, a tool or the whole request.
pub(super) fn read_cache(block: &mut Object<'_>) -> Result<Option<CacheMark>, ApiError> {
    match block.take("cache_control") {
        None => Ok(None),
        Some(Value::Object(mut fields)) => match fields.remove("ttl") {
            None | Some(Value::Null) => Ok(Some(CacheMark { ttl: None })),
            Some(Value::String(ttl)) => Ok(Some(CacheMark { ttl: Some(ttl) })),
            Some(_) => Err(block.must_be("cache_control.ttl", "`5m` or `1h`")),
        },
        Some(_) => Err(block.must_be("cache_control", "an object")),
    }
}
