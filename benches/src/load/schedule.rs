//! Whose turn it is, and since when: the clock of a run, shared by all connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::plan::Plan;

/// Hands out the turns of a run.
pub struct Schedule {
    start: Instant,
    next: AtomicU64,
    requests_max: u64,
    duration: Duration,
    rate: Option<u64>,
}

/// One request's turn.
pub struct Turn {
    /// What its latency counts from.
    pub since: Instant,
    /// How late our own timer woke up for it; not the target's doing, so not in its latency.
    pub timer_lag: Duration,
}

impl Schedule {
    pub fn start(plan: &Plan) -> Self {
        Self {
            start: Instant::now(),
            next: AtomicU64::new(0),
            requests_max: plan.requests_max,
            duration: plan.duration,
            rate: plan.rate,
        }
    }

    /// Waits for the next turn; `None` when the run is over.
    pub async fn next_turn(&self) -> Option<Turn> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index >= self.requests_max {
            return None;
        }
        let Some(rate) = self.rate else {
            let since = Instant::now();
            let is_over = since.duration_since(self.start) >= self.duration;
            return (!is_over).then_some(Turn { since, timer_lag: Duration::ZERO });
        };
        let offset = due_after(index, rate);
        if offset >= self.duration {
            return None;
        }
        let due = self.start + offset;
        if Instant::now() >= due {
            // Every connection was busy: the wait is the target's, and counts.
            return Some(Turn { since: due, timer_lag: Duration::ZERO });
        }
        tokio::time::sleep_until(due.into()).await;
        let since = Instant::now();
        Some(Turn { since, timer_lag: since.saturating_duration_since(due) })
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// When request number `index` of an open loop is due.
fn due_after(index: u64, rate: u64) -> Duration {
    let nanos = u128::from(index) * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_an_even_pace() {
        assert_eq!(due_after(0, 300), Duration::ZERO);
        assert_eq!(due_after(300, 300), Duration::from_secs(1));
        assert_eq!(due_after(1, 4_000), Duration::from_micros(250));
    }
}
