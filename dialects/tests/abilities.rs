//! What each dialect that can be read and written carries without loss, so that requests can be made up for it and for every
//! pair: what both of a pair know must arrive.

use std::collections::BTreeSet;

use deltallm_dialects::dialect::DialectId;

/// Something that a dialect has words for. Text, tools, tool choice, temperature, `top_p` and the longest answer are in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Can {
    /// Role `developer` apart from `system`.
    Developer,
    /// Names of speakers.
    Names,
    /// Ids of tool calls, as they were given.
    CallIds,
    /// Tool results that are failures.
    FailedResults,
    /// Pictures and documents in tool results.
    MediaResults,
    /// Pictures by URL.
    ImageUrl,
    /// Pictures in base64.
    ImageData,
    /// `detail` of a picture.
    ImageDetail,
    /// Sound in base64.
    AudioData,
    /// Documents in base64.
    DocumentData,
    /// Titles of documents.
    DocumentTitle,
    /// Marks for the prompt cache on parts.
    CacheMarks,
    /// Thoughts with signatures in the model's messages.
    SignedReasoning,
    /// Thoughts that only the vendor can read.
    EncryptedReasoning,
    /// Signatures on tool calls.
    CallSignatures,
    /// Refusals in the model's messages.
    Refusals,
    /// `strict` of tools.
    StrictTools,
    /// Tools without a schema.
    ToolsWithoutSchema,
    /// A choice among several tools.
    ToolsAmong,
    /// Whether tools may be used at once.
    ParallelTools,
    /// `top_k`
    TopK,
    /// Frequency and presence penalties.
    Penalties,
    /// `seed`
    Seed,
    /// Texts that end the answer.
    Stop,
    /// Several answers.
    Answers,
    /// Log probabilities.
    Logprobs,
    /// `logit_bias`
    LogitBias,
    /// Any JSON.
    JsonObject,
    /// JSON by a schema.
    JsonSchema,
    /// Name, description and `strict` of that schema.
    SchemaName,
    /// Effort of reasoning as a word.
    Effort,
    /// Effort of reasoning as tokens.
    Budget,
    /// Modalities and voice of the answer.
    SpokenAnswers,
    /// The caller's customer.
    User,
    /// Notes.
    Metadata,
    /// Tiers.
    ServiceTier,
}

/// What this dialect knows; `None` where it is not both read and written.
pub fn of(dialect: DialectId) -> Option<BTreeSet<Can>> {
    let list: &[Can] = match dialect {
        DialectId::OpenAiChat => &OPENAI_CHAT,
        DialectId::OpenAiResponses => &OPENAI_RESPONSES,
        DialectId::AnthropicMessages => &ANTHROPIC_MESSAGES,
        DialectId::GeminiGenerate => &GEMINI_GENERATE,
        _ => return None,
    };
    Some(list.iter().copied().collect())
}

/// What the chat interface carries between clients and servers that go beyond OpenAI's own.
pub fn of_gateway() -> BTreeSet<Can> {
    OPENAI_CHAT.into_iter().chain(BEYOND_OPENAI).collect()
}

const BEYOND_OPENAI: [Can; 5] =
    [Can::CacheMarks, Can::SignedReasoning, Can::EncryptedReasoning, Can::TopK, Can::CallSignatures];

const OPENAI_CHAT: [Can; 28] = [
    Can::Developer,
    Can::Names,
    Can::CallIds,
    Can::ImageUrl,
    Can::ImageData,
    Can::ImageDetail,
    Can::AudioData,
    Can::DocumentData,
    Can::DocumentTitle,
    Can::Refusals,
    Can::StrictTools,
    Can::ToolsWithoutSchema,
    Can::ToolsAmong,
    Can::ParallelTools,
    Can::Penalties,
    Can::Seed,
    Can::Stop,
    Can::Answers,
    Can::Logprobs,
    Can::LogitBias,
    Can::JsonObject,
    Can::JsonSchema,
    Can::SchemaName,
    Can::Effort,
    Can::SpokenAnswers,
    Can::User,
    Can::Metadata,
    Can::ServiceTier,
];

const OPENAI_RESPONSES: [Can; 20] = [
    Can::Developer,
    Can::CallIds,
    Can::MediaResults,
    Can::ImageUrl,
    Can::ImageData,
    Can::ImageDetail,
    Can::AudioData,
    Can::EncryptedReasoning,
    Can::Refusals,
    Can::StrictTools,
    Can::ToolsAmong,
    Can::ParallelTools,
    Can::Logprobs,
    Can::JsonObject,
    Can::JsonSchema,
    Can::SchemaName,
    Can::Effort,
    Can::User,
    Can::Metadata,
    Can::ServiceTier,
];

/// Not in it: budgets and efforts, for who thinks chooses no temperature; notes beside the user's id; tiers of other names.
const ANTHROPIC_MESSAGES: [Can; 16] = [
    Can::CallIds,
    Can::FailedResults,
    Can::MediaResults,
    Can::ImageUrl,
    Can::ImageData,
    Can::DocumentData,
    Can::DocumentTitle,
    Can::CacheMarks,
    Can::SignedReasoning,
    Can::EncryptedReasoning,
    Can::StrictTools,
    Can::ParallelTools,
    Can::TopK,
    Can::Stop,
    Can::JsonSchema,
    Can::User,
];

/// Not here: `SignedReasoning`, because another vendor's signature never goes to Google; `Effort` and `Budget`, which depend on
/// the model; `ToolsAmong`, where one of one is the same as that one.
const GEMINI_GENERATE: [Can; 17] = [
    Can::CallIds,
    Can::FailedResults,
    Can::ImageUrl,
    Can::ImageData,
    Can::AudioData,
    Can::DocumentData,
    Can::CallSignatures,
    Can::ToolsWithoutSchema,
    Can::TopK,
    Can::Penalties,
    Can::Seed,
    Can::Stop,
    Can::Answers,
    Can::Logprobs,
    Can::JsonObject,
    Can::JsonSchema,
    Can::ServiceTier,
];
