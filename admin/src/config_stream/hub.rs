//! Follows the database on one connection of its own and passes on what other replicas, and this one, have written.
//!
//! LISTEN says at once that something happened; the log of changes says what. Every few seconds it is read unasked too, which
//! also finds out that a connection has died quietly. While the database is away the streams stay open and beat.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::Client;
use futures_util::{StreamExt, stream};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Notification};
use uuid::Uuid;

use crate::{
    database::{Database, Driver},
    error::{AdminError, describe},
    repository::{change, change::Change, event, request},
    routes,
    state::State,
};

const CAPACITY: usize = 1024;
const BATCH: i64 = 500;
const LOOK_EVERY: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A notification holds 8,000 bytes: so many ids, and ours.
const IDS_PER_ANNOUNCEMENT: usize = 200;

/// What listeners are told.
#[derive(Clone, Debug)]
pub enum News {
    /// Something was written.
    Change(Change),
    /// The database was put back to an earlier state: what listeners know may not be so any more.
    WentBack,
}

/// Passes changes on to the listeners of this replica.
pub struct Hub {
    /// Tells our own announcements from others'.
    replica: Uuid,
    news: broadcast::Sender<News>,
    /// The last version passed on.
    version: AtomicI64,
}

impl Default for Hub {
    fn default() -> Self {
        Self { replica: Uuid::new_v4(), news: broadcast::channel(CAPACITY).0, version: AtomicI64::new(0) }
    }
}

impl Hub {
    /// Sets where to follow from. Called before the first listener can come: one that came earlier would have read a version
    /// that is older than this one, and would never be told of those between.
    pub async fn start(&self, database: &Database) -> Result<(), AdminError> {
        let version = change::version(&database.reserved_client().await?).await?;
        self.version.store(version, Ordering::Release);
        Ok(())
    }

    /// From now on, every change.
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Tells the other replicas which calls are new, for their live lists.
    pub async fn announce_events(&self, client: &Client, event_ids: &[Uuid]) -> Result<(), AdminError> {
        for ids in event_ids.chunks(IDS_PER_ANNOUNCEMENT) {
            let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            event::announce(client, &format!("{} {}", self.replica, ids.join(","))).await?;
        }
        Ok(())
    }

    /// Runs until the service stops.
    pub async fn follow(self: Arc<Self>, state: Arc<State>, mut stopping: watch::Receiver<bool>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let listened = tokio::select! {
                listened = self.listen(&state, &mut pause) => listened,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            };
            state.metrics.database_up.set(0);
            if let Err(error) = listened {
                tracing::warn!(%error, retry_ms = pause.as_millis(), "the database is away; changes wait");
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn listen(&self, state: &State, pause: &mut Duration) -> Result<(), AdminError> {
        let (listening, mut notifications) = open(&state.database).await?;
        *pause = FIRST_PAUSE;
        loop {
            within(self.pass_on(state)).await?;
            state.metrics.database_up.set(1);
            let first = match timeout(LOOK_EVERY, notifications.recv()).await {
                Ok(Some(notification)) => Some(notification),
                Ok(None) => return Err(AdminError::DatabaseAway("the listening connection ended".to_owned())),
                Err(_) => {
                    within(async { Ok(listening.simple_query("SELECT 1").await?) }).await?;
                    None
                }
            };
            let waiting = first.into_iter().chain(std::iter::from_fn(|| notifications.try_recv().ok()));
            for notification in waiting.filter(|found| found.channel() == event::CHANNEL).collect::<Vec<_>>() {
                self.show(state, notification.payload()).await;
            }
        }
    }

    /// Sends everything after the last version passed on.
    async fn pass_on(&self, state: &State) -> Result<(), AdminError> {
        let client = state.database.reserved_client().await?;
        loop {
            let last = self.version.load(Ordering::Acquire);
            let changes = change::after(&client, last, BATCH).await?;
            let Some(newest) = changes.last().map(|change| change.version) else {
                let current = change::version(&client).await?;
                if current < last {
                    tracing::warn!(current, last, "the configuration's version went back; following from there");
                    self.version.store(current, Ordering::Release);
                    let _ = self.news.send(News::WentBack);
                }
                state.metrics.config_version.set(current);
                return Ok(());
            };
            for change in changes {
                // Nobody listening is fine.
                let _ = self.news.send(News::Change(change));
            }
            self.version.store(newest, Ordering::Release);
        }
    }

    /// Shows calls that another replica recorded.
    async fn show(&self, state: &State, announcement: &str) {
        let Some((replica, ids)) = announcement.split_once(' ') else { return };
        if replica == self.replica.to_string() || !state.live.has_watchers() {
            return;
        }
        let ids: Vec<Uuid> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
        let found = async { request::by_ids(&state.database.reserved_client().await?, &ids).await };
        match found.await {
            Ok(rows) => state.live.show(rows.into_iter().map(|row| routes::requests::view(state, row))),
            Err(error) => tracing::warn!(%error, "another replica's calls were not shown live"),
        }
    }
}

/// A connection that listens, and what it hears.
async fn open(database: &Database) -> Result<(tokio_postgres::Client, mpsc::Receiver<Notification>), AdminError> {
    let (client, driver) = database.connect().await?;
    let (sender, receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(drive(driver, sender));
    let listen = format!("LISTEN {}; LISTEN {}", change::CHANNEL, event::CHANNEL);
    within(async { Ok(client.batch_execute(&listen).await?) }).await?;
    Ok((client, receiver))
}

/// Polls a connection to its end. Dropping the sender tells the other side.
async fn drive(mut driver: Driver, sender: mpsc::Sender<Notification>) {
    let mut messages = stream::poll_fn(|context| driver.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            // A full channel drops it: the log of changes is read every few seconds anyway.
            Ok(AsyncMessage::Notification(notification)) => drop(sender.try_send(notification)),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = describe(&error), "the listening connection broke");
                return;
            }
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, AdminError>>) -> Result<T, AdminError> {
    let silent = |_| AdminError::DatabaseAway(format!("no answer within {ANSWER_WITHIN:?}"));
    timeout(ANSWER_WITHIN, work).await.map_err(silent)?
}
