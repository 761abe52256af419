//! A request to the Gemini API or to Vertex AI.

use deltallm_shared::error::ApiError;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    contents_writer::ContentsWriter, request_reader::GENERATION_CONFIG, thinking, tools, wire::WrittenContent,
};
use crate::{
    canonical::{ChatRequest, OutputFormat, Unsupported},
    dialect::DialectId,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<WrittenContent<'a>>,
    contents: Vec<WrittenContent<'a>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Writes the body. The model and whether a stream is wanted stand in the path.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let mut rest = Map::new();
    let tools = tools::write(request, unsupported)?;
    if !tools.is_empty() {
        rest.insert("tools".to_owned(), Value::Array(tools));
    }
    if let Some(config) = tools::write_config(request, unsupported)? {
        rest.insert("toolConfig".to_owned(), config);
    }
    let config = generation_config(request, unsupported)?;
    if !config.is_empty() {
        rest.insert("generationConfig".to_owned(), Value::Object(config));
    }
    match request.service_tier.as_deref() {
        None | Some("auto" | "default") => {}
        Some(tier @ ("flex" | "priority")) => drop(rest.insert("serviceTier".to_owned(), json!(tier))),
        Some(tier) if request.source == DialectId::GeminiGenerate => {
            rest.insert("serviceTier".to_owned(), json!(tier));
        }
        Some(_) => unsupported.refuse("service_tier")?,
    }
    unsupported.refuse_if(request.user.is_some(), "user")?;
    unsupported.refuse_if(request.metadata.is_some(), "metadata")?;
    unsupported.refuse_if(request.logit_bias.is_some(), "logit_bias")?;
    if request.source == DialectId::GeminiGenerate {
        let inside = |name: &str| name.starts_with(GENERATION_CONFIG) || tools::is_inside(name);
        let own = request.own.iter().filter(|(name, _)| !inside(name));
        rest.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    } else {
        unsupported.refuse_own(request)?;
    }
    add_extra(&request.extra, &mut rest);
    let (system_instruction, contents) = ContentsWriter::new(request, unsupported).write()?;
    let body = Body { system_instruction, contents, rest };
    serde_json::to_vec(&body).map_err(|error| {
        ApiError::new(
            deltallm_shared::error::ErrorCode::InternalError,
            format!("The request cannot be written: {error}."),
        )
    })
}

fn generation_config(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Map<String, Value>, ApiError> {
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| config.extend(value.map(|value| (name.to_owned(), value)));
    let number = |number: &Option<serde_json::Number>| number.clone().map(Value::Number);
    set("maxOutputTokens", request.max_output_tokens.map(Value::from));
    set("temperature", number(&request.temperature));
    set("topP", number(&request.top_p));
    set("topK", request.top_k.map(Value::from));
    set("candidateCount", request.answers.filter(|answers| *answers != 1).map(Value::from));
    set("stopSequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("seed", request.seed.map(Value::from));
    set("presencePenalty", number(&request.presence_penalty));
    set("frequencyPenalty", number(&request.frequency_penalty));
    set("responseLogprobs", request.logprobs.map(Value::from));
    set("logprobs", request.top_logprobs.filter(|count| *count > 0).map(Value::from));
    let modalities: Vec<String> = request.modalities.iter().map(|name| name.to_ascii_uppercase()).collect();
    set("responseModalities", (!modalities.is_empty()).then(|| json!(modalities)));
    set("thinkingConfig", thinking::write(request, unsupported)?);
    match &request.output_format {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => set("responseMimeType", Some(json!("application/json"))),
        OutputFormat::JsonSchema { schema, .. } => {
            set("responseMimeType", Some(json!("application/json")));
            set("responseJsonSchema", Some(schema.clone()));
        }
    }
    if let Some(audio) = &request.audio {
        let format = audio.get("format").and_then(Value::as_str);
        unsupported.refuse_if(format.is_some_and(|format| format != "pcm16"), "audio.format")?;
        let voice = audio.get("voice").filter(|voice| voice.is_string());
        let speech = |voice: &Value| json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}});
        set("speechConfig", voice.map(speech));
    }
    if request.source == DialectId::GeminiGenerate {
        config.extend(tools::own_members(request, GENERATION_CONFIG));
    }
    Ok(config)
}

/// Adds the fields that the caller meant for the vendor: as they are, and what Google's OpenAI surface takes in
/// `extra_body.google`.
fn add_extra(extra: &Map<String, Value>, body: &mut Map<String, Value>) {
    for (name, value) in extra {
        match (name.as_str(), value) {
            ("extra_body", Value::Object(inner)) if inner.contains_key("google") => add_extra(inner, body),
            ("google", Value::Object(google)) => {
                for (name, value) in google {
                    match name.as_str() {
                        "thinking_config" | "thinkingConfig" => {
                            merge(body, "generationConfig", json!({ "thinkingConfig": camel_members(value) }));
                        }
                        "cached_content" => merge(body, "cachedContent", value.clone()),
                        "safety_settings" => merge(body, "safetySettings", value.clone()),
                        _ => merge(body, name, value.clone()),
                    }
                }
            }
            ("generation_config", _) => merge(body, "generationConfig", value.clone()),
            ("tool_config", _) => merge(body, "toolConfig", value.clone()),
            _ => merge(body, name, value.clone()),
        }
    }
}

/// Protobuf takes both spellings, but not both of one field.
fn camel_members(value: &Value) -> Value {
    let Some(fields) = value.as_object() else { return value.clone() };
    let spelled = |name: &str| match name {
        "thinking_budget" => "thinkingBudget".to_owned(),
        "thinking_level" => "thinkingLevel".to_owned(),
        "include_thoughts" => "includeThoughts".to_owned(),
        name => name.to_owned(),
    };
    fields.iter().map(|(name, value)| (spelled(name), value.clone())).collect()
}

/// Sets a field; members of an object are set one by one.
fn merge(body: &mut Map<String, Value>, name: &str, value: Value) {
    match (body.get_mut(name), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| merge(known, &name, value));
        }
        (_, value) => drop(body.insert(name.to_owned(), value)),
    }
}
