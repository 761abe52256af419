//! What a deployment's own limits have been used of: requests and tokens of the last minute.

use super::{Limits, headroom::Leeway, window::Window};
use crate::tick::Tick;

/// A minute in [`super::window::PARTS`] slots.
const WIDTH_US: u64 = 10_000_000;

/// Requests count when they begin, tokens as they are expected then; what was really used settles it at the end.
#[derive(Debug, Default)]
pub(super) struct Usage {
    requests: Window,
    tokens: Window,
}

impl Usage {
    pub(super) fn begin(&self, now: Tick, tokens: u64) {
        self.requests.add(now, WIDTH_US, 1);
        self.tokens.add(now, WIDTH_US, tokens);
    }

    /// What was expected too much is taken back where it was counted, what is new counts now: in no minute is too little counted.
    pub(super) fn settle(&self, began: Tick, now: Tick, expected: u64, used: u64) {
        if used > expected {
            self.tokens.add(now, WIDTH_US, used - expected);
        } else if expected > used {
            self.tokens.take_back(began, WIDTH_US, expected - used);
        }
    }

    pub(super) fn requests(&self, now: Tick) -> u64 {
        self.requests.sum(now, WIDTH_US, None)
    }

    pub(super) fn tokens(&self, now: Tick) -> u64 {
        self.tokens.sum(now, WIDTH_US, None)
    }

    /// Narrows the room by our own limits.
    pub(super) fn narrow(&self, room: &mut Leeway, now: Tick, limits: &Limits, tokens: u64) {
        if let Some(limit) = limits.rpm {
            room.narrow(limit, limit.saturating_sub(self.requests(now)), 1, || {
                Some(self.requests.falls_to(limit.checked_sub(1)?, now, WIDTH_US))
            });
        }
        if let Some(limit) = limits.tpm {
            room.narrow(limit, limit.saturating_sub(self.tokens(now)), tokens, || {
                Some(self.tokens.falls_to(limit.saturating_sub(tokens), now, WIDTH_US))
            });
        }
    }
}
