//! Anthropic's Messages API (`POST /v1/messages`), as clients speak it and as Anthropic itself does.
//!
//! Sources: Anthropic's API reference ("Create a Message", "Count tokens", "Errors") and its guides on streaming, extended and
//! adaptive thinking, structured outputs, prompt caching and vision, version `2023-06-01` of the API.

mod answer_reader;
mod answer_writer;
mod block;
mod blocks_reader;
mod blocks_writer;
mod citations;
pub mod count_tokens;
mod error;
pub mod image_size;
mod json_object;
mod model_traits;
mod reasoning;
mod request_reader;
mod request_writer;
mod stop_reason;
mod stream_reader;
mod stream_writer;
#[cfg(test)]
mod tests;
mod usage;

use deltallm_shared::{error::ApiError, pricing::Usage};

pub use self::reasoning::DEFAULT_MAX_TOKENS;
// Claude behind Bedrock's Converse takes the same.
pub(crate) use self::{model_traits::traits_of, reasoning::plan, request_writer::Sampling};
use crate::{
    canonical::{Answer, ChatRequest, Failure, PartKind, Source, Unsupported},
    dialect::{Asked, ClientDialect, DialectId, StreamReader, StreamWriter, Unreadable, VendorDialect},
};

/// The Messages API.
#[derive(Clone, Copy, Debug)]
pub struct AnthropicMessages;

impl ClientDialect for AnthropicMessages {
    fn id(&self) -> DialectId {
        DialectId::AnthropicMessages
    }

    fn read_request(&self, body: &[u8], path_model: Option<&str>, _: bool) -> Result<ChatRequest, ApiError> {
        request_reader::read(body, path_model, false)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8> {
        answer_writer::write(answer, asked)
    }

    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::MessagesWriter::new(asked))
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error::write(error)
    }
}

impl VendorDialect for AnthropicMessages {
    fn id(&self) -> DialectId {
        DialectId::AnthropicMessages
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        request_writer::write(request, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        answer_reader::read(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream_reader::MessagesReader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error::read(status, body)
    }
}

/// What a whole answer consumed, without reading the rest of it: for answers that pass through.
pub fn usage_of_answer(body: &[u8]) -> Option<Usage> {
    answer_reader::usage_of(body)
}

/// What has to stand in the header `anthropic-beta` for a request that was written from another dialect.
pub fn beta_headers(request: &ChatRequest) -> Vec<&'static str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let has_files = parts.into_iter().any(|part| {
        matches!(
            part.kind,
            PartKind::Image { source: Source::File { .. }, .. }
                | PartKind::Document { source: Source::File { .. }, .. }
        )
    });
    if has_files { vec!["files-api-2025-04-14"] } else { Vec::new() }
}
