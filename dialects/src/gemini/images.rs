//! OpenAI's `POST /v1/images/generations` at Google: Imagen (`:predict`) and the Gemini models that draw (`:generateContent`).
//!
//! Sources: "Imagen API" of Vertex AI, "Gemini API, Image generation", and OpenAI's API reference, "Create image".

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    pricing::Usage,
};
use serde_json::{Map, Value, json};

use super::answer_reader;
use crate::{
    canonical::{Failure, FailureClass, PartKind, Source, StopReason, Unsupported},
    dialect::Unreadable,
};

/// An answer for the client.
#[derive(Debug, PartialEq)]
pub struct ImagesAnswer {
    /// OpenAI's body.
    pub body: Vec<u8>,
    /// What it consumed; `images` counts the pictures.
    pub usage: Usage,
}

/// Why there is none.
#[derive(Debug, PartialEq)]
pub enum NoImages {
    /// The vendor's filter kept all pictures back.
    Refused(Failure),
    /// The answer has another form.
    Unreadable(Unreadable),
}

impl From<Unreadable> for NoImages {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

/// What both kinds of models are asked.
struct Asked {
    prompt: String,
    count: u64,
    /// `16:9`
    aspect_ratio: Option<&'static str>,
    /// `1K`, `2K`, `4K`
    size: Option<&'static str>,
    /// `image/png`
    media_type: Option<String>,
    compression: Option<u64>,
    /// Fields that OpenAI does not have.
    extra: Map<String, Value>,
}

/// Whether a model is asked by `:predict`.
pub fn is_imagen(model: &str) -> bool {
    model.rsplit('/').next().is_some_and(|name| name.starts_with("imagen") || name.starts_with("imagegeneration"))
}

/// Writes the vendor's body from OpenAI's. `model`: the vendor's own name.
pub fn write_request(body: &[u8], model: &str, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
    let asked = read_request(body, unsupported)?;
    let written = if is_imagen(model) { imagen(asked) } else { gemini(asked, unsupported)? };
    Ok(written.to_string().into_bytes())
}

/// Reads the vendor's answer. `created`: Unix seconds.
pub fn read_answer(body: &[u8], model: &str, created: i64) -> Result<ImagesAnswer, NoImages> {
    if is_imagen(model) { read_imagen(body, created) } else { read_gemini(body, created) }
}

fn imagen(asked: Asked) -> Value {
    let mut parameters = Map::from_iter([("sampleCount".to_owned(), json!(asked.count))]);
    parameters.extend(asked.aspect_ratio.map(|ratio| ("aspectRatio".to_owned(), json!(ratio))));
    parameters.extend(asked.size.map(|size| ("sampleImageSize".to_owned(), json!(size))));
    let mut output = Map::new();
    output.extend(asked.media_type.map(|media_type| ("mimeType".to_owned(), json!(media_type))));
    output.extend(asked.compression.map(|percent| ("compressionQuality".to_owned(), json!(percent))));
    if !output.is_empty() {
        parameters.insert("outputOptions".to_owned(), Value::Object(output));
    }
    // Else nobody learns why a picture is missing.
    parameters.insert("includeRaiReason".to_owned(), json!(true));
    let mut body = Map::from_iter([("instances".to_owned(), json!([{ "prompt": asked.prompt }]))]);
    if let Some(Value::Object(more)) = asked.extra.get("parameters") {
        parameters.extend(more.clone());
    }
    body.insert("parameters".to_owned(), Value::Object(parameters));
    body.extend(asked.extra.into_iter().filter(|(name, _)| name != "parameters"));
    Value::Object(body)
}

fn gemini(asked: Asked, unsupported: &mut Unsupported<'_>) -> Result<Value, ApiError> {
    unsupported.refuse_if(asked.count != 1, "n")?;
    unsupported.refuse_if(asked.media_type.is_some_and(|media_type| media_type != "image/png"), "output_format")?;
    unsupported.refuse_if(asked.compression.is_some(), "output_compression")?;
    let mut image = Map::new();
    image.extend(asked.aspect_ratio.map(|ratio| ("aspectRatio".to_owned(), json!(ratio))));
    image.extend(asked.size.filter(|size| *size != "1K").map(|size| ("imageSize".to_owned(), json!(size))));
    let mut config = Map::from_iter([("responseModalities".to_owned(), json!(["IMAGE"]))]);
    if !image.is_empty() {
        config.insert("imageConfig".to_owned(), Value::Object(image));
    }
    if let Some(Value::Object(more)) = asked.extra.get("generationConfig") {
        config.extend(more.clone());
    }
    let mut body = Map::new();
    body.insert("contents".to_owned(), json!([{ "role": "user", "parts": [{ "text": asked.prompt }] }]));
    body.insert("generationConfig".to_owned(), Value::Object(config));
    body.extend(asked.extra.into_iter().filter(|(name, _)| name != "generationConfig"));
    Ok(Value::Object(body))
}

fn read_request(body: &[u8], unsupported: &mut Unsupported<'_>) -> Result<Asked, ApiError> {
    let wrong = |name: &str, wanted: &str| {
        ApiError::about(ErrorCode::InvalidRequest, name, format!("`{name}` must be {wanted}."))
    };
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        ApiError::new(ErrorCode::InvalidRequest, format!("The body is not a valid JSON object: {error}."))
    })?;
    let mut asked = Asked {
        prompt: String::new(),
        count: 1,
        aspect_ratio: None,
        size: None,
        media_type: None,
        compression: None,
        extra: Map::new(),
    };
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        match (name.as_str(), value.as_str()) {
            ("prompt", Some(prompt)) => prompt.clone_into(&mut asked.prompt),
            ("prompt", None) => return Err(wrong("prompt", "a string")),
            ("n", _) => {
                let count = value.as_u64().filter(|count| (1..=10).contains(count));
                asked.count = count.ok_or_else(|| wrong("n", "a whole number from 1 to 10"))?;
            }
            ("size", Some("auto")) => {}
            ("size", Some(size)) => {
                let (width, height) =
                    pixels(size).ok_or_else(|| wrong("size", "`1024x1024` or another width and height"))?;
                asked.aspect_ratio = Some(nearest_ratio(width, height));
                asked.size = Some(match width.max(height) {
                    0..=1792 => "1K",
                    1793..=2816 => "2K",
                    _ => "4K",
                });
            }
            ("output_format", Some(format)) => asked.media_type = Some(format!("image/{format}")),
            ("output_compression", _) => asked.compression = value.as_u64(),
            // The answer always holds the bytes.
            ("response_format", Some("b64_json")) | ("stream", _) if value != json!(true) => {}
            ("model", _) | ("background" | "moderation" | "quality", Some("auto")) => {}
            ("quality", Some("standard")) | ("background", Some("opaque")) => {}
            ("user", _) => unsupported.refuse("user")?,
            (
                "response_format" | "stream" | "background" | "moderation" | "quality" | "style" | "partial_images"
                | "size",
                _,
            ) => {
                unsupported.refuse(&name)?;
            }
            _ => drop(asked.extra.insert(name, value)),
        }
    }
    if asked.prompt.is_empty() {
        return Err(wrong("prompt", "there"));
    }
    Ok(asked)
}

fn pixels(size: &str) -> Option<(u64, u64)> {
    let (width, height) = size.split_once('x')?;
    let sides = (width.parse().ok()?, height.parse().ok()?);
    ((1..=16_384).contains(&sides.0) && (1..=16_384).contains(&sides.1)).then_some(sides)
}

/// The ratios that all these models have.
fn nearest_ratio(width: u64, height: u64) -> &'static str {
    const RATIOS: [(u64, u64, &str); 5] =
        [(1, 1, "1:1"), (3, 4, "3:4"), (4, 3, "4:3"), (9, 16, "9:16"), (16, 9, "16:9")];
    // Distance of w/h from a/b, by cross multiplication in whole numbers: |w·b − h·a| / (h·b), in thousandths.
    let distance = |a: u64, b: u64| (width * b).abs_diff(height * a) * 1000 / (height * b);
    RATIOS.into_iter().min_by_key(|(a, b, _)| distance(*a, *b)).map_or("1:1", |(_, _, name)| name)
}

fn read_imagen(body: &[u8], created: i64) -> Result<ImagesAnswer, NoImages> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| Unreadable::new(error.to_string()))?;
    let predictions = answer.get("predictions").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let field = |prediction: &Value, name: &str| prediction.get(name)?.as_str().map(str::to_owned);
    let images: Vec<(String, Option<String>, Option<String>)> = predictions
        .iter()
        .filter_map(|one| Some((field(one, "bytesBase64Encoded")?, field(one, "mimeType"), field(one, "prompt"))))
        .collect();
    if images.is_empty() {
        // An empty answer is a filtered one too.
        let reason = predictions.iter().find_map(|prediction| field(prediction, "raiFilteredReason"));
        return Err(refused(reason));
    }
    let usage = Usage { images: images.len() as u64, ..Usage::default() };
    Ok(ImagesAnswer { body: written(&images, created, None), usage })
}

fn read_gemini(body: &[u8], created: i64) -> Result<ImagesAnswer, NoImages> {
    let answer = answer_reader::read_whole(body)?;
    let usage = answer.usage.unwrap_or_default();
    let is_filtered = answer.choices.iter().any(|choice| choice.stop == Some(StopReason::ContentFilter));
    let (mut images, mut said) = (Vec::new(), String::new());
    for part in answer.choices.into_iter().flat_map(|choice| choice.parts) {
        match part.kind {
            PartKind::Image { source: Source::Data { media_type, data }, .. } => {
                images.push((data, Some(media_type), None));
            }
            PartKind::Text { text, .. } => said.push_str(&text),
            _ => {}
        }
    }
    if images.is_empty() && (is_filtered || !said.is_empty()) {
        return Err(refused(Some(said).filter(|said| !said.is_empty())));
    }
    if images.is_empty() {
        return Err(Unreadable::new("the answer has no picture").into());
    }
    let usage = Usage { images: images.len() as u64, ..usage };
    Ok(ImagesAnswer { body: written(&images, created, Some(&usage)), usage })
}

fn refused(reason: Option<String>) -> NoImages {
    NoImages::Refused(Failure { message: reason, ..Failure::new(FailureClass::ContentPolicy) })
}

/// OpenAI's body. Bytes in base64, type, prompt as the vendor rewrote it.
fn written(images: &[(String, Option<String>, Option<String>)], created: i64, usage: Option<&Usage>) -> Vec<u8> {
    let data = images.iter().map(|(data, _, prompt)| match prompt {
        Some(prompt) => json!({ "b64_json": data, "revised_prompt": prompt }),
        None => json!({ "b64_json": data }),
    });
    let mut body = json!({ "created": created, "data": data.collect::<Vec<_>>() });
    let format = images.iter().find_map(|(_, media_type, _)| media_type.as_deref()?.strip_prefix("image/"));
    if let Some(format) = format {
        body["output_format"] = json!(format);
    }
    if let Some(usage) = usage {
        body["usage"] = json!({
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "input_tokens_details": {
                "text_tokens": usage.input_tokens.saturating_sub(usage.image_input_tokens),
                "image_tokens": usage.image_input_tokens,
            },
        });
    }
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(body: Value, model: &str) -> Result<Value, ApiError> {
        let body = write_request(body.to_string().as_bytes(), model, &mut Unsupported::new("google", false))?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn imagen_is_asked_by_predict() {
        let body = json!({
            "model": "m", "prompt": "A cat", "n": 2, "size": "1536x1024", "output_format": "jpeg", "output_compression": 80,
            "response_format": "b64_json", "quality": "auto", "parameters": {"personGeneration": "dont_allow"},
        });
        let expected = json!({
            "instances": [{"prompt": "A cat"}],
            "parameters": {
                "sampleCount": 2,
                "aspectRatio": "4:3",
                "sampleImageSize": "1K",
                "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80},
                "includeRaiReason": true,
                "personGeneration": "dont_allow",
            },
        });
        assert_eq!(write(body, "imagen-4.0-generate-001").unwrap(), expected);
    }

    #[test]
    fn gemini_is_asked_to_generate_content() {
        let expected = json!({
            "contents": [{"role": "user", "parts": [{"text": "A cat"}]}],
            "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "9:16", "imageSize": "2K"}},
        });
        let body = json!({"model": "m", "prompt": "A cat", "size": "1080x1920", "stream": false});
        assert_eq!(write(body, "gemini-3-pro-image").unwrap(), expected);
    }

    #[test]
    fn what_google_cannot_do_is_named() {
        for (field, value) in
            [("response_format", json!("url")), ("style", json!("vivid")), ("stream", json!(true)), ("n", json!(3))]
        {
            let body = json!({"prompt": "A cat", field: value});
            assert_eq!(write(body, "gemini-2.5-flash-image").unwrap_err().param.as_deref(), Some(field));
        }
        assert_eq!(write(json!({"n": 1}), "imagen-4").unwrap_err().param.as_deref(), Some("prompt"));
        assert_eq!(
            write(json!({"prompt": "A cat", "size": "0x1"}), "imagen-4").unwrap_err().param.as_deref(),
            Some("size")
        );
    }

    #[test]
    fn pictures_are_counted() {
        let body = br#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"AAAA","prompt":"A grey cat"},{"raiFilteredReason":"no"},{"mimeType":"image/png","bytesBase64Encoded":"BBBB"}]}"#;
        let answer = read_answer(body, "imagen-4.0-generate-001", 1_700_000_000).unwrap();
        assert_eq!(answer.usage, Usage { images: 2, ..Usage::default() });
        let expected = json!({
            "created": 1_700_000_000,
            "data": [{"b64_json": "AAAA", "revised_prompt": "A grey cat"}, {"b64_json": "BBBB"}],
            "output_format": "png",
        });
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected);

        let body = br#"{"candidates":[{"content":{"parts":[{"text":"Here."},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290,"totalTokenCount":1295,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]}}"#;
        let answer = read_answer(body, "gemini-2.5-flash-image", 1).unwrap();
        assert_eq!((answer.usage.images, answer.usage.image_output_tokens), (1, 1290));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&body["data"][0]["b64_json"], &body["usage"]["total_tokens"]), (&json!("AAAA"), &json!(1295)));
    }

    #[test]
    fn a_filter_is_told_from_a_broken_answer() {
        let refusal = |body: &[u8], model: &str| match read_answer(body, model, 1) {
            Err(NoImages::Refused(failure)) => failure.message,
            other => panic!("{other:?}"),
        };
        let filtered = br#"{"predictions":[{"raiFilteredReason":"Unable to show generated images."}]}"#;
        assert_eq!(refusal(filtered, "imagen-4").as_deref(), Some("Unable to show generated images."));
        assert_eq!(refusal(b"{}", "imagen-4"), None);
        let blocked = br#"{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}"#;
        assert_eq!(refusal(blocked, "gemini-2.5-flash-image"), None);
        assert!(matches!(read_answer(b"<html>", "imagen-4", 1), Err(NoImages::Unreadable(_))));
    }
}
