//! What clients and vendors speak, as pure functions over bytes and values. No socket, no clock, no randomness: what a function
//! needs of those is passed in. The proxy and the benches stand on this crate; it knows neither Pingora nor tokio.
//!
//! A *client dialect* reads requests and writes answers; a *vendor dialect* writes requests and reads answers. Between them
//! stands one [`canonical`] form, so a pair needs no code of its own. Where client and vendor speak the same dialect nothing is
//! translated: [`openai::request_index`] finds the few bytes that are ours, and the rest goes through as it came.

pub mod anthropic;
pub mod bedrock;
pub mod canonical;
pub mod cohere;
pub mod dialect;
pub mod embedding;
pub mod gemini;
pub mod json_scan;
pub mod json_strings;
pub mod media;
pub mod multipart;
pub mod openai;
pub mod rerank;
pub mod sse;
pub mod websocket;
