//! What stands in PostgreSQL: read there, not through the service that wrote it.

use serde_json::Value;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::wait::eventually;

/// A connection to the system's database.
pub struct Books {
    client: Client,
}

/// The recorded call, or attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendRow {
    /// Makes it unique.
    pub event_id: Uuid,
    /// The caller's id of the request.
    pub request_id: String,
    /// HTTP status.
    pub status: i32,
    /// How it ended.
    pub outcome: String,
    /// The virtual key.
    pub key_id: Option<Uuid>,
    /// Public name of the model.
    pub model: String,
    /// Tokens of the prompt.
    pub input_tokens: i64,
    /// Tokens of the answer.
    pub output_tokens: i64,
    /// In nano-dollars; none where the price is unknown.
    pub cost_nano_usd: Option<i64>,
    /// What it is a record of: `call`, or a cost of the operator's own.
    pub kind: String,
    /// How often a deployment was asked.
    pub attempts: i32,
    /// What was decided on the way; null where nothing was.
    pub route: Value,
    /// The call that a cost of the operator's own was paid for.
    pub about: Option<Uuid>,
}

impl Books {
    pub(crate) async fn open(connection_string: &str) -> Self {
        let connected = tokio_postgres::connect(connection_string, NoTls).await;
        let (client, connection) = connected.expect("the database takes a connection");
        tokio::spawn(connection);
        Self { client }
    }

    /// All recorded calls, oldest first.
    pub async fn all(&self) -> Vec<SpendRow> {
        let rows = self
            .client
            .query(
                "SELECT event_id, request_id, status, outcome, key_id, model, input_tokens, output_tokens, \
                        cost_nano_usd, kind, attempts, route::text, about
                   FROM spend_event ORDER BY started_at, event_id",
                &[],
            )
            .await
            .expect("the recorded calls can be read");
        rows.iter()
            .map(|row| SpendRow {
                event_id: row.get(0),
                request_id: row.get(1),
                status: row.get(2),
                outcome: row.get(3),
                key_id: row.get(4),
                model: row.get(5),
                input_tokens: row.get(6),
                output_tokens: row.get(7),
                cost_nano_usd: row.get(8),
                kind: row.get(9),
                attempts: row.get(10),
                route: row
                    .get::<_, Option<&str>>(11)
                    .map_or(Value::Null, |text| serde_json::from_str(text).expect("a route is JSON")),
                about: row.get(12),
            })
            .collect()
    }

    /// The recorded calls with this request id.
    pub async fn of_request(&self, request_id: &str) -> Vec<SpendRow> {
        self.all().await.into_iter().filter(|row| row.request_id == request_id).collect()
    }

    /// The record of the call with this request id, once it is there.
    pub async fn call(&self, request_id: &str) -> SpendRow {
        let call = || async { self.of_request(request_id).await.into_iter().find(|row| row.kind == "call") };
        eventually(&format!("the call {request_id} stands in the database"), call).await
    }

    /// Requests and nano-dollars of a key in the running totals.
    pub async fn usage_of_key(&self, key_id: &str) -> Option<(i64, i64)> {
        let key_id: Uuid = key_id.parse().expect("a key's id is a UUID");
        let row = self
            .client
            .query_opt("SELECT requests, spend_nano_usd FROM key_usage WHERE key_id = $1", &[&key_id])
            .await
            .expect("the totals can be read");
        row.map(|row| (row.get(0), row.get(1)))
    }

    /// Events that the admin service put aside.
    pub async fn rejected_count(&self) -> i64 {
        let row = self.client.query_one("SELECT count(*) FROM spend_event_rejected", &[]).await;
        row.expect("the rejected events can be counted").get(0)
    }
}
