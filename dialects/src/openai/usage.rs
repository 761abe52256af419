//! OpenAI's `usage` object, and the names that compatible vendors give its parts.

use deltallm_shared::pricing::Usage;
use serde::Deserialize;
use sonic_rs::JsonValueTrait;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    /// DeepSeek's name for cached input tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
    /// OpenRouter's name for tokens written to the prompt cache.
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// Reads a `usage` value; `None` where it is null or not of a known form.
pub fn read(json: &[u8]) -> Option<Usage> {
    let wire: WireUsage = serde_json::from_slice::<Option<WireUsage>>(json).ok()??;
    let input_tokens = wire.prompt_tokens.or(wire.input_tokens);
    let output_tokens = wire.completion_tokens.or(wire.output_tokens);
    if input_tokens.is_none() && output_tokens.is_none() {
        return None;
    }
    let input_details = wire.prompt_tokens_details.unwrap_or_default();
    // xAI counts reasoning beside the completion and in the total only; what the total holds was produced and is billed.
    let by_total = wire.total_tokens.and_then(|total| total.checked_sub(input_tokens?));
    Some(Usage {
        input_tokens: input_tokens.unwrap_or(0),
        output_tokens: output_tokens.unwrap_or(0).max(by_total.unwrap_or(0)),
        cached_input_tokens: input_details.cached_tokens.or(wire.prompt_cache_hit_tokens).unwrap_or(0),
        cache_creation_tokens: input_details.cache_write_tokens.unwrap_or(0),
        reasoning_tokens: wire.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        ..Usage::default()
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
