//! `usage` of a response, and what its hosted tools used.

use deltallm_shared::pricing::Usage;
use serde::{Deserialize, Serialize};

/// `usage` as it stands on the wire.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
    total_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    /// For a client.
    pub fn of(usage: &Usage) -> Self {
        Self {
            input_tokens: Some(usage.input_tokens),
            input_tokens_details: Some(InputDetails {
                cached_tokens: Some(usage.cached_input_tokens),
                cache_write_tokens: Some(usage.cache_creation_tokens),
            }),
            output_tokens: Some(usage.output_tokens),
            output_tokens_details: Some(OutputDetails { reasoning_tokens: Some(usage.reasoning_tokens) }),
            total_tokens: Some(usage.input_tokens.saturating_add(usage.output_tokens)),
        }
    }

    fn read(self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let input = self.input_tokens_details.unwrap_or_default();
        Some(Usage {
            input_tokens: self.input_tokens.unwrap_or(0),
            output_tokens: self.output_tokens.unwrap_or(0),
            cached_input_tokens: input.cached_tokens.unwrap_or(0),
            cache_creation_tokens: input.cache_write_tokens.unwrap_or(0),
            reasoning_tokens: self.output_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            ..Usage::default()
        })
    }
}

/// The usage of a whole response: a body, or the `response` member of an event. Searches of the hosted web search are in it.
pub fn of_response(json: &[u8]) -> Option<Usage> {
    let wire = sonic_rs::get(json, ["usage"]).ok()?;
    let mut usage = serde_json::from_str::<Option<WireUsage>>(wire.as_raw_str()).ok()??.read()?;
    if memchr::memmem::find(json, b"\"tool_usage\"").is_some() {
        let searches = sonic_rs::get(json, ["tool_usage", "web_search", "num_requests"]).ok();
        usage.searches = searches.and_then(|count| count.as_raw_str().parse().ok()).unwrap_or(0);
    }
    Some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_read() {
        let body = br#"{"id":"resp_1","usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":10,"cache_write_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":39},"tool_usage":{"web_search":{"num_requests":2}}}"#;
        let expected = Usage {
            input_tokens: 30,
            output_tokens: 9,
            cached_input_tokens: 10,
            cache_creation_tokens: 4,
            reasoning_tokens: 5,
            searches: 2,
            ..Usage::default()
        };
        assert_eq!(of_response(body), Some(expected));
    }

    #[test]
    fn strange_usage_is_none() {
        for body in [
            "{}",
            r#"{"usage":null}"#,
            r#"{"usage":{}}"#,
            r#"{"usage":"many"}"#,
            r#"{"usage":{"input_tokens":-1}}"#,
            "",
        ] {
            assert_eq!(of_response(body.as_bytes()), None, "{body}");
        }
    }
}
