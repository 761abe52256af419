//! OpenAI's Responses API, `POST /v1/responses`: what the newer SDKs and agents speak.
//!
//! As a client dialect it is offered for every vendor. What needs a provider with a memory ([`needs_state`]) is passed through
//! to one and never comes here. [`tap`] listens to what passes through. As a vendor dialect it serves models that have no other
//! interface.

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
mod vendor_answer;
mod vendor_input;
mod vendor_parts;
mod vendor_request;
mod vendor_stream;

use deltallm_shared::error::ApiError;
pub use state::{needs_state, read_index};

use super::error_reader;
use crate::canonical::{Answer, ChatRequest, Failure, Unsupported};
use crate::dialect::{Asked, ClientDialect, DialectId, StreamReader, StreamWriter, Unreadable, VendorDialect};

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

impl VendorDialect for OpenAiResponses {
    fn id(&self) -> DialectId {
        DialectId::OpenAiResponses
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        vendor_request::write(request, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        vendor_answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(vendor_stream::Reader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error_reader::read(status, body)
    }
}

#[cfg(test)]
mod tests;
