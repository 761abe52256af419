//! When a deployment is set aside, and how it comes back.
//!
//! Closed: it serves. Too many failures in a row, or too large a share of them, set it aside for a while. After that it is on
//! probation: one request at a time goes to it, and what becomes of that one decides. Each failed probe doubles the pause, up to
//! sixteen times. Limits that a provider names stand beside this: they are no failures and end by themselves.
//!
//! Reading is a few atomic loads; the lock is taken where a verdict may turn something, which is on failures and recoveries.

use std::{
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    time::Duration,
};

use deltallm_shared::routing::{CircuitPolicy, Fault};
use parking_lot::Mutex;

use super::{
    Begun, Transition,
    window::{PARTS, Window},
};
use crate::tick::Tick;

/// The pause doubles this often at most.
const MOST_DOUBLINGS: u32 = 4;
/// After this time the next request may prove a deployment, though the one before has not ended: a stream can take ten minutes.
const PROBE_LEASE: Duration = Duration::from_mins(1);
/// For how long a provider is left alone that limits us and does not say for how long.
const UNNAMED_LIMIT: Duration = Duration::from_secs(30);
/// The longest that its word counts.
const LONGEST_LIMIT: Duration = Duration::from_hours(1);
/// Others need not hear of a limit that moves by less.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// 0: closed. In the past: on probation.
    set_aside_until: AtomicU64,
    limited_until: AtomicU64,
    /// When the probe under way began, plus one; 0: none.
    probe: AtomicU64,
    /// Grows with each turn, so that an attempt from before it has no say in what comes after it.
    epoch: AtomicU32,
    /// Failures since the last answer.
    in_a_row: AtomicU32,
    answered: Window,
    failed: Window,
    /// Width of a slot of both, by the policy that was used last; 0: none was.
    width_us: AtomicU64,
    turning: Mutex<Turning>,
}

/// What only matters when something turns.
#[derive(Debug, Default)]
struct Turning {
    doublings: u32,
    /// The share of failures is of what came after this.
    counted_after: Option<Tick>,
    last_failure: Option<(Fault, Tick)>,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) set_aside_until: Option<Tick>,
    pub(super) limited_until: Option<Tick>,
    pub(super) is_on_probation: bool,
    pub(super) is_probed: bool,
}

/// Counts for the operator.
pub(super) struct Record {
    pub(super) in_a_row: u32,
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) last_failure: Option<(Fault, Tick)>,
}

impl Circuit {
    pub(super) fn standing(&self, now: Tick) -> Standing {
        let coming = |until: &AtomicU64| Some(Tick(until.load(Relaxed))).filter(|until| *until > now);
        let set_aside_until = self.set_aside_until.load(Acquire);
        let is_on_probation = set_aside_until != 0 && set_aside_until <= now.0;
        Standing {
            set_aside_until: Some(Tick(set_aside_until)).filter(|until| *until > now),
            limited_until: coming(&self.limited_until),
            is_on_probation,
            is_probed: is_on_probation && is_held(self.probe.load(Relaxed), now),
        }
    }

    /// The epoch, and the mark of the probe where this attempt is it.
    pub(super) fn begin(&self, now: Tick) -> (u32, Option<u64>) {
        let epoch = self.epoch.load(Acquire);
        let until = self.set_aside_until.load(Acquire);
        if until == 0 || until > now.0 {
            return (epoch, None);
        }
        let before = self.probe.load(Relaxed);
        let mark = now.0.saturating_add(1);
        let is_free = !is_held(before, now) && before != mark;
        let taken = is_free && self.probe.compare_exchange(before, mark, Relaxed, Relaxed).is_ok();
        (epoch, taken.then_some(mark))
    }

    pub(super) fn answered(&self, now: Tick, begun: &Begun, policy: &CircuitPolicy) -> Option<Transition> {
        self.answered.add(now, self.width(policy), 1);
        if self.in_a_row.load(Relaxed) > 0 {
            self.in_a_row.store(0, Relaxed);
        }
        let is_closed = self.set_aside_until.load(Acquire) == 0;
        let recovered = !is_closed && self.close(|epoch| epoch == begun.epoch);
        self.release(begun);
        recovered.then_some(Transition::Recovered)
    }

    pub(super) fn failed(&self, now: Tick, begun: &Begun, fault: Fault, policy: &CircuitPolicy) -> Option<Transition> {
        let width = self.width(policy);
        self.failed.add(now, width, 1);
        let mut turning = self.turning.lock();
        turning.last_failure = Some((fault, now));
        let in_a_row = self.in_a_row.load(Relaxed).saturating_add(1);
        self.in_a_row.store(in_a_row, Relaxed);
        let turns = match self.set_aside_until.load(Relaxed) {
            0 if in_a_row >= policy.allowed_fails.max(1) || self.is_share_too_large(now, &turning, policy) => {
                turning.doublings = 0;
                true
            }
            until if until != 0 && until <= now.0 && begun.epoch == self.epoch.load(Relaxed) => {
                turning.doublings = (turning.doublings + 1).min(MOST_DOUBLINGS);
                true
            }
            _ => false,
        };
        if !turns {
            self.release(begun);
            return None;
        }
        let until = Tick(now.after(policy.cooldown.saturating_mul(1 << turning.doublings)).0.max(1));
        turning.counted_after = Some(now);
        self.turn_to(until.0);
        Some(Transition::SetAside { until, fault })
    }

    pub(super) fn limited(&self, now: Tick, begun: &Begun, wanted: Option<Duration>) -> Option<Transition> {
        self.turning.lock().last_failure = Some((Fault::RateLimit, now));
        self.release(begun);
        let until = now.after(wanted.unwrap_or(UNNAMED_LIMIT).min(LONGEST_LIMIT));
        let before = Tick(self.limited_until.fetch_max(until.0, Relaxed));
        let is_new = until > now && before <= now;
        let is_longer = until.since(before.max(now)) >= WORTH_TELLING;
        (is_new || is_longer).then_some(Transition::Limited { until })
    }

    /// A fault that says nothing of its health, but something to an operator.
    pub(super) fn note(&self, now: Tick, fault: Fault) {
        self.turning.lock().last_failure = Some((fault, now));
    }

    /// An end without a verdict: the next one may prove it.
    pub(super) fn release(&self, begun: &Begun) {
        if let Some(mark) = begun.probe {
            let _ = self.probe.compare_exchange(mark, 0, Relaxed, Relaxed);
        }
    }

    /// Closes it, whoever found it well.
    pub(super) fn recover(&self) -> bool {
        self.in_a_row.store(0, Relaxed);
        self.set_aside_until.load(Acquire) != 0 && self.close(|_| true)
    }

    /// Another replica says so. The longer pause counts.
    pub(super) fn told(&self, set_aside_until: Option<Tick>, limited_until: Option<Tick>) {
        if let Some(until) = limited_until {
            self.limited_until.fetch_max(until.0, Relaxed);
        }
        if let Some(until) = set_aside_until {
            let _turning = self.turning.lock();
            if until.0 > self.set_aside_until.load(Relaxed) {
                self.turn_to(until.0);
            }
        }
        if (set_aside_until, limited_until) == (None, None) {
            self.limited_until.store(0, Relaxed);
            self.recover();
        }
    }

    pub(super) fn record(&self, now: Tick) -> Record {
        let last_failure = self.turning.lock().last_failure;
        let width = self.width_us.load(Relaxed).max(1);
        Record {
            in_a_row: self.in_a_row.load(Relaxed),
            answered: self.answered.sum(now, width, None),
            failed: self.failed.sum(now, width, None),
            last_failure,
        }
    }

    /// The current epoch, for a verdict that no attempt stands behind.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Acquire)
    }

    fn close(&self, is_of: impl Fn(u32) -> bool) -> bool {
        let mut turning = self.turning.lock();
        if self.set_aside_until.load(Relaxed) == 0 || !is_of(self.epoch.load(Relaxed)) {
            return false;
        }
        // What set it aside has been atoned for: one more failure must not do it again.
        turning.counted_after = turning.last_failure.map(|(_, at)| at).max(turning.counted_after);
        turning.doublings = 0;
        self.in_a_row.store(0, Relaxed);
        self.turn_to(0);
        true
    }

    /// Only under the lock.
    fn turn_to(&self, set_aside_until: u64) {
        self.epoch.fetch_add(1, Release);
        self.probe.store(0, Relaxed);
        self.set_aside_until.store(set_aside_until, Release);
    }

    fn is_share_too_large(&self, now: Tick, turning: &Turning, policy: &CircuitPolicy) -> bool {
        let width = self.width(policy);
        let failed = self.failed.sum(now, width, turning.counted_after);
        let all = failed + self.answered.sum(now, width, turning.counted_after);
        all >= u64::from(policy.min_requests.max(1)) && failed * 100 >= all * u64::from(policy.max_error_percent)
    }

    fn width(&self, policy: &CircuitPolicy) -> u64 {
        let width = u64::try_from(policy.window.as_micros()).unwrap_or(u64::MAX) / PARTS;
        let width = width.max(1);
        if self.width_us.load(Relaxed) != width {
            self.width_us.store(width, Relaxed);
        }
        width
    }
}

fn is_held(probe: u64, now: Tick) -> bool {
    probe != 0 && now.since(Tick(probe - 1)) < PROBE_LEASE
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;
