//! The two sides of a translation as traits, and the lists of who implements them.

use bytes::BytesMut;
use deltallm_shared::error::ApiError;
use serde_json::Value;

use crate::{
    anthropic::AnthropicMessages,
    bedrock::BedrockConverse,
    canonical::{Answer, ChatRequest, Event, Failure, Unsupported},
    cohere::CohereChat,
    gemini::Gemini,
    openai::{
        chat::{ChatClient, ChatVendor, quirks::OPENAI},
        completions::CompletionsClient,
        responses::OpenAiResponses,
    },
};

/// A wire format for chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialectId {
    /// `POST /v1/chat/completions`
    OpenAiChat,
    /// `POST /v1/completions`
    OpenAiCompletions,
    /// `POST /v1/responses`
    OpenAiResponses,
    /// `POST /v1/messages`
    AnthropicMessages,
    /// `POST /v1beta/models/{model}:generateContent`
    GeminiGenerate,
    /// `POST /model/{model}/converse`
    BedrockConverse,
    /// `POST /v2/chat`
    CohereChat,
}

impl DialectId {
    /// Every dialect.
    pub const ALL: [Self; 7] = [
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiResponses,
        Self::AnthropicMessages,
        Self::GeminiGenerate,
        Self::BedrockConverse,
        Self::CohereChat,
    ];

    /// Its name in golden files, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiCompletions => "openai_completions",
            Self::OpenAiResponses => "openai_responses",
            Self::AnthropicMessages => "anthropic_messages",
            Self::GeminiGenerate => "gemini_generate",
            Self::BedrockConverse => "bedrock_converse",
            Self::CohereChat => "cohere_chat",
        }
    }
}

/// What clients speak. A newcomer has an entry here, and `tests/contract.rs` names what it lacks.
pub static CLIENT_DIALECTS: &[&dyn ClientDialect] =
    &[&ChatClient, &CompletionsClient, &OpenAiResponses, &AnthropicMessages, &Gemini];

/// What vendors speak.
pub static VENDOR_DIALECTS: &[&dyn VendorDialect] =
    &[&ChatVendor(&OPENAI), &OpenAiResponses, &AnthropicMessages, &Gemini, &BedrockConverse, &CohereChat];

/// The client dialect of this id.
pub fn client_dialect(id: DialectId) -> Option<&'static dyn ClientDialect> {
    CLIENT_DIALECTS.iter().copied().find(|dialect| dialect.id() == id)
}

/// The vendor dialect of this id.
pub fn vendor_dialect(id: DialectId) -> Option<&'static dyn VendorDialect> {
    VENDOR_DIALECTS.iter().copied().find(|dialect| dialect.id() == id)
}

/// What a client speaks: reads requests, writes answers.
pub trait ClientDialect: Sync {
    /// Its name.
    fn id(&self) -> DialectId;

    /// Reads a body. `path_model`: the model, where it stands in the path (Gemini, Azure); else it stands in the body.
    /// `path_stream`: whether the path asks for a stream (Gemini's `:streamGenerateContent`).
    /// Errors name the field at fault as a path: `messages[0].role`.
    fn read_request(&self, body: &[u8], path_model: Option<&str>, path_stream: bool) -> Result<ChatRequest, ApiError>;

    /// Writes a whole answer.
    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8>;

    /// Writes an answer in pieces.
    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter>;

    /// The body of an error, in the dialect's own envelope.
    fn write_error(&self, error: &ApiError) -> Vec<u8>;
}

/// What a writer has to know of the request that it answers.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The public name of the model.
    pub model: String,
    /// Unique for the call: for ids that the vendor did not give. Lower-case hexadecimal.
    pub unique: String,
    /// The time of the answer, in Unix seconds, where the vendor does not say.
    pub created: i64,
    /// Whether the client itself asked for usage in the stream.
    pub include_usage: bool,
    /// The request's body, for dialects whose answers repeat parts of it (Responses). `Null` for the others.
    pub request: Value,
}

/// Writes the events of one stream. `out` gets whole frames of the wire format.
pub trait StreamWriter: Send + Sync {
    /// Writes one piece; an [`Event::Error`] is told in words that were made by [`StreamWriter::error`]'s caller, so a writer
    /// ignores it here.
    fn write(&mut self, event: &Event, out: &mut BytesMut);

    /// Ends the stream with an error, in the dialect's own form. Nothing follows.
    fn error(&mut self, error: &ApiError, out: &mut BytesMut);
}

/// What a vendor speaks: writes requests, reads answers.
pub trait VendorDialect: Sync {
    /// Its name.
    fn id(&self) -> DialectId;

    /// Writes the body for a vendor; `request.model` is the vendor's own name already. What the vendor cannot do goes through
    /// `unsupported`.
    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError>;

    /// Reads a whole answer.
    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable>;

    /// Reads an answer in pieces.
    fn stream_reader(&self) -> Box<dyn StreamReader>;

    /// Reads the body of an error answer: any bytes, HTML of a load balancer included.
    fn read_error(&self, status: u16, body: &[u8]) -> Failure;
}

/// Reads the bytes of one stream, cut in any way.
pub trait StreamReader: Send + Sync {
    /// Takes the next bytes and adds the events that are whole to `events`.
    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), Unreadable>;

    /// There are no more bytes. Adds what is left: ends of open parts, and `End` unless it was there or the stream broke off
    /// before the vendor's own end, in which case it returns an error.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Unreadable>;
}

/// The vendor's bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vendor's answer cannot be read: {0}")]
pub struct Unreadable(pub String);

impl Unreadable {
    /// With a reason for the log.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
