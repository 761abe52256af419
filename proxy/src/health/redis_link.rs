//! The connection to Redis or Valkey. Nothing that serves a request waits for it: it belongs to the control thread.
//!
//! Every question has a time limit. Where one fails the connection is closed, and for a while, longer each time, nothing is asked:
//! what could not be told is told later, what could not be heard is done without.

use std::{sync::Arc, time::Duration};

use deltallm_shared::secret::Secret;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, aio::MultiplexedConnection};
use tokio::time::{Instant, timeout};

use crate::telemetry::metrics::Metrics;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(1);
/// For an answer.
const ANSWER: Duration = Duration::from_millis(50);
/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// See the module.
pub struct RedisLink {
    client: Client,
    connection: Option<MultiplexedConnection>,
    failures: u32,
    rests_until: Option<Instant>,
    metrics: Arc<Metrics>,
}

/// Redis cannot be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

impl RedisLink {
    /// Connects with the first question. The error says what is wrong with the address.
    pub fn new(url: &Secret<String>, metrics: Arc<Metrics>) -> Result<Self, RedisError> {
        // Two libraries for TLS are in the process, and this one asks for the one of choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::open(url.expose().as_str())?;
        Ok(Self { client, connection: None, failures: 0, rests_until: None, metrics })
    }

    /// Asks, within the limits.
    pub async fn ask<T: FromRedisValue>(&mut self, pipeline: &Pipeline) -> Result<T, Unreachable> {
        if self.rests_until.is_some_and(|until| until > Instant::now()) {
            return Err(Unreachable);
        }
        match self.try_to_ask(pipeline).await {
            Ok(answer) => {
                if self.failures > 0 {
                    tracing::info!("Redis answers again: replicas hear of each other");
                }
                (self.failures, self.rests_until) = (0, None);
                self.metrics.redis_up.set(1);
                Ok(answer)
            }
            Err(reason) => {
                if self.failures == 0 {
                    tracing::warn!(
                        reason,
                        "Redis cannot be asked: until it can, this replica knows only what it sees itself"
                    );
                }
                let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
                self.failures = self.failures.saturating_add(1);
                self.rests_until = Some(Instant::now() + pause);
                self.connection = None;
                self.metrics.redis_up.set(0);
                self.metrics.redis_failures.inc();
                Err(Unreachable)
            }
        }
    }

    async fn try_to_ask<T: FromRedisValue>(&mut self, pipeline: &Pipeline) -> Result<T, String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT))
                    .set_response_timeout(Some(ANSWER));
                let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
                let connected = timeout(CONNECT, connecting).await.map_err(|_| "no connection in time".to_owned())?;
                connected.map_err(|error| plain(&error))?
            }
        };
        let answer = timeout(ANSWER, pipeline.query_async(&mut connection)).await;
        let answer = answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| plain(&error))?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// Its kind and cause; Redis's own words hold no secret.
fn plain(error: &RedisError) -> String {
    error.to_string()
}
