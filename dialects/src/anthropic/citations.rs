//! What a text is based on, as Anthropic says it (`TextCitation`): places in documents and pages of a web search.

use serde_json::{Value, json};

use crate::canonical::Citation;

/// Every kind of place that Anthropic documents.
const KINDS: [&str; 5] = [
    "char_location",
    "content_block_location",
    "page_location",
    "search_result_location",
    "web_search_result_location",
];

/// Reads a citation; it also keeps its own form.
pub(super) fn read(value: Value) -> Citation {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let title = text("title").or_else(|| text("document_title"));
    let source = text("source").filter(|source| source.starts_with("http"));
    Citation {
        url: text("url").or(source),
        title,
        cited_text: text("cited_text"),
        // Anthropic's indices are places in the source, not in the answer.
        start: None,
        end: None,
        own: Some(value),
    }
}

/// Writes a citation: as it came where it is Anthropic's, as a page where it has an address, else as a document's place that
/// is not known (from 0 to 0). `None` for one that says nothing.
pub(super) fn write(citation: &Citation) -> Option<Value> {
    if let Some(own) = &citation.own
        && own.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind))
    {
        return Some(own.clone());
    }
    let cited_text = citation.cited_text.as_deref().unwrap_or_default();
    match (&citation.url, &citation.title) {
        (Some(url), title) => Some(json!({
            "type": "web_search_result_location",
            "url": url,
            "title": title,
            "cited_text": cited_text,
            "encrypted_index": "",
        })),
        (None, None) if cited_text.is_empty() => None,
        (None, title) => Some(json!({
            "type": "char_location",
            "cited_text": cited_text,
            "document_index": 0,
            "document_title": title,
            "start_char_index": 0,
            "end_char_index": 0,
            "file_id": null,
        })),
    }
}
