//! Why an attempt failed, in the classes that decide what comes next. Which class leads to what: `deltallm-routing`'s `retry.rs`.

use serde::{Deserialize, Serialize};

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The name of its host does not resolve, or resolves to nothing that may be asked.
    Dns,
    /// No connection: refused, unreachable, not made in time.
    Connect,
    /// No TLS session.
    Tls,
    /// The connection broke, before the answer or in it.
    Broken,
    /// No first byte in time.
    FirstByteTimeout,
    /// Silence in the middle of an answer.
    ChunkTimeout,
    /// 429.
    RateLimit,
    /// 402, or words to that effect: the account's money is used up.
    Quota,
    /// 503, 529: no capacity.
    Overloaded,
    /// 408, 504: the provider itself ran out of time.
    Timeout,
    /// 409: in conflict with another request of the same content.
    Conflict,
    /// 500 and the rest of 5xx, answers that cannot be read, errors in a stream.
    Server,
    /// 401, 403: our credential is refused.
    Auth,
    /// 404: no such model there.
    NotFound,
    /// The prompt does not fit the model.
    ContextWindow,
    /// The provider's policy refuses the content.
    ContentPolicy,
    /// The caller's mistake.
    BadRequest,
    /// It cannot be asked at all: nothing to sign in with, a parameter that it does not know.
    Unusable,
}

impl Fault {
    /// Its name in traces, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Broken => "broken",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::ChunkTimeout => "chunk_timeout",
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Server => "server",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
            Self::BadRequest => "bad_request",
            Self::Unusable => "unusable",
        }
    }
}

/// Which list of other groups a fault leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FallbackKind {
    /// `fallbacks`, then `default_fallbacks`.
    General,
    /// `context_window_fallbacks`.
    ContextWindow,
    /// `content_policy_fallbacks`.
    ContentPolicy,
}

impl FallbackKind {
    /// Its name in metrics: `deltallm_fallbacks_total{reason}`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
        }
    }
}
