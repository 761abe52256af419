//! Writes the body of `POST /v1/chat/completions` for a vendor.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Number, Value, json};

use super::quirks::{Quirks, Thinking};
use super::request_reader::OWN_FIELDS;
use super::{message_writer, tools};
use crate::canonical::{ChatRequest, Effort, OutputFormat, Reasoning, Unsupported};
use crate::dialect::DialectId;

/// The longest name of a customer that OpenAI takes.
const MAX_USER_CHARS: usize = 64;

/// Writes a body.
pub fn write(request: &ChatRequest, quirks: &Quirks, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let mut body = Map::new();
    body.insert("model".to_owned(), request.model.as_str().into());
    body.insert("messages".to_owned(), message_writer::write(request, quirks, unsupported)?.into());
    tools::write(request, quirks, unsupported, &mut body)?;
    write_sampling(request, quirks, unsupported, &mut body)?;
    write_format(&request.output_format, &mut body);
    if let Some(reasoning) = &request.reasoning {
        write_reasoning(reasoning, request.source, quirks, unsupported, &mut body)?;
    }
    write_the_rest(request, quirks, unsupported, &mut body)?;
    write_own(request, quirks, unsupported, &mut body)?;
    for (name, value) in &request.extra {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn write_sampling(
    request: &ChatRequest,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let most = if quirks.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    let number = |number: &Option<Number>| number.clone().map(Value::Number);
    let fields = [
        (most, request.max_output_tokens.map(Value::from)),
        ("temperature", number(&request.temperature)),
        ("top_p", number(&request.top_p)),
        ("frequency_penalty", number(&request.frequency_penalty)),
        ("presence_penalty", number(&request.presence_penalty)),
        (quirks.seed, request.seed.map(Value::from)),
        ("stop", (!request.stop.is_empty()).then(|| request.stop.clone().into())),
        ("n", request.answers.map(Value::from)),
        ("logprobs", request.logprobs.map(Value::from)),
        ("top_logprobs", request.top_logprobs.map(Value::from)),
        ("logit_bias", request.logit_bias.clone().map(Value::Object)),
    ];
    body.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    match request.top_k {
        Some(k) if quirks.top_k => drop(body.insert("top_k".to_owned(), k.into())),
        Some(_) => unsupported.refuse(if request.source == DialectId::GeminiGenerate {
            "generationConfig.topK"
        } else {
            "top_k"
        })?,
        None => {}
    }
    Ok(())
}

fn write_format(format: &OutputFormat, body: &mut Map<String, Value>) {
    let value = match format {
        OutputFormat::Text => return,
        OutputFormat::JsonObject => json!({"type": "json_object"}),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let mut form = Map::new();
            form.insert("name".to_owned(), name.as_str().into());
            form.extend(description.as_ref().map(|text| ("description".to_owned(), text.as_str().into())));
            form.insert("schema".to_owned(), schema.clone());
            form.extend(strict.map(|strict| ("strict".to_owned(), strict.into())));
            json!({"type": "json_schema", "json_schema": form})
        }
    };
    body.insert("response_format".to_owned(), value);
}

fn write_reasoning(
    reasoning: &Reasoning,
    source: DialectId,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let effort = reasoning.effort.or_else(|| reasoning.budget_tokens.map(Effort::of_budget));
    // Models that do not think refuse the very word, so "do not think" is said only by those who speak of effort themselves.
    let is_openais = matches!(source, DialectId::OpenAiChat | DialectId::OpenAiResponses);
    if effort == Some(Effort::None) && !is_openais {
        return Ok(());
    }
    match quirks.thinking {
        Thinking::Effort => body.extend(effort.map(|effort| ("reasoning_effort".to_owned(), effort.name().into()))),
        Thinking::Reasoning => {
            let mut members = Map::new();
            match (reasoning.effort, reasoning.budget_tokens) {
                (_, Some(tokens)) => drop(members.insert("max_tokens".to_owned(), tokens.into())),
                (Some(effort), None) => drop(members.insert("effort".to_owned(), effort.name().into())),
                (None, None) => drop(members.insert("enabled".to_owned(), true.into())),
            }
            if reasoning.show == Some(false) {
                members.insert("exclude".to_owned(), true.into());
            }
            body.insert("reasoning".to_owned(), members.into());
        }
        Thinking::Switch => {
            let kind = if effort == Some(Effort::None) { "disabled" } else { "enabled" };
            body.insert("thinking".to_owned(), json!({"type": kind}));
        }
        // As the model likes: one that does not think likes none.
        Thinking::Unknown if effort.is_none() || reasoning.is_adaptive => {}
        Thinking::Unknown => unsupported.refuse(match source {
            DialectId::AnthropicMessages => "thinking",
            DialectId::GeminiGenerate => "generationConfig.thinkingConfig",
            DialectId::OpenAiResponses => "reasoning",
            _ => "reasoning_effort",
        })?,
    }
    Ok(())
}

fn write_the_rest(
    request: &ChatRequest,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    if !request.modalities.is_empty() && request.modalities != ["text"] {
        body.insert("modalities".to_owned(), request.modalities.clone().into());
    }
    body.extend(request.audio.clone().map(|audio| ("audio".to_owned(), audio)));
    if let Some(user) = &request.user {
        // OpenAI refuses longer ones, which Anthropic's clients do send.
        if request.source == DialectId::OpenAiChat || user.chars().count() <= MAX_USER_CHARS {
            body.insert("user".to_owned(), user.as_str().into());
        } else {
            unsupported.refuse("user")?;
        }
    }
    if let Some(metadata) = &request.metadata {
        if quirks.own_fields {
            body.insert("metadata".to_owned(), metadata.clone().into());
        } else {
            unsupported.refuse("metadata")?;
        }
    }
    if let Some(tier) = &request.service_tier {
        match tier_of(tier, request.source) {
            Some(tier) => drop(body.insert("service_tier".to_owned(), tier.into())),
            None => unsupported.refuse("service_tier")?,
        }
    }
    if request.stream {
        body.insert("stream".to_owned(), true.into());
    }
    Ok(())
}

/// Anthropic's word for "no priority" is OpenAI's `default`; other words of other dialects mean nothing here.
fn tier_of(tier: &str, source: DialectId) -> Option<&str> {
    let is_openais =
        matches!(source, DialectId::OpenAiChat | DialectId::OpenAiResponses | DialectId::OpenAiCompletions);
    match tier {
        "standard_only" => Some("default"),
        "auto" | "default" | "flex" | "priority" | "scale" => Some(tier),
        _ => is_openais.then_some(tier),
    }
}

/// What only OpenAI's family knows.
fn write_own(
    request: &ChatRequest,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let is_family = matches!(request.source, DialectId::OpenAiChat | DialectId::OpenAiResponses);
    for (name, value) in request.own.iter().filter(|(name, _)| *name != "stream_options") {
        // Words of another interface of OpenAI's have a place here only where they are this one's too.
        let is_here = request.source == DialectId::OpenAiChat || (is_family && OWN_FIELDS.contains(&name.as_str()));
        let is_extra = OWN_FIELDS.contains(&name.as_str());
        if is_here && (quirks.own_fields || !is_extra) {
            body.insert(name.clone(), value.clone());
        } else {
            unsupported.refuse(name)?;
        }
    }
    if !request.stream {
        return Ok(());
    }
    let mut options = Map::new();
    if quirks.asks_stream_usage {
        options.insert("include_usage".to_owned(), true.into());
    }
    if let Some(Value::Object(more)) = request.own.get("stream_options").filter(|_| quirks.own_fields && is_family) {
        options.extend(more.clone());
    }
    if !options.is_empty() {
        body.insert("stream_options".to_owned(), options.into());
    }
    Ok(())
}
