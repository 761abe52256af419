//! Cohere's own chat: `POST /v2/chat`. A vendor's dialect only.

mod answer;
pub(crate) mod failure;
mod request;
mod stream;
pub(crate) mod usage;

use deltallm_shared::error::ApiError;

use crate::{
    canonical::{Answer, ChatRequest, Failure, Unsupported},
    dialect::{DialectId, StreamReader, Unreadable, VendorDialect},
};

/// Cohere's own chat.
#[derive(Clone, Copy, Debug)]
pub struct CohereChat;

impl VendorDialect for CohereChat {
    fn id(&self) -> DialectId {
        DialectId::CohereChat
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        request::write(request, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::CohereStreamReader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        failure::read_error(status, body)
    }
}

#[cfg(test)]
mod tests;
