//! What a request asks of the model, whichever vendor's words it uses: all that the mock's answers depend on.

use serde_json::Value;

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// JSON Schema of its arguments; `Null`: it has none.
    pub schema: Value,
}

/// Whether a tool has to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// None may.
    Never,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The form that the answer must have.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON by this schema.
    Schema(Value),
}

/// One request for a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// The vendor's name of the model.
    pub model: String,
    /// Whether the answer is streamed.
    pub is_streamed: bool,
    /// Whether usage was asked for, where that has to be done.
    pub is_usage_asked: bool,
    /// Text of the user's newest turn.
    pub said: String,
    /// Whether nobody has answered that yet.
    pub is_unanswered: bool,
    /// Pictures in the whole conversation.
    pub images: usize,
    /// Documents in the whole conversation.
    pub documents: usize,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// Whether at most one call is wanted.
    pub is_one_call_at_most: bool,
    /// Results of tools since the user's newest turn.
    pub results: Vec<String>,
    /// Form of the answer.
    pub format: Format,
    /// Whether the model is to show what it thinks.
    pub is_reasoning: bool,
    /// Whether parts of the prompt are marked for the vendor's cache.
    pub is_cached: bool,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// The request itself, for answers that repeat parts of it.
    pub request: Value,
}

impl Prompt {
    /// Takes note of what the user says: `results` of tools, or something said. Without an answer between them, two are one.
    pub fn user_turn(&mut self, said: String, results: Vec<String>) {
        if results.is_empty() && self.is_unanswered {
            self.said.push('\n');
            self.said.push_str(&said);
        } else if results.is_empty() {
            self.said = said;
            self.is_unanswered = true;
            self.results.clear();
        } else {
            self.results.extend(results);
        }
    }

    /// Takes note of an answer of the model's.
    pub fn answered(&mut self) {
        self.is_unanswered = false;
    }
}
