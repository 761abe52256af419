//! `output` of a response: its items, and how the parts of an answer become items. Text and refusals that follow one another
//! are the contents of one message; everything else is an item of its own.

use serde::Serialize;
use serde_json::{Value, json};

use super::sealed::Sealed;
use crate::canonical::{Citation, Part, PartKind, Source};

/// One item, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    /// What the model says.
    Message { id: String, status: Status, role: &'static str, content: Vec<Content> },
    /// What it thought.
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    /// A call of one of the client's functions.
    FunctionCall { id: String, status: Status, call_id: String, name: String, arguments: String },
    /// A picture that the model made.
    ImageGenerationCall { id: String, status: Status, result: String },
    /// An item that the vendor wrote in this dialect.
    #[serde(untagged)]
    Own(Value),
}

/// How far an item or a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    OutputText { text: String, annotations: Vec<Value>, logprobs: Vec<Value> },
    Refusal { refusal: String },
}

impl Content {
    /// Text without anything.
    pub fn empty_text() -> Self {
        Self::OutputText { text: String::new(), annotations: Vec::new(), logprobs: Vec::new() }
    }
}

/// A piece of the thoughts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub(super) struct Summary {
    pub text: String,
}

impl Item {
    /// Says how far it is, where the item says that at all.
    pub fn set_status(&mut self, to: Status) {
        match self {
            Self::Message { status, .. }
            | Self::FunctionCall { status, .. }
            | Self::ImageGenerationCall { status, .. } => *status = to,
            Self::Reasoning { .. } | Self::Own(_) => {}
        }
    }
}

/// The items of one response, the last of which may still grow.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Makes ids unique.
    unique: String,
    /// In the order in which they began.
    pub items: Vec<Item>,
}

impl Output {
    /// Without items. `unique`: see `Asked`.
    pub fn new(unique: &str) -> Self {
        Self { unique: unique.to_owned(), items: Vec::new() }
    }

    /// Whether the last item is a message.
    pub fn ends_with_message(&self) -> bool {
        matches!(self.items.last(), Some(Item::Message { .. }))
    }

    /// The contents of the last item, where it is a message.
    pub fn contents(&mut self) -> Option<&mut Vec<Content>> {
        match self.items.last_mut() {
            Some(Item::Message { content, .. }) => Some(content),
            _ => None,
        }
    }

    /// Begins a message.
    pub fn push_message(&mut self) {
        let id = self.id("msg");
        self.items.push(Item::Message { id, status: Status::InProgress, role: "assistant", content: Vec::new() });
    }

    /// Adds thoughts.
    pub fn push_reasoning(&mut self, text: &str, sealed: &Sealed) {
        let id = self.id("rs");
        let summary = if text.is_empty() { Vec::new() } else { vec![Summary { text: text.to_owned() }] };
        self.items.push(Item::Reasoning { id, summary, encrypted_content: sealed.to_text() });
    }

    /// Begins a call. Where the vendor wants a signature of the call back, thoughts that hold it come first: clients send them
    /// back together.
    pub fn push_call(&mut self, call_id: &str, name: &str, arguments: &str, signature: Option<&str>) {
        let call_id = if call_id.is_empty() { self.id("call") } else { call_id.to_owned() };
        if let Some(signature) = signature {
            self.push_call_signature(&call_id, signature);
        }
        let (id, name) = (self.id("fc"), name.to_owned());
        let arguments = arguments.to_owned();
        self.items.push(Item::FunctionCall { id, status: Status::InProgress, call_id, name, arguments });
    }

    /// Adds thoughts without words, which hold the signature of a call.
    pub fn push_call_signature(&mut self, call_id: &str, signature: &str) {
        let (signature, call) = (Some(signature.to_owned()), Some(call_id.to_owned()));
        self.push_reasoning("", &Sealed { signature, encrypted: None, call });
    }

    /// Adds a part that comes whole; what has no place in this dialect is left out.
    pub fn push_whole(&mut self, part: &Part) {
        match &part.kind {
            PartKind::Image { source: Source::Data { data, .. }, .. } => {
                let (id, result) = (self.id("ig"), data.clone());
                self.items.push(Item::ImageGenerationCall { id, status: Status::InProgress, result });
            }
            PartKind::Own { name, value } if is_item(name, value) => self.items.push(Item::Own(value.clone())),
            _ => {}
        }
    }

    /// Adds a whole part of any kind.
    pub fn push(&mut self, part: &Part) {
        let content = match &part.kind {
            PartKind::Text { text, citations } => Content::OutputText {
                text: text.clone(),
                annotations: annotations(citations, text),
                logprobs: Vec::new(),
            },
            PartKind::Refusal { text } => Content::Refusal { refusal: text.clone() },
            PartKind::Reasoning { text, signature, encrypted } => {
                let sealed = Sealed { signature: signature.clone(), encrypted: encrypted.clone(), call: None };
                return self.push_reasoning(text, &sealed);
            }
            PartKind::ToolCall { id, name, arguments, signature } => {
                let arguments = if arguments.is_empty() { "{}" } else { arguments };
                return self.push_call(id, name, arguments, signature.as_deref());
            }
            _ => return self.push_whole(part),
        };
        if content == Content::empty_text() {
            return;
        }
        if !self.ends_with_message() {
            self.push_message();
        }
        if let Some(contents) = self.contents() {
            contents.push(content);
        }
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}{:02x}", self.unique, self.items.len())
    }
}

/// Whether something of a vendor's own is an item of this dialect: a hosted tool's call, a call of a custom tool.
fn is_item(name: &str, value: &Value) -> bool {
    let is_call = name.ends_with("_call") || name.starts_with("mcp_") || name.ends_with("_call_output");
    is_call && value.get("type").and_then(Value::as_str) == Some(name) && value.get("id").is_some_and(Value::is_string)
}

/// Citations as annotations of `text`.
pub(super) fn annotations(citations: &[Citation], text: &str) -> Vec<Value> {
    citations.iter().map(|citation| annotation(citation, text)).collect()
}

fn annotation(citation: &Citation, text: &str) -> Value {
    const KINDS: [&str; 4] = ["url_citation", "file_citation", "container_file_citation", "file_path"];
    let is_ours = |own: &&Value| {
        let kind = own.get("type").and_then(Value::as_str).filter(|kind| KINDS.contains(kind));
        // Chat completions have the same name, and a nested form.
        kind.is_some_and(|kind| own.get(kind).is_none())
    };
    if let Some(own) = citation.own.as_ref().filter(is_ours) {
        return own.clone();
    }
    let title = citation.title.as_deref().unwrap_or_default();
    // Vendors that do not say which words cite the whole part.
    let start = citation.start.unwrap_or(0);
    let end = citation.end.unwrap_or_else(|| text.chars().count() as u64);
    match &citation.url {
        Some(url) => {
            json!({"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end})
        }
        None => json!({"type": "file_citation", "file_id": "", "filename": title, "index": end}),
    }
}
