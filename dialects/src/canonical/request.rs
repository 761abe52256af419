//! A request for a chat: what all dialects ask, in one form.

use serde_json::{Map, Number, Value};

use super::{Message, PartKind};
use crate::dialect::DialectId;

/// A request for a chat. Numbers keep the text that the client wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The dialect that it was written in.
    pub source: DialectId,
    /// The model: the public name when read, the vendor's name when written.
    pub model: String,
    /// The conversation. System and developer messages stay where they stood.
    pub messages: Vec<Message>,
    /// What the model may use.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may use several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The longest answer, reasoning included.
    pub max_output_tokens: Option<u64>,
    /// As OpenAI counts it, from 0 to 2.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// Sampling from the k best.
    pub top_k: Option<u64>,
    /// As OpenAI has it.
    pub frequency_penalty: Option<Number>,
    /// As OpenAI has it.
    pub presence_penalty: Option<Number>,
    /// For answers that can be repeated.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers (OpenAI's `n`, Gemini's `candidateCount`).
    pub answers: Option<u64>,
    /// Whether log probabilities are wanted.
    pub logprobs: Option<bool>,
    /// How many alternatives of each token.
    pub top_logprobs: Option<u64>,
    /// OpenAI's `logit_bias`.
    pub logit_bias: Option<Map<String, Value>>,
    /// The form of the answer.
    pub output_format: OutputFormat,
    /// Whether and how long to think.
    pub reasoning: Option<Reasoning>,
    /// `text`, `audio`, `image`; empty: the vendor's default.
    pub modalities: Vec<String>,
    /// OpenAI's `audio`: voice and format of a spoken answer.
    pub audio: Option<Value>,
    /// The caller's own customer.
    pub user: Option<String>,
    /// The caller's own notes.
    pub metadata: Option<Map<String, Value>>,
    /// `auto`, `default`, `flex`, `priority` …
    pub service_tier: Option<String>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Whether the client itself asked for usage in the stream.
    pub include_usage: bool,
    /// Fields of the source dialect's published interface that have no place above. A vendor of another dialect cannot have
    /// them: see [`super::Unsupported`].
    pub own: Map<String, Value>,
    /// Fields that the source dialect does not know: the caller means the vendor, so they go there as they are.
    pub extra: Map<String, Value>,
}

impl ChatRequest {
    /// An empty request.
    pub fn new(source: DialectId) -> Self {
        Self {
            source,
            model: String::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            max_output_tokens: None,
            temperature: None,
            top_p: None,
            top_k: None,
            frequency_penalty: None,
            presence_penalty: None,
            seed: None,
            stop: Vec::new(),
            answers: None,
            logprobs: None,
            top_logprobs: None,
            logit_bias: None,
            output_format: OutputFormat::Text,
            reasoning: None,
            modalities: Vec::new(),
            audio: None,
            user: None,
            metadata: None,
            service_tier: None,
            stream: false,
            include_usage: false,
            own: Map::new(),
            extra: Map::new(),
        }
    }

    /// The name of the tool that a call used; for dialects whose results say the name and not the call.
    pub fn tool_name(&self, call_id: &str) -> Option<&str> {
        let parts = self.messages.iter().rev().flat_map(|message| &message.parts);
        parts.into_iter().find_map(|part| match &part.kind {
            PartKind::ToolCall { id, name, .. } if id == call_id => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Something that the model may use.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the caller's.
    Function {
        /// Its name.
        name: String,
        /// When to use it.
        description: Option<String>,
        /// JSON Schema of its arguments; `None`: it has none.
        parameters: Option<Value>,
        /// Whether arguments must follow the schema exactly.
        strict: Option<bool>,
        /// See [`super::CacheMark`].
        cache: Option<super::CacheMark>,
    },
    /// A tool of the vendor's own (`web_search`, `computer_use` …): only vendors of the same dialect have it.
    Own {
        /// Its `type`.
        name: String,
        /// As it came.
        value: Value,
    },
}

/// Whether a tool must be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
    /// One of these (OpenAI's `allowed_tools`, Gemini's `allowedFunctionNames`).
    Among {
        /// Their names.
        names: Vec<String>,
        /// Whether one must be used.
        required: bool,
    },
}

/// The form of the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OutputFormat {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// OpenAI wants one; dialects without give `answer`.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Value,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
    },
}

/// Whether and how long to think.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// OpenAI's `reasoning_effort`, Anthropic's `output_config.effort`, Gemini's `thinkingLevel`.
    pub effort: Option<Effort>,
    /// Anthropic's `budget_tokens`, Gemini's `thinkingBudget`. See [`Effort::budget_tokens`] for the translation.
    pub budget_tokens: Option<u64>,
    /// The model decides how long (Anthropic's `adaptive`, Gemini's budget of -1).
    pub is_adaptive: bool,
    /// Whether the thoughts shall be shown; `None`: the vendor's default.
    pub show: Option<bool>,
    /// OpenAI's `reasoning.summary`: `auto`, `concise`, `detailed`.
    pub summary: Option<String>,
}

/// How much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Usual.
    Medium,
    /// Much.
    High,
    /// As much as possible.
    Max,
}

impl Effort {
    /// By OpenAI's names; `xhigh` and `max` are the same.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" | "max" => Self::Max,
            _ => return None,
        })
    }

    /// OpenAI's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Max => "xhigh",
        }
    }

    /// The budget for vendors that want tokens. The steps are the ones that LiteLLM's users know, so that moving changes nothing.
    pub fn budget_tokens(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 128,
            Self::Low => 1024,
            Self::Medium => 2048,
            Self::High => 4096,
            Self::Max => 16_384,
        }
    }

    /// The effort that is nearest to a budget, for vendors that want a word.
    pub fn of_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=512 => Self::Minimal,
            513..=1535 => Self::Low,
            1536..=3071 => Self::Medium,
            3072..=10_239 => Self::High,
            _ => Self::Max,
        }
    }
}
