//! Google's Gemini API (`generateContent`), in both roles: what Google's SDKs speak to us, and what the Gemini API and Vertex AI
//! speak. Both hosts take the same bodies; they differ in path and credential only.
//!
//! Wire format: "Gemini API reference, Generating content" (ai.google.dev/api/generate-content) and "Vertex AI, Inference API
//! reference". Bodies are protobuf's JSON form: names in camelCase or snake_case, 64-bit numbers also as text, one element also
//! without its list.

pub mod count_tokens;
pub mod embeddings;
pub mod embeddings_client;
pub mod error;
pub mod images;
pub mod signature;

mod answer_reader;
mod answer_writer;
mod call_ids;
mod citations;
mod contents_reader;
mod contents_writer;
mod logprobs;
mod media;
mod object;
mod request_reader;
mod request_writer;
mod schema;
mod stop_reason;
mod stream_reader;
mod stream_writer;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;
mod usage;
mod wire;

use deltallm_shared::error::ApiError;

use crate::{
    canonical::{Answer, ChatRequest, Failure, Unsupported},
    dialect::{Asked, ClientDialect, DialectId, StreamReader, StreamWriter, Unreadable, VendorDialect},
};

/// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
#[derive(Debug)]
pub struct Gemini;

/// Writes a stream as Google does without `alt=sse`: one JSON array, in pieces.
pub fn array_stream_writer(asked: &Asked) -> Box<dyn StreamWriter> {
    Box::new(stream_writer::GeminiStreamWriter::new(asked, stream_writer::Framing::Array))
}

impl ClientDialect for Gemini {
    fn id(&self) -> DialectId {
        DialectId::GeminiGenerate
    }

    fn read_request(&self, body: &[u8], path_model: Option<&str>, path_stream: bool) -> Result<ChatRequest, ApiError> {
        request_reader::read(body, path_model, path_stream)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8> {
        answer_writer::write(answer, asked)
    }

    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::GeminiStreamWriter::new(asked, stream_writer::Framing::Events))
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error::write(error)
    }
}

impl VendorDialect for Gemini {
    fn id(&self) -> DialectId {
        DialectId::GeminiGenerate
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        request_writer::write(request, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        answer_reader::read_whole(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream_reader::GeminiStreamReader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error::read(status, body)
    }
}
