//! OpenAI's Responses API: `POST /v1/responses` with its own event protocol.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::json::list;
use super::openai::error;
use super::openai_responses_read::read_responses;
use super::refusal::Refusal;
use super::reply::{Reply, Stop};
use super::signature::sign;
use super::vendor::{Called, ErrorBody, Frame, Frames, Task, Vendor, named_event};

/// The protocol.
pub struct Responses;

/// What the encrypted form of the thoughts is a form of.
pub const ENCRYPTED: &str = "encrypted thoughts";

impl Vendor for Responses {
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>> {
        called.posts_to(&["/v1/responses", "/responses"]).then(|| read_responses(called))
    }

    fn whole(&self, reply: &Reply) -> Vec<u8> {
        response(reply, Some(&output(reply))).to_string().into_bytes()
    }

    fn frames(&self, reply: Reply) -> Frames {
        EventWriter { reply: &reply, frames: Vec::new() }.write()
    }

    fn stream_fault(&self) -> Bytes {
        named_event(&json!({
            "type": "error", "code": "server_error", "message": "The mock upstream had an error.", "param": null,
            "sequence_number": 99
        }))
    }

    fn error(&self, refusal: &Refusal) -> ErrorBody {
        error(refusal)
    }
}

/// The response object; without `output` as it stands at the start of a stream.
fn response(reply: &Reply, output: Option<&[Value]>) -> Value {
    let asked = |key: &str, default: Value| reply.prompt.request.get(key).cloned().unwrap_or(default);
    let (status, details) = match (output, &reply.stop) {
        (None, _) => ("in_progress", Value::Null),
        (_, Stop::Length) => ("incomplete", json!({ "reason": "max_output_tokens" })),
        (_, Stop::Filter) => ("incomplete", json!({ "reason": "content_filter" })),
        _ => ("completed", Value::Null),
    };
    let tokens = reply.tokens;
    let usage = (output.is_some() && reply.has_usage).then(|| {
        json!({
            "input_tokens": tokens.input,
            "input_tokens_details": { "cached_tokens": tokens.cached },
            "output_tokens": tokens.output,
            "output_tokens_details": { "reasoning_tokens": tokens.reasoning },
            "total_tokens": tokens.input.saturating_add(tokens.output),
        })
    });
    let mut reasoning = Map::from_iter([("effort".to_owned(), Value::Null), ("summary".to_owned(), Value::Null)]);
    reasoning.extend(asked("reasoning", json!({})).as_object().cloned().unwrap_or_default());
    json!({
        "id": id(reply),
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": details,
        "instructions": asked("instructions", Value::Null),
        "max_output_tokens": asked("max_output_tokens", Value::Null),
        "metadata": asked("metadata", json!({})),
        "model": reply.prompt.model,
        "output": output.unwrap_or_default(),
        "parallel_tool_calls": asked("parallel_tool_calls", json!(true)),
        "previous_response_id": asked("previous_response_id", Value::Null),
        "reasoning": reasoning,
        "service_tier": "default",
        "store": asked("store", json!(true)),
        "temperature": asked("temperature", json!(1.0)),
        "text": asked("text", json!({ "format": { "type": "text" } })),
        "tool_choice": asked("tool_choice", json!("auto")),
        "tools": asked("tools", json!([])),
        "top_p": asked("top_p", json!(1.0)),
        "truncation": asked("truncation", json!("disabled")),
        "usage": usage,
        "user": asked("user", Value::Null),
    })
}

fn id(reply: &Reply) -> String {
    format!("resp_mock{:05}", reply.sequence)
}

fn reasoning_item(reply: &Reply, summary: Value) -> Value {
    let mut item = json!({ "id": format!("rs_mock{:05}", reply.sequence), "type": "reasoning", "summary": summary });
    let is_asked = list(&reply.prompt.request, "include").iter().any(|one| one == "reasoning.encrypted_content");
    if is_asked {
        item["encrypted_content"] = sign(ENCRYPTED).into();
    }
    item
}

fn message_item(reply: &Reply, status: &str, content: Value) -> Value {
    let id = format!("msg_mock{:05}", reply.sequence);
    json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content })
}

fn text_part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn call_item(call: &super::reply::Call, status: &str, arguments: &str) -> Value {
    json!({
        "id": format!("fc_{}", call.id), "type": "function_call", "status": status, "call_id": format!("call_{}", call.id),
        "name": call.name, "arguments": arguments
    })
}

fn output(reply: &Reply) -> Vec<Value> {
    let mut output = Vec::new();
    if let Some(thoughts) = &reply.thoughts {
        let summary = json!([{ "type": "summary_text", "text": thoughts.whole() }]);
        output.push(reasoning_item(reply, summary));
    }
    if reply.calls.is_empty() {
        output.push(message_item(reply, "completed", json!([text_part(&reply.text.whole())])));
    }
    output.extend(reply.calls.iter().map(|call| call_item(call, "completed", &call.arguments)));
    output
}

struct EventWriter<'a> {
    reply: &'a Reply,
    frames: Vec<Frame>,
}

impl EventWriter<'_> {
    fn event(&mut self, kind: &str, fields: Value, is_content: bool) {
        let mut event = fields;
        event["type"] = kind.into();
        event["sequence_number"] = self.frames.len().into();
        self.frames.push(Frame { bytes: named_event(&event), is_content });
    }

    fn write(mut self) -> Frames {
        let reply = self.reply;
        self.event("response.created", json!({ "response": response(reply, None) }), false);
        self.event("response.in_progress", json!({ "response": response(reply, None) }), false);
        let mut index = 0;
        if reply.thoughts.is_some() {
            self.thoughts();
            index += 1;
        }
        if reply.calls.is_empty() {
            self.message(index);
        }
        for call in &reply.calls {
            self.call(index, call);
            index += 1;
        }
        if reply.has_end {
            let last = response(reply, Some(&output(reply)));
            let kind = if last["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
            self.event(kind, json!({ "response": last }), false);
        }
        Box::new(self.frames.into_iter())
    }

    fn thoughts(&mut self) {
        let reply = self.reply;
        let item = reasoning_item(reply, json!([]));
        let at = |more: Value| {
            let mut fields = json!({ "output_index": 0, "item_id": item["id"], "summary_index": 0 });
            if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
                fields.extend(more);
            }
            fields
        };
        self.event("response.output_item.added", json!({ "output_index": 0, "item": item }), false);
        let part = json!({ "part": { "type": "summary_text", "text": "" } });
        self.event("response.reasoning_summary_part.added", at(part), false);
        let whole = reply.thoughts.as_ref().map(super::reply::Text::whole).unwrap_or_default();
        for piece in reply.thoughts.iter().flat_map(super::reply::Text::pieces) {
            self.event("response.reasoning_summary_text.delta", at(json!({ "delta": piece })), true);
        }
        self.event("response.reasoning_summary_text.done", at(json!({ "text": whole })), false);
        let part = json!({ "type": "summary_text", "text": whole });
        self.event("response.reasoning_summary_part.done", at(json!({ "part": part })), false);
        let item = reasoning_item(reply, json!([part]));
        self.event("response.output_item.done", json!({ "output_index": 0, "item": item }), false);
    }

    fn message(&mut self, index: usize) {
        let reply = self.reply;
        let item = message_item(reply, "in_progress", json!([]));
        let id = item["id"].clone();
        self.event("response.output_item.added", json!({ "output_index": index, "item": item }), false);
        let at = |key: &str, value: Value| {
            let mut fields = json!({ "output_index": index, "item_id": id, "content_index": 0 });
            fields[key] = value;
            fields
        };
        self.event("response.content_part.added", at("part", text_part("")), false);
        for piece in reply.text.pieces() {
            let mut fields = at("delta", json!(piece));
            fields["logprobs"] = json!([]);
            self.event("response.output_text.delta", fields, true);
        }
        let whole = reply.text.whole();
        let mut fields = at("text", json!(whole));
        fields["logprobs"] = json!([]);
        self.event("response.output_text.done", fields, false);
        self.event("response.content_part.done", at("part", text_part(&whole)), false);
        let item = message_item(reply, "completed", json!([text_part(&whole)]));
        self.event("response.output_item.done", json!({ "output_index": index, "item": item }), false);
    }

    fn call(&mut self, index: usize, call: &super::reply::Call) {
        let id = format!("fc_{}", call.id);
        let item = call_item(call, "in_progress", "");
        self.event("response.output_item.added", json!({ "output_index": index, "item": item }), false);
        for piece in call.pieces() {
            let fields = json!({ "output_index": index, "item_id": id, "delta": piece });
            self.event("response.function_call_arguments.delta", fields, true);
        }
        let fields = json!({ "output_index": index, "item_id": id, "name": call.name, "arguments": call.arguments });
        self.event("response.function_call_arguments.done", fields, false);
        let item = call_item(call, "completed", &call.arguments);
        self.event("response.output_item.done", json!({ "output_index": index, "item": item }), false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::openai::Chat;
    use super::super::options::MockOptions;
    use super::super::prompt::Prompt;
    use super::*;

    #[test]
    fn events_are_numbered_and_typed() {
        let reply = Reply::new(Prompt { is_reasoning: true, ..Prompt::default() }, &MockOptions::default(), 1, 2);
        let all: String =
            Responses.frames(reply).map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned()).collect();
        let events: Vec<Value> =
            all.split("\n\n").filter_map(|event| serde_json::from_str(event.split_once("\ndata: ")?.1).ok()).collect();
        assert!(events.iter().enumerate().all(|(place, event)| event["sequence_number"] == place));
        assert_eq!(events.first().map(|event| event["type"].clone()), Some(json!("response.created")));
        assert_eq!(events.last().map(|event| event["response"]["status"].clone()), Some(json!("completed")));
        assert_ne!(Responses.stream_fault(), Chat.stream_fault());
    }
}
