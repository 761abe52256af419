//! Anthropic's `usage`. It counts what was read from and written to the cache beside the input, where the gateway counts all
//! input together.

use deltallm_shared::pricing::Usage;
use serde::{Deserialize, Serialize};

/// `usage` as it comes. In a stream each event says what is known so far, and may leave out what the one before said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerToolUse>,
    pub service_tier: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: u64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: u64,
    web_fetch_requests: u64,
}

impl WireUsage {
    /// Reads a `usage` value; one of an unknown form says nothing.
    pub fn read(json: &str) -> Self {
        let is_object = json.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(json).ok()).flatten().unwrap_or_default()
    }

    /// Takes over what a later event says.
    pub fn update(&mut self, newer: Self) {
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.cache_creation_input_tokens = newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = newer.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation = newer.cache_creation.or(self.cache_creation);
        self.output_tokens_details = newer.output_tokens_details.or(self.output_tokens_details);
        self.server_tool_use = newer.server_tool_use.or(self.server_tool_use);
        self.service_tier = newer.service_tier.or(self.service_tier.take());
    }

    /// What was consumed; `None` where nothing was said.
    pub fn usage(&self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let by_time = self.cache_creation.unwrap_or_default();
        let parts = by_time.ephemeral_5m_input_tokens.saturating_add(by_time.ephemeral_1h_input_tokens);
        let written = self.cache_creation_input_tokens.unwrap_or(0).max(parts);
        let read = self.cache_read_input_tokens.unwrap_or(0);
        Some(Usage {
            input_tokens: self.input_tokens.unwrap_or(0).saturating_add(read).saturating_add(written),
            output_tokens: self.output_tokens.unwrap_or(0),
            cached_input_tokens: read,
            cache_creation_tokens: written,
            cache_creation_1h_tokens: by_time.ephemeral_1h_input_tokens,
            reasoning_tokens: self.output_tokens_details.unwrap_or_default().thinking_tokens,
            searches: self.server_tool_use.unwrap_or_default().web_search_requests,
            ..Usage::default()
        })
    }
}

/// `usage` as it is written.
#[derive(Serialize)]
pub(super) struct UsageOut<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use: Option<ServerToolUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

impl<'a> UsageOut<'a> {
    /// In Anthropic's arithmetic. `tier`: the one that served, in OpenAI's or Anthropic's words.
    pub fn new(usage: &Usage, tier: Option<&'a str>) -> Self {
        let (searches, thinking_tokens) = (usage.searches, usage.reasoning_tokens);
        let beside = usage.cached_input_tokens.saturating_add(usage.cache_creation_tokens);
        let fresh = usage.input_tokens.saturating_sub(beside);
        let ephemeral_1h_input_tokens = usage.cache_creation_1h_tokens.min(usage.cache_creation_tokens);
        Self {
            input_tokens: fresh,
            cache_creation_input_tokens: usage.cache_creation_tokens,
            cache_read_input_tokens: usage.cached_input_tokens,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: usage.cache_creation_tokens - ephemeral_1h_input_tokens,
                ephemeral_1h_input_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: (thinking_tokens > 0).then_some(OutputDetails { thinking_tokens }),
            server_tool_use: (searches > 0)
                .then_some(ServerToolUse { web_search_requests: searches, web_fetch_requests: 0 }),
            service_tier: match tier {
                Some("default") => Some("standard"),
                // Anthropic's SDKs know no other.
                Some(tier @ ("standard" | "priority" | "batch")) => Some(tier),
                _ => None,
            },
        }
    }
}

/// Anthropic's `standard` tier is what others call `default`.
pub(super) fn tier(wire: String) -> String {
    if wire == "standard" { "default".to_owned() } else { wire }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,
        "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":50,
        "output_tokens_details":{"thinking_tokens":20},"server_tool_use":{"web_search_requests":3,"web_fetch_requests":0},
        "service_tier":"standard"}"#;

    #[test]
    fn all_input_is_counted_together_and_given_back_apart() {
        let usage = WireUsage::read(FULL).usage().unwrap();
        let expected = Usage {
            input_tokens: 2310,
            output_tokens: 50,
            cached_input_tokens: 2000,
            cache_creation_tokens: 300,
            cache_creation_1h_tokens: 200,
            reasoning_tokens: 20,
            searches: 3,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        let again = serde_json::to_string(&UsageOut::new(&usage, Some("default"))).unwrap();
        assert_eq!(WireUsage::read(&again).usage(), Some(usage));
        assert!(again.contains(r#""input_tokens":10"#) && again.contains(r#""service_tier":"standard""#), "{again}");
    }

    #[test]
    fn a_later_event_replaces_only_what_it_says() {
        let mut usage = WireUsage::read(FULL);
        usage.update(WireUsage::read(r#"{"output_tokens":90,"input_tokens":null}"#));
        let usage = usage.usage().unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cache_creation_1h_tokens), (2310, 90, 200));
    }

    #[test]
    fn what_is_not_usage_says_nothing() {
        for json in ["null", "{}", "[]", "[1,2]", r#"{"input_tokens":-1}"#, "nonsense"] {
            assert_eq!(WireUsage::read(json).usage(), None, "{json}");
        }
    }
}
