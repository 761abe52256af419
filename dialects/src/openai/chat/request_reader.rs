//! Reads the body of `POST /v1/chat/completions`: the fields of OpenAI's API reference ("Create chat completion"), and the
//! habits that clients have from elsewhere: `thinking`, `top_k`, `cache_control`.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Map, Value};

use super::{message_reader, tools};
use crate::canonical::{ChatRequest, Effort, OutputFormat, Reasoning};
use crate::dialect::DialectId;
use crate::openai::json_field::{self as field, Place};

/// Fields that only OpenAI's own models understand; they have no place in the canonical form.
pub const OWN_FIELDS: [&str; 8] = [
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "verbosity",
    "web_search_options",
];

/// Reads a body. `path_model`: the model, where the path names it (Azure's `/openai/deployments/{model}/…`).
pub fn read(body: &[u8], path_model: Option<&str>) -> Result<ChatRequest, ApiError> {
    let mut request = ChatRequest::new(DialectId::OpenAiChat);
    let mut reader = Reader::default();
    for (name, value) in field::body(body)? {
        reader.take(&mut request, name, value)?;
    }
    if let Some(model) = path_model {
        model.clone_into(&mut request.model);
    }
    reader.finish(&mut request)?;
    Ok(request)
}

/// What is known only when all fields were seen.
#[derive(Default)]
struct Reader {
    max_tokens: Option<u64>,
    thinking: Option<Reasoning>,
}

impl Reader {
    fn take(&mut self, request: &mut ChatRequest, name: String, value: Value) -> Result<(), ApiError> {
        if value.is_null() && name != "messages" {
            // Null is the same as absent in OpenAI's interface; what is not OpenAI's is not ours to judge.
            if !is_known(&name) {
                request.extra.insert(name, value);
            }
            return Ok(());
        }
        let at = Place::member(&name);
        match name.as_str() {
            "model" => {
                let model = field::string(value, at)?;
                request.model = if model.is_empty() { return Err(at.must_be("a non-empty string")) } else { model };
            }
            "messages" => request.messages = message_reader::read(value, at)?,
            "tools" => request.tools.extend(tools::read(value, at)?),
            "functions" => request.tools.extend(tools::read_functions(value, at)?),
            "tool_choice" | "function_call" => match tools::read_choice(&value, at)? {
                Some(choice) => request.tool_choice = Some(choice),
                None => drop(request.own.insert(name, value)),
            },
            "parallel_tool_calls" => request.parallel_tool_calls = Some(field::boolean(&value, at)?),
            "max_completion_tokens" => request.max_output_tokens = Some(field::count(&value, at)?),
            "max_tokens" => self.max_tokens = Some(field::count(&value, at)?),
            "temperature" => request.temperature = Some(field::number(value, at)?),
            "top_p" => request.top_p = Some(field::number(value, at)?),
            "top_k" => request.top_k = Some(field::count(&value, at)?),
            "frequency_penalty" => request.frequency_penalty = Some(field::number(value, at)?),
            "presence_penalty" => request.presence_penalty = Some(field::number(value, at)?),
            "seed" => request.seed = Some(field::integer(&value, at)?),
            "stop" => request.stop = field::strings(value, at)?,
            "n" => {
                let answers = field::count(&value, at)?;
                request.answers = Some(answers).filter(|n| *n > 0).ok_or_else(|| at.must_be("1 or more"))?.into();
            }
            "logprobs" => request.logprobs = Some(field::boolean(&value, at)?),
            "top_logprobs" => request.top_logprobs = Some(field::count(&value, at)?),
            "logit_bias" => request.logit_bias = Some(field::object(value, at)?),
            "response_format" => match read_format(&value, at)? {
                Some(format) => request.output_format = format,
                None => drop(request.own.insert(name, value)),
            },
            "reasoning_effort" => match Effort::parse(&field::string(value.clone(), at)?) {
                Some(effort) => request.reasoning.get_or_insert_default().effort = Some(effort),
                None => drop(request.own.insert(name, value)),
            },
            "thinking" => self.thinking = Some(read_thinking(value, at)?),
            "modalities" => request.modalities = field::strings(value, at)?,
            "audio" => request.audio = Some(value),
            "user" => request.user = Some(field::string(value, at)?),
            "metadata" => request.metadata = Some(field::object(value, at)?),
            "service_tier" => request.service_tier = Some(field::string(value, at)?),
            "stream" => request.stream = field::boolean(&value, at)?,
            "stream_options" => read_stream_options(request, field::object(value, at)?, at)?,
            own if OWN_FIELDS.contains(&own) => drop(request.own.insert(name, value)),
            _ => drop(request.extra.insert(name, value)),
        }
        Ok(())
    }

    fn finish(self, request: &mut ChatRequest) -> Result<(), ApiError> {
        let missing =
            |name: &str| Err(ApiError::about(ErrorCode::InvalidRequest, name, format!("The body has no `{name}`.")));
        if request.model.is_empty() {
            return missing("model");
        }
        if request.messages.is_empty() {
            return missing("messages");
        }
        request.max_output_tokens = request.max_output_tokens.or(self.max_tokens);
        if let Some(thinking) = self.thinking {
            let asked = request.reasoning.get_or_insert_default();
            *asked = Reasoning { effort: asked.effort.or(thinking.effort), ..thinking };
        }
        Ok(())
    }
}

fn is_known(name: &str) -> bool {
    const KNOWN: [&str; 29] = [
        "model",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "stop",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "response_format",
        "reasoning_effort",
        "thinking",
        "modalities",
        "audio",
        "user",
        "metadata",
        "service_tier",
        "stream",
        "stream_options",
    ];
    KNOWN.contains(&name) || OWN_FIELDS.contains(&name)
}

/// `None`: a form that only some vendor knows.
fn read_format(value: &Value, at: Place<'_>) -> Result<Option<OutputFormat>, ApiError> {
    let kind = value.get("type").and_then(Value::as_str).ok_or_else(|| at.must_be("an object with a `type`"))?;
    Ok(match kind {
        "text" => Some(OutputFormat::Text),
        "json_object" => Some(OutputFormat::JsonObject),
        "json_schema" => {
            let at = at.then("json_schema");
            let mut form = field::object(value.get("json_schema").cloned().unwrap_or_default(), at)?;
            Some(OutputFormat::JsonSchema {
                name: field::required_string(&mut form, "name", at)?,
                description: field::optional_string(&mut form, "description", at)?,
                schema: field::optional(&mut form, "schema").unwrap_or_else(|| Value::Object(Map::new())),
                strict: field::optional(&mut form, "strict")
                    .map(|strict| field::boolean(&strict, at.then("strict")))
                    .transpose()?,
            })
        }
        _ => None,
    })
}

/// `{"type": "enabled", "budget_tokens": 2048}`, as Anthropic writes it and LiteLLM's users do.
fn read_thinking(value: Value, at: Place<'_>) -> Result<Reasoning, ApiError> {
    let mut members = field::object(value, at)?;
    let kind = field::required_string(&mut members, "type", at)?;
    let budget = field::optional(&mut members, "budget_tokens");
    let budget = budget.map(|tokens| field::count(&tokens, at.then("budget_tokens"))).transpose()?;
    match kind.as_str() {
        "enabled" => Ok(Reasoning { budget_tokens: budget, is_adaptive: budget.is_none(), ..Reasoning::default() }),
        "adaptive" => Ok(Reasoning { is_adaptive: true, ..Reasoning::default() }),
        "disabled" => Ok(Reasoning { effort: Some(Effort::None), ..Reasoning::default() }),
        _ => Err(at.then("type").must_be("`enabled`, `adaptive` or `disabled`")),
    }
}

fn read_stream_options(
    request: &mut ChatRequest,
    mut options: Map<String, Value>,
    at: Place<'_>,
) -> Result<(), ApiError> {
    if let Some(flag) = field::optional(&mut options, "include_usage") {
        request.include_usage = field::boolean(&flag, at.then("include_usage"))?;
    }
    if !options.is_empty() {
        request.own.insert("stream_options".to_owned(), Value::Object(options));
    }
    Ok(())
}
