//! What every vendor's protocol has to say of itself, and the list of those that the mock speaks.

use bytes::Bytes;
use hyper::Method;
use hyper::http::request::Parts;
use serde_json::Value;

use super::options::MockOptions;
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::reply::Reply;
use super::{
    anthropic, azure, bedrock, cohere, gemini, mistral, openai, openai_embeddings, openai_responses, tokens, vertex,
};

/// Every protocol. The first that knows a path answers it.
pub static VENDORS: &[&dyn Vendor] = &[
    &openai::Chat,
    &openai::Completions,
    &openai_embeddings::Embeddings,
    &openai::Models,
    &openai_responses::Responses,
    &azure::Azure,
    &mistral::Mistral,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &vertex::Vertex,
    &bedrock::Bedrock,
    &cohere::Cohere,
    &tokens::GoogleTokens,
    &tokens::EntraTokens,
];

/// A request as it came.
#[derive(Clone, Copy)]
pub struct Called<'a> {
    /// Method, address, headers.
    pub parts: &'a Parts,
    /// The path, decoded.
    pub path: &'a str,
    /// The whole body.
    pub body: &'a Bytes,
}

impl Called<'_> {
    /// Whether it is a POST to one of `paths`.
    pub fn posts_to(&self, paths: &[&str]) -> bool {
        self.parts.method == Method::POST && paths.contains(&self.path)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").filter(|token| !token.is_empty())
    }

    /// A parameter of the query, as it stands there.
    pub fn query(&self, name: &str) -> Option<&str> {
        let query = self.parts.uri.query().unwrap_or_default();
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The body as a JSON object.
    pub fn json(&self) -> Result<Value, Refusal> {
        match serde_json::from_slice(self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(Refusal::bad("The body is not a JSON object.")),
            Err(error) => Err(Refusal::bad(format!("The body is not JSON: {error}"))),
        }
    }
}

/// Makes a body, by the options and the number of the request.
pub type MakeBody = Box<dyn FnOnce(&MockOptions, u64) -> Vec<u8> + Send>;

/// What a vendor understood.
pub enum Task {
    /// A chat.
    Chat(Box<Prompt>),
    /// Anything that is answered at once.
    Plain {
        /// The vendor's name of the model.
        model: String,
        /// Makes the body; gets the number of the request.
        make: MakeBody,
    },
}

impl Task {
    /// An answer that depends on nothing.
    pub fn fixed(model: &str, body: Value) -> Self {
        let make = Box::new(move |_: &MockOptions, _| body.to_string().into_bytes());
        Self::Plain { model: model.to_owned(), make }
    }

    /// The vendor's name of the model.
    pub fn model(&self) -> &str {
        match self {
            Self::Chat(prompt) => &prompt.model,
            Self::Plain { model, .. } => model,
        }
    }
}

/// A piece of a streamed answer.
pub struct Frame {
    /// What is sent.
    pub bytes: Bytes,
    /// Whether the ledger counts it as a chunk.
    pub is_content: bool,
}

impl Frame {
    /// What the model says, thinks or calls.
    pub fn content(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_content: true }
    }

    /// What stands around it.
    pub fn other(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_content: false }
    }
}

/// The pieces of a streamed answer in order.
pub type Frames = Box<dyn Iterator<Item = Frame> + Send>;

/// An error answer in a vendor's own words.
pub struct ErrorBody {
    /// The body.
    pub body: Vec<u8>,
    /// Headers that belong to it.
    pub headers: Vec<(&'static str, String)>,
}

impl ErrorBody {
    /// Without headers of its own.
    pub fn json(body: Value) -> Self {
        Self { body: body.to_string().into_bytes(), headers: Vec::new() }
    }
}

/// One protocol.
pub trait Vendor: Sync {
    /// What is asked; `None`: this path belongs to somebody else. Refuses what the vendor refuses.
    fn read(&self, called: &Called<'_>) -> Option<Result<Task, Refusal>>;

    /// A chat's answer as a whole.
    fn whole(&self, reply: &Reply) -> Vec<u8>;

    /// A chat's answer in pieces.
    fn frames(&self, reply: Reply) -> Frames;

    /// The piece with which a stream says that it went wrong.
    fn stream_fault(&self) -> Bytes;

    /// An error.
    fn error(&self, refusal: &Refusal) -> ErrorBody;

    /// `content-type` of a stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// Headers of every good answer.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// An event of a stream that names no type.
pub fn data_event(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// An event of a stream whose data carries its type as well.
pub fn named_event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
