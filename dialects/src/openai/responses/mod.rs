//! OpenAI's Responses API, `POST /v1/responses`: what the newer SDKs and agents speak.
//!
//! As a client dialect it is offered for every vendor. What needs a provider with a memory ([`needs_state`]) is passed through
//! to one and never comes here. [`tap`] listens to what passes through.

mod answer;
mod fields;
mod output;
mod request;
mod request_input;
mod request_tools;
mod response_object;
mod sealed;
mod state;
mod stream_events;
mod stream_writer;
pub mod tap;
mod usage;

use deltallm_shared::error::ApiError;
pub use state::{needs_state, read_index};

use crate::canonical::{Answer, ChatRequest};
use crate::dialect::{Asked, ClientDialect, DialectId, StreamWriter};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiResponses;

impl ClientDialect for OpenAiResponses {
    fn id(&self) -> DialectId {
        DialectId::OpenAiResponses
    }

    fn read_request(&self, body: &[u8], path_model: Option<&str>, path_stream: bool) -> Result<ChatRequest, ApiError> {
        let mut request = request::read(body, path_model)?;
        request.stream |= path_stream;
        Ok(request)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8> {
        answer::write(answer, asked)
    }

    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::Writer::new(asked))
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error.to_json().into_bytes()
    }
}
