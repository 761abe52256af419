//! OpenAI's `usage` object, and the names that compatible vendors give its parts.

use deltallm_shared::pricing::Usage;
use serde::Deserialize;
use serde_json::{Value, json};
use sonic_rs::JsonValueTrait;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    /// The names of the Responses, image and audio interfaces.
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
    /// DeepSeek's name for cached input tokens.
    prompt_cache_hit_tokens: Option<u64>,
    /// Perplexity's name for searches.
    num_search_queries: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
struct InputDetails {
    cached_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
    /// OpenRouter's name for tokens written to the prompt cache.
    cache_write_tokens: Option<u64>,
    /// LiteLLM's name for the same.
    cache_creation_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
}

/// Reads a `usage` value; `None` where it is null or not of a known form.
pub fn read(json: &[u8]) -> Option<Usage> {
    let wire: WireUsage = serde_json::from_slice::<Option<WireUsage>>(json).ok()??;
    let input_tokens = wire.prompt_tokens.or(wire.input_tokens);
    let output_tokens = wire.completion_tokens.or(wire.output_tokens);
    if input_tokens.is_none() && output_tokens.is_none() {
        return None;
    }
    let input = wire.prompt_tokens_details.or(wire.input_tokens_details).unwrap_or_default();
    let output = wire.completion_tokens_details.or(wire.output_tokens_details).unwrap_or_default();
    // xAI counts reasoning beside the completion and in the total only; what the total holds was produced and is billed.
    let by_total = wire.total_tokens.and_then(|total| total.checked_sub(input_tokens?));
    Some(Usage {
        input_tokens: input_tokens.unwrap_or(0),
        output_tokens: output_tokens.unwrap_or(0).max(by_total.unwrap_or(0)),
        cached_input_tokens: input.cached_tokens.or(wire.prompt_cache_hit_tokens).unwrap_or(0),
        cache_creation_tokens: input.cache_write_tokens.or(input.cache_creation_tokens).unwrap_or(0),
        reasoning_tokens: output.reasoning_tokens.unwrap_or(0),
        audio_input_tokens: input.audio_tokens.unwrap_or(0),
        audio_output_tokens: output.audio_tokens.unwrap_or(0),
        image_input_tokens: input.image_tokens.unwrap_or(0),
        image_output_tokens: output.image_tokens.unwrap_or(0),
        searches: wire.num_search_queries.unwrap_or(0),
        ..Usage::default()
    })
}

/// The `usage` object of a chat or completion, as OpenAI writes it; tokens written to a prompt cache under OpenRouter's name,
/// for OpenAI has none.
pub fn write(usage: &Usage) -> Value {
    let mut input = json!({"cached_tokens": usage.cached_input_tokens, "audio_tokens": usage.audio_input_tokens});
    let mut output = json!({"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": usage.audio_output_tokens});
    let rare = [
        (&mut input, "cache_write_tokens", usage.cache_creation_tokens),
        (&mut output, "image_tokens", usage.image_output_tokens),
    ];
    for (details, name, tokens) in rare {
        if tokens > 0 {
            details[name] = tokens.into();
        }
    }
    if usage.image_input_tokens > 0 {
        input["image_tokens"] = usage.image_input_tokens.into();
    }
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
        "prompt_tokens_details": input,
        "completion_tokens_details": output,
    })
}

/// The tier that served an answer, where it says so.
pub fn service_tier_of(body: &[u8]) -> Option<String> {
    memchr::memmem::find(body, b"\"service_tier\"")?;
    sonic_rs::get(body, ["service_tier"]).ok()?.as_str().map(str::to_owned)
}

/// The usage of a whole answer.
pub fn of_answer(body: &[u8]) -> Option<Usage> {
    read(sonic_rs::get(body, ["usage"]).ok()?.as_raw_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_read() {
        let usage = of_answer(
            br#"{"id":"x","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}}"#,
        );
        let expected = Usage {
            input_tokens: 10,
            output_tokens: 5,
            cached_input_tokens: 4,
            reasoning_tokens: 3,
            cache_creation_tokens: 0,
            ..Usage::default()
        };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn sounds_pictures_and_the_newer_names_are_read() {
        let usage = read(
            br#"{"input_tokens":36,"input_tokens_details":{"cached_tokens":8,"audio_tokens":2,"image_tokens":3},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":5,"audio_tokens":6,"image_tokens":7},"total_tokens":123}"#,
        );
        let expected = Usage {
            input_tokens: 36,
            output_tokens: 87,
            cached_input_tokens: 8,
            reasoning_tokens: 5,
            audio_input_tokens: 2,
            image_input_tokens: 3,
            audio_output_tokens: 6,
            image_output_tokens: 7,
            ..Usage::default()
        };
        assert_eq!(usage, Some(expected));
        assert_eq!(read(write(&expected).to_string().as_bytes()), Some(expected));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let usage = Usage {
            input_tokens: 100,
            output_tokens: 20,
            cached_input_tokens: 60,
            cache_creation_tokens: 30,
            reasoning_tokens: 10,
            ..Usage::default()
        };
        assert_eq!(read(write(&usage).to_string().as_bytes()), Some(usage));
    }

    #[test]
    fn reasoning_that_stands_in_the_total_only_is_output_too() {
        let usage = of_answer(
            br#"{"usage":{"prompt_tokens":12,"completion_tokens":1,"total_tokens":399,"completion_tokens_details":{"reasoning_tokens":386}}}"#,
        );
        assert_eq!(usage.map(|usage| (usage.output_tokens, usage.reasoning_tokens)), Some((387, 386)));
    }

    #[test]
    fn null_absent_and_strange_usage_is_none() {
        for body in [
            "{}",
            r#"{"usage":null}"#,
            r#"{"usage":"many"}"#,
            r#"{"usage":{}}"#,
            "",
            "{",
            r#"{"usage":{"prompt_tokens":-1}}"#,
        ] {
            assert_eq!(of_answer(body.as_bytes()), None, "{body}");
        }
    }
}
