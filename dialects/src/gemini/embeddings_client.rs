//! Embeddings for Gemini clients: `:embedContent` and `:batchEmbedContents` ("Gemini API reference, Embeddings"), for any vendor.

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    pricing::Usage,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{object::Object, usage::WrittenUsage};
use crate::{
    canonical::Source,
    dialect::Unreadable,
    embedding::{EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Piece, Task, Vector},
};

/// Reads a body. `is_batch`: of `:batchEmbedContents`. All requests of a batch want the same of their vectors.
pub fn read_request(body: &[u8], path_model: Option<&str>, is_batch: bool) -> Result<EmbeddingRequest, ApiError> {
    let raw: &RawValue = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, format!("The body is not JSON: {error}.")))?;
    let mut body = Object::read(raw, "")?;
    let mut all = EmbeddingRequest::default();
    let mut body_model = body.take_text("model")?;
    if is_batch {
        let requests = body.take_list("requests")?;
        if requests.is_empty() {
            return Err(body.wrong("requests", "a list that is not empty"));
        }
        for (at, raw) in requests.into_iter().enumerate() {
            let mut one = Object::read(raw, &format!("requests[{at}]"))?;
            body_model = one.take_text("model")?.or(body_model);
            let read = read_one(one)?;
            if at > 0 && (read.dimensions, &read.task, &read.own) != (all.dimensions, &all.task, &all.own) {
                let path = format!("requests[{at}]");
                let text = format!("`{path}` must want the same task and length as the first request.");
                return Err(ApiError::about(ErrorCode::InvalidRequest, path, text));
            }
            let inputs = std::mem::take(&mut all.inputs);
            all = EmbeddingRequest { inputs: inputs.into_iter().chain(read.inputs).collect(), ..read };
        }
        all.extra = body.unknown()?;
    } else {
        all = read_one(body)?;
    }
    let model = path_model.or(body_model.as_deref()).unwrap_or_default();
    model.strip_prefix("models/").unwrap_or(model).clone_into(&mut all.model);
    if all.model.is_empty() {
        return Err(ApiError::about(ErrorCode::InvalidRequest, "model", "The model must stand in the path."));
    }
    Ok(all)
}

fn read_one(mut request: Object<'_>) -> Result<EmbeddingRequest, ApiError> {
    // Vertex AI's form has the wishes in an object of their own.
    let mut config = request.take_object("embedContentConfig")?;
    let mut wishes = |name: &str| match &mut config {
        Some(config) => config.take_text(name),
        None => Ok(None),
    };
    let task = match request.take_text("taskType")? {
        Some(task) => Some(task),
        None => wishes("taskType")?,
    };
    let dimensions = match (request.take_count("outputDimensionality")?, &mut config) {
        (None, Some(config)) => config.take_count("outputDimensionality")?,
        (dimensions, _) => dimensions,
    };
    let mut content = request.take_object("content")?.ok_or_else(|| request.wrong("content", "there"))?;
    let path = content.path_of("parts");
    let mut pieces = Vec::new();
    for (at, raw) in content.take_list("parts")?.into_iter().enumerate() {
        pieces.push(read_piece(Object::read(raw, &format!("{path}[{at}]"))?)?);
    }
    let input = match (pieces.pop(), pieces.is_empty()) {
        (None, _) => return Err(content.wrong("parts", "a list that is not empty")),
        (Some(Piece::Text(text)), true) => EmbeddingInput::Text(text),
        (Some(Piece::Image(source)), true) => EmbeddingInput::Image(source),
        (Some(last), false) => {
            pieces.push(last);
            EmbeddingInput::Mixed(pieces)
        }
    };
    let task = task.filter(|task| task != "TASK_TYPE_UNSPECIFIED").map(|task| Task::parse(&task));
    let mut own = request.rest()?;
    if let Some(config) = config {
        own.extend(config.rest()?);
    }
    Ok(EmbeddingRequest { inputs: vec![input], dimensions, task, own, ..EmbeddingRequest::default() })
}

fn read_piece(mut part: Object<'_>) -> Result<Piece, ApiError> {
    if let Some(text) = part.take_text("text")? {
        return Ok(Piece::Text(text));
    }
    let media_type = |object: &mut Object<'_>| match object.take_text("mimeType")? {
        Some(known) if !known.starts_with("image/") => Err(object.wrong("mimeType", "a picture's")),
        known => Ok(known),
    };
    if let Some(mut blob) = part.take_object("inlineData")? {
        let media_type = media_type(&mut blob)?.ok_or_else(|| blob.wrong("mimeType", "there"))?;
        let data = blob.take_text("data")?.ok_or_else(|| blob.wrong("data", "there"))?;
        return Ok(Piece::Image(Source::Data { media_type, data }));
    }
    if let Some(mut file) = part.take_object("fileData")? {
        let media_type = media_type(&mut file)?;
        let url = file.take_text("fileUri")?.ok_or_else(|| file.wrong("fileUri", "there"))?;
        return Ok(Piece::Image(Source::Url { url, media_type }));
    }
    Err(part.wrong("text", "there"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeddings: Option<Vec<Values>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<WrittenUsage>,
}

#[derive(Serialize)]
struct Values {
    values: Box<RawValue>,
}

/// Writes an answer.
pub fn write_answer(answer: &EmbeddingAnswer, is_batch: bool) -> Result<Vec<u8>, Unreadable> {
    let values = |vector: &Vector| {
        let text = String::from(vector.to_numbers()?);
        let values = RawValue::from_string(text).map_err(|error| Unreadable::new(error.to_string()))?;
        Ok(Values { values })
    };
    let mut all = answer.vectors.iter().map(values).collect::<Result<Vec<_>, Unreadable>>()?;
    let usage_metadata = answer.usage.as_ref().map(|usage: &Usage| WrittenUsage::of(usage));
    let answer = if is_batch {
        Answer { embedding: None, embeddings: Some(all), usage_metadata }
    } else {
        Answer { embedding: all.pop(), embeddings: None, usage_metadata }
    };
    serde_json::to_vec(&answer).map_err(|error| Unreadable::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_one_request() {
        let one =
            |text: &str| json!({"model": "models/m", "content": {"parts": [{"text": text}]}, "taskType": "CLUSTERING"});
        let body = json!({"requests": [one("a"), one("b")]}).to_string();
        let request = read_request(body.as_bytes(), Some("m"), true).unwrap();
        let expected = EmbeddingRequest {
            model: "m".into(),
            inputs: vec![EmbeddingInput::Text("a".into()), EmbeddingInput::Text("b".into())],
            task: Some(Task::Clustering),
            ..Default::default()
        };
        assert_eq!(request, expected);

        let mut two = json!({"requests": [one("a"), one("b")]});
        two["requests"][1]["outputDimensionality"] = json!(3);
        let error = read_request(two.to_string().as_bytes(), Some("m"), true).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("requests[1]"));
    }

    #[test]
    fn one_content_may_hold_pictures() {
        let body = br#"{"content":{"parts":[{"text":"A cat"},{"inline_data":{"mime_type":"image/png","data":"iVBORw0KGgo="}}]},"embedContentConfig":{"outputDimensionality":8,"taskType":"RETRIEVAL_QUERY"},"title":"Cats"}"#;
        let request = read_request(body, Some("models/m"), false).unwrap();
        assert_eq!((request.model.as_str(), request.dimensions, request.task), ("m", Some(8), Some(Task::Query)));
        assert!(matches!(&request.inputs[..], [EmbeddingInput::Mixed(pieces)] if pieces.len() == 2));
        assert_eq!(request.own, *json!({"title": "Cats"}).as_object().unwrap());
    }

    #[test]
    fn answers_have_the_form_that_was_asked() {
        let answer = EmbeddingAnswer {
            vectors: vec![Vector::Numbers("[0.10]".into()), Vector::Base64("AADAPw==".into())],
            usage: Some(Usage { input_tokens: 4, ..Usage::default() }),
            ..Default::default()
        };
        let text =
            |answer: &EmbeddingAnswer, is_batch| String::from_utf8(write_answer(answer, is_batch).unwrap()).unwrap();
        let usage = r#""usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":0,"totalTokenCount":4}"#;
        assert_eq!(
            text(&answer, true),
            format!("{{\"embeddings\":[{{\"values\":[0.10]}},{{\"values\":[1.5]}}],{usage}}}")
        );
        let one = EmbeddingAnswer { vectors: answer.vectors[..1].to_vec(), ..answer };
        assert_eq!(text(&one, false), format!("{{\"embedding\":{{\"values\":[0.10]}},{usage}}}"));
    }
}
