//! Bedrock's Converse API: `POST /model/{model}/converse` and `/converse-stream`. A vendor's dialect only.
//!
//! A stream comes in AWS's own frames: see [`event_stream`]. Which kind an error is stands in a header, so whoever has headers
//! calls [`read_error_of_type`].

mod answer;
mod content;
pub mod event_stream;
mod failure;
mod family;
mod media_format;
mod request;
mod stream;

use deltallm_shared::error::ApiError;
pub use failure::read_error_of_type;

use crate::{
    canonical::{Answer, ChatRequest, Failure, Unsupported},
    dialect::{DialectId, StreamReader, Unreadable, VendorDialect},
};

/// Bedrock's Converse API.
#[derive(Clone, Copy, Debug)]
pub struct BedrockConverse;

impl VendorDialect for BedrockConverse {
    fn id(&self) -> DialectId {
        DialectId::BedrockConverse
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        request::write(request, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::ConverseStreamReader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        read_error_of_type(None, status, body)
    }
}

#[cfg(test)]
mod tests;
