//! Messages and their parts, in requests and in answers.

use serde_json::{Map, Value};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator of the application. Dialects with one system prompt get these joined, in their order.
    System,
    /// OpenAI's newer name for the same; where a vendor does not know it, it is the system.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The results of tools. Where a vendor has no such role, its parts stand in a user message.
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// OpenAI's `name`.
    pub name: Option<String>,
    /// Fields that only the dialect of the request knows.
    pub own: Map<String, Value>,
}

impl Message {
    /// A message without name and own fields.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None, own: Map::new() }
    }

    /// The text parts, joined.
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(|part| part.kind.as_text()).collect()
    }
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Where the vendor should end a piece of its prompt cache.
    pub cache: Option<CacheMark>,
}

impl From<PartKind> for Part {
    fn from(kind: PartKind) -> Self {
        Self { kind, cache: None }
    }
}

impl Part {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        PartKind::Text { text: text.into(), citations: Vec::new() }.into()
    }
}

/// Anthropic's `cache_control`, Bedrock's `cachePoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheMark {
    /// `5m`, `1h`; `None`: the vendor's default.
    pub ttl: Option<String>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum PartKind {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What it is based on; in answers.
        citations: Vec<super::Citation>,
    },
    /// A picture.
    Image {
        /// Where it is.
        source: Source,
        /// OpenAI's `detail`.
        detail: Option<String>,
    },
    /// A sound.
    Audio {
        /// Where it is.
        source: Source,
    },
    /// A film.
    Video {
        /// Where it is.
        source: Source,
    },
    /// A document: PDF, text.
    Document {
        /// Where it is.
        source: Source,
        /// Its file name or title.
        title: Option<String>,
        /// Whether answers shall cite it.
        citations: bool,
    },
    /// The model wants a tool to be used.
    ToolCall {
        /// Made by the vendor; by us where it makes none.
        id: String,
        /// The tool.
        name: String,
        /// A JSON object as text, exactly as the model wrote it. An empty text is an empty object.
        arguments: String,
        /// Gemini's `thoughtSignature`, which it wants back.
        signature: Option<String>,
    },
    /// What a tool gave.
    ToolResult {
        /// Of the call.
        call_id: String,
        /// The tool, where the dialect says it (Gemini does, others don't); see `ChatRequest::tool_name`.
        name: Option<String>,
        /// The result: text, images, documents.
        parts: Vec<Part>,
        /// Whether the tool failed.
        is_error: bool,
    },
    /// What the model thought.
    Reasoning {
        /// The text, or its summary; may be empty.
        text: String,
        /// What proves to the vendor that it is its own: Anthropic's `signature`, Gemini's `thoughtSignature`.
        signature: Option<String>,
        /// What only the vendor can read: Anthropic's `redacted_thinking`, OpenAI's `encrypted_content`.
        encrypted: Option<String>,
    },
    /// The model's own words for why it does not answer.
    Refusal {
        /// The text.
        text: String,
    },
    /// Something that only the dialect of the request knows; vendors of other dialects refuse it.
    Own {
        /// Its `type`.
        name: String,
        /// As it came.
        value: Value,
    },
}

impl PartKind {
    /// Text, where it is that.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// Where the bytes of a picture, sound or document are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The vendor fetches it.
    Url {
        /// `https://…`, `gs://…`, `s3://…`
        url: String,
        /// Its type, where it is said.
        media_type: Option<String>,
    },
    /// Base64.
    Data {
        /// `image/png`, `application/pdf`, `audio/wav` …
        media_type: String,
        /// Standard base64, as it came.
        data: String,
    },
    /// Plain text of a document.
    Text {
        /// The text.
        text: String,
    },
    /// A file that lies at the vendor.
    File {
        /// Its id there.
        id: String,
    },
}

impl Source {
    /// A URL, which may be a `data:` URL with base64.
    pub fn of_url(url: &str) -> Self {
        let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
        match inline.and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data))) {
            Some((media_type, data)) => Self::Data { media_type: media_type.to_owned(), data: data.to_owned() },
            None => Self::Url { url: url.to_owned(), media_type: None },
        }
    }

    /// As a URL; data becomes a `data:` URL. `None` for a file and for plain text.
    pub fn to_url(&self) -> Option<String> {
        match self {
            Self::Url { url, .. } => Some(url.clone()),
            Self::Data { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
            Self::Text { .. } | Self::File { .. } => None,
        }
    }
}
