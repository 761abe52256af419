//! Cohere's `usage` of a chat and `meta` of embeddings and reranking.

use deltallm_shared::pricing::Usage;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// `{"billed_units", "tokens", "cached_tokens"}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    billed_units: Option<Amounts>,
    tokens: Option<Amounts>,
    cached_tokens: Option<Count>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Amounts {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    search_units: Option<Count>,
    image_tokens: Option<Count>,
    images: Option<Count>,
}

/// A whole number that may be written with a fraction: Cohere's interface calls all of these `float`.
#[derive(Clone, Copy, Debug, Default)]
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let whole = number.as_u64().or_else(|| number.to_string().split('.').next()?.parse().ok());
        Ok(Self(whole.unwrap_or_default()))
    }
}

impl WireUsage {
    /// What is billed, where that is said: it is less than what the model read, since Cohere's own preamble is free.
    pub(crate) fn into_usage(self) -> Usage {
        let (billed, tokens) = (self.billed_units.unwrap_or_default(), self.tokens.unwrap_or_default());
        let or_zero = |count: Option<Count>| count.unwrap_or_default().0;
        let image_tokens = or_zero(billed.image_tokens);
        let text_tokens = or_zero(billed.input_tokens.or(tokens.input_tokens));
        let input_tokens = text_tokens.saturating_add(image_tokens);
        Usage {
            input_tokens,
            output_tokens: or_zero(billed.output_tokens.or(tokens.output_tokens)),
            cached_input_tokens: or_zero(self.cached_tokens).min(input_tokens),
            image_input_tokens: image_tokens,
            images: or_zero(billed.images),
            searches: or_zero(billed.search_units),
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        serde_json::from_str::<WireUsage>(json).unwrap().into_usage()
    }

    #[test]
    fn what_is_billed_counts() {
        let usage = read(
            r#"{"billed_units":{"input_tokens":17.0,"output_tokens":12},"tokens":{"input_tokens":507,"output_tokens":15},"cached_tokens":8}"#,
        );
        let expected = Usage { input_tokens: 17, output_tokens: 12, cached_input_tokens: 8, ..Usage::default() };
        assert_eq!(usage, expected);
    }

    #[test]
    fn tokens_count_where_nothing_is_billed() {
        let usage = read(r#"{"tokens":{"input_tokens":5,"output_tokens":2},"cached_tokens":null}"#);
        assert_eq!(usage, Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() });
    }

    #[test]
    fn searches_and_pictures_are_read() {
        let usage = read(r#"{"api_version":{"version":"2"},"billed_units":{"search_units":2}}"#);
        assert_eq!(usage, Usage { searches: 2, ..Usage::default() });
        let usage = read(r#"{"billed_units":{"images":1,"image_tokens":400,"input_tokens":3}}"#);
        let expected = Usage { input_tokens: 403, image_input_tokens: 400, images: 1, ..Usage::default() };
        assert_eq!(usage, expected);
    }
}
