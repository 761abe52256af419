//! Cohere: `/v2/chat`, `/v2/embed`, `/v2/rerank` (and `/v1/rerank`, which differs in its documents).

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::cohere_search::{embed, rerank};
use super::json::{list, text, texts, unknown};
use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::refusal::Refusal;
use super::reply::{Reply, Stop, Text};
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor, named_event};

/// The protocol.
pub struct Cohere;

/// Fields of `POST /v2/chat`.
const CHAT: [&str; 22] = [
    "citation_options",
    "documents",
    "frequency_penalty",
    "k",
    "logprobs",
    "max_tokens",
    "messages",
    "model",
    "p",
    "presence_penalty",
    "priority",
    "raw_prompting",
    "response_format",
    "safety_mode",
    "seed",
    "stop_sequences",
    "stream",
    "strict_tools",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
];

impl Vendor for Cohere {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        let paths = ["/v2/chat", "/v2/embed", "/v2/rerank", "/v1/rerank", "/v1/embed"];
        if called.parts.method != Method::POST || !paths.contains(&called.path) {
            return None;
        }
        Some(task(called))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        let body = json!({
            "id": id(reply), "message": message(reply), "finish_reason": finish_reason(&reply.stop), "usage": usage(reply)
        });
        body.to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        frames(&reply)
    }

    fn stream_fault(&self) -> Bytes {
        named_event(&json!({
            "type": "message-end", "delta": { "error": "internal server error", "finish_reason": "ERROR" }
        }))
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        ErrorBody::json(json!({ "id": "00000000-0000-4000-8000-000000000000", "message": refusal.message }))
    }

    fn stream_type(&self) -> &'static str {
        "text/event-stream"
    }
}

fn task(called: &Called<'_>) -> Result<Task, Refusal> {
    if called.bearer().is_none() {
        return Err(Refusal::unauthorized("no api key supplied"));
    }
    let body = called.json()?;
    let Some(model) = text(&body, "model").map(str::to_owned) else {
        return Err(Refusal::bad("invalid request: model is required"));
    };
    match called.path {
        "/v2/chat" => chat(&body, model),
        "/v2/embed" | "/v1/embed" => embed(&body, model),
        _ => rerank(&body, model),
    }
}

/// Refuses the first field that is not known.
pub fn check(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    match unknown(body, known) {
        None => Ok(()),
        Some(name) => Err(Refusal::bad(format!("unknown field: parameter '{name}' is not a valid field"))),
    }
}

fn chat(body: &Value, model: String) -> Result<Task, Refusal> {
    check(body, &CHAT)?;
    let mut prompt = Prompt {
        model,
        is_streamed: body.get("stream").and_then(Value::as_bool) == Some(true),
        is_usage_asked: true,
        stop: texts(body, "stop_sequences"),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        is_reasoning: body.pointer("/thinking/type").and_then(Value::as_str) == Some("enabled"),
        ..Prompt::default()
    };
    let number = |key: &str| body.get(key).and_then(Value::as_f64);
    if number("temperature").is_some_and(|t| !(0.0..=1.0).contains(&t)) {
        return Err(Refusal::bad("invalid request: temperature must be between 0 and 1.0 inclusive."));
    }
    if number("p").is_some_and(|p| !(0.01..=0.99).contains(&p)) {
        return Err(Refusal::bad("invalid request: p must be between 0.01 and 0.99 inclusive."));
    }
    if prompt.stop.len() > 5 {
        return Err(Refusal::bad("invalid request: stop_sequences: at most 5 are allowed."));
    }
    for tool in list(body, "tools") {
        match (text(tool, "type"), tool.pointer("/function/name").and_then(Value::as_str)) {
            (Some("function"), Some(name)) => {
                let schema = tool.pointer("/function/parameters").cloned().unwrap_or_default();
                prompt.tools.push(Tool { name: name.to_owned(), schema });
            }
            _ => return Err(Refusal::bad("invalid request: tools must have the type 'function' and a name.")),
        }
    }
    prompt.tool_choice = match body.get("tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) if word == "REQUIRED" => ToolChoice::Required,
        Some(Value::String(word)) if word == "NONE" => ToolChoice::Never,
        Some(_) => return Err(Refusal::bad("invalid request: tool_choice must be one of 'REQUIRED' or 'NONE'.")),
    };
    if let Some(format) = body.get("response_format") {
        let schema = format.get("json_schema").or_else(|| format.get("schema"));
        prompt.format = match (text(format, "type"), schema) {
            (Some("text"), None) => Format::Text,
            (Some("json_object"), Some(schema)) => Format::Schema(schema.clone()),
            (Some("json_object"), None) => Format::Json,
            _ => return Err(Refusal::bad("invalid request: response_format.type must be 'text' or 'json_object'.")),
        };
        if prompt.format != Format::Text && !prompt.tools.is_empty() {
            return Err(Refusal::bad("invalid request: cannot specify both response_format json_object and tools."));
        }
    }
    messages(list(body, "messages"), &mut prompt)?;
    Ok(Task::Chat(Box::new(prompt)))
}

fn messages(messages: &[Value], prompt: &mut Prompt) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(Refusal::bad("invalid request: messages must be at least 1 token long."));
    }
    let mut open_calls: Vec<&str> = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        check(message, &["role", "content", "tool_calls", "tool_call_id", "tool_plan", "citations"])?;
        match text(message, "role") {
            Some("user") => {
                let said = content(message, prompt)?;
                prompt.user_turn(said, Vec::new());
            }
            Some("system") => drop(content(message, prompt)?),
            Some("assistant") => {
                prompt.answered();
                let calls = list(message, "tool_calls");
                if calls.is_empty() && message.get("content").is_none_or(Value::is_null) {
                    return Err(Refusal::bad(format!(
                        "invalid request: all elements in history must have a message. (messages[{place}])"
                    )));
                }
                for call in calls {
                    if call.pointer("/function/arguments").is_none_or(|arguments| !arguments.is_string()) {
                        return Err(Refusal::bad("invalid request: tool call arguments must be a JSON string."));
                    }
                    open_calls.extend(text(call, "id"));
                }
            }
            Some("tool") => {
                let id = text(message, "tool_call_id").unwrap_or_default();
                let Some(found) = open_calls.iter().position(|open| *open == id) else {
                    return Err(Refusal::bad(format!(
                        "invalid request: tool call id not found in previous tool calls: {id}"
                    )));
                };
                open_calls.remove(found);
                let result = content(message, prompt)?;
                prompt.results.push(result);
            }
            other => {
                return Err(Refusal::bad(format!(
                    "invalid request: invalid role '{}' at messages[{place}]: must be one of 'user', 'assistant', 'system', \
                     'tool'.",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    match open_calls.first() {
        Some(id) => Err(Refusal::bad(format!("invalid request: missing tool result for tool call {id}"))),
        None => Ok(()),
    }
}

fn content(message: &Value, prompt: &mut Prompt) -> Result<String, Refusal> {
    let parts = match message.get("content") {
        Some(Value::String(said)) => return Ok(said.clone()),
        Some(Value::Array(parts)) => parts,
        _ => return Err(Refusal::bad("invalid request: content must be a string or a list.")),
    };
    let mut said = String::new();
    for part in parts {
        match text(part, "type") {
            Some("text") => said.push_str(text(part, "text").unwrap_or_default()),
            Some("image_url") if part.pointer("/image_url/url").is_some() => prompt.images += 1,
            Some("document") => {
                let data = part.pointer("/document/data");
                let own = data.map(|data| text(data, "text").map_or_else(|| data.to_string(), str::to_owned));
                said.push_str(&own.unwrap_or_default());
            }
            _ => {
                return Err(Refusal::bad(
                    "invalid request: content type must be one of 'text', 'image_url', 'document'.",
                ));
            }
        }
    }
    Ok(said)
}

fn id(reply: &Reply) -> String {
    format!("00000000-0000-4000-8000-{:012}", reply.sequence)
}

fn finish_reason(stop: &Stop) -> &str {
    match stop {
        Stop::End => "COMPLETE",
        Stop::Length => "MAX_TOKENS",
        Stop::Sequence(_) => "STOP_SEQUENCE",
        Stop::ToolCalls => "TOOL_CALL",
        Stop::Filter => "ERROR",
        Stop::Other(other) => other,
    }
}

fn usage(reply: &Reply) -> Value {
    let (input, output) = (reply.tokens.input, reply.tokens.output);
    // What is paid for, and what the model saw, which is more.
    json!({
        "billed_units": { "input_tokens": input, "output_tokens": output },
        "tokens": { "input_tokens": input, "output_tokens": output },
        "cached_tokens": reply.tokens.cached,
    })
}

const PLAN: &str = "I will look it up.";

fn message(reply: &Reply) -> Value {
    let mut content = Vec::new();
    if let Some(thoughts) = &reply.thoughts {
        content.push(json!({ "type": "thinking", "thinking": thoughts.whole() }));
    }
    if reply.calls.is_empty() {
        content.push(json!({ "type": "text", "text": reply.text.whole() }));
        return json!({ "role": "assistant", "content": content });
    }
    let calls = reply.calls.iter().map(|call| {
        let function = json!({ "name": call.name, "arguments": call.arguments });
        json!({ "id": call.id, "type": "function", "function": function })
    });
    let mut message = json!({ "role": "assistant", "tool_plan": PLAN, "tool_calls": calls.collect::<Value>() });
    if !content.is_empty() {
        message["content"] = content.into();
    }
    message
}

fn frames(reply: &Reply) -> Frames {
    let event = |value: &Value| named_event(value);
    let content = |index: usize, kind: &str, key: &str, text: &Text, frames: &mut Vec<Frame>| {
        let start = json!({ "message": { "content": { "type": kind, key: "" } } });
        frames.push(Frame::other(event(&json!({ "type": "content-start", "index": index, "delta": start }))));
        for piece in text.pieces() {
            let delta = json!({ "message": { "content": { key: piece } } });
            frames.push(Frame::content(event(&json!({ "type": "content-delta", "index": index, "delta": delta }))));
        }
        frames.push(Frame::other(event(&json!({ "type": "content-end", "index": index }))));
    };
    let opening = json!({ "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [] });
    let start = json!({ "id": id(reply), "type": "message-start", "delta": { "message": opening } });
    let mut frames = vec![Frame::other(event(&start))];
    let mut index = 0;
    if let Some(thoughts) = &reply.thoughts {
        content(index, "thinking", "thinking", thoughts, &mut frames);
        index += 1;
    }
    if reply.calls.is_empty() {
        content(index, "text", "text", &reply.text, &mut frames);
    } else {
        for word in PLAN.split_inclusive(' ') {
            let delta = json!({ "message": { "tool_plan": word } });
            frames.push(Frame::other(event(&json!({ "type": "tool-plan-delta", "delta": delta }))));
        }
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        let opening = json!({ "id": call.id, "type": "function", "function": function });
        let delta = json!({ "message": { "tool_calls": opening } });
        frames.push(Frame::other(event(&json!({ "type": "tool-call-start", "index": index, "delta": delta }))));
        for piece in call.pieces() {
            let delta = json!({ "message": { "tool_calls": { "function": { "arguments": piece } } } });
            frames.push(Frame::content(event(&json!({ "type": "tool-call-delta", "index": index, "delta": delta }))));
        }
        frames.push(Frame::other(event(&json!({ "type": "tool-call-end", "index": index }))));
    }
    if reply.has_end {
        let delta = json!({ "finish_reason": finish_reason(&reply.stop), "usage": usage(reply) });
        frames.push(Frame::other(event(&json!({ "type": "message-end", "delta": delta }))));
        frames.push(Frame::other("data: [DONE]\n\n"));
    }
    Box::new(frames.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cohere_refuses_is_refused() {
        for (more, part) in [
            (json!({ "top_p": 0.5 }), "parameter 'top_p' is not a valid field"),
            (json!({ "p": 1.0 }), "between 0.01 and 0.99"),
            (json!({ "temperature": 2.0 }), "between 0 and 1.0"),
            (json!({ "tool_choice": "auto" }), "one of 'REQUIRED' or 'NONE'"),
            (json!({ "messages": [{ "role": "developer", "content": "x" }] }), "invalid role 'developer'"),
            (
                json!({ "messages": [{ "role": "tool", "tool_call_id": "a", "content": "x" }] }),
                "not found in previous tool calls",
            ),
        ] {
            let mut body = json!({ "messages": [{ "role": "user", "content": "x" }] });
            if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more.clone()) {
                body.extend(more);
            }
            let said = chat(&body, "m".to_owned()).err().map(|refusal| refusal.message);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{more}: {said:?}");
        }
    }
}
