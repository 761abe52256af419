//! Reads the body of `POST /v1/completions` (OpenAI's API reference, "Create completion") as a chat with one message.

use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::Value;

use crate::canonical::{ChatRequest, Message, Part, Role};
use crate::dialect::DialectId;
use crate::openai::json_field::{self as field, Place};

/// Reads a body.
pub fn read(body: &[u8], path_model: Option<&str>) -> Result<ChatRequest, ApiError> {
    let mut request = ChatRequest::new(DialectId::OpenAiCompletions);
    for (name, value) in field::body(body)? {
        if !value.is_null() || name == "prompt" {
            take(&mut request, name, value)?;
        }
    }
    if let Some(model) = path_model {
        model.clone_into(&mut request.model);
    }
    for (name, is_there) in [("model", !request.model.is_empty()), ("prompt", !request.messages.is_empty())] {
        if !is_there {
            return Err(ApiError::about(ErrorCode::InvalidRequest, name, format!("The body has no `{name}`.")));
        }
    }
    // With `best_of` of at most `n` nothing is chosen among answers: the parameter asks for nothing.
    let answers = request.answers.unwrap_or(1);
    if request.own.get("best_of").and_then(Value::as_u64).is_some_and(|best_of| best_of <= answers) {
        request.own.shift_remove("best_of");
    }
    Ok(request)
}

fn take(request: &mut ChatRequest, name: String, value: Value) -> Result<(), ApiError> {
    let at = Place::member(&name);
    match name.as_str() {
        "model" => request.model = field::string(value, at)?,
        "prompt" => request.messages = vec![Message::new(Role::User, vec![Part::text(read_prompt(value, at)?)])],
        "max_tokens" => request.max_output_tokens = Some(field::count(&value, at)?),
        "temperature" => request.temperature = Some(field::number(value, at)?),
        "top_p" => request.top_p = Some(field::number(value, at)?),
        "frequency_penalty" => request.frequency_penalty = Some(field::number(value, at)?),
        "presence_penalty" => request.presence_penalty = Some(field::number(value, at)?),
        "seed" => request.seed = Some(field::integer(&value, at)?),
        "stop" => request.stop = field::strings(value, at)?,
        "n" => {
            let answers = field::count(&value, at)?;
            request.answers = if answers == 0 { return Err(at.must_be("1 or more")) } else { Some(answers) };
        }
        "logprobs" => {
            // The number of alternatives here; chats have a switch beside it.
            let alternatives = field::count(&value, at)?;
            request.logprobs = Some(true);
            request.top_logprobs = Some(alternatives).filter(|count| *count > 0);
        }
        "logit_bias" => request.logit_bias = Some(field::object(value, at)?),
        "user" => request.user = Some(field::string(value, at)?),
        "stream" => request.stream = field::boolean(&value, at)?,
        "stream_options" => {
            let flag = field::optional(&mut field::object(value, at)?, "include_usage");
            let flag = flag.map(|flag| field::boolean(&flag, at.then("include_usage"))).transpose()?;
            request.include_usage = flag.unwrap_or(false);
        }
        "echo" => {
            if field::boolean(&value, at)? {
                request.own.insert(name, value);
            }
        }
        "suffix" => {
            if !field::string(value.clone(), at)?.is_empty() {
                request.own.insert(name, value);
            }
        }
        "best_of" => {
            field::count(&value, at)?;
            request.own.insert(name, value);
        }
        _ => drop(request.extra.insert(name, value)),
    }
    Ok(())
}

/// One text. A chat has no place for tokens or for several prompts at once.
fn read_prompt(value: Value, at: Place<'_>) -> Result<String, ApiError> {
    let only = |what: &str| {
        let text = format!("The provider of this model only chats: `prompt` must be one text there, not {what}.");
        Err(ApiError::about(ErrorCode::InvalidRequest, at.to_string(), text))
    };
    match value {
        Value::String(text) => Ok(text),
        Value::Array(mut items) => match items.as_mut_slice() {
            [Value::String(text)] => Ok(std::mem::take(text)),
            [Value::String(_), ..] => only("several"),
            [Value::Number(_) | Value::Array(_), ..] => only("tokens"),
            _ => Err(at.must_be("a string or an array with one string")),
        },
        _ => Err(at.must_be("a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn param(body: &Value) -> Option<String> {
        read(body.to_string().as_bytes(), None).unwrap_err().param
    }

    #[test]
    fn what_a_chat_has_no_place_for_is_named() {
        for prompt in [json!(["a", "b"]), json!([1, 2]), json!([[1], [2]]), json!([]), json!(7), json!(null)] {
            assert_eq!(param(&json!({"model": "m", "prompt": prompt})).as_deref(), Some("prompt"), "{prompt}");
        }
        assert_eq!(param(&json!({"model": "m"})).as_deref(), Some("prompt"));
        assert_eq!(param(&json!({"prompt": "a"})).as_deref(), Some("model"));
    }

    #[test]
    fn what_asks_for_nothing_is_not_refused_later() {
        let body =
            json!({"model": "m", "prompt": "a", "echo": false, "suffix": "", "best_of": 2, "n": 2, "logprobs": 0});
        let request = read(body.to_string().as_bytes(), None).unwrap();
        assert!(request.own.is_empty());
        assert_eq!((request.logprobs, request.top_logprobs), (Some(true), None));
        let body = json!({"model": "m", "prompt": "a", "echo": true, "suffix": "z", "best_of": 2});
        let request = read(body.to_string().as_bytes(), None).unwrap();
        assert_eq!(request.own.keys().collect::<Vec<_>>(), ["echo", "suffix", "best_of"]);
    }
}
