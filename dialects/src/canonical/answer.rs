//! A whole answer.

use deltallm_shared::pricing::Usage;
use serde_json::Value;

use super::Part;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The vendor's id; empty where it gives none: the writer makes one.
    pub id: String,
    /// The vendor's name of the model.
    pub model: String,
    /// Unix seconds, where the vendor says so.
    pub created: Option<i64>,
    /// At least one.
    pub choices: Vec<Choice>,
    /// What it consumed.
    pub usage: Option<Usage>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// OpenAI's `system_fingerprint`.
    pub fingerprint: Option<String>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What the model said, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Option<StopReason>,
    /// OpenAI's `logprobs` of this choice, in OpenAI's form.
    pub logprobs: Option<Value>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It was finished.
    End,
    /// It reached the longest length.
    Length,
    /// The model wants tools to be used.
    ToolCalls,
    /// A stop text came.
    StopSequence(Option<String>),
    /// The vendor's filter cut it.
    ContentFilter,
    /// The model refuses (Anthropic's `refusal`).
    Refusal,
    /// A long turn was paused and can be continued (Anthropic's `pause_turn`).
    Pause,
    /// Prompt and answer fill the context (Anthropic's `model_context_window_exceeded`).
    ContextWindow,
    /// The vendor's word, where it is none of these.
    Other(String),
}

/// What a piece of text is based on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Citation {
    /// Of a page.
    pub url: Option<String>,
    /// Of the page or document.
    pub title: Option<String>,
    /// The words there.
    pub cited_text: Option<String>,
    /// Where it begins in the answer's text, in characters.
    pub start: Option<u64>,
    /// Where it ends.
    pub end: Option<u64>,
    /// As it came, for the dialect that made it.
    pub own: Option<Value>,
}
