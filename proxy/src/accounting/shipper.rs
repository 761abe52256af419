//! Carries settled records from the journal to the admin service: at least once, in order, for ever.
//!
//! The admin service stores each event once by its id, so a post that is repeated changes nothing. Without an admin service
//! nothing is shipped and the journal is the record.

use std::{sync::Arc, time::Duration};

use deltallm_shared::{
    event::{EventAck, EventBatch},
    secret::Secret,
    time_text::Timestamp,
};

use super::journal::Journal;
use crate::telemetry::metrics::{Metrics, OutcomeLabel};

/// Events are gathered for this long, so that a post carries many.
const GATHER: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(1);
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MOST: Duration = Duration::from_secs(10);
const POST_TIMEOUT: Duration = Duration::from_secs(30);

/// The way from the journal to the admin service.
pub struct Shipper {
    /// The internal address of the admin service.
    pub admin_url: String,
    /// The internal API's token.
    pub token: Secret<String>,
    /// Where the records stand.
    pub journal: Arc<Journal>,
    /// What operators see.
    pub metrics: Arc<Metrics>,
}

impl Shipper {
    /// Runs for ever.
    pub async fn run(self, client: reqwest::Client) {
        let mut retry = RETRY_FIRST;
        loop {
            match self.ship_one(&client).await {
                Ok(0) => {
                    self.journal.wait(IDLE).await;
                    tokio::time::sleep(GATHER).await;
                }
                Ok(events) => {
                    retry = RETRY_FIRST;
                    if events < EventBatch::MAX_EVENTS / 2 {
                        tokio::time::sleep(GATHER).await;
                    }
                }
                Err(error) => {
                    self.metrics.shipments.get_or_create(&OutcomeLabel { outcome: "failed" }).inc();
                    tracing::warn!(
                        error,
                        waiting = self.journal.undelivered(),
                        retry_ms = retry.as_millis(),
                        "spend events cannot be delivered; they stay in the journal"
                    );
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(RETRY_MOST);
                }
            }
        }
    }

    /// Posts the next batch; how many events it held.
    pub async fn ship_one(&self, client: &reqwest::Client) -> Result<usize, String> {
        let from = self.journal.acknowledged();
        let (events, next) =
            self.journal.read_after(from, EventBatch::MAX_EVENTS).map_err(|error| error.to_string())?;
        if events.is_empty() {
            self.metrics.journal_oldest_seconds.set(0);
            if next != from {
                self.journal.acknowledge(next, 0).map_err(|error| error.to_string())?;
            }
            return Ok(0);
        }
        let oldest = events.first().map_or(Duration::ZERO, |event| Timestamp::now().since(event.finished_at));
        self.metrics.journal_oldest_seconds.set(i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX));
        let batch = EventBatch { events };
        let ack = self.post(client, &batch).await?;
        for rejected in &ack.rejected {
            tracing::error!(event_id = %rejected.event_id, reason = rejected.reason, "the admin service put a spend event aside");
        }
        let answered = ack.accepted.len() + ack.rejected.len();
        if answered < batch.events.len() {
            return Err(format!("the admin service answered for {answered} of {} events", batch.events.len()));
        }
        self.journal.acknowledge(next, batch.events.len() as u64).map_err(|error| error.to_string())?;
        self.metrics.shipments.get_or_create(&OutcomeLabel { outcome: "delivered" }).inc();
        Ok(batch.events.len())
    }

    async fn post(&self, client: &reqwest::Client, batch: &EventBatch) -> Result<EventAck, String> {
        let url = format!("{}/internal/v1/events", self.admin_url.trim_end_matches('/'));
        let response = client.post(url).bearer_auth(self.token.expose()).timeout(POST_TIMEOUT).json(batch).send().await;
        let response = response.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
        response.json().await.map_err(|error| error.to_string())
    }
}
