//! What replicas tell each other of deployments: set aside until then, limited until then, well again.
//!
//! All of it is one hash in Redis or Valkey, with a field for each deployment and kind of news. Each replica writes what it found
//! and reads the whole each second: a few hundred bytes, because only deployments in trouble stand in it. Moments are of Redis's
//! own clock, so that replicas whose clocks differ agree. Runs on the control thread; what cannot be written waits for its turn.

use std::{collections::HashMap, sync::Arc, time::Duration};

use deltallm_routing::{stats::Transition, tick::Tick};
use deltallm_shared::ids::DeploymentId;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use super::redis_link::{RedisLink, Unreachable};
use crate::{
    routing::{HealthNews, now},
    snapshot::Live,
};

const KEY: &str = "deltallm:health:1";
/// The whole is forgotten where nobody has written for so long.
const KEY_LIFE_SECONDS: u32 = 86_400;
/// How often it is read.
const EVERY: Duration = Duration::from_secs(1);
/// What is over for so long is removed; by then every replica has heard of it.
const KEPT_MS: u64 = 600_000;
/// The longest pause that is believed.
const LONGEST: Duration = Duration::from_hours(24);

/// Where the news stand.
pub trait NewsBoard: Send {
    /// Writes, removes, and reads all of it.
    fn exchange(
        &mut self,
        writes: &[(String, String)],
        removals: &[String],
    ) -> impl Future<Output = Result<Heard, Unreachable>> + Send;
}

/// What stands on the board, and what time it is there, in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The time.
    pub now_ms: u64,
    /// All fields.
    pub fields: HashMap<String, String>,
}

impl NewsBoard for Arc<tokio::sync::Mutex<RedisLink>> {
    async fn exchange(&mut self, writes: &[(String, String)], removals: &[String]) -> Result<Heard, Unreachable> {
        // One key, so that it works wherever the hash stands.
        let mut ask = redis::pipe();
        if !removals.is_empty() {
            ask.hdel(KEY, removals).ignore();
        }
        if !writes.is_empty() {
            ask.hset_multiple(KEY, writes).ignore();
            ask.expire(KEY, KEY_LIFE_SECONDS.into()).ignore();
        }
        ask.cmd("TIME").hgetall(KEY);
        let ((seconds, micros), fields): ((u64, u64), HashMap<String, String>) = self.lock().await.ask(&ask).await?;
        Ok(Heard { now_ms: seconds.saturating_mul(1000).saturating_add(micros / 1000), fields })
    }
}

/// One kind of news of one deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    SetAside(DeploymentId),
    Limited(DeploymentId),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    /// `None`: well.
    until: Option<Tick>,
    fault: &'static str,
}

/// See the module.
pub struct SharedHealth {
    live: Arc<Live>,
    /// This replica's name on the board.
    me: String,
    /// What is not written yet: the latest of each subject.
    unwritten: Mutex<HashMap<Subject, Found>>,
    wake: Notify,
}

impl HealthNews for SharedHealth {
    fn changed(&self, deployment: DeploymentId, _model: &str, transition: Transition) {
        let (subject, found) = match transition {
            Transition::SetAside { until, fault } => {
                (Subject::SetAside(deployment), Found { until: Some(until), fault: fault.name() })
            }
            Transition::Limited { until } => {
                (Subject::Limited(deployment), Found { until: Some(until), fault: "rate_limit" })
            }
            Transition::Recovered => (Subject::SetAside(deployment), Found { until: None, fault: "none" }),
        };
        self.unwritten.lock().insert(subject, found);
        self.wake.notify_one();
    }
}

impl SharedHealth {
    /// `me`: a name that no other replica has.
    pub fn new(live: Arc<Live>, me: String) -> Self {
        Self { live, me, unwritten: Mutex::default(), wake: Notify::new() }
    }

    /// Tells and listens, for ever.
    pub async fn run(self: Arc<Self>, mut board: impl NewsBoard) {
        let mut listener = Listener::default();
        loop {
            self.turn(&mut board, &mut listener).await;
            let _ = timeout(EVERY, self.wake.notified()).await;
        }
    }

    async fn turn(&self, board: &mut impl NewsBoard, listener: &mut Listener) {
        // Before the first answer nobody knows what time it is there.
        if listener.clock.is_none() {
            self.exchange(board, listener, &HashMap::new()).await;
        }
        let unwritten = match listener.clock {
            Some(_) => std::mem::take(&mut *self.unwritten.lock()),
            None => return,
        };
        if !self.exchange(board, listener, &unwritten).await {
            let mut later = self.unwritten.lock();
            for (subject, found) in unwritten {
                later.entry(subject).or_insert(found);
            }
        }
    }

    async fn exchange(
        &self,
        board: &mut impl NewsBoard,
        listener: &mut Listener,
        unwritten: &HashMap<Subject, Found>,
    ) -> bool {
        let writes: Vec<(String, String)> = match listener.clock {
            Some(clock) => unwritten.iter().map(|(subject, found)| self.line(clock, *subject, *found)).collect(),
            None => Vec::new(),
        };
        let removals = std::mem::take(&mut listener.over);
        let asked_at = now();
        let Ok(heard) = board.exchange(&writes, &removals).await else {
            // What time it is there is asked anew: it may be another server.
            listener.clock = None;
            return false;
        };
        let clock = Clock { there_ms: heard.now_ms, here: asked_at };
        listener.clock = Some(clock);
        for (field, value) in &heard.fields {
            let Some((subject, word)) = Subject::parse(field).zip(Word::parse(value)) else { continue };
            if word.until_ms.max(word.at_ms).saturating_add(KEPT_MS) < heard.now_ms {
                listener.over.push(field.clone());
            }
            let is_new = listener.heard.get(field) != Some(value);
            if is_new && (word.by == self.me || self.believe(clock, subject, &word)) {
                listener.heard.insert(field.clone(), value.clone());
            }
        }
        listener.heard.retain(|field, _| heard.fields.contains_key(field));
        true
    }

    fn line(&self, clock: Clock, subject: Subject, found: Found) -> (String, String) {
        let until = found.until.map_or(0, |until| clock.there(until));
        (subject.field(), format!("{until} {} {} {}", clock.there(now()), found.fault, self.me))
    }

    /// Whether the deployment is known here.
    fn believe(&self, clock: Clock, subject: Subject, word: &Word<'_>) -> bool {
        let snapshot = self.live.snapshot.load();
        let (Subject::SetAside(id) | Subject::Limited(id)) = subject;
        let mut found = snapshot.models.values().flat_map(|group| group.iter().map(move |one| (group, one)));
        let Some((group, deployment)) = found.find(|(_, deployment)| deployment.id == id) else { return false };
        let model = &deployment.model_name;
        if word.until_ms == 0 {
            if deployment.stats.checked(now(), Ok(()), &group.routing.circuit).is_some() {
                tracing::info!(deployment = %id, model, "another replica found a deployment well again");
            }
            return true;
        }
        let Some(until) = clock.here(word.until_ms) else { return true };
        let seconds = until.since(now()).as_secs();
        tracing::info!(deployment = %id, model, fault = word.fault, seconds, "another replica set a deployment aside");
        match subject {
            Subject::SetAside(_) => deployment.stats.told(Some(until), None),
            Subject::Limited(_) => deployment.stats.told(None, Some(until)),
        }
        true
    }
}

/// What this replica has heard.
#[derive(Default)]
struct Listener {
    clock: Option<Clock>,
    heard: HashMap<String, String>,
    /// Fields that nobody needs any more.
    over: Vec<String>,
}

/// The same moment there and here.
#[derive(Clone, Copy)]
struct Clock {
    there_ms: u64,
    here: Tick,
}

impl Clock {
    fn there(self, moment: Tick) -> u64 {
        let millis = |pause: Duration| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let (later, earlier) = (millis(moment.since(self.here)), millis(self.here.since(moment)));
        self.there_ms.saturating_add(later).saturating_sub(earlier)
    }

    /// `None`: it is over.
    fn here(self, moment_ms: u64) -> Option<Tick> {
        let left = moment_ms.checked_sub(self.there_ms).filter(|left| *left > 0)?;
        Some(self.here.after(Duration::from_millis(left).min(LONGEST)))
    }
}

impl Subject {
    fn field(self) -> String {
        match self {
            Self::SetAside(id) => format!("{id}:set_aside"),
            Self::Limited(id) => format!("{id}:limited"),
        }
    }

    fn parse(field: &str) -> Option<Self> {
        let (id, kind) = field.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "set_aside" => Some(Self::SetAside(id)),
            "limited" => Some(Self::Limited(id)),
            _ => None,
        }
    }
}

/// One field's value: until when (0: well), when it was written, why, by whom.
struct Word<'a> {
    until_ms: u64,
    at_ms: u64,
    fault: &'a str,
    by: &'a str,
}

impl<'a> Word<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let mut parts = value.split(' ');
        let (until_ms, at_ms) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { until_ms, at_ms, fault: parts.next()?, by: parts.next()? })
    }
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
