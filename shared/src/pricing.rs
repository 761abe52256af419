//! From usage to cost. Unknown prices stay unknown: [`PriceState::Unpriced`] is a state, never a zero.

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{self, ModelInfo, ServiceTier},
    money::{FemtoUsd, NanoUsd, UnitPrice},
};

/// What a call consumed, by kind. Parts are counted in their whole too (cached tokens in `input_tokens`); [`ModelPrices::cost`]
/// charges each token once. Sound and pictures among the input are those that did not come from the cache.
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
    /// Input tokens that neither came from the prompt cache nor went there.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<UnitPrice>,
    /// Per input token that is written to the cache; the input price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<UnitPrice>,
    /// Per input token that is written to the cache for an hour; the price of a usual write where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<UnitPrice>,
    /// Per reasoning token; the output price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<UnitPrice>,
    /// Per input token that is sound; the input price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<UnitPrice>,
    /// Per output token that is sound; the output price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<UnitPrice>,
    /// Per input token that is a picture; the input price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_input: Option<UnitPrice>,
    /// Per output token that is a picture; the output price where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<UnitPrice>,
    /// Per picture that is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<UnitPrice>,
    /// Per character that is spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub character: Option<UnitPrice>,
    /// Per second of sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_second: Option<UnitPrice>,
    /// Per page that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<UnitPrice>,
    /// Per search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<UnitPrice>,
}

impl ModelPrices {
    /// Everything is free.
    pub const FREE: Self = Self {
        input: UnitPrice::FREE,
        output: UnitPrice::FREE,
        cache_read: None,
        cache_write: None,
        cache_write_1h: None,
        reasoning: None,
        audio_input: None,
        audio_output: None,
        image_input: None,
        image_output: None,
        image: Some(UnitPrice::FREE),
        character: Some(UnitPrice::FREE),
        audio_second: Some(UnitPrice::FREE),
        page: Some(UnitPrice::FREE),
        search: Some(UnitPrice::FREE),
    };

    /// The exact cost of a usage. Kinds of tokens without a price of their own cost what their side costs; a part that is larger
    /// than its whole is cut, so that nothing is charged twice.
    pub fn cost(&self, usage: &Usage) -> FemtoUsd {
        let mut input = Share(usage.input_tokens);
        let cached = input.take(usage.cached_input_tokens);
        let kept_1h = input.take(usage.cache_creation_1h_tokens.min(usage.cache_creation_tokens));
        let kept = input.take(usage.cache_creation_tokens.saturating_sub(usage.cache_creation_1h_tokens));
        let (heard, seen) = (input.take(usage.audio_input_tokens), input.take(usage.image_input_tokens));
        let mut output = Share(usage.output_tokens);
        let (spoken, drawn) = (output.take(usage.audio_output_tokens), output.take(usage.image_output_tokens));
        let thought = output.take(usage.reasoning_tokens);
        let kept_price = self.cache_write.unwrap_or(self.input);
        let each = |price: Option<UnitPrice>, count| price.unwrap_or(UnitPrice::FREE).times(count);
        self.input.times(input.0)
            + self.cache_read.unwrap_or(self.input).times(cached)
            + kept_price.times(kept)
            + self.cache_write_1h.unwrap_or(kept_price).times(kept_1h)
            + self.audio_input.unwrap_or(self.input).times(heard)
            + self.image_input.unwrap_or(self.input).times(seen)
            + self.output.times(output.0)
            + self.reasoning.unwrap_or(self.output).times(thought)
            + self.audio_output.unwrap_or(self.output).times(spoken)
            + self.image_output.unwrap_or(self.output).times(drawn)
            + each(self.image, usage.images)
            + each(self.character, usage.characters)
            + each(self.audio_second, usage.audio_ms).per_thousand()
            + each(self.page, usage.pages)
            + each(self.search, usage.searches)
    }

    /// Whether everything that was used has a price. Tokens always have one; pictures, characters, seconds, pages and searches
    /// do where the catalogue or the operator says so.
    pub fn covers(&self, usage: &Usage) -> bool {
        let has = |count: u64, price: Option<UnitPrice>| count == 0 || price.is_some();
        has(usage.images, self.image)
            && has(usage.characters, self.character)
            && has(usage.audio_ms, self.audio_second)
            && has(usage.pages, self.page)
            && has(usage.searches, self.search)
    }

    /// Whether nothing costs anything.
    pub fn is_free(&self) -> bool {
        let optional = [
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.reasoning,
            self.audio_input,
            self.audio_output,
            self.image_input,
            self.image_output,
            self.image,
            self.character,
            self.audio_second,
            self.page,
            self.search,
        ];
        self.input == UnitPrice::FREE
            && self.output == UnitPrice::FREE
            && optional.into_iter().flatten().all(|price| price == UnitPrice::FREE)
    }
}

/// What is left of a sum while its parts are taken out.
struct Share(u64);

impl Share {
    fn take(&mut self, part: u64) -> u64 {
        let taken = part.min(self.0);
        self.0 -= taken;
        taken
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

/// What a usage costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// How the prices are known.
    pub state: PriceState,
    /// The unit prices that were used.
    pub prices: Option<ModelPrices>,
    /// `None` exactly when the state is unpriced.
    pub cost: Option<NanoUsd>,
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

    /// The prices that hold for a call with this many input tokens, served by this tier: some models cost more beyond a step,
    /// and most cost less where they may take their time.
    pub fn at(&self, input_tokens: u64, tier: ServiceTier) -> Option<ModelPrices> {
        match self.entry {
            Some(entry) => entry.prices_at(input_tokens, tier),
            None => self.prices,
        }
    }

    /// The cost in nano-dollars at the standard tier; `None` where it is not known.
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        self.bill(usage, ServiceTier::Standard).cost
    }

    /// What a usage costs, by which prices, and how they are known. A unit without a price makes the whole unpriced: a bill that
    /// leaves something out is wrong, not small.
    pub fn bill(&self, usage: &Usage, tier: ServiceTier) -> Bill {
        let prices = self.at(usage.input_tokens, tier).filter(|prices| prices.covers(usage));
        let state = if prices.is_some() { self.state } else { PriceState::Unpriced };
        Bill { state, prices, cost: prices.map(|prices| prices.cost(usage).round()) }
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
    fn each_kind_of_tokens_has_its_price_and_is_counted_once() {
        let price = |text: &str| text.parse().unwrap();
        let prices = ModelPrices {
            input: price("1e-6"),
            output: price("1e-5"),
            cache_write: Some(price("1.25e-6")),
            cache_write_1h: Some(price("2e-6")),
            audio_input: Some(price("4e-5")),
            audio_output: Some(price("8e-5")),
            ..ModelPrices::default()
        };
        let usage = Usage {
            input_tokens: 1000,
            cache_creation_tokens: 300,
            cache_creation_1h_tokens: 100,
            audio_input_tokens: 50,
            output_tokens: 100,
            audio_output_tokens: 40,
            ..Usage::default()
        };
        // 650 + 200 × 1.25 + 100 × 2 + 50 × 40 + 60 × 10 + 40 × 80, in micro-dollars.
        assert_eq!(prices.cost(&usage).round().to_string(), "0.0069");
    }

    #[test]
    fn what_is_billed_by_the_piece_needs_a_price_of_its_own() {
        let spoken = Usage { characters: 1000, ..Usage::default() };
        let heard = Usage { audio_ms: 90_500, ..Usage::default() };
        let of = |model: &str, usage| AppliedPrices::resolve("openai", model, None).bill(usage, ServiceTier::Standard);
        assert_eq!(of("tts-1", &spoken).cost.unwrap().to_string(), "0.015");
        assert_eq!(of("whisper-1", &heard).cost.unwrap().to_string(), "0.00905");
        assert_eq!((of("gpt-4o", &heard).state, of("gpt-4o", &heard).cost), (PriceState::Unpriced, None));
    }

    #[test]
    fn a_tier_has_its_own_price_where_the_catalogue_knows_one() {
        let usage = Usage { input_tokens: 1_000_000, ..Usage::default() };
        let cost = |tier| AppliedPrices::resolve("openai", "gpt-5", None).bill(&usage, tier).cost.unwrap().to_string();
        assert_eq!(cost(ServiceTier::Standard), "1.25");
        assert_eq!(cost(ServiceTier::Flex), "0.625");
        assert_eq!(cost(ServiceTier::Priority), "2.5");
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
