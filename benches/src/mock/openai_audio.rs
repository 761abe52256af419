//! `/v1/audio/speech`, `/v1/audio/transcriptions`, `/v1/audio/translations`, as OpenAI's API reference shows them.

use serde_json::{Value, json};

use super::openai_media::{Fixed, field};
use super::options::MockOptions;
use super::vendor::{Called, data_event};

/// What a transcription says.
const TEXT: &str = "Hello from the mock.";

/// The answer, where the path is one of these.
pub fn answer(called: &Called<'_>, path: &str, options: &MockOptions) -> Option<Fixed> {
    match path {
        "/audio/speech" => speech(called, options),
        "/audio/transcriptions" | "/audio/translations" => Some(transcription(called, options)),
        _ => None,
    }
}

fn speech(called: &Called<'_>, options: &MockOptions) -> Option<Fixed> {
    let body: Value = serde_json::from_slice(called.body).ok()?;
    let model = body["model"].as_str()?;
    if body["stream_format"] == "sse" {
        let usage = json!({
            "input_tokens": options.prompt_tokens, "output_tokens": options.completion_tokens.unwrap_or(9),
            "total_tokens": options.prompt_tokens + options.completion_tokens.unwrap_or(9),
        });
        let events = [
            data_event(&json!({ "type": "speech.audio.delta", "audio": "AAAA" })),
            data_event(&json!({ "type": "speech.audio.done", "usage": usage })),
        ];
        return Some(Fixed::of(model, "text/event-stream", events.concat()));
    }
    // Bytes that are no text and no JSON: whoever reads them as either breaks them.
    let sound: Vec<u8> = (0..100_000_u32).map(|at| u8::try_from(at % 256).unwrap_or(0)).collect();
    Some(Fixed::of(model, "audio/mpeg", sound))
}

fn transcription(called: &Called<'_>, options: &MockOptions) -> Fixed {
    let Some(model) = field(called.body, "model") else {
        return Fixed::error(400, "you must provide a model parameter");
    };
    let usage = json!({
        "type": "tokens", "input_tokens": options.prompt_tokens,
        "input_token_details": { "text_tokens": 0, "audio_tokens": options.prompt_tokens },
        "output_tokens": options.completion_tokens.unwrap_or(5),
        "total_tokens": options.prompt_tokens + options.completion_tokens.unwrap_or(5),
    });
    if field(called.body, "stream").as_deref() == Some("true") {
        let events = [
            data_event(&json!({ "type": "transcript.text.delta", "delta": "Hello " })),
            data_event(&json!({ "type": "transcript.text.delta", "delta": "from the mock." })),
            data_event(&json!({ "type": "transcript.text.done", "text": TEXT, "usage": usage })),
        ];
        return Fixed::of(&model, "text/event-stream", events.concat());
    }
    match field(called.body, "response_format").as_deref() {
        Some("text") => Fixed::of(&model, "text/plain; charset=utf-8", format!("{TEXT}\n")),
        Some("srt") => {
            let text = format!("1\n00:00:00,000 --> 00:00:01,500\n{TEXT}\n");
            Fixed::of(&model, "text/plain; charset=utf-8", text)
        }
        Some("verbose_json") => {
            let body =
                json!({ "task": "transcribe", "language": "english", "duration": 8.47, "text": TEXT, "segments": [] });
            Fixed::json(&model, &body)
        }
        _ => Fixed::json(&model, &json!({ "text": TEXT, "usage": usage })),
    }
}
