//! The provider `mock`: a real server on a Unix socket in this process, which speaks OpenAI's format and needs no key.
//!
//! Requests reach it by the same way as any provider's, so what works with it works. `mock/echo` repeats the last message,
//! `mock/lorem` produces text; delay, chunk gap and failures are options of the deployment.

mod answer;
mod server;

pub use server::{MockProvider, SocketFile};

/// How long the first byte takes.
pub const DELAY_MS: &str = "x-mock-delay-ms";
/// How long the stream pauses between chunks.
pub const CHUNK_GAP_MS: &str = "x-mock-chunk-gap-ms";
/// How many of a hundred calls fail.
pub const FAILURE_PERCENT: &str = "x-mock-failure-percent";
