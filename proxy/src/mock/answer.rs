//! What the mock provider says. Pure: a request's JSON in, an answer's JSON out.

use serde_json::{Value, json};

const LOREM: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et \
dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.";
const EMBEDDING_DIMENSIONS: usize = 8;

/// A chat answer in pieces, as a model would produce them.
pub struct Answer {
    model: String,
    pieces: Vec<String>,
    input_tokens: usize,
    shows_usage: bool,
    /// Whether a stream is wanted.
    pub is_stream: bool,
}

impl Answer {
    /// From a chat completion request.
    pub fn to(request: &Value) -> Self {
        let model = request["model"].as_str().unwrap_or_default().to_owned();
        let text = if model == "lorem" { LOREM.to_owned() } else { last_message(request) };
        let pieces: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        Self {
            model,
            pieces,
            input_tokens: count_words(&request["messages"]),
            shows_usage: request["stream_options"]["include_usage"] == true,
            is_stream: request["stream"] == true,
        }
    }

    /// The answer as one document.
    pub fn document(&self) -> Value {
        json!({
            "id": "chatcmpl-mock", "object": "chat.completion", "created": 0, "model": self.model,
            "choices": [{
                "index": 0, "finish_reason": "stop", "logprobs": null,
                "message": { "role": "assistant", "content": self.pieces.concat(), "refusal": null },
            }],
            "usage": self.usage(),
        })
    }

    /// The answer as events, without their `data:` lines.
    pub fn events(&self) -> Vec<String> {
        let mut events = vec![self.event(&json!({ "role": "assistant", "content": "" }), None)];
        events.extend(self.pieces.iter().map(|piece| self.event(&json!({ "content": piece }), None)));
        events.push(self.event(&json!({}), Some("stop")));
        if self.shows_usage {
            let mut last = self.chunk(json!([]));
            last["usage"] = self.usage();
            events.push(last.to_string());
        }
        events.push("[DONE]".to_owned());
        events
    }

    fn event(&self, delta: &Value, finish_reason: Option<&str>) -> String {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        let mut chunk = self.chunk(json!([choice]));
        if self.shows_usage {
            chunk["usage"] = Value::Null;
        }
        chunk.to_string()
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({ "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 0, "model": self.model, "choices": choices })
    }

    /// The mock's tokens are words.
    fn usage(&self) -> Value {
        let output_tokens = self.pieces.len();
        json!({
            "prompt_tokens": self.input_tokens, "completion_tokens": output_tokens,
            "total_tokens": self.input_tokens + output_tokens,
        })
    }
}

/// The answer to an embeddings request: a vector that depends on the text and nothing else.
pub fn embeddings(request: &Value) -> Value {
    let inputs: Vec<&Value> = match &request["input"] {
        Value::Array(inputs) => inputs.iter().collect(),
        input => vec![input],
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| json!({ "object": "embedding", "index": index, "embedding": vector(&input.to_string()) }))
        .collect();
    let tokens: usize = inputs.iter().map(|input| count_words(input)).sum();
    json!({
        "object": "list", "data": data, "model": request["model"],
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}

fn vector(text: &str) -> Vec<i64> {
    let mut sums = [0_i64; EMBEDDING_DIMENSIONS];
    for (at, byte) in text.bytes().enumerate() {
        sums[at % EMBEDDING_DIMENSIONS] = (sums[at % EMBEDDING_DIMENSIONS] * 31 + i64::from(byte)) % 1009;
    }
    sums.to_vec()
}

fn last_message(request: &Value) -> String {
    let content =
        request["messages"].as_array().and_then(|messages| messages.last()).map(|message| &message["content"]);
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

fn count_words(value: &Value) -> usize {
    match value {
        Value::String(text) => text.split_whitespace().count(),
        Value::Array(items) => items.iter().map(count_words).sum(),
        Value::Object(members) => members.values().map(count_words).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_repeats_the_last_message_whole_and_in_pieces() {
        let answer = Answer::to(&json!({
            "model": "echo", "stream": true, "stream_options": { "include_usage": true },
            "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": [{ "text": "a b" }, { "text": "c" }] }],
        }));
        assert_eq!(answer.document()["choices"][0]["message"]["content"], "a b c");
        assert_eq!(answer.usage(), json!({ "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 }));
        let events = answer.events();
        assert_eq!(events.len(), 1 + 3 + 1 + 1 + 1);
        assert_eq!(events.last().unwrap(), "[DONE]");
    }

    #[test]
    fn equal_texts_have_equal_embeddings() {
        let answer = embeddings(&json!({ "model": "echo", "input": ["a b", "a b", "c"] }));
        assert_eq!(answer["data"][0]["embedding"], answer["data"][1]["embedding"]);
        assert_ne!(answer["data"][0]["embedding"], answer["data"][2]["embedding"]);
        assert_eq!(answer["usage"]["prompt_tokens"], 5);
    }
}
