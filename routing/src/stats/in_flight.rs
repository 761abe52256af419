//! Requests under way.

use std::sync::atomic::{AtomicU32, Ordering};

/// A count that never goes below nothing: a lost `begin` must not make a deployment look full for ever.
#[derive(Debug, Default)]
pub(super) struct InFlight(AtomicU32);

impl InFlight {
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_sub(1)));
    }

    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
