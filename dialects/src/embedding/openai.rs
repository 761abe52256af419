//! OpenAI's side: `POST /v1/embeddings` as its API reference has it ("Create embeddings"), and the `input_type` and `task` that
//! compatible vendors and libraries add to it.

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    pricing::Usage,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Encoding, Piece, Task};
use crate::{canonical::Source, dialect::Unreadable};

/// Reads a body. `path_model`: the model, where it stands in the path (Azure).
pub fn read_request(body: &[u8], path_model: Option<&str>) -> Result<EmbeddingRequest, ApiError> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        ApiError::new(ErrorCode::InvalidRequest, format!("The body is not a valid JSON object: {error}."))
    })?;
    fields.retain(|_, value| !value.is_null());
    let model = take_string(&mut fields, "model")?;
    let model = path_model.map(str::to_owned).or(model).filter(|model| !model.is_empty());
    let input = fields.shift_remove("input").ok_or_else(|| missing("input"))?;
    let dimensions = fields.shift_remove("dimensions").map(|value| {
        value.as_u64().filter(|number| *number > 0).ok_or_else(|| wrong("dimensions", "a whole number above 0"))
    });
    let encoding = match take_string(&mut fields, "encoding_format")?.as_deref() {
        None | Some("float") => Encoding::Float,
        Some("base64") => Encoding::Base64,
        Some(_) => return Err(wrong("encoding_format", "`float` or `base64`")),
    };
    // Both are of compatible vendors; a request has at most one.
    let task = match take_string(&mut fields, "input_type")? {
        Some(word) => Some(word),
        None => take_string(&mut fields, "task")?,
    };
    Ok(EmbeddingRequest {
        model: model.ok_or_else(|| missing("model"))?,
        inputs: read_inputs(input)?,
        dimensions: dimensions.transpose()?,
        encoding,
        task: task.map(|word| Task::parse(&word)),
        user: take_string(&mut fields, "user")?,
        own: Map::new(),
        extra: fields,
    })
}

fn read_inputs(input: Value) -> Result<Vec<EmbeddingInput>, ApiError> {
    const WANTED: &str = "a string, an array of strings, an array of token numbers or an array of such arrays";
    let items = match input {
        Value::String(text) => return Ok(vec![EmbeddingInput::Text(text)]),
        Value::Object(_) => return Ok(vec![read_input(input, || "input".to_owned())?]),
        Value::Array(items) if !items.is_empty() => items,
        _ => return Err(wrong("input", WANTED)),
    };
    if items[0].is_number() {
        return Ok(vec![read_tokens(&items, "input")?]);
    }
    items.into_iter().enumerate().map(|(at, item)| read_input(item, || format!("input[{at}]"))).collect()
}

fn read_input(item: Value, path: impl Fn() -> String) -> Result<EmbeddingInput, ApiError> {
    match item {
        Value::String(text) => Ok(EmbeddingInput::Text(text)),
        Value::Array(tokens) => read_tokens(&tokens, &path()),
        Value::Object(mut object) => match object.shift_remove("content") {
            Some(Value::Array(pieces)) => {
                let pieces = pieces.into_iter().enumerate().map(|(at, piece)| match piece {
                    Value::Object(piece) => read_piece(piece, || format!("{}.content[{at}]", path())),
                    _ => Err(wrong(format!("{}.content[{at}]", path()), "an object")),
                });
                pieces.collect::<Result<_, _>>().map(EmbeddingInput::Mixed)
            }
            Some(_) => Err(wrong(format!("{}.content", path()), "an array")),
            None => Ok(match read_piece(object, path)? {
                Piece::Text(text) => EmbeddingInput::Text(text),
                Piece::Image(source) => EmbeddingInput::Image(source),
            }),
        },
        _ => Err(wrong(path(), "a string, an array of token numbers or an object with `text` or `image`")),
    }
}

/// `{"text"}` and `{"image"}` are Jina's, the forms with `type` are those of chats and of Cohere's `inputs`.
fn read_piece(mut object: Map<String, Value>, path: impl Fn() -> String) -> Result<Piece, ApiError> {
    if let Some(Value::String(text)) = object.shift_remove("text") {
        return Ok(Piece::Text(text));
    }
    let url = match object.shift_remove("image").or_else(|| object.shift_remove("image_url")) {
        Some(Value::String(url)) => Some(url),
        Some(Value::Object(mut image)) => match image.shift_remove("url") {
            Some(Value::String(url)) => Some(url),
            _ => None,
        },
        _ => None,
    };
    url.map(|url| Piece::Image(Source::of_url(&url))).ok_or_else(|| wrong(path(), "an object with `text` or `image`"))
}

fn read_tokens(items: &[Value], path: &str) -> Result<EmbeddingInput, ApiError> {
    let tokens: Option<Vec<u64>> = items.iter().map(Value::as_u64).collect();
    let tokens = tokens.filter(|tokens| !tokens.is_empty());
    tokens.map(EmbeddingInput::Tokens).ok_or_else(|| wrong(path, "an array of token numbers"))
}

fn take_string(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match fields.shift_remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "a string")),
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::about(ErrorCode::InvalidRequest, name, format!("The body has no `{name}`."))
}

fn wrong(path: impl Into<String>, wanted: &str) -> ApiError {
    let path = path.into();
    let text = format!("`{path}` must be {wanted}.");
    ApiError::about(ErrorCode::InvalidRequest, path, text)
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item>,
    model: &'a str,
    usage: WireUsage,
}

#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Written,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written {
    Numbers(Box<RawValue>),
    Base64(String),
}

#[derive(Serialize)]
struct WireUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Writes an answer. `model`: the public name; `encoding`: what the request asked. A vendor that does not say what it consumed
/// leaves `usage` empty: the caller counts before, or the client reads zero.
pub fn write_answer(answer: &EmbeddingAnswer, model: &str, encoding: Encoding) -> Result<Vec<u8>, Unreadable> {
    let items = answer.vectors.iter().enumerate().map(|(index, vector)| {
        let embedding = match encoding {
            Encoding::Base64 => Written::Base64(vector.to_base64()?),
            Encoding::Float => {
                let text = String::from(vector.to_numbers()?);
                Written::Numbers(RawValue::from_string(text).map_err(|error| Unreadable::new(error.to_string()))?)
            }
        };
        Ok(Item { object: "embedding", index, embedding })
    });
    let tokens = answer.usage.as_ref().map_or(0, |usage: &Usage| usage.input_tokens);
    let usage = WireUsage { prompt_tokens: tokens, total_tokens: tokens };
    let list = List { object: "list", data: items.collect::<Result<_, Unreadable>>()?, model, usage };
    serde_json::to_vec(&list).map_err(|error| Unreadable::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::embedding::Vector;

    fn read(body: Value) -> Result<EmbeddingRequest, ApiError> {
        read_request(body.to_string().as_bytes(), None)
    }

    #[test]
    fn every_form_of_input_is_read() {
        let inputs = |input: Value| read(json!({ "model": "m", "input": input })).unwrap().inputs;
        let text = |text: &str| EmbeddingInput::Text(text.into());
        let image = Source::of_url("https://example.com/cat.png");
        assert_eq!(inputs(json!("a")), [text("a")]);
        assert_eq!(inputs(json!(["a", "b"])), [text("a"), text("b")]);
        assert_eq!(inputs(json!([1, 2])), [EmbeddingInput::Tokens(vec![1, 2])]);
        assert_eq!(inputs(json!([[1], [2, 3]])), [EmbeddingInput::Tokens(vec![1]), EmbeddingInput::Tokens(vec![2, 3])]);
        assert_eq!(
            inputs(json!([{ "text": "a" }, { "image": "https://example.com/cat.png" }])),
            [text("a"), EmbeddingInput::Image(image.clone())]
        );
        assert_eq!(
            inputs(json!([{ "content": [
                { "type": "text", "text": "a" },
                { "type": "image_url", "image_url": { "url": "https://example.com/cat.png" } },
            ] }])),
            [EmbeddingInput::Mixed(vec![Piece::Text("a".into()), Piece::Image(image)])]
        );
    }

    #[test]
    fn parameters_and_unknown_fields_arrive() {
        let request = read(json!({
            "model": "m", "input": "a", "dimensions": 256, "encoding_format": "base64", "user": "u",
            "input_type": "search_query", "truncate": "END",
        }));
        let expected = EmbeddingRequest {
            model: "m".into(),
            inputs: vec![EmbeddingInput::Text("a".into())],
            dimensions: Some(256),
            encoding: Encoding::Base64,
            task: Some(Task::Query),
            user: Some("u".into()),
            own: Map::new(),
            extra: json!({ "truncate": "END" }).as_object().unwrap().clone(),
        };
        assert_eq!(request.unwrap(), expected);
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (body, param) in [
            (json!({ "input": "a" }), "model"),
            (json!({ "model": "m" }), "input"),
            (json!({ "model": "m", "input": [] }), "input"),
            (json!({ "model": "m", "input": ["a", true] }), "input[1]"),
            (json!({ "model": "m", "input": [[1], ["a"]] }), "input[1]"),
            (json!({ "model": "m", "input": [{ "content": [{ "x": 1 }] }] }), "input[0].content[0]"),
            (json!({ "model": "m", "input": "a", "dimensions": 0 }), "dimensions"),
            (json!({ "model": "m", "input": "a", "encoding_format": "hex" }), "encoding_format"),
        ] {
            assert_eq!(read(body.clone()).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
        assert!(read_request(b"[", None).is_err());
    }

    #[test]
    fn the_path_may_name_the_model() {
        assert_eq!(read_request(br#"{"input":"a"}"#, Some("ada")).unwrap().model, "ada");
    }

    #[test]
    fn vectors_are_written_as_the_client_asked() {
        let answer = EmbeddingAnswer {
            model: "vendor's".into(),
            vectors: vec![Vector::Numbers("[1.5, 0.10]".into()), Vector::Base64("AADAPw==".into())],
            usage: Some(Usage { input_tokens: 7, ..Usage::default() }),
        };
        let text = |encoding| String::from_utf8(write_answer(&answer, "m", encoding).unwrap()).unwrap();
        assert_eq!(
            text(Encoding::Float),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.5, 0.10]},{"object":"embedding","index":1,"embedding":[1.5]}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        );
        assert_eq!(
            text(Encoding::Base64),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AADAP83MzD0="},{"object":"embedding","index":1,"embedding":"AADAPw=="}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        );
    }
}
