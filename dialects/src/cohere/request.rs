//! Writes the body of `POST /v2/chat` (Cohere's API reference, "Chat").

use base64::{Engine, prelude::BASE64_STANDARD};
use deltallm_shared::error::ApiError;
use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use crate::{
    canonical::{
        ChatRequest, Effort, Message, OutputFormat, Part, PartKind, Role, Source, Tool, ToolChoice, Unsupported,
        param_name,
    },
    dialect::DialectId,
};

#[derive(Serialize)]
struct WireRequest<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict_tools: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    documents: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    stream: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_plan: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<WirePart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WirePart<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Schema<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a Value),
    Empty(Value),
}

/// Writes the body.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    refuse_what_cohere_lacks(request, unsupported)?;
    let list = param_name(request.source, "messages");
    let mut documents = Vec::new();
    let mut messages = Vec::with_capacity(request.messages.len());
    for (at, message) in request.messages.iter().enumerate() {
        let mut writer =
            Writer { unsupported: &mut *unsupported, documents: &mut documents, path: format!("{list}[{at}]") };
        writer.add_message(message, &mut messages)?;
    }
    let mut rest = request.extra.clone();
    if request.source == DialectId::CohereChat {
        rest.extend(request.own.clone());
    } else {
        unsupported.refuse_own(request)?;
    }
    if let Some(Value::Array(given)) = rest.get_mut("documents") {
        given.append(&mut documents);
    }
    // Cohere's highest is 0.99; its default is 0.75, so a 1 must be said.
    let is_all = |number: &Number| number.as_f64().is_some_and(|value| value >= 1.0);
    let top_p = request.top_p.clone().map(|p| if is_all(&p) { Number::from_f64(0.99).unwrap_or(p) } else { p });
    let (tools, tool_choice, strict_tools) = write_tools(request, unsupported)?;
    let body = WireRequest {
        model: &request.model,
        messages,
        tools,
        strict_tools,
        tool_choice,
        documents,
        response_format: match &request.output_format {
            OutputFormat::Text => None,
            OutputFormat::JsonObject => Some(json!({ "type": "json_object" })),
            OutputFormat::JsonSchema { schema, .. } => Some(json!({ "type": "json_object", "json_schema": schema })),
        },
        max_tokens: request.max_output_tokens,
        stop_sequences: &request.stop,
        temperature: request.temperature.as_ref(),
        seed: request.seed,
        frequency_penalty: request.frequency_penalty.as_ref(),
        presence_penalty: request.presence_penalty.as_ref(),
        k: request.top_k,
        p: top_p.as_ref(),
        logprobs: request.logprobs.filter(|wanted| *wanted),
        thinking: thinking(request),
        stream: request.stream,
        rest,
    };
    // It cannot fail: every key is a text.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn refuse_what_cohere_lacks(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<(), ApiError> {
    let name = |name| param_name(request.source, name);
    unsupported.refuse_if(request.answers.is_some_and(|answers| answers > 1), name("n"))?;
    unsupported.refuse_if(request.top_logprobs.is_some_and(|count| count > 0), name("top_logprobs"))?;
    unsupported.refuse_if(request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()), "logit_bias")?;
    unsupported.refuse_if(request.parallel_tool_calls == Some(false), name("parallel_tool_calls"))?;
    unsupported.refuse_if(request.modalities.iter().any(|kind| kind != "text"), name("modalities"))?;
    unsupported.refuse_if(request.audio.is_some(), "audio")?;
    unsupported.refuse_if(request.user.is_some(), "user")?;
    unsupported.refuse_if(request.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()), "metadata")?;
    let tier = request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default"));
    unsupported.refuse_if(tier, "service_tier")
}

/// `{"type", "token_budget"}`
fn thinking(request: &ChatRequest) -> Option<Value> {
    let reasoning = request.reasoning.as_ref()?;
    if reasoning.effort == Some(Effort::None) || reasoning.budget_tokens == Some(0) {
        return Some(json!({ "type": "disabled" }));
    }
    let budget = reasoning.budget_tokens.or_else(|| reasoning.effort.map(Effort::budget_tokens));
    // Without one the model decides, which is what it does unasked.
    budget.map(|tokens| json!({ "type": "enabled", "token_budget": tokens }))
}

type Tools<'a> = (Vec<WireTool<'a>>, Option<&'static str>, Option<bool>);

/// Cohere can want some tool or none, but not a certain one: then it is given no other.
fn write_tools<'a>(request: &'a ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Tools<'a>, ApiError> {
    let (mut tools, mut all_strict) = (Vec::with_capacity(request.tools.len()), true);
    for (at, tool) in request.tools.iter().enumerate() {
        let Tool::Function { name, description, parameters, strict, .. } = tool else {
            unsupported.refuse(&format!("tools[{at}]"))?;
            continue;
        };
        let is_wanted = match &request.tool_choice {
            Some(ToolChoice::Named(wanted)) => wanted == name,
            Some(ToolChoice::Among { names, .. }) => names.contains(name),
            _ => true,
        };
        if is_wanted {
            all_strict &= *strict == Some(true);
            let parameters = match parameters {
                Some(schema) => Schema::Given(schema),
                None => Schema::Empty(json!({ "type": "object", "properties": {} })),
            };
            let function = Function { name, description: description.as_deref(), parameters };
            tools.push(WireTool { r#type: "function", function });
        }
    }
    let choice = match request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Among { required: true, .. }) => {
            Some("REQUIRED")
        }
        Some(ToolChoice::None) => Some("NONE"),
        Some(ToolChoice::Auto | ToolChoice::Among { required: false, .. }) | None => None,
    };
    let choice = choice.filter(|_| !tools.is_empty());
    let strict = (all_strict && !tools.is_empty()).then_some(true);
    Ok((tools, choice, strict))
}

struct Writer<'u, 'v> {
    unsupported: &'u mut Unsupported<'v>,
    /// Documents stand beside the conversation.
    documents: &'u mut Vec<Value>,
    /// Of the message.
    path: String,
}

impl Writer<'_, '_> {
    fn add_message<'a>(&mut self, message: &'a Message, out: &mut Vec<WireMessage<'a>>) -> Result<(), ApiError> {
        if message.name.is_some() {
            // A hint only.
            self.unsupported.dropped.push(format!("{}.name", self.path));
        }
        // Clients repeat what an answer had, empty lists included.
        let said = |value: &&Value| !matches!(value, Value::Null) && **value != json!([]) && **value != json!({});
        for (key, _) in message.own.iter().filter(|(_, value)| said(value)) {
            self.unsupported.refuse(&format!("{}.{key}", self.path))?;
        }
        let role = match message.role {
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let (mut parts, mut tool_calls) = (Vec::with_capacity(message.parts.len()), Vec::new());
        for (at, part) in message.parts.iter().enumerate() {
            match &part.kind {
                PartKind::ToolResult { call_id, parts, .. } => {
                    let content = self.result(parts, at)?;
                    let content = Some(content.unwrap_or(Content::Text("")));
                    let tool_call_id = Some(call_id.as_str());
                    out.push(WireMessage {
                        role: "tool",
                        tool_call_id,
                        content,
                        tool_plan: None,
                        tool_calls: Vec::new(),
                    });
                }
                PartKind::ToolCall { id, name, arguments, .. } => {
                    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
                    tool_calls.push(WireCall { id, r#type: "function", function: CalledFunction { name, arguments } });
                }
                // Only those who made them can read these.
                PartKind::Reasoning { text, .. } if text.is_empty() => {}
                PartKind::Reasoning { text, .. } => parts.push(WirePart::Thinking { thinking: text }),
                PartKind::Document { source, title, .. } => self.add_document(source, title.as_deref(), at)?,
                _ => parts.push(self.part(part, at)?),
            }
        }
        // What the model says before it calls is its plan.
        let mut tool_plan = None;
        if !tool_calls.is_empty() {
            parts.retain(|part| match part {
                WirePart::Text { text } => {
                    tool_plan.get_or_insert_with(String::new).push_str(text);
                    false
                }
                _ => true,
            });
        }
        let tool_plan = tool_plan.filter(|plan| !plan.is_empty());
        if let Some(content) = content_of(parts) {
            out.push(WireMessage { role, tool_call_id: None, content: Some(content), tool_plan, tool_calls });
        } else if !tool_calls.is_empty() {
            out.push(WireMessage { role, tool_call_id: None, content: None, tool_plan, tool_calls });
        }
        Ok(())
    }

    fn part<'a>(&mut self, part: &'a Part, at: usize) -> Result<WirePart<'a>, ApiError> {
        let what = match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal { text } => return Ok(WirePart::Text { text }),
            PartKind::Image { source, detail } => {
                let detail = detail.as_deref();
                match source.to_url() {
                    Some(url) => return Ok(WirePart::ImageUrl { image_url: ImageUrl { url, detail } }),
                    None => "an image by the id of a file",
                }
            }
            PartKind::Audio { .. } => "audio",
            PartKind::Video { .. } => "a video",
            PartKind::Own { name, .. } => return Err(self.impossible(at, &format!("a part of type `{name}`"))),
            _ => "this part",
        };
        Err(self.impossible(at, what))
    }

    /// Nothing but text: its documents belong to the whole conversation.
    fn result<'a>(&mut self, parts: &'a [Part], at: usize) -> Result<Option<Content<'a>>, ApiError> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            match &part.kind {
                PartKind::Text { text, .. } => texts.push(WirePart::Text { text }),
                PartKind::Document { source, title, .. } => self.add_document(source, title.as_deref(), at)?,
                _ => return Err(self.impossible(at, "anything but text as the result of a tool")),
            }
        }
        Ok(content_of(texts))
    }

    fn add_document(&mut self, source: &Source, title: Option<&str>, at: usize) -> Result<(), ApiError> {
        let decode = |data: &str| BASE64_STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = match source {
            Source::Text { text } => Some(text.clone()),
            Source::Data { media_type, data } if media_type.starts_with("text/") => decode(data),
            _ => None,
        };
        let Some(text) = text else { return Err(self.impossible(at, "a document that is not plain text")) };
        let mut data = json!({ "text": text });
        if let Some(title) = title {
            data["title"] = title.into();
        }
        let id = format!("document-{}", self.documents.len() + 1);
        self.documents.push(json!({ "id": id, "data": data }));
        Ok(())
    }

    fn impossible(&self, at: usize, what: &str) -> ApiError {
        self.unsupported.impossible(&format!("{}.content[{at}]", self.path), what)
    }
}

/// One text is written as a string, which every model takes.
fn content_of(parts: Vec<WirePart<'_>>) -> Option<Content<'_>> {
    match parts.as_slice() {
        [] => None,
        [WirePart::Text { text }] => Some(Content::Text(text)),
        _ => Some(Content::Parts(parts)),
    }
}
