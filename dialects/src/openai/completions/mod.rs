//! `POST /v1/completions`, OpenAI's older interface, from the side of clients. Vendors that have it get its bytes as they are;
//! for those that only chat, the prompt becomes a message of the user.

mod answer_writer;
mod request_reader;
mod stream_writer;

use deltallm_shared::error::ApiError;

use crate::canonical::{Answer, ChatRequest};
use crate::dialect::{Asked, ClientDialect, DialectId, StreamWriter};

/// What clients of the older interface speak.
#[derive(Debug)]
pub struct CompletionsClient;

impl ClientDialect for CompletionsClient {
    fn id(&self) -> DialectId {
        DialectId::OpenAiCompletions
    }

    fn read_request(&self, body: &[u8], path_model: Option<&str>, _: bool) -> Result<ChatRequest, ApiError> {
        request_reader::read(body, path_model)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8> {
        answer_writer::write(answer, asked)
    }

    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::CompletionsStreamWriter::new(asked))
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error.to_json().into_bytes()
    }
}
