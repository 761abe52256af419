//! OpenAI's `usage` objects of audio, images and realtime.

use std::time::Duration;

use deltallm_shared::pricing::Usage;
use serde::Deserialize;
use serde_json::Number;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    /// Of a transcription: `tokens` or `duration`.
    seconds: Option<Number>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    /// The images API writes the plural, the audio and realtime APIs the singular.
    #[serde(alias = "input_tokens_details", alias = "prompt_tokens_details")]
    input_token_details: Option<Details>,
    #[serde(alias = "output_tokens_details", alias = "completion_tokens_details")]
    output_token_details: Option<Details>,
    /// Mistral's name for the seconds of sound.
    prompt_audio_seconds: Option<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(rename = "audio_tokens")]
    audio: Option<u64>,
    #[serde(rename = "image_tokens")]
    image: Option<u64>,
    #[serde(rename = "cached_tokens")]
    cached: Option<u64>,
}

/// Reads a `usage` value; `None` where it is null, empty or of no known form.
pub fn read(json: &[u8]) -> Option<Usage> {
    let wire: WireUsage = serde_json::from_slice::<Option<WireUsage>>(json).ok()??;
    let seconds = wire.seconds.as_ref().or(wire.prompt_audio_seconds.as_ref());
    let input_tokens = wire.input_tokens.or(wire.prompt_tokens);
    let output_tokens = wire.output_tokens.or(wire.completion_tokens);
    if input_tokens.is_none() && output_tokens.is_none() && wire.total_tokens.is_none() && seconds.is_none() {
        return None;
    }
    let (input, output) = (wire.input_token_details.unwrap_or_default(), wire.output_token_details.unwrap_or_default());
    let output_tokens = output_tokens.unwrap_or(0);
    Some(Usage {
        // Where the total alone is told, all of it was input: moderations, rerankers.
        input_tokens: input_tokens.unwrap_or_else(|| wire.total_tokens.unwrap_or(0).saturating_sub(output_tokens)),
        output_tokens,
        cached_input_tokens: input.cached.unwrap_or(0),
        audio_input_tokens: input.audio.unwrap_or(0),
        audio_output_tokens: output.audio.unwrap_or(0),
        image_input_tokens: input.image.unwrap_or(0),
        image_output_tokens: output.image.unwrap_or(0),
        audio_ms: seconds.and_then(number_ms).unwrap_or(0),
        ..Usage::default()
    })
}

/// A length of time as JSON: a number of seconds, or the same as text, as verbose transcriptions have it.
pub fn duration_ms(json: &[u8]) -> Option<u64> {
    let text = serde_json::from_slice::<Number>(json).map(|number| number.to_string());
    ms(&text.or_else(|_| serde_json::from_slice::<String>(json)).ok()?)
}

fn number_ms(number: &Number) -> Option<u64> {
    ms(&number.to_string())
}

fn ms(seconds: &str) -> Option<u64> {
    let length = Duration::try_from_secs_f64(seconds.trim().parse().ok()?).ok()?;
    u64::try_from(length.as_millis()).ok()
}

/// Adds what was consumed in two steps of one call.
pub(super) fn add(sum: &mut Usage, more: &Usage) {
    sum.input_tokens += more.input_tokens;
    sum.output_tokens += more.output_tokens;
    sum.cached_input_tokens += more.cached_input_tokens;
    sum.audio_input_tokens += more.audio_input_tokens;
    sum.audio_output_tokens += more.audio_output_tokens;
    sum.image_input_tokens += more.image_input_tokens;
    sum.image_output_tokens += more.image_output_tokens;
    sum.audio_ms += more.audio_ms;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interface_tells_its_figures() {
        let transcribed = read(br#"{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":10,"audio_tokens":4},"output_tokens":101,"total_tokens":115}"#).unwrap();
        assert_eq!((transcribed.input_tokens, transcribed.audio_input_tokens, transcribed.output_tokens), (14, 4, 101));
        assert_eq!(read(br#"{"type":"duration","seconds":26}"#).unwrap().audio_ms, 26_000);
        assert_eq!(read(br#"{"type":"duration","seconds":8.47}"#).unwrap().audio_ms, 8_470);
        let drawn = read(br#"{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}"#).unwrap();
        assert_eq!((drawn.input_tokens, drawn.image_input_tokens, drawn.output_tokens), (50, 40, 50));
        let ranked = read(br#"{"total_tokens":7}"#).unwrap();
        assert_eq!((ranked.input_tokens, ranked.output_tokens), (7, 0));
        for nothing in ["null", "{}", r#"{"type":"tokens"}"#, "3", "", r#"{"input_tokens":-1}"#] {
            assert_eq!(read(nothing.as_bytes()), None, "{nothing}");
        }
    }

    #[test]
    fn a_length_is_a_number_or_a_text() {
        assert_eq!(duration_ms(b"8.470000267028809"), Some(8470));
        assert_eq!(duration_ms(b"\"3.5\""), Some(3500));
        for nothing in ["-1", "\"x\"", "1e400", "null"] {
            assert_eq!(duration_ms(nothing.as_bytes()), None, "{nothing}");
        }
    }
}
