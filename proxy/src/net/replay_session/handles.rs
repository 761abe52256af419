//! What the gateway's hooks keep in their hands while a session is wrapped: they and the wrapper share it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use pingora::{Error, http::ResponseHeader, protocols::http::ServerSession};
use tokio::sync::watch;

use crate::net::{attempt_clock::AttemptClock, outgoing::OutgoingReader};

/// Holds the real session after the wrapper was dropped.
pub type Kept = Arc<Mutex<Option<Box<ServerSession>>>>;

/// The header that is to go out in the place of the one that is held back.
#[derive(Clone, Default)]
pub struct Held(pub(super) Arc<Mutex<Option<Box<ResponseHeader>>>>);

impl Held {
    /// Puts another header in the place of the one that is held back.
    pub fn replace(&self, header: ResponseHeader) {
        *self.0.lock() = Some(Box::new(header));
    }
}

/// The body of the next attempt, where it is not in memory.
#[derive(Clone, Default)]
pub struct Feed(pub(super) Arc<Mutex<Option<OutgoingReader>>>);

impl Feed {
    /// Gives the attempt its body.
    pub fn set(&self, reader: OutgoingReader) {
        *self.0.lock() = Some(reader);
    }
}

/// Why the upstream broke off an answer that the client has the beginning of.
#[derive(Clone, Default)]
pub struct Broken(pub(super) Arc<Mutex<Option<Box<Error>>>>);

impl Broken {
    /// The cause, once.
    pub fn take(&self) -> Option<Box<Error>> {
        self.0.lock().take()
    }
}

/// What a session is wrapped with.
pub struct Wrapping {
    /// Becomes true when the request has to end.
    pub cut: watch::Receiver<bool>,
    /// How long the request may still take.
    pub time_left: Duration,
    /// How long the attempt under way may be silent.
    pub clock: AttemptClock,
    /// The header in the place of the one that is held back.
    pub instead: Held,
    /// The body of an attempt, where it is not in memory.
    pub feed: Feed,
    /// Says why an answer broke off.
    pub broken: Broken,
    /// Whether the request asks for a WebSocket.
    pub upgrades: bool,
}
