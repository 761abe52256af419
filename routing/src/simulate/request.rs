//! One request on its way: who was asked, and who may be asked again.

use std::time::Duration;

use deltallm_shared::routing::{Fault, RetryPolicy};

use super::scenario::Arrival;
use crate::{
    retry::{consequence, wait_before},
    tick::Tick,
};

/// See the module.
pub(super) struct Request {
    pub(super) arrived: Tick,
    pub(super) deadline: Tick,
    pub(super) arrival: Arrival,
    pub(super) last_fault: Option<Fault>,
    attempts_left: u32,
    asked: Vec<Asked>,
}

struct Asked {
    deployment: usize,
    times: u32,
    /// Whether it may do better later.
    helps_again: bool,
    /// When it wants to be asked.
    retry_after: Option<Duration>,
}

impl Request {
    pub(super) fn new(arrival: Arrival, retry: &RetryPolicy, total: Duration) -> Self {
        let arrived = Tick(arrival.at_ms * 1_000);
        let attempts_left = retry.num_retries.saturating_add(1);
        Self { arrived, deadline: arrived.after(total), arrival, last_fault: None, attempts_left, asked: Vec::new() }
    }

    /// How often anybody was asked.
    pub(super) fn attempts(&self) -> usize {
        self.asked.iter().map(|asked| usize::try_from(asked.times).unwrap_or(usize::MAX)).sum()
    }

    pub(super) fn has_asked(&self, deployment: usize) -> bool {
        self.asked.iter().any(|asked| asked.deployment == deployment)
    }

    pub(super) const fn may_ask(&self) -> bool {
        self.attempts_left > 0
    }

    /// Whether it may ask once more after the attempt that is to begin.
    pub(super) const fn may_retry(&self) -> bool {
        self.attempts_left > 1
    }

    pub(super) fn ask(&mut self, deployment: usize) {
        self.attempts_left = self.attempts_left.saturating_sub(1);
        match self.asked.iter_mut().find(|asked| asked.deployment == deployment) {
            Some(asked) => (asked.times, asked.helps_again) = (asked.times + 1, false),
            None => self.asked.push(Asked { deployment, times: 1, helps_again: false, retry_after: None }),
        }
    }

    /// An attempt failed. Whether anybody may do better.
    pub(super) fn failed(&mut self, deployment: usize, fault: Fault, retry_after: Option<Duration>) -> bool {
        let consequence = consequence(fault);
        self.last_fault = Some(fault);
        if consequence.tries_again
            && let Some(asked) = self.asked.iter_mut().find(|asked| asked.deployment == deployment)
        {
            (asked.helps_again, asked.retry_after) = (true, retry_after);
        }
        consequence.tries_next || consequence.tries_again
    }

    /// Who of those that were asked may be asked again the soonest, and after how long a wait.
    pub(super) fn again(&self, policy: &RetryPolicy, now: Tick, seed: u64) -> Option<(usize, Duration)> {
        let time_left = self.deadline.since(now);
        let waits = self.asked.iter().filter(|asked| asked.helps_again).filter_map(|asked| {
            let wait = wait_before(policy, asked.times, asked.retry_after, time_left, seed)?;
            Some((asked.deployment, wait))
        });
        waits.min_by_key(|(_, wait)| *wait)
    }
}
