//! What the service does on its own now and then. Every replica does it; doing it twice changes nothing.

use std::{sync::Arc, time::Duration};

use deltallm_shared::config::{ProcessEnvironment, WatchedFile};
use tokio::sync::watch;

use crate::{error::AdminError, repository::upkeep, state::State};

const EVERY: Duration = Duration::from_mins(15);
const AGAIN_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Runs until the service stops.
pub async fn run(state: Arc<State>, mut stopping: watch::Receiver<bool>) {
    loop {
        let pause = match tidy(&state).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "upkeep failed; it is tried again");
                AGAIN_AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Takes over what changes in `config.yaml`, until the service stops.
pub async fn reload(state: Arc<State>, mut file: WatchedFile, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WatchedFile::EVERY) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        if let Some(config) = file.changed(&ProcessEnvironment) {
            *state.config.write() = Arc::new(config);
        }
    }
}

async fn tidy(state: &State) -> Result<(), AdminError> {
    let client = state.database.reserved_client().await?;
    upkeep::ensure_coming_partitions(&client).await?;
    let sessions = upkeep::forget_sessions(&client).await?;
    let changes = upkeep::forget_changes(&client).await?;
    if sessions + changes > 0 {
        tracing::info!(sessions, changes, "forgot sessions that were over and changes that every proxy has");
    }
    Ok(())
}
