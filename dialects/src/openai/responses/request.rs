//! Reads what a client asks of `POST /v1/responses`, as OpenAI's API reference describes it under "Create a model response".

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Value};

use super::{fields::Fields, request_input, request_tools, state};
use crate::canonical::{ChatRequest, Effort, Message, OutputFormat, Part, Reasoning, Role};
use crate::dialect::DialectId;

/// Fields of this dialect that others do not have. They go back to vendors of this dialect unchanged.
const OWN: [&str; 15] = [
    "access_programs",
    "background_options",
    "client_metadata",
    "context_management",
    "image",
    "max_tool_calls",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
    "tool_resources",
    "truncation",
];

/// Whether a value only says what is so anyway. Translated answers are never stored.
fn is_usual(name: &str, value: &Value) -> bool {
    match name {
        "store" => value == &Value::Bool(false),
        "truncation" => value == "disabled",
        "prompt_cache_retention" => value == "in_memory",
        _ => false,
    }
}

/// Reads a body.
pub(super) fn read(body: &[u8], path_model: Option<&str>) -> Result<ChatRequest, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| broken(&error))?;
    let mut fields = Fields::of(value, "")?;
    refuse_state(&mut fields)?;
    let mut request = ChatRequest::new(DialectId::OpenAiResponses);
    request.model = match path_model {
        Some(model) => {
            fields.take("model");
            model.to_owned()
        }
        None => fields.required_string("model")?,
    };
    if request.model.is_empty() {
        return Err(fields.wrong("model", "a non-empty string"));
    }
    if let Some(instructions) = fields.string("instructions")? {
        request.messages.push(Message::new(Role::System, vec![Part::text(instructions)]));
    }
    let input = fields.take("input").ok_or_else(|| fields.missing("input"))?;
    request_input::read(input, &mut request.messages)?;
    request.tools = request_tools::read(fields.array("tools")?.unwrap_or_default())?;
    if let Some(choice) = fields.take("tool_choice") {
        match request_tools::read_choice(choice)? {
            Ok(choice) => request.tool_choice = Some(choice),
            Err(own) => {
                request.own.insert("tool_choice".to_owned(), own);
            }
        }
    }
    request.parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    request.max_output_tokens = fields.whole("max_output_tokens")?;
    request.temperature = fields.number("temperature")?;
    request.top_p = fields.number("top_p")?;
    request.user = fields.string("user")?;
    request.metadata = fields.object("metadata")?;
    request.service_tier = fields.string("service_tier")?;
    request.stream = fields.flag("stream")?.unwrap_or(false);
    // Streams of this dialect always end with usage.
    request.include_usage = request.stream;
    fields.flag("background")?;
    read_logprobs(&mut fields, &mut request)?;
    if let Some(reasoning) = fields.nested("reasoning")? {
        request.reasoning = Some(read_reasoning(reasoning, &mut request.own)?);
    }
    if let Some(text) = fields.nested("text")? {
        request.output_format = read_text(text, &mut request.own)?;
    }
    for name in OWN {
        if let Some(value) = fields.take(name).filter(|value| !is_usual(name, value)) {
            request.own.insert(name.to_owned(), value);
        }
    }
    request.extra = fields.rest();
    request.extra.retain(|_, value| !value.is_null());
    Ok(request)
}

fn refuse_state(fields: &mut Fields) -> Result<(), ApiError> {
    for field in ["previous_response_id", "conversation", "prompt"] {
        if fields.take(field).is_some() {
            return Err(state::refusal(field));
        }
    }
    if fields.flag("background")? == Some(true) { Err(state::refusal("background")) } else { Ok(()) }
}

/// `top_logprobs`, and the one of `include` that asks for log probabilities. Encrypted thoughts are always included; what else
/// `include` asks for is about hosted tools.
fn read_logprobs(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), ApiError> {
    request.top_logprobs = fields.whole("top_logprobs")?;
    let mut wants_logprobs = request.top_logprobs.is_some_and(|count| count > 0);
    let mut include = fields.array("include")?.unwrap_or_default();
    include.retain(|wish| match wish.as_str() {
        Some("message.output_text.logprobs") => {
            wants_logprobs = true;
            false
        }
        Some("reasoning.encrypted_content" | "message.input_image.image_url") => false,
        _ => true,
    });
    request.logprobs = wants_logprobs.then_some(true);
    if !include.is_empty() {
        request.own.insert("include".to_owned(), Value::Array(include));
    }
    Ok(())
}

fn read_reasoning(mut fields: Fields, own: &mut Map<String, Value>) -> Result<Reasoning, ApiError> {
    let effort =
        match fields.string("effort")? {
            Some(name) => Some(Effort::parse(&name).ok_or_else(|| {
                fields.wrong("effort", "`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`")
            })?),
            None => None,
        };
    let older = fields.string("generate_summary")?;
    let summary = fields.string("summary")?.or(older);
    own.extend(others("reasoning", fields));
    Ok(Reasoning { effort, show: summary.as_ref().map(|_| true), summary, ..Reasoning::default() })
}

fn read_text(mut fields: Fields, own: &mut Map<String, Value>) -> Result<OutputFormat, ApiError> {
    let format = match fields.nested("format")? {
        Some(format) => read_format(format)?,
        None => OutputFormat::Text,
    };
    // Chat completions have it too, outside of an object.
    own.extend(fields.take("verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity)));
    own.extend(others("text", fields));
    Ok(format)
}

fn read_format(mut fields: Fields) -> Result<OutputFormat, ApiError> {
    match fields.required_string("type")?.as_str() {
        "text" => Ok(OutputFormat::Text),
        "json_object" => Ok(OutputFormat::JsonObject),
        "json_schema" => Ok(OutputFormat::JsonSchema {
            name: fields.required_string("name")?,
            description: fields.string("description")?,
            schema: fields.object("schema")?.map(Value::Object).ok_or_else(|| fields.missing("schema"))?,
            strict: fields.flag("strict")?,
        }),
        _ => Err(fields.wrong("type", "`text`, `json_object` or `json_schema`")),
    }
}

/// What is left of an object, under names with a dot: `reasoning.context`.
fn others(object: &str, fields: Fields) -> impl Iterator<Item = (String, Value)> {
    let rest = fields.rest().into_iter().filter(|(_, value)| !value.is_null());
    rest.map(move |(name, value)| (format!("{object}.{name}"), value))
}

fn broken(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {error}."))
}
