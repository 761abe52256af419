//! From usage to cost. Unknown prices stay unknown: [`PriceState::Unpriced`] is a state, never a zero.

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{self, ModelInfo},
    money::{FemtoUsd, NanoUsd, UnitPrice},
};

/// What a call consumed, by kind. The kinds do not overlap: cached tokens are not in `input_tokens` a second time when cost is
/// computed; [`Usage::fresh_input_tokens`] does the subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All input tokens, cached ones included, as OpenAI counts.
    pub input_tokens: u64,
    /// All output tokens, reasoning ones included.
    pub output_tokens: u64,
    /// Input tokens that were read from the provider's prompt cache.
    pub cached_input_tokens: u64,
    /// Input tokens that were written to the provider's prompt cache.
    pub cache_creation_tokens: u64,
    /// The share of `cache_creation_tokens` that is kept for an hour.
    pub cache_creation_1h_tokens: u64,
    /// Output tokens that were spent on reasoning.
    pub reasoning_tokens: u64,
    /// Input tokens that are sound; part of `input_tokens`.
    pub audio_input_tokens: u64,
    /// Output tokens that are sound; part of `output_tokens`.
    pub audio_output_tokens: u64,
    /// Input tokens that are pictures; part of `input_tokens`.
    pub image_input_tokens: u64,
    /// Output tokens that are pictures; part of `output_tokens`.
    pub image_output_tokens: u64,
    /// Pictures that were made, where they are billed by the piece.
    pub images: u64,
    /// Characters of text that was spoken, where they are billed.
    pub characters: u64,
    /// Sound that was heard or made, in milliseconds, where time is billed.
    pub audio_ms: u64,
    /// Pages that were read, where they are billed.
    pub pages: u64,
    /// Searches: on the web by the model, or units of a reranker.
    pub searches: u64,
}

impl Usage {
    /// Input tokens at the full price.
    pub fn fresh_input_tokens(&self) -> u64 {
        self.input_tokens.saturating_sub(self.cached_input_tokens).saturating_sub(self.cache_creation_tokens)
    }
}

/// Where the figures of a [`Usage`] come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// Nothing was consumed.
    #[default]
    None,
    /// The provider said so.
    Provider,
    /// Counted by tokenizer from what went through.
    Counted,
    /// Estimated from sizes, because the process ended before it could count.
    Estimated,
}

/// Prices of one model, per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelPrices {
    /// Per input token.
    pub input: UnitPrice,
    /// Per output token.
    pub output: UnitPrice,
    /// Per cached input token; the input price where it is not known.
    pub cache_read: Option<UnitPrice>,
    /// Per input token that is written to the cache; the input price where it is not known.
    pub cache_write: Option<UnitPrice>,
    /// Per reasoning token; the output price where it is not known.
    pub reasoning: Option<UnitPrice>,
}

impl ModelPrices {
    /// Everything is free.
    pub const FREE: Self =
        Self { input: UnitPrice::FREE, output: UnitPrice::FREE, cache_read: None, cache_write: None, reasoning: None };

    /// The exact cost of a usage.
    pub fn cost(&self, usage: &Usage) -> FemtoUsd {
        let reasoning_tokens = usage.reasoning_tokens.min(usage.output_tokens);
        self.input.times(usage.fresh_input_tokens())
            + self.cache_read.unwrap_or(self.input).times(usage.cached_input_tokens.min(usage.input_tokens))
            + self.cache_write.unwrap_or(self.input).times(usage.cache_creation_tokens.min(usage.input_tokens))
            + self.output.times(usage.output_tokens - reasoning_tokens)
            + self.reasoning.unwrap_or(self.output).times(reasoning_tokens)
    }

    /// Whether nothing costs anything.
    pub fn is_free(&self) -> bool {
        let optional = [self.cache_read, self.cache_write, self.reasoning];
        self.input == UnitPrice::FREE
            && self.output == UnitPrice::FREE
            && optional.into_iter().flatten().all(|price| price == UnitPrice::FREE)
    }
}

/// How sure a cost is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceState {
    /// From the shipped catalogue.
    Catalog,
    /// From the operator.
    Override,
    /// Known to cost nothing.
    Free,
    /// Not known: the cost is absent, and somebody should be told.
    #[default]
    Unpriced,
}

/// The prices that apply to a deployment and where they are from.
#[derive(Clone, Copy, Debug, Default)]
pub struct AppliedPrices {
    /// How the prices are known.
    pub state: PriceState,
    /// The prices of a short prompt; `None` exactly when the state is unpriced.
    pub prices: Option<ModelPrices>,
    /// The catalogue's entry, where long prompts have other prices.
    entry: Option<&'static ModelInfo>,
}

impl AppliedPrices {
    /// The operator's word first, then the catalogue, else unpriced. `mock` is free.
    pub fn resolve(provider: &str, upstream_model: &str, by_operator: Option<ModelPrices>) -> Self {
        if let Some(prices) = by_operator {
            return Self::known(PriceState::Override, prices, None);
        }
        if provider == crate::providers::MOCK {
            return Self::known(PriceState::Free, ModelPrices::FREE, None);
        }
        let entry = catalog::lookup(provider, upstream_model);
        match entry.and_then(|entry| entry.prices) {
            Some(prices) => Self::known(PriceState::Catalog, prices, entry),
            None => Self::default(),
        }
    }

    fn known(state: PriceState, prices: ModelPrices, entry: Option<&'static ModelInfo>) -> Self {
        Self { state: if prices.is_free() { PriceState::Free } else { state }, prices: Some(prices), entry }
    }

    /// The longest prompt that the model takes, where the catalogue knows it.
    pub fn max_input_tokens(&self) -> Option<u64> {
        self.entry.and_then(|entry| entry.max_input_tokens)
    }

    /// The prices that hold for a call with this many input tokens: some models cost more beyond a step.
    pub fn at(&self, input_tokens: u64) -> Option<ModelPrices> {
        match self.entry {
            Some(entry) => entry.prices_at(input_tokens),
            None => self.prices,
        }
    }

    /// The cost in nano-dollars; `None` where it is not known.
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        self.at(usage.input_tokens).map(|prices| prices.cost(usage).round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> ModelPrices {
        ModelPrices {
            input: "2.5e-6".parse().unwrap(),
            output: "1e-5".parse().unwrap(),
            cache_read: Some("1.25e-6".parse().unwrap()),
            ..ModelPrices::default()
        }
    }

    #[test]
    fn cached_tokens_cost_their_own_price_and_are_not_charged_twice() {
        let usage = Usage { input_tokens: 1000, cached_input_tokens: 600, output_tokens: 10, ..Usage::default() };
        assert_eq!(prices().cost(&usage).round().to_string(), "0.00185");
    }

    #[test]
    fn reasoning_tokens_are_part_of_the_output() {
        let usage = Usage { output_tokens: 100, reasoning_tokens: 60, ..Usage::default() };
        assert_eq!(prices().cost(&usage).round().to_string(), "0.001");
        let dearer = ModelPrices { reasoning: Some("2e-5".parse().unwrap()), ..prices() };
        assert_eq!(dearer.cost(&usage).round().to_string(), "0.0016");
    }

    #[test]
    fn an_unknown_model_is_unpriced_and_never_zero() {
        let applied = AppliedPrices::resolve("openai", "no-such-model-anywhere", None);
        assert_eq!(applied.state, PriceState::Unpriced);
        assert_eq!(applied.cost(&Usage { input_tokens: 5, ..Usage::default() }), None);
    }

    #[test]
    fn a_long_prompt_costs_the_price_of_its_step() {
        let applied = AppliedPrices::resolve("gemini", "gemini-2.5-pro", None);
        let cost = |input_tokens| applied.cost(&Usage { input_tokens, ..Usage::default() }).unwrap().to_string();
        assert_eq!(cost(200_000), "0.25");
        assert_eq!(cost(200_001), "0.5000025");
    }

    #[test]
    fn a_price_of_zero_is_free_which_is_known() {
        let applied = AppliedPrices::resolve("vllm", "own-model", Some(ModelPrices::FREE));
        assert_eq!((applied.state, applied.cost(&Usage::default())), (PriceState::Free, Some(NanoUsd::ZERO)));
        assert_eq!(AppliedPrices::resolve("mock", "echo", None).state, PriceState::Free);
    }
}
