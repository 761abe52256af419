//! The two timers of an attempt that is under way: until its first byte, and between two pieces of its answer.
//!
//! Pingora has one time limit for reading, which is set before anything is known. Here the hooks say what was heard, and the
//! session wrapper, which waits all the time for the client to leave, notices when too little was. Hearing costs one store: the
//! timer is not moved each time, it looks again when it fires.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an attempt may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// From the end of the request to the first byte of its answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub chunk: Duration,
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// See [`Silence::first_byte`].
    FirstByte,
    /// See [`Silence::chunk`].
    Chunk,
}

/// See the module. Clones are the same clock.
#[derive(Clone)]
pub struct AttemptClock(Arc<Inner>);

struct Inner {
    beginning: Instant,
    first_byte_us: AtomicU64,
    chunk_us: AtomicU64,
    heard_us: AtomicU64,
    has_answer: AtomicBool,
    is_sent: AtomicBool,
}

/// Looked at again this soon where no limit is near.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

impl Default for AttemptClock {
    fn default() -> Self {
        let inner = Inner {
            beginning: Instant::now(),
            first_byte_us: AtomicU64::new(u64::MAX),
            chunk_us: AtomicU64::new(u64::MAX),
            heard_us: AtomicU64::new(0),
            has_answer: AtomicBool::new(false),
            is_sent: AtomicBool::new(true),
        };
        Self(Arc::new(inner))
    }
}

impl AttemptClock {
    /// An attempt begins. `is_sent`: its body is in memory; else [`Self::sent`] says when it went out.
    pub fn begin(&self, silence: Option<Silence>, is_sent: bool) {
        let inner = &self.0;
        let limit = |limit: Option<Duration>| limit.map_or(u64::MAX, micros);
        inner.first_byte_us.store(limit(silence.map(|silence| silence.first_byte)), Ordering::Relaxed);
        inner.chunk_us.store(limit(silence.map(|silence| silence.chunk)), Ordering::Relaxed);
        inner.has_answer.store(false, Ordering::Relaxed);
        inner.is_sent.store(is_sent, Ordering::Relaxed);
        self.touch();
    }

    /// The whole request went out.
    pub fn sent(&self) {
        if !self.0.is_sent.swap(true, Ordering::Relaxed) {
            self.touch();
        }
    }

    /// A piece of the answer is here.
    pub fn heard(&self) {
        self.0.has_answer.store(true, Ordering::Relaxed);
        self.touch();
    }

    /// Nobody could listen for a while, because the client was slow: the provider's silence begins now.
    pub fn touch(&self) {
        self.0.heard_us.store(micros(self.0.beginning.elapsed()), Ordering::Relaxed);
    }

    /// The limit that was passed, or in what time to look again.
    pub fn look(&self) -> Result<Duration, Overdue> {
        let inner = &self.0;
        let first_byte_us = inner.first_byte_us.load(Ordering::Relaxed);
        let chunk_us = inner.chunk_us.load(Ordering::Relaxed);
        // Nobody moves the timer when the phase changes, so it looks again before the other limit could have been passed.
        let soon = Duration::from_micros(first_byte_us.min(chunk_us).max(1000)).min(LOOK_AGAIN);
        if !inner.is_sent.load(Ordering::Relaxed) {
            return Ok(soon);
        }
        let (limit_us, overdue) = if inner.has_answer.load(Ordering::Relaxed) {
            (chunk_us, Overdue::Chunk)
        } else {
            (first_byte_us, Overdue::FirstByte)
        };
        let due = inner.heard_us.load(Ordering::Relaxed).saturating_add(limit_us);
        let left = Duration::from_micros(due.saturating_sub(micros(inner.beginning.elapsed())));
        if left.is_zero() { Err(overdue) } else { Ok(left.min(soon)) }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_limit() {
        let clock = AttemptClock::default();
        assert_eq!(clock.look(), Ok(LOOK_AGAIN));
        let long = Duration::from_secs(30);
        clock.begin(Some(Silence { first_byte: Duration::ZERO, chunk: long }), true);
        assert_eq!(clock.look(), Err(Overdue::FirstByte));
        clock.heard();
        assert!(clock.look().is_ok_and(|left| left <= long));
        clock.begin(Some(Silence { first_byte: long, chunk: Duration::ZERO }), true);
        assert!(clock.look().is_ok());
        clock.heard();
        assert_eq!(clock.look(), Err(Overdue::Chunk));
    }

    #[test]
    fn it_looks_again_before_the_limit_of_the_next_phase_is_passed() {
        let clock = AttemptClock::default();
        let (long, short) = (Duration::from_secs(50), Duration::from_secs(2));
        clock.begin(Some(Silence { first_byte: long, chunk: short }), true);
        assert!(clock.look().is_ok_and(|left| left <= short));
        clock.begin(Some(Silence { first_byte: short, chunk: long }), false);
        assert!(clock.look().is_ok_and(|left| left <= short), "its upload may end at any moment");
    }

    #[test]
    fn an_upload_under_way_is_no_silence_of_the_provider() {
        let clock = AttemptClock::default();
        clock.begin(Some(Silence { first_byte: Duration::ZERO, chunk: Duration::ZERO }), false);
        assert!(clock.look().is_ok());
        clock.sent();
        assert_eq!(clock.look(), Err(Overdue::FirstByte));
    }
}
