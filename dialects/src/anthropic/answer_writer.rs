//! A whole answer for a client that speaks Anthropic.

use serde::Serialize;

use super::{
    block::{self, Block},
    stop_reason,
    usage::UsageOut,
};
use crate::{
    canonical::{Answer, Choice, PartKind},
    dialect::Asked,
};

#[derive(Serialize)]
struct WireAnswer<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: UsageOut<'a>,
}

/// Writes the body of an answer. Anthropic has one choice; others are not written.
pub(super) fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let none = Choice::default();
    let choice = answer.choices.first().unwrap_or(&none);
    let has = |is: fn(&PartKind) -> bool| choice.parts.iter().any(|part| is(&part.kind));
    let (stop_reason, stop_sequence) = stop_reason::write(
        choice.stop.as_ref(),
        has(|kind| matches!(kind, PartKind::ToolCall { .. })),
        has(|kind| matches!(kind, PartKind::Refusal { .. })),
    );
    let id = id(&answer.id, asked);
    let wire = WireAnswer {
        id: &id,
        r#type: "message",
        role: "assistant",
        model: model(&answer.model, asked),
        content: choice.parts.iter().filter_map(block::of_answer).collect(),
        stop_reason,
        stop_sequence,
        usage: UsageOut::new(&answer.usage.unwrap_or_default(), answer.service_tier.as_deref()),
    };
    // A struct of texts and numbers always has a JSON form.
    serde_json::to_vec(&wire).unwrap_or_default()
}

/// The vendor's id, or one of ours in Anthropic's form.
pub(super) fn id(vendors: &str, asked: &Asked) -> String {
    if vendors.is_empty() { format!("msg_{}", asked.unique) } else { vendors.to_owned() }
}

/// The public name, which the client asked for.
pub(super) fn model<'a>(vendors: &'a str, asked: &'a Asked) -> &'a str {
    if asked.model.is_empty() { vendors } else { &asked.model }
}
