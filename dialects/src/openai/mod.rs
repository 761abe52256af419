//! OpenAI's wire format, which is also what most vendors speak.
//!
//! Where client and provider both speak it, only the bytes that are ours are touched: the model's name, the request for usage.

pub mod chat;
pub mod completions;
pub mod error_reader;
mod json_field;
pub mod produced_text;
pub mod request_index;
pub mod responses;
pub mod routing_fields;
pub mod stream_event;
pub mod usage;
