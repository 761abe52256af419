//! `GET /internal/v1/config?after=N`: what a proxy needs, and every change to it, for as long as the proxy listens.
//!
//! [`hub`] follows the database once per replica; each listener reads from it at its own pace. A listener that falls behind
//! catches up from the log of changes, and nobody waits for it.

pub mod hub;

use std::{collections::VecDeque, time::Duration};

use actix_web::{HttpResponse, http::header};
use bytes::Bytes;
use deltallm_shared::control::ConfigMessage;
use futures_util::stream;
use serde::Deserialize;
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{
    body::Query,
    config_stream::hub::News,
    error::AdminError,
    repository::{change, snapshot},
    state::Shared,
};

const HEARTBEAT: Duration = Duration::from_secs(3);
/// A listener further behind gets a snapshot: it is shorter than the way there.
const MAX_BEHIND: i64 = 5_000;

/// Where the listener is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    after: Option<i64>,
}

/// The handler.
pub async fn stream(state: Shared, Query(query): Query<StreamQuery>) -> Result<HttpResponse, AdminError> {
    // Subscribed first: what changes while the beginning is read is seen twice rather than never.
    let news = state.hub.subscribe();
    let (version, beginning) = beginning(&state, query.after.unwrap_or(0)).await?;
    state.metrics.config_streams.inc();
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stopping = state.stopping.clone();
    let listener = Listener { state, version, ready: beginning.into(), news, heartbeat, stopping };
    let lines = stream::unfold(listener, |mut listener| async move {
        let line = listener.next().await?;
        Some((Ok::<_, AdminError>(line), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(lines))
}

/// What the listener has to be told first, and the version that it is at then.
async fn beginning(state: &Shared, after: i64) -> Result<(i64, Vec<Bytes>), AdminError> {
    let mut client = state.database.client().await?;
    let current = change::version(&client).await?;
    if (1..=current).contains(&after) && current - after <= MAX_BEHIND {
        let changes = change::after(&client, after, MAX_BEHIND).await?;
        // Versions have no gaps, so a pruned log shows in the first one.
        let is_complete = changes.first().map_or(after == current, |first| first.version == after + 1);
        if is_complete {
            let version = changes.last().map_or(after, |last| last.version);
            let mut lines: Vec<Bytes> = changes.into_iter().map(|change| change.line).collect();
            lines.push(heartbeat_line(version)?);
            return Ok((version, lines));
        }
    }
    let (version, snapshot) = snapshot::read(&mut client).await?;
    Ok((version, vec![line(&ConfigMessage::Snapshot { version, snapshot })?]))
}

struct Listener {
    state: Shared,
    version: i64,
    ready: VecDeque<Bytes>,
    news: broadcast::Receiver<News>,
    heartbeat: Interval,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    /// The next piece; `None` ends the stream, and the proxy comes again.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let happening = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                news = self.news.recv() => Some(news),
                _ = self.heartbeat.tick() => None,
            };
            match happening {
                None => return heartbeat_line(self.version).ok(),
                Some(Ok(News::Change(change))) if change.version <= self.version => {}
                Some(Ok(News::Change(change))) if change.version == self.version + 1 => {
                    self.version = change.version;
                    return Some(change.line);
                }
                Some(Ok(News::Change(_)) | Err(broadcast::error::RecvError::Lagged(_))) => self.catch_up().await?,
                Some(Ok(News::WentBack) | Err(broadcast::error::RecvError::Closed)) => return None,
            }
        }
    }

    /// Reads what was missed. `None`: it cannot be had now.
    async fn catch_up(&mut self) -> Option<()> {
        let found = async {
            let client = self.state.database.client().await?;
            change::after(&client, self.version, MAX_BEHIND).await
        };
        let changes =
            found.await.inspect_err(|error| tracing::warn!(%error, "a config stream could not catch up")).ok()?;
        for change in changes {
            if change.version != self.version + 1 {
                return None;
            }
            self.version = change.version;
            self.ready.push_back(change.line);
        }
        Some(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.state.metrics.config_streams.dec();
    }
}

fn heartbeat_line(version: i64) -> Result<Bytes, AdminError> {
    line(&ConfigMessage::Heartbeat { version })
}

fn line(message: &ConfigMessage) -> Result<Bytes, AdminError> {
    let mut text = serde_json::to_string(message).map_err(|error| AdminError::Internal(error.to_string()))?;
    text.push('\n');
    Ok(text.into())
}
