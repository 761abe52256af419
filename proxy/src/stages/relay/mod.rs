//! Ninth stage: the answer's bytes on their way to the client. Reads what has to be known, changes only what is ours.
//!
//! The end of the answer is seen here before its last bytes go out, and that is where the call is settled: what a client has
//! whole is on record already. One file per kind of answer.

mod document;
mod media;
mod object;
mod onward;
mod outgoing;
mod own_words;
mod realtime;
mod refusal;
mod same_stream;
mod sealed;
mod tapped_stream;
mod translated_stream;

use std::time::Duration;

use bytes::Bytes;
use deltallm_dialects::{
    canonical::Failure,
    dialect::{Asked, DialectId, client_dialect, vendor_dialect},
};
use deltallm_shared::{
    error::{ApiError, ErrorCode},
    event::Outcome,
    operation::Operation,
};
pub use document::DocumentRelay;
pub use media::MediaRelay;
pub use object::{Naming, ObjectRelay};
pub use onward::{Known, OnwardRelay};
use own_words::OwnWords;
use pingora::http::ResponseHeader;
pub use realtime::RealtimeRelay;
pub use refusal::RefusalRelay;
pub use same_stream::SameStream;
pub use sealed::SealedRelay;
pub use tapped_stream::TappedStream;
pub use translated_stream::TranslatedStream;

use crate::{
    accounting::call_record::CallRecord,
    call::{Call, dialect_of, error_body},
    context::RequestContext,
    providers::Words,
};

/// What happens to an answer.
pub enum Relay {
    /// Events of OpenAI's chat, one by one.
    Same(SameStream),
    /// Events of another dialect that the client speaks too.
    Tapped(TappedStream),
    /// Events of one dialect, told in another.
    Translated(Box<TranslatedStream>),
    /// Sound, pictures, judgements of texts.
    Media(MediaRelay),
    /// A description of something at a provider.
    Object(ObjectRelay),
    /// An answer of a provider's own interface.
    Onward(OnwardRelay),
    /// A conversation over a WebSocket.
    Realtime(RealtimeRelay),
    /// Any other, with names of things at the provider that become ours.
    Sealed(Box<SealedRelay>),
    /// One document, passed on as it comes or told in another dialect at its end.
    Document(DocumentRelay),
    /// An error of the provider, replaced at its end by ours.
    Refusal(RefusalRelay),
}

/// What goes to the client.
#[derive(Debug)]
pub enum Passed {
    /// These bytes.
    Bytes(Bytes),
    /// Nothing was sent yet and nothing of the answer will be: this error in its place.
    Refused(Refused),
}

/// An answer that became an error.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What the client is told.
    pub error: ApiError,
    /// How it is told.
    pub body: Bytes,
    /// What the vendor said; `None` where it was not the vendor's word.
    pub failure: Option<Failure>,
    /// The vendor's status, where it had one of its own.
    pub status: Option<u16>,
    /// How long the vendor wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// How such a call is recorded.
    pub fn outcome(&self) -> Outcome {
        let is_callers = self.failure.as_ref().is_some_and(|failure| failure.class.is_callers());
        if is_callers { Outcome::Refused } else { Outcome::UpstreamError }
    }
}

/// The upstream's answer cannot be followed any further.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RelayError(pub String);

impl From<deltallm_dialects::sse::EventTooLarge> for RelayError {
    fn from(error: deltallm_dialects::sse::EventTooLarge) -> Self {
        Self(error.to_string())
    }
}

impl From<deltallm_dialects::dialect::Unreadable> for RelayError {
    fn from(error: deltallm_dialects::dialect::Unreadable) -> Self {
        Self(error.to_string())
    }
}

impl Relay {
    /// By the header of the upstream's answer.
    pub fn of(header: &ResponseHeader, context: &RequestContext) -> Self {
        let status = header.status.as_u16();
        let words = context.attempt.as_ref().map_or(Words::Same(Operation::ChatCompletions), |attempt| attempt.words);
        // A redirect is an error too: following it would send the credential elsewhere.
        if !header.status.is_success() {
            return Self::Refusal(RefusalRelay::new(header, words, context));
        }
        let Some(call) = &context.call else { return Self::document(status) };
        if let Some(relay) = Self::untold(header, call, context) {
            return relay;
        }
        let media_type = header.headers.get("content-type").map_or(&b""[..], |value| value.as_bytes());
        let is_stream = media_type.starts_with(b"text/event-stream")
            || media_type.starts_with(b"application/vnd.amazon.eventstream");
        let relay = Self::told(words, call, is_stream, status, context);
        match &context.naming {
            Some(naming) if words == Words::Same(Operation::Responses) => {
                Self::Sealed(Box::new(SealedRelay::new(relay, naming.clone(), is_stream)))
            }
            _ => relay,
        }
    }

    /// Of answers that may be told in other words.
    fn told(words: Words, call: &Call, is_stream: bool, status: u16, context: &RequestContext) -> Self {
        let own = OwnWords::of(context);
        match words {
            Words::Same(Operation::ChatCompletions | Operation::Completions) if is_stream => {
                Self::stream(call.index.include_usage, own)
            }
            Words::Same(operation) if is_stream => match dialect_of(operation).and_then(vendor_dialect) {
                Some(dialect) if call.wants_events => Self::Tapped(TappedStream::new(dialect.stream_reader(), own)),
                Some(dialect) => Self::Translated(Box::new(TranslatedStream::new(dialect, call, &asked(context), own))),
                None => Self::document(status),
            },
            Words::Chat(id) if is_stream => match vendor_dialect(id) {
                Some(dialect) => Self::Translated(Box::new(TranslatedStream::new(dialect, call, &asked(context), own))),
                None => Self::document(status),
            },
            words => {
                Self::Document(DocumentRelay::new(words, call, || asked(context), status, upstream_model(context), own))
            }
        }
    }

    /// Of answers that are never told in other words.
    fn untold(header: &ResponseHeader, call: &Call, context: &RequestContext) -> Option<Self> {
        let status = header.status.as_u16();
        let media_type = header.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let words = context.attempt.as_ref().map(|attempt| attempt.words)?;
        match (&context.naming, words) {
            (Some(naming), Words::Same(Operation::Files | Operation::Batches))
                if media_type.starts_with("application/json") =>
            {
                Some(Self::Object(ObjectRelay::new(naming.clone(), status)))
            }
            _ => match context.onward {
                Some(known) => Some(Self::Onward(OnwardRelay::new(known, media_type, status))),
                None if call.operation.is_media() && matches!(words, Words::Same(_)) => {
                    Some(Self::Media(MediaRelay::new(call.operation, media_type, status, OwnWords::of(context))))
                }
                None => None,
            },
        }
    }

    /// For a stream of OpenAI's chat. `show_usage`: the client asked for usage itself.
    fn stream(show_usage: bool, own: OwnWords) -> Self {
        Self::Same(SameStream::new(show_usage, own))
    }

    /// For one document in OpenAI's form.
    fn document(status: u16) -> Self {
        Self::Document(DocumentRelay::as_it_comes(Operation::ChatCompletions, status))
    }

    /// Whether the body's length is not the upstream's.
    pub fn rewrites(&self) -> bool {
        match self {
            Self::Document(document) => document.is_translated(),
            Self::Media(media) => media.is_events(),
            Self::Onward(_) | Self::Realtime(_) => false,
            Self::Sealed(_) => true,
            _ => true,
        }
    }

    /// Whether anything of the answer itself is here. Until then its beginning is held back, and another attempt can take its
    /// place without the client seeing it: a stream until its first content, a document until it is whole or large.
    pub fn has_content(&self) -> bool {
        match self {
            Self::Same(stream) => stream.has_content,
            Self::Tapped(stream) => stream.has_content,
            Self::Translated(stream) => stream.has_content,
            Self::Document(document) => document.is_too_large_to_hold(),
            Self::Sealed(sealed) => sealed.inner.has_content(),
            Self::Media(_) | Self::Object(_) | Self::Onward(_) | Self::Realtime(_) | Self::Refusal(_) => true,
        }
    }

    /// Whether such an answer may have no body.
    pub fn may_be_empty(&self) -> bool {
        matches!(self, Self::Onward(_) | Self::Object(_))
    }

    /// The type of what the client gets, where it is not the upstream's.
    pub fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::Translated(stream) => Some(stream.media_type()),
            Self::Document(document) if document.is_translated() => Some(document.media_type()),
            _ => None,
        }
    }

    /// What ends an answer that broke off, in its own form: a last event in a stream. A document cannot be mended; it stays cut,
    /// so that nobody takes it for whole.
    pub fn last_words(&mut self, error: &ApiError) -> Option<Bytes> {
        match self {
            Self::Same(stream) => Some(stream.own.event(error)),
            Self::Tapped(stream) => Some(stream.own.event(error)),
            Self::Translated(stream) => Some(stream.error(error)),
            Self::Media(media) => media.is_events().then(|| media.own.event(error)),
            Self::Realtime(_) => Some(RealtimeRelay::last_words(error)),
            Self::Sealed(sealed) => sealed.inner.last_words(error),
            Self::Document(_) | Self::Refusal(_) | Self::Object(_) | Self::Onward(_) => None,
        }
    }

    /// What the client is told, where the answer is an error: with what is known of it so far.
    pub fn verdict(&mut self) -> Option<Refused> {
        match self {
            Self::Refusal(refusal) => Some(refusal.verdict()),
            _ => None,
        }
    }

    /// Takes the next bytes of the upstream and returns those for the client. `is_end`: there are no more. `is_begun`: the client
    /// has bytes of this answer already.
    pub fn pass(
        &mut self,
        piece: Bytes,
        is_end: bool,
        is_begun: bool,
        record: &mut CallRecord,
    ) -> Result<Passed, RelayError> {
        // The client has its first byte when there is content.
        if !piece.is_empty() && (record.first_byte_us().is_none() || !self.has_content()) {
            record.first_byte();
        }
        match self {
            Self::Same(stream) => stream.pass(piece, is_end, is_begun, record),
            Self::Tapped(stream) => stream.pass(piece, is_end, is_begun, record),
            Self::Translated(stream) => Ok(stream.pass(&piece, is_end, is_begun, record)),
            Self::Document(document) => document.pass(piece, is_end, record),
            Self::Media(media) => media.pass(piece, is_end, record),
            Self::Object(object) => object.pass(&piece, is_end, record),
            Self::Onward(onward) => Ok(onward.pass(piece, is_end, record)),
            Self::Realtime(realtime) => Ok(realtime.pass(piece, is_end, record)),
            Self::Sealed(sealed) => sealed.pass(piece, is_end, is_begun, record),
            Self::Refusal(refusal) => Ok(refusal.pass(&piece, is_end)),
        }
    }
}

/// What a writer of answers has to know of the call.
fn asked(context: &RequestContext) -> Asked {
    let Some(call) = &context.call else { return Asked::default() };
    // Only this dialect repeats the request in its answer.
    let request = match call.operation {
        Operation::Responses => serde_json::from_slice(&call.body).unwrap_or_default(),
        _ => serde_json::Value::Null,
    };
    Asked {
        model: call.index.model.clone(),
        unique: context
            .record
            .as_ref()
            .map(|record| record.event().event_id.0.simple().to_string())
            .unwrap_or_default(),
        created: context.started_at.0.div_euclid(1_000_000),
        include_usage: call.index.include_usage,
        request,
    }
}

fn upstream_model(context: &RequestContext) -> &str {
    context.deployment().map_or("", |deployment| deployment.upstream_model.as_str())
}

/// The client's dialect of a call; OpenAI's chat where it is no chat.
fn client_of(call: &Call) -> DialectId {
    call.dialect().filter(|id| client_dialect(*id).is_some()).unwrap_or(DialectId::OpenAiChat)
}

/// An error in the place of an answer of which nothing was sent yet.
fn refused(operation: Option<Operation>, error: ApiError, failure: Option<Failure>) -> Passed {
    Passed::Refused(Refused { body: error_body(operation, &error), error, failure, status: None, retry_after: None })
}

/// The upstream broke off, or said something that cannot be read.
fn broken_off(model: &str) -> ApiError {
    ApiError::new(ErrorCode::UpstreamError, format!("The provider of `{model}` broke off its answer. Try again."))
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
