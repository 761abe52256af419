//! What a call consumed, what it cost, and that this is on record whatever ends the call.
//!
//! ```text
//! CallRecord (owned by the request's context) ──▶ Journal (append-only file) ──▶ Shipper ──▶ admin
//!        └─ without usage from the provider ──▶ TokenCounter (own thread) ──┘
//! ```

pub mod call_record;
pub mod journal;
pub mod route_log;
pub mod shipper;
pub mod sound_length;
pub mod token_counter;

use std::sync::Arc;

use journal::Journal;
use token_counter::TokenCounter;

use crate::telemetry::metrics::Metrics;

/// Where calls are recorded.
#[derive(Clone)]
pub struct Accounts {
    /// On file.
    pub journal: Arc<Journal>,
    /// For calls without usage.
    pub counter: TokenCounter,
    /// In sum.
    pub metrics: Arc<Metrics>,
}
