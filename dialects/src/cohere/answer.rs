//! Reads a whole answer of `POST /v2/chat`.

use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::usage::WireUsage;
use crate::{
    canonical::{Answer, Choice, Citation, Part, PartKind, StopReason},
    dialect::Unreadable,
};

#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default)]
    id: String,
    finish_reason: Option<String>,
    message: WireMessage,
    usage: Option<WireUsage>,
    #[serde(default)]
    logprobs: Option<Vec<LogprobItem>>,
}

#[derive(Deserialize)]
struct WireMessage {
    content: Option<Vec<WirePart>>,
    tool_plan: Option<String>,
    tool_calls: Option<Vec<WireCall>>,
    citations: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct WirePart {
    text: Option<String>,
    thinking: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireCall {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) function: CalledFunction,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CalledFunction {
    pub(super) name: String,
    pub(super) arguments: String,
}

/// A piece of text and its tokens.
#[derive(Deserialize)]
pub(super) struct LogprobItem {
    text: Option<String>,
    #[serde(default)]
    logprobs: Vec<Number>,
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Answer, Unreadable> {
    let wire: WireAnswer = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    let WireMessage { content, tool_plan, tool_calls, citations } = wire.message;
    let mut parts: Vec<Part> = Vec::new();
    // The number of each piece of content among the parts.
    let mut places = Vec::new();
    for piece in content.into_iter().flatten() {
        let kind = match (piece.text, piece.thinking) {
            (Some(text), _) => PartKind::Text { text, citations: Vec::new() },
            (None, Some(text)) => PartKind::Reasoning { text, signature: None, encrypted: None },
            (None, None) => {
                places.push(None);
                continue;
            }
        };
        places.push(Some(parts.len()));
        parts.push(kind.into());
    }
    let plan = tool_plan.filter(|plan| !plan.is_empty()).map(|plan| {
        parts.push(Part::text(plan));
        parts.len() - 1
    });
    for own in citations.into_iter().flatten() {
        let at = match own["type"].as_str() {
            Some("PLAN") => plan,
            _ => {
                let index = own["content_index"].as_u64().and_then(|index| usize::try_from(index).ok());
                let first = places.iter().position(|place| place.is_some_and(|at| parts[at].kind.as_text().is_some()));
                index.or(first).and_then(|index| places.get(index).copied().flatten()).or(plan)
            }
        };
        if let Some(PartKind::Text { citations, .. }) = at.map(|at| &mut parts[at].kind) {
            citations.extend(read_citations(own));
        }
    }
    for WireCall { id, function: CalledFunction { name, arguments } } in tool_calls.into_iter().flatten() {
        parts.push(PartKind::ToolCall { id, name, arguments, signature: None }.into());
    }
    let logprobs = wire.logprobs.map(|items| json!({ "content": logprobs(items) }));
    Ok(Answer {
        id: wire.id,
        choices: vec![Choice { parts, stop: wire.finish_reason.map(stop_reason), logprobs }],
        usage: wire.usage.map(WireUsage::into_usage),
        ..Answer::default()
    })
}

pub(super) fn stop_reason(word: String) -> StopReason {
    match word.as_str() {
        "COMPLETE" => StopReason::End,
        "STOP_SEQUENCE" => StopReason::StopSequence(None),
        "MAX_TOKENS" => StopReason::Length,
        "TOOL_CALL" => StopReason::ToolCalls,
        "ERROR_TOXIC" => StopReason::ContentFilter,
        "ERROR_LIMIT" => StopReason::ContextWindow,
        _ => StopReason::Other(word),
    }
}

/// One for each source. The `text` of a citation is the answer's own: what is cited stands in the source.
pub(super) fn read_citations(own: Value) -> Vec<Citation> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (start, end) = (own["start"].as_u64(), own["end"].as_u64());
    let mut citations: Vec<Citation> = own["sources"].as_array().map_or_else(Vec::new, |sources| {
        let of_source = |source: &Value| {
            let document = if source["document"].is_object() { &source["document"] } else { &source["tool_output"] };
            Citation {
                url: text(&document["url"]),
                title: text(&document["title"]),
                cited_text: text(&document["text"]).or_else(|| text(&document["snippet"])),
                start,
                end,
                own: None,
            }
        };
        sources.iter().map(of_source).collect()
    });
    if citations.is_empty() {
        citations.push(Citation { start, end, ..Citation::default() });
    }
    citations[0].own = Some(own);
    citations
}

/// In OpenAI's form. Where one text has several tokens Cohere does not say which part of it is whose: the first has all.
pub(super) fn logprobs(items: Vec<LogprobItem>) -> Vec<Value> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let mut text = item.text.unwrap_or_default();
        for logprob in item.logprobs {
            let token = std::mem::take(&mut text);
            let bytes = token.as_bytes().to_vec();
            all.push(json!({ "token": token, "logprob": logprob, "bytes": bytes, "top_logprobs": [] }));
        }
    }
    all
}
