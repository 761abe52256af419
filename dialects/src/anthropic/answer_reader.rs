//! A whole answer of Anthropic's: from its body to the canonical form.

use deltallm_shared::pricing::Usage;
use serde::Deserialize;
use sonic_rs::LazyValue;

use super::{
    citations, stop_reason,
    usage::{self, WireUsage},
};
use crate::{
    canonical::{Answer, Choice, Part, PartKind},
    dialect::Unreadable,
};

#[derive(Deserialize)]
struct WireAnswer<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow)]
    content: Vec<LazyValue<'a>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop_sequence: Option<String>,
    #[serde(default, borrow)]
    usage: Option<LazyValue<'a>>,
}

/// The fields of all blocks that have a place in the canonical form; arguments stay text.
#[derive(Deserialize)]
struct WireBlock<'a> {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    citations: Option<Vec<serde_json::Value>>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, borrow)]
    input: Option<LazyValue<'a>>,
}

/// What a whole answer consumed, without looking at the rest: for answers that pass through.
pub(super) fn usage_of(body: &[u8]) -> Option<Usage> {
    let body = std::str::from_utf8(body).ok()?;
    WireUsage::read(sonic_rs::get(body, ["usage"]).ok()?.as_raw_str()).usage()
}

fn unreadable(reason: &dyn std::error::Error) -> Unreadable {
    Unreadable::new(format!("no message of Anthropic's: {reason}"))
}

/// Reads the body of an answer.
pub(super) fn read(body: &[u8]) -> Result<Answer, Unreadable> {
    // The parser hands out pieces of the text without looking at their UTF-8.
    let body = std::str::from_utf8(body).map_err(|e| unreadable(&e))?;
    let wire: WireAnswer<'_> = sonic_rs::from_str(body).map_err(|e| unreadable(&e))?;
    let usage = wire.usage.map(|raw| WireUsage::read(raw.as_raw_str())).unwrap_or_default();
    let choice = Choice {
        parts: wire.content.iter().filter_map(|raw| read_block(raw.as_raw_str())).map(Part::from).collect(),
        stop: wire.stop_reason.map(|reason| stop_reason::read(&reason, wire.stop_sequence)),
        logprobs: None,
    };
    Ok(Answer {
        id: wire.id.unwrap_or_default(),
        model: wire.model.unwrap_or_default(),
        created: None,
        choices: vec![choice],
        usage: usage.usage(),
        service_tier: usage.service_tier.map(usage::tier),
        fingerprint: None,
    })
}

/// One block; `None` for what is no block. Blocks that only Anthropic knows (its own tools and what they gave) stay whole.
pub(super) fn read_block(raw: &str) -> Option<PartKind> {
    let own = || {
        let value: serde_json::Value = serde_json::from_str(raw).ok()?;
        let name = value.get("type")?.as_str()?.to_owned();
        Some(PartKind::Own { name, value })
    };
    // A block of a type to come may use a known name for something else.
    let Ok(block) = sonic_rs::from_str::<WireBlock<'_>>(raw) else { return own() };
    match block.r#type.as_str() {
        "text" => Some(PartKind::Text {
            text: block.text.unwrap_or_default(),
            citations: block.citations.unwrap_or_default().into_iter().map(citations::read).collect(),
        }),
        "thinking" => Some(PartKind::Reasoning {
            text: block.thinking.unwrap_or_default(),
            signature: block.signature.filter(|signature| !signature.is_empty()),
            encrypted: None,
        }),
        "redacted_thinking" => {
            Some(PartKind::Reasoning { text: String::new(), signature: None, encrypted: Some(block.data?) })
        }
        "tool_use" => Some(PartKind::ToolCall {
            id: block.id.unwrap_or_default(),
            name: block.name.unwrap_or_default(),
            arguments: block.input.map(|input| input.as_raw_str().to_owned()).unwrap_or_default(),
            signature: None,
        }),
        _ => own(),
    }
}
