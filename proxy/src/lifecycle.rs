//! Whether this process is starting, serving or stopping, and what is under way in it.
//!
//! Pingora closes its listeners at once on a signal and drops open streams without a word. Here the signal first makes the
//! proxy unready; open requests go on until the drain limit; what is still open then is told so and ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deltallm_shared::{
    error::{ApiError, ErrorCode},
    time_text::Timestamp,
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// How long streams get to write their last event after they were cut.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Shared by everything that has to know.
pub struct Lifecycle {
    configured: AtomicBool,
    draining: AtomicBool,
    in_flight: AtomicUsize,
    one_less: Notify,
    stopping: watch::Sender<bool>,
    cut: watch::Sender<bool>,
    heard_at_us: AtomicI64,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            configured: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            one_less: Notify::new(),
            stopping: watch::Sender::new(false),
            cut: watch::Sender::new(false),
            heard_at_us: AtomicI64::new(0),
        }
    }
}

/// One request under way.
pub struct InFlight(Arc<Lifecycle>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 && self.0.is_draining() {
            self.0.one_less.notify_waiters();
        }
    }
}

impl Lifecycle {
    /// There is a configuration to serve from.
    pub fn configured(&self) {
        self.configured.store(true, Ordering::Release);
    }

    /// The admin service said something.
    pub fn heard_from_admin(&self) {
        self.configured();
        self.heard_at_us.store(Timestamp::now().0, Ordering::Relaxed);
    }

    /// When the admin service was last heard; `None` before the first time.
    pub fn last_heard(&self) -> Option<Timestamp> {
        Some(self.heard_at_us.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp)
    }

    /// Whether new requests are wanted.
    pub fn is_ready(&self) -> bool {
        self.configured.load(Ordering::Acquire) && !self.is_draining()
    }

    /// Waits until there is a configuration, on a thread that may block.
    pub fn wait_until_ready(&self, at_most: Duration) {
        let until = std::time::Instant::now() + at_most;
        while !self.is_ready() && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether this process is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Refuses new requests while stopping.
    pub fn check_open(&self) -> Result<(), ApiError> {
        if self.is_draining() {
            return Err(ApiError::new(ErrorCode::ServiceUnavailable, "The gateway is stopping. Try again."));
        }
        Ok(())
    }

    /// Counts a request until the guard is dropped.
    pub fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(Arc::clone(self))
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Ends when this process is about to stop: for work that nobody waits for.
    pub async fn stopping(&self) {
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Becomes true when open requests have to end now.
    pub fn cut(&self) -> watch::Receiver<bool> {
        self.cut.subscribe()
    }

    /// Stops taking requests, waits for the open ones up to the limit (or until `hurry`), then cuts them.
    pub async fn drain(&self, limit: Duration, hurry: impl Future<Output = ()>) {
        self.draining.store(true, Ordering::Release);
        self.stopping.send_replace(true);
        let open = self.in_flight();
        if open > 0 {
            tracing::info!(open, limit_s = limit.as_secs(), "waiting for open requests");
        }
        tokio::select! {
            _ = timeout(limit, self.empty()) => {}
            () = hurry => {}
        }
        let left = self.in_flight();
        if left > 0 {
            tracing::warn!(left, "ending requests that are still open");
            self.cut.send_replace(true);
            let _ = timeout(LAST_WORDS, self.empty()).await;
        }
    }

    async fn empty(&self) {
        loop {
            let less = self.one_less.notified();
            if self.in_flight() == 0 {
                return;
            }
            // The periodic look covers a notification between the check and the wait.
            let _ = timeout(Duration::from_millis(50), less).await;
        }
    }
}
