//! `/v1/images/generations`, `/v1/images/edits`, `/v1/images/variations`, as OpenAI's API reference shows them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::openai_media::{Fixed, field};
use super::options::MockOptions;
use super::vendor::{Called, named_event};

/// The answer, where the path is one of these.
pub fn answer(called: &Called<'_>, path: &str, options: &MockOptions) -> Option<Fixed> {
    let is_edit = match path {
        "/images/generations" => false,
        "/images/edits" | "/images/variations" => true,
        _ => return None,
    };
    let json: Option<Value> = serde_json::from_slice(called.body).ok();
    let of = |name: &str| match &json {
        Some(body) => body[name].as_str().map(str::to_owned).or_else(|| Some(body[name].to_string())),
        None => field(called.body, name),
    };
    let Some(model) = of("model") else { return Some(Fixed::error(400, "you must provide a model parameter")) };
    let count: usize = of("n").and_then(|n| n.parse().ok()).unwrap_or(1);
    let usage = json!({
        "input_tokens": options.prompt_tokens, "output_tokens": options.completion_tokens.unwrap_or(100),
        "total_tokens": options.prompt_tokens + options.completion_tokens.unwrap_or(100),
        "input_tokens_details": { "text_tokens": options.prompt_tokens, "image_tokens": 0 },
    });
    if of("stream").as_deref() == Some("true") {
        let kind = if is_edit { "image_edit" } else { "image_generation" };
        let events = [
            named_event(
                &json!({ "type": format!("{kind}.partial_image"), "b64_json": picture(1000), "partial_image_index": 0 }),
            ),
            named_event(&json!({ "type": format!("{kind}.completed"), "b64_json": picture(2000), "usage": usage })),
        ];
        return Some(Fixed::of(&model, "text/event-stream", events.concat()));
    }
    let data: Vec<Value> = (0..count).map(|_| json!({ "b64_json": picture(200_000) })).collect();
    let mut body = json!({ "created": 1, "data": data });
    // The older models name no usage.
    if !options.no_usage {
        body["usage"] = usage;
    }
    Some(Fixed::json(&model, &body))
}

fn picture(bytes: usize) -> String {
    STANDARD.encode(vec![0x89; bytes])
}
