//! The line of one group: tickets of the fair queue, the requests that hold them, and the timer.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deltallm_routing::{
    queue::{FairQueue, Ticket, Waiting},
    tick::Tick,
};
use deltallm_shared::routing;
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

use super::{Asker, QueueRefused};
use crate::telemetry::metrics::{Metrics, ModelLabel, OutcomeLabel};

/// When somebody has a look where nobody knows when a limit is over: limits are of minutes, so this is soon enough.
const UNKNOWN: Duration = Duration::from_secs(1);
/// Of the longest wait, what a class is worth: in the middle of it the last class has caught up with the first one.
const CLASSES_IN_WAIT: u32 = 18;

/// What somebody in line hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    Turn,
    Displaced,
}

/// See the module.
pub(super) struct Line {
    model: String,
    began: Instant,
    metrics: Arc<Metrics>,
    length: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: FairQueue,
    calls: HashMap<Ticket, oneshot::Sender<Called>>,
    timer: Option<Timer>,
}

struct Timer {
    at: Instant,
    task: AbortHandle,
}

/// A turn to choose a deployment. Dropped, it lets the next one have a look.
pub struct Turn {
    line: Option<Arc<Line>>,
    policy: routing::Queue,
    asker: Asker,
    came: Instant,
    until: Instant,
}

impl Turn {
    /// How long it was waited.
    pub fn waited(&self) -> Duration {
        self.came.elapsed()
    }

    /// There was no room: back to its place. `opens_at`: as for [`super::Queueing::wait`].
    pub async fn again(mut self, opens_at: Option<Instant>) -> Result<Self, QueueRefused> {
        let Some(line) = self.line.take() else { return Err(QueueRefused::TimeUp) };
        line.wait(self.policy, self.asker, self.came, self.until, opens_at).await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.let_one_in();
        }
    }
}

/// A place in the line, left when it is dropped.
struct Standing {
    line: Arc<Line>,
    ticket: Ticket,
    called: oneshot::Receiver<Called>,
    /// How it ended, for the metrics.
    outcome: &'static str,
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.line.leave(self.ticket);
        // It left in the moment in which it was let in: the turn is somebody else's. One that was taken is not here any more.
        if self.called.try_recv() == Ok(Called::Turn) {
            self.line.let_one_in();
        }
        self.line.count(self.outcome);
    }
}

impl Line {
    pub fn new(model: String, metrics: Arc<Metrics>) -> Self {
        let (length, state) = (AtomicUsize::new(0), Mutex::default());
        Self { model, began: Instant::now(), metrics, length, state }
    }

    pub fn is_empty(&self) -> bool {
        self.length.load(Ordering::Relaxed) == 0
    }

    /// Stands in line.
    pub async fn wait(
        self: &Arc<Self>,
        policy: routing::Queue,
        asker: Asker,
        came: Instant,
        until: Instant,
        opens_at: Option<Instant>,
    ) -> Result<Turn, QueueRefused> {
        let mut standing = self.join(policy, asker, came, until, opens_at)?;
        let called = tokio::select! {
            biased;
            called = &mut standing.called => called.map_err(|_| QueueRefused::TimeUp),
            () = sleep_until(until) => Err(QueueRefused::TimeUp),
        };
        let (outcome, end) = match called {
            Ok(Called::Turn) => ("let_in", Ok(Turn { line: Some(Arc::clone(self)), policy, asker, came, until })),
            Ok(Called::Displaced) => ("displaced", Err(QueueRefused::Full)),
            Err(refused) => ("time_up", Err(refused)),
        };
        standing.outcome = outcome;
        end
    }

    fn join(
        self: &Arc<Self>,
        policy: routing::Queue,
        asker: Asker,
        came: Instant,
        until: Instant,
        opens_at: Option<Instant>,
    ) -> Result<Standing, QueueRefused> {
        let now = Instant::now();
        let Asker { class, team, key } = asker;
        let waiting = Waiting { class, team, key, came: self.tick(came), deadline: self.tick(until) };
        let mut state = self.state.lock();
        let ageing = Duration::from_millis(policy.max_wait_ms) / CLASSES_IN_WAIT;
        state.queue.set(usize::try_from(policy.max_waiting).unwrap_or(usize::MAX), ageing);
        let Ok(place) = state.queue.push(self.tick(now), waiting) else {
            drop(state);
            self.count("full");
            return Err(QueueRefused::Full);
        };
        if let Some(displaced) = place.displaced.and_then(|ticket| state.calls.remove(&ticket)) {
            let _ = displaced.send(Called::Displaced);
        }
        let (call, called) = oneshot::channel();
        state.calls.insert(place.ticket, call);
        self.set_timer(&mut state, opens_at.unwrap_or(now + UNKNOWN));
        drop(state);
        self.length.fetch_add(1, Ordering::Relaxed);
        self.waiting().inc();
        Ok(Standing { line: Arc::clone(self), ticket: place.ticket, called, outcome: "left" })
    }

    /// Calls the next one.
    pub fn let_one_in(&self) {
        let now = self.tick(Instant::now());
        let mut state = self.state.lock();
        while let Some(ticket) = state.queue.pop(now) {
            if state.calls.remove(&ticket).is_some_and(|call| call.send(Called::Turn).is_ok()) {
                return;
            }
        }
    }

    fn leave(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        state.queue.cancel(ticket);
        state.calls.remove(&ticket);
        if state.queue.is_empty()
            && let Some(timer) = state.timer.take()
        {
            timer.task.abort();
        }
        drop(state);
        self.length.fetch_sub(1, Ordering::Relaxed);
        self.waiting().dec();
    }

    /// The timer goes off at the earliest moment that anybody knows of.
    fn set_timer(self: &Arc<Self>, state: &mut State, at: Instant) {
        if state.timer.as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        let line = Arc::clone(self);
        let task = tokio::spawn(async move {
            sleep_until(at).await;
            line.time_is_over();
        });
        if let Some(earlier) = state.timer.replace(Timer { at, task: task.abort_handle() }) {
            earlier.task.abort();
        }
    }

    fn time_is_over(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.timer = None;
        // Whoever is let in and finds no room says when there will be; for the case that it leaves, somebody looks all the same.
        if !state.queue.is_empty() {
            self.set_timer(&mut state, Instant::now() + UNKNOWN);
        }
        drop(state);
        self.let_one_in();
    }

    fn tick(&self, at: Instant) -> Tick {
        Tick::default().after(at.saturating_duration_since(self.began))
    }

    fn count(&self, outcome: &'static str) {
        self.metrics.queue.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    fn waiting(&self) -> prometheus_client::metrics::gauge::Gauge {
        self.metrics.queue_waiting.get_or_create_owned(&ModelLabel { model: self.model.clone() })
    }
}
