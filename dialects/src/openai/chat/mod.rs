//! `POST /v1/chat/completions`, from both sides: what clients send to us and what we send to vendors.

mod answer_reader;
mod answer_writer;
mod choice_reader;
mod json_end;
mod message_reader;
mod message_writer;
pub mod quirks;
mod request_reader;
mod request_writer;
mod stream_reader;
mod stream_writer;
mod thoughts;
mod tools;
pub(super) mod wire;

use deltallm_shared::error::ApiError;

use self::quirks::Quirks;
use super::error_reader;
use crate::canonical::{Answer, ChatRequest, Failure, Unsupported};
use crate::dialect::{Asked, ClientDialect, DialectId, StreamReader, StreamWriter, Unreadable, VendorDialect};

/// What clients of the chat interface speak.
#[derive(Debug)]
pub struct ChatClient;

impl ClientDialect for ChatClient {
    fn id(&self) -> DialectId {
        DialectId::OpenAiChat
    }

    fn read_request(&self, body: &[u8], path_model: Option<&str>, _: bool) -> Result<ChatRequest, ApiError> {
        request_reader::read(body, path_model)
    }

    fn write_answer(&self, answer: &Answer, asked: &Asked) -> Vec<u8> {
        answer_writer::write(answer, asked)
    }

    fn stream_writer(&self, asked: &Asked) -> Box<dyn StreamWriter> {
        Box::new(stream_writer::ChatStreamWriter::new(asked))
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error.to_json().into_bytes()
    }
}

/// What vendors with the chat interface speak, each with its quirks.
#[derive(Debug)]
pub struct ChatVendor(pub &'static Quirks);

/// Fields that only tell OpenAI something aside, and that a strict vendor refuses.
const OPENAIS_OWN: [&str; 4] = ["\"user\":", "\"store\"", "\"service_tier\"", "\"safety_identifier\""];

impl ChatVendor {
    /// The dialect of a provider, by its id in `deltallm_shared::providers`.
    pub const fn of_provider(provider: &str) -> Self {
        Self(quirks::of_provider(provider))
    }

    /// Whether a body in OpenAI's words says something that this vendor refuses in these words, and would take in others. Looks
    /// for the words anywhere: a text that only contains them is written anew without need, which changes nothing.
    pub fn must_reword(&self, body: &[u8]) -> bool {
        let quirks = self.0;
        // Servers that let unknown fields be get the bytes as they are.
        if quirks.own_fields {
            return false;
        }
        let other_words = [
            (!quirks.developer_role, "\"developer\""),
            (!quirks.max_completion_tokens, "\"max_completion_tokens\""),
            (!quirks.asks_stream_usage, "\"stream_options\""),
            (quirks.seed != "seed", "\"seed\""),
        ];
        let differing = other_words.into_iter().filter(|(differs, _)| *differs).map(|(_, word)| word);
        differing.chain(OPENAIS_OWN).any(|word| memchr::memmem::find(body, word.as_bytes()).is_some())
    }
}

impl VendorDialect for ChatVendor {
    fn id(&self) -> DialectId {
        DialectId::OpenAiChat
    }

    fn write_request(&self, request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<u8>, ApiError> {
        request_writer::write(request, self.0, unsupported)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Unreadable> {
        answer_reader::read(body)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream_reader::ChatStreamReader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> Failure {
        error_reader::read(status, body)
    }
}

#[cfg(test)]
mod vendor_tests;
