//! One model's entry: prices, limits, abilities.

use crate::{money::UnitPrice, pricing::ModelPrices};

/// Defines an enum whose variants have one fixed name each, as written in the data file.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The name in the data file and in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The variant of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named! {
    /// What a model is asked for.
    Mode {
        /// Chat completions.
        Chat = "chat",
        /// Text completions.
        Completion = "completion",
        /// The Responses API only.
        Responses = "responses",
        /// Embeddings.
        Embedding = "embedding",
        /// Images from text.
        ImageGeneration = "image_generation",
        /// Images from images.
        ImageEdit = "image_edit",
        /// Speech to text.
        AudioTranscription = "audio_transcription",
        /// Text to speech.
        AudioSpeech = "audio_speech",
        /// Realtime sessions.
        Realtime = "realtime",
        /// Reranking of documents.
        Rerank = "rerank",
        /// Moderation.
        Moderation = "moderation",
        /// Text from pages.
        Ocr = "ocr",
    }
}

named! {
    /// What one price is for. Without another word the unit is one token.
    PriceKind {
        /// Prompt tokens.
        Input = "in",
        /// Answer tokens.
        Output = "out",
        /// Prompt tokens read from the provider's cache.
        CacheRead = "cache_read",
        /// Prompt tokens written to the provider's cache for five minutes (or its usual time).
        CacheWrite5m = "cache_write_5m",
        /// Prompt tokens written to the provider's cache for an hour.
        CacheWrite1h = "cache_write_1h",
        /// Reasoning tokens, where they cost something else than other answer tokens.
        ReasoningOutput = "reasoning_out",
        /// Audio tokens of the prompt.
        AudioInput = "audio_in",
        /// Audio tokens of the answer.
        AudioOutput = "audio_out",
        /// Audio tokens read from the provider's cache.
        AudioCacheRead = "audio_cache_read",
        /// Audio tokens written to the provider's cache.
        AudioCacheWrite = "audio_cache_write",
        /// Image tokens of the prompt.
        ImageTokenInput = "image_token_in",
        /// Image tokens of the answer.
        ImageTokenOutput = "image_token_out",
        /// Image tokens read from the provider's cache.
        ImageTokenCacheRead = "image_token_cache_read",
        /// One image of the prompt.
        ImageInput = "image_in",
        /// One image of the answer.
        ImageOutput = "image_out",
        /// One pixel of a requested image, billed as input.
        PixelInput = "pixel_in",
        /// One pixel of a requested image, billed as output.
        PixelOutput = "pixel_out",
        /// One second of input.
        SecondInput = "second_in",
        /// One second of output.
        SecondOutput = "second_out",
        /// One second of audio in the prompt.
        AudioSecondInput = "audio_second_in",
        /// One second of video in the prompt.
        VideoSecondInput = "video_second_in",
        /// One character of input.
        CharacterInput = "character_in",
        /// One character of output.
        CharacterOutput = "character_out",
        /// One query (rerank).
        Query = "query",
        /// One request, whatever its size.
        Request = "request",
        /// One page read.
        Page = "page",
        /// One web search with a small context.
        WebSearchLow = "web_search_low",
        /// One web search with a medium context.
        WebSearchMedium = "web_search_medium",
        /// One web search with a large context.
        WebSearchHigh = "web_search_high",
    }
}

named! {
    /// How a request is served, and billed.
    ServiceTier {
        /// The usual way.
        Standard = "",
        /// In a batch job.
        Batch = "batch",
        /// Slower and cheaper.
        Flex = "flex",
        /// Faster and dearer.
        Priority = "priority",
        /// Between flex and priority.
        Balanced = "balanced",
        /// The fastest.
        Ultrafast = "ultrafast",
    }
}

named! {
    /// What a model can do. An absent ability is unknown rather than impossible, except where the name says otherwise.
    Capability {
        /// Calls tools.
        Tools = "tools",
        /// Calls several tools at once.
        ParallelTools = "parallel_tools",
        /// Obeys `tool_choice`.
        ToolChoice = "tool_choice",
        /// Obeys a JSON schema for its answer.
        ResponseSchema = "response_schema",
        /// Reasons before it answers.
        Reasoning = "reasoning",
        /// Keeps prompts in a cache.
        PromptCaching = "prompt_caching",
        /// Takes system messages.
        SystemMessages = "system_messages",
        /// Goes on from a started answer.
        AssistantPrefill = "assistant_prefill",
        /// Searches the web by itself.
        WebSearch = "web_search",
        /// Drives a computer.
        ComputerUse = "computer_use",
        /// Reads images.
        Vision = "vision",
        /// Reads PDF files.
        PdfInput = "pdf_input",
        /// Hears.
        AudioInput = "audio_input",
        /// Speaks.
        AudioOutput = "audio_output",
        /// Watches video.
        VideoInput = "video_input",
        /// Refuses `temperature`, `top_p` and the like.
        NoSamplingParams = "no_sampling_params",
    }
}

/// One price of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// What it is for.
    pub kind: PriceKind,
    /// Which way of being served it belongs to.
    pub tier: ServiceTier,
    /// It holds for the whole request once the prompt has more tokens than this.
    pub above_tokens: u64,
    /// The price of one unit.
    pub per_unit: UnitPrice,
}

/// What the catalogue knows of one model.
#[derive(Debug)]
pub struct ModelInfo {
    /// The provider, as in `provider/model`.
    pub provider: &'static str,
    /// The provider's name of the model.
    pub model: &'static str,
    /// What it is asked for.
    pub mode: Mode,
    /// The longest prompt.
    pub max_input_tokens: Option<u64>,
    /// The longest answer.
    pub max_output_tokens: Option<u64>,
    /// The day the provider takes it away, `2026-11-30`.
    pub deprecation_date: Option<&'static str>,
    /// Where the prices can be read.
    pub source: Option<&'static str>,
    /// The list prices. `None` where nobody knows what a call costs, which is not "nothing".
    pub prices: Option<ModelPrices>,
    price_list: Vec<Price>,
    capabilities: &'static str,
}

impl ModelInfo {
    /// Reads one line of the data file; `None` for a line that has not its form, which a test rules out for the shipped file.
    pub(super) fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let mut column = || columns.next();
        let (provider, model) = column()?.split_once('/')?;
        let mode = Mode::from_name(column()?)?;
        let price_list = column()?.split_ascii_whitespace().map(parse_price).collect::<Option<Vec<_>>>()?;
        let mut info = Self {
            provider,
            model,
            mode,
            max_input_tokens: column()?.parse().ok(),
            max_output_tokens: column()?.parse().ok(),
            capabilities: column()?,
            deprecation_date: column().filter(|date| !date.is_empty()),
            source: column().filter(|source| !source.is_empty()),
            prices: None,
            price_list,
        };
        info.prices = info.prices_at(0, ServiceTier::Standard);
        Some(info)
    }

    /// The prices of a tier for a prompt of this many tokens. `None` where nobody knows what a call costs, which is not "nothing".
    pub fn prices_at(&self, prompt_tokens: u64, tier: ServiceTier) -> Option<ModelPrices> {
        let price = |kind| self.price_at(kind, tier, prompt_tokens);
        let (input, output) = (price(PriceKind::Input), price(PriceKind::Output));
        // What answers with tokens is unpriced with one half missing; the rest may be billed by the piece alone.
        let answers_tokens = matches!(self.mode, Mode::Chat | Mode::Completion | Mode::Responses | Mode::Realtime);
        let known = if answers_tokens { input.is_some() && output.is_some() } else { !self.price_list.is_empty() };
        known.then(|| ModelPrices {
            input: input.unwrap_or(UnitPrice::FREE),
            output: output.unwrap_or(UnitPrice::FREE),
            cache_read: price(PriceKind::CacheRead),
            cache_write: price(PriceKind::CacheWrite5m),
            cache_write_1h: price(PriceKind::CacheWrite1h),
            reasoning: price(PriceKind::ReasoningOutput),
            audio_input: price(PriceKind::AudioInput),
            audio_output: price(PriceKind::AudioOutput),
            image_input: price(PriceKind::ImageTokenInput),
            image_output: price(PriceKind::ImageTokenOutput),
            image: price(PriceKind::ImageOutput),
            character: price(PriceKind::CharacterInput).or_else(|| price(PriceKind::CharacterOutput)),
            audio_second: price(PriceKind::AudioSecondInput)
                .or_else(|| price(PriceKind::SecondInput))
                .or_else(|| price(PriceKind::SecondOutput)),
            page: price(PriceKind::Page),
            search: price(PriceKind::Query).or_else(|| price(PriceKind::WebSearchMedium)),
        })
    }

    /// Every price that is known: token prices of all tiers and steps, and those of other units.
    pub fn price_list(&self) -> &[Price] {
        &self.price_list
    }

    /// The standard price of a short prompt's request: the list price.
    pub fn price(&self, kind: PriceKind) -> Option<UnitPrice> {
        self.price_at(kind, ServiceTier::Standard, 0)
    }

    /// The price for a request with `prompt_tokens`, served by `tier`. A tier without a price of its own costs the standard one.
    pub fn price_at(&self, kind: PriceKind, tier: ServiceTier, prompt_tokens: u64) -> Option<UnitPrice> {
        let of_tier = |tier| {
            self.price_list
                .iter()
                .filter(|price| price.kind == kind && price.tier == tier)
                .filter(|price| price.above_tokens == 0 || prompt_tokens > price.above_tokens)
                .max_by_key(|price| price.above_tokens)
        };
        of_tier(tier).or_else(|| of_tier(ServiceTier::Standard)).map(|price| price.per_unit)
    }

    /// Whether the catalogue says that the model has this ability.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.split_ascii_whitespace().any(|name| name == capability.name())
    }

    /// The abilities by name.
    pub fn capabilities(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.capabilities.split_ascii_whitespace()
    }
}

/// `kind[@tier][>thousands k]=femto`, such as `in@priority>272k=20000000000`.
fn parse_price(word: &str) -> Option<Price> {
    let (place, femto) = word.split_once('=')?;
    let (place, above_thousand) = place.split_once('>').unwrap_or((place, "0k"));
    let (kind, tier) = place.split_once('@').unwrap_or((place, ""));
    Some(Price {
        kind: PriceKind::from_name(kind)?,
        tier: ServiceTier::from_name(tier)?,
        above_tokens: above_thousand.strip_suffix('k')?.parse::<u64>().ok()?.checked_mul(1000)?,
        per_unit: UnitPrice::from_femto(femto.parse().ok()?),
    })
}
