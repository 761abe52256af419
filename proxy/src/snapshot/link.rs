//! Holds the configuration stream of the admin service: connects, resumes after the version it has, reconnects for ever.

use std::{sync::Arc, time::Duration};

use deltallm_shared::{control::ConfigMessage, secret::Secret, time_text::Timestamp};
use futures_util::StreamExt;
use parking_lot::Mutex;

use super::{last_known_good::LastKnownGood, store::Store};
use crate::{lifecycle::Lifecycle, telemetry::metrics::Metrics};

/// Without a line for this long the stream is taken for dead: three heartbeats.
const SILENCE: Duration = Duration::from_secs(10);
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MOST: Duration = Duration::from_secs(5);
/// A line is at most a full snapshot; beyond this something is wrong.
const MAX_LINE_BYTES: usize = 1 << 30;
/// How long changes are gathered before the file is written again.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The stream and where its messages go.
pub struct Link {
    /// The internal address of the admin service.
    pub admin_url: String,
    /// The internal API's token.
    pub token: Secret<String>,
    /// Takes the messages.
    pub store: Arc<Mutex<Store>>,
    /// Gets a copy.
    pub file: LastKnownGood,
    /// Is told that there is a configuration.
    pub lifecycle: Arc<Lifecycle>,
    /// Version and age.
    pub metrics: Arc<Metrics>,
}

impl Link {
    /// Runs for ever.
    pub async fn run(self, client: reqwest::Client) {
        let mut pause = RETRY_FIRST;
        loop {
            let began = Timestamp::now();
            let error = match self.follow(&client).await {
                Ok(()) => "the admin service ended the stream".to_owned(),
                Err(error) => error,
            };
            self.save();
            if Timestamp::now().since(began) > SILENCE {
                pause = RETRY_FIRST;
            }
            tracing::warn!(
                error,
                retry_ms = pause.as_millis(),
                "no configuration stream; serving on with what is known"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MOST);
        }
    }

    async fn follow(&self, client: &reqwest::Client) -> Result<(), String> {
        let after = self.store.lock().version();
        let url = format!("{}/internal/v1/config?after={after}", self.admin_url.trim_end_matches('/'));
        let request = client.get(url).bearer_auth(self.token.expose()).send();
        let response = tokio::time::timeout(SILENCE, request).await.map_err(|_| "no answer in time")?;
        let response = response.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
        let mut chunks = response.bytes_stream();
        let (mut buffer, mut last_save, mut unsaved) = (Vec::new(), tokio::time::Instant::now(), false);
        loop {
            let chunk = tokio::time::timeout(SILENCE, chunks.next()).await.map_err(|_| "it fell silent")?;
            let Some(chunk) = chunk else { return Ok(()) };
            buffer.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            while let Some(end) = memchr::memchr(b'\n', &buffer) {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                unsaved |= self.take(&line)?;
            }
            if buffer.len() > MAX_LINE_BYTES {
                return Err("a line is too long".to_owned());
            }
            if unsaved && last_save.elapsed() > WRITE_EVERY {
                self.save();
                (unsaved, last_save) = (false, tokio::time::Instant::now());
            }
        }
    }

    /// Applies a line; whether it changed anything.
    fn take(&self, line: &[u8]) -> Result<bool, String> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(false);
        }
        let message: ConfigMessage =
            serde_json::from_slice(line).map_err(|error| format!("a line cannot be read: {error}"))?;
        let mut store = self.store.lock();
        let changed = store.apply(message);
        self.metrics.config_version.set(store.version());
        self.lifecycle.heard_from_admin();
        Ok(changed)
    }

    fn save(&self) {
        let (version, snapshot) = self.store.lock().streamed();
        if version == 0 {
            return;
        }
        if let Err(error) = self.file.write(version, snapshot) {
            tracing::error!(%error, "the last-known-good configuration cannot be written");
        }
    }
}
