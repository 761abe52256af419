//! Finds the few fields of a request body that the gateway acts on, and rewrites them in place.
//!
//! One validating pass over the top-level keys; everything else is skipped, not parsed, and stays byte for byte as it came.
//! A doubled key that the gateway acts on is refused: we and the provider could read it differently.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use deltallm_shared::error::{ApiError, ErrorCode};
use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

/// Deeper nesting than any request needs; bounds the stack of parsers, ours and the provider's.
const MAX_DEPTH: usize = 128;

/// What was found in a request body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestIndex {
    /// The model that is asked for.
    pub model: String,
    /// Where its value stands, quotes included; `None` where the path names the model and the body does not.
    model_value: Option<Range<usize>>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Where the value of `stream_options` stands.
    stream_options: Option<Range<usize>>,
    /// Whether the client itself asked for usage in the stream.
    pub include_usage: bool,
    /// Where the value of `include_usage` stands.
    include_usage_value: Option<Range<usize>>,
    /// `max_completion_tokens`, `max_tokens` or `max_output_tokens`.
    pub max_output_tokens: Option<u64>,
    /// How many answers are wanted.
    pub answers: u64,
    /// The caller's own customer.
    pub end_user: Option<String>,
    /// Says which requests share a beginning, in OpenAI's words.
    pub prompt_cache_key: Option<String>,
    /// Whether fields stand in the body that are for the gateway alone: see [`super::routing_fields`].
    pub has_routing_fields: bool,
    /// Where the first of `required` stands, whose size stands for the prompt's.
    pub prompt: Range<usize>,
}

impl RequestIndex {
    /// Reads a body. `required` names the field without which the endpoint makes no sense: `messages`, `input` …
    pub fn read(body: &[u8], required: &'static str) -> Result<Self, ApiError> {
        Self::read_for(body, required, None)
    }

    /// The same, where the path may name the model, which then counts. An empty `required` requires nothing: the whole body
    /// stands for the prompt.
    pub fn read_for(body: &[u8], required: &'static str, path_model: Option<&str>) -> Result<Self, ApiError> {
        check_depth(body)?;
        let mut index = Self { answers: 1, prompt: 0..body.len(), ..Self::default() };
        let mut seen: Vec<&'static str> = Vec::with_capacity(8);
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(broken("it is not a JSON object"));
        }
        let mut last_value_end = 0;
        for member in sonic_rs::to_object_iter(body) {
            let (key, value) = member.map_err(|error| broken(first_line(&error.to_string())))?;
            last_value_end = range_in(body, value.as_raw_str()).end;
            let Some(known) = known_key(&key, required) else {
                // Some servers fold case, and the last one wins there.
                if key.eq_ignore_ascii_case("model") {
                    let text = format!("`{key}` is not `model`; write it in lower case.");
                    return Err(ApiError::about(ErrorCode::InvalidRequest, key.as_ref(), text));
                }
                index.has_routing_fields |= is_for_routing(&key, &value);
                continue;
            };
            if seen.contains(&known) {
                return Err(ApiError::about(
                    ErrorCode::InvalidRequest,
                    known,
                    format!("`{known}` stands in the body twice."),
                ));
            }
            seen.push(known);
            index.take(known, required, &value, body)?;
        }
        // The iterator stops at the object's end and does not look at what follows.
        let mut rest = body[last_value_end..].iter().filter(|byte| !byte.is_ascii_whitespace());
        if last_value_end > 0 && (rest.next(), rest.next()) != (Some(&b'}'), None) {
            return Err(broken("something follows the object"));
        }
        match path_model {
            Some(model) => model.clone_into(&mut index.model),
            None if !seen.contains(&"model") => return Err(missing("model")),
            None => {}
        }
        if !required.is_empty() && !seen.contains(&required) {
            return Err(missing(required));
        }
        Ok(index)
    }

    fn take(&mut self, key: &'static str, required: &str, value: &LazyValue<'_>, body: &[u8]) -> Result<(), ApiError> {
        let range = range_in(body, value.as_raw_str());
        match key {
            "model" => {
                let model = value.as_str().filter(|model| !model.is_empty());
                model.ok_or_else(|| wrong_type(key, "a non-empty string"))?.clone_into(&mut self.model);
                self.model_value = Some(range);
            }
            "stream" => {
                self.stream = match value.get_type() {
                    JsonType::Null => false,
                    _ => value.as_bool().ok_or_else(|| wrong_type(key, "true or false"))?,
                };
            }
            "stream_options" => match value.get_type() {
                JsonType::Null => self.stream_options = Some(range),
                JsonType::Object => {
                    if let Some(flag) = value.get("include_usage") {
                        let flag_range = range_in(body, flag.as_raw_str());
                        self.include_usage = flag
                            .as_bool()
                            .ok_or_else(|| wrong_type("stream_options.include_usage", "true or false"))?;
                        self.include_usage_value = Some(flag_range);
                    }
                    self.stream_options = Some(range);
                }
                _ => return Err(wrong_type(key, "an object")),
            },
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" if value.get_type() != JsonType::Null => {
                let tokens = value.as_u64().ok_or_else(|| wrong_type(key, "a whole number of tokens"))?;
                self.max_output_tokens = Some(self.max_output_tokens.map_or(tokens, |other| other.max(tokens)));
            }
            "n" if value.get_type() != JsonType::Null => {
                self.answers =
                    value.as_u64().filter(|n| *n > 0).ok_or_else(|| wrong_type(key, "a whole number above 0"))?;
            }
            "user" if value.get_type() != JsonType::Null => {
                self.end_user = Some(value.as_str().ok_or_else(|| wrong_type(key, "a string"))?.to_owned());
            }
            "prompt_cache_key" => self.prompt_cache_key = value.as_str().map(str::to_owned),
            _ if key == required => {
                check_required(key, value)?;
                self.prompt = range;
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses a stream where the endpoint has none.
    pub fn check_stream(&self, can_stream: bool) -> Result<(), ApiError> {
        if self.stream && !can_stream {
            return Err(ApiError::about(ErrorCode::InvalidRequest, "stream", "`stream` is not possible at this path."));
        }
        Ok(())
    }

    /// The body for the provider: its own model name, and usage asked for in a stream. The rest is as it came.
    pub fn rewrite(&self, body: &Bytes, upstream_model: &str, ask_usage: bool) -> Bytes {
        let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::with_capacity(2);
        if let Some(value) =
            self.model_value.clone().filter(|value| body[value.clone()] != *json_string(upstream_model))
        {
            edits.push((value, json_string(upstream_model)));
        }
        if ask_usage && self.stream && !self.include_usage {
            edits.push(self.usage_edit(body));
        }
        if edits.is_empty() {
            return body.clone();
        }
        edits.sort_by_key(|(range, _)| range.start);
        let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = BytesMut::with_capacity(body.len() + added);
        let mut from = 0;
        for (range, text) in edits {
            out.put_slice(&body[from..range.start]);
            out.put_slice(&text);
            from = range.end;
        }
        out.put_slice(&body[from..]);
        out.freeze()
    }

    /// How `include_usage` gets into the body: in place of its value, into the object, or as the body's first member.
    fn usage_edit(&self, body: &[u8]) -> (Range<usize>, Vec<u8>) {
        const FLAG: &str = r#""include_usage":true"#;
        if let Some(value) = &self.include_usage_value {
            return (value.clone(), b"true".to_vec());
        }
        let Some(options) = &self.stream_options else {
            let open = body.iter().position(|byte| *byte == b'{').unwrap_or(0) + 1;
            return (open..open, format!(r#""stream_options":{{{FLAG}}},"#).into_bytes());
        };
        let inner = body.get(options.start + 1..options.end.saturating_sub(1)).unwrap_or_default();
        if body.get(options.start) != Some(&b'{') || inner.iter().all(u8::is_ascii_whitespace) {
            return (options.clone(), format!("{{{FLAG}}}").into_bytes());
        }
        (options.start + 1..options.start + 1, format!("{FLAG},").into_bytes())
    }
}

fn known_key(key: &str, required: &'static str) -> Option<&'static str> {
    const KNOWN: [&str; 9] = [
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "user",
        "prompt_cache_key",
    ];
    if key == required {
        return Some(required);
    }
    KNOWN.into_iter().find(|known| *known == key)
}

/// Whether a member is for the gateway and has to be taken out.
fn is_for_routing(key: &str, value: &LazyValue<'_>) -> bool {
    super::routing_fields::NAMES.contains(&key)
        || (key == "metadata" && value.get("tags").is_some_and(|tags| tags.get_type() == JsonType::Array))
}

fn check_required(key: &'static str, value: &LazyValue<'_>) -> Result<(), ApiError> {
    match (key, value.get_type()) {
        ("messages", JsonType::Array) => {
            let first = value.as_raw_str().trim_start_matches('[').trim_start();
            if first.starts_with(']') { Err(wrong_type(key, "an array with at least one message")) } else { Ok(()) }
        }
        ("messages", _) => Err(wrong_type(key, "an array of messages")),
        (_, JsonType::String | JsonType::Array | JsonType::Object) => Ok(()),
        _ => Err(wrong_type(key, "a string or an array")),
    }
}

fn check_depth(body: &[u8]) -> Result<(), ApiError> {
    // Brackets in strings count too; a prompt that holds thousands of unclosed ones is let through by the exact count below.
    let opened = memchr::memchr2_iter(b'[', b'{', body).take(MAX_DEPTH + 1).count();
    if opened <= MAX_DEPTH || exact_depth(body) <= MAX_DEPTH {
        return Ok(());
    }
    Err(broken("it is nested too deeply"))
}

fn exact_depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(step) = memchr_structural(&body[at..]) {
        at += step;
        match body[at] {
            b'"' => at = string_end(body, at + 1),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                if deepest > MAX_DEPTH {
                    return deepest;
                }
            }
            _ => depth = depth.saturating_sub(1),
        }
        at += 1;
        if at >= body.len() {
            break;
        }
    }
    deepest
}

fn memchr_structural(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'))
}

/// Where the string that began before `from` ends: the place of its closing quote.
pub(super) fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(step) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += step;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

pub(super) fn range_in(body: &[u8], part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + part.len()
}

fn json_string(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).unwrap_or_default()
}

fn broken(reason: impl AsRef<str>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, format!("The body is not valid JSON: {}.", reason.as_ref()))
}

fn missing(key: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, key, format!("The body has no `{key}`."))
}

fn wrong_type(key: &str, expected: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, key, format!("`{key}` must be {expected}."))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[path = "request_index_tests.rs"]
mod tests;
