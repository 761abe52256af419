//! A client's `GenerateContentRequest`.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Value, json, value::RawValue};

use super::{contents_reader::ContentsReader, object::Object, schema, thinking, tools};
use crate::{
    canonical::{ChatRequest, OutputFormat},
    dialect::DialectId,
};

/// How `own` names a member of `generationConfig` that only Gemini has.
pub(super) const GENERATION_CONFIG: &str = "generationConfig.";

/// Top-level fields that only Gemini has.
const OWN: [&str; 5] = ["safetySettings", "cachedContent", "labels", "modelArmorConfig", "store"];

/// Reads a body. `path_model` may still have `models/` before it.
pub(super) fn read(body: &[u8], path_model: Option<&str>, path_stream: bool) -> Result<ChatRequest, ApiError> {
    let raw: &RawValue = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, format!("The body is not JSON: {error}.")))?;
    read_object(Object::read(raw, "")?, path_model, path_stream)
}

/// The same for an object inside a body.
pub(super) fn read_object(
    mut body: Object<'_>,
    path_model: Option<&str>,
    path_stream: bool,
) -> Result<ChatRequest, ApiError> {
    let mut request = ChatRequest::new(DialectId::GeminiGenerate);
    let body_model = body.take_text("model")?;
    let model = path_model.or(body_model.as_deref()).unwrap_or_default();
    if model.is_empty() {
        return Err(ApiError::about(ErrorCode::InvalidRequest, "model", "The model must stand in the path."));
    }
    model.strip_prefix("models/").unwrap_or(model).clone_into(&mut request.model);
    request.stream = path_stream;
    request.include_usage = true;

    let mut contents = ContentsReader::default();
    if let Some(system) = body.take("systemInstruction") {
        contents.read_system(system, &body.path_of("systemInstruction"))?;
    }
    let path = body.path_of("contents");
    let list = body.take_list("contents")?;
    if list.is_empty() {
        return Err(body.wrong("contents", "a list that is not empty"));
    }
    for (at, raw) in list.into_iter().enumerate() {
        contents.read_content(raw, &format!("{path}[{at}]"))?;
    }
    request.messages = contents.finish();

    let list = body.take_list("tools")?;
    tools::read(list, &mut request)?;
    if let Some(config) = body.take_object("toolConfig")? {
        tools::read_config(config, &mut request)?;
    }
    if let Some(config) = body.take_object("generationConfig")? {
        read_config(config, &mut request)?;
    }
    request.service_tier = body.take_text("serviceTier")?.and_then(|tier| read_tier(&tier));
    for name in OWN {
        if let Some(value) = body.take_value(name)? {
            request.own.insert(name.to_owned(), value);
        }
    }
    request.extra = body.unknown()?;
    Ok(request)
}

/// OpenAI's names.
fn read_tier(tier: &str) -> Option<String> {
    let tier = tier.to_ascii_lowercase();
    match tier.strip_prefix("service_tier_").unwrap_or(&tier) {
        "unspecified" => None,
        "standard" => Some("default".to_owned()),
        other => Some(other.to_owned()),
    }
}

fn read_config(mut config: Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    request.max_output_tokens = config.take_count("maxOutputTokens")?;
    request.temperature = config.take_number("temperature")?;
    request.top_p = config.take_number("topP")?;
    request.top_k = config.take_count("topK")?;
    request.answers = config.take_count("candidateCount")?;
    request.stop = config.take_texts("stopSequences")?;
    request.seed = config.take_integer("seed")?;
    request.presence_penalty = config.take_number("presencePenalty")?;
    request.frequency_penalty = config.take_number("frequencyPenalty")?;
    request.logprobs = config.take_bool("responseLogprobs")?;
    request.top_logprobs = config.take_count("logprobs")?;
    let modalities = config.take_texts("responseModalities")?.into_iter();
    request.modalities =
        modalities.map(|name| name.to_ascii_lowercase()).filter(|name| name != "modality_unspecified").collect();
    if let Some(thinking) = config.take_object("thinkingConfig")? {
        request.reasoning = Some(thinking::read(thinking)?);
    }
    read_format(&mut config, request)?;
    if let Some(speech) = config.take_value("speechConfig")? {
        match voice(&speech) {
            // The Gemini API speaks in raw samples.
            Some(voice) => request.audio = Some(json!({"voice": voice, "format": "pcm16"})),
            None => drop(request.own.insert(format!("{GENERATION_CONFIG}speechConfig"), speech)),
        }
    }
    for (name, value) in config.rest()? {
        request.own.insert(format!("{GENERATION_CONFIG}{name}"), value);
    }
    Ok(())
}

fn read_format(config: &mut Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    let media_type = config.take_text("responseMimeType")?;
    let json_schema = config.take_value("responseJsonSchema")?.or(config.take_value("_responseJsonSchema")?);
    let schema = config.take_value("responseSchema")?;
    match media_type.as_deref() {
        None | Some("" | "application/json" | "text/plain") => {}
        Some(other) => {
            // An answer that is one of a list of words: nobody else has it.
            let members = [
                ("responseMimeType", Some(json!(other))),
                ("responseSchema", schema),
                ("responseJsonSchema", json_schema),
            ];
            for (name, value) in members {
                request.own.extend(value.map(|value| (format!("{GENERATION_CONFIG}{name}"), value)));
            }
            return Ok(());
        }
    }
    request.output_format = match json_schema.or(schema.map(schema::to_json_schema)) {
        Some(schema) => OutputFormat::JsonSchema { name: "answer".to_owned(), description: None, schema, strict: None },
        None if media_type.as_deref() == Some("application/json") => OutputFormat::JsonObject,
        None => OutputFormat::Text,
    };
    Ok(())
}

/// The voice, where `speechConfig` says nothing else.
fn voice(speech: &Value) -> Option<&str> {
    let only = |value: &Value, names: [&str; 2]| {
        let fields = value.as_object().filter(|fields| fields.len() == 1)?;
        names.into_iter().find_map(|name| fields.get(name)).cloned()
    };
    let config = only(speech, ["voiceConfig", "voice_config"])?;
    let prebuilt = only(&config, ["prebuiltVoiceConfig", "prebuilt_voice_config"])?;
    only(&prebuilt, ["voiceName", "voice_name"])?;
    let found = speech.as_object()?.values().next()?.as_object()?.values().next()?.as_object()?.values().next()?;
    found.as_str()
}
