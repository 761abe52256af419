//! Reads a whole answer of `Converse`.

use deltallm_shared::pricing::Usage;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::media_format;
use crate::{
    canonical::{Answer, Choice, Citation, Part, PartKind, Source, StopReason},
    dialect::Unreadable,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConverseResponse<'a> {
    #[serde(borrow)]
    output: Output<'a>,
    stop_reason: Option<String>,
    usage: Option<WireUsage>,
    additional_model_response_fields: Option<Value>,
    trace: Option<Trace>,
    service_tier: Option<ServiceTier>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<WireMessage<'a>>,
}

#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow, default)]
    content: Vec<Block<'a>>,
}

/// One of the members is there; an unknown one leaves all empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    reasoning_content: Option<ReasoningContent>,
    citations_content: Option<CitationsContent>,
    image: Option<Image>,
}

#[derive(Deserialize)]
struct ToolUse<'a> {
    #[serde(rename = "toolUseId")]
    id: String,
    name: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    /// `server_tool_use`: Bedrock runs it itself.
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningContent {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    #[serde(default)]
    text: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct CitationsContent {
    #[serde(default)]
    content: Vec<GeneratedText>,
    #[serde(default)]
    citations: Vec<Value>,
}

#[derive(Deserialize)]
struct GeneratedText {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Image {
    format: String,
    source: ImageSource,
}

#[derive(Deserialize)]
struct ImageSource {
    bytes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    prompt_router: Option<PromptRouter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptRouter {
    invoked_model_id: Option<String>,
}

#[derive(Deserialize)]
struct ServiceTier {
    r#type: Option<String>,
}

/// `TokenUsage`: cached tokens are counted beside `inputTokens`, not in them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    cache_details: Option<Vec<CacheDetail>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CacheDetail {
    ttl: String,
    input_tokens: u64,
}

impl WireUsage {
    pub(super) fn into_usage(self) -> Usage {
        let read = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_write_input_tokens.unwrap_or(0);
        let hour = self.cache_details.iter().flatten().filter(|detail| detail.ttl == "1h");
        Usage {
            input_tokens: self.input_tokens.saturating_add(read).saturating_add(written),
            output_tokens: self.output_tokens,
            cached_input_tokens: read,
            cache_creation_tokens: written,
            cache_creation_1h_tokens: hour.map(|detail| detail.input_tokens).sum::<u64>().min(written),
            ..Usage::default()
        }
    }
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Answer, Unreadable> {
    let response: ConverseResponse<'_> =
        serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    let blocks = response.output.message.map(|message| message.content).unwrap_or_default();
    let stop = response.stop_reason.map(|word| stop_reason(word, response.additional_model_response_fields.as_ref()));
    let model = response.trace.and_then(|trace| trace.prompt_router).and_then(|router| router.invoked_model_id);
    Ok(Answer {
        model: model.unwrap_or_default(),
        choices: vec![Choice { parts: blocks.into_iter().filter_map(read_block).collect(), stop, logprobs: None }],
        usage: response.usage.map(WireUsage::into_usage),
        service_tier: response.service_tier.and_then(|tier| tier.r#type),
        ..Answer::default()
    })
}

fn read_block(block: Block<'_>) -> Option<Part> {
    if let Some(text) = block.text {
        return Some(Part::text(text));
    }
    if let Some(call) = block.tool_use.filter(|call| call.r#type.is_none()) {
        let arguments = call.input.map(|input| input.get().to_owned()).unwrap_or_default();
        return Some(PartKind::ToolCall { id: call.id, name: call.name, arguments, signature: None }.into());
    }
    if let Some(thoughts) = block.reasoning_content {
        let (text, signature) =
            thoughts.reasoning_text.map(|thought| (thought.text, thought.signature)).unwrap_or_default();
        return Some(PartKind::Reasoning { text, signature, encrypted: thoughts.redacted_content }.into());
    }
    if let Some(cited) = block.citations_content {
        let text = cited.content.into_iter().map(|piece| piece.text).collect();
        return Some(PartKind::Text { text, citations: cited.citations.into_iter().map(citation).collect() }.into());
    }
    let image = block.image?;
    let media_type = media_format::image_type(&image.format).to_owned();
    let source = Source::Data { media_type, data: image.source.bytes? };
    Some(PartKind::Image { source, detail: None }.into())
}

/// `Citation`, and `CitationsDelta` in a stream.
pub(super) fn citation(own: Value) -> Citation {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let cited = own["sourceContent"].as_array().into_iter().flatten();
    let cited: String = cited.filter_map(|piece| piece["text"].as_str()).collect();
    Citation {
        url: text(&own["location"]["web"]["url"]).or_else(|| text(&own["source"])),
        title: text(&own["title"]),
        cited_text: (!cited.is_empty()).then_some(cited),
        // Its places are those in the source; in the answer it belongs to its whole block.
        start: None,
        end: None,
        own: Some(own),
    }
}

/// `additional`: the model's own fields, where they were asked for.
pub(super) fn stop_reason(word: String, additional: Option<&Value>) -> StopReason {
    match word.as_str() {
        "end_turn" => StopReason::End,
        "tool_use" => StopReason::ToolCalls,
        "max_tokens" => StopReason::Length,
        "stop_sequence" => {
            let text = additional.and_then(|fields| fields["stop_sequence"].as_str());
            StopReason::StopSequence(text.map(str::to_owned))
        }
        "guardrail_intervened" | "content_filtered" => StopReason::ContentFilter,
        "model_context_window_exceeded" => StopReason::ContextWindow,
        "refusal" => StopReason::Refusal,
        "pause_turn" => StopReason::Pause,
        _ => StopReason::Other(word),
    }
}
