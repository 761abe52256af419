//! A request for a message: from the canonical form to Anthropic's body.

use std::borrow::Cow;

use deltallm_shared::error::ApiError;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use super::{
    block::{CacheControl, Content},
    blocks_writer::{WireMessage, write_messages, write_system},
    model_traits::{ModelTraits, traits_of},
    reasoning::{self, Plan},
};
use crate::{
    canonical::{ChatRequest, OutputFormat, Tool, ToolChoice, Unsupported, param_name},
    dialect::DialectId,
};

/// Writes the body of `POST /v1/messages`.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let model = traits_of(&request.model);
    refuse_what_is_missing(request, unsupported)?;
    let plan = reasoning::plan(request, model, unsupported)?;
    // A caller that writes `thinking` itself means Anthropic.
    let thinks = match request.extra.get("thinking") {
        Some(thinking) => thinking.get("type").is_some_and(|kind| kind != "disabled"),
        None => plan.thinks(),
    };
    let tools = write_tools(request, unsupported)?;
    let body = Body {
        system: write_system(request, unsupported)?,
        messages: write_messages(request, unsupported)?,
        tool_choice: write_tool_choice(request, tools.is_empty(), thinks, unsupported)?,
        tools,
        sampling: Sampling::new(request, model, thinks, unsupported)?,
        stop: write_stop(request, unsupported)?,
        output_config: write_output_config(request, &plan, unsupported)?,
        metadata: write_metadata(request, unsupported)?,
        service_tier: write_service_tier(request, unsupported)?,
        plan,
        request,
    };
    serde_json::to_vec(&body).map_err(|e| {
        let message = format!("The request cannot be written for Anthropic: {e}.");
        ApiError::new(deltallm_shared::error::ErrorCode::InvalidRequest, message)
    })
}

struct Body<'a> {
    request: &'a ChatRequest,
    plan: Plan,
    system: Option<Content<'a>>,
    messages: Vec<WireMessage<'a>>,
    tools: Vec<WireTool<'a>>,
    tool_choice: Option<WireChoice<'a>>,
    sampling: Sampling<'a>,
    stop: Vec<&'a str>,
    output_config: Option<Value>,
    metadata: Option<Value>,
    service_tier: Option<&'a str>,
}

impl Serialize for Body<'_> {
    /// What the caller wrote for the vendor itself goes before what we would write under the same name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut map = serializer.serialize_map(None)?;
        let mut fields = Fields { map: &mut map, theirs: &request.extra };
        fields.put("model", Some(&request.model))?;
        fields.put("max_tokens", Some(&self.plan.max_tokens))?;
        fields.put("system", self.system.as_ref())?;
        fields.put("messages", Some(&self.messages))?;
        fields.put("tools", (!self.tools.is_empty()).then_some(&self.tools))?;
        fields.put("tool_choice", self.tool_choice.as_ref())?;
        fields.put("temperature", self.sampling.temperature)?;
        fields.put("top_p", self.sampling.top_p)?;
        fields.put("top_k", self.sampling.top_k.as_ref())?;
        fields.put("stop_sequences", (!self.stop.is_empty()).then_some(&self.stop))?;
        fields.put("thinking", self.plan.thinking.as_ref())?;
        fields.put("output_config", self.output_config.as_ref())?;
        fields.put("metadata", self.metadata.as_ref())?;
        fields.put("service_tier", self.service_tier.as_ref())?;
        fields.put("stream", request.stream.then_some(&true))?;
        let is_own = request.source == DialectId::AnthropicMessages;
        let own = request.own.iter().filter(|(name, _)| is_own && *name != "output_config");
        for (name, value) in own.chain(&request.extra) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Writes fields that are there, unless the caller wrote them for the vendor itself.
struct Fields<'m, M> {
    map: &'m mut M,
    theirs: &'m Map<String, Value>,
}

impl<M: SerializeMap> Fields<'_, M> {
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: Option<&T>) -> Result<(), M::Error> {
        match value {
            Some(value) if !self.theirs.contains_key(name) => self.map.serialize_entry(name, value),
            _ => Ok(()),
        }
    }
}

/// Anthropic answers once and has no seeds, penalties or log probabilities. Values that mean what Anthropic does anyway are
/// no request.
fn refuse_what_is_missing(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<(), ApiError> {
    let is_set = |number: &Option<serde_json::Number>| {
        number.as_ref().is_some_and(|number| number.as_f64().is_none_or(|value| value != 0.0))
    };
    let only_text = request.modalities.iter().all(|modality| modality.eq_ignore_ascii_case("text"));
    let missing = [
        ("n", request.answers.is_some_and(|answers| answers != 1)),
        ("seed", request.seed.is_some()),
        ("frequency_penalty", is_set(&request.frequency_penalty)),
        ("presence_penalty", is_set(&request.presence_penalty)),
        ("logprobs", request.logprobs == Some(true)),
        ("top_logprobs", request.top_logprobs.is_some_and(|count| count > 0)),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|biases| !biases.is_empty())),
        ("modalities", !only_text),
        ("audio", request.audio.is_some()),
    ];
    for (param, is_there) in missing {
        unsupported.refuse_if(is_there, param_name(request.source, param))?;
    }
    if request.source != DialectId::AnthropicMessages {
        unsupported.refuse_own(request)?;
    }
    Ok(())
}

/// How the next token is chosen.
pub(crate) struct Sampling<'a> {
    pub temperature: Option<&'a serde_json::Number>,
    pub top_p: Option<&'a serde_json::Number>,
    pub top_k: Option<u64>,
}

impl<'a> Sampling<'a> {
    /// Anthropic's temperature ends at 1. While it thinks it takes none of the three (a `top_p` from 0.95 excepted, which is
    /// not worth a rule), newer models never do, and others take one of temperature and `top_p`. A 1 is what Anthropic does
    /// anyway: it is left out without a word where the model does not take it.
    pub fn new(
        request: &'a ChatRequest,
        model: ModelTraits,
        thinks: bool,
        unsupported: &mut Unsupported<'_>,
    ) -> Result<Self, ApiError> {
        let mut sampling =
            Self { temperature: request.temperature.as_ref(), top_p: request.top_p.as_ref(), top_k: request.top_k };
        // A client of Anthropic's knows its model; the vendor itself tells it what is wrong.
        if request.source == DialectId::AnthropicMessages {
            return Ok(sampling);
        }
        let is_one = |number: &&serde_json::Number| number.as_f64() == Some(1.0);
        let name = |param| param_name(request.source, param);
        if !model.has_sampling || thinks {
            let verb = if model.has_sampling { "with reasoning does not take" } else { "for this model does not take" };
            let given = [
                ("temperature", sampling.temperature.is_some_and(|number| !is_one(&number))),
                ("top_p", sampling.top_p.is_some_and(|number| !is_one(&number))),
                ("top_k", sampling.top_k.is_some()),
            ];
            for (param, _) in given.iter().filter(|(_, is_given)| *is_given) {
                unsupported.refuse_because(name(param), verb)?;
            }
            return Ok(Self { temperature: None, top_p: None, top_k: None });
        }
        if sampling.temperature.and_then(serde_json::Number::as_f64).is_some_and(|value| value > 1.0) {
            unsupported.refuse_because(name("temperature"), "goes no higher than 1 with")?;
            sampling.temperature = None;
        }
        if sampling.temperature.is_some() && sampling.top_p.is_some() && !model.has_both_samplings {
            if sampling.top_p.is_some_and(|number| !is_one(&number)) {
                unsupported.refuse_because(name("top_p"), "takes either `temperature` or")?;
            }
            sampling.top_p = None;
        }
        Ok(sampling)
    }
}

/// Anthropic refuses stop texts of white space only.
fn write_stop<'a>(request: &'a ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<&'a str>, ApiError> {
    let is_blank = |text: &&String| text.trim().is_empty();
    if request.stop.iter().any(|text| is_blank(&text)) {
        unsupported.refuse_because(param_name(request.source, "stop"), "takes no white space alone in")?;
    }
    Ok(request.stop.iter().filter(|text| !is_blank(text)).map(String::as_str).collect())
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireTool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Own(&'a Value),
}

/// The tools. Anthropic cannot allow only some of them, but a model that is not told of the others cannot use them.
fn write_tools<'a>(request: &'a ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<WireTool<'a>>, ApiError> {
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Among { names, .. }) => Some(names),
        _ => None,
    };
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function { name, .. } if allowed.is_some_and(|names| !names.contains(name)) => {}
            Tool::Function { name, description, parameters, strict, cache } => tools.push(WireTool::Function {
                name,
                description: description.as_deref(),
                input_schema: input_schema(parameters.as_ref()),
                strict: *strict,
                cache_control: CacheControl::new(cache.as_ref()),
            }),
            Tool::Own { value, .. } if request.source == DialectId::AnthropicMessages => {
                tools.push(WireTool::Own(value));
            }
            Tool::Own { name, .. } => return Err(unsupported.impossible("tools", &format!("the tool `{name}`"))),
        }
    }
    Ok(tools)
}

/// Anthropic wants a schema always, and its type to be `object`.
fn input_schema(parameters: Option<&Value>) -> Cow<'_, Value> {
    match parameters {
        Some(schema @ Value::Object(fields)) if fields.contains_key("type") => Cow::Borrowed(schema),
        Some(Value::Object(fields)) => {
            let mut fields = fields.clone();
            fields.insert("type".to_owned(), "object".into());
            Cow::Owned(Value::Object(fields))
        }
        Some(_) | None => Cow::Owned(json!({"type": "object", "properties": {}})),
    }
}

#[derive(Serialize)]
struct WireChoice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// Without tools Anthropic takes no choice, and there is none; while it thinks it cannot be forced.
fn write_tool_choice<'a>(
    request: &'a ChatRequest,
    no_tools: bool,
    thinks: bool,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<WireChoice<'a>>, ApiError> {
    let one_at_once = request.parallel_tool_calls == Some(false);
    let (r#type, name) = match &request.tool_choice {
        None if one_at_once => ("auto", None),
        None => return Ok(None),
        Some(ToolChoice::Auto | ToolChoice::Among { required: false, .. }) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required | ToolChoice::Among { required: true, .. }) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(name.as_str())),
    };
    let is_forced = matches!(r#type, "any" | "tool");
    if no_tools && !is_forced {
        return Ok(None);
    }
    let disable = request.parallel_tool_calls.map(|several| !several).filter(|_| r#type != "none");
    if is_forced && thinks && request.source != DialectId::AnthropicMessages {
        unsupported.refuse_because(param_name(request.source, "tool_choice"), "with reasoning does not take this")?;
        return Ok(disable.map(|_| WireChoice { r#type: "auto", name: None, disable_parallel_tool_use: disable }));
    }
    Ok(Some(WireChoice { r#type, name, disable_parallel_tool_use: disable }))
}

/// `output_config`: effort, the form of the answer, and what of it only Anthropic knows.
///
/// JSON without a schema is refused: Anthropic's structured output follows a schema, and one for any object does not exist
/// there (every object has to name its properties).
fn write_output_config(
    request: &ChatRequest,
    plan: &Plan,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Value>, ApiError> {
    let mut config = match request.own.get("output_config") {
        Some(Value::Object(own)) if request.source == DialectId::AnthropicMessages => own.clone(),
        _ => Map::new(),
    };
    if let Some(effort) = plan.effort {
        config.insert("effort".to_owned(), effort.into());
    }
    match &request.output_format {
        OutputFormat::Text => {}
        OutputFormat::JsonObject => unsupported
            .refuse_because(param_name(request.source, "response_format"), "has no JSON without a schema for")?,
        OutputFormat::JsonSchema { schema, .. } => {
            let mut schema = schema.clone();
            if request.source != DialectId::AnthropicMessages {
                close_objects(&mut schema);
            }
            config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
        }
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}

/// Anthropic wants every object of an answer's schema to say that it has no other properties, as its own SDKs add.
fn close_objects(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close_objects);
            // Gemini's word for the order of the properties, which stand in an order themselves.
            if fields.get("propertyOrdering").is_some_and(Value::is_array) {
                fields.shift_remove("propertyOrdering");
            }
            if fields.get("type").is_some_and(|kind| kind == "object") && fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_objects),
        _ => {}
    }
}

/// `metadata.user_id` is all that Anthropic takes; the caller's notes are its own.
fn write_metadata(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>, ApiError> {
    let mut metadata = Map::new();
    if let Some(notes) = request.metadata.as_ref().filter(|notes| !notes.is_empty()) {
        if request.source == DialectId::AnthropicMessages {
            metadata.clone_from(notes);
        } else {
            unsupported.refuse("metadata")?;
        }
    }
    if let Some(user) = &request.user {
        metadata.insert("user_id".to_owned(), user.as_str().into());
    }
    Ok((!metadata.is_empty()).then_some(Value::Object(metadata)))
}

/// OpenAI's `default` is Anthropic's `standard_only`; both have `auto`.
fn write_service_tier<'a>(
    request: &'a ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<&'a str>, ApiError> {
    match request.service_tier.as_deref() {
        Some("default" | "standard_only") => Ok(Some("standard_only")),
        Some("auto") => Ok(Some("auto")),
        Some(tier) if request.source == DialectId::AnthropicMessages => Ok(Some(tier)),
        Some(_) => unsupported.refuse("service_tier").map(|()| None),
        None => Ok(None),
    }
}
