//! Writes the body of `Converse` and `ConverseStream` (Bedrock's API reference, "Converse"). The model stands in the path, and
//! so does whether a stream is wanted.

use std::collections::BTreeSet;

use deltallm_shared::error::ApiError;
use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use super::{
    content::{Block, CachePoint, WireMessage, write_messages},
    family::{Family, add_claudes},
};
use crate::{
    anthropic::Sampling,
    canonical::{ChatRequest, OutputFormat, PartKind, Tool, ToolChoice, Unsupported, param_name},
    dialect::DialectId,
};

type Fields = Map<String, Value>;

/// Members of the body that callers may give in Bedrock's own words; other fields that nobody knows go to the model.
const TOP_LEVEL: [&str; 7] = [
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConverseRequest<'a> {
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "InferenceConfig::is_empty")]
    inference_config: InferenceConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_model_request_fields: Map<String, Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
}

impl InferenceConfig<'_> {
    fn is_empty(&self) -> bool {
        self.max_tokens.is_none()
            && self.temperature.is_none()
            && self.top_p.is_none()
            && self.stop_sequences.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireTool<'a> {
    #[serde(rename_all = "camelCase")]
    ToolSpec {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Schema<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    CachePoint(CachePoint<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Schema<'a> {
    Json(&'a Value),
    #[serde(rename = "json")]
    Empty(Value),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireChoice<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

/// Writes the body.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let family = Family::of(&request.model);
    refuse_what_converse_lacks(request, unsupported)?;
    let (mut fields, mut rest) = take_extra(request, family, unsupported)?;
    let (mut temperature, mut top_p, mut top_k) = (request.temperature.as_ref(), request.top_p.as_ref(), request.top_k);
    if family == Family::Claude {
        Sampling { temperature, top_p, top_k } = add_claudes(request, &mut fields, unsupported)?;
    } else if let Some(reasoning) = &request.reasoning {
        family.add_reasoning(request, reasoning, &mut fields, unsupported)?;
    }
    if let Some(top_k) = top_k {
        family.add_top_k(top_k, &mut fields);
    }
    add_tier(request, &mut rest, unsupported)?;
    add_metadata(request, &mut rest, unsupported)?;
    add_format(request, &mut rest, unsupported)?;
    if !request.stop.is_empty() && family == Family::Claude {
        // Which text it was is told only to those who ask.
        rest.entry("additionalModelResponseFieldPaths").or_insert_with(|| json!(["/stop_sequence"]));
    }
    let tool_config = write_tools(request, family, &mut fields, unsupported)?;
    let (system, messages) = write_messages(request, family, unsupported)?;
    let inference_config =
        InferenceConfig { max_tokens: request.max_output_tokens, temperature, top_p, stop_sequences: &request.stop };
    let additional_model_request_fields = fields;
    let body =
        ConverseRequest { messages, system, inference_config, tool_config, additional_model_request_fields, rest };
    // It cannot fail: every key is a text.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn refuse_what_converse_lacks(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<(), ApiError> {
    let name = |name| param_name(request.source, name);
    // A penalty of nothing asks for nothing.
    let is_set = |number: &Option<Number>| number.as_ref().is_some_and(|number| number.as_f64() != Some(0.0));
    unsupported.refuse_if(is_set(&request.frequency_penalty), name("frequency_penalty"))?;
    unsupported.refuse_if(is_set(&request.presence_penalty), name("presence_penalty"))?;
    unsupported.refuse_if(request.seed.is_some(), name("seed"))?;
    unsupported.refuse_if(request.answers.is_some_and(|answers| answers > 1), name("n"))?;
    unsupported.refuse_if(request.logprobs == Some(true), name("logprobs"))?;
    unsupported.refuse_if(request.top_logprobs.is_some_and(|count| count > 0), name("top_logprobs"))?;
    unsupported.refuse_if(request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()), "logit_bias")?;
    unsupported.refuse_if(request.modalities.iter().any(|kind| kind != "text"), name("modalities"))?;
    unsupported.refuse_if(request.audio.is_some(), "audio")?;
    unsupported.refuse_if(request.user.is_some(), "user")
}

/// The caller's fields that nobody knows: what is Converse's own stands at the top, the rest goes to the model.
fn take_extra(
    request: &ChatRequest,
    family: Family,
    unsupported: &mut Unsupported<'_>,
) -> Result<(Fields, Fields), ApiError> {
    let (mut fields, mut rest) = (Fields::new(), Fields::new());
    for (name, value) in &request.extra {
        match value {
            Value::Object(given) if name == "additionalModelRequestFields" => fields.extend(given.clone()),
            _ if TOP_LEVEL.contains(&name.as_str()) => {
                rest.insert(name.clone(), value.clone());
            }
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    match request.source {
        DialectId::BedrockConverse => rest.extend(request.own.clone()),
        // Claude behind Bedrock understands its maker's words.
        DialectId::AnthropicMessages if family == Family::Claude => fields.extend(request.own.clone()),
        _ => unsupported.refuse_own(request)?,
    }
    Ok((fields, rest))
}

fn add_tier(
    request: &ChatRequest,
    rest: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<(), ApiError> {
    let tier = match request.service_tier.as_deref() {
        None | Some("auto") => return Ok(()),
        Some("standard_only" | "standard" | "default") => "default",
        Some(tier @ ("priority" | "flex" | "reserved")) => tier,
        Some(_) => return unsupported.refuse("service_tier"),
    };
    rest.entry("serviceTier").or_insert_with(|| json!({ "type": tier }));
    Ok(())
}

/// Up to 16 short texts of few kinds of letters; a note that does not fit is no reason to refuse a call.
fn add_metadata(
    request: &ChatRequest,
    rest: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<(), ApiError> {
    let Some(metadata) = request.metadata.as_ref().filter(|metadata| !metadata.is_empty()) else { return Ok(()) };
    let fits = |text: &str| {
        text.len() <= 256
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || " :_@$#=/+,-.".contains(letter))
    };
    let all_fit = metadata.len() <= 16
        && metadata.iter().all(|(key, value)| !key.is_empty() && fits(key) && value.as_str().is_some_and(fits));
    if !all_fit {
        return unsupported.refuse("metadata");
    }
    rest.entry("requestMetadata").or_insert_with(|| metadata.clone().into());
    Ok(())
}

fn add_format(
    request: &ChatRequest,
    rest: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<(), ApiError> {
    match &request.output_format {
        OutputFormat::Text => Ok(()),
        OutputFormat::JsonObject => {
            let param = param_name(request.source, "response_format");
            unsupported.refuse_because(param, "needs a JSON schema for")
        }
        OutputFormat::JsonSchema { name, description, schema, .. } => {
            let mut definition = json!({ "schema": schema.to_string(), "name": name });
            if let Some(description) = description {
                definition["description"] = description.as_str().into();
            }
            let config = json!({ "textFormat": { "type": "json_schema", "structure": { "jsonSchema": definition } } });
            rest.entry("outputConfig").or_insert(config);
            Ok(())
        }
    }
}

fn write_tools<'a>(
    request: &'a ChatRequest,
    family: Family,
    fields: &mut Map<String, Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<ToolConfig<'a>>, ApiError> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, strict, cache } => {
                if matches!(&request.tool_choice, Some(ToolChoice::Among { names, .. }) if !names.contains(name)) {
                    continue;
                }
                tools.push(WireTool::ToolSpec {
                    name,
                    description: description.as_deref().filter(|text| !text.is_empty()),
                    input_schema: match parameters {
                        Some(schema) => Schema::Json(schema),
                        None => Schema::Empty(json!({ "type": "object", "properties": {} })),
                    },
                    strict: strict.filter(|strict| *strict),
                });
                if let Some(mark) = cache.as_ref().filter(|_| family.has_cache_points()) {
                    tools.push(WireTool::CachePoint(CachePoint::of(mark)));
                }
            }
            Tool::Own { value, .. } if request.source == DialectId::AnthropicMessages && family == Family::Claude => {
                if let Value::Array(own) = fields.entry("tools").or_insert_with(|| json!([])) {
                    own.push(value.clone());
                }
            }
            Tool::Own { .. } => unsupported.refuse(&format!("tools[{at}]"))?,
        }
    }
    let param = param_name(request.source, "tool_choice");
    let is_used = used_tools(request);
    if tools.is_empty() || request.tool_choice == Some(ToolChoice::None) {
        // Bedrock has no word for "none": without tools there are none. But where the conversation has calls it wants them.
        if is_used.is_empty() {
            return Ok(None);
        }
        if family == Family::Claude {
            fields.insert("tool_choice".to_owned(), json!({ "type": "none" }));
        } else if request.tool_choice == Some(ToolChoice::None) {
            unsupported.refuse(param)?;
        }
        if tools.is_empty() {
            let schema = || Schema::Empty(json!({ "type": "object", "properties": {} }));
            let spec = |name| WireTool::ToolSpec { name, description: None, input_schema: schema(), strict: None };
            tools.extend(is_used.into_iter().map(spec));
        }
        return Ok(Some(ToolConfig { tools, tool_choice: None }));
    }
    let tool_choice = match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Among { required: true, .. }) => Some(WireChoice::Any {}),
        Some(ToolChoice::Named(name)) => Some(WireChoice::Tool { name }),
        Some(ToolChoice::Auto | ToolChoice::Among { required: false, .. }) => Some(WireChoice::Auto {}),
        Some(ToolChoice::None) | None => None,
    };
    if request.parallel_tool_calls == Some(false) {
        if family != Family::Claude {
            unsupported.refuse(param_name(request.source, "parallel_tool_calls"))?;
            return Ok(Some(ToolConfig { tools, tool_choice }));
        }
        // Claude's own form of the choice; it stands in one place only.
        let choice = match tool_choice {
            Some(WireChoice::Any {}) => json!({ "type": "any", "disable_parallel_tool_use": true }),
            Some(WireChoice::Tool { name }) => {
                json!({ "type": "tool", "name": name, "disable_parallel_tool_use": true })
            }
            Some(WireChoice::Auto {}) | None => json!({ "type": "auto", "disable_parallel_tool_use": true }),
        };
        fields.insert("tool_choice".to_owned(), choice);
        return Ok(Some(ToolConfig { tools, tool_choice: None }));
    }
    Ok(Some(ToolConfig { tools, tool_choice }))
}

/// The names of the tools that the conversation has calls of.
fn used_tools(request: &ChatRequest) -> BTreeSet<&str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match &part.kind {
            PartKind::ToolCall { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect()
}
